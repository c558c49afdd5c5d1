"""Random histories of series that two sides edit, with a faulty line between them."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from services.core.policy import SyncPolicy
from tests.engine.feed_reader import FeedReader
from tests.engine.histories import FAULTS
from tests.engine.interruptions import die_at
from tests.engine.ledger import judge_silence
from tests.engine.series_ledger import judge_series
from tests.engine.series_people import SeriesPeople
from tests.engine.series_sides import in_app, in_google, shown_in_app
from tests.engine.world import USER, make_world

if TYPE_CHECKING:
    from services.google.transport import HttpRequest, HttpResponse

EDITS = (
    "app_writes",
    "app_writes",
    "app_moves",
    "app_moves",
    "app_changes_rules",
    "app_deletes",
    "app_restores",
    "google_writes",
    "google_writes",
    "google_moves",
    "google_moves",
    "google_changes_rules",
    "google_deletes",
    "google_undeletes",
)
APP_EDITS = ("app_writes", "app_deletes")
GOOGLE_EDITS = ("google_writes", "google_moves", "google_changes_rules", "google_deletes")
"""What comes back with a restored series or a new rule nobody sees before."""
CALM = (*EDITS, "app_creates", "google_creates", *["sync"] * 8)
ROUGH = (*CALM, "fault", "fault", "fault", "expire", "die")


@dataclass(slots=True)
class SeriesHistory(SeriesPeople):
    """One random history."""

    listed: set[str] = field(default_factory=set)
    """What of Google's the listing under way can show."""

    async def play(self, steps: int, actions: tuple[str, ...], reader: FeedReader) -> None:
        """Let everything happen, then let it come to rest."""
        for _ in range(self.dice.choice((1, 1, 2))):
            await self.dice.choice((self.app_creates, self.google_creates))()
        if self.dice.random() < 0.7:
            await self.sync()
        if actions is ROUGH and self.dice.random() < 0.5:
            self.world.transport.before = self._just_before
            self.world.transport.after = self._meanwhile
            self.world.transport.answered = self._answered
        for _ in range(steps):
            await getattr(self, self.dice.choice(actions))()
            self.world.clock.advance(timedelta(milliseconds=self.dice.randrange(1, 3000)))
            await reader.perhaps_look()
        await self._come_to_rest()
        await self._app_alone(mishaps=actions is ROUGH)
        await self._google_alone()

    async def _app_alone(self, *, mishaps: bool) -> None:
        """What only the app edits, the sync brings to Google and leaves as it is."""
        for _ in range(self.dice.choice((1, 1, 2))):
            await getattr(self, self.dice.choice(APP_EDITS))()
        before = Counter(map(shown_in_app, await in_app(self.world.reader, USER)))
        if mishaps:
            await self.fault()
            await self.sync()
        await self._come_to_rest()
        after = Counter(map(shown_in_app, await in_app(self.world.reader, USER)))
        assert after == before, f"edited by the app: {before - after}; after the sync: {after - before}"

    async def _google_alone(self) -> None:
        """What only Google edits, the app takes in and does not touch."""
        await getattr(self, self.dice.choice(GOOGLE_EDITS))()
        before = Counter(each.shown for each in in_google(self.world.google))
        await self._come_to_rest()
        after = Counter(each.shown for each in in_google(self.world.google))
        assert after == before, f"edited by Google: {before - after}; after the sync: {after - before}"

    async def _come_to_rest(self) -> None:
        world = self.world
        world.google.call("DELETE", "/faults")
        world.transport.before = world.transport.after = world.transport.answered = None
        world.uow.waits = False
        for _ in range(2):
            await world.settle(within=timedelta(minutes=40))
            await world.pull()
            for hold in await world.review.holds(USER, after=None, limit=100):
                await world.review.approve(USER, hold.id)
        await world.settle(within=timedelta(minutes=40))

    async def _meanwhile(self, request: HttpRequest) -> None:
        """Somebody edits while a call is under way; what befalls the caller does not befall them."""
        del request
        if self.dice.randrange(8):
            return
        waits, self.world.uow.waits = self.world.uow.waits, False
        await getattr(self, self.dice.choice(EDITS))()
        self.world.uow.waits = waits

    async def _just_before(self, request: HttpRequest) -> None:
        """No condition of a call protects exceptions that were made since the calendar was listed last."""
        await self._meanwhile(request)
        body = request.body or b""
        if request.method == "DELETE" or (
            request.method == "PATCH" and (b'"recurrence"' in body or b'"start"' in body)
        ):
            self.ledger.settle(self.ledger.unseen)

    def _answered(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        if request.method == "GET" and answer.status == 200 and b"nextSyncToken" in answer.body:
            self.ledger.unseen -= self.listed
        return answer

    async def sync(self) -> None:
        if self.dice.random() < 0.7:
            await self.world.notified()
        claim = await self.world.engine.claim()
        if claim is not None:
            await self.world.engine.run(claim)
        error = (await self.world.calendar()).last_error
        assert error is None or error.reason != "internal-error", error

    # What goes wrong.

    async def fault(self) -> None:
        fault = self.dice.choice(FAULTS)
        skip, times = self.dice.randrange(3), self.dice.choice((1, 1, 1, 3))
        self.world.google.fault(**fault, path="/primary/", skip=skip, times=times)

    async def expire(self) -> None:
        self.world.google.call("POST", "/sync-tokens/invalidate", {})

    async def die(self) -> None:
        """A process dies at any of its waits; another one goes on once the lease has run out."""
        await self.world.notified()
        claim = await self.world.engine.claim()
        if claim is not None:
            self.world.uow.waits = True
            await die_at(self.world.engine.run(claim), self.dice.randrange(1, 60), cancel=False)
            self.world.uow.waits = False
            self.world.clock.advance(self.world.policy.lease + timedelta(seconds=1))


async def play(seed: int, *, rough: bool, steps: int | None = None) -> Counter[str]:
    """One history from a seed, judged; returns what happened in it."""
    dice = random.Random(seed)
    steps = dice.randrange(2, 10) if steps is None else steps
    # Nothing is polled meanwhile: it changes nothing and takes most of the time.
    seldom = timedelta(days=1)
    history = SeriesHistory(await make_world(seed=seed, policy=SyncPolicy(polling=seldom)), dice)
    history.world.transport.checks = seed % 20 == 0
    orphans = dice.choice(("cancelled", "gone"))
    history.world.google.call("POST", "/switches", {"orphaned_exceptions": orphans})
    if rough:
        history.world.transport.page_size = dice.choice((1, 2, 2500))
    reader = FeedReader(history.world, seed)
    await history.play(steps, ROUGH if rough else CALM, reader)
    await judge_series(history.world, history.ledger)
    await judge_silence(history.world)
    await reader.judge()
    return history.happened
