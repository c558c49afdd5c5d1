"""The smaller parts of the Calendar API: freeBusy, colors, settings, access rules.

Source: Calendar API reference, `freebusy`, `colors`, `settings`, `acl`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.messages import Json, Response, json_response
from sandbox.model.calendars import ROLES, Calendar
from sandbox.model.clock import from_us
from sandbox.model.recurrence import Series
from sandbox.model.zones import find_zone, in_zone, parse_instant_us

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sandbox.call import Call
    from sandbox.model.accounts import Account

_LONGEST_QUERY_US = 92 * 86_400_000_000
_CALENDAR_COLORS = (
    "#ac725e #d06b64 #f83a22 #fa573c #ff7537 #ffad46 #42d692 #16a765 #7bd148 #b3dc6c #fbe983 "
    "#fad165 #92e1c0 #9fe1e7 #9fc6e7 #4986e7 #9a9cff #b99aff #c2c2c2 #cabdbf #cca6ac #f691b2 "
    "#cd74e6 #a47ae2"
)
_EVENT_COLORS = "#a4bdfc #7ae7bf #dbadff #ff887c #fbd75b #ffb878 #46d6db #e1e1e1 #5484ed #51b749 #dc2127"
_SETTINGS = {
    "autoAddHangouts": "true",
    "dateFieldOrder": "DMY",
    "defaultEventLength": "60",
    "format24HourTime": "true",
    "hideInvitations": "false",
    "hideWeekends": "false",
    "locale": "en",
    "remindOnRespondedEventsOnly": "false",
    "showDeclinedEvents": "true",
    "useKeyboardShortcuts": "true",
    "weekStart": "1",
}


def query_free_busy(call: Call) -> Response:
    """When calendars are busy; one that cannot be seen brings an error of its own, not a 404."""
    body = call.body
    bounds: dict[str, int] = {}
    for name in ("timeMin", "timeMax"):
        value = parse_instant_us(str(body.get(name, "")))
        if value is None:
            raise (
                errors.required(f"Missing {name} parameter.") if name not in body else (errors.bad_request())
            )
        bounds[name] = value
    if bounds["timeMax"] <= bounds["timeMin"]:
        raise errors.empty_range("timeMax")
    if bounds["timeMax"] - bounds["timeMin"] > _LONGEST_QUERY_US:
        raise errors.ApiError(
            400,
            "timeRangeTooLong",
            "The requested time range is too long.",
            domain="calendar",
            location="timeMax",
        )
    zone = find_zone(body.get("timeZone", "UTC"))
    if zone is None:
        raise errors.invalid("Invalid Value", "timeZone")
    calendars: Json = {}
    items = body.get("items") or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise errors.invalid("Invalid Value", "items")
    for item in items:
        asked = str(item.get("id", ""))
        try:
            calendar = call.calendar_named(asked)
        except errors.ApiError:
            missing = [{"domain": "global", "reason": "notFound"}]
            calendars[asked] = {"errors": missing, "busy": []}
        else:
            calendars[asked] = {"busy": _busy(call, calendar, bounds, zone)}
    shown = {
        "kind": "calendar#freeBusy",
        "timeMin": in_zone(from_us(bounds["timeMin"]), zone),
        "timeMax": in_zone(from_us(bounds["timeMax"]), zone),
        "calendars": calendars,
    }
    return json_response(shown)


def get_colors(call: Call) -> Response:
    """The palettes."""
    del call
    palettes = {
        kind: {
            str(number): {"background": color, "foreground": "#1d1d1d"}
            for number, color in enumerate(colors.split(), start=1)
        }
        for kind, colors in (("calendar", _CALENDAR_COLORS), ("event", _EVENT_COLORS))
    }
    return json_response({"kind": "calendar#colors", "updated": "2012-02-14T00:00:00.000Z", **palettes})


def list_settings(call: Call) -> Response:
    """Every setting of the account."""
    values = _settings_of(call.account)
    scope = f"settings/{call.account.email}"
    token = call.text("syncToken")
    if token is not None and call.world.tokens.read(token, "sync", scope) is None:
        raise errors.invalid_sync_token()
    names = [] if token is not None else sorted(values)
    return json_response(
        {
            "kind": "calendar#settings",
            "etag": '"p00000000000000000o"',
            "nextSyncToken": call.world.tokens.write("sync", scope, 0),
            "items": [_setting(name, values[name]) for name in names],
        }
    )


def get_setting(call: Call) -> Response:
    """One setting of the account."""
    values = _settings_of(call.account)
    name = call.path["setting"]
    if name not in values:
        raise errors.not_found()
    return json_response(_setting(name, values[name]))


def list_acl(call: Call) -> Response:
    """Who may see a calendar."""
    calendar = call.owned_calendar()
    scope = f"acl/{calendar.id}"
    token = call.text("syncToken")
    if token is not None:
        facts = call.world.tokens.read(token, "sync", scope)
        if facts is None:
            raise errors.invalid_sync_token()
        if facts[0] != calendar.token_generation:
            raise errors.full_sync_required()
    rules = [] if token is not None else list(calendar.acl)
    return json_response(
        {
            "kind": "calendar#acl",
            "etag": f'"p{calendar.etag_us}0o"',
            "nextSyncToken": call.world.tokens.write("sync", scope, calendar.token_generation),
            "items": [_rule(calendar, email) for email in rules],
        }
    )


def get_acl_rule(call: Call) -> Response:
    """One rule."""
    calendar = call.owned_calendar()
    return json_response(_rule(calendar, _ruled(call, calendar)))


def put_acl_rule(call: Call) -> Response:
    """Add or change a rule; `none` takes the access away."""
    calendar = call.owned_calendar()
    if "ruleId" in call.path:
        email = _ruled(call, calendar)
    else:
        scope = call.body.get("scope") or {}
        if not isinstance(scope, dict):
            raise errors.invalid("Invalid Value", "scope")
        email = "default" if scope.get("type") == "default" else str(scope.get("value", ""))
        if not email:
            raise errors.required("Missing scope.")
    role = call.body.get("role")
    if role not in ROLES:
        raise errors.invalid("Invalid Value", "role")
    if email == calendar.owner and role != "owner":
        raise errors.forbidden("Cannot change your own access level.")
    call.world.share(calendar, email, str(role))
    call.world.channels.announce(f"acl/{calendar.id}", call.world.clock.now_us())
    return json_response(_rule(calendar, email))


def delete_acl_rule(call: Call) -> Response:
    """Take an access away."""
    calendar = call.owned_calendar()
    email = _ruled(call, calendar)
    if email == calendar.owner:
        raise errors.forbidden("Cannot remove your own access level.")
    call.world.share(calendar, email, "none")
    call.world.channels.announce(f"acl/{calendar.id}", call.world.clock.now_us())
    return Response(204)


def _busy(call: Call, calendar: Calendar, bounds: dict[str, int], zone: ZoneInfo) -> list[Json]:
    """Opaque events within the bounds, overlapping ones joined."""
    spans = _opaque_spans(call, calendar, bounds["timeMax"])
    joined: list[tuple[int, int]] = []
    clipped = sorted((max(a, bounds["timeMin"]), min(b, bounds["timeMax"])) for a, b in spans)
    for start, end in clipped:
        if end <= start:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return [
        {"start": in_zone(from_us(start), zone), "end": in_zone(from_us(end), zone)} for start, end in joined
    ]


def _opaque_spans(call: Call, calendar: Calendar, before_us: int) -> list[tuple[int, int]]:
    log = call.world.calendars.log(calendar.id)
    spans: list[tuple[int, int]] = []
    for event in log.since(0):
        if event.cancelled or event.start_us is None or event.end_us is None:
            continue
        if log.has_deleted_master(event) or event.doc.get("transparency") == "transparent":
            continue
        if event.recurring:
            taken = {one.id for one in log.exceptions_of(event.id)}
            for slot in Series(event, calendar.zone).slots():
                if slot.start_us >= before_us:
                    break
                if slot.instance_id not in taken:
                    spans.append((slot.start_us, slot.end_us))
        else:
            spans.append((event.start_us, event.end_us))
    return spans


def _settings_of(account: Account) -> dict[str, str]:
    return {**_SETTINGS, "timezone": account.time_zone, **account.settings}


def _setting(name: str, value: str) -> Json:
    return {"kind": "calendar#setting", "etag": '"0"', "id": name, "value": value}


def _ruled(call: Call, calendar: Calendar) -> str:
    email = call.path["ruleId"].partition(":")[2] or call.path["ruleId"]
    if email not in calendar.acl:
        raise errors.not_found()
    return email


def _rule(calendar: Calendar, email: str) -> Json:
    kind = "default" if email == "default" else "user"
    scope = {"type": kind} if kind == "default" else {"type": kind, "value": email}
    return {
        "kind": "calendar#aclRule",
        "etag": f'"{calendar.etag_us}"',
        "id": "default" if kind == "default" else f"user:{email}",
        "scope": scope,
        "role": calendar.acl.get(email, "none"),
    }
