"""Google's `calendarList` JSON to the core's values.

Source: discovery document calendar:v3, revision 20261030; `primary`, `hidden` and `deleted` stand only where
they are true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.core.calendar_entry import CalendarEntry
from services.google.times import known_zone
from services.google.transport import no_answer

if TYPE_CHECKING:
    from collections.abc import Mapping


def entries_from_wire(document: Mapping[str, Any]) -> tuple[list[CalendarEntry], str | None]:
    """One page of `calendarList.list`, and the token of the next; what has no id or is removed is left out.

    Raises:
        VendorError: `RETRYABLE` without a status: it is no page. Taken for an empty one, it would look as if
            the user saw no calendars any more.
    """
    items, following = document.get("items", []), document.get("nextPageToken")
    if not isinstance(items, list) or document.get("kind") != "calendar#calendarList":
        raise no_answer("unreadable-answer")
    found = [_entry(item) for item in items if isinstance(item, dict) and _is_there(item)]
    return found, following if isinstance(following, str) else None


def _is_there(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("id"), str) and item["id"] != "" and item.get("deleted") is not True


def _entry(item: Mapping[str, Any]) -> CalendarEntry:
    return CalendarEntry(
        id=item["id"],
        summary=_text(item, "summaryOverride") or _text(item, "summary") or "",
        description=_text(item, "description"),
        time_zone=known_zone(_text(item, "timeZone")),
        access_role=_text(item, "accessRole") or "none",
        color_id=_text(item, "colorId"),
        background_color=_text(item, "backgroundColor"),
        foreground_color=_text(item, "foregroundColor"),
        primary=item.get("primary") is True,
        hidden=item.get("hidden") is True,
    )


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None
