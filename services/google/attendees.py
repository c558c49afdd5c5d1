"""Guests of an event, to the core's values and back.

A list goes to Google whole or not at all, so every row that stays is sent as Google has it: an answer, a
comment, a number of friends brought along must not get lost because somebody else was invited.

Source:
    Calendar API reference, Events resource, `attendees[]`; `events.patch` (lists are replaced).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from services.core.slots import Attendee, ResponseStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.core.slots import SlotContent

_RESPONSES: Final[Mapping[str, ResponseStatus]] = {each: each for each in get_args(ResponseStatus)}


def read_attendees(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[tuple[Attendee, ...], ResponseStatus | None]:
    """Who is invited, and what the user answered; rows without an address are nobody's to edit."""
    invited = {
        email.lower(): Attendee(email.lower(), bool(row.get("optional", False)))
        for row in rows
        if isinstance(email := row.get("email"), str) and email
    }
    own = next((row for row in rows if row.get("self")), None)
    response = None if own is None else _RESPONSES.get(own.get("responseStatus", ""), "needsAction")
    return tuple(sorted(invited.values())), response


def attendees_to_wire(content: SlotContent, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a content.

    Args:
        content: Who is to be invited, and the user's own answer.
        rows: The rows as Google has them.
    """
    wanted = {each.email: each for each in content.attendees}
    written: list[dict[str, Any]] = []
    for row in rows:
        attendee = wanted.pop(str(row.get("email", "")).lower(), None)
        if attendee is None:
            # A row without an address was never among the guests that a client could remove.
            if not row.get("email"):
                written.append(dict(row))
            continue
        kept = (
            {**row, "optional": attendee.optional} if bool(row.get("optional")) != attendee.optional else row
        )
        if row.get("self") and content.response is not None:
            kept = {**kept, "responseStatus": content.response}
        written.append(dict(kept))
    for attendee in wanted.values():
        fresh: dict[str, Any] = {"email": attendee.email}
        written.append({**fresh, "optional": True} if attendee.optional else fresh)
    return written
