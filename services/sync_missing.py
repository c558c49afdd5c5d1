"""What a complete listing lacks: looked at again, held, or taken as deleted.

One listing is never believed alone. A few missing events are looked up one by one, and one that is there
after all convicts the listing, which may lack new events too; many are listed a second time, and so is an
empty calendar; and when too many stay missing, a person decides.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from services.core.calendars import Cursor, HoldRecord
from services.core.errors import FailureClass, VendorError
from services.core.frozen import replace
from services.core.guard import is_mass_deletion
from services.core.intake import take_in, take_in_absence
from services.sync_run import count_pulled, where
from services.sync_series import compared_with_its_series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.core.events import RemoteEvent
    from services.core.ports import Calendars
    from services.core.records import Slot
    from services.sync_run import CalendarRun

_log = logging.getLogger(__name__)
_BATCH = 500


def begin_listing(run: CalendarRun, *, suspect_missing: int = 0) -> None:
    """Go to the start of another full listing."""
    listing = run.calendar.cursor.listing + 1
    run.move_to(Cursor(listing=listing, suspect_missing=suspect_missing))
    run.calendar = replace(run.calendar, progress=None)


class MissingEvents:
    """Settles what is missing from a full listing."""

    def __init__(self, *, calendars: Calendars) -> None:
        self._calendars = calendars

    async def settle(self, run: CalendarRun) -> bool:
        """Deal with what a complete listing lacked; `False` when everything must be listed once more."""
        user_id, calendar_id, cursor = run.claim.user_id, run.claim.calendar_id, run.calendar.cursor
        async with run.uow.reading() as tx:
            missing = await tx.slots.count_missing(user_id, calendar_id, listing=cursor.listing)
            known = await tx.slots.count_known(user_id, calendar_id) if missing else 0
        suspicious = not cursor.suspect_missing
        if suspicious and run.calendar.progress is None:
            begin_listing(run, suspect_missing=max(missing, 1))
            return False
        if not missing:
            return True
        if missing <= run.policy.confirm_one_by_one and not is_mass_deletion(
            missing=missing, known=known, policy=run.policy.brake
        ):
            if await self._confirm_one_by_one(run) or not suspicious:
                return True
            _log.warning("an event was missing that is there, listing again", extra=where(run))
            begin_listing(run, suspect_missing=missing)
            return False
        if suspicious:
            _log.warning("%d of %d events missing, listing again", missing, known, extra=where(run))
            begin_listing(run, suspect_missing=missing)
            return False
        if is_mass_deletion(missing=missing, known=known, policy=run.policy.brake):
            await self._hold(run, missing=missing, known=known)
        else:
            await self._drop_missing(run)
        return True

    async def _confirm_one_by_one(self, run: CalendarRun) -> bool:
        """Look each missing event up; `True` when all of them are gone indeed."""
        all_gone = True
        user_id, calendar_id = run.claim.user_id, run.claim.calendar_id
        async with run.uow.reading() as tx:
            missing = await tx.slots.missing_from(
                user_id, calendar_id, listing=run.calendar.cursor.listing, limit=None
            )
        for candidate in missing:
            assert candidate.google is not None  # noqa: S101  # missing slots have a copy by definition
            if _is_elsewhere(candidate):
                await self._look_for_later(run, [candidate])
                continue
            try:
                event = await self._look_up(run, candidate.google.event_id)
            except VendorError as error:
                if error.failure is not FailureClass.PERMANENT:
                    raise
                # It may be there, though it cannot be understood or shown: what is known of it stays, and
                # since no listing would tell of it again, it is looked at later.
                _log.warning("missing event cannot be read: %s", error, extra=where(run))
                await self._look_for_later(run, [candidate])
                continue
            all_gone = all_gone and (event is None or event.content is None)
            now = run.clock.now()
            async with run.storing() as tx:
                slot = await tx.slots.find(user_id, candidate.id)
                if slot is None or slot.google is None:
                    continue
                slot = replace(slot, seen_listing=run.calendar.cursor.listing)
                intake = (
                    take_in(
                        await compared_with_its_series(tx, slot, event),
                        event,
                        now=now,
                        clock_ahead=self._calendars.clock_ahead(),
                        policy=run.policy.loop,
                    )
                    if event is not None
                    else take_in_absence(slot, now=now, policy=run.policy.loop)
                )
                followed = await run.store(tx, [intake], now=now)
                count_pulled(run, [intake, *followed])
        return all_gone

    async def _look_up(self, run: CalendarRun, event_id: str) -> RemoteEvent | None:
        try:
            return await self._calendars.get(run.claim.user_id, run.claim.calendar_id, event_id)
        except VendorError as error:
            if error.failure is FailureClass.INVALID_STATE:
                return None
            raise

    async def _look_for_later(self, run: CalendarRun, slots: Sequence[Slot]) -> None:
        """Have the push phase look; what is on its way to another calendar is not missing, say."""
        async with run.storing() as tx:
            fresh = await tx.slots.find_many(run.claim.user_id, [slot.id for slot in slots])
            # Clients see them waiting.
            await tx.slots.save([self._to_look_for(run, slot) for slot in fresh.values()])

    @staticmethod
    def _to_look_for(run: CalendarRun, slot: Slot) -> Slot:
        return replace(slot, seen_listing=run.calendar.cursor.listing, refetch=True)

    async def _drop_missing(self, run: CalendarRun) -> None:
        user_id, calendar_id = run.claim.user_id, run.claim.calendar_id
        while True:
            now = run.clock.now()
            async with run.storing() as tx:
                missing = await tx.slots.missing_from(
                    user_id, calendar_id, listing=run.calendar.cursor.listing, limit=_BATCH
                )
                if not missing:
                    return
                elsewhere = [slot for slot in missing if _is_elsewhere(slot)]
                await tx.slots.save_silently([self._to_look_for(run, slot) for slot in elsewhere])
                gone = [slot for slot in missing if not _is_elsewhere(slot)]
                intakes = [take_in_absence(slot, now=now, policy=run.policy.loop) for slot in gone]
                followed = await run.store(tx, intakes, now=now)
                count_pulled(run, [*intakes, *followed])

    async def _hold(self, run: CalendarRun, *, missing: int, known: int) -> None:
        """Keep the slots and ask a person."""
        now = run.clock.now()
        hold = HoldRecord(
            id=run.ids.uuid(),
            user_id=run.claim.user_id,
            calendar_id=run.claim.calendar_id,
            held=missing,
            known=known,
            at=now,
        )
        _log.warning("deletion of %d of %d events held", missing, known, extra=where(run))
        async with run.storing() as tx:
            slots = await tx.slots.missing_from(
                run.claim.user_id, run.claim.calendar_id, listing=run.calendar.cursor.listing, limit=None
            )
            await tx.holds.add(hold)
            for start in range(0, len(slots), _BATCH):
                await tx.slots.save(
                    [replace(slot, hold_id=hold.id) for slot in slots[start : start + _BATCH]]
                )


def _is_elsewhere(slot: Slot) -> bool:
    """Whether no listing need show the event here: it may have moved, or be an instance as any."""
    return slot.moving_to is not None or (slot.google is not None and slot.google.only_looked_up)
