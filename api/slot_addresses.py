"""Which slot, or which instance of which series, a request means."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.exceptions import RequestValidationError

from services.core.agenda import parse_entry_id
from services.core.recurrence import OriginalStart, read_original_start
from services.core.scopes import EditScope
from services.slot_scopes import SlotAddress

_ID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(_[0-9]{8}(T[0-9]{6}Z)?)?$"


def read_address(
    slot_id: Annotated[
        str,
        Path(
            pattern=_ID,
            description="The `id` of a slot, or the one that `expand=true` gave an instance of a series.",
            examples=["019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4"],
        ),
    ],
) -> SlotAddress:
    """The slot or instance that a path names."""
    parsed = parse_entry_id(slot_id)
    if parsed is None:
        raise _refused("path", "slot_id", "is no id of a slot")
    return SlotAddress(*parsed)


AddressPath = Annotated[SlotAddress, Depends(read_address)]


def read_scoped_address(
    address: AddressPath,
    instance: Annotated[
        str | None,
        Query(
            max_length=40,
            description="The original start of the instance that is meant, where the path names its series.",
            examples=["2026-03-02T09:00:00+01:00"],
        ),
    ] = None,
    scope: Annotated[
        EditScope | None,
        Query(description="How much of a series is meant; the instance that is named, or else all of it."),
    ] = None,
) -> SlotAddress:
    """What an edit means."""
    start = address.original_start
    if instance is not None:
        named = _read_start(instance)
        if start not in (None, named):
            raise _refused("query", "instance", "is another instance than the path names")
        start = named
    return replace(address, original_start=start, scope=scope)


Scoped = Annotated[SlotAddress, Depends(read_scoped_address)]


def _read_start(text: str) -> OriginalStart:
    # An unencoded "+" arrives as a space.
    start = read_original_start(text.replace(" ", "+"))
    if start is None:
        raise _refused("query", "instance", "must be a date, or an RFC 3339 date-time with offset")
    return start


def _refused(where: str, name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"type": "value_error", "loc": (where, name), "msg": message}])
