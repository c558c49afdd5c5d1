"""Two programs that overwrite each other, one over REST and one in Google."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.world import Person


async def fight(person: Person, slot: dict[str, Any], name: str, *, limit: int) -> int:
    """Both bots insist on their own title until the slot is cut off; returns how many rounds they had."""
    for number in range(limit * 3):
        seen = await person.app.edit(slot, title=f"{name} app {number}")
        if seen["sync"]["state"] != "quarantined":
            seen = await person.app.becomes(slot, lambda now: now["sync"]["state"] != "pending")
        if seen["sync"]["state"] == "quarantined":
            return number
        title = f"{name} google {number}"
        await person.google.edit(slot["google"]["event_id"], summary=title)
        if await _is_cut_off_or_shows(person, slot, title) == "quarantined":
            return number
    raise AssertionError("the fight goes on and on")


async def _is_cut_off_or_shows(person: Person, slot: dict[str, Any], title: str) -> str:
    def decided(seen: dict[str, Any]) -> bool:
        return bool(seen["title"] == title or seen["sync"]["state"] == "quarantined")

    return str((await person.app.becomes(slot, decided))["sync"]["state"])
