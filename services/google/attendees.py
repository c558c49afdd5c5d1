"""Guests of an event, to the core's values and back.

A list goes to Google whole or not at all, so every row that stays is sent as Google has it: an answer, a
comment, a number of friends brought along must not get lost because somebody else was invited. The user's own
answer alone may go by itself where the list is not the user's to send.

Source:
    Calendar API reference, Events resource, `attendees[]` and `attendeesOmitted` (a list that was cut short
    can only carry the own answer); `events.patch` (lists are replaced); probes of the live service (a guest's
    list changes the own row alone, an organizer's replaces all; `self` is missing from the user's row in
    secondary calendars).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, get_args

from services.core.slots import Attendee, ResponseStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from services.core.slots import SlotContent

_RESPONSES: Final[Mapping[str, ResponseStatus]] = {each: each for each in get_args(ResponseStatus)}


@dataclass(frozen=True, slots=True)
class GuestList:
    """The guests of an event as Google has them."""

    rows: Sequence[Mapping[str, Any]] = ()
    own_address: str | None = None
    """The user's, in lower case, for rows of which none says `self`."""
    cut_short: bool = False
    """Whether Google did not tell all of them."""
    of_guest: bool = False
    """Whether the list is the organizer's, and the user's only the own row."""

    @classmethod
    def of(cls, document: Mapping[str, Any], own_address: str | None) -> Self:
        """The guests of an event document."""
        organizer = document.get("organizer")
        invited = organizer is not None and not organizer.get("self")
        return cls(
            rows=document.get("attendees") or (),
            own_address=own_address,
            cut_short=bool(document.get("attendeesOmitted")),
            of_guest=invited and not document.get("guestsCanModify"),
        )


NO_GUESTS: Final = GuestList()


def read_attendees(
    rows: Sequence[Mapping[str, Any]], own_address: str | None = None
) -> tuple[tuple[Attendee, ...], ResponseStatus | None]:
    """Who is invited, and what the user answered; rows without an address are nobody's to edit."""
    own = _own_row(rows, own_address)
    return tuple(sorted(_invited(rows).values())), None if own is None else _response(own)


def guests_to_wire(base: SlotContent | None, content: SlotContent, guests: GuestList) -> dict[str, Any]:
    """What a PATCH says of the guests.

    Args:
        base: What both sides last agreed on; `None` when that is not known.
        content: Who is to be invited, and the user's own answer.
        guests: As Google has them.
    """
    same_people = base is not None and base.attendees == content.attendees
    if guests.cut_short or (guests.of_guest and same_people):
        own = _own_row(guests.rows, guests.own_address)
        answered = [] if own is None else [_answered(own, content)]
        if guests.cut_short:
            return {"attendees": answered, "attendeesOmitted": True} if answered else {}
        return {"attendees": answered} if answered else {}
    return {"attendees": attendees_to_wire(content, guests) or None}


def attendees_to_wire(content: SlotContent, guests: GuestList) -> list[dict[str, Any]]:
    """The whole list: rows that stay as they are, then those that are new."""
    known, wanted = _invited(guests.rows), {each.email: each for each in content.attendees}
    own = _own_row(guests.rows, guests.own_address)
    written: list[dict[str, Any]] = []
    for row in guests.rows:
        address = _address(row)
        # A row without an address was never among the guests that a client could remove.
        if address is not None and address not in wanted:
            continue
        kept = dict(row)
        if address is not None and wanted[address].optional != known[address].optional:
            kept["optional"] = wanted[address].optional
        written.append(_answered(kept, content) if row is own else kept)
    written.extend(_fresh(each) for each in content.attendees if each.email not in known)
    return written


def _invited(rows: Iterable[Mapping[str, Any]]) -> dict[str, Attendee]:
    return {
        address: Attendee(address, bool(row.get("optional", False)))
        for row in rows
        if (address := _address(row)) is not None
    }


def _address(row: Mapping[str, Any]) -> str | None:
    email = row.get("email")
    return email.lower() if isinstance(email, str) and email else None


def _own_row(rows: Sequence[Mapping[str, Any]], own_address: str | None) -> Mapping[str, Any] | None:
    own = next((row for row in rows if row.get("self")), None)
    if own is None and own_address is not None:
        own = next((row for row in rows if _address(row) == own_address), None)
    return own


def _response(row: Mapping[str, Any]) -> ResponseStatus:
    return _RESPONSES.get(row.get("responseStatus", ""), "needsAction")


def _answered(row: Mapping[str, Any], content: SlotContent) -> dict[str, Any]:
    if content.response is None or content.response == _response(row):
        return dict(row)
    return {**row, "responseStatus": content.response}


def _fresh(attendee: Attendee) -> dict[str, Any]:
    return {"email": attendee.email, **({"optional": True} if attendee.optional else {})}
