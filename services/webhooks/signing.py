"""Signatures of Standard Webhooks: HMAC-SHA256 over id, time and body.

Source: the Standard Webhooks specification (github.com/standard-webhooks/standard-webhooks), "Signature
scheme".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from services.core.ports import Ids

PREFIX: Final = "whsec_"


def new_secret(ids: Ids) -> str:
    """A secret as its holder gets it: 256 bits in base64, with the prefix that tells what it is."""
    # Hashing makes whatever text the source of randomness gives into bytes of the right length.
    drawn = hashlib.sha256(ids.secret().encode()).digest()
    return f"{PREFIX}{base64.b64encode(drawn).decode()}"


def signed_headers(*, secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The header fields of a message."""
    timestamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, b".".join((message_id.encode(), timestamp.encode(), body)), hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
