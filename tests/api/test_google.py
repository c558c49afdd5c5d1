"""The way to Google and back, and the sync over REST, against the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.auth_schemas import ConnectedOut, UserOut
from schemas.review_schemas import ConflictPageOut, HoldPageOut
from schemas.slot_schemas import SlotOut
from schemas.sync_schemas import ChannelsOut, PushAllOut, SyncStatusOut, TriggerOut
from tests.api.service import ORIGIN, SLOT, problem, refused, running_service

if TYPE_CHECKING:
    from tests.api.service import Person, Service

EVENTS = "/calendars/bob@example.com/primary/events"


async def test_an_account_is_linked(any_service: Service, bob: Person) -> None:
    answer = await any_service.consent(bob)
    connected = ConnectedOut.model_validate_json(answer.content)
    assert str(connected.user_id) == bob.id
    assert connected.google_email == "bob@example.com"
    assert "google-flow" not in any_service.http.cookies
    user = UserOut.model_validate_json((await bob.get("/auth/users/me")).content)
    assert user.google.connected
    assert user.google.email == "bob@example.com"
    assert user.google.since is not None


async def test_a_slot_travels_to_google_and_an_event_back(any_service: Service, bob: Person) -> None:
    early = await bob.create(title="Before linking")
    await any_service.connect(bob)
    done = await bob.post("/sync/trigger")
    assert TriggerOut.model_validate_json(done.content).status == "completed"
    slot = (await bob.post("/slots", json=SLOT, headers={"prefer": "wait=20"})).json()
    SlotOut.model_validate(slot)
    assert slot["sync"]["state"] == "synced"
    titles = {each["summary"] for each in (await any_service.sandbox("GET", EVENTS))["events"]}
    assert titles == {"Before linking", "Review"}
    event_id = slot["google"]["event_id"]
    await any_service.sandbox("POST", EVENTS, {"id": event_id, "summary": "Moved by phone"})
    await bob.post("/sync/trigger")
    changed = (await bob.get(f"/slots/{slot['id']}")).json()
    assert (changed["title"], changed["version"]) == ("Moved by phone", 2)
    deleted = await bob.delete(f"/slots/{early['id']}", headers={"prefer": "wait=20"})
    assert deleted.headers["preference-applied"] == "wait=20"
    assert deleted.json()["sync"]["state"] == "synced"
    status = SyncStatusOut.model_validate_json((await bob.get("/sync/status")).content)
    assert status.connected
    assert status.calendars[0].pending == 0


async def test_pushing_everything(any_service: Service, bob: Person) -> None:
    problem(await bob.post("/sync/push-all"), 409, "google-not-connected")
    await bob.create()
    await any_service.connect(bob)
    answer = await bob.post("/sync/push-all")
    outcome = PushAllOut.model_validate_json(answer.content)
    assert (answer.status_code, outcome.status, outcome.failed) == (200, "completed", 0)
    assert await bob.titles(sync_state="synced") == ["Review"]


async def test_nothing_waits_for_a_person(ada: Person) -> None:
    assert ConflictPageOut.model_validate_json((await ada.get("/sync/conflicts")).content).items == []
    assert HoldPageOut.model_validate_json((await ada.get("/sync/holds")).content).items == []
    status = SyncStatusOut.model_validate_json((await ada.get("/sync/status")).content)
    assert (status.connected, status.calendars) == (False, [])
    problem(await ada.post("/sync/trigger"), 409, "google-not-connected")
    problem(await ada.post(f"/auth/initialize/{ada.id}"), 409, "google-not-connected")
    problem(await ada.post(f"/webhooks/setup/{ada.id}"), 409, "google-not-connected")
    problem(await ada.post("/auth/google/disconnect", json={}), 409, "google-not-connected")
    refused(await ada.post("/auth/google/disconnect", json={"remote": "burn"}), "/remote")


async def test_setting_up_again(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    answer = await any_service.administrator().post(f"/auth/initialize/{bob.id}")
    assert answer.status_code == 202
    SyncStatusOut.model_validate_json(answer.content)
    channels = await bob.post(f"/webhooks/setup/{bob.id}")
    assert len(ChannelsOut.model_validate_json(channels.content).channels) == 1


async def test_disconnecting_and_linking_again_makes_no_duplicates(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    await bob.post("/slots", json=SLOT, headers={"prefer": "wait=20"})
    answer = await bob.post("/auth/google/disconnect", json={"remote": "keep", "local": "keep"})
    assert answer.json()["google"]["status"] == "disconnected"
    await any_service.connect(bob)
    await bob.post("/sync/trigger")
    assert await bob.titles() == ["Review"]
    assert len((await any_service.sandbox("GET", EVENTS))["events"]) == 1


async def test_a_body_is_not_needed_to_disconnect(any_service: Service, bob: Person) -> None:
    await any_service.connect(bob)
    assert (await bob.post("/auth/google/disconnect")).status_code == 200


async def test_a_link_works_once_and_in_one_browser(service: Service, ada: Person) -> None:
    url = (await ada.get("/auth/google/authorize")).json()["authorization_url"]
    assert url.startswith(f"{ORIGIN}/auth/google/authorize?ticket=")
    opened = await service.http.get(url)
    assert opened.status_code == 302
    cookie = opened.headers["set-cookie"].lower()
    for part in ("google-flow=", "httponly", "samesite=lax", "path=/"):
        assert part in cookie
    assert "secure" not in cookie
    problem(await service.http.get(url), 400, "oauth-state-invalid")
    await service.sandbox("POST", "/accounts", {"email": ada.email})
    decision = {"url": opened.headers["location"], "account": ada.email}
    back = (await service.sandbox("POST", "/consent", decision))["location"]
    service.http.cookies.clear()
    problem(await service.http.get(back), 400, "oauth-browser-mismatch")
    problem(await service.http.get("/auth/google/callback"), 400, "oauth-state-invalid")
    problem(await service.http.get("/auth/google/callback?state=x&code=y"), 400, "oauth-state-invalid")


async def test_a_person_who_refuses(service: Service, ada: Person) -> None:
    answer = await service.consent(ada, decision="deny")
    assert "ask the app for a new link" in problem(answer, 403, "google-consent-denied")["detail"]


async def test_loading_the_last_page_again_says_what_it_said(service: Service, ada: Person) -> None:
    linked = await service.consent(ada)
    for _ in range(2):
        again = await service.http.get(linked.url)
        ConnectedOut.model_validate_json(again.content)
        assert again.json()["google_email"] == ada.email
    another = linked.url.copy_set_param("state", "of somebody else")
    problem(await service.http.get(another), 400, "oauth-state-invalid")
    mine = dict(service.http.cookies)
    for cookies in ({}, {"google-linked": "invented"}, {"google-linked": mine["google-linked"][:-2]}):
        service.http.cookies.clear()
        service.http.cookies.update(cookies)
        told = problem(await service.http.get(linked.url), 400, "oauth-state-invalid")
        assert ada.email not in str(told)
    service.http.cookies.update(mine)
    assert (await service.http.get(linked.url)).status_code == 200
    await ada.post("/auth/google/disconnect")
    problem(await service.http.get(linked.url), 400, "oauth-state-invalid")


async def test_the_frontend_gets_the_browser_back_again_without_an_error(sqlite_url: str) -> None:
    async with running_service(sqlite_url, frontend_url="http://localhost:3000/") as service:
        ada = await service.register()
        linked = await service.consent(ada)
        again = await service.http.get(linked.url)
        assert (again.status_code, again.headers["location"]) == (302, linked.headers["location"])
        service.http.cookies.clear()
        stranger = await service.http.get(linked.url)
        assert stranger.headers["location"].endswith("?error=oauth-state-invalid")


async def test_a_frontend_gets_the_browser_back(sqlite_url: str) -> None:
    frontend = "http://localhost:3000/settings?tab=calendar"
    async with running_service(sqlite_url, frontend_url=frontend) as service:
        ada = await service.register()
        denied = await service.consent(ada, decision="deny")
        assert denied.status_code == 302
        assert denied.headers["location"] == f"{frontend}&error=google-consent-denied"
        linked = await service.consent(ada)
        assert (linked.status_code, linked.headers["location"]) == (302, frontend)
        elsewhere = "http://localhost:3000/elsewhere"
        again = await service.consent(ada, return_to=elsewhere)
        assert again.headers["location"] == elsewhere


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "http://localhost:8000@evil.example/",
        "http://localhost:8000\\@evil.example/",
        "http://localhost:80/",
        "/relative",
        "",
    ],
)
async def test_a_browser_is_sent_to_known_places_only(ada: Person, target: str) -> None:
    refused(await ada.get("/auth/google/authorize", params={"return_to": target}), "/query/return_to")


async def test_without_credentials_there_is_no_google(sqlite_url: str) -> None:
    async with running_service(sqlite_url, google_sandbox="off") as service:
        ada = await service.register()
        problem(await ada.get("/auth/google/authorize"), 409, "google-not-configured")
        assert (await ada.create())["sync"]["state"] == "local_only"
        for path in ("/sandbox", "/sandbox/"):
            problem(await service.http.get(path), 404, "not-found")
