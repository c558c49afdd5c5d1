"""How it ended: both sides are read from outside, and nobody's own word is taken for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.system import SystemClock
from tests.e2e.app import is_at_rest
from tests.e2e.torture.people import app_value, losing_values
from tests.judges.ancestry import FIELDS, judge_ancestry, remote_value

if TYPE_CHECKING:
    from tests.e2e.torture.people import Person

REST_S = 240.0
"""After this much calm everything must have come to rest; pauses after failures have grown meanwhile."""
_CLOCK = SystemClock()


async def come_to_rest(person: Person) -> float:
    """Wait until nothing is under way; how many seconds it took.

    A person looks through what waits for a person: fights of two programs are ended, held deletions allowed.
    """
    began = _CLOCK.monotonic()
    seen: dict[str, Any] = {}
    while _CLOCK.monotonic() - began < REST_S:
        for slot in await person.client.pages("/slots", sync_state="quarantined"):
            await person.client.until_answered("POST", f"/sync/quarantine/{slot['id']}/release")
        for hold in await person.client.pages("/sync/holds"):
            for slot in await person.client.pages("/slots", sync_state="held"):
                person.ledger.settled |= {app_value(slot, name) for name in FIELDS}
            await person.client.until_answered("POST", f"/sync/holds/{hold['id']}/approve")
        [seen] = (await person.client.get("/sync/status"))["calendars"]
        if is_at_rest(seen) and await _all_told(person):
            [seen] = (await person.client.get("/sync/status"))["calendars"]
            if is_at_rest(seen):
                return _CLOCK.monotonic() - began
        await _CLOCK.sleep(0.2)
    raise AssertionError(f"{person.name} did not come to rest: {seen}")


async def _all_told(person: Person) -> bool:
    sent = (await person.google.control("GET", "/notifications"))["notifications"]
    return not any(each["state"] in ("waiting", "flying") for each in sent)


async def judge(person: Person) -> None:
    """Both sides are equal, every edit is accounted for, nothing is doubled and nobody else's is here."""
    slots, events = await person.client.pages("/slots"), await person.google.events()
    states = {slot["sync"]["state"] for slot in slots}
    assert states <= {"synced", "conflict"}, states
    by_event = {slot["google"]["event_id"]: slot for slot in slots}
    assert len(by_event) == len(slots), "one event for two slots"
    assert sorted(by_event) == sorted(event["id"] for event in events)
    for event in events:
        for name in FIELDS:
            assert app_value(by_event[event["id"]], name) == remote_value(event, name), (name, event["id"])
    standing = [remote_value(event, name) for event in events for name in FIELDS]
    losers = losing_values(await person.client.pages("/sync/conflicts"))
    assert not person.refused & {*standing, *losers}, "what was refused has happened"
    unknown = set(standing) - person.ledger.saw.keys() - {""}
    assert not unknown, f"nobody here wrote {unknown}"
    judge_ancestry(person.ledger, standing=standing, losers=losers, titles=person.titles)


async def judge_silence(person: Person) -> None:
    """At rest, looking again leads to reading, and reading to nothing."""
    before = await person.client.pages("/slots", include_deleted=True)
    events = await person.google.events(deleted=True)
    since = await person.google.request_count()
    for _ in range(3):
        answer, _ = await person.client.until_answered("POST", "/sync/trigger")
        assert answer.status_code == 200, answer.text
    asked = [each["method"] for each in await person.google.requests(since) if "/primary/" in each["path"]]
    assert set(asked) == {"GET"}, asked
    assert await person.client.pages("/slots", include_deleted=True) == before
    assert await person.google.events(deleted=True) == events
