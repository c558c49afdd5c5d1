"""One calendar at a time: claim, fetch, reconcile, apply, push, release.

Level-triggered: a run compares what is with what is, whatever woke it. A trigger that comes during the run
moves the calendar's `dirty_seq`, and the release then makes it due again at once.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from services.core.calendars import CALENDAR_GONE, LONG_AGO, SyncError
from services.core.errors import (
    DatabaseUnavailableError,
    DomainError,
    FailureClass,
    GoogleNotConnectedError,
    LeaseLostError,
    ReauthorisationRequiredError,
    VendorError,
)
from services.core.frozen import replace
from services.core.retry import RetryAt, next_attempt, spread
from services.sync_pull import Puller
from services.sync_push import Pusher
from services.sync_run import CalendarRun, where

if TYPE_CHECKING:
    from services.core.calendars import CalendarSync, Claim
    from services.core.policy import SyncPolicy
    from services.core.ports import Calendars, Clock, Ids
    from services.core.storage import UnitOfWork
    from services.signals import Signals

_log = logging.getLogger(__name__)
_REFUSED_RUN = timedelta(minutes=15)
"""How long a calendar rests that Google refuses as a whole."""
_UNFINISHED = timedelta(seconds=1)
"""How soon a run follows one that left slots due."""


class SyncEngine:
    """Runs claimed calendars."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        calendars: Calendars,
        clock: Clock,
        ids: Ids,
        policy: SyncPolicy,
        signals: Signals,
        replica: str,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._ids = ids
        self._policy = policy
        self._signals = signals
        self._replica = replica
        self._puller = Puller(calendars=calendars)
        self._pusher = Pusher(calendars=calendars)

    async def claim(self) -> Claim | None:
        """Lease the calendar that has waited longest; `None` when none is due."""
        now = self._clock.now()
        async with self._uow() as tx:
            return await tx.calendars.claim(
                owner=self._replica, now=now, lease_until=now + self._policy.lease
            )

    async def next_due_at(self) -> datetime | None:
        """When the next calendar becomes due."""
        async with self._uow.reading() as tx:
            return await tx.calendars.next_due_at()

    async def run(self, claim: Claim) -> None:
        """Bring one claimed calendar up to date and give the lease back; failures are stored, not raised."""
        run = CalendarRun(
            claim=claim,
            calendar=claim.calendar,
            uow=self._uow,
            clock=self._clock,
            ids=self._ids,
            policy=self._policy,
            started_at=self._clock.now(),
        )
        try:
            pulled, next_push = await self._work(run)
            await self._release_done(run, pulled=pulled, next_push=next_push)
        except LeaseLostError:
            _log.info("lease lost, results discarded", extra=where(run))
        except (ReauthorisationRequiredError, GoogleNotConnectedError) as error:
            _log.info("account cannot be used: %s", type(error).__name__, extra=where(run))
            # A new link makes the calendar due again at once.
            failure = SyncError(_slug(error), str(error), self._clock.now())
            await self._release_failed(run, failure, self._clock.now() + _REFUSED_RUN)
        except VendorError as error:
            await self._release_refused(run, error)
        except DatabaseUnavailableError:
            # Nothing can be stored now; the lease runs out by itself.
            _log.warning("database unavailable, run abandoned", extra=where(run))
        except asyncio.CancelledError:
            await asyncio.shield(self._release_interrupted(run))
            raise
        except Exception as error:  # noqa: BLE001  # one odd calendar never stops the others
            _log.exception("run failed", extra=where(run))
            failure = SyncError("internal-error", type(error).__name__, self._clock.now())
            await self._release_failed(run, failure, self._clock.now() + _REFUSED_RUN)
        finally:
            self._signals.user_changed(claim.user_id)

    async def _work(self, run: CalendarRun) -> tuple[bool, datetime | None]:
        """Whether Google's changes were read, and when the next slot is to be pushed."""
        if run.calendar.pull_due_at <= run.started_at:
            await self._pull(run)
        next_push = await self._pusher.push(run)
        if run.behind:
            await self._pull(run)
            next_push = await self._pusher.push(run)
        return run.pulled, next_push

    async def _pull(self, run: CalendarRun) -> None:
        await self._puller.pull(run)
        run.google_answered = run.listed = run.pulled = True
        run.behind.clear()

    async def _release_done(self, run: CalendarRun, *, pulled: bool, next_push: datetime | None) -> None:
        now = self._clock.now()
        pull_due_at = run.calendar.pull_due_at
        if pulled:
            notified_until = run.claim.notified_until
            is_notified = notified_until is not None and notified_until > now
            interval = self._policy.fallback if is_notified else self._policy.polling
            pull_due_at = now + spread(interval, share=self._policy.spread, jitter=self._ids.jitter())
        due_at = pull_due_at
        if next_push is not None:
            due_at = min(due_at, max(next_push, now + _UNFINISHED))
        await self._release(
            run,
            replace(
                run.calendar,
                due_at=due_at,
                pull_due_at=pull_due_at,
                done_seq=run.claim.calendar.dirty_seq,
                attempts=0,
                not_before=LONG_AGO,
                last_error=None,
                last_success_at=now if pulled else run.calendar.last_success_at,
            ),
        )

    async def _release_refused(self, run: CalendarRun, error: VendorError) -> None:
        now = self._clock.now()
        verdict = next_attempt(error, run.calendar.attempts + 1, now, jitter=self._ids.jitter())
        retry_at = verdict.at if isinstance(verdict, RetryAt) else now + _REFUSED_RUN
        reason = error.reason or (f"http-{error.status}" if error.status else "google-unreachable")
        if error.failure is FailureClass.INVALID_STATE:
            # What is said of a single event never comes as far as this.
            reason = CALENDAR_GONE
        _log.warning("google refused the run: %s", error, extra=where(run))
        await self._release_failed(run, SyncError(reason, error.message, now), retry_at)

    async def _release_failed(self, run: CalendarRun, error: SyncError, retry_at: datetime) -> None:
        await self._release(
            run,
            replace(
                run.calendar,
                due_at=retry_at,
                not_before=retry_at,
                done_seq=run.claim.calendar.dirty_seq,
                attempts=run.calendar.attempts + 1,
                last_error=error,
            ),
        )

    async def _release_interrupted(self, run: CalendarRun) -> None:
        """Give the lease back at once, so that another worker need not wait for it to run out."""
        await self._release(run, replace(run.calendar, due_at=self._clock.now()))

    async def _release(self, run: CalendarRun, calendar: CalendarSync) -> None:
        try:
            async with self._uow() as tx:
                await tx.calendars.release(run.claim, calendar, now=self._clock.now())
        except LeaseLostError:
            _log.info("lease lost before release", extra=where(run))
        except DatabaseUnavailableError:
            _log.warning("database unavailable, lease left to run out", extra=where(run))


def _slug(error: DomainError) -> str:
    return (
        "reauthorisation-required"
        if isinstance(error, ReauthorisationRequiredError)
        else "google-not-connected"
    )
