"""A slice of `make torture` over the real processes and each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.torture.run import torture

if TYPE_CHECKING:
    from tests.e2e.torture.trouble import Trouble

KINDS = frozenset(
    {
        "replica killed",
        "replica paused beyond its lease",
        "database crashed",
        "database locked by somebody else",
        "line fault",
        "webhooks lost",
        "sync tokens refused",
        "access tokens expired",
    }
)


def goes_on(trouble: Trouble) -> bool:
    return not trouble.had_everything


@pytest.mark.timeout(400)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
async def test_under_load_and_under_fire_no_edit_is_lost_or_doubled(store: str):
    report = await torture(store, 7, goes_on, only=KINDS)
    assert report.edits > 0
    assert report.lost_answers > 0
