"""One run: people at work, trouble all around, then calm, and a judgement."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from services.system import SystemClock
from tests.e2e.torture.client import Client
from tests.e2e.torture.house import House
from tests.e2e.torture.judge import come_to_rest, judge, judge_silence
from tests.e2e.torture.people import Person
from tests.e2e.torture.reader import Reader
from tests.e2e.torture.trouble import Trouble
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = 4
HANDS = 4
"""How many things each of them does at a time."""
THINK_S = 0.6
LANES = {"sqlite": 1, "postgresql": 2}
"""How many troubles there are at a time; a service of one process would never be seen at work."""
_CLOCK = SystemClock()


@dataclass(slots=True)
class Report:
    """What a run came to."""

    edits: int = 0
    """Acknowledged, on both sides."""
    created: int = 0
    lost_answers: int = 0
    doubtful: int = 0
    refused: int = 0
    conflicts: int = 0
    took_s: float = 0.0
    rest_s: float = 0.0
    """How long it took to come to rest afterwards."""
    troubles: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """For people."""
        numbers = [
            f"edits acknowledged     {self.edits} ({self.edits / self.took_s:.1f}/s for {self.took_s:.0f} s)",
            f"things created         {self.created}",
            f"answers lost           {self.lost_answers}, of which {self.doubtful} edits had happened or not",
            f"edits refused          {self.refused} (412, 404)",
            f"conflicts at the end   {self.conflicts}",
            f"rest after             {self.rest_s:.1f} s",
        ]
        return numbers + [f"{count:5} x {kind}" for kind, count in sorted(self.troubles.items())]


@dataclass(slots=True)
class Progress:
    """How far people have come."""

    edits: int = 0
    """Acknowledged, on both sides."""
    done: bool = False
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def count(self) -> None:
        """One edit more."""
        async with self.news:
            self.edits += 1
            self.news.notify_all()

    async def goes_on(self, edits: int) -> None:
        """Wait until there are so many more; whatever was troubled works again then."""
        until = self.edits + edits
        async with self.news:
            await self.news.wait_for(lambda: self.edits >= until)


async def torture(
    store: str,
    seed: int,
    goes_on: Callable[[Trouble], bool],
    *,
    only: frozenset[str] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Report:
    """Play and judge.

    Args:
        store: `sqlite` or `postgresql`.
        seed: Of people and troubles, each with dice of their own. Processes make no run the same twice.
        goes_on: Whether there is to be more trouble.
        only: The kinds of trouble that come; `None`: all.
        told: Takes a line that tells how it goes.
    """
    report = Report()
    async with House(store) as house, AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
        )
        people, readers = [], []
        for number in range(PEOPLE):
            one = await stack.enter_async_context(somebody(house.urls[0], house.google.url, f"p{number}"))
            await one.connect()
            dice = random.Random(f"{seed} person {number}")
            client = Client(house, http, one.app.key, dice)
            people.append(Person(f"p{number}", client, one.google, dice))
            readers.append(Reader(Client(house, http, one.app.key, random.Random(f"{seed} reader {number}"))))
        google = people[0].google
        await google.control("POST", "/quota", {"enabled": False})
        trouble = Trouble(house, google, random.Random(f"{seed} trouble"), only=only)
        progress, began = Progress(), _CLOCK.monotonic()
        async with asyncio.TaskGroup() as group:
            for person in people:
                for _ in range(HANDS):
                    group.create_task(_work(person, progress))
            following = [group.create_task(reader.follow()) for reader in readers]
            async with asyncio.TaskGroup() as troubling:
                for _ in range(LANES[store]):
                    troubling.create_task(_trouble(trouble, progress, goes_on, told))
            progress.done = True
            report.took_s = _CLOCK.monotonic() - began
            await google.control("DELETE", "/faults")
            for each in following:
                each.cancel()
        told("calm")
        report.rest_s = max([await come_to_rest(person) for person in people])
        for person, reader in zip(people, readers, strict=True):
            await judge(person)
            await judge_silence(person)
            await reader.judge()
            report.conflicts += len(await person.client.pages("/sync/conflicts"))
        assert (await google.control("GET", "/mails"))["mails"] == [], "nobody asked for mail"
        complaints = house.complaints()
        assert not complaints, "\n".join(complaints[:20])
    report.troubles = trouble.counts
    report.edits = progress.edits
    report.created = sum(len(person.titles) for person in people)
    report.refused = sum(len(person.refused) for person in people)
    report.doubtful = sum(person.doubtful for person in people)
    report.lost_answers = sum(person.client.lost for person in people)
    return report


async def _trouble(
    trouble: Trouble, progress: Progress, goes_on: Callable[[Trouble], bool], told: Callable[[str], None]
) -> None:
    while goes_on(trouble):
        kind = await trouble.next()
        told(f"{kind} ({progress.edits} edits so far)")
        await progress.goes_on(trouble.pause())


async def _work(person: Person, progress: Progress) -> None:
    while not progress.done:
        if await person.act():
            await progress.count()
        await _CLOCK.sleep(person.dice.random() * THINK_S)
