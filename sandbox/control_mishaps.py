"""Control calls on what goes wrong: faults, held calls, push messages, listings, tokens."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sandbox.control_ask import Ask, ControlRoute, calendar_of
from sandbox.control_events import ControlError
from sandbox.model.faults import KINDS, FaultRule

if TYPE_CHECKING:
    from sandbox.messages import Json
    from sandbox.world import World

_NOTIFICATION_FAULTS = frozenset({"drop", "duplicate", "delay", "reorder"})


class MishapCalls:
    """What a test orders to go wrong."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[ControlRoute]:
        """The calls served here."""
        return [
            ("POST", "/faults", self._add_fault),
            ("GET", "/faults", self._faults),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/holds", self._holds),
            ("POST", "/holds/{hold}/release", self._release),
            ("GET", "/notifications", self._notifications),
            ("POST", "/notifications/faults", self._notification_fault),
            ("POST", "/listings/glitch", self._glitch),
            ("POST", "/sync-tokens/invalidate", self._invalidate),
        ]

    def _add_fault(self, ask: Ask) -> Json:
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

    def _faults(self, ask: Ask) -> Json:
        del ask
        return {"faults": [rule.resource() for rule in self._world.faults.rules]}

    def _clear_faults(self, ask: Ask) -> Json:
        del ask
        self._world.faults.rules.clear()
        self._world.channels.outbox.faults.clear()
        return {"faults": []}

    def _holds(self, ask: Ask) -> Json:
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

    def _release(self, ask: Ask) -> Json:
        hold = self._world.faults.holds.get(ask.path["hold"])
        if hold is None:
            raise ControlError("there is no such hold")
        hold.released = True
        return {"released": hold.id}

    def _notifications(self, ask: Ask) -> Json:
        since = ask.number("since", 0)
        log = self._world.channels.outbox.log
        return {"notifications": [asdict(one) for one in log if one.number > since]}

    def _notification_fault(self, ask: Ask) -> Json:
        kind = ask.body["kind"]
        if kind not in _NOTIFICATION_FAULTS:
            raise ControlError(f"kind is one of {', '.join(sorted(_NOTIFICATION_FAULTS))}")
        fault = {"kind": kind, "times": int(ask.body.get("times", 1))}
        fault["seconds"] = float(ask.body.get("seconds", 0))
        self._world.channels.outbox.faults.append(fault)
        return fault

    def _glitch(self, ask: Ask) -> Json:
        times = int(ask.body.get("times", 1))
        match ask.body["kind"]:
            case "empty_page":
                self._world.switches.glitch_listings = times
            case "nothing_there":
                named = ask.body.get("calendar", "primary")
                calendar = calendar_of(self._world, str(ask.body["account"]), str(named))
                calendar.unlistable = times
                self._world.calendars.save(calendar)
            case _:
                raise ControlError("kind is empty_page or nothing_there")
        return {"kind": ask.body["kind"], "times": times}

    def _invalidate(self, ask: Ask) -> Json:
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
