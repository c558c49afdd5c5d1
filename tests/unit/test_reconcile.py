"""The decision itself: every triple of base, local and remote over a small world of contents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from services.core.merge import Loss
from services.core.reconcile import (
    Conflict,
    DropLocal,
    DropRemote,
    Keep,
    Merge,
    Pull,
    Push,
    local_after,
    reconcile,
)
from services.core.slots import FIELD_GROUPS, AllDay, Schedule, SlotContent, Timed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LECTURE = SlotContent("Lecture", Schedule(Timed(NOON, NOON + timedelta(hours=1), "Europe/Berlin")))
RENAMED = replace(LECTURE, title="Lecture (room changed)")
RENAMED_OTHERWISE = replace(LECTURE, title="Lab")
MOVED = replace(LECTURE, schedule=Schedule(AllDay(NOON.date(), NOON.date() + timedelta(days=1))))
MOVED_AND_RENAMED = replace(MOVED, title="Lab")
WORLD = (None, LECTURE, RENAMED, RENAMED_OTHERWISE, MOVED, MOVED_AND_RENAMED)
EARLY, LATE = NOON - timedelta(minutes=5), NOON + timedelta(minutes=5)
APP_EARLY = dict.fromkeys((*FIELD_GROUPS, "deleted"), EARLY)
APP_LATE = dict.fromkeys((*FIELD_GROUPS, "deleted"), LATE)
TRIPLES = list(product(WORLD, repeat=3))


def decide(base, local, remote, *, edited_at=APP_EARLY, remote_edited_at=NOON):
    return reconcile(base, local, remote, edited_at=edited_at, remote_edited_at=remote_edited_at)


@pytest.mark.parametrize(("base", "local", "remote"), TRIPLES)
def test_once_a_step_is_taken_a_second_look_changes_nothing(base, local, remote):
    step = decide(base, local, remote)
    after = local_after(step, local)
    # Google's copy is the new base, and until a push succeeds it is still what Google has.
    assert isinstance(decide(remote, after, remote), Keep | Push | DropRemote)
    # Once pushed, all three are equal.
    assert decide(after, after, after) == Keep()


@pytest.mark.parametrize(("base", "local", "remote"), TRIPLES)
def test_what_only_one_side_changed_is_never_contested(base, local, remote):
    step = decide(base, local, remote)
    if local == base and remote != base:
        assert local_after(step, local) == remote
        assert not isinstance(step, Conflict)
    if remote == base and local != base:
        assert local_after(step, local) == local
        assert not isinstance(step, Conflict)


@pytest.mark.parametrize(("base", "local", "remote"), TRIPLES)
def test_no_edit_disappears_without_being_recorded(base, local, remote):
    step = decide(base, local, remote)
    after = local_after(step, local)
    lost = {loss.group for loss in step.losses} if isinstance(step, Conflict) else set()
    for side in (local, remote):
        if side is None or after is None:
            continue
        for group in FIELD_GROUPS:
            edited = base is None or getattr(side, group) != getattr(base, group)
            if edited and getattr(side, group) != getattr(after, group):
                assert group in lost


@pytest.mark.parametrize(("base", "local", "remote"), TRIPLES)
def test_the_winner_does_not_depend_on_who_synced_first(base, local, remote):
    """Swapping sides, with their times swapped too, gives the same content."""
    ours = local_after(decide(base, local, remote, edited_at=APP_LATE, remote_edited_at=NOON), local)
    theirs = local_after(decide(base, remote, local, edited_at=APP_EARLY, remote_edited_at=NOON), remote)
    assert ours == theirs


def test_an_edit_in_the_app_alone_is_pushed():
    assert decide(LECTURE, RENAMED, LECTURE) == Push()


def test_an_edit_in_google_alone_is_pulled():
    assert decide(LECTURE, LECTURE, RENAMED) == Pull(RENAMED)


def test_a_deletion_in_google_of_an_untouched_slot_is_followed():
    assert decide(LECTURE, LECTURE, None) == DropLocal()


def test_a_deletion_in_the_app_of_an_untouched_event_is_followed():
    assert decide(LECTURE, None, LECTURE) == DropRemote()


def test_edits_of_different_fields_are_both_kept():
    assert decide(LECTURE, RENAMED, MOVED) == Merge(replace(MOVED, title=RENAMED.title))


def test_of_two_edits_of_one_field_the_later_wins_and_the_loser_is_kept():
    assert decide(LECTURE, RENAMED, RENAMED_OTHERWISE, edited_at=APP_LATE) == Conflict(
        RENAMED, (Loss("title", "local"),)
    )
    assert decide(LECTURE, RENAMED, RENAMED_OTHERWISE, edited_at=APP_EARLY) == Conflict(
        RENAMED_OTHERWISE, (Loss("title", "remote"),)
    )


def test_google_wins_a_tie():
    tie = dict.fromkeys(FIELD_GROUPS, NOON)
    assert decide(LECTURE, RENAMED, RENAMED_OTHERWISE, edited_at=tie) == Conflict(
        RENAMED_OTHERWISE, (Loss("title", "remote"),)
    )


def test_each_field_is_judged_by_its_own_edit_time():
    times = {"title": EARLY, "location": LATE}
    local = replace(LECTURE, title="by the app", location="by the app")
    remote = replace(LECTURE, title="by Google", location="by Google")
    assert decide(LECTURE, local, remote, edited_at=times) == Conflict(
        replace(LECTURE, title="by Google", location="by the app"),
        (Loss("title", "remote"), Loss("location", "local")),
    )


def test_an_edit_beats_a_deletion_that_had_not_seen_it():
    assert decide(LECTURE, RENAMED, None) == Conflict(RENAMED, (Loss("deleted", "local"),))
    assert decide(LECTURE, None, RENAMED) == Conflict(RENAMED, (Loss("deleted", "remote"),))


def test_both_sides_made_the_same_edit():
    assert decide(LECTURE, RENAMED, RENAMED) == Keep()
