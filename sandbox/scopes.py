"""Which scopes open which method.

Source: discovery document of calendar v3 (`scopes` of each method).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "https://www.googleapis.com/auth/"
IDENTITY = {
    "openid": "openid",
    "email": PREFIX + "userinfo.email",
    "profile": PREFIX + "userinfo.profile",
}
"""Short names that Google expands in what it grants."""

_READ_EVENTS = (
    "calendar.readonly calendar.events calendar.events.readonly calendar.events.owned "
    "calendar.events.owned.readonly calendar.events.freebusy calendar.events.public.readonly "
    "calendar.app.created"
)
_WRITE_EVENTS = "calendar.events calendar.events.owned calendar.app.created"
_WRITE_ENTRY = "calendar.calendarlist calendar.app.created"
_READ_LIST = "calendar.calendarlist calendar.calendarlist.readonly calendar.readonly"
_WRITE_CALENDAR = "calendar.calendars calendar.app.created"
_READ_SETTINGS = "calendar.settings calendar.settings.readonly calendar.readonly"
_READ_ACL = "calendar.acls calendar.acls.readonly"

_METHODS = {
    "acl.delete": "calendar.acls",
    "acl.insert": "calendar.acls",
    "acl.patch": "calendar.acls",
    "acl.update": "calendar.acls",
    "acl.get": _READ_ACL + " calendar.readonly",
    "acl.list": _READ_ACL,
    "acl.watch": _READ_ACL,
    "calendarList.delete": _WRITE_ENTRY,
    "calendarList.patch": _WRITE_ENTRY,
    "calendarList.update": _WRITE_ENTRY,
    "calendarList.get": _READ_LIST + " calendar.app.created",
    "calendarList.insert": "calendar.calendarlist",
    "calendarList.list": _READ_LIST,
    "calendarList.watch": _READ_LIST,
    "calendars.clear": "calendar.calendars",
    "calendars.delete": _WRITE_CALENDAR,
    "calendars.insert": _WRITE_CALENDAR,
    "calendars.patch": _WRITE_CALENDAR,
    "calendars.update": _WRITE_CALENDAR,
    "calendars.get": _WRITE_CALENDAR + " calendar.calendars.readonly calendar.readonly",
    "channels.stop": f"{_READ_EVENTS} {_READ_ACL} {_READ_SETTINGS} calendar.calendarlist {_READ_LIST}",
    "colors.get": "calendar.app.created calendar.calendarlist calendar.calendarlist.readonly "
    "calendar.events.freebusy calendar.events.owned calendar.events.owned.readonly "
    "calendar.events.public.readonly calendar.readonly",
    "events.delete": _WRITE_EVENTS,
    "events.import": _WRITE_EVENTS,
    "events.insert": _WRITE_EVENTS,
    "events.patch": _WRITE_EVENTS,
    "events.quickAdd": _WRITE_EVENTS,
    "events.update": _WRITE_EVENTS,
    "events.move": "calendar.events calendar.events.owned",
    "events.get": _READ_EVENTS,
    "events.instances": _READ_EVENTS,
    "events.list": _READ_EVENTS,
    "events.watch": _READ_EVENTS,
    "freebusy.query": "calendar.events.freebusy calendar.freebusy calendar.readonly",
    "settings.get": _READ_SETTINGS,
    "settings.list": _READ_SETTINGS,
    "settings.watch": _READ_SETTINGS,
}
_CALENDAR_SCOPES = frozenset({"calendar"}.union(*(names.split() for names in _METHODS.values())))


def opening(method: str, granted: Iterable[str]) -> frozenset[str]:
    """The granted scopes, without their prefix, that open a method; `calendar` opens all."""
    accepted = {"calendar", *_METHODS[method].split()}
    return frozenset(accepted.intersection(scope.removeprefix(PREFIX) for scope in granted))


def expanded(requested: str) -> list[str]:
    """Requested scopes with short names spelled out, each once, in the order asked."""
    return list(dict.fromkeys(IDENTITY.get(scope, scope) for scope in requested.split()))


def is_known(scope: str) -> bool:
    """Whether it is an identity scope or one of Calendar's."""
    return scope in IDENTITY.values() or scope.removeprefix(PREFIX) in _CALENDAR_SCOPES


def is_identity(scope: str) -> bool:
    """Whether it only tells who somebody is; such scopes cannot be unticked."""
    return scope in IDENTITY.values()


def as_granted(scopes: Iterable[str]) -> str:
    """Scopes as the answer lists them: in an order of Google's own, not the one asked."""
    return " ".join(sorted(scopes, key=lambda scope: scope[::-1]))
