"""The address of a calendar feed: made, replaced, revoked, read, and told to nobody."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import icalendar

from schemas.feed_schemas import FeedOut
from tests.api.feeds import address, document, events
from tests.api.pulled import Pulled, content, timed
from tests.api.service import problem

if TYPE_CHECKING:
    import httpx
    import pytest

    from tests.api.service import Person, Service

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


async def test_many_slots_come_in_pieces_and_exceptions_find_their_series(
    any_service: Service, bob: Person
) -> None:
    pulled = Pulled(bob)
    first = datetime(2026, 6, 1, 9, tzinfo=BERLIN)
    series = pulled.add(content("Series", timed(first, first + HOUR), "RRULE:FREQ=DAILY"))
    for number in range(250):
        start = first - number * HOUR
        pulled.add(content(f"Slot {number}", timed(start, start + HOUR)))
    moved, cancelled = first + timedelta(days=1), first + timedelta(days=2)
    pulled.exception(series, moved, content("Moved", timed(moved + HOUR, moved + 2 * HOUR)))
    pulled.cancelled(series, cancelled)
    await pulled.store(any_service)
    text = await document(bob)
    assert text.count("BEGIN:VCALENDAR") == text.count("END:VCALENDAR") == 1
    singles = [str(each.id) for each in pulled.slots[1:251]]
    assert [str(each["UID"]) for each in events(text)] == [str(series.id), *singles, str(series.id)]
    assert "EXDATE;TZID=Europe/Berlin:20260603T090000" in text
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20260602T090000" in text


async def test_an_empty_calendar_is_a_calendar(ada: Person) -> None:
    calendar: Any = icalendar.Calendar.from_ical(await document(ada))
    assert calendar["VERSION"] == "2.0"
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "ada@example.com"
    assert calendar["REFRESH-INTERVAL"].dt == HOUR
    assert calendar.subcomponents == []


async def test_what_did_not_change_is_not_sent_again(ada: Person) -> None:
    slot = await ada.create()
    url = await address(ada)
    first = await ada.http.get(url)
    assert first.headers["cache-control"] == "private, max-age=300"

    async def again(tag: str) -> httpx.Response:
        return await ada.http.get(url, headers={"if-none-match": tag})

    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await again(known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    await ada.patch(f"/slots/{slot['id']}", json={"title": "Changed"})
    changed = await again(tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag
    assert "SUMMARY:Changed" in changed.text
    await ada.delete(f"/slots/{slot['id']}")
    assert "VEVENT" not in (await again(changed.headers["etag"])).text


async def test_programs_may_ask_for_the_head_alone(ada: Person) -> None:
    url = await address(ada)
    full, head = await ada.http.get(url), await ada.http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "cache-control", "content-disposition"):
        assert head.headers[name] == full.headers[name]
    assert (await ada.http.head(url[:-1])).status_code == 404


async def test_an_address_is_void_once_it_is_replaced_or_revoked(any_service: Service, bob: Person) -> None:
    async def state() -> FeedOut:
        return FeedOut.model_validate_json((await bob.get("/slots/feed")).content)

    assert await state() == FeedOut(active=False, created_at=None, last_used_at=None)
    old = await address(bob)
    assert (await any_service.http.get(old)).status_code == 200
    new = await address(bob)
    problem(await any_service.http.get(old), 404, "not-found")
    assert (await state()).last_used_at is None
    assert (await any_service.http.get(new)).status_code == 200
    used = await state()
    assert used.active
    assert used.last_used_at is not None
    assert (await bob.delete("/slots/feed")).status_code == 204
    problem(await any_service.http.get(new), 404, "not-found")
    assert (await bob.delete("/slots/feed")).status_code == 204
    assert not (await state()).active


async def test_every_wrong_key_answers_alike(ada: Person) -> None:
    url = await address(ada)
    path, key = url.split("?key=")
    feed_id = key.split("_")[1]
    unknown = "0" * 32
    for wrong in (
        path,
        f"{path}?key=",
        f"{path}?key={key[:-1]}",
        f"{path}?key=gcf_{feed_id}_",
        f"{path}?key={key.replace(feed_id, unknown)}",
        f"{path}?key={ada.key}",
        f"{path}?key={key}%00",
        f"{path}?key={'x' * 10_000}",
        f"{path}?key=gcf_{feed_id}_%C3%BC",
    ):
        body = problem(await ada.http.get(wrong), 404, "not-found")
        assert body["detail"] == "There is nothing here under this id."
    assert (await ada.http.get(url)).status_code == 200


async def test_a_feed_ends_with_its_user_and_shows_nobody_else(any_service: Service, bob: Person) -> None:
    await bob.create(title="Bob's own")
    ada = await any_service.register()
    await ada.create(title="Ada's own")
    url = await address(bob)
    assert "Ada" not in (await any_service.http.get(url)).text
    assert (await bob.delete("/auth/users/me")).status_code == 204
    problem(await any_service.http.get(url), 404, "not-found")


async def test_the_administrator_and_strangers_have_no_feed(service: Service) -> None:
    for method in ("POST", "GET", "DELETE"):
        problem(await service.administrator().call(method, "/slots/feed"), 403, "forbidden")
        problem(await service.http.request(method, "/slots/feed"), 401, "unauthenticated")


async def test_the_key_reaches_no_log(
    ada: Person, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        # What the client of these stories says is not the service's log.
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
    url = await address(ada)
    key = url.split("?key=")[1]
    await ada.create()
    await ada.http.get(url)
    await ada.http.head(url)
    await ada.http.get(f"{url}x")
    await ada.http.post(url)
    assert any(record.name == "api.requests" for record in caplog.records)
    secret = key.split("_", 2)[2]
    assert not [record for record in caplog.records if secret in f"{record.getMessage()} {vars(record)}"]
