"""Ids and secrets, drawn so that the same seed and the same requests give the same answers.

Each concern has its own stream: the n-th value is a hash of seed, concern and n. Only n
is state, so a stream goes on where it stopped when the simulator is started again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from sandbox.store import Journal


class Mint:
    """The only source of chance in the simulator."""

    kind = "mint"

    def __init__(self, seed: int, journal: Journal) -> None:
        self.seed = seed
        self._journal = journal
        self._drawn: dict[str, int] = {}
        self._signer = hashlib.blake2b(key=str(seed).encode()[:64], digest_size=6)

    def octets(self, concern: str, size: int) -> bytes:
        """The next bytes of a concern's stream."""
        count = self._drawn.get(concern, 0) + 1
        self._drawn[concern] = count
        self._journal.put(self.kind, concern, count)
        return hashlib.shake_128(f"{self.seed}/{concern}/{count}".encode()).digest(size)

    def token(self, concern: str, size: int = 32) -> str:
        """A URL-safe secret of `size` bytes."""
        return base64.urlsafe_b64encode(self.octets(concern, size)).rstrip(b"=").decode()

    def hex(self, concern: str, size: int) -> str:
        """A hexadecimal id of `size` bytes."""
        return self.octets(concern, size).hex()

    def event_id(self) -> str:
        """An event id as the server makes them: 26 characters of lower-case base32hex.

        Source: captured events.
        """
        return base64.b32hexencode(self.octets("event-id", 17))[:26].decode().lower()

    def below(self, concern: str, bound: int) -> int:
        """A number in [0, bound)."""
        return int.from_bytes(self.octets(concern, 8), "big") % bound

    def sign(self, text: bytes) -> str:
        """A short checksum that only this seed produces, to tell own tokens from others'."""
        signer = self._signer.copy()
        signer.update(text)
        return base64.urlsafe_b64encode(signer.digest()).decode()

    def restore(self, key: str, value: bytes) -> None:
        """Take over a stored row."""
        self._drawn[key] = orjson.loads(value)
