"""What must hold at the end of a history of series, judged from what both sides show with series unrolled."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from services.core.records import SyncState
from services.core.slots import Timed
from tests.judges.series_sides import TEXTS, TO, in_google, shown_in_app
from tests.judges.values import conflict_values

if TYPE_CHECKING:
    from services.core.records import ConflictRecord, Slot
    from tests.judges.series_sides import Shown
    from tests.simulation.series_people import SeriesPerson


async def app_side(person: SeriesPerson) -> Counter[Shown]:
    """What the app shows."""
    return Counter(map(shown_in_app, await person.agenda()))


async def google_side(person: SeriesPerson) -> Counter[Shown]:
    """What Google shows."""
    return Counter(found.shown for found in in_google(person.account.google))


async def series_are_equal(person: SeriesPerson) -> None:
    """I3, I12: nothing waits, and both sides show the same instances, each as often."""
    slots = await person.world.slots(person.account.user_id, deleted=True)
    waiting = [slot for slot in slots if slot.sync_state not in {SyncState.SYNCED, SyncState.CONFLICT}]
    assert not waiting, f"I12: not at rest: {[(each.content.title, each.sync_state) for each in waiting]}"
    ours, theirs = await app_side(person), await google_side(person)
    person.count_up("clocks change within a series", sum(map(_changes_clocks, slots)))
    assert ours == theirs, (
        f"I12: only in the app: {_list(ours - theirs)}; only in Google: {_list(theirs - ours)}"
    )


def every_edit_of_series_is_accounted_for(
    person: SeriesPerson, events: list[dict[str, Any]], conflicts: list[ConflictRecord]
) -> None:
    """I1, I2: each text stands, or whoever had seen it replaced or settled it, or a conflict keeps it."""
    standing = {str(event.get(name, "")) for event in events for name in TEXTS.values()}
    person.ledger.judge(standing=standing, losers={conflict_values(conflict)[0] for conflict in conflicts})


def no_series_is_there_twice(person: SeriesPerson, slots: list[Slot], events: list[dict[str, Any]]) -> None:
    """I3: neither side shows more series than people made, though both may show the same."""
    person.ledger.judge_series(slot.content.title for slot in slots if slot.is_series)
    person.ledger.judge_series(str(event.get("summary", "")) for event in events if event.get("recurrence"))


def what_was_cancelled_is_brought_back_by_its_edits_alone(
    person: SeriesPerson, slots: list[Slot], conflicts: list[ConflictRecord]
) -> None:
    """I2: that somebody changes a series in Google undoes no deletion of an instance here."""
    instances = {slot.id: slot.google for slot in slots if slot.series is not None}
    undone = [
        instances[conflict.slot_id]
        for conflict in conflicts
        if conflict.group == "deleted" and conflict.winner == "remote" and conflict.slot_id in instances
    ]
    edited = person.edited_alone
    assert len(undone) <= len(edited), f"I2: {len(undone)} cancellations lost to {len(edited)} edits"
    if not person.names_changed:
        lost = {copy.event_id for copy in undone if copy is not None} - set(edited)
        assert not lost, f"I2: cancellations lost to nobody: {sorted(lost)}"


def nothing_was_changed(who: str, before: Counter[Shown], after: Counter[Shown]) -> None:
    """I2: what one side alone edits is on both sides as it was left there."""
    assert after == before, (
        f"I2: edited by {who}: {_list(before - after)}; after the sync: {_list(after - before)}"
    )


def _changes_clocks(slot: Slot) -> bool:
    """Whether the clocks of its zone change within the time that is compared, while it recurs."""
    span = slot.content.schedule.span
    if not slot.is_series or not isinstance(span, Timed):
        return False
    zone = ZoneInfo(span.timezone)
    return span.start.astimezone(zone).utcoffset() != TO.astimezone(zone).utcoffset()


def _list(shown: Counter[Shown]) -> list[Shown]:
    return sorted(shown.elements())
