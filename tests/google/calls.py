"""Calls of the Calendars port, as short as stories want them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from services.core.slots import SlotContent
    from tests.google.world import World

SLOT = UUID(int=77)
EVENT = "0123456789abcdefghijklmnopqrstuv"


async def insert(world: World, content: SlotContent, event_id: str = EVENT):
    return await world.calendars.insert(
        world.user_id, "primary", event_id=event_id, slot_id=SLOT, content=content, notify="none"
    )


async def patch(world: World, seen, base: SlotContent, content: SlotContent, **more):
    return await world.calendars.patch(
        world.user_id,
        "primary",
        **{"event_id": EVENT, "etag": seen.copy.etag, "base": base, "content": content, "notify": "none"}
        | more,
    )


async def listing(world: World, sync_token: str | None = None):
    return await world.calendars.changes(world.user_id, "primary", sync_token=sync_token, page_token=None)
