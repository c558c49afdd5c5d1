"""Linking an account: each step, and each way in which it must not work."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from services.core.accounts import AccountStatus
from services.core.calendars import CalendarStatus
from services.core.errors import OAuthFlowError, ReauthorisationRequiredError, VendorError
from services.core.event_ids import event_id_for
from services.core.pushing import Insert, Nothing, Wait, next_call
from services.core.records import GoogleCopy, SeriesLink, Slot
from services.core.slots import Schedule, SlotContent, Timed
from services.google.oauth_endpoints import CALENDAR_LIST_SCOPE, EVENTS_SCOPE, SCOPES, claims_of
from services.google_oauth import FLOW_LIFETIME, TICKET_LIFETIME, FinishedFlow, OpenedFlow, Returned
from services.token_service import REFRESH_TOKEN
from tests.google.world import CALENDAR_SCOPES, CLIENT_ID, EMAIL, NOW, REDIRECT_URI, World, query_of

if TYPE_CHECKING:
    from services.google.transport import HttpRequest, HttpResponse


@pytest.fixture
def world() -> World:
    world = World()
    world.control(
        "POST",
        "/clients",
        {
            "client_id": CLIENT_ID,
            "client_secret": world.config.client_secret,
            "redirect_uris": [REDIRECT_URI],
        },
    )
    return world


async def opened(world: World, return_to: str | None = None) -> OpenedFlow:
    url = await world.oauth.start(world.user_id, return_to)
    return await world.oauth.open(query_of(url)["ticket"])


async def finish(world: World, flow: OpenedFlow, back: dict[str, str], **other: Any) -> FinishedFlow:
    given: dict[str, Any] = {name: back.get(name) for name in ("state", "code", "error", "scope")}
    returned = Returned(**{**given, "browser_secret": flow.browser_secret, **other})
    return await world.oauth.finish(returned)


async def connect(world: World, account: str = EMAIL, **choice: Any) -> FinishedFlow:
    flow = await opened(world)
    return await finish(world, flow, world.consent(flow.google_url, account, **choice))


async def refused(slug: str, attempt: Any) -> None:
    with pytest.raises(OAuthFlowError) as caught:
        await attempt
    assert caught.value.slug == slug


async def test_from_ticket_to_account(world: World) -> None:
    url = await world.oauth.start(world.user_id, "https://app.example.com/done")
    assert url.startswith("http://localhost:8000/auth/google/authorize?ticket=")

    flow = await world.oauth.open(query_of(url)["ticket"])
    asked = query_of(flow.google_url)
    assert flow.google_url.startswith(world.config.auth_uri + "?")
    assert {key: asked[key] for key in asked.keys() - {"state", "nonce", "code_challenge"}} == {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "true",
        "login_hint": EMAIL,
        "code_challenge_method": "S256",
    }
    assert len(asked["code_challenge"]) == 43

    done = await finish(world, flow, world.consent(flow.google_url))

    assert done.account == world.account()
    assert (done.user_id, done.return_to) == (world.user_id, "https://app.example.com/done")
    assert (done.account.subject, done.account.email) == (world.subject(EMAIL), EMAIL)
    assert (done.account.status, done.account.version) == (AccountStatus.CONNECTED, 1)
    assert {EVENTS_SCOPE, CALENDAR_LIST_SCOPE} <= set(done.account.scopes)
    assert (done.account.linked_at, done.previous_subject, done.account_changed) == (NOW, None, False)
    assert done.can_list_calendars
    assert await world.tokens.access_token(world.user_id)
    page = await world.calendars.changes(world.user_id, "primary", sync_token=None, page_token=None)
    assert page.next_sync_token


async def test_nothing_that_is_stored_or_logged_is_a_secret(world: World) -> None:
    url = await world.oauth.start(world.user_id)
    stored = str(world.storage.flows())
    assert query_of(url)["ticket"] not in stored
    flow = await world.oauth.open(query_of(url)["ticket"])
    asked = query_of(flow.google_url)
    stored = str(world.storage.flows()) + repr(flow)
    for secret in (asked["state"], flow.browser_secret):
        assert secret not in stored

    done = await finish(world, flow, world.consent(flow.google_url))

    assert done.account.refresh_token is not None
    token = world.box.open(done.account.refresh_token, purpose=REFRESH_TOKEN, user_id=world.user_id)
    assert token not in repr((done, world.storage))


async def test_a_ticket_opens_once(world: World) -> None:
    ticket = query_of(await world.oauth.start(world.user_id))["ticket"]
    await world.oauth.open(ticket)

    await refused("oauth-state-invalid", world.oauth.open(ticket))
    await refused("oauth-state-invalid", world.oauth.open("unknown"))


async def test_a_ticket_expires(world: World) -> None:
    ticket = query_of(await world.oauth.start(world.user_id))["ticket"]
    world.clock.advance(TICKET_LIFETIME)

    await refused("oauth-state-invalid", world.oauth.open(ticket))


async def test_a_flow_expires(world: World) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)
    world.clock.advance(FLOW_LIFETIME)

    await refused("oauth-state-invalid", finish(world, flow, back))


async def test_a_callback_counts_once(world: World) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)
    done = await finish(world, flow, back)

    await refused("oauth-state-invalid", finish(world, flow, back))
    assert world.account() == done.account


@pytest.mark.parametrize("state", [None, "", "invented"])
async def test_an_unknown_state_gets_nowhere(world: World, state: str | None) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)

    await refused("oauth-state-invalid", finish(world, flow, back, state=state))
    assert world.served("/token") == []


async def test_a_flow_that_no_browser_opened_cannot_be_finished(world: World) -> None:
    await world.oauth.start(world.user_id)
    (flow,) = world.storage.flows()

    await refused(
        "oauth-state-invalid",
        world.oauth.finish(Returned(flow.state_hash, "code", None)),
    )


@pytest.mark.parametrize("secret", [None, "", "another browser's"])
async def test_another_browser_cannot_finish(world: World, secret: str | None) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)

    await refused("oauth-browser-mismatch", finish(world, flow, back, browser_secret=secret))
    await refused("oauth-state-invalid", finish(world, flow, back))
    assert world.served("/token") == []


async def test_who_says_no_is_told_so(world: World) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url, decision="deny")
    assert back["error"] == "access_denied"

    await refused("google-consent-denied", finish(world, flow, back))
    assert world.storage.accounts == {}


@pytest.mark.parametrize("change", [{"error": "server_error"}, {"code": None}, {"code": "forged"}])
async def test_without_a_good_code_there_is_no_account(world: World, change: dict[str, Any]) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)

    await refused("google-token-exchange-failed", finish(world, flow, back, **change))
    assert world.storage.accounts == {}


async def test_a_foreign_issuer_is_refused(world: World) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)

    await refused(
        "google-token-exchange-failed", finish(world, flow, back, issuer="https://elsewhere.example.com")
    )


async def test_a_code_of_another_flow_does_not_fit_the_verifier(world: World) -> None:
    stolen = world.consent((await opened(world)).google_url)["code"]
    flow = await opened(world)
    back = world.consent(flow.google_url)

    await refused("google-token-exchange-failed", finish(world, flow, back, code=stolen))
    assert world.storage.accounts == {}


@pytest.mark.parametrize("kind", ["drop_before", "commit_then_drop", "html_503", "truncate"])
@pytest.mark.parametrize("path", ["/token$", "/v1/userinfo$"])
async def test_google_out_of_order_stores_nothing(world: World, kind: str, path: str) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)
    world.fault({"kind": kind}, match={"path_regex": path})

    await refused("google-token-exchange-failed", finish(world, flow, back))
    assert world.storage.accounts == {}
    assert (await connect(world)).account.version == 1


async def test_without_the_events_scope_the_link_fails_and_the_grant_ends(world: World) -> None:
    await refused("google-scope-missing", connect(world, granted=CALENDAR_LIST_SCOPE))

    assert world.storage.accounts == {}
    assert len(world.served("/revoke")) == 1
    assert world.control("GET", "/state")["grants"] == []


async def test_an_unticked_box_does_not_end_a_link_that_works(world: World) -> None:
    before = (await connect(world)).account
    body = {"access_token": "a", "expires_in": 3599, "refresh_token": "r", "scope": "openid email"}
    world.fault({"kind": "answer", "status": 200, "body": body}, match={"path_regex": "/token$"})

    await refused("google-scope-missing", connect(world))

    assert world.account() == before
    assert world.served("/revoke") == []
    assert await world.tokens.access_token(world.user_id)


async def test_without_the_list_of_calendars_the_link_works_with_less(world: World) -> None:
    done = await connect(world, granted=EVENTS_SCOPE)

    assert EVENTS_SCOPE in done.account.scopes
    assert not done.can_list_calendars


async def test_linking_again_replaces_the_token(world: World) -> None:
    first = (await connect(world)).account
    await world.tokens.access_token(world.user_id)
    world.clock.advance(timedelta(minutes=1))

    done = await connect(world)

    assert (done.account.version, done.previous_subject) == (2, first.subject)
    assert done.account.refresh_token != first.refresh_token
    assert not done.account_changed


async def test_linking_again_wakes_what_waited_for_it(world: World) -> None:
    await connect(world)
    world.control("POST", "/grants/revoke", {"account": EMAIL})
    await refused_token(world)

    done = await connect(world)

    assert done.account.status is AccountStatus.CONNECTED
    assert world.storage.calendar_status(world.user_id) is CalendarStatus.ACTIVE
    assert await world.tokens.access_token(world.user_id)


async def refused_token(world: World) -> None:
    with pytest.raises(ReauthorisationRequiredError):
        await world.tokens.access_token(world.user_id)


async def test_another_google_account_is_refused_until_the_first_is_disconnected(world: World) -> None:
    world.oauth = world.oauth_with(replace(world.config, same_email_only=False))
    first = (await connect(world)).account

    await refused("google-account-mismatch", connect(world, "other@example.com"))
    assert world.account() == first

    world.storage.accounts[world.user_id] = replace(
        first, status=AccountStatus.DISCONNECTED, refresh_token=None, version=2
    )
    done = await connect(world, "other@example.com")
    assert (done.account.email, done.account.version) == ("other@example.com", 3)
    assert (done.previous_subject, done.account_changed) == (first.subject, True)


async def test_another_account_is_stored_together_with_the_end_of_the_bindings_to_the_first(
    world: World,
) -> None:
    """Whatever happens afterwards, no slot is looked for in an account that never had it."""
    world.oauth = world.oauth_with(replace(world.config, same_email_only=False))
    first = (await connect(world)).account
    single = a_slot(world, "single")
    series = a_slot(world, "series", "RRULE:FREQ=DAILY;COUNT=3")
    exception = replace(
        a_slot(world, "series_x"), series=SeriesLink(NOW + timedelta(days=1), series.id, "series")
    )
    orphan = replace(a_slot(world, "other_x"), series=SeriesLink(NOW, None, "other"))
    async with world.storage.uow() as tx:
        await tx.users.lock(world.user_id)
        await tx.slots.add([single, series, exception, orphan])
    world.storage.accounts[world.user_id] = replace(
        first, status=AccountStatus.DISCONNECTED, refresh_token=None, version=2
    )

    await connect(world, "other@example.com")

    async with world.storage.uow.reading() as tx:
        slots = await tx.slots.find_many(world.user_id, [single.id, series.id, exception.id, orphan.id])
        (entry,) = await tx.slots.history(world.user_id, orphan.id)
    assert {slot.google for slot in slots.values()} == {None}
    assert next_call(slots[single.id]) == Insert(event_id_for(single.id, 1), single.content)
    assert next_call(slots[series.id]) == Insert(event_id_for(series.id, 1), series.content)
    assert next_call(slots[exception.id], slots[series.id]) == Wait()
    assert next_call(slots[orphan.id]) == Nothing()
    assert entry.fields == {"deleted": {"before": False, "after": True}}


def a_slot(world: World, event_id: str, *recurrence: str) -> Slot:
    content = SlotContent("Talk", Schedule(Timed(NOW, NOW, "UTC"), recurrence))
    return Slot(
        user_id=world.user_id,
        id=world.ids.uuid(),
        calendar_id="primary",
        content=content,
        base=content,
        source="google",
        created_at=NOW,
        updated_at=NOW,
        google=GoogleCopy(event_id, '"1"', NOW),
    )


async def test_an_account_with_another_address_is_refused(world: World) -> None:
    await refused("google-account-mismatch", connect(world, "other@example.com"))
    assert world.storage.accounts == {}


async def test_the_case_of_an_address_does_not_matter(world: World) -> None:
    user = world.storage.users[world.user_id]
    world.storage.users[world.user_id] = replace(user, email=EMAIL.upper())

    assert (await connect(world)).account.email == EMAIL


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "somebody else"},
        {"nonce": "of another flow"},
        {"aud": "another client"},
        {"iss": "https://elsewhere.example.com"},
        {},
    ],
)
async def test_an_identity_token_must_belong_to_the_flow(world: World, claims: dict[str, str]) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)
    right = {
        "sub": world.subject(EMAIL),
        "nonce": query_of(flow.google_url)["nonce"],
        "aud": CLIENT_ID,
        "iss": "https://accounts.google.com",
    }
    await finish_with_claims(world, flow, back, right)
    assert world.account().subject == right["sub"]

    flow = await opened(world)
    back = world.consent(flow.google_url)
    right["nonce"] = query_of(flow.google_url)["nonce"]
    await refused(
        "google-token-exchange-failed",
        finish_with_claims(world, flow, back, {**right, **claims} if claims else {}),
    )


async def finish_with_claims(
    world: World, flow: OpenedFlow, back: dict[str, str], claims: dict[str, str]
) -> FinishedFlow:
    granted = world.control(
        "POST", "/tokens", {"account": EMAIL, "client_id": CLIENT_ID, "scope": CALENDAR_SCOPES}
    )
    payload = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    body = {**granted, "id_token": f"e30.{payload}.c2ln"}
    world.fault({"kind": "answer", "status": 200, "body": body}, match={"path_regex": "/token$"})
    return await finish(world, flow, back)


async def test_no_identity_token_is_needed(world: World) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)
    granted = world.control(
        "POST", "/tokens", {"account": EMAIL, "client_id": CLIENT_ID, "scope": CALENDAR_SCOPES}
    )
    del granted["id_token"]
    world.fault({"kind": "answer", "status": 200, "body": granted}, match={"path_regex": "/token$"})

    assert (await finish(world, flow, back)).account.email == EMAIL


@pytest.mark.parametrize("status", [AccountStatus.CONNECTED, AccountStatus.REAUTHORISATION_REQUIRED, None])
async def test_an_answer_without_a_refresh_token(world: World, status: AccountStatus | None) -> None:
    if status is not None:
        world.storage.accounts[world.user_id] = replace(world.link(), status=status)
    flow = await opened(world)
    back = world.consent(flow.google_url)
    granted = world.control(
        "POST", "/tokens", {"account": EMAIL, "client_id": CLIENT_ID, "scope": CALENDAR_SCOPES}
    )
    del granted["refresh_token"], granted["id_token"]
    world.fault({"kind": "answer", "status": 200, "body": granted}, match={"path_regex": "/token$"})

    if status is AccountStatus.CONNECTED:
        kept = world.account().refresh_token
        assert (await finish(world, flow, back)).account.refresh_token == kept
    else:
        await refused("google-offline-access-missing", finish(world, flow, back))


@pytest.mark.parametrize("during", ["/token", "/v1/userinfo", None])
async def test_a_user_who_is_erased_meanwhile(world: World, during: str | None) -> None:
    flow = await opened(world)
    back = world.consent(flow.google_url)
    inner = world.wire.inner

    class Erasing:
        async def send(self, request: HttpRequest) -> HttpResponse:
            if during is not None and request.url.endswith(during):
                await erase(world)
            return await inner.send(request)

    world.wire.inner = Erasing()
    if during is None:
        await erase(world)

    await refused("oauth-state-invalid", finish(world, flow, back))
    assert not world.storage.accounts


async def erase(world: World) -> None:
    async with world.storage.uow() as tx:
        await tx.users.remove(world.user_id)


async def test_revoking_ends_the_grant_and_may_be_repeated(world: World) -> None:
    account = (await connect(world)).account
    token = await world.tokens.access_token(world.user_id)

    for _ in range(2):
        await world.oauth.revoke(account)
    await world.oauth.revoke(replace(account, refresh_token=None))

    assert world.control("GET", "/state")["grants"] == []
    await refused_token(world)
    assert token


async def test_a_revocation_without_an_answer_is_told(world: World) -> None:
    account = (await connect(world)).account
    world.fault({"kind": "html_503"}, match={"path_regex": "/revoke$"})

    with pytest.raises(VendorError):
        await world.oauth.revoke(account)


@pytest.mark.parametrize("token", ["", "a.b", "a.!!!.c", "a.W10.c", "no dots"])
def test_an_identity_token_that_is_none_claims_nothing(token: str) -> None:
    assert claims_of(token) == {}
