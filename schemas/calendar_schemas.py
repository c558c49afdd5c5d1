"""Calendars as clients choose and see them."""

from collections.abc import Iterable
from typing import Any, Self

from pydantic import ConfigDict, StrictBool, model_validator

from schemas.common import Documented
from services.core.calendar_entry import CalendarEntry
from services.core.calendar_list import CalendarChoice, role_of

_UNKNOWN = CalendarEntry(id="")


def calendar_body(choice: CalendarChoice) -> dict[str, Any]:
    """One calendar as JSON values."""
    entry = choice.entry or _UNKNOWN
    return {
        "calendar_id": choice.calendar_id,
        "google_calendar_id": entry.id or None,
        "summary": entry.summary,
        "description": entry.description,
        "time_zone": entry.time_zone,
        "primary": choice.calendar_id == "primary",
        "access_role": role_of(choice.entry),
        "writable": choice.writable,
        "selected": choice.selected,
        "default": choice.is_default,
        "listed": choice.listed,
        "hidden": entry.hidden,
        "push": choice.push,
        "color_id": entry.color_id,
        "background_color": entry.background_color,
        "foreground_color": entry.foreground_color,
    }


def calendars_body(choices: Iterable[CalendarChoice], unread_reason: str | None) -> dict[str, Any]:
    """All calendars of a user as JSON values."""
    return {
        "items": [calendar_body(choice) for choice in choices],
        "next_cursor": None,
        "unread_reason": unread_reason,
    }


class CalendarChoiceIn(Documented):
    """What a person wants of a calendar; what is absent stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"selected": True, "default": True}]}
    )

    selected: StrictBool | None = None
    """Whether it takes part in the sync."""
    default: StrictBool | None = None
    """Whether slots that name no calendar go there."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.default and self.selected is False:
            raise ValueError("a calendar that is not selected cannot be the default")
        return self


_EXAMPLE: dict[str, Any] = {
    "calendar_id": "c_0a1b2c3d4e5f@group.calendar.google.com",
    "google_calendar_id": "c_0a1b2c3d4e5f@group.calendar.google.com",
    "summary": "Work",
    "description": "What the office plans",
    "time_zone": "Europe/Paris",
    "primary": False,
    "access_role": "writer",
    "writable": True,
    "selected": True,
    "default": False,
    "listed": True,
    "hidden": False,
    "push": True,
    "color_id": "14",
    "background_color": "#9fe1e7",
    "foreground_color": "#000000",
}


class CalendarOut(Documented):
    """A Google calendar of the user's."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    calendar_id: str
    """As in slots: `primary`, or Google's id."""
    google_calendar_id: str | None
    """Google's own id, also of the primary calendar; null while it is not known. Both names always work."""
    summary: str
    """Its name, as the user sees it."""
    description: str | None
    """What it is for; null when nobody said."""
    time_zone: str | None
    """IANA name; null while it is not known."""
    primary: bool
    """Whether it is the main calendar of the account."""
    access_role: str
    """none, freeBusyReader, reader, writerWithoutPrivateAccess, writer or owner; unknown, before the list was
    read."""
    writable: bool
    """Whether slots can be created in it."""
    selected: bool
    """Whether it takes part in the sync."""
    default: bool
    """Whether slots that name no calendar go there."""
    listed: bool
    """Whether Google still shows it to the user, as far as is known."""
    hidden: bool
    """Whether Google's own pages hide it."""
    push: bool | None
    """Whether Google can notify of its changes, otherwise it is polled; null while it is not selected."""
    color_id: str | None
    """Of Google's palette of calendar colours."""
    background_color: str | None
    """As `#rrggbb`."""
    foreground_color: str | None
    """As `#rrggbb`."""


class CalendarPageOut(Documented):
    """All calendars of a user."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"items": [_EXAMPLE], "next_cursor": None, "unread_reason": None}]},
    )

    items: list[CalendarOut]
    """In the order of the list."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""
    unread_reason: str | None
    """Why Google could not be asked, as the last part of a problem's type; null when it could."""
