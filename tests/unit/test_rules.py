"""The small rules: when to try again, when to brake, which id to use, what to call next."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.core.errors import FailureClass, VendorError
from services.core.event_ids import event_id_for, slot_id_in
from services.core.guard import is_mass_deletion
from services.core.policy import BrakePolicy
from services.core.pushing import Delete, Fetch, Insert, Nothing, Patch, Revive, Wait, next_call
from services.core.records import DELETION, UNKNOWN_ETAG, GoogleCopy, SeriesLink, Slot
from services.core.retry import GiveUp, RetryAt, next_attempt, spread
from services.core.slots import Schedule, SlotContent, Timed

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OLD = SlotContent("Old", Schedule(Timed(NOON, NOON, "UTC")))
NEW = replace(OLD, title="New")
SLOT = Slot(
    user_id=UUID(int=1),
    id=UUID(int=2),
    calendar_id="primary",
    content=NEW,
    source="app",
    created_at=NOON,
    updated_at=NOON,
)
COPY = GoogleCopy("event", '"1"', NOON)


@pytest.mark.parametrize(
    "failure", [FailureClass.RETRYABLE, FailureClass.RATE_LIMITED, FailureClass.CONFLICT]
)
def test_passing_failures_are_retried_ever_later_but_never_given_up(failure):
    delays = []
    for attempt in range(1, 40):
        verdict = next_attempt(VendorError(failure), attempt, NOON, jitter=0)
        assert isinstance(verdict, RetryAt)
        delays.append(verdict.at - NOON)
    assert delays == sorted(delays)
    assert delays[0] == timedelta(seconds=1)
    assert delays[-1] == timedelta(minutes=15)


@pytest.mark.parametrize("failure", [FailureClass.PERMANENT, FailureClass.INVALID_STATE])
def test_refusals_that_would_repeat_are_given_up(failure):
    assert next_attempt(VendorError(failure), 1, NOON, jitter=0) == GiveUp()


@pytest.mark.parametrize("failure", [FailureClass.PERMANENT, FailureClass.INVALID_STATE])
def test_what_was_only_to_be_read_is_asked_for_again(failure):
    delays = []
    for attempt in (1, 2, 40):
        verdict = next_attempt(VendorError(failure), attempt, NOON, jitter=0, reading=True)
        assert isinstance(verdict, RetryAt)
        delays.append(verdict.at - NOON)
    assert delays == [timedelta(minutes=1), timedelta(minutes=2), timedelta(days=1)]


def test_googles_own_wish_and_its_long_limits_are_honoured():
    patient = VendorError(FailureClass.RATE_LIMITED, retry_after=timedelta(minutes=7))
    assert next_attempt(patient, 1, NOON, jitter=0) == RetryAt(NOON + timedelta(minutes=7))
    limited = VendorError(FailureClass.RATE_LIMITED, reason="quotaExceeded")
    assert next_attempt(limited, 1, NOON, jitter=0) == RetryAt(NOON + timedelta(hours=1))


def test_intervals_are_spread_around_their_length():
    hour = timedelta(hours=1)
    assert spread(hour, share=0.25, jitter=0) == timedelta(minutes=45)
    assert spread(hour, share=0.25, jitter=0.5) == hour


@pytest.mark.parametrize(
    ("missing", "known", "brakes"),
    [(3, 3, False), (10, 10, False), (11, 11, True), (11, 1000, False), (300, 1000, True), (0, 0, False)],
)
def test_the_brake_stops_only_what_is_much_both_in_number_and_in_share(missing, known, brakes):
    assert is_mass_deletion(missing=missing, known=known, policy=BrakePolicy(10, 25)) is brakes


def test_an_event_id_is_legal_and_leads_back_to_its_slot():
    for generation in range(12):
        event_id = event_id_for(SLOT.id, generation)
        assert set(event_id) <= set("abcdefghijklmnopqrstuv0123456789")
        assert slot_id_in(event_id) == SLOT.id
    for foreign in (SLOT.id.hex + "x", SLOT.id.hex + "g0", SLOT.id.hex[1:], "_" + SLOT.id.hex, ""):
        assert slot_id_in(foreign) is None


def test_the_next_call_follows_from_the_slot_alone():
    assert next_call(SLOT) == Insert(event_id_for(SLOT.id, 0), NEW)
    bound = replace(SLOT, google=COPY, base=OLD)
    assert next_call(bound) == Patch("event", '"1"', OLD, NEW)
    assert next_call(replace(bound, base=NEW)) == Nothing()
    assert next_call(replace(bound, deleted_at=NOON)) == Delete("event", '"1"')
    assert next_call(replace(bound, base=None)) == Revive("event", '"1"', NEW)
    unread = replace(bound, base=None, google=replace(COPY, etag=UNKNOWN_ETAG))
    assert next_call(unread) == Fetch("event")
    assert next_call(replace(SLOT, deleted_at=NOON)) == Nothing()


def test_an_unknown_outcome_is_looked_at_before_anything_is_sent():
    assert next_call(replace(SLOT, sent=NEW)) == Fetch(event_id_for(SLOT.id, 0))
    bound = replace(SLOT, google=COPY, base=NEW)
    assert next_call(replace(bound, sent=DELETION)) == Fetch("event")
    assert next_call(replace(bound, refetch=True)) == Fetch("event")


@pytest.mark.parametrize("refetch", [False, True])
def test_an_instance_is_not_looked_at_while_the_app_is_ahead_with_its_series(refetch):
    series = replace(SLOT, id=UUID(int=3), google=COPY, base=NEW)
    instance = replace(SLOT, series=SeriesLink(NOON, series.id), base=OLD, refetch=refetch)
    assert next_call(instance, series) == Fetch("event_20260302T120000Z")
    assert next_call(instance, replace(series, base=OLD)) == Wait()
