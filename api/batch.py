"""`/slots/batch`: many changes in one request."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeAlias
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from api.dependencies import Batches, CurrentUser, Reader, Slots, Sync
from api.documentation import KEY_REUSED, problems
from api.idempotency import Retry
from api.preferences import Prefer, applied, version_condition, wait_of
from api.problems import problem_response, request_id_of
from api.responses import PlainJson
from api.slot_addresses import address_in_body
from api.slot_answers import slot_bodies
from api.strict_json import StrictRoute
from schemas.batch_schemas import (
    BatchIn,
    BatchOut,
    CreateItem,
    DeleteItem,
    ReadableItem,
    ReplaceItem,
    UnreadableItem,
)
from services.core.accounts import AccountStatus
from services.core.errors import DomainError, UnknownInstanceError, UnknownSlotError
from services.slot_reader import SlotReader
from services.slot_scopes import SlotAddress, SlotEdit
from services.slot_service import SlotDraft, SlotService
from services.slot_views import SlotView
from services.sync_service import SyncService

router = APIRouter(prefix="/slots", tags=["slots"], route_class=StrictRoute)

Result: TypeAlias = SlotView | DomainError | RequestValidationError
_QUERY = "/query"
"""With what pointers begin that lead to a parameter of the query; in a batch these are fields of the item."""


@router.post(
    "/batch",
    operation_id="changeSlots",
    summary="Create, change and delete many slots",
    response_model=BatchOut,
    responses=problems(401, 403, 422, KEY_REUSED),
)
async def batch(
    *,
    request: Request,
    body: BatchIn,
    user_id: CurrentUser,
    batches: Batches,
    slots: Slots,
    reader: Reader,
    sync: Sync,
    retry: Retry,
    prefer: Prefer = None,
) -> Response:
    """Up to 100 changes in their order, each with a result of its own; what fails does not stop the others.

    All of them become durable at once, and are brought to Google in one go. `Prefer: wait=N` waits until
    Google has them all.
    """

    def shown(results: Sequence[Result]) -> Response:
        told = zip(body.items, results, strict=True)
        return PlainJson({"results": [_told(*each, at, request) for at, each in enumerate(told)]})

    async def work() -> list[Result]:
        return await _carry_out(body, user_id, batches.run, slots)

    async def wait(results: list[Result]) -> Response | None:
        span = wait_of(prefer)
        settled = None if span is None else await _settled(results, user_id, reader, sync, span)
        if span is None or settled is None:
            return None
        response = shown(settled)
        response.headers["Preference-Applied"] = applied(span)
        return response

    return await retry.once(work, shown, wait)


_Run: TypeAlias = Callable[
    [UUID, Sequence[Callable[[], Awaitable[SlotView]]]], Awaitable[list[SlotView | DomainError]]
]


async def _carry_out(body: BatchIn, user_id: UUID, run: _Run, slots: SlotService) -> list[Result]:
    results: dict[int, Result] = {}
    steps: dict[int, Callable[[], Awaitable[SlotView]]] = {}
    for at, item in enumerate(body.items):
        try:
            steps[at] = _step(item, at, user_id, slots)
        except RequestValidationError as error:
            results[at] = error
    done = await run(user_id, list(steps.values()))
    results |= zip(steps, done, strict=True)
    return [results[at] for at in range(len(body.items))]


def _step(
    item: ReadableItem | UnreadableItem, at: int, user_id: UUID, slots: SlotService
) -> Callable[[], Awaitable[SlotView]]:
    if isinstance(item, UnreadableItem):
        raise RequestValidationError(
            # The first step names the kind of the item, which is no place in the body.
            [{**error, "loc": ("body", "items", at, *error["loc"][1:])} for error in item.errors]
        )
    if isinstance(item, CreateItem):
        new = item.slot
        return lambda: slots.create(
            user_id, SlotDraft(new.content(), new.lines, new.calendar_id, new.notify or "none")
        )
    address = address_in_body(item.id, item.instance, item.scope, ("body", "items", at))
    condition = version_condition(item.if_match)
    match item:
        case DeleteItem(notify=notify):
            return lambda: slots.delete(user_id, address, notify=notify, condition=condition)
        case ReplaceItem(slot=whole):
            change = SlotEdit(whole.replacing, whole.calendar_id, whole.lines, whole.notify or "none")
        case _:
            patch = item.slot
            change = SlotEdit(patch.applied_to, patch.calendar_id, patch.lines, patch.notify or "none")
    return lambda: slots.edit(user_id, address, change, condition)


async def _settled(
    results: list[Result], user_id: UUID, reader: SlotReader, sync: SyncService, wait: timedelta
) -> list[Result] | None:
    """The results once Google has what they changed; `None` where there is nothing to wait for."""
    views = [each for each in results if isinstance(each, SlotView)]
    if not views or views[0].account is not AccountStatus.CONNECTED:
        return None
    changed = dict.fromkeys(each for view in views for each in (view.entry.slot.id, *view.written))
    await sync.wait_until_settled(user_id, tuple(changed), wait=wait)
    return [await _again(each, reader) if isinstance(each, SlotView) else each for each in results]


async def _again(view: SlotView, reader: SlotReader) -> SlotView:
    slot, occurrence = view.entry.slot, view.entry.occurrence
    address = SlotAddress(slot.id, None if occurrence is None else occurrence.original_start)
    try:
        return await reader.get(slot.user_id, address, include_deleted=True)
    except (UnknownSlotError, UnknownInstanceError):
        # A later item of the batch, or Google, has taken it away; what this item did is still so.
        return view


def _told(item: object, result: Result, at: int, request: Request) -> dict[str, Any]:
    if isinstance(result, SlotView):
        [body] = slot_bodies(result)
        status = HTTPStatus.CREATED if isinstance(item, CreateItem) else HTTPStatus.OK
        return {"status": status, "slot": body, "problem": None}
    document = json.loads(bytes(problem_response(result, request_id_of(request)).body))
    if isinstance(result, DomainError):
        for error in document.get("errors", ()):
            pointer = error["pointer"]
            within = pointer.removeprefix(_QUERY) if pointer.startswith(_QUERY) else f"/slot{pointer}"
            error["pointer"] = f"/items/{at}{within}"
    return {"status": document["status"], "slot": None, "problem": document}
