"""Waiting without sleeping: ask again, back to back, until the answer is the one that must come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Seen = TypeVar("Seen")


async def eventually(
    look: Callable[[], Awaitable[Seen]], holds: Callable[[Seen], object], *, within_s: float = 20.0
) -> Seen:
    """What `look` sees once it `holds`; fails with what was seen last."""
    seen: list[Seen] = []
    try:
        async with asyncio.timeout(within_s):
            while True:
                seen[:] = [await look()]
                if holds(seen[0]):
                    return seen[0]
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s; last seen: {seen}") from None
