"""`/auth`: users, and the way to Google and back."""

import logging
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from api.container import HttpPolicy
from api.dependencies import (
    Channels,
    Connections,
    CurrentPrincipal,
    CurrentUser,
    Http,
    OAuth,
    OptionalPrincipal,
    ReachableUser,
    RegistrationAllowed,
    Sync,
    Users,
)
from api.documentation import EMAIL_KNOWN, NOT_CONNECTED, problems
from api.paging import DEFAULT_LIMIT, CursorText, Limit, id_cursor, page_body, read_id_cursor
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.auth_schemas import (
    AuthorizationOut,
    ConnectedOut,
    DisconnectIn,
    NewUserOut,
    UserIn,
    UserOut,
    UserPageOut,
    user_body,
)
from schemas.sync_schemas import SyncStatusOut, status_body
from services.channel_service import ChannelService
from services.core.errors import DomainError, ForbiddenError, OAuthFlowError, UnauthenticatedError
from services.google.receipts import RECEIPT_LIFETIME
from services.google_oauth import FLOW_LIFETIME
from services.user_service import UserView
from services.web_addresses import origin_of, valid_url

router = APIRouter(prefix="/auth", tags=["users and Google"], route_class=StrictRoute)

_log = logging.getLogger(__name__)
_Text = Annotated[str | None, Query(max_length=4096)]


@router.post(
    "/users",
    operation_id="registerUser",
    summary="Register a user and get an API key",
    status_code=HTTPStatus.CREATED,
    response_model=NewUserOut,
    responses=problems(401, 403, EMAIL_KNOWN, 422),
    dependencies=[RegistrationAllowed],
)
async def register(body: UserIn, users: Users) -> Response:
    """`api_key` is shown this once. Public where `REGISTRATION` is open, else for the administrator."""
    user, key = await users.register(body.email, body.name)
    return PlainJson({**user_body(UserView(user, None)), "api_key": key}, HTTPStatus.CREATED)


@router.get(
    "/users",
    operation_id="listUsers",
    summary="List users",
    response_model=UserPageOut,
    responses=problems(401, 422),
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


@router.get(
    "/google/authorize",
    operation_id="authorizeGoogle",
    summary="Begin to link a Google account",
    response_model=AuthorizationOut,
    responses={302: {"description": "With `ticket`: on to Google."}, **problems(400, 401, 403, 422)},
)
async def authorize(
    principal: OptionalPrincipal, http: Http, oauth: OAuth, ticket: _Text = None, return_to: _Text = None
) -> Response:
    """Answers a single-use URL to open in the browser of the person; that browser alone can finish.

    The URL is this route with a `ticket`: it sets a cookie and redirects to Google.
    """
    if ticket is not None:
        opened = await oauth.open(ticket)
        response: Response = RedirectResponse(opened.google_url, HTTPStatus.FOUND)
        _set_cookie(response, _FLOW, opened.browser_secret, FLOW_LIFETIME, http)
        return response
    if principal is None:
        raise UnauthenticatedError
    if principal.user_id is None:
        raise ForbiddenError
    if not http.google_configured:
        raise OAuthFlowError("google-not-configured", "This service has no Google credentials.")
    return PlainJson({"authorization_url": await oauth.start(principal.user_id, _allowed(return_to, http))})


@router.get(
    "/google/callback",
    operation_id="finishGoogle",
    summary="Where Google sends the browser back",
    response_model=ConnectedOut,
    responses={302: {"description": "Back to the frontend."}, **problems(400, 403)},
)
async def callback(
    *,
    request: Request,
    http: Http,
    oauth: OAuth,
    connections: Connections,
    sync: Sync,
    channels: Channels,
    state: _Text = None,
    code: _Text = None,
    error: _Text = None,
    scope: _Text = None,
    iss: _Text = None,
) -> Response:
    """Stores the account and starts the first sync; redirects to the frontend where there is one.

    Loaded again by the same browser within ten minutes it answers the same, and does nothing.
    """
    opening = None
    try:
        finished = await oauth.finish(
            state=state,
            code=code,
            browser_secret=request.cookies.get(_cookie_name(_FLOW, http)),
            error=error,
            scope=scope,
            issuer=iss,
        )
        await connections.connected(finished.user_id)
        opening = BackgroundTask(_open_channels, channels, finished.user_id)
    except OAuthFlowError as failure:
        before = await oauth.receipts.read(request.cookies.get(_cookie_name(_LINKED, http)), state)
        if before is not None:
            finished = before
        elif http.frontend_url is None:
            raise
        else:
            response = _leave(http.frontend_url, {"error": failure.slug})
            _clear_flow_cookie(response, http)
            return response
    target = finished.return_to or http.frontend_url
    if target is not None:
        response = _leave(target, {})
    else:
        status = await sync.status(finished.user_id)
        response = PlainJson(
            {
                "status": "connected",
                "user_id": finished.user_id,
                "google_email": finished.account.email,
                "sync": status_body(status),
            }
        )
    _clear_flow_cookie(response, http)
    _set_cookie(response, _LINKED, finished.receipt, RECEIPT_LIFETIME, http)
    response.background = opening
    return response


@router.post(
    "/initialize/{user_id}",
    operation_id="initializeSync",
    summary="Set up the sync again and list everything",
    status_code=HTTPStatus.ACCEPTED,
    response_model=SyncStatusOut,
    responses=problems(401, 404, NOT_CONNECTED, 422),
)
async def initialize(user_id: ReachableUser, connections: Connections, sync: Sync) -> Response:
    """Creates what is missing and lists everything again, in the background; nothing known is forgotten."""
    await connections.initialize(user_id)
    return PlainJson(status_body(await sync.status(user_id)), HTTPStatus.ACCEPTED)


@router.post(
    "/google/disconnect",
    operation_id="disconnectGoogle",
    summary="End the link to Google",
    response_model=UserOut,
    responses=problems(401, 403, NOT_CONNECTED, 422),
)
async def disconnect(
    user_id: CurrentUser, connections: Connections, users: Users, body: DisconnectIn | None = None
) -> Response:
    """Stops channels, revokes the grant and erases the token. Linking again makes no duplicates."""
    wanted = body or DisconnectIn()
    await connections.disconnect(user_id, remote=wanted.remote, local=wanted.local)
    return PlainJson(user_body(await users.get(user_id)))


async def _open_channels(channels: ChannelService, user_id: UUID) -> None:
    try:
        await channels.setup(user_id)
    except DomainError as error:
        # Polling serves meanwhile, and the next tick tries again.
        _log.info("channels not opened: %s", type(error).__name__, extra={"user_id": str(user_id)})


def _allowed(return_to: str | None, http: HttpPolicy) -> str | None:
    if return_to is None:
        return None
    try:
        allowed = origin_of(valid_url(return_to)) in http.return_origins
    except ValueError:
        allowed = False
    if not allowed:
        message = "must be a URL of the frontend, of an allowed origin or of this service"
        raise RequestValidationError([{"type": "value_error", "loc": ("query", "return_to"), "msg": message}])
    return return_to


def _leave(target: str, extra: dict[str, str]) -> Response:
    parts = urlsplit(target)
    query = "&".join(each for each in (parts.query, urlencode(extra)) if each)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), HTTPStatus.FOUND)


_FLOW, _LINKED = "google-flow", "google-linked"
"""Cookies: the secret of the browser that is on its way, and the receipt of the one that has arrived."""


def _cookie_name(name: str, http: HttpPolicy) -> str:
    # The prefix makes browsers refuse a cookie that a neighbouring subdomain planted.
    return f"__Host-{name}" if http.https else name


def _set_cookie(response: Response, name: str, value: str, lifetime: timedelta, http: HttpPolicy) -> None:
    response.set_cookie(
        _cookie_name(name, http),
        value,
        max_age=int(lifetime.total_seconds()),
        path="/",
        httponly=True,
        secure=http.https,
        samesite="lax",
    )


def _clear_flow_cookie(response: Response, http: HttpPolicy) -> None:
    name = _cookie_name(_FLOW, http)
    response.delete_cookie(name, path="/", httponly=True, secure=http.https, samesite="lax")
