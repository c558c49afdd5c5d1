"""What routes ask for, typed: services, and the principal that a credential belongs to."""

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.container import Container, HttpPolicy
from services.calendar_selection import CalendarSelection
from services.channel_service import ChannelService
from services.connection_service import ConnectionService
from services.core.errors import ForbiddenError, UnauthenticatedError, UnknownUserError
from services.feed_service import FeedService
from services.free_busy_service import FreeBusyService
from services.google_oauth import GoogleOAuth
from services.review_service import ReviewService
from services.slot_service import SlotService
from services.sync_service import SyncService
from services.user_service import Principal, UserService

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    description="An API key as `POST /auth/users` shows it once: `gcs_...`, or the administrator's key.",
)


def container_of(request: Request) -> Container:
    """The container of the running application."""
    return cast("Container", request.app.state.container)


async def _http(request: Request) -> HttpPolicy:
    return container_of(request).http


async def _users(request: Request) -> UserService:
    return container_of(request).users


async def _slots(request: Request) -> SlotService:
    return container_of(request).slots


async def _free_busy(request: Request) -> FreeBusyService:
    return container_of(request).free_busy


async def _feeds(request: Request) -> FeedService:
    return container_of(request).feeds


async def _sync(request: Request) -> SyncService:
    return container_of(request).sync


async def _reviews(request: Request) -> ReviewService:
    return container_of(request).reviews


async def _connections(request: Request) -> ConnectionService:
    return container_of(request).connections


async def _channels(request: Request) -> ChannelService:
    return container_of(request).channels


async def _calendars(request: Request) -> CalendarSelection:
    return container_of(request).calendars


async def _oauth(request: Request) -> GoogleOAuth:
    return container_of(request).oauth


Http = Annotated[HttpPolicy, Depends(_http)]
Users = Annotated[UserService, Depends(_users)]
Slots = Annotated[SlotService, Depends(_slots)]
FreeBusyTimes = Annotated[FreeBusyService, Depends(_free_busy)]
Feeds = Annotated[FeedService, Depends(_feeds)]
Sync = Annotated[SyncService, Depends(_sync)]
Reviews = Annotated[ReviewService, Depends(_reviews)]
Connections = Annotated[ConnectionService, Depends(_connections)]
Channels = Annotated[ChannelService, Depends(_channels)]
Calendars = Annotated[CalendarSelection, Depends(_calendars)]
OAuth = Annotated[GoogleOAuth, Depends(_oauth)]

Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _optional_principal(users: Users, credentials: Credentials, request: Request) -> Principal | None:
    if credentials is not None:
        return await users.authenticate(credentials.credentials)
    if "authorization" in request.headers:
        raise UnauthenticatedError
    return None


OptionalPrincipal = Annotated[Principal | None, Depends(_optional_principal)]


async def _principal(principal: OptionalPrincipal) -> Principal:
    if principal is None:
        raise UnauthenticatedError
    return principal


CurrentPrincipal = Annotated[Principal, Depends(_principal)]


async def _user_id(principal: CurrentPrincipal) -> UUID:
    if principal.user_id is None:
        # The administrator looks after users; what belongs to a user needs that user's key.
        raise ForbiddenError
    return principal.user_id


CurrentUser = Annotated[UUID, Depends(_user_id)]
"""The user whose objects a route works on; every query is made with this id."""


async def _registrar(principal: OptionalPrincipal, http: Http) -> None:
    if http.registration_open:
        return
    if principal is None:
        raise UnauthenticatedError
    if not principal.is_administrator:
        raise ForbiddenError


RegistrationAllowed = Depends(_registrar)


async def _reachable_user(user_id: UUID, principal: CurrentPrincipal) -> UUID:
    if not principal.is_administrator and principal.user_id != user_id:
        raise UnknownUserError(user_id)
    return user_id


ReachableUser = Annotated[UUID, Depends(_reachable_user)]
"""The user that the path names: oneself, or anybody for the administrator."""
