"""How often somebody may ask: counted in this process, in windows of a minute.

Replicas count for themselves, so with n of them a client gets up to n times as much: what a limit protects is
the process and its share of the database. What protects Google is each account's lease.

The counting is `limits`' fixed window, which says exactly when the next request will be taken. Its storage is
ours: the one that `limits` has for memory looks at every key on each hit, grows without bounds, and reads the
machine's clock.
"""

from __future__ import annotations

import math
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

if TYPE_CHECKING:
    from services.core.ports import Clock

WINDOW = timedelta(minutes=1)
MOST_KEYS = 100_000
"""Beyond it the oldest windows are forgotten: who has that many addresses is not stopped here anyway."""
_NEIGHBOURS_V6 = 64
"""Prefix of IPv6 that one customer has; an address alone can be changed at will (RFC 6177)."""


class Rule(NamedTuple):
    """So many requests a minute; each rule counts for itself."""

    name: str
    per_minute: int


REGISTRATION = Rule("registration", 10)
"""By address: users that register themselves."""
OAUTH = Rule("oauth", 60)
"""By address: the way to Google and back."""
FEED = Rule("feed", 60)
"""By feed: programs that subscribe come from few addresses, which many feeds share."""
COSTLY = Rule("costly", 30)
"""By principal: what makes Google be called."""
REFUSED = Rule("refused", 120)
"""By address: credentials, feed keys and OAuth answers that are not valid."""
FORGED = Rule("forged", 600)
"""By address: notifications for channels that there are not."""


class RateLimits:
    """Counts, and says how long to wait.

    Args:
        clock: The source of time.
        per_minute: Requests of one principal, and of one address without a principal; 0 for no limit at all.
    """

    def __init__(self, *, clock: Clock, per_minute: int) -> None:
        self._strategy = FixedWindowRateLimiter(_Windows(clock))
        self._clock = clock
        self._on = per_minute > 0
        self.general = Rule("general", per_minute)

    def hit(self, rule: Rule, who: str) -> int | None:
        """Count one request.

        Returns:
            `None` when it is within the limit, else after how many seconds the next one will be; at least 1.
        """
        if not self._on:
            return None
        item = RateLimitItemPerMinute(rule.per_minute)
        if self._strategy.hit(item, rule.name, who):
            return None
        reset = self._strategy.get_window_stats(item, rule.name, who).reset_time
        return max(1, math.ceil(reset - self._clock.now().timestamp()))


def neighbourhood(address: str) -> str:
    """What counts as one client: an IPv4 address, or the network of an IPv6 address.

    Args:
        address: As the server says; anything that is no address stands for itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004  # the protocol's number
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _NEIGHBOURS_V6), strict=False))


class _Windows(Storage):
    """Counts by key, each until its window ends.

    All windows are equally long, so the first key of the dictionary is the one that ends first.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._now()
        self._forget(now)
        end, count = self._windows.get(key, (now + expiry, 0))
        self._windows[key] = (end, count + amount)
        return count + amount

    def get(self, key: str) -> int:
        end, count = self._windows.get(key, (0.0, 0))
        return count if end > self._now() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (self._now(), 0))[0]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        dropped = len(self._windows)
        self._windows.clear()
        return dropped

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def _forget(self, now: float) -> None:
        while self._windows:
            first = next(iter(self._windows))
            if self._windows[first][0] > now and len(self._windows) < MOST_KEYS:
                return
            del self._windows[first]

    def _now(self) -> float:
        return self._clock.now().timestamp()
