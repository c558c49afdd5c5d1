"""`/sync`: run now, how it stands, and what waits for a person."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.dependencies import CurrentUser, Reader, Reviews, Sync
from api.documentation import INVALID_CURSOR, NOT_CONNECTED, problems
from api.paging import DEFAULT_LIMIT, CursorText, Limit, id_cursor, page_body, read_id_cursor
from api.preferences import Prefer, applied, etag_of, wait_of
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.review_schemas import (
    ConflictOut,
    ConflictPageOut,
    HoldOut,
    HoldPageOut,
    ResolutionIn,
    conflict_body,
    hold_body,
)
from schemas.slot_bodies import slot_body
from schemas.slot_schemas import SlotOut
from schemas.sync_schemas import (
    PushAllOut,
    SyncStatusOut,
    TriggerOut,
    push_all_body,
    status_body,
    trigger_body,
)
from services.slot_scopes import SlotAddress

router = APIRouter(prefix="/sync", tags=["sync"], route_class=StrictRoute)

ConflictId = Annotated[UUID, Path(description="As `GET /sync/conflicts` names it.")]
HoldId = Annotated[UUID, Path(description="As `GET /sync/holds` names it.")]
QuarantinedId = Annotated[UUID, Path(description="The `id` of a slot.")]

DEFAULT_WAIT = timedelta(seconds=25)
"""How long an answer is waited for when the client does not say."""


@router.post(
    "/trigger",
    operation_id="triggerSync",
    summary="Pull and push now",
    response_model=TriggerOut,
    responses={
        202: {"description": "It takes longer; see `GET /sync/status`.", "model": TriggerOut},
        **problems(401, 403, NOT_CONNECTED),
    },
)
async def trigger(user_id: CurrentUser, sync: Sync, prefer: Prefer = None) -> Response:
    """Waits for the result, 25 seconds or what `Prefer: wait=N` says."""
    wait = wait_of(prefer)
    outcome = await sync.trigger(user_id, wait=DEFAULT_WAIT if wait is None else wait)
    return _outcome(trigger_body(outcome), wait, running=outcome.status == "running")


@router.get(
    "/status",
    operation_id="getSyncStatus",
    summary="How the sync stands",
    response_model=SyncStatusOut,
    responses=problems(401, 403),
)
async def status(user_id: CurrentUser, sync: Sync) -> Response:
    """Every calendar's state, counts, last error, webhook channel and next sync."""
    return PlainJson(status_body(await sync.status(user_id)))


@router.post(
    "/push-all",
    operation_id="pushAll",
    summary="Push every slot that Google does not have yet",
    response_model=PushAllOut,
    responses={
        202: {"description": "It takes longer; see `GET /sync/status`.", "model": PushAllOut},
        **problems(401, 403, NOT_CONNECTED),
    },
)
async def push_all(user_id: CurrentUser, sync: Sync, prefer: Prefer = None) -> Response:
    """Idempotent; slots that Google refused before are tried again."""
    wait = wait_of(prefer)
    outcome = await sync.push_all(user_id, wait=DEFAULT_WAIT if wait is None else wait)
    return _outcome(push_all_body(outcome), wait, running=outcome.status == "running")


@router.get(
    "/conflicts",
    operation_id="listConflicts",
    summary="Values that lost",
    response_model=ConflictPageOut,
    responses=problems(401, 403, 422, INVALID_CURSOR),
)
async def conflicts(
    user_id: CurrentUser, reviews: Reviews, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """Both sides changed the same field; the later edit won, and the other value is kept here."""
    found = await reviews.conflicts(user_id, after=read_id_cursor(cursor), limit=limit + 1)
    following = id_cursor(found[limit - 1].id) if len(found) > limit else None
    return PlainJson(page_body(map(conflict_body, found[:limit]), following))


@router.post(
    "/conflicts/{conflict_id}/resolve",
    operation_id="resolveConflict",
    summary="Settle a conflict",
    response_model=ConflictOut,
    responses=problems(401, 403, 404, 422),
)
async def resolve(
    conflict_id: ConflictId, body: ResolutionIn, user_id: CurrentUser, reviews: Reviews
) -> Response:
    """`winner` leaves everything as it is; `loser` brings the losing value back."""
    return PlainJson(conflict_body(await reviews.resolve(user_id, conflict_id, body.keep)))


@router.get(
    "/holds",
    operation_id="listHolds",
    summary="Mass deletions that wait for a person",
    response_model=HoldPageOut,
    responses=problems(401, 403, 422, INVALID_CURSOR),
)
async def holds(
    user_id: CurrentUser, reviews: Reviews, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """Many events vanished from Google at once; nothing was deleted here."""
    found = await reviews.holds(user_id, after=read_id_cursor(cursor), limit=limit + 1)
    following = id_cursor(found[limit - 1].id) if len(found) > limit else None
    return PlainJson(page_body(map(hold_body, found[:limit]), following))


@router.post(
    "/holds/{hold_id}/approve",
    operation_id="approveHold",
    summary="Let held deletions happen",
    response_model=HoldOut,
    responses=problems(401, 403, 404, 422),
)
async def approve(hold_id: HoldId, user_id: CurrentUser, reviews: Reviews) -> Response:
    """Deletes the held slots; those that were edited meanwhile survive."""
    return PlainJson(hold_body(await reviews.approve(user_id, hold_id)))


@router.post(
    "/holds/{hold_id}/reject",
    operation_id="rejectHold",
    summary="Keep held slots",
    response_model=HoldOut,
    responses=problems(401, 403, 404, 422),
)
async def reject(hold_id: HoldId, user_id: CurrentUser, reviews: Reviews) -> Response:
    """Keeps the held slots and brings them back to Google."""
    return PlainJson(hold_body(await reviews.reject(user_id, hold_id)))


@router.post(
    "/quarantine/{slot_id}/release",
    operation_id="releaseQuarantine",
    summary="Close the circuit breaker of a slot",
    response_model=SlotOut,
    responses=problems(401, 403, 404, 422),
)
async def release(slot_id: QuarantinedId, user_id: CurrentUser, reviews: Reviews, reader: Reader) -> Response:
    """Lets a slot sync again that app and Google kept overwriting."""
    await reviews.release_quarantine(user_id, slot_id)
    view = await reader.get(user_id, SlotAddress(slot_id), include_deleted=True)
    body = slot_body(view.entry.slot, view.account)
    return PlainJson(body, headers={"ETag": etag_of(body)})


def _outcome(body: dict[str, object], wait: timedelta | None, *, running: bool) -> Response:
    headers = None if wait is None else {"Preference-Applied": applied(wait)}
    return PlainJson(body, HTTPStatus.ACCEPTED if running else HTTPStatus.OK, headers)
