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
class FinishedFlow:
    """A linked account."""

    user_id: UUID
    account: GoogleAccount
    return_to: str | None
    previous_subject: str | None
    """The Google account that was linked before; `None` when there was none."""
    receipt: str = field(repr=False)
    """To keep in a cookie of this browser, HttpOnly, for a short time; see `services.google.receipts`."""

    @property
    def account_changed(self) -> bool:
        """Whether it is another Google account than the one that was linked before."""
        return self.previous_subject not in (None, self.account.subject)

    @property
    def can_list_calendars(self) -> bool:
        """Whether the list of calendars may be read; without it only the primary one is known."""
        return not {CALENDAR_LIST_SCOPE, ALL_OF_CALENDAR_SCOPE}.isdisjoint(self.account.scopes)
