"""What routes ask for, typed: services, and the principal that a credential belongs to."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.container import Container, HttpPolicy
from api.cookies import SESSION, read_cookie, send_session
from api.cross_site import refuse_cross_site
from api.throttling import count_principal, count_registration
from services.batch_service import BatchService
from services.calendar_selection import CalendarSelection
from services.change_feed import ChangeFeed
from services.change_streams import ChangeStreams
from services.channel_service import ChannelService
from services.connection_service import ConnectionService
from services.core.credentials import Principal
from services.core.errors import ForbiddenError, UnauthenticatedError, UnknownUserError
from services.feed_service import FeedService
from services.free_busy_service import FreeBusyService
from services.google_oauth import GoogleOAuth
from services.google_sign_in import GoogleSignIn
from services.idempotency_service import IdempotencyService
from services.key_service import KeyService
from services.review_service import ReviewService
from services.session_service import SessionService
from services.slot_reader import SlotReader
from services.slot_service import SlotService
from services.subscription_service import SubscriptionService
from services.sync_service import SyncService
from services.undo_service import UndoService
from services.user_service import UserService

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    description="An API key as `POST /auth/users` and `POST /auth/keys` show it once: `gcs_...`, or the "
    "administrator's key.",
)
_cookie = APIKeyCookie(
    name=f"__Host-{SESSION}",
    auto_error=False,
    scheme_name="session",
    description="Set when a browser comes back from Google; on http://localhost its name is `session`. It "
    "counts for requests that change something only from pages of this service and of `CORS_ORIGINS`, and "
    "only where there is no `Authorization` header.",
)


def container_of(request: Request) -> Container:
    """The container of the running application."""
    return cast("Container", request.app.state.container)


async def _http(request: Request) -> HttpPolicy:
    return container_of(request).http


async def _users(request: Request) -> UserService:
    return container_of(request).users


async def _keys(request: Request) -> KeyService:
    return container_of(request).keys


async def _sessions(request: Request) -> SessionService:
    return container_of(request).sessions


async def _slots(request: Request) -> SlotService:
    return container_of(request).slots


async def _slot_reader(request: Request) -> SlotReader:
    return container_of(request).slot_reader


async def _free_busy(request: Request) -> FreeBusyService:
    return container_of(request).free_busy


async def _feeds(request: Request) -> FeedService:
    return container_of(request).feeds


async def _changes(request: Request) -> ChangeFeed:
    return container_of(request).changes


async def _streams(request: Request) -> ChangeStreams:
    return container_of(request).streams


async def _sync(request: Request) -> SyncService:
    return container_of(request).sync


async def _reviews(request: Request) -> ReviewService:
    return container_of(request).reviews


async def _undo(request: Request) -> UndoService:
    return container_of(request).undo


async def _connections(request: Request) -> ConnectionService:
    return container_of(request).connections


async def _channels(request: Request) -> ChannelService:
    return container_of(request).channels


async def _calendars(request: Request) -> CalendarSelection:
    return container_of(request).calendars


async def _batches(request: Request) -> BatchService:
    return container_of(request).batches


async def _subscriptions(request: Request) -> SubscriptionService:
    return container_of(request).subscriptions


async def _idempotency(request: Request) -> IdempotencyService:
    return container_of(request).idempotency


async def _oauth(request: Request) -> GoogleOAuth:
    return container_of(request).oauth


async def _sign_in(request: Request) -> GoogleSignIn:
    return container_of(request).sign_in


Http = Annotated[HttpPolicy, Depends(_http)]
Users = Annotated[UserService, Depends(_users)]
Keys = Annotated[KeyService, Depends(_keys)]
Sessions = Annotated[SessionService, Depends(_sessions)]
Slots = Annotated[SlotService, Depends(_slots)]
Reader = Annotated[SlotReader, Depends(_slot_reader)]
FreeBusyTimes = Annotated[FreeBusyService, Depends(_free_busy)]
Feeds = Annotated[FeedService, Depends(_feeds)]
Changes = Annotated[ChangeFeed, Depends(_changes)]
Streams = Annotated[ChangeStreams, Depends(_streams)]
Sync = Annotated[SyncService, Depends(_sync)]
Reviews = Annotated[ReviewService, Depends(_reviews)]
Undo = Annotated[UndoService, Depends(_undo)]
Connections = Annotated[ConnectionService, Depends(_connections)]
Channels = Annotated[ChannelService, Depends(_channels)]
Calendars = Annotated[CalendarSelection, Depends(_calendars)]
Batches = Annotated[BatchService, Depends(_batches)]
Subscriptions = Annotated[SubscriptionService, Depends(_subscriptions)]
Idempotency = Annotated[IdempotencyService, Depends(_idempotency)]
OAuth = Annotated[GoogleOAuth, Depends(_oauth)]
SignIn = Annotated[GoogleSignIn, Depends(_sign_in)]

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _from_session(sessions: SessionService, request: Request, http: HttpPolicy) -> Principal | None:
    cookie = read_cookie(request, SESSION, http)
    if cookie is None:
        return None
    refuse_cross_site(request.method, request.headers, http)
    recognised = await sessions.recognise(cookie)
    if recognised is None:
        # Like no cookie at all: browsers keep what is over, and must still be able to sign in.
        return None
    if recognised.token is not None:
        send_session(request, recognised.token.text, recognised.token.lifetime, http)
    return recognised.principal


async def _optional_principal(
    *,
    keys: Keys,
    sessions: Sessions,
    http: Http,
    credentials: Credentials,
    _: Annotated[str | None, Depends(_cookie)],
    request: Request,
) -> Principal | None:
    if credentials is not None:
        return await keys.authenticate(credentials.credentials)
    if "authorization" in request.headers:
        # Who sends the header means it: a cookie beside it does not step in.
        raise UnauthenticatedError
    return await _from_session(sessions, request, http)


OptionalPrincipal = Annotated[Principal | None, Depends(_optional_principal)]


async def _principal(principal: OptionalPrincipal, request: Request) -> Principal:
    if principal is None:
        raise UnauthenticatedError
    count_principal(request, principal)
    return principal


CurrentPrincipal = Annotated[Principal, Depends(_principal)]


async def _user_id(principal: CurrentPrincipal) -> UUID:
    if principal.user_id is None:
        # The administrator looks after users; what belongs to a user needs that user's key.
        raise ForbiddenError
    return principal.user_id


CurrentUser = Annotated[UUID, Depends(_user_id)]
"""The user whose objects a route works on; every query is made with this id."""


async def _registrar(principal: OptionalPrincipal, http: Http, request: Request) -> bool:
    count_registration(request, principal)
    if principal is not None and principal.is_administrator:
        return True
    if http.registration_open:
        # On a loopback address whoever registers sits at the machine on which any link would be finished.
        return http.loopback
    if principal is None:
        raise UnauthenticatedError
    raise ForbiddenError


EmailProven = Annotated[bool, Depends(_registrar)]
"""Lets register only who may, and tells whether their word is enough that the e-mail is the user's."""


UserId = Annotated[UUID, Path(description="Your own `id`; any user's for the administrator.")]


async def _reachable_user(user_id: UserId, principal: CurrentPrincipal) -> UUID:
    if not principal.is_administrator and principal.user_id != user_id:
        raise UnknownUserError(user_id)
    return user_id


ReachableUser = Annotated[UUID, Depends(_reachable_user)]
"""The user that the path names: oneself, or anybody for the administrator."""
