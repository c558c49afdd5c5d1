"""The events of one calendar and the order in which they last changed.

The order is the whole secret of synchronisation: a listing walks it from a position, a
change moves an event to its end, and a token is a position. So what changes while
somebody pages is seen later in the same walk, and nothing is stepped over.

Source: Calendar API guide, 'Synchronize resources efficiently'.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import orjson

from sandbox.model.zones import moment_us

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.messages import Json


@dataclass(slots=True, frozen=True)
class StoredEvent:
    """One event as it stands, with the few facts by which it is found."""

    id: str
    position: int
    """Its place in the calendar's history; grows with every change."""
    updated_us: int
    body: bytes
    """The resource as JSON, exactly as answered, in full even when it is cancelled."""
    cancelled: bool
    start_us: int | None
    end_us: int | None
    recurring: bool
    master_id: str | None
    """Set on an exception: the series it belongs to."""
    i_cal_uid: str
    event_type: str
    orphaned: bool = False
    """An exception that was cancelled because its series has no such occurrence any more."""

    @classmethod
    def of(
        cls, doc: Json, position: int, updated_us: int, zone: ZoneInfo, *, orphaned: bool = False
    ) -> StoredEvent:
        """Index a finished resource."""
        return cls(
            id=doc["id"],
            position=position,
            updated_us=updated_us,
            # The encoder hands out far larger buffers than it fills; keep only what is used.
            body=bytes(memoryview(orjson.dumps(doc))),
            cancelled=doc.get("status") == "cancelled",
            start_us=moment_us(doc.get("start"), zone),
            end_us=moment_us(doc.get("end"), zone),
            recurring=bool(doc.get("recurrence")),
            master_id=doc.get("recurringEventId"),
            i_cal_uid=doc.get("iCalUID", ""),
            event_type=doc.get("eventType", "default"),
            orphaned=orphaned,
        )

    @classmethod
    def from_row(cls, row: Json, zone: ZoneInfo) -> StoredEvent:
        """Read a stored row."""
        orphaned = row.get("orphaned", False)
        return cls.of(row["doc"], row["position"], row["updated_us"], zone, orphaned=orphaned)

    def row(self) -> Json:
        """The row to store."""
        return {
            "position": self.position,
            "updated_us": self.updated_us,
            "doc": orjson.Fragment(self.body),
            "orphaned": self.orphaned,
        }

    @property
    def doc(self) -> Json:
        """The resource, decoded afresh so that the caller may change it."""
        return cast("Json", orjson.loads(self.body))

    @property
    def etag(self) -> str:
        """Names this version of the event."""
        return etag_of(self.updated_us)

    @property
    def original_us(self) -> int | None:
        """The slot in the series that an exception stands for."""
        return moment_us(self.doc.get("originalStartTime"), ZoneInfo("UTC"))

    def tombstone(self) -> Json:
        """What a listing shows of something deleted.

        Source: captured delta; reference of `status` for cancelled exceptions.
        """
        shown: Json = {
            "kind": "calendar#event",
            "etag": self.etag,
            "id": self.id,
            "status": "cancelled",
        }
        if self.master_id is not None:
            doc = self.doc
            shown["recurringEventId"] = self.master_id
            shown["originalStartTime"] = doc["originalStartTime"]
        return shown


def etag_of(updated_us: int) -> str:
    """Twice the microseconds of `updated`, quoted.

    Source: captured events, all of which follow the rule.
    """
    return f'"{updated_us * 2}"'


class EventLog:
    """Events by id, and by last change."""

    def __init__(self) -> None:
        self.by_id: dict[str, StoredEvent] = {}
        self._exceptions: dict[str, set[str]] = {}
        self._by_uid: dict[str, set[str]] = {}
        self._positions: list[int] = []
        self._order: list[str] = []

    def __len__(self) -> int:
        """How many events, deleted ones included."""
        return len(self.by_id)

    @property
    def last_position(self) -> int:
        """Where the history ends now."""
        return self._positions[-1] if self._positions else 0

    def put(self, event: StoredEvent) -> None:
        """Take a new or changed event; its position must be beyond all others."""
        self._index(event)
        self._positions.append(event.position)
        self._order.append(event.id)
        if len(self._order) > 2 * len(self.by_id) + 1000:
            self.settle()

    def stage(self, event: StoredEvent) -> None:
        """Take an event in any order; `settle` afterwards."""
        self._index(event)

    def drop(self, event_id: str) -> None:
        """Forget an event as if it had never been; no listing tells of it."""
        event = self.by_id.pop(event_id)
        if event.master_id is not None:
            self._exceptions[event.master_id].discard(event_id)
        if event.i_cal_uid:
            self._by_uid[event.i_cal_uid].discard(event_id)

    def settle(self) -> None:
        """Rebuild the order, dropping entries that a later change made stale."""
        ordered = sorted((event.position, event.id) for event in self.by_id.values())
        self._positions = [position for position, _ in ordered]
        self._order = [event_id for _, event_id in ordered]

    def since(self, position: int) -> Iterator[StoredEvent]:
        """Events whose last change lies after a position, oldest change first."""
        index = bisect_right(self._positions, position)
        while index < len(self._order):
            event = self.by_id.get(self._order[index])
            if event is not None and event.position == self._positions[index]:
                yield event
            index += 1

    def has_deleted_master(self, event: StoredEvent) -> bool:
        """Whether it is an exception of a series that was deleted, and so deleted with it."""
        master = self.by_id.get(event.master_id) if event.master_id is not None else None
        return master is not None and master.cancelled

    def exceptions_of(self, master_id: str) -> list[StoredEvent]:
        """The exceptions of a series, oldest change first."""
        ids = self._exceptions.get(master_id, set())
        return sorted((self.by_id[one] for one in ids), key=lambda event: event.position)

    def with_uid(self, i_cal_uid: str) -> list[StoredEvent]:
        """Events with this iCalendar UID, oldest change first."""
        ids = self._by_uid.get(i_cal_uid, set())
        return sorted((self.by_id[one] for one in ids), key=lambda event: event.position)

    def _index(self, event: StoredEvent) -> None:
        self.by_id[event.id] = event
        if event.master_id is not None:
            self._exceptions.setdefault(event.master_id, set()).add(event.id)
        if event.i_cal_uid:
            self._by_uid.setdefault(event.i_cal_uid, set()).add(event.id)
