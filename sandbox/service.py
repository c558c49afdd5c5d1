"""The simulator as one object: a request goes in, an answer comes out.

It does no I/O but its store, reads no clock but the one handed in, and belongs to one
thread. Mishaps that a test ordered strike here, around the part that answers.
"""

from __future__ import annotations

from dataclasses import replace
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import orjson

from sandbox.batch import handle_batch
from sandbox.calendar_api import ROOT, CalendarApi
from sandbox.calendar_page import CalendarPage
from sandbox.consent import PATHS as CONSENT_PATHS
from sandbox.consent import Consent
from sandbox.control import Control
from sandbox.errors import by_reason, html_unavailable, not_found
from sandbox.messages import Fault, Json, Notification, Request, Response, only
from sandbox.model.clock import from_us, to_us
from sandbox.model.faults import Hold
from sandbox.oauth import OAuth
from sandbox.pages import picture
from sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sandbox.store import Store

CONTROL = "/_control"
_BATCH = "/batch/calendar/v3"


class Sandbox:
    """A Google of one's own.

    Args:
        now: The present, aware; called for every request.
        seed: Same seed and same requests give the same answers.
        base_url: Where it is reached, without a trailing slash; may have a path.
        store: Where the state is kept; `None` for memory only.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int,
        base_url: str,
        store: Store | None = None,
    ) -> None:
        self._world = World(now=now, seed=seed, base_url=base_url, store=store)
        self._prefix = urlsplit(self._world.base_url).path.rstrip("/")
        self._listeners: list[Callable[[], None]] = []
        self._api = CalendarApi(self._world)
        self._oauth = OAuth(self._world)
        self._consent = Consent(self._world)
        self._page = CalendarPage(self._world)
        self._control = Control(self._world, self._oauth, self._consent)
        self._world.journal.flush()

    @property
    def base_url(self) -> str:
        """Where it is reached."""
        return self._world.base_url

    def local_path(self, url: str) -> str:
        """The path of a URL below the base URL, still percent-encoded."""
        path = urlsplit(url).path
        if self._prefix and (path == self._prefix or path.startswith(self._prefix + "/")):
            path = path[len(self._prefix) :]
        return path or "/"

    def handle(self, request: Request) -> Response:
        """Answer one request; everything it changed is stored when this returns."""
        path = self.local_path(request.url)
        if path == CONTROL or path.startswith(CONTROL + "/"):
            response = self._control.handle(request, path[len(CONTROL) :])
        else:
            response = self._struck(request, path)
        return self._finished(response)

    def resume(self, hold_id: str) -> Response:
        """The answer of a call that was held; one held before it began is carried out now.

        Raises:
            KeyError: There is no such hold.
        """
        hold = self._world.faults.holds.pop(hold_id)
        response = hold.response
        if response is None:
            response = self._served(hold.request, self.local_path(hold.request.url))
        return self._finished(response)

    def is_released(self, hold_id: str) -> bool:
        """Whether a held call may go on."""
        hold = self._world.faults.holds.get(hold_id)
        return hold is None or hold.released

    def due_notifications(self, now: datetime) -> list[Notification]:
        """Take the push messages that are to be posted now."""
        return self._world.channels.outbox.due(self._google_us(now))

    def notification_answered(self, notification: Notification, status: int | None) -> None:
        """Tell how a message fared; `None` when no answer came.

        Source: Calendar API guide, 'Get push notifications' (which answers are retried).
        """
        now_us = self._world.clock.now_us()
        self._world.channels.outbox.answered(notification.number, status, now_us)
        self._tell()

    def next_notification_at(self) -> datetime | None:
        """When the next message is due, on the caller's clock; `None` when none waits."""
        due_us = self._world.channels.outbox.next_due_us()
        return None if due_us is None else from_us(due_us) - self._world.clock.offset

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each handled request; the result ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _google_us(self, now: datetime) -> int:
        return to_us(now + self._world.clock.offset)

    def _finished(self, response: Response) -> Response:
        now = self._world.clock.now().replace(microsecond=0)
        response.headers["Date"] = format_datetime(now, usegmt=True)
        self._world.journal.flush()
        if not response.fault.long_poll_s:
            # A poll that found nothing changed nothing; telling others of it would set
            # two waiting polls to waking each other for ever.
            self._tell()
        return response

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()

    def _struck(self, request: Request, path: str) -> Response:
        """Answer a request, unless a mishap is ordered for it."""
        action = self._mishap(request, path)
        if action is None:
            return self._served(request, path)
        match action["kind"]:
            case "drop_before":
                return self._noted(request, path, Response(503, fault=Fault(drop=True)))
            case "hold_before":
                return self._held(request, None)
            case "commit_then_hold":
                return self._held(request, self._served(request, path))
            case "answer":
                return self._noted(request, path, _ordered(action))
            case "html_503":
                return self._noted(request, path, html_unavailable())
            case "commit_then_drop":
                return replace(self._served(request, path), fault=Fault(drop=True))
            case "delay":
                delay = Fault(delay_s=float(action["seconds"]))
                return replace(self._served(request, path), fault=delay)
            case "truncate":
                return replace(self._served(request, path), fault=Fault(truncate=True))
            case _:
                answer = self._served(request, path)
                return replace(answer, body=b"<html><title>Sorry</title></html>")

    def _mishap(self, request: Request, path: str) -> Json | None:
        faults = self._world.faults
        if not faults.rules:
            return None
        return faults.strike(request.method, unquote(path), self._account_of(request, path))

    def _held(self, request: Request, response: Response | None) -> Response:
        faults = self._world.faults
        hold = Hold(faults.next_id("hold"), request, response is not None, response)
        faults.holds[hold.id] = hold
        return Response(503, fault=Fault(hold=hold.id))

    def _served(self, request: Request, path: str) -> Response:
        if path == _BATCH:
            response = handle_batch(request, self._world.mint, self._batched)
        else:
            response = self._answer(request, path)
        return self._noted(request, path, response)

    def _batched(self, part: Request) -> Response:
        response = self._struck(part, self.local_path(part.url))
        return response if not response.fault.drop else by_reason(500, "backendError").response()

    def _noted(self, request: Request, path: str, response: Response) -> Response:
        account = self._account_of(request, path)
        at = self._world.clock.now().isoformat()
        entry = self._world.requests.add(request, unquote(path), response.status, account, at)
        if self._world.switches.record_answers and path.startswith(ROOT):
            entry["answer"] = response.body.decode("utf-8", "replace")
        return response

    def _answer(self, request: Request, path: str) -> Response:
        if path.startswith(ROOT):
            return self._api.handle(request, path)
        if path in CONSENT_PATHS:
            return self._consent.handle(request)
        if path.startswith("/picture/"):
            account = self._world.accounts.find(path.removeprefix("/picture/"))
            headers = {"Content-Type": "image/svg+xml"}
            return Response(200, headers, picture(account.name if account else "").encode())
        answer = self._oauth.handle(request, path) or self._page.handle(request, path)
        return answer or not_found().response()

    def _account_of(self, request: Request, path: str) -> str | None:
        """Who sends a request, as far as it shows."""
        token = self._api.token_of(request)
        if token is not None:
            return token.account
        if path == "/token":
            owner = self._world.grants.owner_of(only(request.form(), "refresh_token"))
            return owner[0] if owner else None
        return None


def _ordered(action: Json) -> Response:
    """The answer that a fault spells out, by body or by reason."""
    status = int(action["status"])
    if "body" in action:
        body = action["body"]
        raw = body.encode() if isinstance(body, str) else orjson.dumps(body)
        response = Response(status, {"Content-Type": "application/json; charset=UTF-8"}, raw)
    elif status == HTTPStatus.NO_CONTENT:
        response = Response(204)
    else:
        response = by_reason(status, str(action.get("reason", "backendError"))).response()
    response.headers.update(action.get("headers", {}))
    return response
