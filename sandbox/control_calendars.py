"""Control calls on calendars and the events in them: Google and its people at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sandbox import control_events
from sandbox.control_ask import Ask, ControlRoute, calendar_of
from sandbox.control_events import ControlError
from sandbox.messages import Json, only
from sandbox.model.calendars import ROLES, Calendar, calendar_resource
from sandbox.model.zones import find_zone

if TYPE_CHECKING:
    from sandbox.world import World


def calendar_state(world: World, calendar: Calendar) -> Json:
    """A calendar with what no client sees of it."""
    log = world.calendars.log(calendar.id)
    return {
        **calendar_resource(calendar),
        "acl": calendar.acl,
        "deleted": calendar.deleted,
        "push_supported": calendar.push_supported,
        "events": sum(not event.cancelled for event in log.by_id.values()),
        "tombstones": sum(event.cancelled for event in log.by_id.values()),
        "last_position": log.last_position,
    }


class CalendarCalls:
    """What a test or a person does with calendars and events."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[ControlRoute]:
        """The calls served here."""
        calendar = "/calendars/{account}/{calendar}"
        return [
            ("POST", "/calendars", self._add_calendar),
            ("POST", calendar, self._change_calendar),
            ("GET", calendar + "/events", self._list_events),
            ("POST", calendar + "/events", self._put_event),
            ("POST", calendar + "/events/bulk", self._bulk),
            ("GET", calendar + "/events/{event}", self._get_event),
            ("DELETE", calendar + "/events/{event}", self._delete_event),
        ]

    def _add_calendar(self, ask: Ask) -> Json:
        world = self._world
        account = world.accounts.find(str(ask.body["account"]))
        if account is None:
            raise ControlError("there is no such account")
        calendar_id = str(ask.body.get("id") or world.new_calendar_id())
        if world.calendars.find(calendar_id) is not None:
            raise ControlError("there is such a calendar already")
        role = str(ask.body.get("role", "owner"))
        if role not in ROLES:
            raise ControlError(f"no such role: {role}")
        owner = account.email if role == "owner" else str(ask.body.get("owner", ""))
        calendar = world.add_calendar(
            calendar_id,
            owner=owner,
            summary=str(ask.body.get("summary", calendar_id)),
            time_zone=ask.body.get("time_zone") or account.time_zone,
        )
        if owner != account.email:
            world.share(calendar, account.email, role)
        return self._calendar_changed(calendar, ask)

    def _change_calendar(self, ask: Ask) -> Json:
        return self._calendar_changed(self._calendar(ask), ask)

    def _calendar_changed(self, calendar: Calendar, ask: Ask) -> Json:
        calendar.push_supported = bool(ask.body.get("push_supported", calendar.push_supported))
        if "summary" in ask.body:
            calendar.summary = str(ask.body["summary"])
        if "time_zone" in ask.body and ask.body["time_zone"] != calendar.time_zone:
            if find_zone(ask.body["time_zone"]) is None:
                raise ControlError("time_zone is not an IANA zone")
            self._world.change_zone(calendar, str(ask.body["time_zone"]))
        self._world.touch_calendar(calendar)
        for email, role in ask.body.get("acl", {}).items():
            if role not in ROLES:
                raise ControlError(f"no such role: {role}")
            self._world.share(calendar, email, role)
        return calendar_state(self._world, calendar)

    def _list_events(self, ask: Ask) -> Json:
        log = self._world.calendars.log(self._calendar(ask).id)
        return {"events": [orjson.Fragment(event.body) for event in log.since(0)]}

    def _get_event(self, ask: Ask) -> Json:
        event = self._world.calendars.log(self._calendar(ask).id).by_id.get(ask.path["event"])
        if event is None:
            raise ControlError("there is no such event")
        return event.doc

    def _put_event(self, ask: Ask) -> Json:
        calendar = self._calendar(ask)
        scope = only(ask.query, "scope") or None
        return control_events.put_event(self._world, calendar, ask.body, self._person(ask), scope)

    def _bulk(self, ask: Ask) -> Json:
        calendar = self._calendar(ask)
        return control_events.put_many(self._world, calendar, ask.body, self._person(ask))

    def _delete_event(self, ask: Ask) -> Json:
        gone = {"id": ask.path["event"], "status": "cancelled"}
        calendar = self._calendar(ask)
        scope = only(ask.query, "scope") or None
        return control_events.put_event(self._world, calendar, gone, self._person(ask), scope)

    def _person(self, ask: Ask) -> str:
        account = self._world.accounts.find(ask.path["account"])
        return account.email if account else ask.path["account"]

    def _calendar(self, ask: Ask) -> Calendar:
        return calendar_of(self._world, ask.path["account"], ask.path["calendar"])
