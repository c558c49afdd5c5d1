"""The circuit breaker of one slot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.core.breaker import close, half_open, observe_change
from services.core.policy import LoopPolicy
from services.core.records import GoogleCopy, Slot, SyncState
from services.core.slots import Schedule, SlotContent, Timed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = LoopPolicy(limit=4, window=timedelta(minutes=5), cooldown=timedelta(minutes=10))
CONTENT = SlotContent("Shift", Schedule(Timed(NOON, NOON, "UTC")))


def a_slot() -> Slot:
    return Slot(
        user_id=UUID(int=1),
        id=UUID(int=2),
        calendar_id="primary",
        content=CONTENT,
        base=CONTENT,
        source="app",
        created_at=NOON,
        updated_at=NOON,
        google=GoogleCopy("event", '"1"', NOON),
    )


def fight(
    slot: Slot, rounds: int, *, start: datetime = NOON, pause: timedelta = timedelta(seconds=1)
) -> Slot:
    at = start
    for _ in range(rounds):
        for origin in ("app", "google"):
            slot = observe_change(slot, origin, at, POLICY)
            at += pause
    return slot


def test_two_bots_that_overwrite_each_other_are_cut_off():
    slot = fight(a_slot(), rounds=3)
    assert slot.sync_state is SyncState.QUARANTINED
    assert slot.push_at == slot.quarantined_until


def test_one_side_may_edit_as_often_as_it_likes():
    slot = a_slot()
    for second in range(100):
        slot = observe_change(slot, "app", NOON + timedelta(seconds=second), POLICY)
    assert slot.quarantined_until is None


def test_people_who_take_turns_slowly_are_left_alone():
    slot = fight(a_slot(), rounds=50, pause=timedelta(minutes=2))
    assert slot.quarantined_until is None


def test_a_slot_that_fights_on_after_its_second_chance_rests_twice_as_long():
    slot = fight(a_slot(), rounds=3)
    again = NOON + timedelta(minutes=11)
    reopened = half_open(slot, again)
    assert reopened.quarantined_until is None
    assert reopened.refetch
    slot = fight(reopened, rounds=3, start=again)
    assert slot.loop.trips == 2
    assert slot.quarantined_until is not None
    assert slot.quarantined_until - again > 2 * POLICY.cooldown


def test_a_slot_that_kept_calm_after_its_second_chance_has_all_its_patience_back():
    again = NOON + timedelta(minutes=11)
    slot = half_open(fight(a_slot(), rounds=3), again)
    slot = fight(slot, rounds=2, start=again + 2 * POLICY.window)
    assert slot.quarantined_until is None


def test_a_person_closes_the_breaker():
    slot = close(fight(a_slot(), rounds=3))
    assert slot.quarantined_until is None
    assert slot.loop.trips == 0
    assert slot.refetch, "what Google did meanwhile is read before anything is sent"
