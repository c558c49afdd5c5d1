"""What a session's secret is worth, and how credentials are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.core.accounts import Session
from services.core.credentials import (
    KEY_PREFIX,
    NO_SECRET,
    NOBODYS_ID,
    SESSION_PREFIX,
    SessionPolicy,
    Verdict,
    hash_secret,
    judge,
    read_credential,
    rotated,
    used,
    write_credential,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
POLICY = SessionPolicy()
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST, SECOND_SECRET = hash_secret("first"), hash_secret("second")
SESSION = Session(
    id=UUID(int=7),
    user_id=UUID(int=1),
    secret_hash=FIRST,
    created_at=NOW,
    rotated_at=NOW,
    last_used_at=NOW,
    expires_at=POLICY.expiry(NOW, NOW),
)


def verdict(session: Session | None, secret_hash: str, at: datetime) -> Verdict:
    return judge(session, secret_hash, now=at, policy=POLICY)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (timedelta(0), Verdict.FRESH),
        (POLICY.noting - SECOND, Verdict.FRESH),
        (POLICY.noting, Verdict.NOTED),
        (POLICY.rotation - SECOND, Verdict.NOTED),
        (POLICY.rotation, Verdict.ROTATED),
        (POLICY.idle - SECOND, Verdict.ROTATED),
        (POLICY.idle, Verdict.REFUSED),
    ],
)
def test_a_secret_counts_is_noted_is_replaced_and_ends(later: timedelta, expected: Verdict) -> None:
    assert verdict(SESSION, FIRST, NOW + later) is expected


def test_use_keeps_a_session_alive_until_its_lifetime_is_over() -> None:
    session, now = SESSION, NOW
    while now < NOW + POLICY.lifetime:
        assert verdict(session, FIRST, now) is not Verdict.REFUSED
        session = used(session, now=now, policy=POLICY)
        now += 6 * HOUR
    assert session.expires_at == NOW + POLICY.lifetime
    assert verdict(session, FIRST, NOW + POLICY.lifetime) is Verdict.REFUSED


def test_a_replaced_secret_counts_for_requests_on_their_way_and_ends_the_session_later() -> None:
    later = NOW + HOUR
    session = rotated(SESSION, SECOND_SECRET, now=later, policy=POLICY)
    assert verdict(session, SECOND_SECRET, later) is Verdict.FRESH
    assert verdict(session, FIRST, later + POLICY.overlap - SECOND) is Verdict.FRESH
    assert verdict(session, FIRST, later + POLICY.overlap) is Verdict.REPLAYED
    again = rotated(session, hash_secret("third"), now=later + HOUR, policy=POLICY)
    assert verdict(again, FIRST, later + HOUR) is Verdict.REFUSED
    assert verdict(again, FIRST, later + DAY) is Verdict.REFUSED


@pytest.mark.parametrize("guess", [hash_secret("guess"), NO_SECRET])
def test_nobody_elses_secret_counts(guess: str) -> None:
    assert verdict(SESSION, guess, NOW) is Verdict.REFUSED
    assert verdict(None, guess, NOW) is Verdict.REFUSED
    # What was never replaced has no secret before, also not an empty one.
    assert verdict(replace(SESSION, previous_hash=None), NO_SECRET, NOW + HOUR) is Verdict.REFUSED


def test_a_credential_is_read_as_it_was_written() -> None:
    secret = "abc-DEF_123" * 3
    text = write_credential(KEY_PREFIX, UUID(int=5), secret)
    assert read_credential(KEY_PREFIX, text) == (UUID(int=5), secret)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gcs_",
        "gcs_x_y",
        f"gcs_{'0' * 32}",
        f"gcs_{'0' * 32}_",
        f"gcs_{'0' * 32}_{'a' * 129}",
        f"gcs_{'0' * 31}\u0664_secret",
        f"gcs_{'0' * 32}_secr\u00e9t",
        f"gcs_{'0' * 32}_secret\n",
        f"gcs_{{{'0' * 32}}}_secret",
        f"{SESSION_PREFIX}{'0' * 32}_secret",
        f" gcs_{'0' * 32}_secret",
    ],
)
def test_what_is_no_credential_is_nobodys(text: str) -> None:
    assert read_credential(KEY_PREFIX, text) == (NOBODYS_ID, "")
