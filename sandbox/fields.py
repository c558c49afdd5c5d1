"""Partial answers: the `fields` parameter, e.g. `items(id,start/dateTime),nextSyncToken`.

Source: Calendar API guide, 'Work with partial resources'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r"[(),/]|[^(),/\s]+")


class FieldMaskError(ValueError):
    """The selection cannot be read."""


@dataclass(slots=True)
class FieldMask:
    """Which fields to keep; no children means the whole value."""

    children: dict[str, FieldMask] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> FieldMask:
        """Read a selection.

        Raises:
            FieldMaskError: Parentheses or names are out of place.
        """
        tokens = _TOKEN.findall(text)
        mask = cls()
        rest = _read_list(tokens, mask)
        if rest or not mask.children:
            raise FieldMaskError(text)
        return mask

    def apply(self, value: Any) -> Any:
        """The value with only the selected fields."""
        if not self.children or "*" in self.children:
            return value
        if isinstance(value, list):
            return [self.apply(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {name: mask.apply(value[name]) for name, mask in self.children.items() if name in value}


def _read_list(tokens: list[str], mask: FieldMask) -> list[str]:
    while True:
        tokens = _read_path(tokens, mask)
        if not tokens or tokens[0] != ",":
            return tokens
        tokens = tokens[1:]


def _read_path(tokens: list[str], mask: FieldMask) -> list[str]:
    if not tokens or tokens[0] in "(),/":
        raise FieldMaskError("a name was expected")
    child = mask.children.setdefault(tokens[0], FieldMask())
    tokens = tokens[1:]
    if tokens and tokens[0] == "/":
        return _read_path(tokens[1:], child)
    if tokens and tokens[0] == "(":
        tokens = _read_list(tokens[1:], child)
        if not tokens or tokens[0] != ")":
            raise FieldMaskError("a closing parenthesis was expected")
        return tokens[1:]
    return tokens
