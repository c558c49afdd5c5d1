"""The control API: how a test or a person arranges Google's side, and looks at it.

JSON over HTTP below `/_control`; every call is described in docs/sandbox.md. What is
wrong with a call is answered as 400 with a sentence.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

import orjson

from sandbox import control_events
from sandbox.control_events import ControlError
from sandbox.messages import Fault, Json, Request, Response, json_response, only
from sandbox.model.calendars import ROLES, Calendar, calendar_resource
from sandbox.model.faults import KINDS, FaultRule
from sandbox.model.grants import Client
from sandbox.model.zones import find_zone
from sandbox.scopes import expanded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.consent import Consent
    from sandbox.oauth import OAuth
    from sandbox.world import World

_NOTIFICATION_FAULTS = frozenset({"drop", "duplicate", "delay", "reorder"})
_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class _Ask:
    """One call of the control API."""

    body: Json
    query: Mapping[str, list[str]]
    path: Mapping[str, str]

    def number(self, name: str, default: int) -> int:
        """A whole number from the query."""
        text = only(self.query, name) or str(default)
        if not text.lstrip("-").isdigit():
            raise ControlError(f"{name} is not a whole number")
        return int(text)


class Control:
    """Serves `/_control`."""

    def __init__(self, world: World, oauth: OAuth, consent: Consent) -> None:
        self._world = world
        self._oauth = oauth
        self._consent = consent
        calendar = "/calendars/{account}/{calendar}"
        routes: list[tuple[str, str, Callable[[_Ask], Any]]] = [
            ("GET", "/state", self._state),
            ("POST", "/reset", self._reset),
            ("POST", "/clock", self._clock),
            ("POST", "/quota", self._quota),
            ("POST", "/switches", self._switches),
            ("POST", "/accounts", self._add_account),
            ("POST", "/clients", self._add_client),
            ("POST", "/calendars", self._add_calendar),
            ("POST", calendar, self._change_calendar),
            ("GET", calendar + "/events", self._list_events),
            ("POST", calendar + "/events", self._put_event),
            ("POST", calendar + "/events/bulk", self._bulk),
            ("GET", calendar + "/events/{event}", self._get_event),
            ("DELETE", calendar + "/events/{event}", self._delete_event),
            ("POST", "/faults", self._add_fault),
            ("GET", "/faults", self._faults),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/holds", self._holds),
            ("POST", "/holds/{hold}/release", self._release),
            ("GET", "/notifications", self._notifications),
            ("POST", "/notifications/faults", self._notification_fault),
            ("POST", "/listings/glitch", self._glitch),
            ("POST", "/sync-tokens/invalidate", self._invalidate),
            ("POST", "/grants/revoke", self._revoke),
            ("POST", "/access-tokens/expire", self._expire),
            ("POST", "/tokens", self._issue),
            ("POST", "/consent", self._decide),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._clear_requests),
            ("GET", "/mails", self._mails),
            ("DELETE", "/mails", self._clear_mails),
        ]
        self._routes = [
            (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)), handler)
            for method, template, handler in routes
        ]

    def handle(self, request: Request, path: str) -> Response:
        """Answer a call; a long poll with nothing to tell yet says so in its fault."""
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(path)
            if found is None or method != request.method:
                continue
            try:
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                ask = _Ask(_body(request), request.query(), parameters)
                answer = handler(ask)
            except (ControlError, KeyError, ValueError, TypeError) as problem:
                return json_response({"error": f"{type(problem).__name__}: {problem}"}, 400)
            response = json_response(answer)
            nothing = isinstance(answer, dict) and not any(answer.values())
            wait = only(ask.query, "wait")
            if wait and nothing:
                limit = min(float(wait), _LONGEST_WAIT_S)
                fault = Fault(long_poll_s=limit)
                return Response(response.status, response.headers, response.body, fault)
            return response
        return json_response({"error": f"no such call: {request.method} {path}"}, 404)

    def _state(self, ask: _Ask) -> Json:
        del ask
        world = self._world
        now_us = world.clock.now_us()
        return {
            "now": world.clock.now().isoformat(),
            "clock_offset_s": world.clock.offset.total_seconds(),
            "accounts": [asdict(account) for account in world.accounts.all()],
            "calendars": [self._calendar_state(one) for one in world.calendars.table.rows.values()],
            "grants": [
                {**asdict(grant), "refresh_tokens": self._live(grant.account, grant.client_id)}
                for grant in world.grants.grants.rows.values()
            ],
            "clients": [
                {"client_id": one.client_id, "redirect_uris": one.redirect_uris}
                for one in world.grants.clients.rows.values()
            ],
            "channels": [
                {**asdict(channel), "expired": channel.expires_us <= now_us}
                for channel in world.channels.table.rows.values()
            ],
            "quota": self._quota_state(),
            "switches": asdict(world.switches),
            "requests": world.requests.count,
        }

    def _calendar_state(self, calendar: Calendar) -> Json:
        log = self._world.calendars.log(calendar.id)
        return {
            **calendar_resource(calendar),
            "acl": calendar.acl,
            "deleted": calendar.deleted,
            "push_supported": calendar.push_supported,
            "events": sum(not event.cancelled for event in log.by_id.values()),
            "tombstones": sum(event.cancelled for event in log.by_id.values()),
            "last_position": log.last_position,
        }

    def _live(self, account: str, client_id: str) -> int:
        return sum(
            (token.account, token.client_id) == (account, client_id)
            for token in self._world.grants.refresh_tokens.rows.values()
        )

    def _reset(self, ask: _Ask) -> Json:
        del ask
        self._world.forget_everything()
        return {"reset": True}

    def _clock(self, ask: _Ask) -> Json:
        self._world.clock.shift(timedelta(seconds=float(ask.body["offset_s"])))
        return {"now": self._world.clock.now().isoformat()}

    def _quota(self, ask: _Ask) -> Json:
        quota = self._world.quota
        quota.enabled = bool(ask.body.get("enabled", quota.enabled))
        quota.per_user = int(ask.body.get("per_user", quota.per_user))
        quota.per_project = int(ask.body.get("per_project", quota.per_project))
        quota.refuse_status = int(ask.body.get("refuse_status", quota.refuse_status))
        quota.forget()
        return self._quota_state()

    def _quota_state(self) -> Json:
        quota = self._world.quota
        return {
            "enabled": quota.enabled,
            "per_user": quota.per_user,
            "per_project": quota.per_project,
            "refuse_status": quota.refuse_status,
        }

    def _switches(self, ask: _Ask) -> Json:
        switches = self._world.switches
        for name in ("revival_status", "updated_min_days"):
            if name in ask.body:
                setattr(switches, name, int(ask.body[name]))
        return asdict(switches)

    def _add_account(self, ask: _Ask) -> Json:
        email = str(ask.body["email"]).strip().lower()
        if "@" not in email:
            raise ControlError("email is not an address")
        zone = ask.body.get("time_zone", "Europe/Amsterdam")
        if find_zone(zone) is None:
            raise ControlError("time_zone is not an IANA zone")
        account = self._world.accounts.find(email) or self._world.add_account(
            email, name=ask.body.get("name"), time_zone=zone
        )
        account.calendar_user = bool(ask.body.get("calendar_user", account.calendar_user))
        account.settings |= ask.body.get("settings", {})
        self._world.accounts.save(account)
        return asdict(account)

    def _add_client(self, ask: _Ask) -> Json:
        client = Client(
            str(ask.body["client_id"]),
            str(ask.body["client_secret"]),
            [str(uri) for uri in ask.body["redirect_uris"]],
            bool(ask.body.get("testing", False)),
        )
        self._world.grants.clients.save(client.client_id, client)
        return {"client_id": client.client_id}

    def _add_calendar(self, ask: _Ask) -> Json:
        owner = self._world.accounts.find(str(ask.body["account"]))
        if owner is None:
            raise ControlError("there is no such account")
        calendar_id = str(ask.body.get("id") or self._world.new_calendar_id())
        if self._world.calendars.find(calendar_id) is not None:
            raise ControlError("there is such a calendar already")
        calendar = self._world.add_calendar(
            calendar_id,
            owner=owner.email,
            summary=str(ask.body.get("summary", calendar_id)),
            time_zone=ask.body.get("time_zone"),
        )
        return self._calendar_changed(calendar, ask)

    def _change_calendar(self, ask: _Ask) -> Json:
        return self._calendar_changed(self._calendar(ask), ask)

    def _calendar_changed(self, calendar: Calendar, ask: _Ask) -> Json:
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
        return self._calendar_state(calendar)

    def _list_events(self, ask: _Ask) -> Json:
        log = self._world.calendars.log(self._calendar(ask).id)
        return {"events": [orjson.Fragment(event.body) for event in log.since(0)]}

    def _get_event(self, ask: _Ask) -> Json:
        event = self._world.calendars.log(self._calendar(ask).id).by_id.get(ask.path["event"])
        if event is None:
            raise ControlError("there is no such event")
        return event.doc

    def _put_event(self, ask: _Ask) -> Json:
        calendar = self._calendar(ask)
        return control_events.put_event(self._world, calendar, ask.body, self._person(ask))

    def _bulk(self, ask: _Ask) -> Json:
        calendar = self._calendar(ask)
        return control_events.put_many(self._world, calendar, ask.body, self._person(ask))

    def _delete_event(self, ask: _Ask) -> Json:
        gone = {"id": ask.path["event"], "status": "cancelled"}
        calendar = self._calendar(ask)
        return control_events.put_event(self._world, calendar, gone, self._person(ask))

    def _person(self, ask: _Ask) -> str:
        account = self._world.accounts.find(ask.path["account"])
        return account.email if account else ask.path["account"]

    def _calendar(self, ask: _Ask) -> Calendar:
        account = self._world.accounts.find(ask.path["account"])
        if account is None:
            raise ControlError("there is no such account")
        wanted = ask.path["calendar"]
        calendar = self._world.calendars.find(account.email if wanted == "primary" else wanted)
        if calendar is None:
            raise ControlError("there is no such calendar")
        return calendar

    def _add_fault(self, ask: _Ask) -> Json:
        action = ask.body["action"]
        if action.get("kind") not in KINDS:
            raise ControlError(f"action.kind is one of {', '.join(sorted(KINDS))}")
        if action["kind"] == "answer":
            int(action["status"])
        if action["kind"] == "delay":
            float(action["seconds"])
        match = ask.body.get("match", {})
        path = match.get("path_regex")
        method = match.get("method")
        rule = FaultRule(
            id=self._world.faults.next_id("fault"),
            action=action,
            method=str(method).upper() if method else None,
            path=re.compile(path) if path else None,
            account=match.get("account"),
            skip=int(ask.body.get("skip", 0)),
            times=int(ask.body.get("times", 1)),
        )
        self._world.faults.rules.append(rule)
        return rule.resource()

    def _faults(self, ask: _Ask) -> Json:
        del ask
        return {"faults": [rule.resource() for rule in self._world.faults.rules]}

    def _clear_faults(self, ask: _Ask) -> Json:
        del ask
        self._world.faults.rules.clear()
        self._world.channels.outbox.faults.clear()
        return {"faults": []}

    def _holds(self, ask: _Ask) -> Json:
        del ask
        holds = [
            {
                "id": hold.id,
                "method": hold.request.method,
                "path": unquote(urlsplit(hold.request.url).path),
                "committed": hold.committed,
            }
            for hold in self._world.faults.holds.values()
            if not hold.released
        ]
        return {"holds": holds}

    def _release(self, ask: _Ask) -> Json:
        hold = self._world.faults.holds.get(ask.path["hold"])
        if hold is None:
            raise ControlError("there is no such hold")
        hold.released = True
        return {"released": hold.id}

    def _notifications(self, ask: _Ask) -> Json:
        since = ask.number("since", 0)
        log = self._world.channels.outbox.log
        return {"notifications": [asdict(one) for one in log if one.number > since]}

    def _notification_fault(self, ask: _Ask) -> Json:
        kind = ask.body["kind"]
        if kind not in _NOTIFICATION_FAULTS:
            raise ControlError(f"kind is one of {', '.join(sorted(_NOTIFICATION_FAULTS))}")
        fault = {"kind": kind, "times": int(ask.body.get("times", 1))}
        fault["seconds"] = float(ask.body.get("seconds", 0))
        self._world.channels.outbox.faults.append(fault)
        return fault

    def _glitch(self, ask: _Ask) -> Json:
        times = int(ask.body.get("times", 1))
        match ask.body["kind"]:
            case "empty_page":
                self._world.switches.glitch_listings = times
            case "nothing_there":
                path = {"account": ask.body["account"]}
                path["calendar"] = ask.body.get("calendar", "primary")
                calendar = self._calendar(_Ask({}, {}, path))
                calendar.unlistable = times
                self._world.calendars.save(calendar)
            case _:
                raise ControlError("kind is empty_page or nothing_there")
        return {"kind": ask.body["kind"], "times": times}

    def _invalidate(self, ask: _Ask) -> Json:
        account, wanted = ask.body.get("account"), ask.body.get("calendar")
        if wanted == "primary":
            wanted = account
        struck = [
            calendar
            for calendar in self._world.calendars.table.rows.values()
            if (wanted is None or calendar.id == wanted)
            and (account is None or calendar.role_of(account) != "none")
        ]
        for calendar in struck:
            calendar.token_generation += 1
            self._world.calendars.save(calendar)
        return {"calendars": [calendar.id for calendar in struck]}

    def _revoke(self, ask: _Ask) -> Json:
        account, client_id = str(ask.body["account"]), ask.body.get("client_id")
        struck = [
            grant
            for grant in list(self._world.grants.grants.rows.values())
            if grant.account == account and client_id in {None, grant.client_id}
        ]
        for grant in struck:
            self._world.grants.revoke(grant.account, grant.client_id)
        return {"revoked": len(struck)}

    def _expire(self, ask: _Ask) -> Json:
        return {"expired": self._world.grants.expire_access(ask.body.get("account"))}

    def _issue(self, ask: _Ask) -> Json:
        account = self._world.accounts.find(str(ask.body["account"]))
        if account is None:
            raise ControlError("there is no such account")
        client_id = str(ask.body.get("client_id", "control"))
        granted = expanded(ask.body.get("scope", "https://www.googleapis.com/auth/calendar"))
        self._world.grants.allow(account.email, client_id, granted)
        return self._oauth.issue_tokens(account.email, client_id, granted, offline=True)

    def _decide(self, ask: _Ask) -> Json:
        """Fill in the consent page of an authorisation URL."""
        url = str(ask.body["url"])
        asked = Request("GET", url).query()
        wanted = expanded(only(asked, "scope"))
        fields: dict[str, Any] = {
            **asked,
            "new_account": ask.body["account"],
            "decision": ask.body.get("decision", "allow"),
            "granted": expanded(ask.body["granted"]) if "granted" in ask.body else wanted,
        }
        body = urlencode(fields, doseq=True).encode()
        answer = self._consent.handle(Request("POST", url, {}, body))
        if "Location" not in answer.headers:
            raise ControlError("the authorisation request was refused with an error page")
        return {"location": answer.headers["Location"]}

    def _requests(self, ask: _Ask) -> Json:
        return {"requests": self._world.requests.since(ask.number("since", 0))}

    def _clear_requests(self, ask: _Ask) -> Json:
        del ask
        self._world.requests.entries.clear()
        return {"requests": []}

    def _mails(self, ask: _Ask) -> Json:
        del ask
        return {"mails": list(self._world.mails)}

    def _clear_mails(self, ask: _Ask) -> Json:
        del ask
        self._world.mails.clear()
        return {"mails": []}


def _body(request: Request) -> Json:
    body = orjson.loads(request.body) if request.body.strip() else {}
    if not isinstance(body, dict):
        raise ControlError("the body is not an object")
    return body
