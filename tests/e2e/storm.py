"""Many people who write to one user's slots at once, and readers of the feed who are cut off at random."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.e2e.google import START

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable

    import httpx

    from tests.e2e.app import App

THE_END = "The end"


@dataclass
class Copy:
    """What a reader has, made of nothing but what the feed told."""

    slots: dict[str, dict[str, Any]] = field(default_factory=dict)
    seq: int = 0
    cuts: int = 0
    """How often the reader was cut off."""

    def apply(self, item: dict[str, Any]) -> None:
        assert item["seq"] > self.seq, (item["seq"], self.seq)
        self.seq = item["seq"]
        slot = item["slot"]
        if item["kind"] == "deleted":
            self.slots.pop(slot["id"], None)
        else:
            self.slots[slot["id"]] = slot

    @property
    def is_complete(self) -> bool:
        """Whether the last change of all has arrived, and Google has it."""
        return any(
            slot["title"] == THE_END and slot["sync"]["state"] == "synced" for slot in self.slots.values()
        )


@dataclass
class Storm:
    """One user's app at several processes."""

    http: httpx.AsyncClient
    doors: list[App]
    dice: random.Random
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    edits: int = 0

    def door(self) -> App:
        return self.dice.choice(self.doors)

    async def write(self, name: str, goes_on: Callable[[int], bool]) -> None:
        """Create, edit, delete and restore slots of one's own, each time at some process."""
        own: list[dict[str, Any]] = []
        gone: list[dict[str, Any]] = []
        done = 0
        while goes_on(done):
            door = self.door()
            match self.dice.randrange(6):
                case 0 if own:
                    gone.append(await door.delete(own.pop(self.dice.randrange(len(own)))))
                case 1 if gone:
                    back = gone.pop()
                    own.append(await door.post(f"/slots/{back['id']}/restore"))
                case 2 | 3 | 4 if own:
                    await door.edit(self.dice.choice(own), title=f"{name}, edit {done}")
                case _:
                    at = START + timedelta(hours=self.dice.randrange(1000))
                    own.append(await door.create(f"{name}, slot {done}", at=at))
            done += 1
            self.edits += 1
            async with self.news:
                self.news.notify_all()

    async def poll(self) -> Copy:
        """Read `/slots/changes`; some answers never arrive."""
        copy, cursor = Copy(), None
        known: set[str] = set()
        while not copy.is_complete:
            query = {"limit": self.dice.choice((1, 7, 200))} | ({"cursor": cursor} if cursor else {})
            page = await self.door().get("/slots/changes", **query)
            if self.dice.random() < 0.2:
                copy.cuts += 1
                continue
            for item in page["items"]:
                assert item["kind"] != "updated" or item["slot"]["id"] in known, item
                known.add(item["slot"]["id"])
                copy.apply(item)
            cursor = page["next_cursor"]
            if not page["has_more"] and not copy.is_complete:
                await self._next_edit()
        return copy

    async def listen(self) -> Copy:
        """Read `/slots/stream`, be cut off after a few events, and resume at some process."""
        copy = Copy()
        while not copy.is_complete:
            left = self.dice.randrange(1, 40)
            async for item in self._events(copy.seq):
                copy.apply(item)
                left -= 1
                if left == 0 or copy.is_complete:
                    break
            copy.cuts += 1
        return copy

    async def _events(self, seq: int) -> AsyncIterator[dict[str, Any]]:
        door = self.door()
        headers = {"authorization": f"Bearer {door.key}", "last-event-id": str(seq)}
        async with self.http.stream("GET", f"{door.url}/slots/stream", headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            event: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if line:
                    event[name] = value
                    continue
                if "data" in event and "event" not in event:
                    item = json.loads(event["data"])
                    assert item["seq"] == int(event["id"])
                    yield item
                event = {}

    async def _next_edit(self) -> None:
        async with self.news:
            await self.news.wait()

    async def tell_until(self, readers: list[asyncio.Task[Copy]]) -> None:
        """Wake readers that wait for an edit, until they have everything."""
        while not all(each.done() for each in readers):
            async with self.news:
                self.news.notify_all()
            await asyncio.wait(readers, timeout=0.1)
