"""The people who have a Google account here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from sandbox.store import Journal, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.model.mint import Mint


@dataclass(slots=True)
class Account:
    """A Google account."""

    email: str
    sub: str
    """Google's stable number for the account; survives a change of address."""
    name: str
    time_zone: str
    calendar_user: bool = True
    """False for one who never opened Google Calendar."""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def given_name(self) -> str:
        """The first word of the name."""
        return self.name.split(" ")[0]

    @property
    def family_name(self) -> str:
        """All but the first word of the name."""
        return " ".join(self.name.split(" ")[1:])


class Accounts:
    """Accounts by address; addresses are compared without regard to case."""

    def __init__(self, journal: Journal, mint: Mint) -> None:
        self.table = Table(journal, "account", lambda row: Account(**orjson.loads(row)))
        self._mint = mint

    def find(self, email: str) -> Account | None:
        """The account with this address, or with this `sub`."""
        wanted = email.strip().lower()
        found = self.table.rows.get(wanted)
        if found is None and wanted.isdigit():
            return next((one for one in self.all() if one.sub == wanted), None)
        return found

    def all(self) -> Iterable[Account]:
        """Every account."""
        return self.table.rows.values()

    def create(self, email: str, name: str | None, time_zone: str) -> Account:
        """Open an account; the caller gives it a calendar."""
        address = email.strip().lower()
        words = address.split("@")[0].replace(".", " ").replace("_", " ").replace("+", " ")
        sub = "1" + "".join(str(byte % 10) for byte in self._mint.octets("sub", 20))
        account = Account(address, sub, name or words.title(), time_zone)
        self.save(account)
        return account

    def save(self, account: Account) -> None:
        """Keep a changed account."""
        self.table.save(account.email, account)
