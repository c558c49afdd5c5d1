"""The control API: how a test or a person arranges Google's side, and looks at it.

JSON over HTTP below `/_control`; every call is described in docs/sandbox.md. What is
wrong with a call is answered as 400 with a sentence.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

from sandbox.control_access import AccessCalls
from sandbox.control_ask import Ask, ControlRoute
from sandbox.control_calendars import CalendarCalls, calendar_state
from sandbox.control_events import ControlError
from sandbox.control_mishaps import MishapCalls
from sandbox.exceptions import ORPHANED_EXCEPTIONS
from sandbox.messages import Fault, Json, Request, Response, json_response, only
from sandbox.model.zones import find_zone

if TYPE_CHECKING:
    from sandbox.consent import Consent
    from sandbox.oauth import OAuth
    from sandbox.world import World

_LONGEST_WAIT_S = 60.0


class Control:
    """Serves `/_control`."""

    def __init__(self, world: World, oauth: OAuth, consent: Consent) -> None:
        self._world = world
        access = AccessCalls(world, oauth, consent)
        mishaps = MishapCalls(world)
        routes: list[ControlRoute] = [
            *access.routes(),
            *CalendarCalls(world).routes(),
            *mishaps.routes(),
            ("GET", "/state", self._state),
            ("POST", "/reset", self._reset),
            ("POST", "/clock", self._clock),
            ("POST", "/quota", self._quota),
            ("POST", "/switches", self._switches),
            ("POST", "/accounts", self._add_account),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._clear_requests),
            ("GET", "/mails", self._mails),
            ("DELETE", "/mails", self._clear_mails),
        ]
        self._routes = [(method, _pattern(template), handler) for method, template, handler in routes]

    def handle(self, request: Request, path: str) -> Response:
        """Answer a call; a long poll with nothing to tell yet says so in its fault."""
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(path) if method == request.method else None
            if found is None:
                continue
            try:
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                ask = Ask(_body(request), request.query(), parameters)
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

    def _state(self, ask: Ask) -> Json:
        del ask
        world = self._world
        now_us = world.clock.now_us()
        return {
            "now": world.clock.now().isoformat(),
            "clock_offset_s": world.clock.offset.total_seconds(),
            "accounts": [asdict(account) for account in world.accounts.all()],
            "calendars": [calendar_state(world, one) for one in world.calendars.table.rows.values()],
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

    def _live(self, account: str, client_id: str) -> int:
        return sum(
            (token.account, token.client_id) == (account, client_id)
            for token in self._world.grants.refresh_tokens.rows.values()
        )

    def _reset(self, ask: Ask) -> Json:
        del ask
        self._world.forget_everything()
        return {"reset": True}

    def _clock(self, ask: Ask) -> Json:
        self._world.clock.shift(timedelta(seconds=float(ask.body["offset_s"])))
        return {"now": self._world.clock.now().isoformat()}

    def _quota(self, ask: Ask) -> Json:
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

    def _switches(self, ask: Ask) -> Json:
        switches = self._world.switches
        for name in ("revival_status", "updated_min_days"):
            if name in ask.body:
                setattr(switches, name, int(ask.body[name]))
        orphaned = ask.body.get("orphaned_exceptions", switches.orphaned_exceptions)
        if orphaned not in ORPHANED_EXCEPTIONS:
            raise ControlError(f"orphaned_exceptions is one of {', '.join(ORPHANED_EXCEPTIONS)}")
        switches.orphaned_exceptions = orphaned
        switches.record_answers = bool(ask.body.get("record_answers", switches.record_answers))
        return asdict(switches)

    def _add_account(self, ask: Ask) -> Json:
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

    def _requests(self, ask: Ask) -> Json:
        return {"requests": self._world.requests.since(ask.number("since", 0))}

    def _clear_requests(self, ask: Ask) -> Json:
        del ask
        self._world.requests.entries.clear()
        return {"requests": []}

    def _mails(self, ask: Ask) -> Json:
        del ask
        return {"mails": list(self._world.mails)}

    def _clear_mails(self, ask: Ask) -> Json:
        del ask
        self._world.mails.clear()
        return {"mails": []}


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))


def _body(request: Request) -> Json:
    body = orjson.loads(request.body) if request.body.strip() else {}
    if not isinstance(body, dict):
        raise ControlError("the body is not an object")
    return body
