"""Taking in Google's state, above all when the outcome of an earlier call is unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from services.core.events import RemoteEvent
from services.core.intake import slot_from_event, take_in, take_in_absence
from services.core.policy import LoopPolicy
from services.core.pushing import Insert, Patch, Revive, next_call
from services.core.records import DELETION, Deletion, GoogleCopy, SeriesLink, Slot, SyncState
from services.core.slots import Schedule, SlotContent, Timed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=10)
AHEAD = timedelta(0)
OLD = SlotContent("Old", Schedule(Timed(NOON, NOON + timedelta(hours=1), "UTC")))
SENT = replace(OLD, title="Sent")
NEWER = replace(OLD, title="Newer")
USER, SLOT_ID = UUID(int=1), UUID(int=2)


def a_slot(**changes) -> Slot:
    slot = Slot(
        user_id=USER,
        id=SLOT_ID,
        calendar_id="primary",
        content=OLD,
        base=OLD,
        source="app",
        created_at=NOON,
        updated_at=NOON,
        google=GoogleCopy("event", '"1"', NOON),
    )
    return replace(slot, **changes)


def an_event(
    content: SlotContent | None, *, etag: str = '"2"', updated_at: datetime | None = LATER
) -> RemoteEvent:
    return RemoteEvent("event", content, GoogleCopy("event", etag, updated_at), slot_id=SLOT_ID)


def take(slot: Slot, event: RemoteEvent, **options):
    return take_in(slot, event, now=LATER, clock_ahead=AHEAD, policy=LoopPolicy(), **options)


def test_googles_edit_becomes_local_and_is_never_pushed_back():
    intake = take(a_slot(), an_event(NEWER))
    assert intake.slot.local == NEWER
    assert not intake.slot.needs_attention
    assert intake.slot.version == 2
    assert intake.changes == {"title": {"before": "Old", "after": "Newer"}}
    assert intake.origin == "google"


def test_an_etag_alone_is_no_change():
    intake = take(a_slot(), an_event(OLD))
    assert not intake.visible
    assert intake.slot.version == 1
    assert intake.slot.google.etag == '"2"'


def test_the_answer_to_our_own_write_settles_the_slot_without_a_new_version():
    slot = a_slot(content=SENT, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(SENT), landed=True)
    assert intake.slot.sync_state is SyncState.SYNCED
    assert intake.slot.version == slot.version
    assert intake.slot.edited_at == {}


def test_an_edit_made_while_the_answer_was_under_way_stays_to_be_pushed():
    slot = a_slot(content=NEWER, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(SENT), landed=True)
    assert intake.slot.local == NEWER
    assert intake.slot.base == SENT
    assert intake.lost == ()
    assert next_call(intake.slot) == Patch("event", '"2"', SENT, NEWER)


def test_a_value_that_google_rewrote_is_taken_over_not_fought():
    slot = a_slot(content=SENT, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(replace(SENT, title="Sent (rewritten)")), landed=True)
    assert intake.slot.local.title == "Sent (rewritten)"
    assert not intake.slot.dirty
    assert intake.lost == ()


def test_somebody_elses_change_in_the_answer_is_not_mistaken_for_an_echo():
    slot = a_slot(content=SENT, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(replace(SENT, location="Room 7")), landed=True)
    assert intake.slot.local == replace(SENT, location="Room 7")


def test_a_lost_answer_is_recognised_by_what_only_we_can_have_written():
    """Google took our write; the app edited again; Google's clock is far ahead and must not win."""
    slot = a_slot(content=NEWER, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(SENT, updated_at=LATER + timedelta(hours=1)))
    assert intake.slot.local == NEWER
    assert intake.lost == ()


def test_a_write_that_never_arrived_is_sent_again():
    slot = a_slot(content=SENT, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(OLD, etag='"1"', updated_at=NOON))
    assert intake.slot.sent is None
    assert next_call(intake.slot) == Patch("event", '"1"', OLD, SENT)


def test_a_lost_insert_is_adopted_and_the_newer_edit_survives():
    slot = a_slot(content=NEWER, base=None, google=None, sent=SENT, edited_at={"title": NOON})
    intake = take(slot, an_event(SENT, updated_at=LATER + timedelta(hours=1)))
    assert intake.slot.local == NEWER
    assert intake.lost == ()
    assert intake.slot.base == SENT


def test_an_insert_that_never_arrived_is_repeated_under_the_same_id():
    slot = a_slot(base=None, google=None, sent=OLD)
    intake = take_in_absence(slot, now=LATER, policy=LoopPolicy())
    assert next_call(intake.slot) == Insert(SLOT_ID.hex, OLD)


def test_a_slot_restored_while_its_deletion_was_under_way_comes_back():
    """The deletion landed, its answer was lost, and the person wanted the slot back meanwhile."""
    slot = a_slot(sent=DELETION)
    intake = take(slot, an_event(None))
    assert intake.slot.local == OLD
    assert next_call(intake.slot) == Revive("event", '"2"', OLD)
    forgotten = take_in_absence(slot, now=LATER, policy=LoopPolicy())
    assert forgotten.slot.local == OLD
    assert isinstance(next_call(forgotten.slot), Insert)


def test_what_was_sent_before_a_removal_that_did_not_happen_is_recognised():
    slot = a_slot(content=NEWER, sent=Deletion(SENT), edited_at={"title": NOON})
    intake = take(slot, an_event(SENT, updated_at=LATER + timedelta(hours=1)))
    assert intake.slot.local == NEWER
    assert intake.lost == ()


def test_deletion_in_google_of_an_untouched_slot_is_followed_once():
    intake = take(a_slot(), an_event(None))
    assert intake.slot.local is None
    assert not intake.slot.needs_attention
    again = take(intake.slot, an_event(None, etag='"3"'))
    assert not again.visible


def test_an_edit_that_the_deleter_had_not_seen_survives_and_is_recorded():
    slot = a_slot(content=NEWER, edited_at={"title": NOON})
    intake = take(slot, an_event(None))
    assert intake.slot.local == NEWER
    assert intake.slot.open_conflicts == 1
    assert [lost.winner for lost in intake.lost] == ["local"]
    assert isinstance(next_call(intake.slot), Revive)


def test_a_revival_that_never_left_is_tried_again():
    """The process died after it had noted what it would send, and before it sent it."""
    slot = a_slot(content=NEWER, base=None, sent=NEWER, edited_at={"title": NOON})
    intake = take(slot, an_event(None))
    assert intake.slot.local == NEWER
    assert isinstance(next_call(intake.slot), Revive)


def test_an_insert_that_landed_and_was_deleted_in_google_stays_deleted():
    slot = a_slot(base=None, google=None, sent=OLD)
    intake = take(slot, an_event(None))
    assert intake.slot.local is None


def test_a_tombstone_of_an_insert_that_may_be_older_than_an_edit_does_not_take_the_edit_along():
    """Whoever deleted the event in Google may have seen what an insert of before the edit had brought."""
    slot = a_slot(content=NEWER, base=None, google=None, sent=NEWER, edited_at={"title": LATER})
    intake = take(slot, an_event(None))
    assert intake.slot.local == NEWER
    assert [(lost.group, lost.winner) for lost in intake.lost] == [("deleted", "local")]
    assert next_call(intake.slot) == Revive("event", '"2"', NEWER)


def test_clock_skew_is_taken_out_before_times_are_compared():
    slot = a_slot(content=NEWER, edited_at={"title": LATER})
    google_says = an_event(SENT, updated_at=LATER + timedelta(minutes=9))
    skewed = take_in(slot, google_says, now=LATER, clock_ahead=timedelta(minutes=10), policy=LoopPolicy())
    assert skewed.slot.local == NEWER
    straight = take(slot, google_says)
    assert straight.slot.local == SENT


def test_what_guests_answer_is_seen_but_makes_nobodys_edit_stale():
    event = an_event(OLD)
    event = replace(event, copy=replace(event.copy, facts={"attendees": [{"email": "a@example.com"}]}))
    intake = take(a_slot(), event)
    assert intake.visible
    assert intake.slot.version == 1
    assert intake.changes == {}


def test_a_tombstone_of_something_never_seen_makes_no_slot():
    assert (
        slot_from_event(
            an_event(None), user_id=USER, slot_id=SLOT_ID, calendar_id="primary", listing=0, now=NOON
        )
        is None
    )


@pytest.mark.parametrize("original_start", [date(2026, 3, 2), NOON])
def test_a_cancelled_instance_is_kept_though_google_tells_only_where_it_was(original_start):
    event = RemoteEvent("series_20260302", None, GoogleCopy("series_20260302", '"1"', None))
    slot = slot_from_event(
        event,
        user_id=USER,
        slot_id=SLOT_ID,
        calendar_id="primary",
        listing=0,
        now=NOON,
        series=SeriesLink(original_start, None, "series"),
    )
    assert slot is not None
    assert slot.local is None
    assert not slot.needs_attention


def test_an_event_of_ours_whose_slot_was_forgotten_is_that_slot_come_back():
    event_id = f"{SLOT_ID.hex}g2"
    event = RemoteEvent(event_id, NEWER, GoogleCopy(event_id, '"2"', LATER), slot_id=SLOT_ID)
    slot = partial(
        slot_from_event, event, user_id=USER, slot_id=SLOT_ID, calendar_id="primary", listing=0, now=LATER
    )
    back = slot(returned=True)
    assert back is not None
    assert (back.source, back.generation, back.content) == ("app", 2, NEWER)
    # Whoever knows the slot from before knows a smaller version.
    assert back.version == int(LATER.timestamp())
    new = slot()
    assert new is not None
    assert (new.source, new.generation, new.version) == ("google", 0, 1)
