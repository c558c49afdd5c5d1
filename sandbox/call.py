"""One authorised Calendar API call: who asks, with which rights, for what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import orjson

from sandbox import errors
from sandbox.messages import Json, Request, only
from sandbox.model.calendars import Calendar, at_least
from sandbox.model.zones import find_zone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sandbox.model.accounts import Account
    from sandbox.world import World

_OWNED = frozenset({"calendar.events.owned", "calendar.events.owned.readonly"})
_OF_OWN_CLIENT = frozenset({"calendar.app.created"})
_PUBLIC = frozenset({"calendar.events.public.readonly"})
_FREE_BUSY = frozenset({"calendar.events.freebusy"})


@dataclass(frozen=True)
class Call:
    """A call after authentication."""

    world: World
    request: Request
    method: str
    """The method's name, e.g. `events.list`."""
    account: Account
    client_id: str
    scopes: frozenset[str]
    """The granted scopes that open this method, without prefix."""
    path: Mapping[str, str]
    """Path parameters, decoded."""

    @cached_property
    def params(self) -> Mapping[str, list[str]]:
        """Query parameters."""
        return self.request.query()

    @cached_property
    def body(self) -> Json:
        """The body as a JSON object; an absent one is empty."""
        if not self.request.body.strip():
            return {}
        try:
            body = orjson.loads(self.request.body)
        except orjson.JSONDecodeError as problem:
            raise errors.parse_error() from problem
        if not isinstance(body, dict):
            raise errors.parse_error()
        return body

    def text(self, name: str) -> str | None:
        """A query parameter, or `None`."""
        values = self.params.get(name)
        return values[-1] or None if values else None

    def flag(self, name: str) -> bool:
        """A boolean query parameter, false by default."""
        value = only(self.params, name, "false").lower()
        if value not in {"true", "false"}:
            raise errors.ApiError(
                400, "invalidParameter", f"Invalid boolean value: '{value}'.", location=name
            )
        return value == "true"

    def number(self, name: str, default: int, most: int) -> int:
        """A positive whole query parameter, clamped from above."""
        value = only(self.params, name) or str(default)
        try:
            number = int(value)
        except ValueError as problem:
            raise errors.ApiError(
                400, "invalidParameter", f"Invalid integer value: '{value}'.", location=name
            ) from problem
        if number < 1:
            raise errors.ApiError(400, "invalidParameter", f"Invalid value '{value}'.", location=name)
        return min(number, most)

    def zone(self) -> ZoneInfo | None:
        """The zone that the caller wants times in, if any."""
        name = self.text("timeZone")
        if name is None:
            return None
        zone = find_zone(name)
        if zone is None:
            raise errors.invalid("Invalid Value", "timeZone")
        return zone

    def calendar(self, name: str = "calendarId") -> Calendar:
        """The calendar in the path, if this caller may see it at all."""
        return self.calendar_named(self.path[name])

    def calendar_named(self, calendar_id: str) -> Calendar:
        """A calendar by id or `primary`.

        Raises:
            ApiError: 404 also when it exists but is not shared with the caller.
        """
        wanted = self.account.email if calendar_id == "primary" else calendar_id
        calendar = self.world.calendars.find(wanted)
        if calendar is None or self.role(calendar) == "none":
            raise errors.not_found()
        return calendar

    def writable_calendar(self) -> Calendar:
        """The calendar in the path, for one who may change its events."""
        calendar = self.calendar()
        if not at_least(self.role(calendar), "writerWithoutPrivateAccess"):
            raise errors.access_level()
        return calendar

    def owned_calendar(self, name: str = "calendarId") -> Calendar:
        """The calendar in the path, for one who owns it."""
        calendar = self.calendar(name)
        if self.role(calendar) != "owner":
            raise errors.forbidden()
        return calendar

    def role(self, calendar: Calendar) -> str:
        """What the caller may do, by sharing and by the narrower of the scopes."""
        role = calendar.role_of(self.account.email)
        if self.scopes <= _OWNED and role != "owner":
            return "none"
        if self.scopes == _OF_OWN_CLIENT and calendar.created_by_client != self.client_id:
            return "none"
        if self.scopes == _PUBLIC:
            return calendar.acl.get("default", "none")
        if self.scopes == _FREE_BUSY and role != "none":
            return "freeBusyReader"
        return role

    def check_version(self, etag: str) -> None:
        """Refuse when `If-Match` names another version.

        Source: Calendar API guide, 'Get specific versions of resources'.
        """
        wanted = self.request.headers.get("if-match")
        if wanted is None or wanted.strip() == "*":
            return
        if etag not in {one.strip().removeprefix("W/") for one in wanted.split(",")}:
            raise errors.condition_not_met()

    def has_version(self, etag: str) -> bool:
        """Whether `If-None-Match` says that the caller holds this version."""
        return self.request.headers.get("if-none-match") == etag
