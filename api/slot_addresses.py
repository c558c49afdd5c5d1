"""Which slot, or which instance of which series, a request means."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.exceptions import RequestValidationError

from api.dependencies import CurrentUser
from services.core.agenda import parse_entry_id
from services.core.recurrence import OriginalStart, read_original_start
from services.core.scopes import EditScope
from services.slot_scopes import SlotAddress

_ID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(_[0-9]{8}(T[0-9]{6}Z)?)?$"

_NO_START = "must be a date, or an RFC 3339 date-time with offset"


def read_address(
    # Who may not ask is not told either what an id looks like.
    _: CurrentUser,
    slot_id: Annotated[
        str,
        Path(
            pattern=_ID,
            description="The `id` of a slot, or the one that `expand=true` gave an instance of a series.",
            examples=["019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"],
            openapi_examples={
                "slot": {
                    "summary": "A single slot, a series, or an exception",
                    "value": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4",
                },
                "instance": {
                    "summary": "An instance of a series",
                    "value": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4_20260302T080000Z",
                },
                "day": {
                    "summary": "An instance of an all-day series",
                    "value": "019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4_20260302",
                },
            },
        ),
    ],
    instance: Annotated[
        str | None,
        Query(
            max_length=40,
            description=(
                "Where the path names a series: the `original_start` of the instance that is meant, a "
                "date-time with offset, or a date when the series is all-day. It means the same as the "
                "instance's own `id` in the path, and goes on to do so once the instance is an exception."
            ),
            openapi_examples={
                "none": {"summary": "What the path names", "value": None},
                "timed": {"summary": "An instance", "value": "2026-03-02T09:00:00+01:00"},
                "day": {"summary": "An instance of an all-day series", "value": "2026-03-02"},
            },
        ),
    ] = None,
) -> SlotAddress:
    """The slot or instance that a path names, or a path and a query."""
    parsed = parse_entry_id(slot_id)
    if parsed is None:
        raise _refused("path", "slot_id", "is no id of a slot")
    address = SlotAddress(*parsed)
    if instance is None:
        return address
    start = _read_start(instance)
    if address.original_start not in (None, start):
        raise _refused("query", "instance", "is another instance than the path names")
    return replace(address, original_start=start)


Address = Annotated[SlotAddress, Depends(read_address)]


def read_scoped_address(
    address: Address,
    scope: Annotated[
        EditScope | None,
        Query(
            description=(
                "How much of a series is meant: `this` instance, this and all `following`, or `all`. Without "
                "it the instance that is named, or else the whole series. For a slot that does not "
                "recur it makes no difference."
            ),
            openapi_examples={
                "none": {"summary": "The instance that is named, or the whole slot", "value": None},
                **{each.value: {"value": each.value} for each in EditScope},
            },
        ),
    ] = None,
) -> SlotAddress:
    """What an edit means."""
    return replace(address, scope=scope)


Scoped = Annotated[SlotAddress, Depends(read_scoped_address)]


def address_in_body(
    slot_id: str, instance: str | None, scope: EditScope | None, place: tuple[str | int, ...]
) -> SlotAddress:
    """What an edit means whose address stands at a place of the body.

    Raises:
        RequestValidationError: It is no address.
    """
    parsed = parse_entry_id(slot_id)
    if parsed is None:
        raise _refused(*place, "id", "is no id of a slot")
    address = SlotAddress(*parsed, scope)
    if instance is None:
        return address
    start = read_original_start(instance)
    if start is None:
        raise _refused(*place, "instance", _NO_START)
    if address.original_start not in (None, start):
        raise _refused(*place, "instance", "is another instance than the id names")
    return replace(address, original_start=start)


def _read_start(text: str) -> OriginalStart:
    # An unencoded "+" arrives as a space.
    start = read_original_start(text.replace(" ", "+"))
    if start is None:
        raise _refused("query", "instance", _NO_START)
    return start


def _refused(*place_and_message: str | int) -> RequestValidationError:
    *place, message = place_and_message
    return RequestValidationError([{"type": "value_error", "loc": tuple(place), "msg": message}])
