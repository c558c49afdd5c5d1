"""Signing in with Google without a key, and what else a browser does on the way to Google and back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from schemas.auth_schemas import ConnectedOut, UserPageOut
from tests.api.service import (
    NAVIGATION,
    ORIGIN,
    SLOT,
    Person,
    problem,
    public_service,
    running_service,
)
from tests.e2e.waiting import eventually

if TYPE_CHECKING:
    from tests.api.service import Service


async def begun(service: Service) -> str:
    """Google's page, to which a person without a key is sent."""
    opened = await service.http.get("/auth/google/authorize", headers=NAVIGATION)
    assert opened.status_code == 302, opened.text
    return str(opened.headers["location"])


async def back_from(service: Service, page: str, account: str, **choice: Any) -> str:
    """Where Google sends the browser when the person has decided."""
    await service.sandbox("POST", "/accounts", {"email": account})
    body = {"url": page, "account": account, **choice}
    return str((await service.sandbox("POST", "/consent", body))["location"])


async def users(service: Service) -> list[str]:
    page = UserPageOut.model_validate_json((await service.administrator().get("/auth/users")).content)
    return [each.email for each in page.items]


async def revocations(service: Service) -> list[Any]:
    log = (await service.sandbox("GET", "/requests"))["requests"]
    return [each for each in log if each["path"].endswith("/revoke")]


async def test_a_person_who_lost_the_key_signs_in_and_makes_a_new_one(
    any_service: Service, bob: Person
) -> None:
    await any_service.connect(bob)
    any_service.http.cookies.clear()
    answer = await any_service.sign_in(bob.email)
    told = ConnectedOut.model_validate_json(answer.content)
    assert (told.status, str(told.user_id), told.google_email) == ("signed_in", bob.id, bob.email)
    assert not told.earlier_credentials_ended
    made = await any_service.http.post("/auth/keys", json={"name": "new"})
    bob.key = made.json()["api_key"]
    assert (await bob.get("/slots")).status_code == 200
    # The grant that is stored works on, and the one of the sign-in is not revoked, for revoking ends both.
    assert (await bob.post("/sync/trigger")).status_code == 200
    assert await revocations(any_service) == []


async def test_signing_in_asks_google_who_it_is_and_for_nothing_else(service: Service) -> None:
    asked = parse_qs(urlsplit(await begun(service)).query)
    assert asked["scope"] == ["openid email"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["prompt"] == ["select_account"]
    assert asked["redirect_uri"] == [f"{ORIGIN}/auth/google/callback"]
    assert len(asked["state"][0]) >= 43
    assert len(asked["nonce"][0]) >= 43
    assert asked["access_type"] == ["online"]
    assert not {"include_granted_scopes", "login_hint"} & set(asked)


async def test_a_google_account_that_nobody_linked_is_refused_and_creates_nobody(
    any_service: Service, bob: Person
) -> None:
    """Also when its address is registered: an address proves nothing until its account is linked."""
    for account in ("stranger@example.com", bob.email):
        problem(await any_service.sign_in(account), 403, "google-account-unknown")
        assert "session" not in any_service.http.cookies
    assert await users(any_service) == [bob.email]
    assert not (await bob.get("/auth/users/me")).json()["google"]["connected"]


async def test_who_chooses_another_google_account_is_whoever_linked_that_one(
    any_service: Service, bob: Person
) -> None:
    eve = await any_service.register("eve@example.com")
    await any_service.connect(bob)
    await any_service.connect(eve)
    for person in (eve, bob):
        any_service.http.cookies.clear()
        assert (await any_service.sign_in(person.email)).json()["user_id"] == person.id
        assert (await any_service.http.get("/auth/users/me")).json()["id"] == person.id


async def test_who_disconnected_can_still_sign_in(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    await bob.post("/auth/google/disconnect")
    any_service.http.cookies.clear()
    assert (await any_service.sign_in(bob.email)).json()["user_id"] == bob.id
    assert (await bob.get("/auth/users/me")).json()["google"]["status"] == "disconnected"


async def test_who_is_erased_cannot_sign_in(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    assert (await any_service.http.delete("/auth/users/me")).status_code == 204
    problem(await any_service.http.get("/slots"), 401, "unauthenticated")
    problem(await any_service.sign_in(bob.email), 403, "google-account-unknown")


async def test_who_says_no_is_not_signed_in(service: Service, ada: Person) -> None:
    problem(await service.sign_in(ada.email, decision="deny"), 403, "google-consent-denied")


async def test_a_program_without_a_credential_is_refused_and_not_sent_to_google(service: Service) -> None:
    for headers in ({}, {"accept": "application/json"}, {"sec-fetch-mode": "cors", "accept": "text/html"}):
        answer = await service.http.get("/auth/google/authorize", headers=headers)
        problem(answer, 401, "unauthenticated")
    # What browsers that send no Sec-Fetch-Mode ask for when a person goes somewhere.
    old = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    assert (await service.http.get("/auth/google/authorize", headers=old)).status_code == 302
    problem(await service.http.get("/slots", headers=NAVIGATION), 401, "unauthenticated")
    wrong = {**NAVIGATION, "authorization": "Bearer x"}
    problem(await service.http.get("/auth/google/authorize", headers=wrong), 401, "unauthenticated")


async def test_a_browser_that_is_signed_in_goes_on_to_link_its_account(
    any_service: Service, bob: Person
) -> None:
    await any_service.connect(bob)
    await bob.post("/auth/google/disconnect")
    asked = await any_service.http.get("/auth/google/authorize")
    assert asked.json()["authorization_url"].startswith(f"{ORIGIN}/auth/google/authorize?ticket=")
    page = await begun(any_service)
    assert "calendar.events" in page
    answer = await any_service.http.get(await back_from(any_service, page, bob.email))
    assert answer.json()["status"] == "connected"
    assert (await bob.get("/auth/users/me")).json()["google"]["connected"]


async def test_a_page_that_is_loaded_again_signs_nobody_in(any_service: Service, bob: Person) -> None:
    answer = await any_service.consent(bob)
    await any_service.http.post("/auth/logout")
    assert (await any_service.http.get(answer.url)).status_code == 200
    assert "session" not in any_service.http.cookies


async def test_the_frontend_gets_the_browser_back_signed_in(sqlite_url: str) -> None:
    frontend = "http://localhost:3000/home"
    async with running_service(sqlite_url, frontend_url=frontend) as service:
        ada = await service.register()
        await service.consent(ada)
        service.http.cookies.clear()
        answer = await service.sign_in(ada.email)
        assert (answer.status_code, answer.headers["location"]) == (302, frontend)
        assert (await service.http.get("/auth/users/me")).json()["id"] == ada.id
        service.http.cookies.clear()
        elsewhere = await service.sign_in(ada.email, return_to="http://localhost:3000/elsewhere")
        assert elsewhere.headers["location"] == "http://localhost:3000/elsewhere"
        service.http.cookies.clear()
        unknown = await service.sign_in("stranger@example.com")
        assert unknown.headers["location"] == f"{frontend}?error=google-account-unknown"


async def test_who_the_administrator_registered_keeps_the_key(database_url: str) -> None:
    async with public_service(database_url) as service:
        made = (await service.administrator().post("/auth/users", json={"email": "ada@example.com"})).json()
        ada = Person(service.http, made["id"], made["email"], made["api_key"])
        linked = await service.consent(ada)
        assert not linked.json()["earlier_credentials_ended"]
        assert (await ada.get("/slots")).status_code == 200
        problem(await service.http.post("/auth/users", json={"email": "x@y.z"}), 403, "forbidden")
        service.http.cookies.clear()
        problem(await service.http.post("/auth/users", json={"email": "x@y.z"}), 401, "unauthenticated")


async def test_tokens_that_were_swapped_in_the_database_reach_nobody(database_url: str) -> None:
    """Whoever can write to the database cannot make one user's token work for another."""
    async with running_service(database_url) as service:
        ada, eve = await service.register(), await service.register("eve@example.com")
        for person in (ada, eve):
            await service.connect(person)
            await person.post("/sync/trigger")
    async with running_service(database_url) as service:
        ada.http = eve.http = service.http
        await _swap_tokens(service)
        since = len((await service.sandbox("GET", "/requests"))["requests"])
        for person in (ada, eve):
            await person.post("/slots", json=SLOT)
            await eventually(partial(_last_error, person), lambda seen: seen == "internal-error")
        log = (await service.sandbox("GET", "/requests"))["requests"][since:]
        assert [each for each in log if each["path"].endswith("/token")] == []
        for person in (ada, eve):
            own = (await person.get("/auth/users/me")).json()["google"]
            assert own["status"] == "connected"


async def _last_error(person: Person) -> str | None:
    [calendar] = (await person.get("/sync/status")).json()["calendars"]
    return (calendar["last_error"] or {}).get("reason")


async def _swap_tokens(service: Service) -> None:
    async with service.parts.container.users._uow() as tx:
        one, other = await tx.users.page(after=None, limit=2)
        accounts = await tx.accounts.find_many([one.id, other.id])
        first, second = accounts[one.id], accounts[other.id]
        await tx.accounts.save(replace(first, refresh_token=second.refresh_token))
        await tx.accounts.save(replace(second, refresh_token=first.refresh_token))
