"""Slots as rows and back.

Rows are tuples in the order of `fixed_slots.columns`, with the values that the driver takes and gives, since
an import of 100,000 events must not pay for a conversion per value that most values do not need.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson

from persistence.models import fixed_slots
from persistence.repositories.slot_documents import (
    attendees_out,
    content_out,
    edited_at_in,
    failure_in,
    failure_out,
    loop_in,
    loop_out,
    reminders_out,
    sent_in,
    sent_out,
)
from persistence.repositories.slot_texts import search_text
from persistence.types import from_micros, to_json, to_micros, uuid_of
from services.core.agenda import original_instant
from services.core.frozen import maker
from services.core.records import (
    NO_LOOP,
    GoogleCopy,
    SeriesLink,
    Slot,
)
from services.core.recurrence import instance_key, parse_instance_key
from services.core.restrictions import Restriction
from services.core.slots import (
    DEFAULT_REMINDERS,
    AllDay,
    Schedule,
    SlotContent,
    Timed,
    attendees_from_document,
    content_from_document,
    reminders_from_document,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

COLUMNS = tuple(column.name for column in fixed_slots.columns)
_SLOT_FIELDS = tuple(field.name for field in fields(Slot))
_SEQ = _SLOT_FIELDS.index("seq")
_slot_values = attrgetter(*_SLOT_FIELDS)
_make_slot = maker(Slot)
_make_content = maker(SlotContent)
_make_google = maker(GoogleCopy)
_RESTRICTIONS = {each.value: each for each in Restriction}


def with_seq(slot: Slot, seq: int) -> Slot:
    """The slot under a sequence number."""
    values = list(_slot_values(slot))
    values[_SEQ] = seq
    return _make_slot(values)


def _plain(value: Any) -> Any:
    return value


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is not an instant")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


class SlotMapper:
    """Slot <-> row of one dialect's driver."""

    def __init__(self, dialect_name: str) -> None:
        sqlite = dialect_name == "sqlite"
        self._sqlite = sqlite
        self._instant_out = to_micros if sqlite else _utc
        self._instant_in = from_micros if sqlite else _plain

    def id_out(self, value: UUID) -> Any:
        """The driver's form of an id."""
        return value.bytes if self._sqlite else value

    def id_in(self, value: Any) -> UUID:
        """The inverse of `id_out`."""
        return uuid_of(int.from_bytes(value) if self._sqlite else value.int)

    def instant_out(self, value: datetime) -> Any:
        """The driver's form of an instant."""
        return self._instant_out(value)

    def encode(self, slot: Slot, seq: int) -> tuple[Any, ...]:
        """The row of a slot under a sequence number."""
        content, google, base = slot.content, slot.google, slot.base
        schedule = content.schedule
        span = schedule.span
        instant = self._instant_out
        local = None if slot.deleted_at is not None else content
        # The identity spares the comparison for what an import just took in.
        dirty = local is not base and local != base
        waiting = slot.push_at if dirty or slot.refetch or slot.sent is not None or slot.moving_to else None
        created = instant(slot.created_at)
        return (
            self.id_out(slot.user_id),
            self.id_out(slot.id),
            slot.calendar_id,
            slot.moving_to,
            content.title,
            content.description,
            content.location,
            instant(schedule.sort_start),
            instant(schedule.sort_end),
            isinstance(span, AllDay),
            span.timezone if isinstance(span, Timed) else None,
            to_json(schedule.recurrence) if schedule.recurrence else None,
            content.color,
            content.transparency,
            content.visibility,
            None if content.reminders == DEFAULT_REMINDERS else reminders_out(content),
            attendees_out(content) if content.attendees else None,
            content.response,
            search_text(content),
            *(_NO_GOOGLE if google is None else self._google_out(google)),
            *(_NO_SERIES if slot.series is None else self._series_out(slot.series)),
            content_out(base) if dirty and base is not None else None,
            dirty,
            to_json(slot.edited_at) if slot.edited_at else None,
            slot.template_event_id,
            None if slot.sent is None else sent_out(slot.sent),
            slot.refetch,
            slot.notify,
            None if slot.failure is None else failure_out(slot.failure),
            None if slot.loop == NO_LOOP else loop_out(slot.loop),
            None if slot.quarantined_until is None else instant(slot.quarantined_until),
            None if slot.hold_id is None else self.id_out(slot.hold_id),
            slot.open_conflicts,
            slot.seen_listing,
            None if waiting is None else instant(waiting),
            slot.sync_state.value,
            slot.version,
            seq,
            seq,
            slot.generation,
            slot.source,
            created,
            created if slot.updated_at is slot.created_at else instant(slot.updated_at),
            None if slot.deleted_at is None else instant(slot.deleted_at),
            None if slot.last_synced_at is None else instant(slot.last_synced_at),
        )

    def decode(self, user_id: UUID, row: Sequence[Any]) -> Slot:
        """The slot of a row."""
        instant = self._instant_in
        (
            _,
            slot_id,
            calendar_id,
            moving_to,
            title,
            description,
            location,
            starts_at,
            ends_at,
            all_day,
            timezone,
            recurrence,
            color,
            transparency,
            visibility,
            reminders,
            attendees,
            response,
            _,
            event_id,
            etag,
            remote_updated_at,
            restriction,
            google_facts,
            only_looked_up,
            original_start,
            series_id,
            recurring_event_id,
            _,
            went_along,
            base,
            dirty,
            edited_at,
            template_event_id,
            sent,
            refetch,
            notify,
            failure,
            loop,
            quarantined_until,
            hold_id,
            open_conflicts,
            seen_listing,
            _,
            _,
            version,
            seq,
            _,
            generation,
            source,
            created_at,
            updated_at,
            deleted_at,
            last_synced_at,
        ) = row
        start, end = instant(starts_at), instant(ends_at)
        content = _make_content(
            (
                title,
                Schedule(
                    AllDay(start.date(), end.date()) if all_day else Timed(start, end, timezone),
                    () if recurrence is None else tuple(orjson.loads(recurrence)),
                ),
                description,
                location,
                color,
                transparency,
                visibility,
                DEFAULT_REMINDERS if reminders is None else reminders_from_document(orjson.loads(reminders)),
                () if attendees is None else attendees_from_document(orjson.loads(attendees)),
                response,
            )
        )
        google = None
        if event_id is not None:
            google = _make_google(
                (
                    event_id,
                    etag,
                    None if remote_updated_at is None else instant(remote_updated_at),
                    None if restriction is None else _RESTRICTIONS[restriction],
                    {} if google_facts is None else orjson.loads(google_facts),
                    bool(only_looked_up),
                )
            )
        series = None
        if original_start is not None:
            start = parse_instance_key(original_start)
            assert start is not None  # noqa: S101  # what `_series_out` wrote
            series = SeriesLink(
                start,
                None if series_id is None else self.id_in(series_id),
                recurring_event_id,
                bool(went_along),
            )
        known: SlotContent | None
        if dirty:
            known = None if base is None else content_from_document(orjson.loads(base))
        else:
            known = content if deleted_at is None else None
        return _make_slot(
            (
                user_id,
                self.id_in(slot_id),
                calendar_id,
                content,
                source,
                instant(created_at),
                instant(updated_at),
                None if deleted_at is None else instant(deleted_at),
                moving_to,
                series,
                known,
                {} if edited_at is None else edited_at_in(edited_at),
                version,
                seq,
                generation,
                google,
                template_event_id,
                None if sent is None else sent_in(sent),
                bool(refetch),
                notify,
                None if failure is None else failure_in(failure),
                NO_LOOP if loop is None else loop_in(loop),
                None if quarantined_until is None else instant(quarantined_until),
                None if hold_id is None else self.id_in(hold_id),
                open_conflicts,
                seen_listing,
                None if last_synced_at is None else instant(last_synced_at),
            )
        )

    def _google_out(self, google: GoogleCopy) -> tuple[Any, ...]:
        updated_at = google.updated_at
        return (
            google.event_id,
            google.etag,
            None if updated_at is None else self._instant_out(updated_at),
            google.restriction,
            to_json(google.facts) if google.facts else None,
            google.only_looked_up,
        )

    def _series_out(self, series: SeriesLink) -> tuple[Any, ...]:
        return (
            instance_key(series.original_start),
            None if series.series_id is None else self.id_out(series.series_id),
            series.recurring_event_id,
            self._instant_out(original_instant(series.original_start)),
            series.went_along,
        )


_NO_GOOGLE = (None,) * 6
_NO_SERIES = (None,) * 5


@lru_cache(maxsize=2)
def mapper_of(dialect_name: str) -> SlotMapper:
    """The mapper of a database."""
    return SlotMapper(dialect_name)
