"""One history: a plan is played, everything comes to rest, and the judges look."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.core.errors import UnknownUserError
from tests.simulation import judges, loop, mishaps
from tests.simulation.erasure import nobody_is_left
from tests.simulation.feed import FeedReader
from tests.simulation.mass_deletions import judge_the_brake
from tests.simulation.people import Person
from tests.simulation.plan import ETAGS_ALONE, EVERYBODY, GOOGLE, MASS_DELETION, THE_APP, UNDECIDED
from tests.simulation.processes import Strike, owned_tasks
from tests.simulation.promptness import judge_promptness
from tests.simulation.resting import QUIET_S, Rest
from tests.simulation.series_judges import app_side, google_side, nothing_was_changed
from tests.simulation.series_people import SeriesPerson
from tests.simulation.several_calendars import PersonOfTwoCalendars
from tests.simulation.sometimes import INTERNAL_ERROR, branches_counted, internal_errors_counted
from tests.simulation.stores import STORES
from tests.simulation.touches import EtagsAlone
from tests.simulation.world import FALLBACK, World, make_world

if TYPE_CHECKING:
    import random

    from tests.simulation.account_holder import AccountHolder
    from tests.simulation.plan import Happening, Plan
    from tests.simulation.stores import Store


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a history ended."""

    plan: Plan
    failure: str | None
    """`None`: every judge is content."""
    happened: Counter[str]
    digest: str
    """Of every request and when it came: the same plan gives the same."""

    @property
    def passed(self) -> bool:
        """Whether every judge is content."""
        return self.failure is None


def play(plan: Plan, store: str = "memory") -> Verdict:
    """Play a plan in a new store of this kind, and judge it."""
    with STORES[store]() as shared:
        return _verdict(_Played(plan, shared))


def _verdict(played: _Played) -> Verdict:
    plan = played.plan
    failure: str | None = None
    logging.disable(logging.CRITICAL)
    try:
        loop.run(played.run(), plan.stream("scheduling"))
    except AssertionError as error:
        failure = str(error) or type(error).__name__
    except Exception as error:  # noqa: BLE001  # an error that nobody expected is a failure, too
        failure = f"{type(error).__name__}: {error}"
    finally:
        logging.disable(logging.NOTSET)
    world = played.world
    if world is None:
        return Verdict(plan, failure or "no world", Counter(), "")
    return Verdict(plan, failure, world.happened, world.trace.hexdigest())


class _Played:
    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan = plan
        self._store = store
        self.world: World | None = None

    async def run(self) -> None:
        asyncio.get_running_loop().set_task_factory(owned_tasks)
        world = self.world = await make_world(self.plan, self._store)
        with branches_counted(world.happened), internal_errors_counted(world.happened):
            await self._judged(world)

    async def _judged(self, world: World) -> None:
        people = people_of(world)
        readers = [FeedReader(world, account) for account in world.accounts]
        try:
            await self._play(world, people, readers, EVERYBODY)
            people = [person for person in people if not person.leaves]
            readers = [reader for reader in readers if reader.account in world.accounts]
            await judge_promptness(world)
            await self._calm(world, people)
            await self._one_side_alone(world, people, readers)
            await self._much_is_deleted(world, people, readers)
            await self._etags_alone_change(world, people, readers)
            await judges.judge(world, people)
            await self._stay_silent(world)
            await nobody_is_left(world)
            for reader in readers:
                await reader.judge()
            assert not world.happened[INTERNAL_ERROR], "something failed with an internal error"
        finally:
            await world.end()

    async def _one_side_alone(
        self, world: World, people: list[AccountHolder], readers: list[FeedReader]
    ) -> None:
        """What only one side edits, the sync brings to the other one and leaves as it is."""
        for act, who, side in ((THE_APP, "the app", app_side), (GOOGLE, "Google", google_side)):
            if not self.plan.act(act):
                continue
            await self._play(world, people, readers, act)
            edited = [await side(person) for person in people if isinstance(person, SeriesPerson)]
            await self._calm(world, people)
            synced = [await side(person) for person in people if isinstance(person, SeriesPerson)]
            for before, after in zip(edited, synced, strict=True):
                nothing_was_changed(who, before, after)

    async def _much_is_deleted(
        self, world: World, people: list[AccountHolder], readers: list[FeedReader]
    ) -> None:
        """What is too much to be believed waits, however long, until a person has decided."""
        if not self.plan.act(MASS_DELETION):
            return
        await self._play(world, people, readers, MASS_DELETION)
        await self._calm(world, people, undecided=True)
        for person in people:
            if isinstance(person, Person):
                await judge_the_brake(person)
        await self._play(world, people, readers, UNDECIDED)
        await self._calm(world, people)

    async def _etags_alone_change(
        self, world: World, people: list[AccountHolder], readers: list[FeedReader]
    ) -> None:
        if not self.plan.act(ETAGS_ALONE):
            return
        alone = await EtagsAlone.begin(world, people)
        await self._play(world, people, readers, ETAGS_ALONE)
        await alone.edited()
        await self._calm(world, people)
        await alone.judge()

    async def _play(
        self, world: World, people: list[AccountHolder], readers: list[FeedReader], act: int
    ) -> None:
        loop_now = asyncio.get_running_loop().time
        started = loop_now()
        doing: list[asyncio.Future[Any]] = []
        for happening in self.plan.act(act):
            await world.clock.sleep(max(started + happening.at - loop_now(), 0))
            doing.append(world.start(_happen(world, people, readers, happening)))
        world.line.others = 0
        if doing:
            await asyncio.gather(*doing)

    async def _calm(self, world: World, people: list[AccountHolder], *, undecided: bool = False) -> None:
        """Nothing goes wrong any more, and whoever lost the connection links again.

        Args:
            world: In which it comes to rest.
            people: Who do what they are asked to.
            undecided: Whether nobody looks at what is held.
        """
        world.line.clear()
        world.faults.forget()
        world.post.lost = world.post.doubled = world.post.late = 0
        google = world.accounts[0].google
        google.call("DELETE", "/faults")
        google.call("POST", "/clock", {"offset_s": self.plan.shape.google_ahead_s})
        for replica in world.replicas:
            replica.process.disarm()
        for person in people:
            if world.line.late_writes or any(self.plan.shape.skews_s) or _clocks_were_set(world):
                person.writes_came_late()
            if world.happened["revoke"]:
                await world.link(person.account)
        since = asyncio.get_running_loop().time() + QUIET_S
        rest = Rest(world, since)
        while not await rest.reached():
            await world.clock.sleep(QUIET_S)
            for person in people:
                if not undecided:
                    await person.review(self.plan.stream("review"))
                await person.try_again(self.plan.stream("try again"))
                await person.link_when_asked_to()
        for person in people:
            if world.line.late_writes:
                person.writes_came_late()

    async def _stay_silent(self, world: World) -> None:
        before = await judges.state_of(world)
        world.line.others = world.line.listed = 0
        await world.clock.sleep((FALLBACK * 1.3).total_seconds())
        judges.judge_silence(world, before, await judges.state_of(world))
        assert world.line.listed >= len(world.accounts), (
            f"I15: nobody looks any more: {await world.calendars()}"
        )


def _clocks_were_set(world: World) -> bool:
    """Whether a date may say of an edit that it is older than what its author had seen.

    Where no other field proves that Google took a write whose answer was lost, dates alone decide.
    """
    return bool(world.happened["our clock steps"] or world.happened["google's clock steps"])


def people_of(world: World) -> list[AccountHolder]:
    """Somebody in every account."""
    if world.plan.shape.second_calendar:
        return [PersonOfTwoCalendars(world, account) for account in world.accounts]
    if not world.plan.shape.series:
        return [Person(world, account) for account in world.accounts]
    people = [SeriesPerson(world, account) for account in world.accounts]

    def taken(series: str, seen_until: float) -> None:
        for person in people:
            person.ledger.took_place(series, seen_until=seen_until)

    world.line.on_cut = taken
    return list(people)


async def _happen(
    world: World, people: list[AccountHolder], readers: list[FeedReader], happening: Happening
) -> None:
    dice = happening.dice()
    if happening.kind.startswith("strike "):
        _, strike, wait = happening.kind.split()
        mishaps.strike_all(world, Strike(strike), int(wait))
        return
    if happening.kind in mishaps.ALL:
        await mishaps.ALL[happening.kind](world, dice)
        return
    number = dice.randrange(len(people))
    person = people[-1 if happening.kind == "erase" else number]
    if person.leaves:
        return
    try:
        await _do(world, person, readers[number], happening, dice)
    except UnknownUserError:
        assert person.leaves, "a user is forgotten who wanted to stay"


async def _do(
    world: World, person: AccountHolder, reader: FeedReader, happening: Happening, dice: random.Random
) -> None:
    kind, _, how = happening.kind.partition(" ")
    if kind == "read_feed":
        await reader.read_feed(dice)
        return
    world.happened[kind] += 1
    await getattr(person, kind)(dice, *([how] if how else []))
