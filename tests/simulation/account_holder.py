"""Somebody who uses the service with a Google account: requests, and the life of the connection.

The requests are answered by processes that may die over them; they are sent again, as a client does, mostly
under an `Idempotency-Key`. What was never answered may have been done or not.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.core.accounts import AccountStatus
from services.core.errors import DatabaseUnavailableError, GoogleNotConnectedError, UnknownHoldError
from services.core.idempotency import Attempt
from services.idempotency_service import Answer
from tests.simulation.erasure import erase
from tests.simulation.processes import ConnectionLostError
from tests.simulation.replica import fingerprint

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

    from services.core.records import Slot
    from tests.simulation.account import Account
    from tests.simulation.replica import Replica
    from tests.simulation.world import World


@dataclass(eq=False)
class AccountHolder:
    """Whoever edits slots and events in one account; what they write, a subclass knows."""

    world: World
    account: Account
    causes: int = 0
    """How often people gave reason to write to Google."""
    leaves: bool = False
    """Whether the person has asked to be erased."""
    _count: int = 0

    @property
    def values_written(self) -> int:
        """How many there are."""
        raise NotImplementedError

    writes_are_late: bool = False
    """Whether some writes of the app's bear a date that is not that of the edit."""

    def writes_came_late(self) -> None:
        """Remember that some do."""
        self.writes_are_late = True

    def settle_slot(self, slot: Slot) -> None:
        """Remember that a person who saw the slot did away with what it shows."""
        raise NotImplementedError

    async def send(
        self,
        dice: random.Random,
        route: str,
        work: Callable[[Replica], Coroutine[Any, Any, Any]],
        *,
        with_key: bool | None = None,
    ) -> bool:
        """A request, sent again until it is answered; `False` when it never was.

        Args:
            dice: Of the happening.
            route: What is asked.
            work: Does it, in one process.
            with_key: Whether it has an `Idempotency-Key`; `None`: perhaps.
        """
        drawn = dice.random() < 0.7
        with_key = drawn if with_key is None else with_key
        key = f"{self.account.email} {self.next_number()}"
        attempt = Attempt(self.account.user_id, route, key, fingerprint(key))

        async def once(replica: Replica) -> Any:
            return await replica.idempotency.once(attempt, lambda: work(replica), _shape)

        try:
            if with_key or route == "POST /slots":
                await self.world.ask(dice, once)
            else:
                # Sent again without a key, it would be done to whatever came in between.
                replica = self.world.somebody(dice)
                await replica.process.answer(work(replica))
        except (ConnectionLostError, DatabaseUnavailableError):
            self.world.happened["request never answered"] += 1
            return False
        return True

    def next_number(self) -> int:
        self._count += 1
        return self._count

    # What waits for a decision.

    async def review(self, dice: random.Random) -> None:
        """A person looks at what is held: is it gone in Google?"""
        user_id = self.account.user_id
        there = {
            (google.calendar, event["id"]) for google in self.account.calendars for event in google.events()
        }
        async with self.world.store.reading() as tx:
            holds = await tx.holds.page(user_id, after=None, limit=100)
        for hold in holds:
            async with self.world.store.reading() as tx:
                held = await tx.slots.held_by(user_id, hold.id)
            kept = any(slot.google and (slot.calendar_id, slot.google.event_id) in there for slot in held)
            reject = kept or dice.random() < 0.3
            if not reject:
                for slot in held:
                    self.settle_slot(slot)
            self.causes += len(held)
            try:
                await self.world.ask(
                    dice,
                    lambda replica, hold=hold, reject=reject: (  # type: ignore[misc]
                        replica.reviews.reject(user_id, hold.id)
                        if reject
                        else replica.reviews.approve(user_id, hold.id)
                    ),
                )
            except (UnknownHoldError, ConnectionLostError):
                continue
            self.world.happened["hold rejected" if reject else "hold approved"] += 1

    # The life of the connection.

    async def ask_for_sync(self, dice: random.Random) -> None:
        try:
            await self.world.ask(
                dice, lambda replica: replica.sync.trigger(self.account.user_id, wait=timedelta())
            )
        except (GoogleNotConnectedError, ConnectionLostError):
            return

    async def try_again(self, dice: random.Random) -> None:
        """The person sees that something failed for good, and presses the button."""
        slots = await self.world.slots(self.account.user_id, deleted=True)
        if all(slot.failure is None or slot.failure.next_attempt_at is not None for slot in slots):
            return
        self.causes += len(slots)
        with contextlib.suppress(GoogleNotConnectedError, ConnectionLostError):
            await self.world.ask(
                dice, lambda replica: replica.sync.push_all(self.account.user_id, wait=timedelta())
            )

    async def initialize(self, dice: random.Random) -> None:
        try:
            await self.world.ask(dice, lambda replica: replica.connections.initialize(self.account.user_id))
        except (GoogleNotConnectedError, ConnectionLostError):
            return

    async def relink(self, dice: random.Random) -> None:
        del dice
        await self.world.link(self.account)

    async def link_when_asked_to(self) -> None:
        """The app shows that the connection has ended."""
        async with self.world.store.reading() as tx:
            account = await tx.accounts.find(self.account.user_id)
        if account is None or account.status is not AccountStatus.CONNECTED:
            await self.world.link(self.account)

    async def revoke(self, dice: random.Random) -> None:
        """The person takes the grant away on Google's own page, and gives it again later, or not."""
        self.account.google.call("POST", "/grants/revoke", {"account": self.account.email})
        if dice.random() < 0.6:
            await self.world.clock.sleep(dice.uniform(5, 200))
            await self.world.link(self.account)

    async def disconnect(self, dice: random.Random) -> None:
        user_id = self.account.user_id
        local = dice.choice(("keep", "keep", "delete"))
        remote = "delete" if dice.random() < 0.3 else "keep"
        before = {slot.id for slot in await self.world.slots(user_id)}
        self.causes += len(before)
        with contextlib.suppress(GoogleNotConnectedError, ConnectionLostError):
            await self.world.ask(
                dice,
                lambda replica: replica.connections.disconnect(
                    user_id,
                    remote="delete" if remote == "delete" else "keep",
                    local="delete" if local == "delete" else "keep",
                ),
            )
        if local == "delete":
            slots = await self.world.slots(user_id, deleted=True)
            theirs = {slot.id for slot in slots if slot.source == "google"}
            for slot in slots:
                of_theirs = slot.series is not None and slot.series.series_id in theirs
                if slot.local is None and (slot.id in theirs or of_theirs):
                    self.settle_slot(slot)
        if dice.random() < 0.7:
            await self.world.clock.sleep(dice.uniform(0, 60))
            await self.world.link(self.account)

    async def google_touches(self, dice: random.Random, how: str = "") -> None:
        """Google gives some events, or all, another etag and date, as its own upkeep does."""
        everything = how == "all"
        for google in self.account.calendars if everything else (self.account.some_calendar(dice),):
            events = google.events()
            for event in events if everything else dice.sample(events, min(len(events), dice.randint(1, 3))):
                touched = google.edit(event["id"])
                assert touched["etag"] != event["etag"], "an event was to get another etag"
                self.world.happened["etag renewed"] += 1
        self.world.deliver()

    async def erase(self, dice: random.Random) -> None:
        await erase(self, dice)


def _shape(value: Any) -> Answer:
    del value
    return Answer(200, {}, "")
