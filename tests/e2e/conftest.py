"""Real processes for stories: shared ones for those that leave them as they were, and ones to break."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.e2e.public import PUBLIC
from tests.e2e.servers import LIMITED, GoogleServer, Server
from tests.e2e.world import Person, somebody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.databases import PostgresServer

_LINES_SHOWN = 40


@pytest.fixture(scope="session")
def shared_google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleServer]:
    google = GoogleServer(tmp_path_factory.mktemp("google"))
    try:
        google.start()
        yield google
    finally:
        google.close()


@dataclass
class Shared:
    """Servers that many stories share, each started when the first one asks for it."""

    request: pytest.FixtureRequest
    folders: pytest.TempPathFactory
    google: GoogleServer
    started: dict[tuple[str, ...], Server] = field(default_factory=dict)

    def server(self, database: str, **settings: str) -> Server:
        """The one over this kind of database with these settings."""
        wanted = (database, *(f"{name}={value}" for name, value in sorted(settings.items())))
        if wanted not in self.started:
            folder = self.folders.mktemp("server")
            url = self._database(database, folder)
            self.started[wanted] = Server(folder, database_url=url, google=self.google, **settings)
            self.started[wanted].start()
        return self.started[wanted]

    def _database(self, kind: str, folder: Path) -> str:
        if kind == "sqlite":
            shutil.copy(self.request.getfixturevalue("sqlite_template"), folder / "shared.db")
            return f"sqlite:///{folder / 'shared.db'}"
        postgres: PostgresServer = self.request.getfixturevalue("postgres")
        return postgres.url(asyncio.run(postgres.create_database()))


@pytest.fixture(scope="session")
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, shared_google: GoogleServer
) -> Iterator[Shared]:
    made = Shared(request, tmp_path_factory, shared_google)
    try:
        yield made
    finally:
        for server in made.started.values():
            server.close()


@pytest.fixture
def service(request: pytest.FixtureRequest, shared: Shared) -> Iterator[Server]:
    """The service over SQLite, shared; it must be as healthy after the story as before."""
    yield from _watched(request, shared.server("sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def any_service(request: pytest.FixtureRequest, shared: Shared) -> Iterator[Server]:
    """The same over each database."""
    yield from _watched(request, shared.server(request.param))


@pytest.fixture(params=["sqlite", "postgresql"])
def public_service(request: pytest.FixtureRequest, shared: Shared) -> Iterator[Server]:
    """The service as it is on the internet, over each database."""
    yield from _watched(request, shared.server(request.param, **PUBLIC))


@pytest.fixture(params=["sqlite", "postgresql"])
def limited_service(request: pytest.FixtureRequest, shared: Shared) -> Iterator[Server]:
    """The service with its rate limits, over each database; a story chooses where it comes from."""
    yield from _watched(request, shared.server(request.param, **LIMITED))


@pytest.fixture
async def ada(any_service: Server, shared_google: GoogleServer) -> AsyncIterator[Person]:
    """A person whose account is linked, over each database; Google's answers are checked at the end."""
    async with somebody(any_service.url, shared_google.url) as person:
        await person.connect()
        yield person
        await person.google.no_more_faults()
        await person.google.check_answers(carried=frozenset({"aFieldOfTheFuture"}))


@pytest.fixture
async def bob(service: Server, shared_google: GoogleServer) -> AsyncIterator[Person]:
    """The same over SQLite, for what does not depend on the database."""
    async with somebody(service.url, shared_google.url, "bob") as person:
        await person.connect()
        yield person
        await person.google.no_more_faults()
        await person.google.check_answers()


@dataclass
class Machines:
    """Starts processes of a story's own; all are ended with it, and none may have complained."""

    folder: Path
    started: list[Server | GoogleServer] = field(default_factory=list)
    expected: str | None = None
    """What the errors in the log say that the story is about."""

    def google(self, **options: object) -> GoogleServer:
        google = GoogleServer(self.folder, **options)  # type: ignore[arg-type]
        self.started.append(google)
        google.start()
        return google

    def server(self, database_url: str | None, google: GoogleServer | None, **settings: str) -> Server:
        server = Server(self.folder, database_url=database_url, google=google, **settings)
        self.started.append(server)
        server.start()
        return server


@pytest.fixture
def machines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machines]:
    made = Machines(tmp_path)
    try:
        yield made
    finally:
        for each in made.started:
            each.close()
    for each in made.started:
        _report(request, each, 0, made.expected)


def _watched(request: pytest.FixtureRequest, server: Server) -> Iterator[Server]:
    since = len(server.process.lines)
    yield server
    _report(request, server, since)


def _report(
    request: pytest.FixtureRequest, process: Server | GoogleServer, since: int, expected: str | None = None
) -> None:
    """Show the log of a story that failed; a complaint makes the story fail."""
    latest = max(since, len(process.process.lines) - _LINES_SHOWN)
    request.node.add_report_section("teardown", "log", process.process.output(latest))
    complaints = [line for line in process.complaints(since) if expected is None or expected not in line]
    assert not complaints, "\n".join(complaints)
