"""The simulator as an ASGI application: mounts, pages by hand, control, delivery, holds."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.asgi import Face, create_app, deliver_forever
from tests.sandbox.driver import ANN, EVENTS, Google, timed
from tests.sandbox.test_oauth import BACK, Form

HOOK = "https://app.example.com/hook"


class Post:
    """An address that takes push messages and keeps them."""

    def __init__(self, *answers: int | None) -> None:
        self.answers = list(answers)
        self.got: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()

    async def __call__(self, url: str, headers: Mapping[str, str]) -> int | None:
        await self.got.put({"url": url, **headers})
        return self.answers.pop(0) if self.answers else 200


@asynccontextmanager
async def served(
    app: Starlette | Face, base_url: str = "http://localhost:9090"
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application; its lifespan is run when it has one."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
        if isinstance(app, Starlette):
            async with app.router.lifespan_context(app):
                yield client
        else:
            yield client


async def test_a_change_is_posted_at_once(google: Google) -> None:
    post = Post()
    async with served(create_app(google.sandbox, post, now=google.clock)) as client:
        client.headers["authorization"] = "Bearer " + google.tokens[ANN]
        watch = {"id": "c", "type": "web_hook", "address": HOOK}
        await client.post(EVENTS + "/watch", json=watch)
        assert (await post.got.get())["X-Goog-Resource-State"] == "sync"
        await client.post(EVENTS, json=timed())
        message = await post.got.get()
        assert (message["url"], message["X-Goog-Resource-State"]) == (HOOK, "exists")


async def test_a_message_that_failed_is_posted_again_when_its_time_comes(google: Google) -> None:
    post = Post(503)
    google.ok("POST", EVENTS + "/watch", {"id": "c", "type": "web_hook", "address": HOOK})
    deliverer = asyncio.create_task(deliver_forever(google.sandbox, post, now=google.clock))
    first = await post.got.get()
    google.clock.advance(seconds=1)
    google.control("GET", "/state")
    assert (await post.got.get())["X-Goog-Message-Number"] == first["X-Goog-Message-Number"]
    deliverer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deliverer


async def test_under_a_prefix_every_link_carries_it() -> None:
    google = Google(base_url="http://localhost:8000/sandbox")
    google.open_account()
    app = Starlette(routes=[Mount("/sandbox", app=create_app(google.sandbox, Post()))])
    async with served(app, "http://localhost:8000") as client:
        bearer = {"authorization": "Bearer " + google.tokens[ANN]}
        made = (await client.post("/sandbox" + EVENTS, json=timed(), headers=bearer)).json()
        assert made["htmlLink"].startswith("http://localhost:8000/sandbox/calendar/event?eid=")
        there = await client.get(made["htmlLink"])
        assert there.headers["location"].startswith("http://localhost:8000/sandbox/calendar?account=")
        asked = {"client_id": "app", "redirect_uri": BACK, "response_type": "code", "scope": "openid"}
        page = await client.get("/sandbox/o/oauth2/v2/auth?" + urlencode(asked))
        form = Form(page.text)
        assert form.action == "http://localhost:8000/sandbox/o/oauth2/v2/auth"
        back = await client.post(form.action, data={**dict(form.fields), "decision": "allow"})
        assert (back.status_code, back.headers["location"].partition("?")[0]) == (302, BACK)
        week = await client.get(there.headers["location"])
        assert 'action="http://localhost:8000/sandbox/calendar/save"' in week.text


async def test_encoded_calendar_ids_arrive_whole(google: Google) -> None:
    holidays = "nl.dutch#holiday@group.v.calendar.google.com"
    google.control("POST", "/calendars", {"account": ANN, "id": holidays})
    async with served(Face(google.sandbox)) as client:
        bearer = {"authorization": "Bearer " + google.tokens[ANN]}
        answer = await client.get(f"/calendar/v3/calendars/{quote(holidays, safe='')}/events", headers=bearer)
        assert answer.json()["summary"] == holidays


class TestControl:
    async def test_it_can_be_left_out(self, google: Google) -> None:
        async with served(Face(google.sandbox, control=False)) as client:
            assert (await client.get("/_control/state")).status_code == 404
            assert (await client.get("/")).status_code == 200

    async def test_it_can_demand_a_token(self, google: Google) -> None:
        async with served(Face(google.sandbox, control_token="open sesame")) as client:
            assert (await client.get("/_control/state")).status_code == 401
            bearer = {"authorization": "Bearer open sesame"}
            assert (await client.get("/_control/state", headers=bearer)).status_code == 200


async def test_a_test_learns_at_once_that_a_call_is_held_and_lets_it_go(google: Google) -> None:
    order = {"match": {"method": "POST", "path_regex": "events"}, "action": {"kind": "hold_before"}}
    async with served(Face(google.sandbox)) as client:
        bearer = {"authorization": "Bearer " + google.tokens[ANN]}
        await client.post("/_control/faults", json=order)
        waiting = asyncio.create_task(client.get("/_control/holds?wait=30"))
        held = asyncio.create_task(client.post(EVENTS, json=timed(), headers=bearer))
        (hold,) = (await waiting).json()["holds"]
        assert not held.done()
        await client.post(f"/_control/holds/{hold['id']}/release")
        assert (await held).status_code == 200


async def test_two_who_wait_do_not_wake_each_other(google: Google) -> None:
    handled = []
    async with served(Face(google.sandbox)) as client:
        google.sandbox.on_change(lambda: handled.append(1))
        polls = [client.get("/_control/holds?wait=0.2"), client.get("/_control/mails?wait=0.2")]
        for answer in await asyncio.gather(*polls):
            assert not any(answer.json().values())
    assert handled == []


async def test_a_dropped_call_is_cut_and_gets_no_answer(google: Google) -> None:
    order = {"match": {"path_regex": "colors"}, "action": {"kind": "drop_before"}}
    google.control("POST", "/faults", order)
    cut: list[Any] = []
    sent: list[Any] = []
    incoming = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/calendar/v3/colors", "headers": []}
    await Face(google.sandbox, disconnect=cut.append)(scope, receive, send)
    assert (cut, sent) == ([scope], [])


class TestByHand:
    async def test_a_person_makes_changes_and_deletes_an_event(self, google: Google) -> None:
        _, token = google.listing()
        async with served(Face(google.sandbox)) as client:
            front = await client.get("/")
            assert ANN in front.text
            page = await client.get(f"/calendar?account={ANN}&week=2026-03-02")
            assert "Nothing this week" in page.text
            fields = {
                "account": ANN,
                "calendar": ANN,
                "week": "2026-03-02",
                "summary": "Tea <b>",
                "start": "2026-03-03T16:00",
                "end": "2026-03-03T17:00",
                "location": "",
                "description": "",
            }
            saved = await client.post("/calendar/save", data=fields)
            assert saved.status_code == 303
            (event,), token = google.listing(syncToken=token)
            assert event["start"]["dateTime"] == "2026-03-03T16:00:00+01:00"
            page = await client.get(saved.headers["location"])
            assert "Tea &lt;b&gt;" in page.text
            assert "Tea <b>" not in page.text
            await client.post("/calendar/save", data={**fields, "event": event["id"], "all_day": "on"})
            (event,), token = google.listing(syncToken=token)
            assert (event["start"], event["end"]) == ({"date": "2026-03-03"}, {"date": "2026-03-04"})
            await client.post("/calendar/delete", data={**fields, "event": event["id"]})
            (event,), token = google.listing(syncToken=token)
            assert event["status"] == "cancelled"

    async def test_what_the_person_left_alone_is_not_written(self, google: Google) -> None:
        """The form was open while the title changed elsewhere, and only a place is added."""
        event = google.insert("Old", start={"dateTime": "2026-03-03T10:00:00Z", "timeZone": "Europe/London"})
        async with served(Face(google.sandbox)) as client:
            page = await client.get(f"/calendar?account={ANN}&week=2026-03-02")
            form = page.text.split(f'value="{event["id"]}"')[1].partition("</form>")[0]
            fields = dict(re.findall(r'name="(\w+)" (?:required )?value="([^"]*)"', form))
            fields.pop("all_day")  # a box that is not ticked is not sent
            google.ok("PATCH", f"{EVENTS}/{event['id']}", {"summary": "New"})
            fields |= {"account": ANN, "calendar": ANN, "event": event["id"], "location": "Room 12"}
            assert (await client.post("/calendar/save", data=fields)).status_code == 303
        after = google.ok("GET", f"{EVENTS}/{event['id']}")
        assert (after["summary"], after["location"]) == ("New", "Room 12")
        assert after["start"] == event["start"]

    async def test_the_page_tells_when_something_changed(self, google: Google) -> None:
        async with served(Face(google.sandbox)) as client:
            url = f"/calendar?account={ANN}"
            before = (await client.get(url, headers={"x-only": "version"})).headers["x-version"]
            google.insert()
            after = (await client.get(url, headers={"x-only": "version"})).headers["x-version"]
            assert before != after

    async def test_a_series_is_shown_on_each_of_its_days(self, google: Google) -> None:
        google.insert("Standup", recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
        async with served(Face(google.sandbox)) as client:
            page = await client.get(f"/calendar?account={ANN}&week=2026-03-02")
            assert page.text.count("<strong>Standup</strong>") == 3

    async def test_an_instance_of_a_series_asks_what_the_edit_applies_to(self, google: Google) -> None:
        series = google.insert("Standup", recurrence=["RRULE:FREQ=DAILY;COUNT=4"])
        google.insert("Lunch")
        async with served(Face(google.sandbox)) as client:
            url = f"/calendar?account={ANN}&week=2026-03-02"

            async def fields(key: str) -> dict[str, str]:
                text = (await client.get(url)).text
                form = text.split(f'value="{series["id"]}_{key}"')[1].partition("</form>")[0]
                assert [one in form for one in ("this event", "following", "all events")] == [True] * 3
                found = re.findall(r'name="(\w+)" (?:required )?value="([^"]*)"', form)
                return {"account": ANN, "calendar": ANN, "event": f"{series['id']}_{key}", **dict(found)}

            async def shown() -> list[str]:
                return re.findall(r"<strong>(\w+)</strong>", (await client.get(url)).text)

            assert (await client.get(url)).text.count("this event") == 4
            changed = {**await fields("20260304T090000Z"), "summary": "Once", "scope": "this"}
            assert (await client.post("/calendar/save", data=changed)).status_code == 303
            assert await shown() == ["Standup", "Lunch", "Once", "Standup", "Standup"]
            rest = {**await fields("20260305T090000Z"), "summary": "Rest", "scope": "following"}
            assert (await client.post("/calendar/save", data=rest)).status_code == 303
            assert await shown() == ["Standup", "Lunch", "Once", "Rest", "Rest"]
            every = {**await fields("20260304T090000Z"), "scope": "all"}
            assert (await client.post("/calendar/delete", data=every)).status_code == 303
            assert await shown() == ["Lunch", "Rest", "Rest"]
            assert (await client.post("/calendar/save", data={**rest, "scope": "some"})).status_code == 400
            gone = {**rest, "event": f"{series['id']}_20260401T080000Z"}
            assert (await client.post("/calendar/save", data=gone)).status_code == 400
            assert len(google.listing()[0]) == 2

    async def test_an_account_can_be_made_and_a_wrong_time_is_refused(self, google: Google) -> None:
        async with served(Face(google.sandbox)) as client:
            made = await client.post("/calendar/account", data={"email": "New@example.com"})
            assert (await client.get(made.headers["location"])).status_code == 200
            fields = {"account": ANN, "calendar": ANN, "start": "soon", "end": "later"}
            assert (await client.post("/calendar/save", data=fields)).status_code == 400
            assert (await client.get("/calendar?account=nobody@example.com")).status_code == 302
