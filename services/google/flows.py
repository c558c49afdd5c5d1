"""What comes out of the steps of linking an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.google.oauth_endpoints import ALL_OF_CALENDAR_SCOPE, CALENDAR_LIST_SCOPE

if TYPE_CHECKING:
    from uuid import UUID

    from services.core.accounts import GoogleAccount


@dataclass(frozen=True, slots=True)
class OpenedFlow:
    """A flow that a browser has opened."""

    google_url: str = field(repr=False)
    """Where to send the browser now."""
    browser_secret: str = field(repr=False)
    """To keep in a cookie of this browser, HttpOnly, for `FLOW_LIFETIME`."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a browser brings back from Google's consent page, as it came and not checked yet."""

    state: str | None = field(repr=False)
    code: str | None = field(repr=False)
    """Decoded."""
    browser_secret: str | None = field(repr=False)
    """From the cookie."""
    error: str | None = None
    scope: str | None = None
    """What was granted; the token endpoint's word counts more."""
    issuer: str | None = None
    """The `iss` parameter, if one came."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A known person, recognised by the Google account."""

    user_id: UUID
    google_email: str
    return_to: str | None


@dataclass(frozen=True, slots=True)
class FinishedFlow:
    """A linked account."""

    user_id: UUID
    account: GoogleAccount
    return_to: str | None
    previous_subject: str | None
    """The Google account that was linked before; `None` when there was none."""
    receipt: str = field(repr=False)
    """To keep in a cookie of this browser, HttpOnly, for a short time; see `services.google.receipts`."""
    credentials_ended: bool = False
    """Whether every earlier credential of the user is void, because the e-mail was not proven before."""

    @property
    def account_changed(self) -> bool:
        """Whether it is another Google account than the one that was linked before."""
        return self.previous_subject not in (None, self.account.subject)

    @property
    def can_list_calendars(self) -> bool:
        """Whether the list of calendars may be read; without it only the primary one is known."""
        return not {CALENDAR_LIST_SCOPE, ALL_OF_CALENDAR_SCOPE}.isdisjoint(self.account.scopes)
