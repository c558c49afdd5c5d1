"""Sealed secrets open in their place and nowhere else."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.errors import DecryptionError
from services.token_vault import TokenVault
from tests.google.world import CountingIds

ADA, BOB = UUID(int=1), UUID(int=2)
VAULT = TokenVault.from_secrets("a secret", ids=CountingIds())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_in_its_place(secret: str) -> None:
    sealed = VAULT.seal(secret, purpose="token", user_id=ADA)

    assert VAULT.open(sealed, purpose="token", user_id=ADA) == secret
    assert sealed.startswith("v1.")
    assert sealed.isascii()


@pytest.mark.parametrize(("purpose", "user_id"), [("token", BOB), ("verifier", ADA)])
def test_a_ciphertext_that_was_moved_does_not_open(purpose: str, user_id: UUID) -> None:
    sealed = VAULT.seal("secret", purpose="token", user_id=ADA)

    with pytest.raises(DecryptionError):
        VAULT.open(sealed, purpose=purpose, user_id=user_id)


def test_equal_secrets_are_sealed_differently() -> None:
    assert len({VAULT.seal("secret", purpose="token", user_id=ADA) for _ in range(50)}) == 50


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_ciphertext_does_not_open(position: int, character: str) -> None:
    sealed = VAULT.seal("a secret of some length", purpose="token", user_id=ADA)
    position %= len(sealed)
    changed = sealed[:position] + character + sealed[position + 1 :]

    if changed != sealed:
        try:
            # The last bits of a base64url text may not count; all others do.
            assert VAULT.open(changed, purpose="token", user_id=ADA) == "a secret of some length"
            assert position == len(sealed) - 1 or sealed[position + 1] == "."
        except DecryptionError:
            pass


@pytest.mark.parametrize(
    "sealed", ["", "v1", "v2.a.b.c", "v1.unknown.b.c", "a.b.c.d.e", "v1...", "plain text"]
)
def test_nonsense_does_not_open(sealed: str) -> None:
    with pytest.raises(DecryptionError):
        VAULT.open(sealed, purpose="token", user_id=ADA)


def test_keys_rotate() -> None:
    sealed = VAULT.seal("secret", purpose="token", user_id=ADA)
    rotated = TokenVault.from_secrets("a new secret", "a secret", ids=CountingIds())

    assert rotated.open(sealed, purpose="token", user_id=ADA) == "secret"
    assert not rotated.is_current(sealed)
    again = rotated.seal("secret", purpose="token", user_id=ADA)
    assert rotated.is_current(again)
    with pytest.raises(DecryptionError):
        VAULT.open(again, purpose="token", user_id=ADA)


def test_a_vault_needs_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        TokenVault.from_secrets("", ids=CountingIds())


def test_a_failure_tells_no_secret() -> None:
    sealed = VAULT.seal("the secret itself", purpose="token", user_id=ADA)

    with pytest.raises(DecryptionError) as caught:
        VAULT.open(sealed, purpose="token", user_id=BOB)

    assert sealed not in str(caught.value)
    assert "the secret itself" not in str(caught.value)
