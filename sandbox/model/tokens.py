"""Page tokens and sync tokens: opaque to clients, a position and its context to Google.

Source: Calendar API guide, 'Synchronize resources efficiently'.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from sandbox.model.mint import Mint


class TokenCodec:
    """Writes tokens and recognises its own."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint

    def write(self, kind: str, scope: str, *facts: Any) -> str:
        """A token of a kind (`page`, `sync`) for one listing (`scope`)."""
        text = orjson.dumps([kind, self._mint.sign(scope.encode()), *facts])
        return base64.urlsafe_b64encode(self._mint.sign(text).encode() + text).decode()

    def read(self, token: str, kind: str, scope: str) -> list[Any] | None:
        """The facts in a token; `None` when it is garbage or belongs elsewhere."""
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except (binascii.Error, ValueError):
            return None
        signature, text = raw[:8], raw[8:]
        if self._mint.sign(text).encode() != signature:
            return None
        facts = orjson.loads(text)
        if facts[:2] != [kind, self._mint.sign(scope.encode())]:
            return None
        return list(facts[2:])
