"""The simulator as a process of its own, met by other people's unmodified clients."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import gcal_sync.api
import gcal_sync.sync
import httplib2
import httpx
import pytest
from aiohttp import web
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.sandbox.driver import ANN, EVENTS, timed
from tests.sandbox.process import PeerAuth, Server, running


class TestTheOfficialClient:
    @pytest.fixture
    def calendar(self, server: Server) -> Iterator[Any]:
        credentials = Credentials(server.token)
        with build(
            "calendar",
            "v3",
            credentials=credentials,
            client_options={"api_endpoint": server.url + "/calendar/v3/"},
            static_discovery=True,
        ) as service:
            yield service

    def test_it_creates_reads_changes_and_deletes(self, calendar: Any) -> None:
        events = calendar.events()
        made = events.insert(calendarId="primary", body={"summary": "Lunch", **timed()}).execute()
        assert events.get(calendarId="primary", eventId=made["id"]).execute() == made
        change = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "Dinner"})
        assert change.execute()["summary"] == "Dinner"
        stale = events.patch(calendarId="primary", eventId=made["id"], body={})
        stale.headers["If-Match"] = made["etag"]
        with pytest.raises(HttpError) as refused:
            stale.execute()
        assert (refused.value.status_code, refused.value.reason) == (412, "Precondition Failed")
        assert events.delete(calendarId="primary", eventId=made["id"]).execute() == ""

    def test_it_syncs_in_full_and_then_by_changes(self, server: Server, calendar: Any) -> None:
        server.control(f"/calendars/{ANN}/primary/events/bulk", count=120)
        events = calendar.events()
        request = events.list(calendarId="primary", maxResults=50)
        found: list[Any] = []
        answer: Any = None
        while request is not None:
            answer = request.execute()
            found += answer["items"]
            request = events.list_next(request, answer)
        assert len({item["id"] for item in found}) == 120
        server.control(f"/calendars/{ANN}/primary/events", id=found[0]["id"], status="cancelled")
        delta = events.list(calendarId="primary", syncToken=answer["nextSyncToken"]).execute()
        assert [item["status"] for item in delta["items"]] == ["cancelled"]

    def test_its_batches_work(self, server: Server, calendar: Any) -> None:
        answers: dict[str, Any] = {}
        batch = calendar.new_batch_http_request(
            callback=lambda name, answer, _error: answers.update({name: answer})
        )
        batch._batch_uri = server.url + "/batch/calendar/v3"  # its address is compiled in
        for number in range(3):
            body = {"summary": str(number), **timed()}
            batch.add(calendar.events().insert(calendarId="primary", body=body), request_id=f"part-{number}")
        batch.execute()
        assert {answer["summary"] for answer in answers.values()} == {"0", "1", "2"}

    def test_it_refreshes_its_own_token(self, server: Server) -> None:
        tokens = server.control("/tokens", account=ANN, client_id="app")
        server.control("/access-tokens/expire", account=ANN)
        credentials = Credentials(
            tokens["access_token"],
            refresh_token=tokens["refresh_token"],
            token_uri=server.url + "/token",
            client_id="app",
            client_secret="secret",
        )
        options = {"api_endpoint": server.url + "/calendar/v3/"}
        with build(
            "calendar", "v3", credentials=credentials, client_options=options, static_discovery=True
        ) as service:
            assert service.calendarList().list().execute()["items"][0]["id"] == ANN
        assert credentials.token != tokens["access_token"]

    def test_a_cut_connection_reaches_it_as_one(self, server: Server, calendar: Any) -> None:
        fault = {"match": {"method": "GET"}, "times": 3, "action": {"kind": "drop_before"}}
        server.control("/faults", **fault)
        with pytest.raises((ConnectionError, httplib2.HttpLib2Error, OSError)):
            calendar.events().list(calendarId="primary").execute()


async def test_gcal_sync_syncs_in_full_and_then_by_changes(server: Server) -> None:
    server.control(f"/calendars/{ANN}/primary/events/bulk", count=1500)
    async with aiohttp.ClientSession() as session:
        auth = PeerAuth(session, server.url + "/calendar/v3", server.token)
        api = gcal_sync.api.GoogleCalendarService(auth)
        sync = gcal_sync.sync.CalendarEventSyncManager(api, ANN)
        await sync.run()
        stored = (await sync._store.async_load() or {})["items"]
        assert len(stored) == 1500
        made = server.control(f"/calendars/{ANN}/primary/events", summary="New", **timed())
        gone = next(iter(stored))
        server.control(f"/calendars/{ANN}/primary/events", id=gone, status="cancelled")
        await sync.run()
        stored = (await sync._store.async_load() or {})["items"]
        assert stored[made["id"]]["summary"] == "New"
        assert stored[gone]["status"] == "cancelled"
        calendars = await api.async_list_calendars()
        assert [one.id for one in calendars.items] == [ANN]


def test_the_state_survives_a_kill(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "google.db"))
    with running(*state) as (process, url):
        server = Server(url)
        token = server.open_account()
        made = server.http.post(EVENTS, json=timed()).json()
        sync = server.http.get(EVENTS).json()["nextSyncToken"]
        server.http.delete(f"{EVENTS}/{made['id']}")
        server.http.close()
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with running(*state) as (process, url):
        headers = {"authorization": "Bearer " + token}
        delta = httpx.get(url + EVENTS, params={"syncToken": sync}, headers=headers).json()
        assert [(item["id"], item["status"]) for item in delta["items"]] == [(made["id"], "cancelled")]
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0


@asynccontextmanager
async def receiver(*statuses: int) -> AsyncIterator[tuple[str, "asyncio.Queue[Any]"]]:
    """A real address that push messages are posted to."""
    left = list(statuses)
    got: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        await got.put((dict(request.headers), body))
        return web.Response(status=left.pop(0) if left else 200)

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", got
    finally:
        await runner.cleanup()


async def test_messages_are_really_posted_and_posted_again_after_a_server_error(server: Server) -> None:
    async with receiver(503) as (address, got), httpx.AsyncClient(base_url=server.url) as client:
        client.headers["authorization"] = "Bearer " + server.token
        watch = {"id": "c", "type": "web_hook", "address": address, "token": "secret"}
        await client.post(EVENTS + "/watch", json=watch)
        first, body = await got.get()
        again, _ = await got.get()
        assert body == b""
        assert (first["X-Goog-Channel-Token"], first["X-Goog-Resource-State"]) == ("secret", "sync")
        assert first["X-Goog-Message-Number"] == again["X-Goog-Message-Number"]
        await client.post(EVENTS, json=timed())
        change, _ = await got.get()
        assert change["X-Goog-Resource-State"] == "exists"


def test_mishaps_happen_on_the_wire(server: Server) -> None:
    def order(kind: str) -> None:
        server.control("/faults", match={"path_regex": "/events"}, action={"kind": kind})

    order("commit_then_drop")
    with pytest.raises(httpx.RemoteProtocolError):
        server.http.post(EVENTS, json={**timed(), "id": "committed"})
    order("truncate")
    with pytest.raises(httpx.RemoteProtocolError):
        server.http.get(EVENTS)
    assert [item["id"] for item in server.http.get(EVENTS).json()["items"]] == ["committed"]
