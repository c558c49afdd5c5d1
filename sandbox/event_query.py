"""The question in an `events.list` call: its parameters, checked and decoded.

Source: Calendar API reference, `events.list`; guide 'Synchronize resources efficiently'.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox import errors
from sandbox.model.zones import parse_instant_us

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sandbox.call import Call
    from sandbox.model.calendars import Calendar
    from sandbox.model.event_log import StoredEvent

_NEVER_WITH_SYNC_TOKEN = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "timeMax",
    "timeMin",
    "updatedMin",
)
_NO_SYNC_TOKEN_AFTER = (
    "iCalUID",
    "orderBy",
    "privateExtendedProperty",
    "q",
    "sharedExtendedProperty",
    "updatedMin",
)
_SAME_ON_EVERY_PAGE = (
    *_NEVER_WITH_SYNC_TOKEN,
    "singleEvents",
    "showDeleted",
    "eventTypes",
    "syncToken",
)
_DAY_US = 86_400_000_000


@dataclass(frozen=True)
class EventQuery:
    """What is wanted of a calendar's events."""

    call: Call
    calendar: Calendar
    role: str
    page_size: int
    expand: bool
    """Occurrences instead of series."""
    show_deleted: bool
    order_by: str | None
    sync_position: int | None
    """Where the last listing left off; `None` for a full one."""
    page_cursor: list[Any] | None
    time_min_us: int | None
    time_max_us: int | None
    updated_min_us: int | None
    zone: ZoneInfo | None
    max_attendees: int | None
    search: str | None
    i_cal_uid: str | None
    event_types: frozenset[str]
    properties: tuple[tuple[str, str, str], ...]
    """Side, name and value that extended properties must have."""
    token_allowed: bool
    scope: str
    filters: bool = field(default=False)

    @classmethod
    def read(cls, call: Call, calendar: Calendar, *, instances: bool = False) -> EventQuery:
        """Check and decode the parameters of a call.

        Raises:
            ApiError: 400 for what does not go together, 410 for a dead sync token.
        """
        sync_token = call.text("syncToken")
        if sync_token is not None:
            _check_companions(call)
        role = call.role(calendar)
        order_by = call.text("orderBy")
        expand = call.flag("singleEvents") or role == "freeBusyReader" or instances
        if order_by not in {None, "startTime", "updated"}:
            raise errors.invalid("Invalid Value", "orderBy")
        if order_by == "startTime" and not expand:
            raise errors.bad_request(
                "The requested ordering is not available for the particular query.", "orderBy"
            )
        time_min, time_max = _instant(call, "timeMin"), _instant(call, "timeMax")
        if time_min is not None and time_max is not None and time_max <= time_min:
            raise errors.empty_range("timeMax")
        scope = f"events/{calendar.id}"
        many = call.text("maxAttendees")
        event_types = frozenset(call.params.get("eventTypes", []))
        properties = tuple(_properties(call))
        search, i_cal_uid = call.text("q"), call.text("iCalUID")
        updated_min = _updated_min(call)
        return cls(
            call=call,
            calendar=calendar,
            role=role,
            page_size=call.number("maxResults", 250, 2500),
            expand=expand,
            show_deleted=call.flag("showDeleted"),
            order_by=order_by,
            sync_position=_sync_position(call, calendar, scope) if sync_token else None,
            page_cursor=_page_cursor(call, scope),
            time_min_us=time_min,
            time_max_us=time_max,
            updated_min_us=updated_min,
            zone=call.zone(),
            max_attendees=call.number("maxAttendees", 1, 10_000) if many else None,
            search=search.lower() if search else None,
            i_cal_uid=i_cal_uid,
            event_types=event_types,
            properties=properties,
            token_allowed=not instances and not any(map(call.text, _NO_SYNC_TOKEN_AFTER)),
            scope=scope,
            filters=bool(event_types or properties or search or i_cal_uid or updated_min),
        )

    @property
    def is_delta(self) -> bool:
        """Whether only changes are asked for, deletions among them."""
        return self.sync_position is not None or self.updated_min_us is not None

    @property
    def tombstones(self) -> bool:
        """Whether deleted events are shown in some form."""
        return self.show_deleted or self.is_delta

    @property
    def plain(self) -> bool:
        """Whether resources go out as they are stored."""
        narrow = self.role in {"freeBusyReader", "reader", "writerWithoutPrivateAccess"}
        return self.zone is None and self.max_attendees is None and not narrow

    def in_window(self, start_us: int | None, end_us: int | None) -> bool:
        """Whether it ends after `timeMin` and starts before `timeMax`, both exclusive."""
        if self.time_min_us is not None and (end_us is None or end_us <= self.time_min_us):
            return False
        return self.time_max_us is None or (start_us is not None and start_us < self.time_max_us)

    def matches(self, event: StoredEvent) -> bool:
        """Whether it is of the kind that is asked for."""
        if not self.filters:
            return True
        if self.event_types and event.event_type not in self.event_types:
            return False
        if self.i_cal_uid is not None and event.i_cal_uid != self.i_cal_uid:
            return False
        if self.updated_min_us is not None and event.updated_us < self.updated_min_us:
            return False
        return self._has_text(event) and self._has_properties(event)

    def page_token(self, cursor: list[Any]) -> str:
        """The token that goes on from a cursor with the same question."""
        return self.call.world.tokens.write("page", _page_scope(self.call, self.scope), *cursor)

    def sync_token(self, position: int) -> str | None:
        """The token that asks for what changes from now on, if this question has one."""
        if not self.token_allowed:
            return None
        generation = self.calendar.token_generation
        return self.call.world.tokens.write("sync", self.scope, position, generation)

    def _has_text(self, event: StoredEvent) -> bool:
        if self.search is None:
            return True
        doc = event.doc
        people = [doc.get("organizer", {}), *doc.get("attendees", [])]
        texts = [doc.get(name, "") for name in ("summary", "description", "location")]
        texts += [one.get(name, "") for one in people for name in ("email", "displayName")]
        return any(self.search in str(text).lower() for text in texts)

    def _has_properties(self, event: StoredEvent) -> bool:
        if not self.properties:
            return True
        kept = event.doc.get("extendedProperties", {})
        return all(kept.get(side, {}).get(name) == value for side, name, value in self.properties)


def _check_companions(call: Call) -> None:
    for name in _NEVER_WITH_SYNC_TOKEN:
        if name in call.params:
            raise errors.bad_request(f"Sync token cannot be used together with parameter: {name}", name)
    if "showDeleted" in call.params and not call.flag("showDeleted"):
        raise errors.bad_request("Sync token requires showDeleted.", "showDeleted")


def _sync_position(call: Call, calendar: Calendar, scope: str) -> int:
    facts = call.world.tokens.read(call.text("syncToken") or "", "sync", scope)
    if facts is None:
        raise errors.invalid_sync_token()
    position, generation = facts
    if generation != calendar.token_generation:
        raise errors.full_sync_required()
    return int(position)


def _page_cursor(call: Call, scope: str) -> list[Any] | None:
    token = call.text("pageToken")
    if token is None:
        return None
    cursor = call.world.tokens.read(token, "page", _page_scope(call, scope))
    if cursor is None:
        raise errors.invalid("Invalid Value", "pageToken")
    return cursor


def _page_scope(call: Call, scope: str) -> str:
    """What a page token is good for: the next page of the same question."""
    asked = repr([(name, call.params.get(name)) for name in _SAME_ON_EVERY_PAGE])
    digest = hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()
    return f"{scope}?{call.path.get('eventId', '')}{digest}"


def _instant(call: Call, name: str) -> int | None:
    text = call.text(name)
    if text is None:
        return None
    instant = parse_instant_us(text.replace(" ", "+"))
    if instant is None:
        raise errors.bad_request("Bad Request", name)
    return instant - instant % 1_000_000


def _updated_min(call: Call) -> int | None:
    text = call.text("updatedMin")
    if text is None:
        return None
    instant = parse_instant_us(text.replace(" ", "+"))
    if instant is None:
        raise errors.bad_request("Bad Request", "updatedMin")
    oldest = call.world.clock.now_us() - call.world.switches.updated_min_days * _DAY_US
    if instant < oldest:
        raise errors.updated_min_too_long_ago()
    return instant


def _properties(call: Call) -> list[tuple[str, str, str]]:
    wanted = []
    for side in ("private", "shared"):
        for constraint in call.params.get(f"{side}ExtendedProperty", []):
            name, equals, value = constraint.partition("=")
            if not equals:
                raise errors.invalid("Invalid Value", f"{side}ExtendedProperty")
            wanted.append((side, name, value))
    return wanted
