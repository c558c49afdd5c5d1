"""Reading events: get, list, incremental list, instances.

A listing without an order walks the calendar's history from a position (see
`model.event_log`); its page token is where it stopped, its sync token where the
history ended when it began. Ordered listings page by sort key and bring no sync token.

Source: Calendar API reference, `events.list`; guide 'Synchronize resources efficiently'.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from sandbox import errors
from sandbox.event_query import EventQuery
from sandbox.event_resource import viewed
from sandbox.messages import Json, Response, json_response
from sandbox.model.recurrence import Series, instance_doc, located
from sandbox.model.zones import moment_us, stamp_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.call import Call
    from sandbox.model.calendars import Calendar
    from sandbox.model.event_log import EventLog, StoredEvent

Shown = tuple[int | None, int | None, Any]
"""Start, end and resource of an item that may be listed."""


def get_event(call: Call) -> Response:
    """One event, also a deleted one."""
    calendar = call.calendar()
    event, doc = find_event(call, calendar, call.path["eventId"])
    if call.has_version(event.etag):
        return Response(304, {"ETag": event.etag})
    limit = call.number("maxAttendees", 1, 10_000) if call.text("maxAttendees") else None
    shown = viewed(doc, zone=call.zone(), max_attendees=limit, role=call.role(calendar), calendar=calendar)
    answer = json_response(shown)
    answer.headers["ETag"] = event.etag
    return answer


def find_event(call: Call, calendar: Calendar, event_id: str) -> tuple[StoredEvent, Json]:
    """A stored event or an occurrence of a series.

    Returns:
        The stored event (for an unchanged occurrence: its master) and the resource.

    Raises:
        ApiError: 404 when there is none.
    """
    found = located(call.world.calendars.log(calendar.id), event_id, calendar.zone)
    if found is None:
        raise errors.not_found()
    return found


def list_events(call: Call) -> Response:
    """A page of events, in full or since a sync token."""
    calendar = call.calendar()
    query = EventQuery.read(call, calendar)
    log = call.world.calendars.log(calendar.id)
    if query.sync_position is None and query.page_cursor is None and calendar.unlistable > 0:
        calendar.unlistable -= 1
        call.world.calendars.save(calendar)
        return _page(call, calendar, [], sync=query.sync_token(log.last_position))
    switches = call.world.switches
    if switches.glitch_listings > 0:
        switches.glitch_listings -= 1
        cursor = query.page_cursor or [query.sync_position or 0, 0, log.last_position]
        return _page(call, calendar, [], page=query.page_token(cursor))
    if query.order_by is not None:
        return _ordered_page(call, calendar, log, query)
    return _history_page(call, calendar, log, query)


def list_instances(call: Call) -> Response:
    """The occurrences of a series; of an occurrence, that one.

    Source: Calendar API reference, `events.instances`.
    """
    calendar = call.calendar()
    query = EventQuery.read(call, calendar, instances=True)
    event, doc = find_event(call, calendar, call.path["eventId"])
    if event.recurring and doc["id"] == event.id:
        log = call.world.calendars.log(calendar.id)
        items = [
            *_occurrences(event, log, query),
            *(shown for exception in log.exceptions_of(event.id) for shown in _single(exception, log, query)),
        ]
    else:
        items = [(event.start_us, event.end_us, doc)]
    wanted = _original_start(call, calendar)
    found: list[tuple[int, str, Any]] = []
    for start, end, shown in items:
        doc = _decoded(shown)
        original = moment_us(doc.get("originalStartTime"), calendar.zone)
        seen = query.show_deleted or doc["status"] != "cancelled"
        if seen and query.in_window(start, end) and wanted in {None, original}:
            found.append((start or 0, doc["id"], doc))
    found.sort(key=lambda one: one[:2])
    return _sorted_page(call, calendar, query, found)


def _original_start(call: Call, calendar: Calendar) -> int | None:
    """The instant that `originalStart` names, in whatever offset; a date is its midnight."""
    text = call.text("originalStart")
    if text is None:
        return None
    text = text.replace(" ", "+")
    instant = moment_us({"date": text, "dateTime": text}, calendar.zone)
    if instant is None:
        raise errors.invalid("Invalid Value", "originalStart")
    return instant


def _history_page(call: Call, calendar: Calendar, log: EventLog, query: EventQuery) -> Response:
    after, skip, began = query.page_cursor or [query.sync_position or 0, 0, log.last_position]
    items: list[Any] = []
    counted = 0
    plain = query.plain
    for event in log.since(after):
        if counted >= query.page_size:
            return _page(call, calendar, items, page=query.page_token([after, skip, began]))
        hidden = True
        for index, (start, end, shown) in enumerate(_views(event, log, query)):
            if index < skip:
                continue
            if counted >= query.page_size:
                cursor = [after, index, began]
                return _page(call, calendar, items, page=query.page_token(cursor))
            if query.in_window(start, end) and query.matches(event):
                items.append(shown if plain else _shaped(shown, query))
                counted += 1
                hidden = False
        # The size of a page is applied before deleted events are filtered out, so a page
        # may come back short or empty. Source: captured listings.
        if hidden and event.cancelled:
            counted += 1
        after, skip = event.position, 0
    return _page(call, calendar, items, sync=query.sync_token(began))


def _ordered_page(call: Call, calendar: Calendar, log: EventLog, query: EventQuery) -> Response:
    found: list[tuple[int, str, Any]] = []
    for event in log.since(0):
        for start, end, shown in _views(event, log, query):
            if not (query.in_window(start, end) and query.matches(event)):
                continue
            doc = _decoded(shown)
            key = event.updated_us if query.order_by == "updated" else start or 0
            found.append((key, doc["id"], doc))
    found.sort(key=lambda one: one[:2])
    return _sorted_page(call, calendar, query, found)


def _sorted_page(
    call: Call, calendar: Calendar, query: EventQuery, found: list[tuple[int, str, Any]]
) -> Response:
    last = tuple(query.page_cursor) if query.page_cursor else None
    rest = [one for one in found if last is None or one[:2] > last]
    page = rest[: query.page_size]
    items = [_shaped(doc, query) for _, _, doc in page]
    token = query.page_token(list(page[-1][:2])) if len(rest) > len(page) else None
    return _page(call, calendar, items, page=token)


def _views(event: StoredEvent, log: EventLog, query: EventQuery) -> Iterable[Shown]:
    """What a listing shows of a stored event: nothing, itself, or its occurrences."""
    if query.expand and event.recurring:
        if event.cancelled and not query.tombstones:
            return ()
        return _occurrences(event, log, query)
    return _single(event, log, query)


def _single(event: StoredEvent, log: EventLog, query: EventQuery) -> Iterable[Shown]:
    start, end = event.start_us, event.end_us
    if event.recurring and query.time_min_us is not None and start is not None:
        end = _last_end(event, query)
    if log.has_deleted_master(event):
        # In a delta the tombstone of the series speaks for its exceptions, too; where occurrences are
        # shown, they are among them.
        alone = query.show_deleted and not query.is_delta and not query.expand
        return ((start, end, event.tombstone()),) if alone else ()
    if not event.cancelled:
        return ((start, end, orjson.Fragment(event.body)),)
    if event.master_id is not None:
        if query.tombstones or not query.expand:
            original = event.original_us
            return ((start or original, end or original, event.tombstone()),)
        return ()
    if query.is_delta:
        return ((start, end, event.tombstone()),)
    return ((start, end, orjson.Fragment(event.body)),) if query.show_deleted else ()


def _last_end(master: StoredEvent, query: EventQuery) -> int | None:
    """When a series has ended, as far as the window of the query cares."""
    end = master.end_us
    for slot in Series(master, query.calendar.zone).slots():
        end = slot.end_us
        if query.in_window(slot.start_us, end):
            break
    return end


def _occurrences(master: StoredEvent, log: EventLog, query: EventQuery) -> Iterator[Shown]:
    exceptions = () if master.cancelled else log.exceptions_of(master.id)
    taken = {exception.id for exception in exceptions}
    doc = master.doc
    for slot in Series(master, query.calendar.zone).slots():
        if query.time_max_us is not None and slot.start_us >= query.time_max_us:
            return
        if slot.instance_id in taken:
            continue
        shown = instance_doc(doc, slot)
        if master.cancelled:
            names = ("kind", "etag", "id", "recurringEventId", "originalStartTime")
            shown = {name: shown[name] for name in names} | {"status": "cancelled"}
        yield slot.start_us, slot.end_us, shown


def _shaped(shown: Any, query: EventQuery) -> Any:
    if query.plain:
        return shown
    doc = _decoded(shown)
    return viewed(
        doc,
        zone=query.zone,
        max_attendees=query.max_attendees,
        role=query.role,
        calendar=query.calendar,
    )


def _decoded(shown: Any) -> Json:
    if isinstance(shown, orjson.Fragment):
        return dict(orjson.loads(orjson.dumps(shown)))
    return dict(shown)


def _page(
    call: Call,
    calendar: Calendar,
    items: list[Any],
    *,
    page: str | None = None,
    sync: str | None = None,
) -> Response:
    world = call.world
    position = max(world.calendars.log(calendar.id).last_position, calendar.etag_us)
    digest = hashlib.blake2b(f"{calendar.id}/{position}".encode(), digest_size=8).hexdigest()
    entry = world.calendars.entry(call.account.email, calendar.id)
    zone = call.zone()
    shown: Json = {
        "kind": "calendar#events",
        "etag": f'"p{digest}0o"',
        "summary": calendar.summary,
        "description": calendar.description or "",
        "updated": stamp_ms(position),
        "timeZone": str(zone) if zone else calendar.time_zone,
        "accessRole": call.role(calendar),
        "defaultReminders": entry.default_reminders if entry else [],
    }
    if page is not None:
        shown["nextPageToken"] = page
    elif sync is not None:
        shown["nextSyncToken"] = sync
    shown["items"] = items
    return json_response(shown)
