"""Each call of the Calendars port against the simulator, in process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.core.boundary import transaction_open
from services.core.errors import (
    FailureClass,
    NetworkInTransactionError,
    ReauthorisationRequiredError,
    VendorError,
)
from services.core.records import EventKind
from services.core.slots import ReminderOverride, Reminders, SlotContent, Timed
from tests.google.world import EMAIL, NOW, World, all_day, timed

SLOT = UUID(int=77)
EVENT = "0123456789abcdefghijklmnopqrstuv"


@pytest.fixture
def world() -> World:
    world = World()
    world.link()
    return world


async def insert(world: World, content: SlotContent, event_id: str = EVENT):
    return await world.calendars.insert(
        world.user_id, "primary", event_id=event_id, slot_id=SLOT, content=content, notify="none"
    )


async def patch(world: World, seen, base: SlotContent, content: SlotContent, **more):
    return await world.calendars.patch(
        world.user_id,
        "primary",
        **{"event_id": EVENT, "etag": seen.copy.etag, "base": base, "content": content, "notify": "none"}
        | more,
    )


async def listing(world: World, sync_token: str | None = None):
    return await world.calendars.changes(world.user_id, "primary", sync_token=sync_token, page_token=None)


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
    assert answer.copy.kind is EventKind.SINGLE
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
        await world.calendars.delete(
            world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none"
        )
        seen = await world.calendars.get(world.user_id, "primary", EVENT)


async def test_a_deleted_event_reads_as_absent_and_deleting_again_succeeds(world: World) -> None:
    first = await listing(world)
    seen = await insert(world, timed())

    for _ in range(2):
        await world.calendars.delete(
            world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, notify="none"
        )
        seen = await world.calendars.get(world.user_id, "primary", EVENT)
        assert seen.content is None

    (tombstone,) = (await listing(world, first.next_sync_token)).events
    assert tombstone.content is None
    assert tombstone.event_id == EVENT
    assert (await listing(world)).events == ()


async def test_deleting_what_google_never_knew_succeeds(world: World) -> None:
    await world.calendars.delete(world.user_id, "primary", event_id="nothing", etag='"1"', notify="none")


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
    world.put_event({"id": EVENT, "attendees": [{"email": "bob@example.com"}], "description": "gone"})
    world.put_event({"id": EVENT, "status": "cancelled"})
    seen = await world.calendars.get(world.user_id, "primary", EVENT)

    answer = await world.calendars.revive(
        world.user_id, "primary", event_id=EVENT, etag=seen.copy.etag, content=all_day(), notify="none"
    )

    assert answer.content == all_day()
    assert [each["email"] for each in answer.copy.facts["attendees"]] == ["bob@example.com"]


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


async def test_series_and_exceptions_are_read_only(world: World) -> None:
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

    kinds = {event_id: each.copy.kind for event_id, each in events.items()}
    assert kinds == {
        "weekly": EventKind.SERIES,
        "weekly_20261130T090000Z": EventKind.EXCEPTION,
        "weekly_20261207T090000Z": EventKind.CANCELLED_EXCEPTION,
    }
    assert {each.copy.read_only_reason for each in events.values()} == {"recurring-series"}
    cancelled = events["weekly_20261207T090000Z"]
    assert cancelled.content is None
    assert cancelled.copy.recurring_event_id == "weekly"
    assert cancelled.copy.original_start


async def test_a_calendar_that_the_user_may_only_read(world: World) -> None:
    world.control("POST", "/accounts", {"email": "bob@example.com"})
    world.control("POST", "/calendars/bob@example.com/primary", {"acl": {EMAIL: "reader"}})
    world.control(
        "POST",
        "/calendars/bob@example.com/primary/events",
        {"id": "theirs", "start": {"date": "2026-11-23"}, "end": {"date": "2026-11-24"}},
    )

    page = await world.calendars.changes(world.user_id, "bob@example.com", sync_token=None, page_token=None)

    assert [each.copy.read_only_reason for each in page.events] == ["calendar-read-only"]
    seen = await world.calendars.get(world.user_id, "bob@example.com", "theirs")
    assert seen.copy.read_only_reason == "calendar-read-only"
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


async def test_channels_open_and_close(world: World) -> None:
    opened = await world.calendars.watch(
        world.user_id,
        "primary",
        channel_id="channel-1",
        token="secret",
        address="https://app.example.com/webhooks/google-calendar",
        lifetime=timedelta(hours=6),
    )

    assert opened.resource_id
    assert opened.expires_at == NOW + timedelta(hours=6)
    for _ in range(2):
        await world.calendars.stop(world.user_id, channel_id="channel-1", resource_id=opened.resource_id)
    assert world.control("GET", "/state")["channels"] == []


async def test_a_calendar_that_is_never_pushed_says_so(world: World) -> None:
    world.control("POST", f"/calendars/{EMAIL}/primary", {"push_supported": False})

    with pytest.raises(VendorError) as caught:
        await world.calendars.watch(
            world.user_id,
            "primary",
            channel_id="channel-1",
            token="secret",
            address="https://app.example.com/hook",
            lifetime=timedelta(hours=6),
        )

    assert caught.value.reason == "pushNotSupportedForRequestedResource"


async def test_a_refused_access_token_is_replaced_once(world: World) -> None:
    await insert(world, timed())
    world.control("POST", "/access-tokens/expire", {"account": EMAIL})

    seen = await world.calendars.get(world.user_id, "primary", EVENT)
    await patch(world, seen, timed(), timed("Renamed"))

    assert len(world.served("/token")) == 2
    assert world.google_event(EVENT)["summary"] == "Renamed"


async def test_a_token_refused_twice_is_not_asked_for_a_third_time(world: World) -> None:
    world.fault(
        {"kind": "answer", "status": 401, "reason": "authError"}, times=2, match={"path_regex": "/events$"}
    )

    with pytest.raises(VendorError) as caught:
        await insert(world, timed())

    assert caught.value.failure is FailureClass.AUTHENTICATION
    assert len(world.wire.sent("POST")) == 4


async def test_a_grant_without_the_scope_asks_for_a_new_link(world: World) -> None:
    world.link("openid email https://www.googleapis.com/auth/calendar.calendarlist.readonly")

    with pytest.raises(ReauthorisationRequiredError):
        await listing(world)

    assert world.account().status.value == "reauthorisation_required"


@pytest.mark.parametrize("kind", ["drop_before", "commit_then_drop", "truncate", "not_json"])
async def test_a_lost_answer_is_an_unknown_outcome(world: World, kind: str) -> None:
    world.fault({"kind": kind}, match={"method": "POST", "path_regex": "/events$"})

    with pytest.raises(VendorError) as caught:
        await insert(world, timed())

    assert caught.value.failure is FailureClass.RETRYABLE
    assert caught.value.status is None


async def test_an_html_503_is_retryable(world: World) -> None:
    world.fault({"kind": "html_503"}, match={"method": "GET", "path_regex": "/events$"})

    with pytest.raises(VendorError) as caught:
        await listing(world)

    assert (caught.value.failure, caught.value.status) == (FailureClass.RETRYABLE, 503)


@pytest.mark.parametrize("status", [403, 429])
async def test_a_spent_quota_is_a_rate_limit(world: World, status: int) -> None:
    world.control("POST", "/quota", {"enabled": True, "per_user": 1, "refuse_status": status})

    await listing(world)
    with pytest.raises(VendorError) as caught:
        await listing(world)

    assert (caught.value.failure, caught.value.status) == (FailureClass.RATE_LIMITED, status)


async def test_googles_clock_is_learned_from_its_answers(world: World) -> None:
    await listing(world)
    assert world.calendars.clock_ahead() == timedelta(0)

    for offset_s in (300.0, -42.0):
        world.control("POST", "/clock", {"offset_s": offset_s})
        await listing(world)
        assert abs(world.calendars.clock_ahead() - timedelta(seconds=offset_s)) <= timedelta(seconds=1)


async def test_google_may_live_under_a_path() -> None:
    world = World(root="http://localhost:8000/google")
    world.link()

    seen = await insert(world, timed())

    assert seen == await world.calendars.get(world.user_id, "primary", EVENT)
    assert world.wire.requests[-1].url.startswith("http://localhost:8000/google/calendar/v3/")


async def test_the_client_can_be_loaded_on_the_spot(world: World) -> None:
    world.calendars.prepare_now()

    assert (await listing(world)).events == ()


async def test_no_call_leaves_inside_a_transaction(world: World) -> None:
    with transaction_open(), pytest.raises(NetworkInTransactionError):
        await listing(world)


async def test_no_secret_shows_in_representations(world: World) -> None:
    await listing(world)
    token = await world.tokens.access_token(world.user_id)

    shown = repr((world.wire.requests, world.config, world.tokens._cached))

    assert token not in shown
    assert "the client's secret" not in shown


async def test_an_unreadable_event_does_not_stop_a_page(world: World) -> None:
    await insert(world, timed())
    page = {
        "kind": "calendar#events",
        "timeZone": "Europe/Paris",
        "accessRole": "owner",
        "nextSyncToken": "next",
        "items": [
            {"id": "year0", "start": {"date": "0000-01-01"}, "end": {"date": "0000-01-02"}},
            {"id": "fine", "start": {"date": "2026-01-01"}, "end": {"date": "2026-01-02"}},
            "no event",
        ],
    }
    world.fault({"kind": "answer", "status": 200, "body": page}, match={"method": "GET"})

    answer = await listing(world)

    assert [each.event_id for each in answer.events] == ["fine"]
    assert [each.event_id for each in answer.unreadable] == ["year0", ""]
    assert answer.next_sync_token == "next"
    assert answer.events[0].copy.updated_at is None
    assert datetime(2026, 1, 1, tzinfo=UTC) == answer.events[0].content.schedule.sort_start
