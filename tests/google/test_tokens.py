"""Access tokens: one refresh for all, dead grants, and links made in the meantime."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from services.core.accounts import AccountStatus
from services.core.boundary import TransactionOpen
from services.core.calendars import CalendarStatus
from services.core.errors import (
    DecryptionError,
    FailureClass,
    GoogleNotConnectedError,
    NetworkInTransactionError,
    ReauthorisationRequiredError,
    VendorError,
)
from services.token_service import REFRESH_TOKEN, TokenService
from services.token_vault import TokenVault
from tests.google.world import EMAIL, World

if TYPE_CHECKING:
    from services.google.transport import HttpRequest, HttpResponse


@pytest.fixture
def world() -> World:
    return World()


async def test_a_token_is_kept_until_shortly_before_it_expires(world: World) -> None:
    world.link()
    first = await world.tokens.access_token(world.user_id)

    world.clock.advance(timedelta(minutes=56))
    assert await world.tokens.access_token(world.user_id) == first
    world.clock.advance(timedelta(seconds=20))
    assert await world.tokens.access_token(world.user_id) != first

    assert len(world.served("/token")) == 2


async def test_fifty_who_wait_cause_one_refresh(world: World) -> None:
    world.link()

    tokens = await asyncio.gather(*(world.tokens.access_token(world.user_id) for _ in range(50)))

    assert len(set(tokens)) == 1
    assert len(world.served("/token")) == 1


async def test_one_who_gives_up_does_not_take_the_others_along(world: World) -> None:
    world.link()
    world.fault({"kind": "hold_before"}, match={"path_regex": "/token$"})
    waiting = [asyncio.create_task(world.tokens.access_token(world.user_id)) for _ in range(5)]
    hold = await world.held()

    waiting[0].cancel()
    waiting[3].cancel()
    world.control("POST", f"/holds/{hold}/release")
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [isinstance(each, str) for each in results] == [False, True, True, False, True]
    assert len(world.served("/token")) == 1


async def test_a_refresh_that_nobody_waits_for_any_more_still_counts(world: World) -> None:
    world.link()
    world.fault({"kind": "hold_before"}, match={"path_regex": "/token$"})
    waiting = asyncio.create_task(world.tokens.access_token(world.user_id))
    hold = await world.held()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    world.control("POST", f"/holds/{hold}/release")
    await world.tokens.aclose()

    await world.tokens.access_token(world.user_id)
    assert len(world.served("/token")) == 1


async def test_users_do_not_share_tokens(world: World) -> None:
    world.link()
    other = world.add_user("bob@example.com")

    await world.tokens.access_token(world.user_id)
    with pytest.raises(GoogleNotConnectedError):
        await world.tokens.access_token(other)


async def test_only_the_refused_token_is_forgotten(world: World) -> None:
    world.link()
    token = await world.tokens.access_token(world.user_id)

    world.tokens.invalidate(world.user_id, "an older one")
    assert await world.tokens.access_token(world.user_id) == token
    world.tokens.invalidate(world.user_id, token)
    assert await world.tokens.access_token(world.user_id) != token


async def test_a_dead_grant_asks_for_a_new_link_and_google_no_more(world: World) -> None:
    account = world.link()
    world.control("POST", "/grants/revoke", {"account": EMAIL})

    for _ in range(2):
        with pytest.raises(ReauthorisationRequiredError):
            await world.tokens.access_token(world.user_id)

    assert world.account() == replace(account, status=AccountStatus.REAUTHORISATION_REQUIRED)
    assert world.storage.calendar_status(world.user_id) is CalendarStatus.REAUTHORISATION_REQUIRED
    assert len(world.served("/token")) == 1


class LinkingMeanwhile:
    """Links the account again while the first refresh is on its way."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inner = world.wire.inner
        self._once = True

    async def send(self, request: HttpRequest) -> HttpResponse:
        response = await self._inner.send(request)
        if self._once and request.url.endswith("/token"):
            self._once = False
            self._world.link()
        return response


async def test_a_late_refusal_does_not_undo_a_new_link(world: World) -> None:
    world.link()
    world.control("POST", "/grants/revoke", {"account": EMAIL})
    world.wire.inner = LinkingMeanwhile(world)

    assert await world.tokens.access_token(world.user_id)

    assert world.account().status is AccountStatus.CONNECTED
    assert world.account().version == 2
    assert world.storage.calendar_status(world.user_id) is CalendarStatus.ACTIVE


async def test_a_disconnect_during_the_refresh_stands(world: World) -> None:
    account = world.link()
    world.control("POST", "/grants/revoke", {"account": EMAIL})
    inner = world.wire.inner

    class Disconnecting:
        async def send(self, request: HttpRequest) -> HttpResponse:
            world.storage.accounts[world.user_id] = replace(
                account, status=AccountStatus.DISCONNECTED, refresh_token=None, version=2
            )
            return await inner.send(request)

    world.wire.inner = Disconnecting()
    with pytest.raises(GoogleNotConnectedError):
        await world.tokens.access_token(world.user_id)

    assert world.account().status is AccountStatus.DISCONNECTED


async def test_a_rotated_refresh_token_is_stored(world: World) -> None:
    world.link()
    second = world.control("POST", "/tokens", {"account": EMAIL})["refresh_token"]
    body = {"access_token": "access", "expires_in": 3599, "refresh_token": second}
    world.fault({"kind": "answer", "status": 200, "body": body}, match={"path_regex": "/token$"})

    assert await world.tokens.access_token(world.user_id) == "access"

    stored = world.account()
    assert stored.version == 2
    assert stored.refresh_token is not None
    opened = world.box.open(stored.refresh_token, purpose=REFRESH_TOKEN, user_id=world.user_id)
    assert opened == second


@pytest.mark.parametrize(
    ("action", "failure"),
    [
        ({"kind": "html_503"}, FailureClass.RETRYABLE),
        ({"kind": "drop_before"}, FailureClass.RETRYABLE),
        ({"kind": "truncate"}, FailureClass.RETRYABLE),
        ({"kind": "not_json"}, FailureClass.RETRYABLE),
        ({"kind": "answer", "status": 200, "body": {"scope": "x"}}, FailureClass.RETRYABLE),
        ({"kind": "answer", "status": 429, "reason": "rateLimitExceeded"}, FailureClass.RATE_LIMITED),
        ({"kind": "answer", "status": 401, "body": {"error": "invalid_client"}}, FailureClass.AUTHENTICATION),
        (
            {"kind": "answer", "status": 400, "body": {"error": "invalid_request"}},
            FailureClass.AUTHENTICATION,
        ),
    ],
)
async def test_any_other_failure_leaves_the_account_alone(world: World, action, failure) -> None:
    account = world.link()
    world.fault(action, match={"path_regex": "/token$"})

    with pytest.raises(VendorError) as caught:
        await world.tokens.access_token(world.user_id)

    assert caught.value.failure is failure
    assert world.account() == account
    assert await world.tokens.access_token(world.user_id)


async def test_a_wrong_key_does_not_look_like_a_dead_grant(world: World) -> None:
    account = world.link()
    tokens = TokenService(
        uow=world.storage.uow,
        endpoints=world.endpoints,
        clock=world.clock,
        box=TokenVault.from_secrets("another secret", ids=world.ids),
    )

    with pytest.raises(DecryptionError):
        await tokens.access_token(world.user_id)

    assert world.account() == account
    assert world.served("/token") == []


async def test_no_refresh_leaves_inside_a_transaction(world: World) -> None:
    world.link()

    with TransactionOpen(), pytest.raises(NetworkInTransactionError):
        await world.tokens.access_token(world.user_id)


async def test_a_refusal_of_an_older_grant_says_nothing_about_the_new_one(world: World) -> None:
    world.link()
    token = await world.tokens.access_token(world.user_id)
    world.link()

    await world.tokens.refuse_grant(world.user_id, token, "insufficientPermissions")
    await world.tokens.refuse_grant(world.user_id, token, "insufficientPermissions")

    assert world.account().status is AccountStatus.CONNECTED
