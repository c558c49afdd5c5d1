"""Push channels and the messages on their way to them.

Channels survive a restart; messages under way do not, as Google promises no delivery
either.

Source: Calendar API guide, 'Get push notifications'.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING

import orjson

from sandbox.messages import Json, Notification
from sandbox.model.clock import from_us
from sandbox.store import Journal, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.model.mint import Mint

RETRIED_STATUSES = frozenset({500, 502, 503, 504})
ACCEPTED_STATUSES = frozenset({102, 200, 201, 202, 204})
MAX_TTL_S = 604_800
_MAX_ATTEMPTS = 12
_MAX_BACKOFF_S = 3600
_LOG_LENGTH = 10_000


@dataclass(slots=True)
class Channel:
    """Somebody's wish to hear of changes."""

    id: str
    resource: str
    """What is watched, e.g. `events/<calendar>` or `calendarList/<account>`."""
    resource_id: str
    resource_uri: str
    address: str
    token: str | None
    account: str
    client_id: str
    expires_us: int
    message_number: int = 0


@dataclass(slots=True)
class Delivery:
    """One message: where it stands."""

    number: int
    channel_id: str
    url: str
    headers: dict[str, str]
    due_us: int
    state: str = "waiting"
    """waiting, flying, delivered, failed, dropped."""
    attempt: int = 0
    status: int | None = None


class Outbox:
    """Messages waiting to be posted, with the faults that a test asked for."""

    def __init__(self) -> None:
        self._waiting: dict[int, Delivery] = {}
        self._count = 0
        self.log: deque[Delivery] = deque(maxlen=_LOG_LENGTH)
        self.faults: list[Json] = []
        self._held_back: list[Delivery] = []

    def post(self, channel: Channel, headers: Mapping[str, str], now_us: int) -> None:
        """Queue a message, unless a fault has other plans for it."""
        delivery = self._new(channel, headers, now_us)
        fault = self._next_fault()
        match fault["kind"] if fault else None:
            case "drop":
                delivery.state = "dropped"
            case "duplicate":
                self._queue(delivery)
                self._queue(self._new(channel, headers, now_us))
            case "delay":
                delivery.due_us += int(float(fault["seconds"] if fault else 0) * 1_000_000)
                self._queue(delivery)
            case "reorder":
                self._held_back.append(delivery)
                if fault is not None and fault["times"] <= 0:
                    for held in reversed(self._held_back):
                        self._queue(held)
                    self._held_back.clear()
            case _:
                self._queue(delivery)

    def due(self, now_us: int) -> list[Notification]:
        """Take the messages whose time has come, in the order they were queued."""
        taken = [one for one in self._waiting.values() if one.state == "waiting" and one.due_us <= now_us]
        for one in taken:
            one.state = "flying"
            one.attempt += 1
        return [Notification(one.number, one.url, one.headers, one.attempt) for one in taken]

    def answered(self, number: int, status: int | None, now_us: int) -> None:
        """Record an answer: done, tried again later, or given up.

        Args:
            number: The notification's number.
            status: `None` when no answer came.
            now_us: The present.
        """
        delivery = self._waiting.get(number)
        if delivery is None:
            return
        delivery.status = status
        if status in ACCEPTED_STATUSES:
            delivery.state = "delivered"
        elif (status is None or status in RETRIED_STATUSES) and delivery.attempt < _MAX_ATTEMPTS:
            backoff_s = min(2 ** (delivery.attempt - 1), _MAX_BACKOFF_S)
            delivery.due_us = now_us + backoff_s * 1_000_000
            delivery.state = "waiting"
            return
        else:
            delivery.state = "failed"
        del self._waiting[number]

    def next_due_us(self) -> int | None:
        """When the next message wants to leave."""
        return min((one.due_us for one in self._waiting.values() if one.state == "waiting"), default=None)

    def forget(self) -> None:
        """Drop messages, log and faults."""
        self._waiting.clear()
        self._held_back.clear()
        self.log.clear()
        self.faults.clear()

    def _new(self, channel: Channel, headers: Mapping[str, str], now_us: int) -> Delivery:
        self._count += 1
        delivery = Delivery(self._count, channel.id, channel.address, dict(headers), now_us)
        self.log.append(delivery)
        return delivery

    def _queue(self, delivery: Delivery) -> None:
        self._waiting[delivery.number] = delivery

    def _next_fault(self) -> Json | None:
        if not self.faults:
            return None
        fault = self.faults[0]
        fault["times"] -= 1
        if fault["times"] <= 0:
            self.faults.pop(0)
        return fault


class Channels:
    """Live channels by id."""

    def __init__(self, journal: Journal, mint: Mint) -> None:
        self.table = Table(journal, "channel", lambda row: Channel(**orjson.loads(row)))
        self.outbox = Outbox()
        self._mint = mint

    def watching(self, resource: str, now_us: int) -> Iterable[Channel]:
        """Channels on a resource that have not expired; expired ones are forgotten."""
        for channel in list(self.table.rows.values()):
            if channel.expires_us <= now_us:
                self.table.remove(channel.id)
        return [one for one in self.table.rows.values() if one.resource == resource]

    def open(self, channel: Channel, now_us: int) -> None:
        """Start a channel; its first message says `sync`."""
        self._send(channel, "sync", now_us)

    def announce(self, resource: str, now_us: int) -> None:
        """Tell every channel on a resource that something changed."""
        for channel in self.watching(resource, now_us):
            self._send(channel, "exists", now_us)

    def _send(self, channel: Channel, state: str, now_us: int) -> None:
        step = 1 if channel.message_number == 0 else 1 + self._mint.below("message-number", 97)
        channel.message_number += step
        self.table.save(channel.id, channel)
        expires = from_us(channel.expires_us).replace(microsecond=0)
        headers = {
            "Content-Type": "application/json; utf-8",
            "Content-Length": "0",
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate, br",
            "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)",
            "X-Goog-Channel-ID": channel.id,
            "X-Goog-Channel-Expiration": format_datetime(expires, usegmt=True),
            "X-Goog-Message-Number": str(channel.message_number),
            "X-Goog-Resource-ID": channel.resource_id,
            "X-Goog-Resource-State": state,
            "X-Goog-Resource-URI": channel.resource_uri,
        }
        if channel.token is not None:
            headers["X-Goog-Channel-Token"] = channel.token
        self.outbox.post(channel, headers, now_us)
