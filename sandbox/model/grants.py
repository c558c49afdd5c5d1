"""OAuth as Google keeps it: clients, codes, refresh tokens and access tokens.

A grant is what an account gave a client: the union of scopes and the tokens that stand
on it. Revoking any token ends the grant.

Source: Google Identity guide, 'Using OAuth 2.0 to access Google APIs'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from sandbox.store import Journal, Table

if TYPE_CHECKING:
    from sandbox.model.mint import Mint

ACCESS_TOKEN_S = 3599
CODE_S = 600
REFRESH_TOKENS_PER_GRANT = 100
UNUSED_REFRESH_TOKEN_S = 182 * 24 * 3600
TESTING_REFRESH_TOKEN_S = 7 * 24 * 3600
_SWEEP_EVERY = 256


@dataclass(slots=True)
class Client:
    """A registered OAuth client."""

    client_id: str
    client_secret: str
    redirect_uris: list[str]
    testing: bool = False
    """Consent screen in status 'Testing': refresh tokens live seven days."""


@dataclass(slots=True)
class Code:
    """An authorization code on its way back."""

    code: str
    account: str
    client_id: str
    redirect_uri: str
    scopes: list[str]
    offline: bool
    expires_us: int
    nonce: str | None = None
    challenge: str | None = None
    challenge_method: str = "plain"
    used: bool = False


@dataclass(slots=True)
class Grant:
    """What an account allowed a client."""

    account: str
    client_id: str
    scopes: list[str] = field(default_factory=list)
    offline: bool = False
    """Whether a refresh token was issued, so that the next consent brings none."""


@dataclass(slots=True)
class RefreshToken:
    """A long-lived token."""

    token: str
    account: str
    client_id: str
    scopes: list[str]
    issued_us: int
    used_us: int
    expires_us: int | None = None


@dataclass(slots=True)
class AccessToken:
    """A token for calls."""

    token: str
    account: str
    client_id: str
    scopes: list[str]
    expires_us: int
    offline: bool


class Grants:
    """Every client, code, grant and token."""

    def __init__(self, journal: Journal, mint: Mint) -> None:
        self._mint = mint
        self.clients = Table(journal, "client", lambda row: Client(**orjson.loads(row)))
        self.codes = Table(journal, "code", lambda row: Code(**orjson.loads(row)))
        self.grants = Table(journal, "grant", lambda row: Grant(**orjson.loads(row)))
        self.refresh_tokens = Table(journal, "refresh-token", lambda row: RefreshToken(**orjson.loads(row)))
        self.access_tokens = Table(journal, "access-token", lambda row: AccessToken(**orjson.loads(row)))

    def grant_of(self, account: str, client_id: str) -> Grant | None:
        """What an account allowed a client, if anything."""
        return self.grants.rows.get(f"{account}\n{client_id}")

    def allow(self, account: str, client_id: str, scopes: list[str]) -> Grant:
        """Record a consent; scopes add up over time."""
        grant = self.grant_of(account, client_id) or Grant(account, client_id)
        grant.scopes = sorted({*grant.scopes, *scopes})
        self.grants.save(f"{account}\n{client_id}", grant)
        return grant

    def issue_code(self, code: Code) -> None:
        """Remember a code until it is spent."""
        self.codes.save(code.code, code)

    def issue_access(
        self, account: str, client_id: str, scopes: list[str], now_us: int, *, offline: bool
    ) -> AccessToken:
        """A fresh access token; those before it stay valid."""
        self._sweep(now_us)
        token = AccessToken(
            "ya29.a0" + self._mint.token("access-token", 96),
            account,
            client_id,
            scopes,
            now_us + ACCESS_TOKEN_S * 1_000_000,
            offline,
        )
        self.access_tokens.save(token.token, token)
        return token

    def issue_refresh(self, account: str, client_id: str, scopes: list[str], now_us: int) -> RefreshToken:
        """A fresh refresh token; the oldest beyond a hundred dies without a word.

        Source: Google Identity guide, 'Refresh token expiration'.
        """
        mine = self._refresh_tokens_of(account, client_id)
        for oldest in mine[: max(0, len(mine) - REFRESH_TOKENS_PER_GRANT + 1)]:
            self.refresh_tokens.remove(oldest.token)
        client = self.clients.rows.get(client_id)
        testing = client is not None and client.testing and any("/calendar" in s for s in scopes)
        expires = now_us + TESTING_REFRESH_TOKEN_S * 1_000_000 if testing else None
        token = RefreshToken(
            "1//0" + self._mint.token("refresh-token", 72),
            account,
            client_id,
            scopes,
            now_us,
            now_us,
            expires,
        )
        self.refresh_tokens.save(token.token, token)
        grant = self.allow(account, client_id, scopes)
        grant.offline = True
        self.grants.save(f"{account}\n{client_id}", grant)
        return token

    def live_refresh(self, token: str, now_us: int) -> RefreshToken | None:
        """A refresh token that still works."""
        found = self.refresh_tokens.rows.get(token)
        if found is None or (found.expires_us is not None and found.expires_us <= now_us):
            return None
        unused_s = (now_us - found.used_us) / 1_000_000
        return None if unused_s > UNUSED_REFRESH_TOKEN_S else found

    def live_access(self, token: str, now_us: int) -> AccessToken | None:
        """An access token that still works."""
        found = self.access_tokens.rows.get(token)
        return None if found is None or found.expires_us <= now_us else found

    def owner_of(self, token: str) -> tuple[str, str] | None:
        """Account and client behind a token of either kind."""
        found = self.refresh_tokens.rows.get(token) or self.access_tokens.rows.get(token)
        return None if found is None else (found.account, found.client_id)

    def revoke(self, account: str, client_id: str) -> None:
        """End a grant and every token on it.

        Source: Google Identity guide, 'Revoking a token'.
        """
        self.grants.remove(f"{account}\n{client_id}")
        for refresh in self._refresh_tokens_of(account, client_id):
            self.refresh_tokens.remove(refresh.token)
        for access in list(self.access_tokens.rows.values()):
            if (access.account, access.client_id) == (account, client_id):
                self.access_tokens.remove(access.token)

    def expire_access(self, account: str | None) -> int:
        """Let access tokens expire at once, of one account or of all."""
        doomed = [
            token
            for token, access in self.access_tokens.rows.items()
            if account is None or access.account == account
        ]
        for token in doomed:
            self.access_tokens.remove(token)
        return len(doomed)

    def _refresh_tokens_of(self, account: str, client_id: str) -> list[RefreshToken]:
        return [
            token
            for token in self.refresh_tokens.rows.values()
            if (token.account, token.client_id) == (account, client_id)
        ]

    def _sweep(self, now_us: int) -> None:
        """Forget access tokens and codes that died long ago, so that the tables stay small."""
        if (len(self.access_tokens.rows) + 1) % _SWEEP_EVERY:
            return
        for access in list(self.access_tokens.rows.values()):
            if access.expires_us <= now_us:
                self.access_tokens.remove(access.token)
        for code in list(self.codes.rows.values()):
            if code.expires_us <= now_us:
                self.codes.remove(code.code)
