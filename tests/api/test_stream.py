"""What changes, as it happens, over a connection of the server that production has."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest

from api.paging import feed_cursor
from schemas.change_schemas import CalendarNewsOut, ChangeOut
from services.change_streams import ChangeStreams
from services.core.changes import caught_up
from services.core.policy import FeedPolicy
from tests.api.pulled import Pulled, content, timed
from tests.api.service import problem, running_service
from tests.api.test_lingering import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.service import Person, Service

SOON, NEVER = timedelta(milliseconds=30), timedelta(hours=1)
START, HOUR = datetime(2026, 7, 1, 8, tzinfo=UTC), timedelta(hours=1)
PATIENT = FeedPolicy(heartbeat=NEVER, poll=NEVER)


class Stream:
    """An open stream, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def block(self) -> dict[str, str]:
        """The fields up to the next empty line; a comment stands under the empty name."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line:
                return fields
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        return {}

    async def opening(self) -> int:
        fields = await self.block()
        assert fields.keys() == {"retry", "id"}
        return int(fields["id"])

    async def change(self) -> dict[str, Any]:
        """The next change of a slot."""
        fields = await self.block()
        assert fields.keys() == {"id", "data"}, fields
        ChangeOut.model_validate_json(fields["data"])
        change = dict(json.loads(fields["data"]))
        assert change["seq"] == int(fields["id"])
        return change

    async def told(self) -> tuple[str, str]:
        change = await self.change()
        return change["kind"], change["slot"]["title"]

    async def ends(self) -> bool:
        return await self.block() == {} and [line async for line in self._lines] == []


class Listener:
    """Somebody who opens streams."""

    def __init__(self, http: httpx.AsyncClient, person: Person) -> None:
        self._http = http
        self.person = person
        self.port = http.base_url.port

    @asynccontextmanager
    async def stream(self, last_event_id: object = None, **query: str) -> AsyncIterator[Stream]:
        headers = {"authorization": f"Bearer {self.person.key}"}
        if last_event_id is not None:
            headers["last-event-id"] = str(last_event_id)
        async with self._http.stream("GET", "/slots/stream", params=query, headers=headers) as answer:
            if answer.status_code != 200:
                await answer.aread()
            yield Stream(answer)


@asynccontextmanager
async def listener(
    service: Service, person: Person, policy: FeedPolicy = PATIENT, **limits: Any
) -> AsyncIterator[Listener]:
    container = service.app.state.container
    known = container.streams
    streams = ChangeStreams(uow=known._uow, clock=known._clock, signals=known._signals, policy=policy)
    service.app.state.container = replace(container, streams=streams)
    async with (
        listening(service, **limits) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http,
    ):
        yield Listener(http, person)
        streams.close()


async def test_changes_come_as_they_happen(any_service: Service, bob: Person) -> None:
    async with listener(any_service, bob) as ada, ada.stream() as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-store, no-transform"
        assert await stream.opening() == 0
        slot = await bob.create(title="One")
        first = await stream.change()
        assert (first["kind"], first["slot"]) == ("created", slot)
        await bob.patch(f"/slots/{slot['id']}", json={"title": "Two"})
        assert await stream.told() == ("updated", "Two")
        await bob.delete(f"/slots/{slot['id']}")
        assert await stream.told() == ("deleted", "Two")
        await bob.post(f"/slots/{slot['id']}/restore")
        assert await stream.told() == ("created", "Two")


async def test_a_reader_that_was_cut_off_goes_on_where_it_was(service: Service, ada: Person) -> None:
    async with listener(service, ada) as reader:
        async with reader.stream() as stream:
            await stream.opening()
            await ada.create(title="One")
            seen = (await stream.change())["seq"]
        await ada.create(title="Two")
        async with reader.stream(last_event_id=seen) as stream:
            assert await stream.opening() == seen
            assert await stream.told() == ("created", "Two")
        async with reader.stream(last_event_id=seen, cursor=feed_cursor_of(ada, 0)) as stream:
            await stream.opening()
            assert await stream.told() == ("created", "Two")


def feed_cursor_of(person: Person, seq: int) -> str:
    return feed_cursor(UUID(person.id), caught_up(seq))


async def test_a_stream_continues_a_page_of_changes(service: Service, ada: Person) -> None:
    await ada.create(title="One")
    cursor = (await ada.get("/slots/changes")).json()["next_cursor"]
    await ada.create(title="Two")
    async with listener(service, ada) as reader, reader.stream(cursor=cursor) as stream:
        assert await stream.opening() == 1
        assert await stream.told() == ("created", "Two")
        await ada.create(title="Three")
        assert await stream.told() == ("created", "Three")


async def test_much_comes_in_pieces_and_each_slot_once(service: Service, ada: Person) -> None:
    slots = [await ada.create(title=str(number)) for number in range(7)]
    await ada.patch(f"/slots/{slots[0]['id']}", json={"title": "0 again"})
    async with (
        listener(service, ada, replace(PATIENT, stream_batch=2)) as reader,
        reader.stream(cursor=feed_cursor_of(ada, 0)) as stream,
    ):
        await stream.opening()
        told = [await stream.told() for _ in range(7)]
    assert told == [("created", title) for title in ("1", "2", "3", "4", "5", "6", "0 again")]


async def test_the_state_of_each_calendar_comes_at_first_and_when_it_changes(
    service: Service, ada: Person
) -> None:
    await service.connect(ada)
    await ada.post("/sync/trigger")
    async with listener(service, ada) as reader, reader.stream() as stream:
        await stream.opening()
        first = await calendar_news(stream)
        assert (first["calendar_id"], first["last_error"]) == ("primary", None)
        await ada.post("/auth/google/disconnect", json={"remote": "keep", "local": "keep"})
        while (await calendar_news(stream))["state"] != "never":
            pass


async def calendar_news(stream: Stream) -> dict[str, Any]:
    fields = await stream.block()
    assert fields.keys() == {"event", "data"}, fields
    assert fields["event"] == "sync"
    CalendarNewsOut.model_validate_json(fields["data"])
    return dict(json.loads(fields["data"]))


async def test_a_silent_stream_shows_that_it_is_alive(service: Service, ada: Person) -> None:
    policy = replace(PATIENT, heartbeat=SOON)
    async with listener(service, ada, policy) as reader, reader.stream() as stream:
        await stream.opening()
        for _ in range(3):
            assert await stream.block() == {"": "heartbeat"}


async def test_what_another_replica_writes_is_found(database_url: str) -> None:
    policy = replace(PATIENT, poll=SOON)
    async with running_service(database_url) as here, running_service(database_url) as there:
        ada = await there.register()
        async with listener(here, ada, policy) as reader, reader.stream() as stream:
            await stream.opening()
            watching = asyncio.create_task(here.app.state.container.streams.watch_forever())
            await ada.create(title="From elsewhere")
            assert await stream.told() == ("created", "From elsewhere")
            watching.cancel()
            await asyncio.wait([watching])


async def test_a_user_has_so_many_streams_and_no_more(service: Service, ada: Person) -> None:
    bea = await service.register("bea@example.com")
    policy = replace(PATIENT, streams_per_user=1, streams=2)
    async with listener(service, ada, policy) as reader:
        async with reader.stream() as stream:
            await stream.opening()
            async with reader.stream() as refused:
                facts = problem(refused.answer, 429, "too-many-streams")
                assert facts["limit"] == 1
                assert refused.answer.headers["retry-after"]
            async with Listener(reader._http, bea).stream() as hers:
                await hers.opening()
                cara = await service.register("cara@example.com")
                async with Listener(reader._http, cara).stream() as refused:
                    problem(refused.answer, 503, "too-many-streams")
        await until_closed(service, reader)
        async with reader.stream() as stream:
            assert await stream.opening() == 0


async def until_closed(service: Service, reader: Listener) -> None:
    """The service has noticed that nobody reads any more."""
    streams = service.app.state.container.streams
    while streams._open:
        await reader._http.get("/health")


async def test_a_stream_ends_with_its_credential(any_service: Service, bob: Person) -> None:
    made = (await bob.post("/auth/keys", json={"name": "of a tablet"})).json()
    tablet = replace(bob, key=made["api_key"])
    async with (
        listener(any_service, tablet) as lost,
        lost.stream() as stream,
        Listener(lost._http, bob).stream() as kept,
    ):
        await stream.opening()
        await kept.opening()
        await bob.delete(f"/auth/keys/{made['id']}")
        await bob.create(title="Not for the tablet")
        assert await kept.told() == ("created", "Not for the tablet")
        assert await stream.ends()


async def test_a_stream_ends_with_its_user(service: Service, ada: Person) -> None:
    async with listener(service, ada) as reader, reader.stream() as stream:
        await stream.opening()
        await ada.delete("/auth/users/me")
        assert await stream.ends()


async def test_streams_end_when_the_service_stops(service: Service, ada: Person) -> None:
    async with listener(service, ada) as reader, reader.stream() as stream:
        await stream.opening()
        service.app.state.container.streams.close()
        assert await stream.ends()
        async with reader.stream() as late:
            await late.opening()
            assert await late.ends()


async def test_an_old_stream_ends_to_be_resumed(service: Service, ada: Person) -> None:
    policy = replace(PATIENT, heartbeat=SOON, stream_lifetime=SOON)
    async with listener(service, ada, policy) as reader, reader.stream() as stream:
        await stream.opening()
        while fields := await stream.block():
            assert fields == {"": "heartbeat"}


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "9" * 19])
async def test_an_event_id_that_is_none_is_refused(service: Service, ada: Person, text: str) -> None:
    async with listener(service, ada) as reader, reader.stream(last_event_id=text) as stream:
        problem(stream.answer, 422, "invalid-cursor")


async def test_who_was_away_too_long_begins_again(service: Service, ada: Person) -> None:
    async with listener(service, ada) as reader, reader.stream(last_event_id=99) as stream:
        problem(stream.answer, 410, "cursor-expired")


async def test_a_reader_that_takes_nothing_is_cut_off_and_hurts_nobody(
    service: Service, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    pulled = Pulled(ada)
    for number in range(400):
        start = START + number * HOUR
        pulled.add(content(str(number), timed(start, start + HOUR), description="x" * 8000))
    await pulled.store(service)
    async with listener(service, ada, replace(PATIENT, stream_batch=1), stream_send_deadline=SOON) as reader:
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect(("127.0.0.1", reader.port))
            head = f"GET /slots/stream?cursor={feed_cursor_of(ada, 0)} HTTP/1.1\r\nHost: localhost\r\n"
            lazy.sendall(f"{head}Authorization: Bearer {ada.key}\r\n\r\n".encode())
            async with reader.stream() as stream:
                await stream.opening()
                await ada.create(title="For those who listen")
                assert await stream.told() == ("created", "For those who listen")
            await until_closed(service, reader)
            # Whatever is on its way still arrives, and then the end of the answer, as after any other.
            assert (await asyncio.to_thread(everything, lazy)).endswith(b"\r\n0\r\n\r\n")
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []


def everything(reader: socket.socket) -> bytes:
    """What arrives until an answer in chunks ends."""
    received = b""
    while not received.endswith(b"\r\n0\r\n\r\n") and (piece := reader.recv(1 << 20)):
        received += piece
    return received
