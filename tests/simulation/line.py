"""The line to Google: it takes time, loses requests and answers, and shows Google in bad moments."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from math import inf
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from sandbox import Request
from services.core.boundary import _open_transactions
from services.core.calendar_entry import PRIMARY
from services.google.transport import HttpRequest, HttpResponse, no_answer
from tests.simulation.askers import Askers
from tests.simulation.grants import DeadGrants
from tests.simulation.sight import NOBODY, Sight, series_cut

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from hashlib import blake2b

    from sandbox import Response, Sandbox
    from tests.simulation.processes import Process
    from tests.simulation.stale_pages import StalePages

DROP_BEFORE: Final = "drop before"
DROP_AFTER: Final = "drop after"
TRUNCATE: Final = "truncate"
LATE: Final = "late"
"""The request is given up and reaches Google later."""
PAUSE: Final = "pause"
"""Whoever sent it stands still when the answer comes, for longer than its lease."""
_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 180.0
_FIGHT_S: Final = 55.0
_LATE_S: Final = 25.0
"""A write that took longer than this to arrive was given up by whoever sent it."""
_REPEATED_WITHIN_S: Final = 60.0
"""How long after the first sending one with a fresh access token may come."""


@dataclass(slots=True)
class Ordered:
    """A fault that waits for its call."""

    action: dict[str, Any] | str
    skip: int
    method: str | None = None
    of_looks: bool = False
    """Whether its call is one that looks at a single event."""

    def is_for(self, request: HttpRequest) -> bool:
        """Whether it is this call, or one before it, that the fault waits for."""
        if self.of_looks:
            return request.method == "GET" and "/events/" in request.url
        return self.method in (None, request.method)


@dataclass
class Line:
    """What all processes share of the way to Google."""

    sandbox: Sandbox
    dice: random.Random
    """Of how long calls take."""
    slow: float
    page_size: int
    trace: blake2b
    after: Callable[[], None]
    """Called when Google has done something."""
    happened: Counter[str]
    ordered: list[Ordered] = field(default_factory=list)
    stale: StalePages | None = None
    late_writes: int = 0
    """Writes that Google carried out long after they were sent."""
    writes: Counter[str] = field(default_factory=Counter)
    """Successful writes of ours, by method."""
    last_write_at: float = 0.0
    given_up: int = 0
    """Requests that nobody waits for any more and that have not arrived yet."""
    lost_answers: int = 0
    listed: int = 0
    """Calls since `listed` was set to none that only list."""
    others: int = 0
    """And those that do not."""
    changes: dict[str, list[float]] = field(default_factory=dict)
    """When we changed an event lately, by its path."""
    fiercest: int = 0
    """How often we changed one event within less than a quarantine lasts."""
    echoes: int = 0
    """Changes of ours that changed nothing."""
    impatient: int = 0
    """Calls that were made before the time at which Google wanted to be asked again, which was known."""
    quiet: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Since when it is known that Google does not want to be asked, and until when, by account."""
    channel_opened_at: dict[tuple[str, str], float] = field(default_factory=dict)
    """When notifications were asked for last, by account and calendar."""
    listed_to_the_end: dict[tuple[str, str], float] = field(default_factory=dict)
    """When the last page of a listing of changes was read last, by account and calendar.

    A listing of everything may have begun long before, and tells nothing of what was changed since.
    """
    grants: DeadGrants = field(default_factory=DeadGrants)
    askers: Askers = field(default_factory=Askers)
    processes: list[Process] = field(default_factory=list)
    """All that ever had an end of it."""
    on_cut: Callable[[str, float], None] | None = None
    """Called when an event was moved or ended, with its id, and with when what the caller had seen was so."""

    def of(self, process: Process) -> ProcessLine:
        """The end that a process holds."""
        self.processes.append(process)
        return ProcessLine(self, process)

    def stood_until(self) -> float:
        """Until when some process stood still: whoever waited for a store that it held did, too."""
        return max(each.stands_until for each in self.processes)

    def order(self, action: dict[str, Any] | str, *, skip: int, method: str | None = None) -> None:
        """A fault for a call to come."""
        self.ordered.append(Ordered(action, skip, method))

    def deny_event(self, *, skip: int) -> None:
        """Google will say of an event that is looked at that it knows none."""
        denial = {"kind": "answer", "status": 404, "reason": "notFound"}
        self.ordered.append(Ordered(denial, skip, of_looks=True))

    def clear(self) -> None:
        """No more faults."""
        self.ordered.clear()
        self.stale = None

    def next_fault(self, request: HttpRequest) -> dict[str, Any] | str | None:
        """The fault of the call that is made now."""
        for fault in self.ordered:
            if not fault.is_for(request):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            self.ordered.remove(fault)
            self.happened["event denied"] += fault.of_looks
            return fault.action
        return None

    def account_of(self, request: HttpRequest) -> str | None:
        """Whose token a request carries."""
        headers, path = _lower(request), urlsplit(request.url).path
        return self.sandbox._account_of(Request(request.method, request.url, headers), path)

    def carry_out(self, request: HttpRequest, *, sent_at: float, seen_until: float = 0.0) -> Response:
        """Google does what it is asked."""
        loop_now = asyncio.get_running_loop().time()
        path = urlsplit(request.url).path
        before = self._stored(request, path) if request.method == "PATCH" else None
        answer = self.sandbox.handle(Request(request.method, request.url, _lower(request), request.body))
        if before is not None and answer.status == HTTPStatus.OK:
            after = self._stored(request, path)
            self.echoes += after is not None and _without_marks(before) == _without_marks(after)
        self.trace.update(f"{request.method} {request.url} {answer.status} {loop_now:.6f}\n".encode())
        self._count(request, path, answer, sent_at=sent_at)
        cut = series_cut(request)
        if self.on_cut is not None and cut is not None and answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self.on_cut(cut, seen_until)
        self.after()
        return answer

    def _stored(self, request: HttpRequest, path: str) -> bytes | None:
        account, calendar = str(self.account_of(request)), _calendar_in(path)
        log = self.sandbox._world.calendars.log(account if calendar == PRIMARY else calendar)
        stored = log.by_id.get(path.rsplit("/", 1)[1])
        return None if stored is None else stored.body

    def _note_change(self, path: str, now: float) -> None:
        lately = [at for at in self.changes.get(path, ()) if at > now - _FIGHT_S]
        self.changes[path] = [*lately, now]
        self.fiercest = max(self.fiercest, len(self.changes[path]))

    def _note_channel(self, account: str, calendar: str, now: float) -> None:
        # Several processes may open the first one at the same time.
        replaced = now - self.channel_opened_at.get((account, calendar), now) > _REPEATED_WITHIN_S
        self.happened["channel replaced"] += replaced
        self.channel_opened_at[account, calendar] = now

    def _note_limit(self, request: HttpRequest, answer: Response, now: float, sent_at: float) -> None:
        account = self.account_of(request)
        if account is None:
            return  # With a token that is good no more: who asks cannot be told.
        known_at, until = self.quiet.get(account, (inf, 0.0))
        self.impatient += known_at < sent_at < until
        wait = answer.headers.get("Retry-After")
        if answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS) and wait is not None:
            # Whoever is told hears of it after its way back; a call that was made by then knew nothing.
            self.quiet[account] = (now + self.slow, now + float(wait))

    def _count(self, request: HttpRequest, path: str, answer: Response, *, sent_at: float) -> None:
        now = asyncio.get_running_loop().time()
        if path == "/revoke":
            # Of whatever was granted since, too; nobody is told before the next call.
            self.last_write_at = now
        if path.endswith("/watch") and answer.status == HTTPStatus.OK:
            self._note_channel(str(self.account_of(request)), _calendar_in(path), now)
        if not path.startswith("/calendar/v3/") or "/channels/" in path or path.endswith("/watch"):
            return
        self._note_limit(request, answer, now, sent_at)
        if request.method == "GET" and path.endswith("/events"):
            self.listed += 1
            ended = answer.status == HTTPStatus.OK and b'"nextSyncToken"' in answer.body
            if ended and "syncToken=" in request.url:
                self.listed_to_the_end[str(self.account_of(request)), _calendar_in(path)] = now
            return
        self.others += 1
        if request.method != "GET" and answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self.writes[request.method] += 1
            if request.method == "PATCH":
                self._note_change(path, now)
            self.last_write_at = now
            self.late_writes += now - sent_at > _LATE_S


class ProcessLine:
    """Implements `Transport` for one process."""

    def __init__(self, line: Line, process: Process) -> None:
        self._line = line
        self._process = process
        self._sight = Sight()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """One exchange."""
        assert not _open_transactions.get(), "a call to Google inside a transaction"
        if self._line.on_cut is None:
            return await self._exchange(request, "")
        account, now = self._line.account_of(request) or NOBODY, asyncio.get_running_loop().time
        if not self._line.happened["stale pages"]:
            self._sight.begins(account, now(), stood_until=self._line.stood_until())
        try:
            return await self._exchange(request, account)
        finally:
            self._sight.ends(account, now())

    async def _exchange(self, request: HttpRequest, account: str) -> HttpResponse:
        line, loop = self._line, asyncio.get_running_loop()
        request = replace(request, url=request.url.replace("maxResults=2500", f"maxResults={line.page_size}"))
        sent_at = loop.time()
        line.askers.note(request, line.account_of(request), sent_at)
        seen_until = self._sight.until(account)
        if 0 < self._process.stands_until > sent_at - _REPEATED_WITHIN_S:
            # Perhaps the repetition of a call that was under way when the process stood still.
            sent_at = -inf
        fault = line.next_fault(request)
        if fault is not None:
            name = fault if isinstance(fault, str) else str(fault.get("status", fault["kind"]))
            line.happened[f"fault {name}"] += 1
        await asyncio.sleep(line.dice.uniform(0, line.slow))  # noqa: TID251  # on its way
        if fault == DROP_BEFORE:
            raise no_answer("connection-lost")
        if fault == LATE:
            line.given_up += 1
            loop.call_later(line.dice.uniform(30, 150), _arrive, line, request, sent_at, seen_until)
            await asyncio.sleep(_PATIENCE_S)  # noqa: TID251
            raise no_answer("timeout")
        if isinstance(fault, dict):
            line.sandbox.handle(_control("POST", "/faults", {"action": fault, "match": {}}))
        self._sight.asked(account, request, loop.time())
        answer = line.carry_out(request, sent_at=sent_at, seen_until=seen_until)
        await asyncio.sleep(line.dice.uniform(0, line.slow))  # noqa: TID251  # on its way back
        if fault == PAUSE:
            self._process.stand_still(_PAUSE_S)
            await asyncio.sleep(0)  # noqa: TID251  # from here on
        if fault in (DROP_AFTER, TRUNCATE) or answer.fault.drop:
            line.lost_answers += 1
            raise no_answer("connection-lost")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        given = HttpResponse(answer.status, headers, answer.body)
        line.grants.answered(request, given, self._process, sent_at=sent_at, at=loop.time())
        shown = given if line.stale is None else line.stale.answered(request, given)
        if shown is given:
            self._sight.answered(account, request, given.status, given.body)
        return shown


def _without_marks(body: bytes) -> dict[str, Any]:
    """An event without what tells its versions apart."""
    marks = ("etag", "updated", "sequence")
    return {name: value for name, value in orjson.loads(body).items() if name not in marks}


def _calendar_in(path: str) -> str:
    """The calendar that the path of a call names: /calendar/v3/calendars/{calendar}/events..."""
    return unquote(path.split("/")[4])


def _lower(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _arrive(line: Line, request: HttpRequest, sent_at: float, seen_until: float) -> None:
    line.given_up -= 1
    line.carry_out(request, sent_at=sent_at, seen_until=seen_until)


def _control(method: str, path: str, body: dict[str, Any]) -> Request:
    return Request(method, f"/_control{path}", {}, orjson.dumps(body))
