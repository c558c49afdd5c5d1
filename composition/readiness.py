"""Whether a process can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from services.core.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    import asyncio

    from apscheduler.schedulers.asyncio import AsyncIOScheduler


class Answering(Protocol):
    """A store that can be asked whether it is there."""

    async def ping(self) -> None:
        """Ask for an answer.

        Raises:
            DatabaseUnavailableError: There was none.
        """


@dataclass(slots=True)
class Readiness:
    """Implements `api.container.Readiness`; what was never started is not running."""

    database: Answering
    scheduler: AsyncIOScheduler | None = None
    working: asyncio.Task[None] | None = None

    async def check(self) -> dict[str, str]:
        """What is wrong, by part; the migrations were checked at the start."""
        failing = {}
        try:
            await self.database.ping()
        except DatabaseUnavailableError:
            failing["database"] = "does not answer"
        if self.scheduler is None or not self.scheduler.running:
            failing["scheduler"] = "is not running"
        if self.working is None or self.working.done():
            failing["worker"] = "is not running"
        return failing
