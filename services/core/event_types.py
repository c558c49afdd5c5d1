"""What the type of an event asks of when it takes place.

Source:
    Calendar API guides 'Event types' (birthdays: all-day, one day, every year; of 29 February by a rule of
    its own) and 'Manage focus time, out of office, and working location events' (the first two never
    all-day; a working location of whole days lasts one).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from services.core.errors import InvalidSlotError
from services.core.restrictions import Restriction
from services.core.slots import AllDay

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from services.core.slots import Schedule

_ONE_DAY: Final = timedelta(days=1)
_FEBRUARY: Final = 2
_LEAP_DAY: Final = (_FEBRUARY, 29)


def require_fitting(restrictions: Collection[Restriction], schedule: Schedule) -> None:
    """Let a schedule pass that suits the type of its event.

    Raises:
        InvalidSlotError: Google would refuse it for this type.
    """
    span = schedule.span
    if Restriction.FOCUS_TIME in restrictions and isinstance(span, AllDay):
        raise InvalidSlotError("/start", "Focus time needs a time of day; it cannot be all-day.")
    if Restriction.OUT_OF_OFFICE in restrictions and isinstance(span, AllDay):
        raise InvalidSlotError("/start", "Out of office needs a time of day; it cannot be all-day.")
    if (
        Restriction.WORKING_LOCATION in restrictions
        and isinstance(span, AllDay)
        and span.end - span.start != _ONE_DAY
    ):
        raise InvalidSlotError("/end", "A working location of whole days lasts exactly one.")
    if Restriction.BIRTHDAY in restrictions:
        _require_birthday(schedule)


def _require_birthday(schedule: Schedule) -> None:
    span = schedule.span
    if not isinstance(span, AllDay):
        raise InvalidSlotError("/start", "A birthday is all-day.")
    if span.end - span.start != _ONE_DAY:
        raise InvalidSlotError("/end", "A birthday lasts exactly one day.")
    if schedule.recurrence and _is_leap_day(span.start) != _ends_february(schedule.recurrence):
        raise InvalidSlotError(
            "/start", "A birthday cannot move to or from 29 February, which recurs by a rule of its own."
        )


def _is_leap_day(day: date) -> bool:
    return (day.month, day.day) == _LEAP_DAY


def _ends_february(recurrence: Collection[str]) -> bool:
    return any("BYMONTHDAY=-1" in line for line in recurrence)
