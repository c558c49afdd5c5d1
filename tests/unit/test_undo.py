"""What takes a change back, and when it is too late for that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.core.errors import ChangedSinceError
from services.core.records import HistoryEntry, Slot
from services.core.undo import BringBack, DeleteAgain, Rewrite, undoing
from tests.contract.records import HOUR, NOW, new_id, slot, timed

SLOT = slot(new_id(), timed("Two"))


def entry(seq: int = 5, **fields: tuple[Any, Any]) -> HistoryEntry:
    changes = {name: {"before": before, "after": after} for name, (before, after) in fields.items()}
    return HistoryEntry(SLOT.user_id, SLOT.id, seq, NOW, "app", changes)


def at(start: timedelta, end: timedelta) -> Slot:
    return replace(SLOT, content=timed(start=NOW + start, length=end - start))


def test_fields_get_back_what_they_held():
    wanted = undoing(SLOT, entry(title=("One", "Two")), [entry(6, location=("", "Room 4"))])
    assert isinstance(wanted, Rewrite)
    assert wanted.applied_to(timed("Two", location="Room 4")) == timed("One", location="Room 4")
    assert (wanted.calendar_id, wanted.recurrence) == (None, None)


def test_a_field_that_came_back_to_what_the_change_left_counts_as_unchanged():
    later = [entry(6, title=("Two", "Three")), entry(7, title=("Three", "Two"))]
    assert undoing(SLOT, entry(title=("One", "Two")), later) == Rewrite({"title": "One"})


def test_a_field_that_holds_something_else_is_named():
    with pytest.raises(ChangedSinceError) as told:
        undoing(SLOT, entry(title=("One", "Or another"), location=("a", "")), [])
    assert told.value.fields == {"title": {"left": "Or another", "current": "Two"}}
    assert told.value.seq == 5


def test_half_of_a_schedule_is_not_taken_back():
    moved = at(HOUR, 3 * HOUR)
    start = entry(start=(NOW.isoformat(), (NOW + HOUR).isoformat()))
    wanted = undoing(moved, start, [])
    assert isinstance(wanted, Rewrite)
    assert wanted.applied_to(moved.content) == at(timedelta(0), 3 * HOUR).content
    end = entry(6, end=((NOW + 2 * HOUR).isoformat(), (NOW + 3 * HOUR).isoformat()))
    with pytest.raises(ChangedSinceError) as told:
        undoing(moved, start, [end])
    assert told.value.fields.keys() == {"end"}
    assert undoing(moved, end, []) == Rewrite({"end": (NOW + 2 * HOUR).isoformat()})


def test_rules_are_handed_on_as_lines():
    wanted = undoing(SLOT, entry(recurrence=(["RRULE:FREQ=DAILY"], [])), [])
    assert isinstance(wanted, Rewrite)
    assert wanted.recurrence == ("RRULE:FREQ=DAILY",)
    assert wanted.applied_to(SLOT.content) == SLOT.content


def test_a_slot_goes_back_to_the_calendar_that_it_came_from():
    moving = replace(SLOT, moving_to="work")
    wanted = undoing(moving, entry(calendar_id=("primary", "work")), [])
    assert isinstance(wanted, Rewrite)
    assert wanted.calendar_id == "primary"
    assert wanted.applied_to(SLOT.content) == SLOT.content
    with pytest.raises(ChangedSinceError):
        undoing(SLOT, entry(calendar_id=("primary", "work")), [])


def test_deletions_and_restorations_are_opposites():
    gone = replace(SLOT, deleted_at=NOW)
    deletion, restoration = entry(deleted=(False, True)), entry(deleted=(True, False), title=("One", "Two"))
    assert undoing(gone, deletion, []) == BringBack()
    assert undoing(SLOT, restoration, []) == DeleteAgain()
    for now, change in ((SLOT, deletion), (gone, restoration), (gone, entry(title=("One", "Two")))):
        with pytest.raises(ChangedSinceError) as told:
            undoing(now, change, [])
        assert told.value.fields.keys() == {"deleted"}
