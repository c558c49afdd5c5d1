"""The keys that seal stored secrets: made of the settings, checked, and changed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from composition.databases import prepare_database
from persistence import migrations
from persistence.database import Database
from persistence.unit_of_work import SqlUnitOfWork
from services.configuration import secret_keys
from services.core.errors import DatabaseUnavailableError
from services.keyring import KeyRing
from services.system import SystemClock, SystemIds
from services.token_vault import TokenVault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.core.ports import Ids
    from services.keyring import Rotation
    from services.settings import Settings


def token_vault(settings: Settings, ids: Ids) -> TokenVault:
    """The vault under the keys of the settings; a key that is kept beside the database is read, or made.

    Raises:
        SettingsError: There is no key, and none can be kept.
    """
    return TokenVault.from_secrets(*secret_keys(settings, ids), ids=ids)


async def check_keys_early(settings: Settings) -> None:
    """Refuse a wrong key before the server starts, where there is a database to ask already.

    Raises:
        SettingsError: A key is missing.
    """
    file = settings.sqlite_file
    if settings.sqlite and (file is None or not file.exists()):
        return
    try:
        url = settings.database_url.get_secret_value()
        if await migrations.current_revision(url) == migrations.head_revision():
            async with _key_ring(settings) as ring:
                await ring.check()
    except (DatabaseUnavailableError, ValueError):
        return  # The server says what is the matter with the database.


async def rotate(settings: Settings, *, forget_unreadable: bool) -> Rotation:
    """Seal everything that is stored with the current key.

    Args:
        settings: As loaded.
        forget_unreadable: Erase what no key opens.

    Raises:
        SettingsError: The database or the keys cannot be used.
    """
    await prepare_database(settings, migrate=settings.sqlite)
    async with _key_ring(settings) as ring:
        return await ring.rotate(forget_unreadable=forget_unreadable)


@asynccontextmanager
async def _key_ring(settings: Settings) -> AsyncIterator[KeyRing]:
    ids, database = SystemIds(), Database(settings.database_url.get_secret_value())
    try:
        vault = token_vault(settings, ids)
        yield KeyRing(uow=SqlUnitOfWork(database), vault=vault, clock=SystemClock())
    finally:
        await database.dispose()
