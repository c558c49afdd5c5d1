"""`/auth/keys` and `/auth/logout`: the credentials of a user."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.cookies import end_session
from api.dependencies import CurrentPrincipal, CurrentUser, Http, Keys, Sessions
from api.documentation import INVALID_CURSOR, KEY_LINKS, KEY_REUSED, TOO_MANY_KEYS, problems
from api.idempotency import Retry
from api.paging import DEFAULT_LIMIT, CursorText, Limit, id_cursor, page_body, read_id_cursor
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.key_schemas import KeyIn, KeyPageOut, NewKeyOut, key_body
from services.core.accounts import ApiKey

router = APIRouter(prefix="/auth", tags=["credentials"], route_class=StrictRoute)

KeyId = Annotated[UUID, Path(description="As `GET /auth/keys` names it.")]


@router.post(
    "/keys",
    operation_id="createKey",
    summary="Make another API key",
    status_code=HTTPStatus.CREATED,
    response_model=NewKeyOut,
    responses={
        201: {"description": "The key.", "links": KEY_LINKS},
        **problems(401, 403, TOO_MANY_KEYS, 422, KEY_REUSED),
    },
)
async def create_key(
    user_id: CurrentUser, principal: CurrentPrincipal, body: KeyIn, keys: Keys, retry: Retry
) -> Response:
    """One for each program or device, so that one can be revoked alone. `api_key` is shown this once."""

    def shown(made: tuple[ApiKey, str]) -> Response:
        key, text = made
        return PlainJson({**key_body(key, principal.key_id), "api_key": text}, HTTPStatus.CREATED)

    return await retry.once(lambda: keys.create(user_id, body.name, body.expires_at), shown)


@router.get(
    "/keys",
    operation_id="listKeys",
    summary="List your API keys",
    response_model=KeyPageOut,
    responses=problems(401, 403, 422, INVALID_CURSOR),
)
async def list_keys(
    user_id: CurrentUser,
    principal: CurrentPrincipal,
    keys: Keys,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    """Expired ones too; the secrets themselves are not kept, so nobody can show them."""
    found, more = await keys.page(user_id, after=read_id_cursor(cursor), limit=limit)
    items = [key_body(key, principal.key_id) for key in found]
    return PlainJson(page_body(items, id_cursor(found[-1].id) if more else None))


@router.delete(
    "/keys/{key_id}",
    operation_id="revokeKey",
    summary="Revoke an API key",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problems(401, 403, 404, 422),
)
async def revoke_key(user_id: CurrentUser, key_id: KeyId, keys: Keys) -> Response:
    """Any next request with it answers 401, on every replica; also the one that this request came with."""
    await keys.revoke(user_id, key_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/logout",
    operation_id="logOut",
    summary="Sign the browser out",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problems(401, 403, 422),
)
async def log_out(
    *,
    request: Request,
    user_id: CurrentUser,
    principal: CurrentPrincipal,
    sessions: Sessions,
    http: Http,
    everywhere: Annotated[bool, Query(description="End the sessions of all your browsers.")] = False,
) -> Response:
    """Ends the session that the request came with. API keys stay: `DELETE /auth/keys/{key_id}` ends those."""
    if everywhere:
        await sessions.end_all(user_id)
    elif principal.session_id is not None:
        await sessions.end(user_id, principal.session_id)
    if principal.session_id is not None:
        end_session(request, http)
    return Response(status_code=HTTPStatus.NO_CONTENT)
