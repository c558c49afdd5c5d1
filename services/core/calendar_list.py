"""The calendars of a user: what Google's list says of each, and which of them the person chose.

The primary calendar has two names at Google: its real id, which is normally the account's address, and the
alias `primary`, which follows the account whatever its address is. It is stored and shown as `primary` only;
the real id is understood wherever a client names a calendar, and shown beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.calendar_entry import PRIMARY
from services.core.calendars import CalendarStatus
from services.core.errors import (
    CalendarNotSelectedError,
    DefaultCalendarError,
    ReadOnlyCalendarError,
)
from services.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.core.calendar_entry import CalendarEntry
    from services.core.calendars import CalendarSync


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChoice:
    """One calendar of a user, and whether it takes part in the sync."""

    calendar_id: str
    """`primary`, or Google's id."""
    entry: CalendarEntry | None
    """What Google's list said of it last; `None` while the list was never read."""
    listed: bool
    """Whether the list holds it, as far as is known."""
    selected: bool
    is_default: bool
    """Whether slots that name no calendar go there."""
    push: bool | None
    """Whether Google can notify of its changes, otherwise it is polled; `None` while it is not selected."""

    @property
    def writable(self) -> bool:
        """Whether slots can be created in it; the primary one is always the user's own."""
        return self.entry.writable if self.entry is not None else self.calendar_id == PRIMARY


def is_selected(calendar: CalendarSync | None) -> bool:
    """Whether a calendar takes part in the sync."""
    return calendar is not None and calendar.status is not CalendarStatus.UNSELECTED


def default_of(calendars: Iterable[CalendarSync]) -> str:
    """The calendar of slots that name none: the one that was chosen, `primary` unless one was."""
    return next((each.calendar_id for each in calendars if each.is_default), PRIMARY)


def choices(
    calendars: Sequence[CalendarSync], listed: Sequence[CalendarEntry] | None
) -> list[CalendarChoice]:
    """Google's list joined with what is synced: the primary calendar first, then by name.

    Args:
        calendars: The user's sync states.
        listed: Google's list; `None` when it could not be read, and what it said last counts.
    """
    stored = {each.calendar_id: each for each in calendars}
    default = default_of(calendars)
    entries = {entry.stored_id: entry for entry in listed or ()}
    known = {each.calendar_id for each in calendars if is_selected(each)}
    if listed is None:
        known |= {each.calendar_id for each in calendars if each.entry or each.calendar_id == PRIMARY}
    found = [
        _choice(
            calendar_id,
            stored.get(calendar_id),
            entries.get(calendar_id),
            listed=listed is None or calendar_id in entries,
            is_default=calendar_id == default,
        )
        for calendar_id in {*entries, *known}
    ]
    return sorted(found, key=_order)


def _choice(
    calendar_id: str,
    calendar: CalendarSync | None,
    entry: CalendarEntry | None,
    *,
    listed: bool,
    is_default: bool,
) -> CalendarChoice:
    selected = is_selected(calendar)
    return CalendarChoice(
        calendar_id=calendar_id,
        entry=entry or (calendar.entry if calendar is not None else None),
        listed=listed,
        selected=selected,
        is_default=is_default,
        push=calendar.push_supported if calendar is not None and selected else None,
    )


def _order(choice: CalendarChoice) -> tuple[bool, str, str]:
    summary = choice.entry.summary if choice.entry is not None else ""
    return choice.calendar_id != PRIMARY, summary.casefold(), choice.calendar_id


def chosen(known: CalendarChoice, *, selected: bool | None, default: bool | None) -> CalendarChoice:
    """A calendar after a person's choice.

    Args:
        known: As it is.
        selected: Whether it is to take part in the sync; `None`: as it is.
        default: Whether it is to be the default; `None`: as it is.

    Raises:
        DefaultCalendarError: The default calendar would cease to be one, and nothing says which is instead.
        CalendarNotSelectedError: A calendar that does not take part would become the default.
        ReadOnlyCalendarError: A calendar in which nothing can be created would.
    """
    wanted = replace(
        known,
        selected=known.selected if selected is None else selected,
        is_default=known.is_default if default is None else default,
    )
    if known.is_default and not (wanted.is_default and (wanted.selected or not known.selected)):
        raise DefaultCalendarError(known.calendar_id)
    if wanted.is_default and not known.is_default:
        if not wanted.selected:
            raise CalendarNotSelectedError(known.calendar_id)
        if not known.writable:
            raise ReadOnlyCalendarError(known.calendar_id, role_of(known.entry))
    return wanted


def role_of(entry: CalendarEntry | None) -> str:
    """The access role, as far as it is known."""
    return entry.access_role if entry is not None else "unknown"
