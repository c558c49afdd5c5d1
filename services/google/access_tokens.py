"""What the calls to Google need of whoever keeps the grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


class AccessTokens(Protocol):
    """Where access tokens come from."""

    async def access_token(self, user_id: UUID) -> str:
        """A token that is good for some minutes at least.

        Raises:
            GoogleNotConnectedError: The user has no account.
            ReauthorisationRequiredError: The grant is dead.
            VendorError: Google does not answer.
        """

    async def address(self, user_id: UUID) -> str | None:
        """The e-mail address of the user's Google account, in lower case; `None`: there is no account."""

    def invalidate(self, user_id: UUID, token: str) -> None:
        """Forget a token that Google refused; one that came later stays."""

    def are_of_one_grant(self, user_id: UUID, token: str, other: str) -> bool:
        """Whether the account was not linked anew between two tokens, as far as that is known."""

    async def refuse_grant(self, user_id: UUID, token: str, reason: str) -> None:
        """Note that the grant behind a token is of no use; returns when there is a newer grant already.

        Raises:
            ReauthorisationRequiredError: Only the person can help.
        """
