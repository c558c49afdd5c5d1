"""The deletion brake: a listing from which too much vanished at once is not believed unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.core.policy import BrakePolicy


def is_mass_deletion(*, missing: int, known: int, policy: BrakePolicy) -> bool:
    """Whether `missing` of `known` events are too many to delete without asking a person."""
    return missing > policy.minimum and missing * 100 > known * policy.percent
