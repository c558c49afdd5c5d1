"""Start page, health, readiness, CORS, logs, and how the process starts and refuses to."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from schemas.common import HealthOut, LinksOut, ReadyOut
from services.channel_service import ChannelService
from services.core.errors import DatabaseUnavailableError, SettingsError
from services.core.policy import SyncPolicy
from services.signals import Signals
from services.system import SystemClock, SystemIds
from tests.api.service import SLOT, problem, running_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.core.storage import Transaction
    from tests.api.service import Person, Service
    from tests.databases import PostgresServer

ROOT = Path(__file__).parents[2]


async def test_the_public_pages(any_service: Service) -> None:
    http = any_service.http
    LinksOut.model_validate_json((await http.get("/")).content)
    assert HealthOut.model_validate_json((await http.get("/health")).content).status == "ok"
    ready = await http.get("/ready")
    assert (ready.status_code, ReadyOut.model_validate_json(ready.content).problems) == (200, {})


async def test_the_simulated_google_is_found_without_its_last_slash(service: Service) -> None:
    answer = await service.http.get("/sandbox")
    assert (answer.status_code, answer.headers["location"]) == (307, "/sandbox/")
    page = await service.http.get("/sandbox", follow_redirects=True)
    assert page.status_code == 200
    assert page.url.path == "/sandbox/"


async def test_a_service_that_stopped_working_is_not_ready(service: Service) -> None:
    service.parts.worker.stop(timedelta(0))
    working = service.parts.readiness.working
    assert working is not None
    await asyncio.wait([working])
    answer = await service.http.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"worker": "is not running"}


async def test_only_listed_origins_may_read_answers(sqlite_url: str) -> None:
    async with running_service(sqlite_url, cors_origins="https://app.example.com") as service:
        for origin, allowed in (("https://app.example.com", True), ("https://evil.example", False)):
            answer = await service.http.get("/slots", headers={"origin": origin})
            assert answer.status_code == 401
            assert (answer.headers.get("access-control-allow-origin") == origin) is allowed
            preflight = {
                "origin": origin,
                "access-control-request-method": "PATCH",
                "access-control-request-headers": "authorization,if-match",
            }
            asked = await service.http.options("/slots/x", headers=preflight)
            assert (asked.status_code == 200) is allowed


async def test_no_origin_is_allowed_unasked(service: Service) -> None:
    answer = await service.http.get("/health", headers={"origin": "https://app.example.com"})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_request_is_one_line_without_secrets(ada: Person, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        slot = await ada.create(title="canary title", description="canary description")
        await ada.get(f"/slots/{slot['id']}?canary=query")
        await ada.get("/slots?q=canary")
        await ada.get("/auth/google/authorize")
    lines = [record for record in caplog.records if record.name == "api.requests"]
    routes = [vars(record)["route"] for record in lines]
    assert routes == ["/slots", "/slots/{slot_id}", "/slots", "/auth/google/authorize"]
    assert [vars(record)["status"] for record in lines] == [201, 200, 200, 200]
    # The client of this story logs what it asks for.
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    everything = "\n".join(f"{record.getMessage()} {vars(record)}" for record in ours)
    for secret in ("canary", ada.key, ada.key[-20:]):
        assert secret not in everything


def start(*command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip


REFUSED: list[tuple[str, dict[str, str]]] = [
    ("PORT", {"PORT": "http"}),
    ("LOG_LEVEL", {"LOG_LEVEL": "LOUD"}),
    ("DATABASE_URL", {"DATABASE_URL": "mysql://localhost/x"}),
    ("SECRET_KEY", {"PUBLIC_BASE_URL": "https://calendar.example.com", "DATABASE_URL": "sqlite:///x.db"}),
]


@pytest.mark.parametrize(("variable", "variables"), REFUSED)
def test_a_bad_setting_stops_the_start_with_one_sentence(
    variable: str, variables: dict[str, str], tmp_path: Path
) -> None:
    ended = start(str(ROOT / "main.py"), folder=tmp_path, **variables)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith(f"{variable} ")
    assert ended.stderr.endswith(".\n")
    assert list(tmp_path.iterdir()) == []


async def test_a_wrong_secret_key_is_one_sentence_for_uvicorn_too(sqlite_url: str, tmp_path: Path) -> None:
    async with running_service(sqlite_url):
        pass
    wrong = {"DATABASE_URL": sqlite_url, "SECRET_KEY": "not the key of these stories"}
    command = ("-m", "uvicorn", "main:app", "--port", "0")
    ended = await asyncio.to_thread(start, *command, folder=tmp_path, **wrong)
    assert ended.returncode != 0
    assert "SECRET_KEY does not open what this database has encrypted" in ended.stderr
    for noise in ("Traceback", "Warning"):
        assert noise not in ended.stderr


def test_a_bad_setting_is_one_sentence_for_uvicorn_too(tmp_path: Path) -> None:
    ended = start("-m", "uvicorn", "main:app", "--port", "0", folder=tmp_path, REGISTRATION="maybe")
    assert ended.returncode != 0
    assert "REGISTRATION should be 'open' or 'admin'." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_importing_needs_nothing_and_opens_nothing(tmp_path: Path) -> None:
    ended = start("-c", "import main", folder=tmp_path, PORT="nonsense")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("style", ["json", "text"])
def test_logs_are_structured_and_redacted(tmp_path: Path, style: str) -> None:
    program = f"""
import logging
from services.logging_setup import configure_logging
configure_logging(level="INFO", style="{style}")
log = logging.getLogger("story")
log.info("sent %s", "Authorization: Bearer gcs_{"0" * 32}_abcdefghijklmnopqrstuvwxyz", extra={{"slot": "7"}})
log.info("url https://x.example/cb?code=4/0AabcdefgHIJ&state=abcdefghij")
log.info("token ya29.a0AfH6SMBx and 1//0gabcdefghijklmnop and postgresql://user:hunter22@host/db")
log.debug("not shown")
try:
    raise ValueError("refresh_token=abcdefgh12345")
except ValueError:
    log.exception("failed")
"""
    ended = start("-c", program, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    for secret in ("abcdefgh", "AabcdefgHIJ", "a0AfH6SMBx", "hunter22"):
        assert secret not in ended.stderr
    assert "not shown" not in ended.stderr
    if style == "json":
        lines: list[dict[str, Any]] = [json.loads(line) for line in ended.stderr.splitlines()]
        assert lines[0]["slot"] == "7"
        assert lines[0]["level"] == "info"
        assert "ValueError" in lines[-1]["exception"]


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_server_that_logs_whole_addresses_tells_no_feed_key(tmp_path: Path, style: str) -> None:
    program = f"""
import logging.config
from uvicorn.config import LOGGING_CONFIG
from services.logging_setup import configure_logging
logging.config.dictConfig(LOGGING_CONFIG)
configure_logging(level="DEBUG", style="{style}")
path = "/slots/feed.ics?key=gcf_{"0" * 32}_abcdefghijklmnopqrstuvwxyz"
logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "::1", "GET", path, "1.1", 200)
logging.getLogger("uvicorn.error").warning("gave up on %s", path)
"""
    ended = start("-c", program, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "abcdefgh" not in ended.stdout + ended.stderr
    assert "gave up on /slots/feed.ics?key=[redacted]" in ended.stderr


async def test_the_simulator_remembers_across_restarts(sqlite_url: str) -> None:
    async with running_service(sqlite_url) as service:
        ada = await service.register()
        await service.connect(ada)
        await ada.post("/slots", json=SLOT, headers={"prefer": "wait=20"})
    async with running_service(sqlite_url) as service:
        ada.http = service.http
        events = await service.sandbox("GET", "/calendars/ada@example.com/primary/events")
        assert [each["summary"] for each in events["events"]] == ["Review"]
        answer = await ada.post("/sync/trigger")
        assert (answer.status_code, answer.json()["failed"]) == (200, 0)
        assert await ada.titles(sync_state="synced") == ["Review"]


async def test_replicas_do_not_migrate(postgres: PostgresServer) -> None:
    name = await postgres.create_database(template="template0")
    with pytest.raises(SettingsError) as caught:
        async with running_service(postgres.url(name)):
            pass
    assert caught.value.variable == "DATABASE_URL"
    assert "alembic upgrade head" in caught.value.detail
    await postgres.drop_database(name)


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    for url in ("postgresql://127.0.0.1:1/none", f"sqlite:///{tmp_path}", "sqlite:///:memory:"):
        with pytest.raises(SettingsError) as caught:
            async with running_service(url):
                pass
        assert caught.value.variable == "DATABASE_URL"


class NoDatabase:
    """A unit of work whose database is away."""

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Transaction]:
        raise DatabaseUnavailableError
        yield

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        raise DatabaseUnavailableError
        yield


async def test_google_is_told_to_retry_while_the_database_is_away(service: Service) -> None:
    container = service.app.state.container
    channels = ChannelService(
        uow=NoDatabase(),
        calendars=service.parts.calendars,
        clock=SystemClock(),
        ids=SystemIds(),
        signals=Signals(),
        policy=SyncPolicy(),
        address=None,
    )
    service.app.state.container = replace(container, channels=channels)
    headers = {"x-goog-channel-id": "0" * 64, "x-goog-channel-token": "x", "x-goog-resource-state": "exists"}
    answer = await service.http.post("/webhooks/google-calendar", headers=headers)
    problem(answer, 503, "database-unavailable")
    assert answer.headers["retry-after"].isdigit()
