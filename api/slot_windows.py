"""The window of a list of slots, from `from` and `to`."""

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import Query
from fastapi.exceptions import RequestValidationError

from schemas.slot_times import FIRST_YEAR, LAST_YEAR
from services.core.agenda import Window
from services.core.records import SlotQuery

WindowEdge = Annotated[
    str | None,
    Query(
        max_length=40,
        examples=["2026-07-01T00:00:00+02:00"],
        # For readers of the document; what is no date-time is refused below, in words of its own.
        json_schema_extra={"format": "date-time"},
    ),
]
WIDEST = timedelta(days=366)
"""Of a window in which series are unrolled."""

_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:[Zz]|[+ -]\d{2}:\d{2})", re.ASCII
)


class Edges(NamedTuple):
    """Both bounds as they were written; `None` is open."""

    start: datetime | None
    end: datetime | None

    def restrict(self, query: SlotQuery) -> SlotQuery:
        """The query within these bounds; all-day slots are compared with the wall-clock dates."""
        return replace(
            query,
            starts_before=self.end and self.end.astimezone(UTC),
            ends_after=self.start and self.start.astimezone(UTC),
            all_day_starts_before=self.end and self.end.replace(tzinfo=UTC),
            all_day_ends_after=self.start and self.start.replace(tzinfo=UTC),
        )


def read_edges(from_: str | None, to: str | None) -> Edges:
    """Read the query parameters.

    Raises:
        RequestValidationError: One is no date-time with an offset.
    """
    return Edges(_edge(from_, "from"), _edge(to, "to"))


def bounded_window(edges: Edges) -> Window:
    """The window in which series are unrolled.

    Raises:
        RequestValidationError: It is open, empty or too wide.
    """
    start, end = edges
    if start is None or end is None:
        raise refused("expand", "needs both `from` and `to`, since a series may have no end")
    require_bounded(start, end)
    return Window(
        ends_after=start.astimezone(UTC),
        starts_before=end.astimezone(UTC),
        all_day_ends_after=start.replace(tzinfo=UTC),
        all_day_starts_before=end.replace(tzinfo=UTC),
    )


def require_bounded(start: datetime, end: datetime) -> None:
    """Let a window pass in which series can be unrolled.

    Raises:
        RequestValidationError: It is empty or too wide.
    """
    if not timedelta(0) < end - start <= WIDEST:
        raise refused("to", f"must be after `from` and at most {WIDEST.days} days later")


def read_edge(text: str, name: str) -> datetime:
    """Read one query parameter.

    Raises:
        RequestValidationError: It is no date-time with an offset.
    """
    moment = None
    if _DATE_TIME.fullmatch(text):
        with suppress(ValueError):
            # An unencoded "+" arrives as a space.
            moment = datetime.fromisoformat(text.upper().replace(" ", "+"))
    if moment is None or not FIRST_YEAR - 1 <= moment.year <= LAST_YEAR + 1:
        raise refused(name, "must be an RFC 3339 date-time with offset, such as 2026-07-01T00:00:00Z")
    return moment


def refused(name: str, message: str) -> RequestValidationError:
    """The refusal of a query parameter."""
    return RequestValidationError([{"type": "value_error", "loc": ("query", name), "msg": message}])


def _edge(text: str | None, name: str) -> datetime | None:
    return None if text is None else read_edge(text, name)
