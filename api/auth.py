"""`/auth/users`: users."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import Connections, CurrentPrincipal, CurrentUser, EmailProven, Users
from api.documentation import CREDENTIAL_OPTIONAL, EMAIL_KNOWN, INVALID_CURSOR, KEY_REUSED, problems
from api.idempotency import Retry
from api.paging import DEFAULT_LIMIT, CursorText, Limit, id_cursor, page_body, read_id_cursor
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.auth_schemas import NewUserOut, UserIn, UserOut, UserPageOut, user_body
from services.core.accounts import User
from services.user_service import UserView

router = APIRouter(prefix="/auth", tags=["users and Google"], route_class=StrictRoute)


@router.post(
    "/users",
    operation_id="registerUser",
    summary="Register a user and get an API key",
    status_code=HTTPStatus.CREATED,
    response_model=NewUserOut,
    responses=problems(401, 403, EMAIL_KNOWN, 422, KEY_REUSED),
    openapi_extra=CREDENTIAL_OPTIONAL,
)
async def register(proven: EmailProven, body: UserIn, users: Users, retry: Retry) -> Response:
    """`api_key` is shown this once. Public where `REGISTRATION` is open, else for the administrator.

    `Idempotency-Key` counts for who sends a credential; without one, a known e-mail is refused anyway.
    A key that anybody could ask for on a public address ends when the user links the Google account of this
    e-mail for the first time: the browser that did so is signed in, and can make new keys.
    """

    def shown(made: tuple[User, str]) -> Response:
        user, key = made
        return PlainJson({**user_body(UserView(user, None)), "api_key": key}, HTTPStatus.CREATED)

    return await retry.once(lambda: users.register(body.email, body.name, email_proven=proven), shown)


@router.get(
    "/users",
    operation_id="listUsers",
    summary="List users",
    response_model=UserPageOut,
    responses=problems(401, 422, INVALID_CURSOR),
)
async def list_users(
    principal: CurrentPrincipal, users: Users, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """All users for the administrator; for a user a page with just that user."""
    after = read_id_cursor(cursor)
    if principal.user_id is not None:
        own = [] if after is not None else [await users.get(principal.user_id)]
        return PlainJson(page_body(map(user_body, own), None))
    found, more = await users.page(after=after, limit=limit)
    return PlainJson(page_body(map(user_body, found), id_cursor(found[-1].user.id) if more else None))


@router.get(
    "/users/me",
    operation_id="getOwnUser",
    summary="Read your own record",
    response_model=UserOut,
    responses=problems(401, 403),
)
async def own_user(user_id: CurrentUser, users: Users) -> Response:
    """Your record, with how you stand with Google."""
    return PlainJson(user_body(await users.get(user_id)))


@router.delete(
    "/users/me",
    operation_id="eraseOwnUser",
    summary="Erase yourself",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problems(401, 403, 422),
)
async def erase(
    *,
    user_id: CurrentUser,
    connections: Connections,
    purge_google: Annotated[
        bool, Query(description="Delete from Google what the app created there.")
    ] = False,
) -> Response:
    """Stops channels, revokes the grant, deletes every row; what Google has stays unless `purge_google`."""
    await connections.erase(user_id, purge_google=purge_google)
    return Response(status_code=HTTPStatus.NO_CONTENT)
