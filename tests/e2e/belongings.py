"""A person who has one of everything that has an id, and each of it real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.fights import fight

if TYPE_CHECKING:
    import httpx

    from tests.e2e.receiver import Receiver
    from tests.e2e.world import Person

LOOP_BREAKER_LIMIT = 2
_VANISHING = 12
"""More than the deletion brake lets pass."""
_ONCE = {"Idempotency-Key": "once"}
_KEPT = {"title": "Once", "start": "2026-09-01", "end": "2026-09-02"}


@dataclass(frozen=True)
class Belongings:
    """What somebody has, by the names that the paths of the service have for it."""

    owner: Person
    ids: dict[str, str]
    quarantined_id: str
    feed_url: str
    answer_once: httpx.Response
    """What the request with the idempotency key was answered."""

    def at(self, path: str) -> dict[str, str]:
        """The ids for a path; only a slot in quarantine can be released from it."""
        return {**self.ids, "slot_id": self.quarantined_id} if "/quarantine/" in path else self.ids

    async def again(self, person: Person) -> httpx.Response:
        """Somebody sends the same request under the same key."""
        return await person.app.call("POST", "/slots", json=_KEPT, headers=_ONCE)

    async def everything(self) -> dict[str, Any]:
        """All that the owner can see."""
        app, ids = self.owner.app, self.ids
        paths = (
            "/auth/users/me", "/auth/keys", "/calendars", "/sync/status", "/sync/conflicts", "/sync/holds",
            "/slots/feed", "/slots/changes", f"/slots/{ids['slot_id']}/history",
            "/webhooks/subscriptions", f"/webhooks/subscriptions/{ids['subscription_id']}/deliveries",
        )  # fmt: skip
        seen = {path: await app.get(path) for path in paths}
        for calendar in seen["/sync/status"]["calendars"]:
            # Grows by itself while slots are held.
            del calendar["lag_seconds"]
        seen["slots"] = await app.slots(include_deleted=True)
        seen["feed"] = (await self.owner.google.http.get(self.feed_url)).headers["etag"]
        browser = await self.owner.browser.fetch("GET", f"{app.url}/auth/users/me", page=app.url)
        seen["session"] = browser.json()
        seen["events"] = await self.owner.google.events(deleted=True)
        return seen


async def collect(owner: Person, receiver: Receiver) -> Belongings:
    """Connect an account, and bring about one of everything.

    The limit of the loop breaker must be `LOOP_BREAKER_LIMIT`, and its cool-down long.
    """
    app, google = owner.app, owner.google
    await google.create_many(_VANISHING)
    await owner.connect()

    slot = await app.create("Private", wait=True)
    await owner.edit_unnoticed(slot["google"]["event_id"], summary="by google")
    await app.edit(slot, title="by app")
    await app.becomes(slot, lambda seen: seen["sync"]["state"] == "conflict")
    [conflict] = await app.conflicts()

    fought = await app.create("Fought over", wait=True)
    await fight(owner, fought, "Mine", limit=LOOP_BREAKER_LIMIT)

    webhook = await app.post("/webhooks/subscriptions", {"url": receiver.url}, status=201)
    receiver.secret = webhook["secret"]
    assert (await app.post(f"/webhooks/subscriptions/{webhook['id']}/test"))["succeeded"]

    once = await app.call("POST", "/slots", json=_KEPT, headers=_ONCE, wait=True)
    assert once.status_code == 201, once.text
    key = await app.post("/auth/keys", {"name": "Phone"}, status=201)
    feed = await app.post("/slots/feed", status=201)
    assert (await google.http.get(feed["url"])).status_code == 200
    hold = await _mass_deletion(owner)
    history = (await app.get(f"/slots/{slot['id']}/history"))["items"]
    ids = {
        "slot_id": slot["id"],
        "user_id": app.user_id,
        "conflict_id": conflict["id"],
        "hold_id": hold["id"],
        "key_id": key["id"],
        "subscription_id": webhook["id"],
        "seq": str(history[-1]["seq"]),
    }
    return Belongings(owner, ids, fought["id"], feed["url"], once)


async def _mass_deletion(owner: Person) -> dict[str, Any]:
    """Many events vanish from Google at once, and the service does not believe it."""
    google = owner.google
    gone = [each["id"] for each in await google.events() if each["summary"].startswith("Event")]
    assert len(gone) == _VANISHING
    await google.lose_notifications()
    await google.edit_many([{"id": each, "status": "cancelled"} for each in gone])
    await google.control("POST", "/sync-tokens/invalidate", {"account": google.email})
    await owner.app.sync()
    [hold] = (await owner.app.get("/sync/holds"))["items"]
    assert hold["held"] == _VANISHING, hold
    return dict(hold)
