"""What a slot and an event of its own that arrived late come from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from services.core.descent import descended, may_be_older
from services.core.records import GoogleCopy, HistoryEntry, SeriesLink, Slot
from services.core.slots import Schedule, SlotContent, Timed

MADE = datetime(2026, 3, 2, 8, tzinfo=UTC)
FIRST = SlotContent("First", Schedule(Timed(MADE, MADE + timedelta(hours=1), "UTC")), location="Hall")
SECOND = replace(FIRST, title="Second", schedule=Schedule(Timed(MADE, MADE + timedelta(hours=2), "UTC")))


def slot_with(content: SlotContent, *, edited: timedelta = timedelta(minutes=1)) -> Slot:
    """A slot that Google has not got, and whose title and schedule were edited."""
    return Slot(
        user_id=UUID(int=1),
        id=UUID(int=2),
        calendar_id="primary",
        content=content,
        source="app",
        edited_at={"location": MADE, "title": MADE + edited, "schedule": MADE + edited},
        created_at=MADE,
        updated_at=MADE,
    )


def history_of(*contents: SlotContent) -> list[HistoryEntry]:
    """What a slot that held these in turn has gone through."""
    steps = pairwise(contents)
    return [
        HistoryEntry(UUID(int=1), UUID(int=2), seq, MADE, "app", slot_with(before).changes_to(after))
        for seq, (before, after) in enumerate(steps)
    ]


SLOT = slot_with(SECOND)


def test_what_the_slot_held_before_is_common():
    assert descended(SLOT, FIRST, history_of(FIRST, SECOND)).base == FIRST


def test_it_may_have_been_long_ago():
    between = replace(FIRST, title="Between")
    assert descended(SLOT, FIRST, history_of(FIRST, between, SECOND)).base == FIRST


def test_what_the_slot_never_held_is_an_edit_of_google_s_beside_its_own():
    base = descended(SLOT, replace(FIRST, title="Third"), history_of(FIRST, SECOND)).base
    assert base is not None
    assert base.title == "First"


def test_what_the_app_never_edited_only_google_has():
    base = descended(SLOT, replace(FIRST, location="Garden"), history_of(FIRST, SECOND)).base
    assert base == FIRST


def test_what_came_back_to_an_older_value_is_an_edit_too():
    slot = slot_with(FIRST)
    base = descended(slot, replace(FIRST, title="Third"), history_of(FIRST, SECOND, FIRST)).base
    assert base is not None
    assert base.title == "Second"


def test_an_edit_that_the_history_does_not_tell_of_leaves_all_open():
    assert descended(SLOT, FIRST, []) == SLOT


@pytest.mark.parametrize("edited", [timedelta(minutes=1), timedelta(minutes=-1)])
def test_an_edit_after_the_slot_was_made_may_not_be_there_whatever_the_clocks_say(edited: timedelta):
    assert may_be_older(slot_with(SECOND, edited=edited), FIRST)


@pytest.mark.parametrize(
    "slot",
    [
        slot_with(SECOND, edited=timedelta(0)),
        replace(SLOT, base=FIRST),
        replace(SLOT, google=GoogleCopy("event", "etag", None)),
        replace(SLOT, series=SeriesLink(MADE, None)),
        replace(SLOT, deleted_at=MADE),
        slot_with(FIRST),
    ],
    ids=["never edited", "agreed on", "seen there", "an instance", "deleted", "equal"],
)
def test_anything_else_is_compared_as_it_is(slot: Slot):
    assert not may_be_older(slot, FIRST)


def test_a_tombstone_holds_nothing():
    assert not may_be_older(SLOT, None)
