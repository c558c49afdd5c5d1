"""Random histories of two sides and a faulty line between them.

Both sides edit, also while a call is under way; Google forgets tokens, shows empty or stale pages, refuses or
loses answers; processes die, stand still and are overtaken by another replica; people disconnect, link again
and decide what waits for them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.core.policy import BrakePolicy, LoopPolicy, SyncPolicy
from tests.engine.feed_reader import FeedReader
from tests.engine.interruptions import Pausable, die_at
from tests.engine.ledger import judge, judge_silence
from tests.engine.people import People
from tests.engine.stale_pages import StalePages
from tests.engine.world import EMAIL, make_world

if TYPE_CHECKING:
    from services.google.transport import HttpRequest

FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "commit_then_drop"},
    {"kind": "commit_then_drop"},
    {"kind": "drop_before"},
    {"kind": "truncate"},
    {"kind": "html_503"},
    {"kind": "not_json"},
    {"kind": "answer", "status": 412, "reason": "conditionNotMet"},
    {"kind": "answer", "status": 429, "reason": "rateLimitExceeded"},
    {"kind": "answer", "status": 403, "reason": "userRateLimitExceeded"},
    {"kind": "answer", "status": 500, "reason": "backendError"},
    {"kind": "answer", "status": 401, "reason": "authError"},
)
USUAL = ("app", "app", "google", "google", "sync", "sync", "sync", "fault", "create", "born", "drop")
RARE = (
    "restore",
    "restore",
    "undelete",
    "undelete",
    "resolve",
    "review",
    "reminders",
    "expire",
    "glitch",
    "clock",
    "pause",
    "pause",
    "resume",
    "disconnect",
    "initialize",
)


@dataclass(slots=True)
class History(People):
    """One random history."""

    paused: list[Pausable] = field(default_factory=list)
    was_empty: bool = False
    """Whether Google has shown an empty calendar by mistake."""

    async def play(self, steps: int, actions: tuple[str, ...], reader: FeedReader) -> None:
        """Let everything happen, then let it come to rest."""
        self.world.transport.before = self.world.transport.after = self._meanwhile
        for _ in range(steps):
            await getattr(self, self.dice.choice(actions))()
            self.world.clock.advance(timedelta(milliseconds=self.dice.randrange(1, 3000)))
            await reader.perhaps_look()
        await self._come_to_rest()

    async def _come_to_rest(self) -> None:
        world = self.world
        world.google.call("DELETE", "/faults")
        world.google.call("POST", "/clock", {"offset_s": 0})
        world.transport.before = world.transport.after = world.transport.answered = None
        while self.paused:
            await self.resume()
        world.uow.waits = False
        await self.link()
        for _ in range(3):
            await world.settle(within=timedelta(minutes=40))
            await world.pull()
            await self.review()
        await world.settle(within=timedelta(minutes=40))

    async def _meanwhile(self, request: HttpRequest) -> None:
        """Somebody edits while a call is under way; what befalls the caller does not befall them."""
        del request
        waits, self.world.uow.waits = self.world.uow.waits, False
        match self.dice.randrange(14):
            case 0:
                await self.app()
            case 1:
                await self.google()
            case _:
                pass
        self.world.uow.waits = waits

    # What goes wrong.

    async def fault(self) -> None:
        fault = self.dice.choice(FAULTS)
        self.world.google.fault(**fault, skip=self.dice.randrange(3), times=self.dice.choice((1, 1, 1, 3)))

    async def expire(self) -> None:
        self.world.google.call("POST", "/sync-tokens/invalidate", {})

    async def glitch(self) -> None:
        glitch: dict[str, Any] = {"kind": "empty_page"}
        if not self.was_empty and not self.paused and self.dice.random() < 0.5:
            # Twice in a row nobody could tell from an empty calendar, nor after an old answer.
            self.was_empty = True
            glitch = {"kind": "nothing_there", "calendar": "primary"}
        self.world.google.call("POST", "/listings/glitch", {"account": EMAIL, "times": 1, **glitch})

    async def clock(self) -> None:
        self.world.google.call("POST", "/clock", {"offset_s": self.dice.choice((-600, -5, 0, 5, 600))})

    async def sync(self) -> None:
        if self.dice.random() < 0.7:
            await self.world.notified()
        engine = self.dice.choice((self.world.engine, self.world.other_engine))
        claim = await engine.claim()
        if claim is None:
            return
        run = engine.run(claim)
        if self.dice.random() < 0.4:
            await die_at(run, self.dice.randrange(1, 40), cancel=self.dice.random() < 0.5)
            if self.dice.random() < 0.7:
                self.world.clock.advance(self.world.policy.lease + timedelta(seconds=1))
        else:
            await run

    async def pause(self) -> None:
        """A replica stands still, its lease runs out, and others go on."""
        if self.was_empty:
            return
        await self.world.notified()
        claim = await self.world.engine.claim()
        if claim is None:
            return
        run = Pausable(self.world.engine.run(claim), self.world.uow)
        if not await run.go(steps=self.dice.randrange(1, 40)):
            self.paused.append(run)
            self.world.clock.advance(self.world.policy.lease + timedelta(seconds=1))

    async def resume(self) -> None:
        """It goes on; an insert, for which Google knows no condition, has lost its connection meanwhile."""
        if not self.paused:
            return
        self.world.google.fault("drop_before", method="POST", times=1000)
        before = self._changes_of_ours()
        await self.paused.pop(0).go(steps=None)
        self.ledger.late |= self._changes_of_ours() > before
        self.world.google.call("DELETE", "/faults")

    def _changes_of_ours(self) -> int:
        return sum(
            call["method"] in {"PATCH", "DELETE"} and call["status"] < 300
            for call in self.world.google.requests()
        )


async def play(seed: int, *, steps: int = 30, everything: bool = True) -> None:
    """One history from a seed, judged."""
    dice = random.Random(seed)
    policy = SyncPolicy()
    if everything:
        policy = replace(
            policy,
            loop=LoopPolicy(
                limit=dice.choice((2, 8)),
                cooldown=timedelta(minutes=1),
                cooldown_ceiling=timedelta(minutes=4),
            ),
            brake=BrakePolicy(minimum=dice.choice((1, 10))),
            confirm_one_by_one=dice.choice((1, 50)),
        )
    history = History(await make_world(seed=seed, policy=policy), dice)
    if everything:
        history.world.uow.waits = True
        history.world.transport.page_size = dice.choice((1, 2, 2500))
        history.world.transport.answered = StalePages(dice, share=dice.choice((0.0, 0.2))).answered
    reader = FeedReader(history.world, seed)
    await history.play(steps, (*USUAL, *RARE) if everything else USUAL, reader)
    await judge(history.world, history.ledger, history.titles)
    await judge_silence(history.world)
    await reader.judge()
