"""Defects in how users are erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from persistence.memory.calendars import MemoryCalendarSyncRepository
from persistence.memory.state import Workspace
from services.channel_service import ChannelService
from services.connection_service import ConnectionService
from services.core.calendars import CalendarStatus
from services.core.errors import LeaseLostError
from tests.simulation.mutants.kit import mutant

if TYPE_CHECKING:
    from uuid import UUID

    from pytest import MonkeyPatch  # noqa: PT013  # the name alone


@mutant("erase", "google_edit", "ask_for_sync", users=2)
def runs_outlive_their_users(patch: MonkeyPatch) -> None:
    """A run that was under way when its user was erased goes on, and stores what it finds."""
    right, right_held = Workspace.to_write, MemoryCalendarSyncRepository._held

    def to_write(self: Any, table: str, user_id: UUID) -> Any:
        if user_id not in self._tables["users"]:
            self._table_to_write(table).setdefault(user_id, {})
        return right(self, table, user_id)

    def held(self: Any, claim: Any) -> Any:
        try:
            return right_held(self, claim)
        except LeaseLostError:
            known = self._workspace.of("calendars", claim.user_id).get(claim.calendar_id)
            if known is not None and known.status is CalendarStatus.ACTIVE:
                raise
            return known or claim.calendar

    patch.setattr(Workspace, "to_write", to_write)
    patch.setattr(MemoryCalendarSyncRepository, "_held", held)


@mutant("erase", users=2)
def grants_outlive_their_users(patch: MonkeyPatch) -> None:
    """Google is not told that the grant of who is erased is over: whoever has its token reads on."""

    async def keep(self: Any, account: Any) -> None:
        del self, account

    patch.setattr(ConnectionService, "_revoke", keep)


@mutant("erase", users=2, webhooks=True)
def channels_outlive_their_users(patch: MonkeyPatch) -> None:
    """Google is not told that nobody listens any more: it goes on telling of a calendar whose owner left."""

    async def keep(self: Any, user_id: UUID) -> None:
        del self, user_id

    patch.setattr(ChannelService, "stop_all", keep)
