"""Channels, credentials, lost answers and limits: the calls that do not go as asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.calendar_service import CalendarService
from services.core.boundary import TransactionOpen
from services.core.errors import (
    FailureClass,
    NetworkInTransactionError,
    ReauthorisationRequiredError,
    VendorError,
)
from services.google.quota import NoPacing
from services.google.requests import CalendarRequests
from tests.google.calls import EVENT, insert, listing, patch
from tests.google.world import EMAIL, NOW, ROOT, World, timed


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


async def test_what_is_refused_under_one_grant_is_not_written_under_the_next(world: World) -> None:
    await listing(world)
    world.control("POST", "/grants/revoke", {"account": EMAIL})
    world.link()

    with pytest.raises(VendorError) as caught:
        await insert(world, timed())

    assert caught.value.failure is FailureClass.AUTHENTICATION
    assert (await listing(world)).events == ()
    await insert(world, timed())


async def test_what_is_read_is_read_under_the_next_grant_as_well(world: World) -> None:
    await insert(world, timed())
    world.control("POST", "/grants/revoke", {"account": EMAIL})
    world.link()

    assert len((await listing(world)).events) == 1


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


async def test_a_client_that_is_there_already_is_used(world: World) -> None:
    world.calendars = CalendarService(
        transport=world.transport,
        tokens=world.tokens,
        clock=world.clock,
        pacer=NoPacing(),
        api_root="http://elsewhere.test",
        requests=CalendarRequests.load(ROOT),
    )
    world.link()

    assert (await listing(world)).events == ()
    assert world.wire.requests[-1].url.startswith(ROOT)


async def test_no_call_leaves_inside_a_transaction(world: World) -> None:
    with TransactionOpen(), pytest.raises(NetworkInTransactionError):
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
