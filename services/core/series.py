"""Series and their exceptions: what an instance holds, and what becomes of exceptions when a series moves.

An exception that Google has not got yet has the instance it was made from as its base, so that it merges like
anything else: what it changed is pushed, and what Google changed in that instance meanwhile stays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from services.core.intake import Intake, cancelled_content, take_in_absence
from services.core.reconcile import Keep
from services.core.records import DELETION, NO_LOOP, Slot
from services.core.recurrence import InvalidRecurrenceError, occurrence_at
from services.core.slots import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from services.core.policy import LoopPolicy
    from services.core.recurrence import OriginalStart
    from services.core.slots import SlotContent

SERIES_PENDING = "series-pending"
"""Why an exception waits: its series has to reach Google first."""


def instance_content(series: SlotContent, original_start: OriginalStart) -> SlotContent | None:
    """What a series has at one of its instances; `None` when it has no such instance."""
    try:
        occurrence = occurrence_at(series.schedule, original_start)
    except InvalidRecurrenceError:
        return None
    return None if occurrence is None else replace(series, schedule=Schedule(occurrence.span))


def content_to_restore(slot: Slot, series: Slot | None) -> SlotContent:
    """What a deleted slot comes back with; of an instance that Google cancelled, what the series has."""
    if slot.series is None or slot.content != cancelled_content(slot.series.original_start):
        return slot.content
    return (series and instance_content(series.content, slot.series.original_start)) or slot.content


def standing_alone(slot: Slot) -> Slot:
    """An exception whose instance is no more, as a slot of its own: what a person wrote in it survives."""
    return replace(
        slot,
        series=None,
        google=None,
        base=None,
        sent=None,
        refetch=False,
        failure=None,
        generation=slot.generation + 1,
    )


def rebased(exception: Slot, series: SlotContent) -> Slot:
    """An exception that is to be made anew at Google, since its series begins another life there.

    One whose instance the series no longer has stands alone if it lives, and is forgotten if it does not.
    """
    assert exception.series is not None  # noqa: S101  # an exception has its link
    instance = instance_content(series, exception.series.original_start)
    if instance is None and exception.local is not None:
        return standing_alone(exception)
    return replace(
        exception,
        google=None,
        base=instance,
        sent=None,
        refetch=False,
        failure=None,
        hold_id=None,
        loop=NO_LOOP,
        quarantined_until=None,
    )


def going_along(exception: Slot) -> Slot:
    """An exception that is deleted because its series is."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    return replace(exception, series=replace(exception.series, went_along=True))


def coming_back(exception: Slot) -> Slot:
    """An exception that its series takes along when it comes back."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    return replace(exception, series=replace(exception.series, went_along=False))


def waits_for(series: Slot) -> bool:
    """Whether exceptions have to wait until Google has their series as it is here."""
    return (
        series.base is None
        or series.local is None
        or series.sent is not None
        or series.moving_to is not None
        or series.base.schedule != series.local.schedule
    )


def has_ended(series: Slot) -> bool:
    """Whether a series is over on both sides, so that nothing can be an instance of it any more."""
    return series.local is None and series.base is None and series.sent is None


@dataclass(frozen=True, slots=True)
class Following:
    """What a change of a series does to one of its exceptions."""

    slot: Slot
    intake: Intake | None = None
    """Set when a client can see it."""


def follow(
    exception: Slot, before: Slot, after: Slot, *, now: datetime, policy: LoopPolicy
) -> Following | None:
    """Let an exception follow what was taken in for its series.

    Args:
        exception: Bound to the series.
        before: The series as it was.
        after: The series now.
        now: Aware, UTC.
        policy: Of the circuit breaker.

    Returns:
        `None` when nothing changes.
    """
    if before.base is not None and after.base is None and after.local is None:
        gone = replace(exception, sent=DELETION) if exception.local is None else exception
        intake = take_in_absence(gone, now=now, policy=policy)
        if exception.deleted_at is None and intake.slot.series is not None:
            intake = replace(intake, slot=going_along(intake.slot))
        return _seen(intake)
    followed = exception
    came_back = before.deleted_at is not None and after.deleted_at is None
    if came_back and exception.series is not None and exception.series.went_along:
        followed = coming_back(followed)
        followed = replace(followed, deleted_at=None, version=exception.version + 1, updated_at=now)
    if before.base is not None and after.base is None:
        followed = rebased(followed, after.content)
    elif _moved_at_google(before, after) and exception.google is not None:
        # Which exceptions a new rule leaves alive is Google's to say.
        followed = replace(followed, refetch=True)
    if followed.failure is not None and followed.failure.reason == SERIES_PENDING and not waits_for(after):
        followed = replace(followed, failure=None)
    if followed == exception:
        return None
    changes = exception.changes_to(followed.local)
    if not changes and followed.sync_state is exception.sync_state:
        return Following(followed)
    return _seen(Intake(exception, followed, Keep(), visible=True, changes=changes, origin="google"))


def _seen(intake: Intake) -> Following:
    return Following(intake.slot, intake)


def _moved_at_google(before: Slot, after: Slot) -> bool:
    return before.base is not None and after.base is not None and before.base.schedule != after.base.schedule


def by_original_start(exceptions: Iterable[Slot]) -> dict[OriginalStart, Slot]:
    """The exceptions of one series by the instance that they stand for."""
    return {each.series.original_start: each for each in exceptions if each.series is not None}
