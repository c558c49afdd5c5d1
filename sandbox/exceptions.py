"""What happens to the exceptions of a series when the series changes.

An exception belongs to an occurrence by its original start. When the schedule has no such
occurrence any more, it is an orphan; a deleted series takes its exceptions along and brings
them back when it is revived.

Source: Calendar API guide, 'Recurring events', says that exceptions may be lost, not how; so
the switch `orphaned_exceptions` has both ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.model.recurrence import Series, stamp_of

if TYPE_CHECKING:
    from sandbox.model.calendars import Calendar
    from sandbox.model.event_log import StoredEvent
    from sandbox.world import World

ORPHANED_EXCEPTIONS = ("cancelled", "gone")
"""What the switch may say."""


def settle_exceptions(world: World, calendar: Calendar, before: StoredEvent, master: StoredEvent) -> None:
    """Bring the exceptions of an event that was just written in line with it.

    One that still lies on an occurrence keeps all that it has. An orphan is cancelled or vanishes;
    one that was cancelled only for that vanishes when its occurrence comes back, so that the instance
    is a plain one again.

    Args:
        world: Where.
        calendar: In which calendar.
        before: The event as it was.
        master: The event as it is now.
    """
    exceptions = world.calendars.log(calendar.id).exceptions_of(master.id)
    if not exceptions:
        return
    revived = before.cancelled and not master.cancelled
    changed = _schedule(before) != _schedule(master)
    if not revived and not changed:
        return
    series = Series(master, calendar.zone) if master.recurring and master.start_us is not None else None
    for event in exceptions:
        stamp = stamp_of(event.doc.get("originalStartTime"))
        occurs = series is not None and stamp is not None and series.find(stamp) is not None
        if changed and not occurs:
            _orphan(world, calendar, event)
        elif event.orphaned and occurs:
            world.calendars.drop_event(calendar, event.id)
        elif revived:
            world.show_again(calendar, event)


def _orphan(world: World, calendar: Calendar, event: StoredEvent) -> None:
    if world.switches.orphaned_exceptions == "gone":
        world.calendars.drop_event(calendar, event.id)
    elif not event.cancelled:
        world.write_event(calendar, {**event.doc, "status": "cancelled"}, quietly=True, orphaned=True)


def _schedule(event: StoredEvent) -> tuple[Any, Any]:
    doc = event.doc
    return doc.get("start"), doc.get("recurrence")
