"""Where exceptions go with their series, where two stand for one instance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.core.policy import LoopPolicy
from services.core.records import GoogleCopy, SeriesLink, Slot
from services.core.scoped_edits import Circumstances, Wish
from services.core.scopes import edit_all
from services.core.slots import Schedule, SlotContent, Timed

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
RULE = ("RRULE:FREQ=WEEKLY;COUNT=4",)
SERIES_ID = UUID(int=1)


def content(title: str, start: datetime, rule: tuple[str, ...] = ()) -> SlotContent:
    return SlotContent(title, Schedule(Timed(start, start + HOUR, "UTC"), rule))


def a_slot(number: int, shown: SlotContent, base: SlotContent, **more) -> Slot:
    return Slot(
        user_id=UUID(int=9),
        id=UUID(int=number),
        calendar_id="primary",
        content=shown,
        base=base,
        source="app",
        created_at=EIGHT,
        updated_at=EIGHT,
        google=GoogleCopy(f"event-{number}", '"1"', EIGHT),
        **more,
    )


def test_an_exception_that_google_moved_with_its_series_meets_the_one_that_moves_there_here():
    series = a_slot(1, content("Class", EIGHT, RULE), content("Class", EIGHT, RULE))
    exam = content("Exam", EIGHT + WEEK)
    here = a_slot(2, exam, exam, series=SeriesLink(EIGHT + WEEK, SERIES_ID))
    late = content("Class", EIGHT + WEEK + 3 * HOUR)
    there = a_slot(3, late, late, series=SeriesLink(EIGHT + WEEK + HOUR, SERIES_ID))
    nine = Wish(content("Class", EIGHT + HOUR))
    edited = edit_all(
        series, [here, there], None, nine, Circumstances(EIGHT, lambda: UUID(int=4), LoopPolicy())
    )
    after = {each.slot.id: each.slot for each in edited.edits}
    moved, given_up = after[here.id], after[there.id]
    # Google's event is the one of both, and is looked at, so that nothing of it is lost.
    assert (moved.google, moved.refetch) == (there.google, True)
    assert (moved.base, moved.local) == (
        content("Class", EIGHT + WEEK + HOUR),
        content("Exam", EIGHT + WEEK + HOUR),
    )
    assert (given_up.local, given_up.google) == (None, None)
