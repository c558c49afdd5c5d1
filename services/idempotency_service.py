"""Carries out a request once, however often it comes.

The first arrival of a key stores its record, does the work and stores the answer, all in one transaction. A
repetition that comes meanwhile waits for that transaction and then finds the answer; one that comes after it
failed is the first arrival itself, since nothing of a failure is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import orjson

from services.core.errors import (
    DecryptionError,
    IdempotencyAnswerLostError,
    IdempotencyKeyReusedError,
)
from services.core.idempotency import KEPT, Attempt, IdempotencyRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from services.core.ports import Clock, SecretBox
    from services.joined_transactions import JoinedUnitOfWork
    from services.signals import Signals

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client got, or is to get."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Outcome(Generic[_Value]):
    """What became of an attempt."""

    answer: Answer
    value: _Value | None
    """What the work came to; `None`: it was done before, and `answer` is the one that was given then."""


class IdempotencyService:
    """Keeps answers for a day."""

    def __init__(self, *, uow: JoinedUnitOfWork, clock: Clock, box: SecretBox, signals: Signals) -> None:
        self._uow = uow
        self._clock = clock
        self._box = box
        self._signals = signals

    async def once(
        self,
        attempt: Attempt,
        work: Callable[[], Awaitable[_Value]],
        shape: Callable[[_Value], Answer],
    ) -> Outcome[_Value]:
        """Do the work, unless it was done before; whatever it raises undoes all of it, and is not kept.

        Args:
            attempt: The request.
            work: Writes; must not wait for anything but the database.
            shape: Makes the answer that is kept.

        Raises:
            IdempotencyKeyReusedError: The key came with another request before.
            IdempotencyAnswerLostError: It was done, but the key that the answer was encrypted with is gone.
        """
        now = self._clock.now()
        record = IdempotencyRecord(
            attempt.scope, attempt.route, attempt.key, attempt.fingerprint, "", now, now + KEPT
        )
        async with self._uow.together() as tx:
            earlier = await tx.idempotency.claim(record)
            if earlier is not None:
                return Outcome(self._answer_of(earlier, attempt), None)
            value = await work()
            answer = shape(value)
            await tx.idempotency.set_answer(self._with_answer(record, answer))
        # The services said so already, but before anybody else could see it.
        self._signals.calendar_due()
        self._signals.user_changed(attempt.scope)
        return Outcome(answer, value)

    async def amend(self, attempt: Attempt, answer: Answer) -> None:
        """Keep another answer, because the client gets a better one: it waited for what came of the work."""
        now = self._clock.now()
        record = IdempotencyRecord(attempt.scope, attempt.route, attempt.key, "", "", now, now)
        async with self._uow() as tx:
            await tx.idempotency.set_answer(self._with_answer(record, answer))

    async def sweep(self) -> None:
        """Forget answers that nobody can ask for any more."""
        async with self._uow() as tx:
            await tx.idempotency.remove_expired(self._clock.now())

    def _with_answer(self, record: IdempotencyRecord, answer: Answer) -> IdempotencyRecord:
        text = orjson.dumps([answer.status, dict(answer.headers), answer.body]).decode()
        sealed = self._box.seal(text, purpose=_purpose(record), user_id=record.user_id)
        return replace(record, answer=sealed)

    def _answer_of(self, record: IdempotencyRecord, attempt: Attempt) -> Answer:
        if record.fingerprint != attempt.fingerprint:
            raise IdempotencyKeyReusedError
        try:
            text = self._box.open(record.answer, purpose=_purpose(record), user_id=record.user_id)
        except DecryptionError:
            raise IdempotencyAnswerLostError from None
        status, headers, body = orjson.loads(text)
        return Answer(status, headers, body)


def _purpose(record: IdempotencyRecord) -> str:
    return f"answer|{record.route}|{record.key}"
