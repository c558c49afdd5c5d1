"""What each side shows of a calendar with its series unrolled, in one form that can be compared."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from sandbox import Request
from services.core.agenda import Window
from services.core.records import SlotQuery
from tests.engine.google_side import GOOGLE
from tests.judges.series_rules import span_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from services.core.agenda import Entry
    from services.core.slots import AllDay, Timed
    from services.slot_reader import SlotReader
    from tests.engine.google_side import Google

FROM = datetime(2026, 2, 20, 12, tzinfo=UTC)
TO = datetime(2026, 5, 10, 12, tzinfo=UTC)
"""At noon, so that no zone makes a date belong to one side only."""
TEXTS = {"title": "summary", "description": "description", "location": "location"}
"""The texts that both sides edit, with Google's names."""

Shown: TypeAlias = tuple[str, str, str, str, str, str]
"""Start, end, zone, title, description, location."""


@dataclass(frozen=True, slots=True)
class InGoogle:
    """One event of an unrolled listing."""

    event: dict[str, Any]

    @property
    def shown(self) -> Shown:
        """What a person sees."""
        get = self.event.get
        texts = tuple(str(get(name, "")) for name in TEXTS.values())
        return (*_bounds(span_of(self.event)), *texts)  # type: ignore[return-value]  # three texts

    @property
    def series(self) -> str | None:
        """The event of the series that it belongs to."""
        return self.event.get("recurringEventId")


async def in_app(
    reader: SlotReader, user_id: UUID, *, since: datetime = FROM, until: datetime = TO
) -> tuple[Entry, ...]:
    """What `GET /slots?expand=true` lists."""
    window = Window(since, until, since, until)
    query = SlotQuery(
        starts_before=until,
        ends_after=since,
        all_day_starts_before=until,
        all_day_ends_after=since,
        limit=100_000,
    )
    return (await reader.agenda(user_id, query, window, after=None)).entries


def shown_in_app(entry: Entry) -> Shown:
    """What a person sees of an entry."""
    content = entry.slot.content
    span = content.schedule.span if entry.occurrence is None else entry.occurrence.span
    return (*_bounds(span), content.title, content.description, content.location)


def in_google(google: Google, *, since: datetime = FROM, until: datetime = TO) -> list[InGoogle]:
    """What `events.list` lists with `singleEvents`; whoever looks so meets no mishaps."""
    token = google.call("POST", "/tokens", {"account": google.email})["access_token"]
    asked = {
        "singleEvents": "true",
        "orderBy": "startTime",
        "timeMin": since.isoformat(),
        "timeMax": until.isoformat(),
        "maxResults": "2500",
    }
    path = f"/calendar/v3/calendars/{google.email}/events?{urlencode(asked)}"
    request = Request("GET", f"{GOOGLE}{path}", {"authorization": f"Bearer {token}"}, b"")
    with _without_glitches(google):
        answer = google.sandbox.handle(request)
    assert answer.status == 200, answer.body
    return [InGoogle(item) for item in answer.json()["items"]]


@contextmanager
def _without_glitches(google: Google) -> Iterator[None]:
    """What waits for a listing of the app's is not for this one."""
    world = google.sandbox._world
    switches, calendar = world.switches, world.calendars.table.rows[google.email]
    waiting = switches.glitch_listings, calendar.unlistable
    switches.glitch_listings = calendar.unlistable = 0
    yield
    switches.glitch_listings, calendar.unlistable = waiting


def _bounds(span: Timed | AllDay) -> tuple[str, str, str]:
    return span.start.isoformat(), span.end.isoformat(), getattr(span, "timezone", "")
