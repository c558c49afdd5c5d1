"""A running service, over both databases and over the quicker one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.service import Person, Service, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def service(sqlite_url: str) -> AsyncIterator[Service]:
    """The service over SQLite, for what does not depend on the database."""
    async with running_service(sqlite_url) as started:
        yield started


@pytest.fixture
async def ada(service: Service) -> Person:
    """A user of `service`."""
    return await service.register()


@pytest.fixture
async def any_service(database_url: str) -> AsyncIterator[Service]:
    """The service over each database."""
    async with running_service(database_url) as started:
        yield started


@pytest.fixture
async def bob(any_service: Service) -> Person:
    """A user of `any_service`."""
    return await any_service.register("bob@example.com", "Bob")
