"""The Calendar API's front door: which method a request means, who sends it, may they.

Source: discovery document of calendar v3 (paths, methods); guide 'Handle API errors'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson

from sandbox import (
    calendar_lists,
    errors,
    events_move,
    events_read,
    events_write,
    scopes,
    small_resources,
    watch,
)
from sandbox.call import Call
from sandbox.fields import FieldMask, FieldMaskError
from sandbox.messages import Request, Response, only

if TYPE_CHECKING:
    from sandbox.model.grants import AccessToken
    from sandbox.world import World

ROOT = "/calendar/v3/"
Handler = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of the API."""

    pattern: re.Pattern[str]
    name: str
    handler: Handler


class CalendarApi:
    """Serves everything below `/calendar/v3/`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request, path: str) -> Response:
        """Answer a request; refusals come in Google's envelopes."""
        if request.method == "POST" and "x-http-method-override" in request.headers:
            request = _overridden(request, path)
        try:
            return self._answer(request, path)
        except errors.ApiError as refusal:
            return refusal.response()

    def token_of(self, request: Request) -> AccessToken | None:
        """The live access token that a request carries."""
        text = _bearer(request)
        return self._world.grants.live_access(text, self._world.clock.now_us()) if text else None

    def _answer(self, request: Request, path: str) -> Response:
        route, parameters = self._route(request, path)
        if not _bearer(request):
            raise errors.login_required()
        token = self.token_of(request)
        account = self._world.accounts.find(token.account) if token else None
        if token is None or account is None:
            raise errors.invalid_credentials()
        self._charge(request, account.email)
        opening = scopes.opening(route.name, token.scopes)
        if not opening:
            resource, _, verb = route.name.partition(".")
            resource, verb = resource[0].upper() + resource[1:], verb[0].upper() + verb[1:]
            raise errors.insufficient_scope(f"calendar.v3.{resource}.{verb}")
        if not account.calendar_user:
            raise errors.not_a_calendar_user()
        call = Call(self._world, request, route.name, account, token.client_id, opening, parameters)
        mask = _field_mask(call)
        response = route.handler(call)
        if mask is not None and response.body:
            body = orjson.dumps(mask.apply(orjson.loads(response.body)))
            return Response(response.status, response.headers, body)
        return response

    def _route(self, request: Request, path: str) -> tuple[Route, dict[str, str]]:
        for route in _ROUTES.get(request.method, ()):
            found = route.pattern.fullmatch(path)
            if found is not None:
                return route, {name: unquote(value) for name, value in found.groupdict().items()}
        raise errors.not_found()

    def _charge(self, request: Request, email: str) -> None:
        quota = self._world.quota
        units = 3 if request.method == "PATCH" else 1
        user = only(request.query(), "quotaUser") or request.headers.get("x-goog-quota-user")
        reason = quota.refusal(user or email, units, self._world.clock.now_us())
        if reason is not None:
            raise errors.by_reason(quota.refuse_status, reason)


def _overridden(request: Request, path: str) -> Request:
    """The request that a client meant whose URL was too long: its query came as the body.

    Source: google-api-python-client, which does so beyond 2,048 characters.
    """
    method = request.headers["x-http-method-override"].upper()
    return Request(method, f"{path}?{request.body.decode('utf-8', 'replace')}", request.headers)


def _bearer(request: Request) -> str | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    query = request.query()
    return only(query, "access_token") or only(query, "oauth_token") or None


def _field_mask(call: Call) -> FieldMask | None:
    text = call.text("fields")
    if text is None:
        return None
    try:
        return FieldMask.parse(text)
    except FieldMaskError as problem:
        raise errors.ApiError(
            400, "invalidParameter", f"Invalid field selection {text}", location="fields"
        ) from problem


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.escape(ROOT) + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


def _routes() -> dict[str, list[Route]]:
    """By HTTP method."""
    routes: dict[str, list[Route]] = {}
    for http_method, template, name, handler in _methods():
        routes.setdefault(http_method, []).append(Route(_pattern(template), name, handler))
    return routes


def _methods() -> list[tuple[str, str, str, Handler]]:
    calendar = "calendars/{calendarId}"
    events = calendar + "/events"
    event = events + "/{eventId}"
    entries = "users/me/calendarList"
    entry = entries + "/{calendarId}"
    acl = calendar + "/acl"
    rule = acl + "/{ruleId}"
    rows: list[tuple[str, str, str, Any]] = [
        ("GET", events, "events.list", events_read.list_events),
        ("POST", events, "events.insert", events_write.insert_event),
        ("POST", events + "/import", "events.import", events_write.import_event),
        ("POST", events + "/quickAdd", "events.quickAdd", events_write.quick_add_event),
        ("POST", events + "/watch", "events.watch", watch.watch_events),
        ("GET", event, "events.get", events_read.get_event),
        ("PUT", event, "events.update", events_write.update_event),
        ("PATCH", event, "events.patch", events_write.patch_event),
        ("DELETE", event, "events.delete", events_write.delete_event),
        ("POST", event + "/move", "events.move", events_move.move_event),
        ("GET", event + "/instances", "events.instances", events_read.list_instances),
        ("POST", "channels/stop", "channels.stop", watch.stop_channel),
        ("GET", entries, "calendarList.list", calendar_lists.list_calendars),
        ("POST", entries, "calendarList.insert", calendar_lists.insert_entry),
        ("POST", entries + "/watch", "calendarList.watch", watch.watch_calendar_list),
        ("GET", entry, "calendarList.get", calendar_lists.get_entry),
        ("PUT", entry, "calendarList.update", calendar_lists.update_entry),
        ("PATCH", entry, "calendarList.patch", calendar_lists.patch_entry),
        ("DELETE", entry, "calendarList.delete", calendar_lists.delete_entry),
        ("POST", "calendars", "calendars.insert", calendar_lists.insert_calendar),
        ("GET", calendar, "calendars.get", calendar_lists.get_calendar),
        ("PUT", calendar, "calendars.update", calendar_lists.update_calendar),
        ("PATCH", calendar, "calendars.patch", calendar_lists.patch_calendar),
        ("DELETE", calendar, "calendars.delete", calendar_lists.delete_calendar),
        ("POST", calendar + "/clear", "calendars.clear", calendar_lists.clear_calendar),
        ("GET", acl, "acl.list", small_resources.list_acl),
        ("POST", acl, "acl.insert", small_resources.put_acl_rule),
        ("POST", acl + "/watch", "acl.watch", watch.watch_acl),
        ("GET", rule, "acl.get", small_resources.get_acl_rule),
        ("PUT", rule, "acl.update", small_resources.put_acl_rule),
        ("PATCH", rule, "acl.patch", small_resources.put_acl_rule),
        ("DELETE", rule, "acl.delete", small_resources.delete_acl_rule),
        ("POST", "freeBusy", "freebusy.query", small_resources.query_free_busy),
        ("GET", "colors", "colors.get", small_resources.get_colors),
        ("GET", "users/me/settings", "settings.list", small_resources.list_settings),
        ("POST", "users/me/settings/watch", "settings.watch", watch.watch_settings),
        ("GET", "users/me/settings/{setting}", "settings.get", small_resources.get_setting),
    ]
    return rows


_ROUTES: Final = _routes()
