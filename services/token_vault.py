"""Secrets at rest: AES-256-GCM, bound to what they are and whose they are.

Stored as `v1.<key id>.<nonce>.<ciphertext>` in base64url. The associated data name the version, the key,
the purpose and the user, so that a ciphertext copied to another user's row, or into another column, does not
open. The first key of the ring encrypts, all decrypt; keys are derived from the service's secret keys.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.core.errors import DecryptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from services.core.ports import Ids

_VERSION: Final = "v1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY_ID_BYTES: Final = 6


class TokenVault:
    """Implements `services.core.ports.SecretBox`."""

    def __init__(self, *, keys: Sequence[bytes], ids: Ids) -> None:
        """Hold a keyring.

        Args:
            keys: 32 bytes each, the one that encrypts first.
            ids: Where nonces are drawn from.
        """
        if not keys:
            raise ValueError("a vault needs a key")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])
        self._ids = ids

    @classmethod
    def from_secrets(cls, secret_key: str, *previous: str, ids: Ids) -> Self:
        """Derive the keyring from the service's secret key and the ones it replaced."""
        return cls(keys=[_derived(secret) for secret in (secret_key, *previous) if secret], ids=ids)

    def seal(self, secret: str, *, purpose: str, user_id: UUID) -> str:
        """Encrypt for one place."""
        # Hashing makes whatever text the source of randomness gives into a nonce of the right length.
        nonce = hashlib.sha256(self._ids.secret().encode()).digest()[:_NONCE_BYTES]
        context = _context(self._current, purpose, user_id)
        sealed = self._ciphers[self._current].encrypt(nonce, secret.encode(), context)
        return f"{_VERSION}.{self._current}.{_encoded(nonce)}.{_encoded(sealed)}"

    def open(self, sealed: str, *, purpose: str, user_id: UUID) -> str:
        """Decrypt in the same place."""
        match sealed.split("."):
            case [version, key_id, nonce, ciphertext] if version == _VERSION and key_id in self._ciphers:
                context = _context(key_id, purpose, user_id)
                try:
                    opened = self._ciphers[key_id].decrypt(_decoded(nonce), _decoded(ciphertext), context)
                    return opened.decode()
                except (InvalidTag, ValueError):
                    raise DecryptionError(f"{purpose} of {user_id} does not open") from None
        raise DecryptionError(f"{purpose} of {user_id} was sealed with a key that is not known")

    @property
    def current_key_id(self) -> str:
        """The id of the key that encrypts now; it tells nothing about the key."""
        return self._current

    @property
    def current_prefix(self) -> str:
        """With this begins whatever is sealed now, and nothing that another key sealed."""
        return f"{_VERSION}.{self._current}."

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the key that encrypts now; others are to be sealed again."""
        return sealed.startswith(self.current_prefix)


def _derived(secret: str) -> bytes:
    return HKDF(
        algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=b"calendar-sync/token-vault/v1"
    ).derive(secret.encode())


def _key_id(key: bytes) -> str:
    return _encoded(hashlib.sha256(b"key id of " + key).digest()[:_KEY_ID_BYTES])


def _context(key_id: str, purpose: str, user_id: UUID) -> bytes:
    return f"{_VERSION}|{key_id}|{user_id}|{purpose}".encode()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
