"""What an edit of a series means for its exceptions: they go where their instances go.

An exception that changes its place leaves its event behind, since Google names an instance by its place. So
events stay and contents move: an exception takes over the event that is in its new place, and one that
nobody takes over is made like its instance again, or deleted where there is none any more. Where a place
comes back that a series had lost, its instance takes place: nobody has cancelled that one.

Source:
    Calendar API guide, 'Recurring events': an instance is named by its series and its original start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from services.core.agenda import original_instant
from services.core.edits import Edit, edit
from services.core.frozen import replace
from services.core.looks import unless_only_looked_up
from services.core.records import DELETION, NO_LOOP, SeriesLink, Slot
from services.core.recurrence import moved_start
from services.core.series import (
    coming_back,
    going_along,
    instance_content,
    is_plain,
    left_behind,
    like_its_series,
)
from services.core.slots import FIELD_GROUPS, Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from services.core.recurrence import OriginalStart
    from services.core.scoped_edits import Circumstances, ScopedEdit, Wish
    from services.core.slots import FieldGroup, SlotContent

    _Place: TypeAlias = tuple[UUID | None, OriginalStart] | None


@dataclass(frozen=True, slots=True)
class Move:
    """Where an edit takes the instances of a series."""

    old: SlotContent
    origin: OriginalStart | None
    """The instance that was edited; `None`: the series itself, which says nothing of any exception."""
    wish: Wish
    target: Slot
    """The series that has the instances afterwards."""

    def place(self, start: OriginalStart) -> OriginalStart:
        """The name that an instance has afterwards."""
        span = self.wish.content.schedule.span
        if self.wish.recurrence is not None:
            return start
        return moved_start(self.old.schedule, self.origin or self.old.schedule.span.start, span, start)

    def overridden(self, start: OriginalStart) -> frozenset[FieldGroup]:
        """What the edit says of the instance itself, over whatever an exception has there."""
        instance = instance_content(self.old, start) if start == self.origin else None
        if instance is None:
            return frozenset()
        wanted = replace(self.wish.content, schedule=Schedule(self.wish.content.schedule.span))
        return instance.changed_groups(wanted)


def with_exception(content: SlotContent, exceptions: Iterable[Slot], move: Move) -> SlotContent:
    """What is left of a series when it is one slot: with what an exception of it had changed there."""
    for exception in exceptions:
        assert exception.series is not None  # noqa: S101  # exceptions have their link
        if exception.series.original_start == move.origin and exception.deleted_at is None:
            return _carried_content(exception, content, move)
    return content


def ended(exceptions: Iterable[Slot], with_: Circumstances) -> list[Edit]:
    """Live exceptions, deleted along with their instances."""
    ended = (
        edit(each, None, now=with_.now, policy=with_.policy) for each in exceptions if each.deleted_at is None
    )
    return [replace(each, slot=going_along(each.slot)) for each in ended]


def carry(result: ScopedEdit, exceptions: Sequence[Slot], move: Move, with_: Circumstances) -> None:
    """Let exceptions go where their instances went; those whose instances are no more end."""
    carried: list[tuple[Slot, SeriesLink, SlotContent]] = []
    abandoned = {
        _place(each.series): each
        for each in exceptions
        if _is_abandoned(each, move.old) or _is_ahead(each, move.old)
    }
    for exception in exceptions:
        assert exception.series is not None  # noqa: S101  # exceptions have their link
        start = exception.series.original_start
        link = SeriesLink(move.place(start), move.target.id)
        after = instance_content(move.target.content, link.original_start)
        before = instance_content(move.old, start)
        if before is None:
            # Its place was gone before; unless that is back, pushing finds out what becomes of it.
            continue
        if after is None and _is_taken(exception.series, move.target):
            # Its instance is no more, but another one is in its place now.
            abandoned[_place(exception.series)] = exception
        elif after is None:
            result.edits.extend(ended([exception], with_))
        elif link.original_start != start or link.series_id != exception.series.series_id:
            carried.append((exception, link, after))
        else:
            result.edits.extend(_in_place(exception, before, after, move, with_))
    _exchange(result, carried, abandoned, move, with_)
    result.edits.extend(_returned(abandoned.values(), move, with_.now))


def _in_place(
    exception: Slot, before: SlotContent, after: SlotContent, move: Move, with_: Circumstances
) -> list[Edit]:
    """What the edit does to an exception whose instance keeps its place."""
    assert exception.series is not None  # noqa: S101  # an exception has its link
    if is_plain(exception) and exception.content == before:
        plain = like_its_series(exception, move.target.content, now=with_.now)
        return [Edit(plain, exception.changes_to(plain.local))] if plain != exception else []
    is_not_there = exception.google is not None and exception.google.only_looked_up
    if is_not_there or (exception.google is None and exception.sent is None):
        # Also what Google may have without our having listed it.
        kept = _kept(exception, after, move, with_.now)
        return [Edit(kept, exception.changes_to(kept.local))] if kept != exception else []
    groups = move.overridden(exception.series.original_start)
    if exception.deleted_at is not None or not groups:
        return []
    content = exception.content.taking(groups, after)
    edited = edit(exception, content, now=with_.now, policy=with_.policy, notify=with_.notify)
    return [edited] if edited.changes else []


def _kept(exception: Slot, after: SlotContent, move: Move, now: datetime) -> Slot:
    """An exception that Google will have as an instance of the changed series, and that stays as it is."""
    assert exception.series is not None  # noqa: S101  # exceptions have their link
    content = exception.content
    if exception.deleted_at is None:
        content = content.taking(move.overridden(exception.series.original_start), after)
    if (content, after) == (exception.content, exception.base):
        return exception
    kept = replace(
        exception,
        content=content,
        base=after,
        edited_at={**dict.fromkeys(after.changed_groups(content), now), **exception.edited_at},
        version=exception.version + 1,
        updated_at=now,
    )
    return unless_only_looked_up(kept)


def _exchange(
    result: ScopedEdit,
    carried: Sequence[tuple[Slot, SeriesLink, SlotContent]],
    abandoned: dict[_Place, Slot],
    move: Move,
    with_: Circumstances,
) -> None:
    """Store exceptions in their new places; Google's events stay where they are.

    Those of `abandoned` whose places are taken are removed from it. Where a live one is, both sides have made
    something of one instance: what Google has is looked at, and taken in.
    """
    left = {_place(slot.series): slot for slot, _, _ in carried if slot.google is not None}
    # An event has one slot at a time, so whoever leaves a place is stored before the one that comes.
    later = any(_is_later(each) for each in carried)
    for exception, link, after in sorted(carried, key=_way, reverse=later):
        moved = _carried(exception, link, after, move, with_.now)
        there = left.pop(_place(link), None)
        if there is None and (other := abandoned.pop(_place(link), None)) is not None:
            result.edits.append(_given_up(other, with_))
            if _is_ahead(other, move.old):
                moved = replace(moved, google=other.google, refetch=True)
            elif other.google is not None and not _is_lost(other, move.target):
                # It comes back to an event that was still to be deleted, or that is known as cancelled.
                there = other
        if there is not None:
            moved = replace(moved, google=there.google, base=there.base, sent=there.sent, refetch=True)
        result.edits.append(Edit(moved, exception.changes_to(moved.local)))
    for exception in left.values():
        assert exception.series is not None  # noqa: S101  # exceptions have their link
        same_series = exception.series.series_id == move.target.id
        instance = (
            instance_content(move.target.content, exception.series.original_start) if same_series else None
        )
        result.added.append(left_behind(exception, instance, slot_id=with_.new_id(), now=with_.now))


def _is_abandoned(exception: Slot, series: SlotContent) -> bool:
    """Whether an exception is but an event that is or was to be deleted, where the series has no instance."""
    if exception.deleted_at is None or exception.series is None:
        return False
    return instance_content(series, exception.series.original_start) is None


def _is_ahead(exception: Slot, series: SlotContent) -> bool:
    """Whether Google has an exception where the series has no instance here: it has moved there already."""
    if exception.deleted_at is not None or exception.series is None or exception.google is None:
        return False
    return instance_content(series, exception.series.original_start) is None


def _returned(ghosts: Iterable[Slot], move: Move, now: datetime) -> Iterator[Edit]:
    """Those whose places are back, as the instances that are there."""
    for ghost in ghosts:
        instance = _returning(ghost, move)
        if instance is not None:
            back = _like_instance(ghost, instance, now)
            yield Edit(back, ghost.changes_to(back.local))


def _returning(ghost: Slot, move: Move) -> SlotContent | None:
    """The instance that a series has again where it had lost one; `None`: it has none, or a cancelled one.

    A move brings another instance there. Under new rules it is the same one, which stays cancelled if it was
    so before it was lost.
    """
    if ghost.series is None or ghost.series.series_id != move.target.id or _is_ahead(ghost, move.old):
        return None
    if move.wish.recurrence is not None and not ghost.series.went_along:
        return None
    return instance_content(move.target.content, ghost.series.original_start)


def _like_instance(ghost: Slot, instance: SlotContent, now: datetime) -> Slot:
    """What stood for a lost place as the instance that is there again.

    Whether Google has forgotten that it was deleted there has to be looked up.
    """
    back = replace(
        coming_back(ghost),
        content=instance,
        deleted_at=None,
        failure=None,
        hold_id=None,
        loop=NO_LOOP,
        quarantined_until=None,
        version=ghost.version + 1,
        updated_at=now,
    )
    if ghost.google is None:
        return replace(back, base=instance, sent=None, edited_at={})
    # That it is absent there is our doing, and no edit of somebody else.
    sent = DELETION if ghost.sent is None and ghost.base is not None else ghost.sent
    return replace(back, sent=sent, refetch=True, edited_at=dict.fromkeys(FIELD_GROUPS, now))


def _is_lost(ghost: Slot, series: Slot) -> bool:
    """Whether Google has lost an event with its place, though nobody has looked yet."""
    if ghost.base is None or ghost.series is None or series.base is None:
        return False
    return instance_content(series.base, ghost.series.original_start) is None


def _is_taken(link: SeriesLink, target: Slot) -> bool:
    """Whether a series has an instance in this place, be it another one than before."""
    return link.series_id == target.id and instance_content(target.content, link.original_start) is not None


def _given_up(ghost: Slot, with_: Circumstances) -> Edit:
    """A slot whose event another one has: it is no more, and there is nothing left for it to do."""
    gone = next(iter(ended([ghost], with_)), Edit(ghost, {}))
    slot = replace(gone.slot, google=None, base=None, sent=None, refetch=False, failure=None, hold_id=None)
    return Edit(replace(slot, version=ghost.version + 1, updated_at=with_.now), gone.changes)


def _way(carried: tuple[Slot, SeriesLink, SlotContent]) -> datetime:
    return original_instant(carried[1].original_start)


def _is_later(carried: tuple[Slot, SeriesLink, SlotContent]) -> bool:
    before = carried[0].series
    return before is not None and _way(carried) > original_instant(before.original_start)


def _place(link: SeriesLink | None) -> _Place:
    return None if link is None else (link.series_id, link.original_start)


def _carried_content(exception: Slot, after: SlotContent, move: Move) -> SlotContent:
    """What an exception holds in its new place: what it had not changed it takes from there."""
    assert exception.series is not None  # noqa: S101  # exceptions have their link
    start = exception.series.original_start
    before = instance_content(move.old, start)
    if before is None or exception.deleted_at is not None:
        return exception.content
    untouched = frozenset(FIELD_GROUPS) - exception.content.changed_groups(before)
    return exception.content.taking(untouched | move.overridden(start), after)


def _carried(exception: Slot, link: SeriesLink, after: SlotContent, move: Move, now: datetime) -> Slot:
    """The exception as one of another instance, which Google does not have yet."""
    content = _carried_content(exception, after, move)
    return replace(
        exception,
        series=link,
        content=content,
        base=after,
        google=None,
        sent=None,
        refetch=False,
        failure=None,
        hold_id=None,
        loop=NO_LOOP,
        quarantined_until=None,
        edited_at=dict.fromkeys(after.changed_groups(content), now),
        version=exception.version + 1,
        updated_at=now,
    )
