"""Hypothesis strategies for the records of the core."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from hypothesis import strategies as st

from services.core.records import (
    DELETION,
    NO_LOOP,
    Deletion,
    GoogleCopy,
    LoopRecord,
    PushFailure,
    SeriesLink,
    Slot,
)
from services.core.restrictions import Restriction
from services.core.slots import (
    FIELD_GROUPS,
    AllDay,
    Attendee,
    ReminderOverride,
    Reminders,
    Schedule,
    SlotContent,
    Timed,
)

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

OWNER = UUID("01900000-0000-7000-8000-000000000001")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
instants = st.datetimes(
    min_value=datetime(1900, 1, 1),  # noqa: DTZ001 - the strategy adds the zone.
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
whole_seconds = instants.map(lambda instant: instant.replace(microsecond=0))
uuids = st.uuids()
small = st.integers(0, 1_000_000)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def timed_spans(draw: st.DrawFn) -> Timed:
    start = draw(whole_seconds)
    return Timed(
        start,
        start + timedelta(seconds=draw(st.integers(0, 10_000_000))),
        draw(st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"])),
    )


@st.composite
def all_day_spans(draw: st.DrawFn) -> AllDay:
    start = draw(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
    return AllDay(start, start + timedelta(days=draw(st.integers(1, 400))))


recurrences = st.sampled_from(
    [(), (), ("RRULE:FREQ=WEEKLY;COUNT=4",), ("RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20260101")]
)
schedules: SearchStrategy[Schedule] = st.builds(Schedule, timed_spans() | all_day_spans(), recurrences)
overrides = st.builds(ReminderOverride, st.sampled_from(["email", "popup"]), st.integers(0, 40_320))
reminders: SearchStrategy[Reminders] = st.just(Reminders()) | st.builds(
    lambda chosen: Reminders(
        use_default=False,
        overrides=tuple(sorted(chosen, key=lambda each: (each.minutes, each.method))),
    ),
    st.sets(overrides, max_size=5),
)
emails = st.sampled_from(["ada@example.com", "bob@example.com", "eve@example.com", "room-4@example.com"])
contents: SearchStrategy[SlotContent] = st.builds(
    SlotContent,
    title=texts,
    schedule=schedules,
    description=texts,
    location=texts,
    color=st.none() | st.sampled_from([str(number) for number in range(1, 12)]),
    transparency=st.sampled_from(["opaque", "transparent"]),
    visibility=st.sampled_from(["default", "public", "private", "confidential"]),
    reminders=reminders,
    attendees=st.sets(emails, max_size=3).flatmap(
        lambda chosen: st.tuples(
            *(st.builds(Attendee, st.just(each), st.booleans()) for each in sorted(chosen))
        )
    ),
    response=st.none() | st.sampled_from(["needsAction", "declined", "tentative", "accepted"]),
)
series_links: SearchStrategy[SeriesLink] = st.builds(
    SeriesLink,
    original_start=whole_seconds | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    series_id=st.none() | uuids,
    recurring_event_id=st.none() | st.just("master"),
    went_along=st.booleans(),
)
google_copies: SearchStrategy[GoogleCopy] = st.builds(
    GoogleCopy,
    event_id=st.uuids().map(lambda value: value.hex),
    etag=texts,
    updated_at=st.none() | instants,
    restriction=st.none() | st.sampled_from(list(Restriction)),
    facts=st.dictionaries(texts, json_values, max_size=3),
    only_looked_up=st.booleans(),
)
failures: SearchStrategy[PushFailure] = st.builds(
    PushFailure, reason=texts, detail=texts, attempts=small, next_attempt_at=st.none() | instants
)
loops: SearchStrategy[LoopRecord] = st.just(NO_LOOP) | st.builds(
    LoopRecord,
    last_origin=st.sampled_from([None, "app", "google"]),
    overwrites=st.lists(instants, max_size=3).map(tuple),
    trips=small,
)


@st.composite
def slots(draw: st.DrawFn, *, user_id: UUID = OWNER, calendar_id: str = "primary") -> Slot:
    """Any slot, also ones that no sync would make."""
    content = draw(contents)
    base = draw(st.none() | st.just(content) | contents)
    return Slot(
        user_id=user_id,
        id=draw(uuids),
        calendar_id=calendar_id,
        moving_to=draw(st.none() | st.just("work")),
        content=content,
        source=draw(st.sampled_from(["app", "google"])),
        created_at=draw(instants),
        updated_at=draw(instants),
        deleted_at=draw(st.none() | instants),
        base=base,
        edited_at=draw(st.dictionaries(st.sampled_from([*FIELD_GROUPS, "deleted"]), instants, max_size=3)),
        version=draw(small),
        generation=draw(small),
        google=draw(st.none() | google_copies),
        sent=draw(st.none() | st.just(DELETION) | st.builds(Deletion, contents) | contents),
        refetch=draw(st.booleans()),
        notify=draw(st.sampled_from(["none", "all", "external"])),
        failure=draw(st.none() | failures),
        loop=draw(loops),
        quarantined_until=draw(st.none() | instants),
        hold_id=draw(st.none() | uuids),
        open_conflicts=draw(small),
        seen_listing=draw(small),
        last_synced_at=draw(st.none() | instants),
    )
