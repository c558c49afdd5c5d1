"""`/webhooks`: Google's notifications, and the channels on which they come."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response

from api.dependencies import Channels, ReachableUser
from api.documentation import NO_WEBHOOK_ADDRESS, NOT_CONNECTED, TOO_MANY_FORGED, problems
from api.responses import PlainJson
from schemas.sync_schemas import ChannelsOut, channels_body
from services.core.errors import UnknownChannelError

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

_LONGEST = 256
ChannelId = Annotated[str, Header(max_length=4096, description="The channel, as it was opened.")]
ChannelToken = Annotated[str, Header(max_length=4096, description="The channel's own secret.")]
ResourceId = Annotated[
    str, Header(max_length=4096, description="What the channel watches, in Google's words.")
]
ResourceState = Annotated[
    str, Header(max_length=4096, description="`sync` when the channel opens, `exists` for a change.")
]


@router.post(
    "/google-calendar",
    operation_id="receiveGoogleNotification",
    summary="Google tells that a calendar changed",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problems(404, TOO_MANY_FORGED, throttled=False),
)
async def receive(
    channels: Channels,
    x_goog_channel_id: ChannelId = "",
    x_goog_channel_token: ChannelToken = "",
    x_goog_resource_id: ResourceId = "",
    x_goog_resource_state: ResourceState = "",
) -> Response:
    """For Google only. The calendar is marked and this answers at once; the body is not read."""
    if "\x00" in x_goog_channel_id or len(x_goog_channel_id) > _LONGEST:
        raise UnknownChannelError
    await channels.notified(
        channel_id=x_goog_channel_id,
        token=x_goog_channel_token,
        resource_id=x_goog_resource_id,
        state=x_goog_resource_state,
    )
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/setup/{user_id}",
    operation_id="setUpWebhooks",
    summary="Open or renew the webhook channels",
    response_model=ChannelsOut,
    responses=problems(401, 403, 404, NO_WEBHOOK_ADDRESS, NOT_CONNECTED, 422, 502),
)
async def set_up(user_id: ReachableUser, channels: Channels) -> Response:
    """One channel for each calendar that Google can notify for; oneself, or anybody for the administrator."""
    return PlainJson(channels_body(await channels.setup(user_id)))
