"""`/slots/{slot_id}/history`: who changed what, and taking it back."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.dependencies import CurrentUser, Reader, Undo
from api.documentation import CHANGED_SINCE, INVALID_CURSOR, KEY_REUSED, READ_ONLY_SLOT, problems
from api.idempotency import Retry
from api.paging import DEFAULT_LIMIT, CursorText, Limit, history_cursor, page_body, read_history_cursor
from api.responses import PlainJson
from api.slot_addresses import Address
from api.slot_answers import Written, slot_answer
from api.strict_json import StrictRoute
from schemas.slot_bodies import history_body
from schemas.slot_input import Notify
from schemas.slot_schemas import HistoryOut, SlotOut

router = APIRouter(prefix="/slots", tags=["slots"], route_class=StrictRoute)

Seq = Annotated[int, Path(ge=1, lt=10**18, description="`seq` of the change in the history.", examples=[41])]


@router.get(
    "/{slot_id}/history",
    operation_id="getSlotHistory",
    summary="Who changed what when",
    response_model=HistoryOut,
    responses=problems(401, 403, 404, 422, INVALID_CURSOR),
)
async def get_history(
    *,
    slot_id: Address,
    user_id: CurrentUser,
    reader: Reader,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    """Every change after the slot appeared, oldest first; a deleted slot has its history too.

    That of an instance begins when it becomes an exception, and is empty before.
    """
    after = read_history_cursor(cursor)
    entries = await reader.history(user_id, slot_id, after=after, limit=limit + 1)
    following = history_cursor(entries[limit - 1].seq) if len(entries) > limit else None
    return PlainJson(page_body(map(history_body, entries[:limit]), following))


@router.post(
    "/{slot_id}/history/{seq}/undo",
    operation_id="undoChange",
    summary="Take a change back",
    response_model=SlotOut,
    responses=problems(401, 403, 404, CHANGED_SINCE, READ_ONLY_SLOT, 412, 422, KEY_REUSED),
)
async def undo_change(
    *,
    slot_id: Address,
    seq: Seq,
    user_id: CurrentUser,
    undo: Undo,
    written: Written,
    retry: Retry,
    notify: Annotated[Notify, Query(description="Whom Google mails about it.")] = "none",
) -> Response:
    """Puts the fields of one change back to what they were, whoever changed them; other fields stay.

    It is an edit like any other: pushed to Google, in the history, and undone in the same way. Undoing a
    deletion restores the slot. All of the change is undone or none of it: 409 `changed-since` names the
    fields that were changed once more (the fields of a schedule count together). What was done to several
    slots, such as a series that was split, is undone slot by slot.
    """
    return await retry.once(
        lambda: undo.undo(user_id, slot_id, seq, notify=notify), slot_answer, written.waited
    )
