"""Defects in reading what Google has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services import sync_missing, sync_pull, sync_sorting
from services.core.freshness import is_known
from services.sync_missing import MissingEvents
from services.sync_pull import Puller
from services.sync_sorting import PageSorter
from tests.simulation.mutants.kit import mutant

if TYPE_CHECKING:
    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("kill", "database_during", "google_edit")
def early_sync_token(patch: MonkeyPatch) -> None:
    """The sync token is stored before its page is taken in: a crash in between loses the page for ever."""
    right = Puller._apply

    async def hasty(self: Any, run: Any, page: Any, cursor: Any) -> None:
        if cursor.sync_token is not None and page.next_page_token is None:
            async with run.storing() as tx:
                run.move_to(cursor)
                await tx.calendars.save_progress(run.claim, run.calendar)
        await right(self, run, page, cursor)

    patch.setattr(Puller, "_apply", hasty)


@mutant("tokens_forgotten")
def refused_tokens_are_kept(patch: MonkeyPatch) -> None:
    """Google has forgotten the sync token, and is asked for changes since then for ever."""
    patch.setattr(sync_pull, "_is_token_refused", lambda _error: False)


@mutant("nothing_there", "tokens_forgotten")
def one_listing_is_believed(patch: MonkeyPatch) -> None:
    """What one listing lacks is deleted at once: an empty answer empties the calendar."""

    async def settle(self: Any, run: Any) -> bool:
        await self._drop_missing(run)
        return True

    patch.setattr(MissingEvents, "settle", settle)


@mutant()
def the_brake_is_off(patch: MonkeyPatch) -> None:
    """However much a listing lacks, it counts as deleted: a calendar that somebody emptied is empty here,
    too, and nobody was asked."""
    patch.setattr(sync_missing, "is_mass_deletion", lambda **_: False)


@mutant("tokens_forgotten", "google_delete")
def nothing_is_ever_missing(patch: MonkeyPatch) -> None:
    """What a full listing lacks is not looked for: what was deleted in Google stays in the app."""

    async def settle(self: Any, run: Any) -> bool:
        del self, run
        return True

    patch.setattr(MissingEvents, "settle", settle)


@mutant("google_reminders")
def etags_tell_everything(patch: MonkeyPatch) -> None:
    """What has the etag that is known is not looked at, though Google gives none for new reminders."""

    def known(slot: Any, event: Any) -> bool:
        return is_known(slot, event) or (slot.google is not None and slot.google.etag == event.copy.etag)

    patch.setattr(sync_sorting, "is_known", known)


@mutant("answer_lost", "kill", "create")
def own_events_are_new(patch: MonkeyPatch) -> None:
    """An event whose insert was never answered is not recognised in a listing: the app has it twice."""

    async def bound_only(self: Any, events: Any) -> Any:
        return await self._tx.slots.find_by_events(self._user_id, self._calendar_id, list(events))

    patch.setattr(PageSorter, "_find_bound", bound_only)


@mutant("google_delete")
def deletions_are_overlooked(patch: MonkeyPatch) -> None:
    """Tombstones among the changes are passed over: what was deleted in Google stays in the app."""
    right = PageSorter.sort

    async def sort(self: Any, events: Any) -> Any:
        return await right(self, [each for each in events if each.content is not None])

    patch.setattr(PageSorter, "sort", sort)
