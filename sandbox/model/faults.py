"""Mishaps that a test orders: which call they strike, and what happens to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

    from sandbox.messages import Json, Request, Response

KINDS = frozenset(
    {
        "answer",
        "drop_before",
        "commit_then_drop",
        "delay",
        "hold_before",
        "commit_then_hold",
        "html_503",
        "truncate",
        "not_json",
    }
)


@dataclass(slots=True)
class FaultRule:
    """Strike the calls that match, after sparing `skip` of them, `times` times."""

    id: str
    action: Json
    method: str | None = None
    path: re.Pattern[str] | None = None
    account: str | None = None
    skip: int = 0
    times: int = 1
    struck: int = 0

    def matches(self, method: str, path: str, account: str | None) -> bool:
        """Whether it is meant for this call."""
        if self.method is not None and self.method != method:
            return False
        if self.account is not None and self.account != account:
            return False
        return self.path is None or self.path.search(path) is not None

    def resource(self) -> Json:
        """The rule as the control API shows it."""
        match = {"method": self.method, "account": self.account}
        match["path_regex"] = self.path.pattern if self.path else None
        return {
            "id": self.id,
            "match": {name: value for name, value in match.items() if value is not None},
            "skip": self.skip,
            "times": self.times,
            "struck": self.struck,
            "action": self.action,
        }


@dataclass(slots=True)
class Hold:
    """A call that waits for a test to let it go."""

    id: str
    request: Request
    committed: bool
    """Whether Google has already done what the call asked."""
    response: Response | None
    """The answer, once it exists."""
    released: bool = False


@dataclass(slots=True)
class Faults:
    """The rules in force and the calls that are held."""

    rules: list[FaultRule] = field(default_factory=list)
    holds: dict[str, Hold] = field(default_factory=dict)
    count: int = 0

    def next_id(self, prefix: str) -> str:
        """An id for a rule or a hold."""
        self.count += 1
        return f"{prefix}-{self.count}"

    def strike(self, method: str, path: str, account: str | None) -> Json | None:
        """The action for this call, counting it off the first rule that matches."""
        for rule in self.rules:
            if not rule.matches(method, path, account):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            rule.struck += 1
            rule.times -= 1
            if rule.times <= 0:
                self.rules.remove(rule)
            return rule.action
        return None
