"""What a client gets who reads or writes a slot, and the wait until Google has what was written."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api.dependencies import Reader, Sync
from api.preferences import Prefer, applied, etag_of, wait_of
from api.responses import PlainJson
from schemas.slot_bodies import entry_body
from services.core.accounts import AccountStatus
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress
from services.slot_views import SlotView
from services.sync_service import SyncService


def slot_bodies(view: SlotView) -> list[dict[str, object]]:
    """Slots as JSON values."""
    return [entry_body(entry, view.account) for entry in view.entries]


def slot_answer(view: SlotView, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """One slot with its `ETag`, and with its `Location` when it is new."""
    [body] = slot_bodies(view)
    response = PlainJson(body, status, {"ETag": etag_of(body)})
    if status is HTTPStatus.CREATED:
        response.headers["Location"] = f"/slots/{view.entry.id}"
    return response


class WrittenSlot:
    """Answers a write: at once, or when `Prefer: wait=N` is over."""

    def __init__(self, reader: SlotReader, sync: SyncService, prefer: str | None) -> None:
        self._reader = reader
        self._sync = sync
        self._prefer = prefer

    async def answer(self, view: SlotView, status: HTTPStatus = HTTPStatus.OK) -> Response:
        """The slot as it is when nobody waits any more."""
        waited = await self.waited(view, status)
        return slot_answer(view, status) if waited is None else waited

    async def waited(self, view: SlotView, status: HTTPStatus = HTTPStatus.OK) -> Response | None:
        """The slot once Google has it, or the wait is over; `None` where there is nothing to wait for."""
        wait = wait_of(self._prefer)
        if wait is None or view.account is not AccountStatus.CONNECTED:
            # Without a usable Google account nothing comes.
            return None
        slot = view.entry.slot
        await self._sync.wait_until_settled(slot.user_id, (slot.id, *view.written), wait=wait)
        occurrence = view.entry.occurrence
        address = SlotAddress(slot.id, None if occurrence is None else occurrence.original_start)
        response = slot_answer(await self._reader.get(slot.user_id, address, include_deleted=True), status)
        response.headers["Preference-Applied"] = applied(wait)
        return response


async def _written(reader: Reader, sync: Sync, prefer: Prefer = None) -> WrittenSlot:
    return WrittenSlot(reader, sync, prefer)


Written = Annotated[WrittenSlot, Depends(_written)]
