"""Runs migrations: over a connection that a program hands in, or from the shell over one of its own."""

import asyncio
import sys
from logging.config import fileConfig

from alembic import context
from persistence.diagnosis import diagnosis
from persistence.migrations import configured_url, migration_connection
from persistence.models import metadata
from services.core.errors import DatabaseUnavailableError

# Any number will do as long as nobody else uses it.
ADVISORY_LOCK = 7_302_114_955


def run_migrations(connection):
    """Migrate in one transaction; on PostgreSQL one replica after the other."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        # Also on SQLite, where only its driver stands in the way, see migration_connection.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
        context.run_migrations()


def run_offline():
    """Write the SQL instead of running it."""
    url = required_url()
    context.configure(dialect_name=url.get_backend_name(), target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


async def run_online():
    """Migrate the configured database."""
    url = required_url()
    try:
        async with migration_connection(url) as connection:
            await connection.run_sync(run_migrations)
    except DatabaseUnavailableError as error:
        give_up(diagnosis(error, url))


def required_url():
    """The configured URL, which must be one."""
    try:
        return configured_url()
    except ValueError as error:
        give_up(f"cannot be used: {error}")


def give_up(detail):
    """Say why in one sentence, where alembic would print a traceback."""
    sys.stderr.write(f"DATABASE_URL {detail}.\n")
    sys.exit(1)


if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
given = context.config.attributes.get("connection")
if given is not None:
    run_migrations(given)
elif context.is_offline_mode():
    run_offline()
else:
    asyncio.run(run_online())
