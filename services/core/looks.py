"""What a look at the place of an exception tells: Google shows an instance there that may be none at all.

An instance that nobody has changed has no state of its own: it shows its series, whatever of it was to be
changed here, and no listing tells of it. So what is found there is compared with the series before it counts
as an edit of somebody, as proof of a write of ours, or as an exception to be bound to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.core.frozen import replace
from services.core.records import DELETION, Deletion
from services.core.series import instance_content

if TYPE_CHECKING:
    from services.core.events import RemoteEvent
    from services.core.records import Slot
    from services.core.slots import SlotContent


def looked_at(exception: Slot, series: Slot | None, event: RemoteEvent) -> Slot:
    """An exception before what Google has in its place is taken in.

    Where that is what the series has, nobody has edited the instance, so it is cancelled as it is; and one
    that was known as cancelled, and is there again with its place, becomes what it is here.
    """
    remote = event.content
    is_to_be_cancelled = exception.local is None and exception.dirty
    is_to_come_back = exception.local is not None and exception.base is None
    if exception.series is None or series is None or series.base is None:
        return exception
    if not is_to_be_cancelled and not is_to_come_back:
        return exception
    instance = instance_content(series.base, exception.series.original_start)
    if remote is None or (remote != instance and not _is_as_it_went(exception, instance, event)):
        return exception
    return replace(exception, base=remote)


def _is_as_it_went(exception: Slot, instance: SlotContent | None, event: RemoteEvent) -> bool:
    """Whether a series that came back brought what a deleted exception was when the series went.

    What had been agreed on of it is not known any more, but Google's version is (see `series.rebased`).
    """
    known = exception.google
    if known is None or exception.local is not None or exception.base != instance:
        return False
    return (known.etag, known.updated_at) == (event.copy.etag, event.copy.updated_at)


def is_beyond_its_series(exception: Slot, series: Slot | None) -> bool:
    """Whether what an instance shows may be of its series, which has changed and was not read since."""
    known = exception.google
    return series is not None and series.refetch and (known is None or known.only_looked_up)


def without_inherited_proof(exception: Slot, series: Slot | None, remote: SlotContent | None) -> Slot:
    """An exception before what Google has in its place is compared with a write that was never answered.

    A value that its series has there as well, or may have, shows in an instance that the write never reached.
    Where no other value tells that it arrived, it counts as one that did not, so that it is made again.
    """
    sent, base = exception.sent_content, exception.base
    if series is None or exception.series is None or exception.local is None:
        return exception
    if sent is None or base is None or remote is None:
        return exception
    start = exception.series.original_start
    contents = [each for each in (series.base, series.sent_content, series.local) if each is not None]
    instances = [each for content in contents if (each := instance_content(content, start)) is not None]
    for group in base.changed_groups(sent):
        ours = getattr(sent, group)
        if getattr(remote, group) == ours and all(getattr(each, group) != ours for each in instances):
            return exception
    return replace(exception, sent=DELETION if isinstance(exception.sent, Deletion) else None)


def unless_plain(before: Slot, after: Slot, series: Slot | None) -> Slot:
    """An exception after what Google has in its place was taken in.

    What does not differ from it any more may be no exception at all but what the series has, so there is
    nothing to be bound to; if it is one, it was written after the last listing, and the next one tells. What
    our own write made there is one.
    """
    if after.series is None or after.google is None:
        return after
    if after.local is None or after.dirty:
        is_instance = _is_only_looked_up(before, after, series)
        return replace(after, google=replace(after.google, only_looked_up=is_instance))
    if _is_listed(before, after):
        return after
    was_there = before.google is not None and not before.google.only_looked_up
    was_clean = was_there and before.local is not None and not before.dirty
    if was_clean and not _is_instance_again(before, after, series):
        return after
    return after if _is_written_by_us(before, after, series) else replace(after, google=None)


def unless_only_looked_up(slot: Slot) -> Slot:
    """A slot after an edit: what is as its series has it again, and was never more at Google, follows that.

    Nothing is to be bound to then.
    """
    google = slot.google
    if google is None or not google.only_looked_up or slot.local is None or slot.needs_attention:
        return slot
    return replace(slot, google=None)


def _is_only_looked_up(before: Slot, after: Slot, series: Slot | None) -> bool:
    """Whether what was found is what the series has, and nothing ever told that it is more than that."""
    if before.google is not None and not before.google.only_looked_up:
        return False
    if after.base is None or after.series is None or series is None or series.base is None:
        return False
    return after.base == instance_content(series.base, after.series.original_start)


def _is_listed(before: Slot, after: Slot) -> bool:
    """Whether Google's copy is the one that is known, so that no later listing tells of it."""
    known, seen = before.google, after.google
    if known is None or seen is None or known.only_looked_up:
        return False
    return known.etag == seen.etag


def _is_written_by_us(before: Slot, after: Slot, series: Slot | None) -> bool:
    """Whether a write whose outcome was unknown has made an exception: its series has not what is there."""
    sent = before.sent_content
    if sent is None or series is None or series.base is None:
        return False
    assert after.series is not None  # noqa: S101  # that is why it is asked
    instance = instance_content(series.base, after.series.original_start)
    if instance is None:
        return False
    ours = instance.changed_groups(sent)
    return any(getattr(after.content, group) == getattr(sent, group) for group in ours)


def _is_instance_again(before: Slot, after: Slot, series: Slot | None) -> bool:
    """Whether another event stands where an exception was, and is what the series has there."""
    if before.google is None or after.google is None or before.google.etag == after.google.etag:
        return False
    if series is None or series.base is None or after.series is None:
        return False
    return after.content == instance_content(series.base, after.series.original_start)
