"""Moving events from one calendar to another, a series with all that belongs to it.

Source: Calendar API reference, `events.move`; a live probe for the answer's status; clients that know
the reason `cannotChangeOrganizerOfInstance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.event_resource import is_organizer
from sandbox.events_read import find_event
from sandbox.messages import Response, json_response
from sandbox.model.calendars import at_least

if TYPE_CHECKING:
    from sandbox.call import Call


def move_event(call: Call) -> Response:
    """Give an event to another calendar under its own id; the answer shows what is left behind."""
    world = call.world
    calendar = call.writable_calendar()
    stored, before = find_event(call, calendar, call.path["eventId"])
    call.check_version(stored.etag)
    target = call.calendar_named(call.text("destination") or "")
    if not at_least(call.role(target), "writerWithoutPrivateAccess"):
        raise errors.access_level()
    if "recurringEventId" in before:
        raise errors.ApiError(
            400,
            "cannotChangeOrganizerOfInstance",
            "Cannot change the organizer of an instance.",
            domain="calendar",
        )
    if before["eventType"] != "default":
        raise errors.event_type_restriction("Only events of type default can be moved.")
    if before["status"] == "cancelled":
        raise errors.not_found()
    if not is_organizer(before, calendar):
        raise errors.not_organizer()
    there = world.calendars.log(target.id)
    taken = there.by_id.get(stored.id)
    if taken is not None and not taken.cancelled:
        raise errors.duplicate()
    exceptions = world.calendars.log(calendar.id).exceptions_of(stored.id)
    left = world.write_event(calendar, {**before, "status": "cancelled"})
    for event in exceptions:
        world.calendars.drop_event(calendar, event.id)
    # What an earlier stay left in the other calendar is replaced by what comes now.
    for event in there.exceptions_of(stored.id):
        world.calendars.drop_event(target, event.id)
    organizer = {"email": target.id}
    world.write_event(target, {**before, "organizer": organizer}, quietly=True)
    for event in exceptions:
        moved = {**event.doc, "organizer": organizer}
        world.write_event(target, moved, quietly=True, orphaned=event.orphaned)
    world.announce_events(target)
    answer = json_response(left.doc)
    answer.headers["ETag"] = left.etag
    return answer
