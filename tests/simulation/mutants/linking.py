"""Defects in the life of a connection."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from persistence.memory.state import Workspace
from services import connection_service, token_service
from services.bindings import unbound
from services.connection_service import ConnectionService
from services.core.accounts import AccountStatus
from services.core.errors import VendorError
from services.google.calls import GoogleCalls
from services.token_service import TokenService
from tests.simulation.mutants.kit import mutant, used_by

if TYPE_CHECKING:
    from uuid import UUID

    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("disconnect", "relink")
def disconnecting_keeps_late_cursors(patch: MonkeyPatch) -> None:
    """What a new link has listed while the old one was ended is not forgotten: what is deleted here then is
    never listed again."""
    right = used_by(connection_service, "forget_cursors")

    async def forget_once(tx: Any, user_id: UUID) -> None:
        account = await tx.accounts.find(user_id)
        if account.status is not AccountStatus.DISCONNECTED:
            await right(tx, user_id)

    patch.setattr(connection_service, "forget_cursors", forget_once)


@mutant("disconnect", "relink")
def disconnecting_keeps_cursors(patch: MonkeyPatch) -> None:
    """A new link goes on where the old one ended: what was deleted here in between is never listed again."""

    async def forget_nothing(tx: Any, user_id: UUID) -> None:
        del tx, user_id

    patch.setattr(connection_service, "forget_cursors", forget_nothing)


@mutant("disconnect", "answer_lost")
def purges_are_not_noted(patch: MonkeyPatch) -> None:
    """What is removed from Google at the end of a connection is not noted first: when the answer is lost,
    the next link takes it for a deletion of the user's."""

    async def purge(self: Any, user_id: UUID, slot_id: UUID) -> None:
        async with self._uow.reading() as tx:
            slot = await tx.slots.find(user_id, slot_id)
        if slot is None or slot.google is None:
            return
        try:
            await self._calendars.delete(
                user_id,
                slot.calendar_id,
                event_id=slot.google.event_id,
                etag=slot.google.etag,
                notify="none",
            )
        except VendorError:
            return
        async with self._uow() as tx:
            await tx.users.lock(user_id)
            current = await tx.slots.find(user_id, slot_id)
            if current is not None:
                await tx.slots.save([unbound(current)])

    patch.setattr(ConnectionService, "_purge", purge)


@mutant("access_expires")
def refused_tokens_are_used_again(patch: MonkeyPatch) -> None:
    """An access token that Google refuses is used on and on: nothing works any more."""
    patch.setattr(TokenService, "invalidate", lambda *_: None)
    patch.setattr(token_service, "STALE_BEFORE_EXPIRY", timedelta(days=-30))


@mutant("revoke", "edit", "ask_for_sync")
def dead_grants_are_tried_again(patch: MonkeyPatch) -> None:
    """That Google refuses a grant for good is told to whoever waits and not remembered: it is asked for
    tokens of it for ever."""

    async def forget(self: Any, account: Any) -> bool:
        del self, account
        return True

    patch.setattr(TokenService, "_require_reauthorisation", forget)


@mutant()
def tokens_are_anybodys(patch: MonkeyPatch) -> None:
    """An access token serves whoever asks next: one user's events go to another one."""
    right = GoogleCalls._token
    first: dict[int, Any] = {}

    async def token(self: Any, user_id: UUID, units: int) -> str:
        return await right(self, first.setdefault(id(self), user_id), units)

    patch.setattr(GoogleCalls, "_token", token)


@mutant("relink", "disconnect")
def links_begin_with_the_next_poll(patch: MonkeyPatch) -> None:
    """A new link makes nothing due."""
    from persistence.memory.calendars import MemoryCalendarSyncRepository
    from services.core.calendars import CalendarStatus

    right = MemoryCalendarSyncRepository.set_status

    async def set_status(self: Any, user_id: UUID, status: Any, **more: Any) -> None:
        if status is not CalendarStatus.ACTIVE:
            await right(self, user_id, status, **more)

    patch.setattr(MemoryCalendarSyncRepository, "set_status", set_status)


@mutant("erase", users=2)
def erasing_leaves_answers(patch: MonkeyPatch) -> None:
    """Who is erased is known still by the answers that are kept for requests sent again."""
    right = Workspace.erase

    def forgetful(self: Any, user_id: UUID) -> None:
        answers = dict(self.of("idempotency", user_id))
        right(self, user_id)
        if answers:
            self.to_write("idempotency", user_id).update(answers)

    patch.setattr(Workspace, "erase", forgetful)
