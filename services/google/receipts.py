"""What a browser keeps of a link that it has finished, so that loading the callback again tells the same."""

from __future__ import annotations

import hmac
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.core.accounts import AccountStatus
from services.core.errors import DecryptionError
from services.google.flows import FinishedFlow
from services.google.redeeming import hashed

if TYPE_CHECKING:
    from services.core.ports import Clock, SecretBox
    from services.core.storage import UnitOfWork

RECEIPT_LIFETIME: Final = timedelta(minutes=10)
"""Long enough for whoever reloads the page or goes back to it."""

_PURPOSE: Final = "oauth-receipt"


class Receipts:
    """Writes and reads receipts: sealed, for one browser and one `state`, and for a short time.

    Nothing is stored for them, and they allow nothing but to be told once more what the first answer told.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock, box: SecretBox) -> None:
        self._uow = uow
        self._clock = clock
        self._box = box

    def write(self, state: str, user_id: UUID, return_to: str | None, *, credentials_ended: bool) -> str:
        """A receipt, for a cookie of the browser that finished the flow."""
        expires_at = self._clock.now() + RECEIPT_LIFETIME
        facts = json.dumps([hashed(state), expires_at.isoformat(), return_to, credentials_ended])
        return f"{user_id.hex}.{self._box.seal(facts, purpose=_PURPOSE, user_id=user_id)}"

    async def read(self, receipt: str | None, state: str | None) -> FinishedFlow | None:
        """The flow that this browser finished with this `state` a moment ago.

        Returns:
            `None` when the receipt is none, of another flow, or too old, and when the account is no longer
            connected.
        """
        owner, _, sealed = (receipt or "").partition(".")
        try:
            user_id = UUID(hex=owner)
            facts = json.loads(self._box.open(sealed, purpose=_PURPOSE, user_id=user_id))
        except (ValueError, DecryptionError):
            return None
        state_hash, expires_at, return_to, credentials_ended = facts
        if not hmac.compare_digest(state_hash, hashed(state or "")):
            return None
        if self._clock.now() >= datetime.fromisoformat(expires_at):
            return None
        async with self._uow.reading() as tx:
            account = await tx.accounts.find(user_id)
        if account is None or account.status is not AccountStatus.CONNECTED:
            return None
        return FinishedFlow(user_id, account, return_to, account.subject, receipt or "", credentials_ended)
