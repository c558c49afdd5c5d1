"""What becomes of the exceptions of a series when Google's state of the series was taken in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.core.frozen import replace
from services.core.intake import Intake, take_in_absence
from services.core.reconcile import Keep
from services.core.records import DELETION
from services.core.series import (
    SERIES_PENDING,
    coming_back,
    going_along,
    has_place,
    instance_content,
    is_of_others,
    is_plain,
    like_its_series,
    rebased,
    standing_alone,
    waits_for,
)

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.policy import LoopPolicy
    from services.core.records import Slot
    from services.core.slots import SlotContent


_GUESTS: Final = frozenset(("attendees", "response"))


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
        return _ending(exception, before, now=now, policy=policy)
    if _lost_by_us(exception, before, after):
        if not has_place(after, exception):
            return _alone(exception, now)
        # The app has moved the series back meanwhile, so its instance takes place again.
        followed = rebased(exception, after.content, now=now)
    else:
        followed = _in_place(_brought_back(exception, before, after, now), before, after, now)
    if followed.failure is not None and _is_overcome(followed, after):
        followed = replace(followed, failure=None)
    if followed == exception:
        return None
    changes = exception.changes_to(followed.local)
    if not changes and followed.sync_state is exception.sync_state:
        return Following(followed)
    return _seen(Intake(exception, followed, Keep(), visible=True, changes=changes, origin="google"))


def _is_overcome(exception: Slot, series: Slot) -> bool:
    """Whether what stood in the way of an exception does so no more, or there is nothing left to be done."""
    assert exception.failure is not None  # noqa: S101  # that is why it is asked
    waited = exception.failure.reason == SERIES_PENDING
    return not exception.needs_attention or (waited and not waits_for(series))


def _ending(exception: Slot, before: Slot, *, now: datetime, policy: LoopPolicy) -> Following:
    """The series is over on both sides."""
    if before.deleted_at is not None and exception.deleted_at is None and not is_of_others(exception):
        # Somebody wrote it in Google after the series was deleted here.
        return _alone(exception, now)
    gone = replace(exception, sent=DELETION) if exception.local is None else exception
    intake = take_in_absence(gone, now=now, policy=policy, of_others=is_of_others(before))
    ended = intake.slot
    if ended.series is not None and exception.deleted_at is None:
        ended = going_along(ended)
    elif ended.series is not None and not ended.series.went_along:
        # The series may come back, and bring back what Google has in this place.
        ended = replace(ended, google=exception.google)
    return _seen(replace(intake, slot=ended))


def _brought_back(exception: Slot, before: Slot, after: Slot, now: datetime) -> Slot:
    """The exception, back if it was deleted along with a series that is back."""
    came_back = before.deleted_at is not None and after.deleted_at is None
    if not came_back or exception.series is None or not exception.series.went_along:
        return exception
    if not has_place(after, exception):
        return exception
    return replace(coming_back(exception), deleted_at=None, version=exception.version + 1, updated_at=now)


def _in_place(exception: Slot, before: Slot, after: Slot, now: datetime) -> Slot:
    """The exception as one of an instance that may be another now."""
    if is_plain(exception) and after.base is not None and after.deleted_at is None:
        return like_its_series(exception, after.content, now=now)
    if before.base is None:
        return exception
    if after.base is None:
        return rebased(exception, after.content, now=now, revived=_is_same_event(before, after))
    if _is_to_be_cancelled(exception) and not waits_for(after):
        # That the series changed is no edit of the instance, which stays cancelled.
        return _still_cancelled(exception, after.base)
    if exception.google is not None and _may_have_moved(before, after):
        # Which exceptions a new rule leaves alive is Google's to say.
        return replace(exception, refetch=True)
    return exception


def _is_same_event(before: Slot, after: Slot) -> bool:
    if before.google is None or after.google is None:
        return False
    return before.google.event_id == after.google.event_id


def _may_have_moved(before: Slot, after: Slot) -> bool:
    """Whether a series has another schedule, or may have had one and has the old one again.

    Exceptions are lost on the way all the same. Guests who answer move nothing.
    """
    if before.base is None or after.base is None or before.google is None or after.google is None:
        return False
    changed = before.base.changed_groups(after.base)
    if "schedule" in changed:
        return True
    if before.google.etag == after.google.etag or after.base == before.sent_content:
        return False
    # What guests answered shows in the facts alone, or in their own groups.
    return bool(changed - _GUESTS) if changed else before.google.facts == after.google.facts


def _is_to_be_cancelled(exception: Slot) -> bool:
    return exception.google is None and exception.sent is None and exception.local is None and exception.dirty


def _still_cancelled(exception: Slot, series: SlotContent) -> Slot:
    assert exception.series is not None  # noqa: S101  # an exception has its link
    return replace(exception, base=instance_content(series, exception.series.original_start))


def _lost_by_us(exception: Slot, before: Slot, after: Slot) -> bool:
    """Whether a change of ours took an exception's place away that came from Google after that change.

    Those that were here before it have been carried along or ended by it.
    """
    sent = before.sent_content
    if exception.deleted_at is not None or exception.google is None or exception.series is None:
        return False
    if is_of_others(exception):
        return False
    if before.base is None or after.base is None or sent is None:
        return False
    if not before.base.schedule.recurrence or not (
        before.base.schedule != sent.schedule == after.base.schedule
    ):
        return False
    return instance_content(after.base, exception.series.original_start) is None


def _alone(exception: Slot, now: datetime) -> Following:
    alone = replace(standing_alone(exception), version=exception.version + 1, updated_at=now)
    return _seen(Intake(exception, alone, Keep(), visible=True, changes={}, origin="google"))


def _seen(intake: Intake) -> Following:
    return Following(intake.slot, intake)
