"""`/slots`: create, read, change, delete, restore."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import CurrentUser, Reader, Slots
from api.documentation import CALENDAR_READ_ONLY, INVALID_CURSOR, KEY_REUSED, PAGE_LINKS, SLOT_LINKS, problems
from api.idempotency import Retry
from api.paging import (
    DEFAULT_LIMIT,
    CursorText,
    Limit,
    entry_cursor,
    page_body,
    read_entry_cursor,
    read_start_cursor,
    start_cursor,
)
from api.preferences import IfMatch, IfNoneMatch, names_tag, version_condition
from api.responses import PlainJson
from api.slot_addresses import Address, Scoped
from api.slot_answers import Written, slot_answer, slot_bodies
from api.slot_windows import WindowEdge, bounded_window, read_edges
from api.strict_json import StrictRoute
from schemas.slot_input import CalendarId, Notify, SlotPatch, SlotWrite
from schemas.slot_schemas import SlotOut, SlotPageOut
from schemas.texts import Storable
from services.core.agenda import Position, Window
from services.core.records import SlotQuery, SyncState
from services.slot_reader import SlotReader
from services.slot_scopes import SlotEdit
from services.slot_service import SlotDraft

router = APIRouter(prefix="/slots", tags=["slots"], route_class=StrictRoute)

NotifyQuery = Annotated[Notify, Query(description="Whom Google mails about it.")]


@router.post(
    "",
    operation_id="createSlot",
    summary="Create a slot",
    status_code=HTTPStatus.CREATED,
    response_model=SlotOut,
    responses={
        201: {"description": "The slot.", "links": SLOT_LINKS},
        **problems(401, 403, CALENDAR_READ_ONLY, 422, KEY_REUSED),
    },
)
async def create_slot(
    *, body: SlotWrite, user_id: CurrentUser, slots: Slots, written: Written, retry: Retry
) -> Response:
    """Answers as soon as the slot is durable; `Prefer: wait=N` waits until Google has it.

    Without `calendar_id` it goes to the default calendar; see `GET /calendars`.
    """
    draft = SlotDraft(body.content(), body.lines, body.calendar_id, body.notify or "none")
    return await retry.once(
        lambda: slots.create(user_id, draft),
        lambda view: slot_answer(view, HTTPStatus.CREATED),
        lambda view: written.waited(view, HTTPStatus.CREATED),
    )


@router.get(
    "",
    operation_id="listSlots",
    summary="List slots in the order of their start",
    response_model=SlotPageOut,
    responses={
        200: {"description": "A page.", "links": PAGE_LINKS},
        **problems(401, 403, 422, INVALID_CURSOR),
    },
)
async def list_slots(
    *,
    user_id: CurrentUser,
    reader: Reader,
    from_: Annotated[WindowEdge, Query(alias="from", description="Only what ends after this.")] = None,
    to: Annotated[WindowEdge, Query(description="Only what starts before this.")] = None,
    q: Annotated[
        Storable | None, Query(max_length=200, description="In title, description or location.")
    ] = None,
    calendar_id: Annotated[CalendarId | None, Query(description="Only this calendar.")] = None,
    sync_state: Annotated[SyncState | None, Query(description="Only what stands so towards Google.")] = None,
    source: Annotated[
        Literal["app", "google"] | None, Query(description="Only what was created there.")
    ] = None,
    include_deleted: Annotated[bool, Query(description="Also what was deleted.")] = False,
    expand: Annotated[bool, Query(description="Unroll series into instances; at most 366 days.")] = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    """`from` and `to` are date-times with offset; all-day slots are compared with their wall-clock dates.

    With `expand=true` a series is replaced by its instances in the window, each with an `id` of its own and
    exceptions in their place; cancelled instances are gone.
    """
    edges = read_edges(from_, to)
    query = SlotQuery(
        text=q or None,
        calendar_id=calendar_id,
        sync_state=sync_state,
        source=source,
        include_deleted=include_deleted,
        limit=limit,
    )
    query = edges.restrict(query)
    if expand:
        return await _agenda(user_id, reader, query, bounded_window(edges), read_entry_cursor(cursor))
    query = replace(query, after=read_start_cursor(cursor))
    view = await reader.page(user_id, query)
    following = None
    if view.more:
        last = view.entries[-1].slot
        following = start_cursor(last.content.schedule.sort_start, last.id)
    return PlainJson(page_body(slot_bodies(view), following))


@router.get(
    "/{slot_id}",
    operation_id="getSlot",
    summary="Read a slot",
    response_model=SlotOut,
    responses={304: {"description": "The client has just this."}, **problems(401, 403, 404, 422)},
)
async def get_slot(
    slot_id: Address, user_id: CurrentUser, reader: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """The slot, or the instance of a series; a deleted one is not found.

    `ETag` is its version, with a digest of `sync` and `google` once Google knows the slot: 304 means that
    nothing of the answer has changed, also not `sync.state`. `If-Match` takes it with the digest and without.
    """
    response = slot_answer(await reader.get(user_id, slot_id))
    etag = response.headers["etag"]
    if names_tag(if_none_match, etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return response


@router.put(
    "/{slot_id}",
    operation_id="replaceSlot",
    summary="Replace the writable fields of a slot",
    response_model=SlotOut,
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def replace_slot(
    *,
    slot_id: Scoped,
    body: SlotWrite,
    user_id: CurrentUser,
    slots: Slots,
    written: Written,
    if_match: IfMatch = None,
) -> Response:
    """Fields that the body omits take their default; calendar and the user's own answer stay.

    So a body without `attendees` leaves nobody invited; send back what `GET` shows to keep them. Whom Google
    mails about it is for `notify` to say, and is nobody without it. What Google does not let the user change
    (`google.editable_fields` names the rest) is refused with 409 `read-only-slot` before anything is stored;
    `reason` is one of the values of `google.restriction`.

    Of a series, `scope` says how much is meant: `this` instance, this and all `following`, or `all`.
    Rules are replaced only where the series itself is addressed or the body names new ones.
    The answer and `If-Match` are as for `PATCH`.
    """
    change = SlotEdit(body.replacing, body.calendar_id, body.lines, body.notify or "none")
    view = await slots.edit(user_id, slot_id, change, version_condition(if_match))
    return await written.answer(view)


@router.patch(
    "/{slot_id}",
    operation_id="patchSlot",
    summary="Change fields of a slot",
    response_model=SlotOut,
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def patch_slot(
    *,
    slot_id: Scoped,
    body: SlotPatch,
    user_id: CurrentUser,
    slots: Slots,
    written: Written,
    if_match: IfMatch = None,
) -> Response:
    """A JSON merge patch: absent is untouched, `null` clears. A new `timezone` alone keeps the instants.

    `attendees` is a list and goes whole. `response_status` is the user's own answer, also to what others
    organize. What Google does not let the user change (`google.editable_fields` names the rest) is refused
    with 409 `read-only-slot` before anything is stored; `reason` is one of the values of
    `google.restriction`. `notify` says whom Google mails about it: nobody without it.

    Of a series, `scope` says how much is meant: `this` instance, this and all `following`, or `all`.
    Exceptions go where their instances go. The answer is what was edited: the exception that stands for the
    instance, the series that begins with it, or the series. `If-Match` takes the `ETag` of a `GET` of the
    same address, whatever the scope.
    """
    change = SlotEdit(
        body.applied_to, body.calendar_id, body.lines, body.notify or "none", body.ends_recurrence
    )
    view = await slots.edit(user_id, slot_id, change, version_condition(if_match))
    return await written.answer(view)


@router.delete(
    "/{slot_id}",
    operation_id="deleteSlot",
    summary="Delete a slot",
    response_model=SlotOut,
    responses=problems(401, 403, 404, 409, 412, 422),
)
async def delete_slot(
    *,
    slot_id: Scoped,
    user_id: CurrentUser,
    slots: Slots,
    written: Written,
    notify: NotifyQuery = "none",
    if_match: IfMatch = None,
) -> Response:
    """Deletes here and in Google; the slot can be restored.

    Of a series, `scope` says how much is meant: `this` instance, which is cancelled, this and all
    `following`, which answers with the series that ends before them, or `all`.
    An event that others organize is deleted from the user's calendar alone. 409 `read-only-slot`: Google does
    not let the user delete it (`google.deletable`).
    """
    view = await slots.delete(user_id, slot_id, notify=notify, condition=version_condition(if_match))
    return await written.answer(view)


@router.post(
    "/{slot_id}/restore",
    operation_id="restoreSlot",
    summary="Bring a deleted slot back",
    response_model=SlotOut,
    responses=problems(401, 403, 404, 409, 422, KEY_REUSED),
)
async def restore_slot(
    *,
    slot_id: Address,
    user_id: CurrentUser,
    slots: Slots,
    written: Written,
    retry: Retry,
    notify: NotifyQuery = "none",
) -> Response:
    """Brings the slot back here and in Google.

    A series comes back with the exceptions that were deleted along with it, a cancelled instance by any
    address that it had. An exception whose series is gone, or has no place for it any more, comes back as a
    single slot.
    """
    return await retry.once(
        lambda: slots.restore(user_id, slot_id, notify=notify), slot_answer, written.waited
    )


async def _agenda(
    user_id: UUID, reader: SlotReader, query: SlotQuery, window: Window, after: Position | None
) -> Response:
    view = await reader.agenda(user_id, query, window, after=after)
    following = entry_cursor(view.entries[-1].position) if view.more else None
    return PlainJson(page_body(slot_bodies(view), following))
