"""`/auth/google`: the way to Google and back, to link an account or to sign in, and the link's life."""

import logging
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from api.container import HttpPolicy
from api.cookies import FLOW, LINKED, SESSION, clear_cookie, read_cookie, send_session, set_cookie
from api.cross_site import is_navigation
from api.dependencies import (
    Channels,
    Connections,
    CurrentUser,
    Http,
    OAuth,
    OptionalPrincipal,
    ReachableUser,
    Sessions,
    SignIn,
    Sync,
    Users,
)
from api.documentation import CREDENTIAL_OPTIONAL, NOT_CONFIGURED, NOT_CONNECTED, NOT_LINKED, problems
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.auth_schemas import AuthorizationOut, ConnectedOut, DisconnectIn, UserOut, user_body
from schemas.sync_schemas import SyncStatusOut, status_body
from services.channel_service import ChannelService
from services.core.errors import DomainError, ForbiddenError, OAuthFlowError, UnauthenticatedError
from services.google.flows import FinishedFlow, OpenedFlow, Returned, SignedIn
from services.google.receipts import RECEIPT_LIFETIME
from services.google_oauth import FLOW_LIFETIME
from services.web_addresses import origin_of, valid_url

router = APIRouter(prefix="/auth", tags=["users and Google"], route_class=StrictRoute)

_log = logging.getLogger(__name__)


def _text(description: str) -> Any:
    return Query(max_length=4096, description=description)


Ticket = Annotated[str | None, _text("Of an `authorization_url`: good once, for five minutes.")]
ReturnTo = Annotated[
    str | None, _text("Where the browser goes in the end: at this service, FRONTEND_URL or in CORS_ORIGINS.")
]
State = Annotated[str | None, _text("What Google was given to send back.")]
Code = Annotated[str | None, _text("What Google gives out for its tokens; good once.")]
Failure = Annotated[str | None, _text("Google's word for what went wrong: `access_denied` and others.")]
Granted = Annotated[str | None, _text("What was granted, as Google names it.")]
Issuer = Annotated[str | None, _text("Who answers: only Google may (RFC 9207).")]


@router.get(
    "/google/authorize",
    operation_id="authorizeGoogle",
    summary="Begin to link a Google account, or to sign in",
    response_model=AuthorizationOut,
    responses={
        302: {"description": "For a browser that comes here, and with `ticket`: on to Google."},
        **problems(400, 401, 403, NOT_CONFIGURED, 422),
    },
    openapi_extra=CREDENTIAL_OPTIONAL,
)
async def authorize(
    *,
    request: Request,
    principal: OptionalPrincipal,
    http: Http,
    oauth: OAuth,
    sign_in: SignIn,
    ticket: Ticket = None,
    return_to: ReturnTo = None,
) -> Response:
    """Answers a single-use URL to open in the browser of the person; that browser alone can finish.

    The URL is this route with a `ticket`: it sets a cookie and redirects to Google. A browser that is signed
    in may come here itself to link an account. One that is not is sent to Google to sign in, which works for
    accounts that are linked already and never creates a user.
    """
    if ticket is not None:
        return _on_the_way(await oauth.open(ticket), http)
    navigates = is_navigation(request.headers)
    if principal is None and not navigates:
        raise UnauthenticatedError
    if principal is not None and principal.user_id is None:
        raise ForbiddenError
    if not http.google_configured:
        raise OAuthFlowError("google-not-configured", "This service has no Google credentials.")
    target = _allowed(return_to, http)
    if principal is None or principal.user_id is None:
        return _on_the_way(await sign_in.begin(target), http)
    if navigates and principal.session_id is not None:
        return _on_the_way(await oauth.start_here(principal.user_id, target), http)
    return PlainJson({"authorization_url": await oauth.start(principal.user_id, target)})


@router.get(
    "/google/callback",
    operation_id="finishGoogle",
    summary="Where Google sends the browser back",
    response_model=ConnectedOut,
    responses={302: {"description": "Back to the frontend."}, **problems(400, 403, *NOT_LINKED)},
)
async def callback(
    *,
    request: Request,
    http: Http,
    oauth: OAuth,
    sign_in: SignIn,
    sessions: Sessions,
    connections: Connections,
    sync: Sync,
    channels: Channels,
    state: State = None,
    code: Code = None,
    error: Failure = None,
    scope: Granted = None,
    iss: Issuer = None,
) -> Response:
    """Stores the account, starts the first sync and signs the browser in; or only signs it in.

    Redirects to the frontend where there is one. Loaded again within ten minutes by the browser that linked
    an account it answers the same, and does nothing.
    """
    returned = Returned(state, code, read_cookie(request, FLOW, http), error, scope, iss)
    finished: FinishedFlow | SignedIn
    opening, arrived = None, True
    try:
        if sign_in.owns(state):
            finished = await sign_in.finish(returned)
        else:
            finished = await oauth.finish(returned)
            await connections.connected(finished.user_id)
            opening = BackgroundTask(_open_channels, channels, finished.user_id)
    except OAuthFlowError as failure:
        before = await oauth.receipts.read(read_cookie(request, LINKED, http), state)
        if before is None:
            return _failed(failure, http)
        # A receipt lets a page be shown once more, and signs nobody in.
        finished, arrived = before, False
    if arrived:
        token = await sessions.begin(finished.user_id, before=read_cookie(request, SESSION, http))
        send_session(request, token.text, token.lifetime, http)
    target = finished.return_to or http.frontend_url
    if target is not None:
        response = _leave(target, {})
    else:
        status = await sync.status(finished.user_id)
        response = PlainJson({**_arrival(finished), "sync": status_body(status)})
    clear_cookie(response, FLOW, http)
    if isinstance(finished, FinishedFlow):
        set_cookie(response, LINKED, finished.receipt, RECEIPT_LIFETIME, http)
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


def _on_the_way(opened: OpenedFlow, http: HttpPolicy) -> Response:
    response = RedirectResponse(opened.google_url, HTTPStatus.FOUND)
    set_cookie(response, FLOW, opened.browser_secret, FLOW_LIFETIME, http)
    return response


def _failed(failure: OAuthFlowError, http: HttpPolicy) -> Response:
    if http.frontend_url is None:
        raise failure
    response = _leave(http.frontend_url, {"error": failure.slug})
    clear_cookie(response, FLOW, http)
    return response


def _arrival(finished: FinishedFlow | SignedIn) -> dict[str, object]:
    if isinstance(finished, SignedIn):
        facts = ("signed_in", finished.google_email, False)
    else:
        facts = ("connected", finished.account.email, finished.credentials_ended)
    status, email, ended = facts
    return {
        "status": status,
        "user_id": finished.user_id,
        "google_email": email,
        "earlier_credentials_ended": ended,
    }


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
