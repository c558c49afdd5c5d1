"""The database before anybody works with it: migrated, or seen to be; refused in words of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from persistence import migrations
from persistence.database import Database
from persistence.diagnosis import diagnosis
from persistence.restored import Continued, continue_after_restore
from persistence.urls import database_url
from services.core.errors import DatabaseUnavailableError, SettingsError

if TYPE_CHECKING:
    from datetime import datetime

    from services.settings import Settings


async def prepare_database(settings: Settings, *, migrate: bool) -> None:
    """Migrate the database, or see that somebody did.

    Raises:
        SettingsError: It cannot be used as it is, or there is none.
    """
    url = settings.database_url.get_secret_value()
    file = settings.sqlite_file
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            detail = f"names a file in {file.parent}, which is no directory and cannot be made one"
            raise SettingsError("DATABASE_URL", detail) from None
    try:
        if migrate:
            await migrations.upgrade(url)
        elif await migrations.current_revision(url) != migrations.head_revision():
            raise SettingsError(
                "DATABASE_URL", "names a database of another revision: run `alembic upgrade head` first"
            )
    except ValueError as error:
        raise SettingsError("DATABASE_URL", f"cannot be used: {error}") from None
    except DatabaseUnavailableError as error:
        raise SettingsError("DATABASE_URL", diagnosis(error, database_url(url))) from None


async def continue_restored(settings: Settings, *, now: datetime) -> Continued:
    """Migrate a database that was restored from a backup, and make it ready; nobody may use it meanwhile.

    Args:
        settings: As loaded.
        now: Aware, UTC.

    Raises:
        SettingsError: It cannot be used as it is, or there is none.
    """
    await prepare_database(settings, migrate=True)
    database = Database(settings.database_url.get_secret_value())
    try:
        return await continue_after_restore(database, now=now)
    finally:
        await database.dispose()
