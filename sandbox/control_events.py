"""Events as Google itself or the person makes them: any field, no check but what indexing needs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.event_resource import finish, html_link, merged
from sandbox.model.event_log import StoredEvent, etag_of
from sandbox.model.recurrence import located
from sandbox.model.zones import in_zone, parse_date_time, stamp_ms
from sandbox.series_edits import edit_instance

if TYPE_CHECKING:
    from sandbox.messages import Json
    from sandbox.model.calendars import Calendar
    from sandbox.world import World

_MOST = 1_000_000


class ControlError(ValueError):
    """A call of the control API that makes no sense; says why."""


def put_event(world: World, calendar: Calendar, fields: Json, person: str, scope: str | None = None) -> Json:
    """Create an event, or change the one with this id: fields merge, `null` removes.

    `status: cancelled` deletes. An instance id of a series makes or changes an exception, unless the
    scope says `following` or `all`.
    """
    event_id = fields.get("id")
    log = world.calendars.log(calendar.id)
    found = located(log, event_id, calendar.zone) if isinstance(event_id, str) else None
    if found is not None:
        before = found[1]
        if scope is not None and "recurringEventId" in before:
            change = {name: value for name, value in fields.items() if name != "id"}
            return edit_instance(world, calendar, before, change, scope)
        draft = merged(before, fields)
    else:
        if "start" not in fields or "end" not in fields:
            raise ControlError("a new event needs start and end")
        draft = world.new_event(fields, calendar, person)
    return world.write_event(calendar, draft).doc


def put_many(world: World, calendar: Calendar, order: Json, person: str) -> Json:
    """Create `count` events at once, an hour apart, with one notification for all.

    Args:
        world: Where.
        calendar: In which calendar.
        order: `count`, and optionally `start` (an RFC 3339 instant), `summary` (gets a
            number appended) and `fields` (merged into each). Or `events`, each of which is created or
            changed as it would be alone.
        person: The creator.
    """
    if "events" in order:
        put = [put_event(world, calendar, fields, person) for fields in order["events"]]
        return {"count": len(put)}
    count = int(order["count"])
    if not 0 < count <= _MOST:
        raise ControlError(f"count is between 1 and {_MOST}")
    start = parse_date_time(order.get("start", "2026-01-01T09:00:00Z"))
    if start is None or start.tzinfo is None:
        raise ControlError("start is not an instant")
    summary = str(order.get("summary", "Event"))
    zone, named = calendar.zone, {"timeZone": calendar.time_zone}

    def bounds(number: int) -> Json:
        begins = start + timedelta(hours=number)
        ends = begins + timedelta(minutes=30)
        return {
            "start": {"dateTime": in_zone(begins, zone), **named},
            "end": {"dateTime": in_zone(ends, zone), **named},
        }

    draft = {"summary": summary, **bounds(0), **order.get("fields", {})}
    pattern = finish(world.new_event(draft, calendar, person), calendar, 0, world.base_url)
    spread = "start" not in order.get("fields", {})
    first = last = ""
    for number in range(count):
        stamp, last = world.clock.stamp_us(), world.mint.event_id()
        first = first or last
        doc = {
            **pattern,
            "etag": etag_of(stamp),
            "id": last,
            "htmlLink": html_link(last, calendar.id, world.base_url),
            "updated": stamp_ms(stamp),
            "summary": f"{summary} {number + 1}",
            "iCalUID": f"{last}@google.com",
            **(bounds(number) if spread else {}),
        }
        world.calendars.put_event(calendar, StoredEvent.of(doc, stamp, stamp, zone))
    world.announce_events(calendar)
    return {"count": count, "first_id": first, "last_id": last}
