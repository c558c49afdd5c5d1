"""Each call of the Calendars port against the simulator, in process."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.core.errors import (
    FailureClass,
    VendorError,
)
from services.core.events import InstanceName
from services.core.slots import Attendee, ReminderOverride, Reminders, SlotContent, Timed
from tests.google.calls import EVENT, SLOT, insert, listing, patch
from tests.google.world import EMAIL, World, all_day, timed

CONTENTS = [
    timed(),
    all_day(),
    replace(
        timed("Räksmörgås 🦐", zone="Asia/Kathmandu"),
        description="two\nlines",
        location="Over there",
        color="7",
        transparency="transparent",
        visibility="private",
        reminders=Reminders(
            use_default=False, overrides=(ReminderOverride("popup", 5), ReminderOverride("email", 60))
        ),
    ),
    replace(all_day(""), reminders=Reminders(use_default=False)),
]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda each: each.title)
async def test_what_is_inserted_comes_back_equal(world: World, content: SlotContent) -> None:
    answer = await insert(world, content)

    assert answer.content == content
    assert (answer.event_id, answer.slot_id) == (EVENT, SLOT)
    assert answer.copy.editable
    assert answer.instance is None
    assert answer == await world.calendars.get(world.user_id, "primary", EVENT)
    page = await listing(world)
    assert page.events == (answer,)
    assert page.time_zone == "Europe/Amsterdam"
    assert page.next_sync_token


@pytest.mark.parametrize("after", CONTENTS, ids=lambda each: each.title)
@pytest.mark.parametrize("before", CONTENTS, ids=lambda each: each.title)
async def test_a_patch_turns_any_content_into_any_other(
    world: World, before: SlotContent, after: SlotContent
) -> None:
    seen = await insert(world, before)

    answer = await patch(world, seen, before, after)

    assert answer.content == after
    assert answer.slot_id == SLOT


async def test_a_patch_names_only_what_changed(world: World) -> None:
    seen = await insert(world, timed())

    await patch(world, seen, timed(), timed("Renamed"))

    assert world.wire.last_body("PATCH") == {"summary": "Renamed"}
    assert world.wire.sent("PATCH")[-1].headers["if-match"] == seen.copy.etag


async def test_a_patch_without_difference_only_reads(world: World) -> None:
    seen = await insert(world, timed())

    answer = await patch(world, seen, timed(), timed())

    assert answer == seen
    assert not world.wire.sent("PATCH")


async def test_what_google_alone_owns_survives_a_patch(world: World) -> None:
    seen = await insert(world, timed())
    world.put_event(
        {
            "id": EVENT,
            "attendees": [{"email": "bob@example.com", "responseStatus": "accepted"}],
            "conferenceData": {
                "conferenceId": "abc-defg-hij",
                "entryPoints": [{"entryPointType": "video", "uri": "https://meet.example.com/abc"}],
            },
            "attachments": [{"fileUrl": "https://drive.example.com/1", "title": "Agenda"}],
            "extendedProperties": {"private": {"theirs": "kept"}, "shared": {"too": "kept"}},
            "guestsCanInviteOthers": False,
        }
    )
    seen = await world.calendars.get(world.user_id, "primary", EVENT)
    before = world.google_event(EVENT)

    answer = await patch(world, seen, timed(), replace(all_day(), description="new"))

    after = world.google_event(EVENT)
    changed = {"summary", "description", "start", "end", "etag", "updated", "sequence", "iCalUID"}
    assert {key: before[key] for key in before.keys() - changed} == {
        key: after[key] for key in before.keys() - changed
    }
    assert after["extendedProperties"]["private"] == {"theirs": "kept", "slotId": str(SLOT)}
    assert answer.copy.facts["conference_url"] == "https://meet.example.com/abc"
    assert answer.copy.facts["attendees"][0]["response_status"] == "accepted"
    assert answer.copy.facts["attachments"][0]["title"] == "Agenda"


async def test_a_patch_over_somebody_elses_edit_is_a_conflict(world: World) -> None:
    seen = await insert(world, timed())
    world.put_event({"id": EVENT, "location": "moved"})

    with pytest.raises(VendorError) as caught:
        await patch(world, seen, timed(), timed("Renamed"))

    assert caught.value.failure is FailureClass.CONFLICT
    assert caught.value.status == 412


async def test_an_id_is_taken_for_good(world: World) -> None:
    seen = await insert(world, timed())

    for _ in ("alive", "a tombstone"):
        with pytest.raises(VendorError) as caught:
            await insert(world, timed())
        assert (caught.value.failure, caught.value.status) == (FailureClass.CONFLICT, 409)
        with suppress(VendorError):
            await world.calendars.delete(
                world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none"
            )
        seen = await world.calendars.get(world.user_id, "primary", EVENT)


async def test_a_deleted_event_reads_as_absent_and_cannot_be_deleted_again(world: World) -> None:
    first = await listing(world)
    seen = await insert(world, timed())

    await world.calendars.delete(world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none")
    seen = await world.calendars.get(world.user_id, "primary", EVENT)
    assert seen.content is None
    with pytest.raises(VendorError) as caught:
        await world.calendars.delete(
            world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none"
        )
    assert (caught.value.failure, caught.value.status) == (FailureClass.INVALID_STATE, 410)

    (tombstone,) = (await listing(world, first.next_sync_token)).events
    assert tombstone.content is None
    assert tombstone.event_id == EVENT
    assert (await listing(world)).events == ()


async def test_what_google_never_knew_cannot_be_deleted(world: World) -> None:
    with pytest.raises(VendorError) as caught:
        await world.calendars.delete(world.user_id, "primary", event_id="nothing", etag='"1"', notify="none")
    assert (caught.value.failure, caught.value.status) == (FailureClass.INVALID_STATE, 404)


async def test_deleting_over_somebody_elses_edit_is_a_conflict(world: World) -> None:
    seen = await insert(world, timed())
    world.put_event({"id": EVENT, "location": "moved"})

    with pytest.raises(VendorError) as caught:
        await world.calendars.delete(
            world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none"
        )

    assert caught.value.failure is FailureClass.CONFLICT


async def test_a_revived_event_keeps_what_only_google_knew(world: World) -> None:
    seen = await insert(world, timed())
    bob = {"email": "bob@example.com", "responseStatus": "accepted", "comment": "With cake"}
    world.put_event({"id": EVENT, "attendees": [bob], "description": "gone"})
    world.put_event({"id": EVENT, "status": "cancelled"})
    seen = await world.calendars.get(world.user_id, "primary", EVENT)

    content = replace(all_day(), attendees=(Attendee("bob@example.com"),))

    answer = await world.calendars.revive(
        world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, content=content, notify="none"
    )

    assert answer.content == content
    [guest] = answer.copy.facts["attendees"]
    assert (guest["response_status"], guest["comment"]) == ("accepted", "With cake")


async def test_what_is_alive_and_as_it_should_be_is_not_written_to_revive_it(world: World) -> None:
    seen = await insert(world, timed())

    answer = await world.calendars.revive(
        world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, content=timed(), notify="none"
    )

    assert (answer.content, answer.copy.etag) == (timed(), seen.copy.etag)


async def test_google_may_refuse_to_revive(world: World) -> None:
    await insert(world, timed())
    world.put_event({"id": EVENT, "status": "cancelled"})
    world.control("POST", "/switches", {"revival_status": 403})
    seen = await world.calendars.get(world.user_id, "primary", EVENT)

    with pytest.raises(VendorError) as caught:
        await world.calendars.revive(
            world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, content=timed(), notify="none"
        )

    assert (caught.value.failure, caught.value.reason) == (FailureClass.PERMANENT, "forbidden")


async def test_an_unknown_event_is_gone(world: World) -> None:
    with pytest.raises(VendorError) as caught:
        await world.calendars.get(world.user_id, "primary", "nothing")

    assert (caught.value.failure, caught.value.status) == (FailureClass.INVALID_STATE, 404)


@pytest.mark.parametrize(("notify", "told"), [("none", "none"), ("all", "all"), ("external", "externalOnly")])
async def test_who_is_mailed_is_said_each_time(world: World, notify, told: str) -> None:
    seen = await world.calendars.insert(
        world.user_id, "primary", event_id=EVENT, slot_id=SLOT, content=timed(), notify=notify
    )
    seen = await patch(world, seen, timed(), timed("Renamed"), notify=notify)
    await world.calendars.delete(world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify=notify)

    for method in ("POST", "PATCH", "DELETE"):
        sent = [each for each in world.wire.sent(method) if "/events" in each.url]
        assert f"sendUpdates={told}" in sent[-1].url


async def test_a_long_calendar_comes_in_pages_and_a_delta_in_the_same_words(world: World) -> None:
    world.control("POST", f"/calendars/{EMAIL}/primary/events/bulk", {"count": 2600})
    page = await listing(world)
    assert len(page.events) == 2500
    assert page.next_sync_token is None
    rest = await world.calendars.changes(
        world.user_id, "primary", sync_token=None, page_token=page.next_page_token
    )
    assert len(rest.events) == 100
    assert not page.unreadable
    assert rest.next_page_token is None

    assert (await listing(world, rest.next_sync_token)).events == ()
    whole, delta = world.served("/calendar/v3/calendars/primary/events")[0::2]
    assert delta["query"].pop("syncToken")
    assert whole["query"] == delta["query"]


@pytest.mark.parametrize("token", ["nonsense", None])
async def test_a_worthless_cursor_asks_for_everything_again(world: World, token: str | None) -> None:
    page = await listing(world)
    world.control("POST", "/sync-tokens/invalidate", {"account": EMAIL})

    with pytest.raises(VendorError) as caught:
        await listing(world, token or page.next_sync_token)

    assert caught.value.failure is FailureClass.NEEDS_RESYNC


async def test_series_and_exceptions_name_each_other(world: World) -> None:
    world.put_event(
        {
            "id": "weekly",
            "summary": "Weekly",
            "start": {"dateTime": "2026-11-23T10:00:00+01:00", "timeZone": "Europe/Paris"},
            "end": {"dateTime": "2026-11-23T11:00:00+01:00", "timeZone": "Europe/Paris"},
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"],
        }
    )
    world.put_event({"id": "weekly_20261130T090000Z", "summary": "Moved"})
    world.put_event({"id": "weekly_20261207T090000Z", "status": "cancelled"})

    events = {each.event_id: each for each in (await listing(world)).events}

    assert {event_id: each.instance for event_id, each in events.items()} == {
        "weekly": None,
        "weekly_20261130T090000Z": InstanceName("weekly", datetime(2026, 11, 30, 9, tzinfo=UTC)),
        "weekly_20261207T090000Z": InstanceName("weekly", datetime(2026, 12, 7, 9, tzinfo=UTC)),
    }
    assert {each.copy.restriction for each in events.values()} == {None}
    assert events["weekly_20261207T090000Z"].content is None


async def test_a_calendar_that_the_user_may_only_read(world: World) -> None:
    world.control("POST", "/accounts", {"email": "bob@example.com"})
    world.control("POST", "/calendars/bob@example.com/primary", {"acl": {EMAIL: "reader"}})
    world.control(
        "POST",
        "/calendars/bob@example.com/primary/events",
        {"id": "theirs", "start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}},
    )

    # Also by a process that has not listed the calendar yet.
    seen = await world.calendars.get(world.user_id, "bob@example.com", "theirs")
    assert seen.copy.restriction == "calendar-read-only"

    page = await world.calendars.changes(world.user_id, "bob@example.com", sync_token=None, page_token=None)

    assert [each.copy.restriction for each in page.events] == ["calendar-read-only"]
    with pytest.raises(VendorError) as caught:
        await world.calendars.insert(
            world.user_id, "bob@example.com", event_id=EVENT, slot_id=SLOT, content=timed(), notify="none"
        )
    assert (caught.value.failure, caught.value.reason) == (FailureClass.PERMANENT, "requiredAccessLevel")


def answer_without_zone(world: World) -> None:
    """Make Google answer the next insert with times that name no zone."""
    body = {
        "id": EVENT,
        "etag": '"1"',
        "start": {"dateTime": "2026-11-23T10:00:00+01:00"},
        "end": {"dateTime": "2026-11-23T11:00:00+01:00"},
    }
    world.fault(
        {"kind": "answer", "status": 200, "body": body}, match={"method": "POST", "path_regex": "/events$"}
    )


async def test_a_missing_zone_is_the_calendars_and_asked_for_once(world: World) -> None:
    for _ in range(2):
        answer_without_zone(world)
        answer = await insert(world, timed())
        assert answer.content is not None
        assert isinstance(answer.content.schedule.span, Timed)
        assert answer.content.schedule.span.timezone == "Europe/Amsterdam"

    assert len(world.wire.sent("GET")) == 1


async def test_a_refused_question_about_the_zone_leaves_the_outcome_of_a_write_open(world: World) -> None:
    answer_without_zone(world)
    world.fault(
        {"kind": "answer", "status": 403, "reason": "rateLimitExceeded"},
        match={"method": "GET", "path_regex": "/events$"},
    )

    with pytest.raises(VendorError) as caught:
        await insert(world, timed())

    assert (caught.value.failure, caught.value.status) == (FailureClass.RETRYABLE, None)
