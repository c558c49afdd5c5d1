"""Google's OAuth 2.0 endpoints as plain calls: exchange, refresh, revoke, and who somebody is.

Knows no user, no database and no flow. Secrets travel in bodies and headers only, and no error repeats them.

Source: developers.google.com/identity/protocols/oauth2/web-server; RFC 6749.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import orjson

from services.core.errors import DomainError, FailureClass, VendorError
from services.google.errors import failure_of, parse_json
from services.google.transport import HttpRequest, no_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.core.ports import Clock
    from services.google.transport import HttpResponse, Transport

IDENTITY_SCOPES: Final = ("openid", "email")
EVENTS_SCOPE: Final = "https://www.googleapis.com/auth/calendar.events"
CALENDAR_LIST_SCOPE: Final = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
ALL_OF_CALENDAR_SCOPE: Final = "https://www.googleapis.com/auth/calendar"
SCOPES: Final = (*IDENTITY_SCOPES, EVENTS_SCOPE, CALENDAR_LIST_SCOPE)

_SHORTEST_LIFE: Final = timedelta(minutes=1)
_USUAL_LIFE_S: Final = 3600


@dataclass(frozen=True, slots=True)
class OAuthConfig:
    """The client that this service is to Google, and where Google is."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    """Where Google sends the browser back to; registered with Google, to the letter."""
    public_base_url: str
    """Where this service is reached by browsers."""
    auth_uri: str = "https://accounts.google.com/o/oauth2/v2/auth"
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address.
    revoke_uri: str = "https://oauth2.googleapis.com/revoke"
    userinfo_uri: str = "https://openidconnect.googleapis.com/v1/userinfo"
    issuers: tuple[str, ...] = ("https://accounts.google.com", "accounts.google.com")
    same_email_only: bool = True
    """Whether only the Google account with the user's own e-mail may be linked.

    Without it, a person who is talked into opening somebody else's link hands over a calendar.
    """


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What the token endpoint gave."""

    access_token: str = field(repr=False)
    lifetime: timedelta
    refresh_token: str | None = field(repr=False)
    scopes: tuple[str, ...]
    """Empty when the answer names none."""
    id_claims: Mapping[str, Any] | None = field(repr=False)
    """Of the id token, if one came. Its signature is not checked: it came from the endpoint itself.

    Source: OpenID Connect Core 1.0, section 3.1.3.7, point 6.
    """


@dataclass(frozen=True, slots=True)
class Identity:
    """Who granted."""

    subject: str
    email: str
    email_verified: bool


class GrantRefusedError(DomainError):
    """Google does not accept a code or a refresh token (`invalid_grant`), now and for good."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OAuthEndpoints:
    """Calls Google's endpoints."""

    def __init__(self, *, transport: Transport, clock: Clock, config: OAuthConfig) -> None:
        self._transport = transport
        self._clock = clock
        self._config = config

    async def exchange(self, code: str, code_verifier: str) -> TokenGrant:
        """Redeem a code.

        Raises:
            GrantRefusedError: The code or the verifier is not right.
            VendorError: Google did not answer, or refuses this client.
        """
        return await self._grant(
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": code_verifier,
                "redirect_uri": self._config.redirect_uri,
            }
        )

    async def refresh(self, refresh_token: str) -> TokenGrant:
        """Get a new access token.

        Raises:
            GrantRefusedError: The refresh token is dead.
            VendorError: Google did not answer, or refuses this client.
        """
        return await self._grant({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def revoke(self, token: str) -> None:
        """End a grant; one that is over already counts as ended.

        Raises:
            VendorError: Google did not answer.
        """
        response = await self._post(self._config.revoke_uri, {"token": token})
        if response.status == HTTPStatus.OK:
            return
        failure = failure_of(response, now=self._clock.now())
        if failure.reason != "invalid_token":
            raise failure

    async def identity(self, access_token: str) -> Identity:
        """Whose token it is.

        Raises:
            VendorError: Google did not answer, or not in full.
        """
        request = HttpRequest(
            "GET",
            self._config.userinfo_uri,
            {"authorization": f"Bearer {access_token}", "accept": "application/json"},
        )
        response = await self._transport.send(request)
        if response.status != HTTPStatus.OK:
            raise failure_of(response, now=self._clock.now())
        document = parse_json(response.body)
        match document:
            # The older endpoint has other names for the same.
            case {"sub": str(subject), "email": str(email)} | {"id": str(subject), "email": str(email)}:
                # Google always says so; a server that does not has nothing unverified to tell apart.
                verified = document.get("email_verified", document.get("verified_email", True))
                return Identity(subject, email, verified in (True, "true"))
            case _:
                pass
        raise no_answer("unreadable-answer")

    async def _grant(self, fields: Mapping[str, str]) -> TokenGrant:
        config = self._config
        client = {"client_id": config.client_id, "client_secret": config.client_secret}
        response = await self._post(config.token_uri, {**fields, **client})
        if response.status != HTTPStatus.OK:
            raise self._refusal(response)
        document = parse_json(response.body)
        match document:
            case {"access_token": str(access_token)} if access_token:
                refresh_token, id_token = document.get("refresh_token"), document.get("id_token")
                return TokenGrant(
                    access_token=access_token,
                    lifetime=_lifetime(document.get("expires_in")),
                    refresh_token=refresh_token if isinstance(refresh_token, str) else None,
                    scopes=tuple(str(document.get("scope") or "").split()),
                    id_claims=claims_of(id_token) if isinstance(id_token, str) else None,
                )
            case _:
                pass
        raise no_answer("unreadable-answer")

    def _refusal(self, response: HttpResponse) -> DomainError:
        failure = failure_of(response, now=self._clock.now())
        if failure.reason == "invalid_grant":
            return GrantRefusedError(failure.message or failure.reason)
        if failure.failure is FailureClass.PERMANENT:
            # It is this service that Google refuses (unknown client, wrong secret): a person has to mend the
            # settings, and until then nothing of the user's is at fault.
            return VendorError(
                FailureClass.AUTHENTICATION,
                status=failure.status,
                reason=failure.reason,
                message=failure.message,
            )
        return failure

    async def _post(self, url: str, fields: Mapping[str, str]) -> HttpResponse:
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        return await self._transport.send(HttpRequest("POST", url, headers, urlencode(fields).encode()))


def _lifetime(seconds: Any) -> timedelta:
    if not isinstance(seconds, int | float) or not 0 < seconds < 10 * _USUAL_LIFE_S:
        seconds = _USUAL_LIFE_S
    return max(timedelta(seconds=seconds), _SHORTEST_LIFE)


def claims_of(id_token: str) -> Mapping[str, Any]:
    """The claims inside a compact JWT; empty when there is no making sense of it."""
    parts = id_token.split(".")
    try:
        text = parts[1]
        claims = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
