"""What must hold at the end of a history, judged from what both sides show and from what people did.

Nothing here asks the engine what it believes: the app's side is what its clients see, Google's side is what
the simulator holds, and the ledger is what people wrote and saw.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any, Final

from services.core.records import SyncState
from services.core.slots import content_to_document
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress
from tests.judges.ancestry import FIELDS, judge_ancestry, remote_value
from tests.judges.values import conflict_values, local_value
from tests.simulation.drawing import CALENDARS, LIFE, PEOPLE
from tests.simulation.people import Person
from tests.simulation.series_judges import (
    every_edit_of_series_is_accounted_for,
    no_series_is_there_twice,
    series_are_equal,
    what_was_cancelled_is_brought_back_by_its_edits_alone,
)
from tests.simulation.series_people import SeriesPerson
from tests.simulation.several_calendars import PersonOfTwoCalendars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.core.records import ConflictRecord, Slot
    from tests.simulation.account_holder import AccountHolder
    from tests.simulation.plan import Shape
    from tests.simulation.world import World


_FIERCEST: Final = 25
"""How often we may change one event within a minute: two programs that fight over it do not get so far."""


async def judge(world: World, people: Sequence[AccountHolder]) -> None:
    """Everything about the state at rest."""
    for person in people:
        user_id = person.account.user_id
        slots = await world.slots(user_id)
        events = person.account.events()
        async with world.store.reading() as tx:
            conflicts = await tx.conflicts.page(user_id, after=None, limit=10_000)
        if isinstance(person, SeriesPerson):
            await series_are_equal(person)
            every_edit_of_series_is_accounted_for(person, events, conflicts)
            no_series_is_there_twice(person, slots, events)
            if not person.writes_are_late:
                what_was_cancelled_is_brought_back_by_its_edits_alone(person, slots, conflicts)
        elif isinstance(person, Person):
            if isinstance(person, PersonOfTwoCalendars):
                person.judge_moves(slots)
            for calendar in person.account.calendars:
                here = [slot for slot in slots if slot.calendar_id == calendar.calendar]
                both_sides_are_equal(here, calendar.events())
            in_one = {calendar.calendar for calendar in person.account.calendars}
            assert {slot.calendar_id for slot in slots} <= in_one, "a slot is in no calendar of the person's"
            every_edit_is_accounted_for(person, events, conflicts)
            if not world.happened["google's clock steps"]:
                the_later_edit_won(person, conflicts, within_s=_clocks_agree_within(world.plan.shape))
            what_the_app_does_not_know_is_untouched(person, events)
        nobody_elses_is_here(person, slots, events)
        await judge_bookkeeping(world, person, conflicts)
    assert world.accounts[0].google.call("GET", "/mails")["mails"] == [], "I9: nobody asked for mail"
    writes_have_causes(world, [*people, *(each.person for each in world.erased)])
    google_is_asked_when_it_wants(world)
    no_dead_grant_is_tried_again(world)


def both_sides_are_equal(slots: list[Slot], events: list[dict[str, Any]]) -> None:
    """I3, I12: one event a slot, one slot an event, and both show the same."""
    waiting = [slot for slot in slots if slot.sync_state not in {SyncState.SYNCED, SyncState.CONFLICT}]
    assert not waiting, f"I12: not at rest: {[(each.content.title, each.sync_state) for each in waiting]}"
    by_event = {slot.google.event_id: slot for slot in slots if slot.google}
    assert len(by_event) == len(slots), "I3: two slots of one event"
    assert sorted(by_event) == sorted(event["id"] for event in events), (
        f"I3: only in the app: {sorted(set(by_event) - {event['id'] for event in events})}; "
        f"only in Google: {sorted({event['id'] for event in events} - set(by_event))}"
    )
    for event in events:
        content = by_event[event["id"]].content
        for name in FIELDS:
            ours, theirs = local_value(content, name), remote_value(event, name)
            assert ours == theirs, f"I12: {name} is {ours!r} in the app and {theirs!r} in Google"
        overrides = event.get("reminders", {}).get("overrides", [])
        assert [each.minutes for each in content.reminders.overrides] == [
            each["minutes"] for each in overrides
        ], "I12: reminders differ"


def every_edit_is_accounted_for(
    person: Person, events: list[dict[str, Any]], conflicts: list[ConflictRecord]
) -> None:
    """I1, I2, I3: each value stands, or somebody who had seen it replaced or settled it, or a conflict keeps
    it; and nothing is there twice.
    """
    judge_ancestry(
        person.ledger,
        standing=[remote_value(event, name) for event in events for name in FIELDS],
        losers={conflict_values(conflict)[0] for conflict in conflicts},
        titles=person.titles,
    )


def the_later_edit_won(person: Person, conflicts: list[ConflictRecord], *, within_s: float) -> None:
    """I2: where a value of the app's beat one of Google's, it was written after it.

    Not the other way round: Google dates an event, not its fields.

    Args:
        person: Who wrote them.
        conflicts: What both sides had written at once.
        within_s: How well the app can know what Google's clock says.
    """
    ledger = person.ledger
    if ledger.late:
        return
    order = {value: number for number, value in enumerate(ledger.saw)}
    decided = ledger.settled | ledger.reasserted
    for conflict in conflicts:
        loser, winner = conflict_values(conflict) if conflict.group in FIELDS else ("", "")
        if conflict.winner == "local" and {loser, winner} <= order.keys() - decided:
            at = person.written_at
            later_s = at.get(loser, 0.0) - at.get(winner, inf)
            assert later_s <= within_s, f"I2: {winner} beat {loser}, which was written {later_s:.0f} s later"
            assert within_s or order[winner] > order[loser], f"I2: {winner} beat {loser}, a later edit"


def _clocks_agree_within(shape: Shape) -> float:
    """Where Google's clock is off, an answer tells it to the second, and has been on its way for a while."""
    return 2 * shape.slow + 1.0 if shape.google_ahead_s else 0.0


def nobody_elses_is_here(person: AccountHolder, slots: list[Slot], events: list[dict[str, Any]]) -> None:
    """I7: nothing of another user's is in this account."""
    others = {"ada@example.com", "bob@example.com"} - {person.account.email}
    shown = [text for slot in slots for text in (slot.content.title, slot.content.description)]
    shown += [str(event.get(name, "")) for event in events for name in ("summary", "description")]
    for text in shown:
        assert not any(other in text for other in others), f"I7: {text!r} is somebody else's"


def what_the_app_does_not_know_is_untouched(person: Person, events: list[dict[str, Any]]) -> None:
    """I4: fields that the app does not handle are as the person at Google left them."""
    for event in events:
        for name, value in person.extras.get(event["id"], {}).items():
            assert event.get(name) == value, f"I4: {name} is {event.get(name)!r} instead of {value!r}"


def writes_have_causes(world: World, people: Sequence[AccountHolder]) -> None:
    """I5: Google was written to no more often than people and mishaps gave reason to."""
    reasons = sum(person.causes for person in people)
    mishaps = world.line.lost_answers + sum(
        count
        for what, count in world.happened.items()
        if what.startswith(
            ("struck", "database", "fault", "stopped", "calendar shown", "stale", "sync tokens")
        )
    )
    # A change of Google's on a slot that waits may make its push a second one; a revival is one more.
    changes_there = sum(person.values_written for person in people) + world.happened["etag renewed"]
    most = 2 * reasons + 2 * mishaps + changes_there
    assert world.line.writes.total() <= most, f"I5: {world.line.writes} for {reasons} reasons"
    if world.plan.shape.webhooks and all(
        each.kind in {*PEOPLE, *CALENDARS, "fight"} for each in world.plan.happenings
    ):
        fiercest = world.line.fiercest
        assert fiercest <= _FIERCEST, f"I5: one event was changed {fiercest} times within a minute"
    assert not world.line.echoes, f"I5: {world.line.echoes} writes of what Google had already"


def google_is_asked_when_it_wants(world: World) -> None:
    """I15: who is told to wait waits, unless whoever was told is no more, or a person linked again."""
    if any(world.plan.shape.skews_s):
        return  # One replica's moment has come while another one's has not.
    if world.plan.shape.second_calendar:
        return  # Each calendar hears of it for itself.
    excused = any(
        what.startswith(("struck", "database", "stopped", "our clock")) or what in LIFE
        for what in world.happened
    )
    assert excused or not world.line.impatient, f"I15: {world.line.impatient} calls came too early"


def no_dead_grant_is_tried_again(world: World) -> None:
    """I16: who hears that a grant is gone tells everybody, unless it is struck, or the database fails it."""
    excuses = sum(
        count for what, count in world.happened.items() if what.startswith(("struck", "database", "stopped"))
    )
    again = world.line.grants.refused_again
    assert again <= excuses, f"I16: Google refused a dead grant {again} more times"


async def judge_bookkeeping(world: World, person: AccountHolder, conflicts: list[ConflictRecord]) -> None:
    """What a slot says of its conflicts and of its past is true."""
    of_slot = Counter(conflict.slot_id for conflict in conflicts)
    reader = SlotReader(uow=world.store)
    for slot in await world.slots(person.account.user_id, deleted=True):
        assert slot.open_conflicts == of_slot[slot.id], "a slot miscounts its conflicts"
        known: dict[str, Any] = {}
        seqs = []
        for entry in await reader.history(person.account.user_id, SlotAddress(slot.id)):
            seqs.append(entry.seq)
            for name, change in entry.fields.items():
                before = known.setdefault(name, change["before"])
                assert before == change["before"], f"a change of {name} is missing in the history"
                known[name] = change["after"]
        assert seqs == sorted(seqs)
        now = {
            **content_to_document(slot.content),
            "deleted": slot.deleted_at is not None,
            "calendar_id": slot.wanted_calendar_id,
        }
        for name, value in known.items():
            assert now[name] == value, f"the last change of {name} is missing in the history"


async def state_of(world: World) -> dict[str, Any]:
    """Everything that must not move at rest."""
    state: dict[str, Any] = {}
    for account in world.accounts:
        for slot in await world.slots(account.user_id, deleted=True):
            state[f"slot {slot.id}"] = replace(slot, seen_listing=0)
        for google in account.calendars:
            for event in google.events(deleted=True):
                state[f"event {event['id']} in {google.calendar}"] = event
    return state


def judge_silence(world: World, before: dict[str, Any], after: dict[str, Any]) -> None:
    """I13: at rest nothing is written, here or there, however often it is looked."""
    moved = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert not moved, f"I13: moved at rest: {[(before.get(each), after.get(each)) for each in moved]}"
    assert world.line.others == 0, "I13: a call that does not list at rest"
