"""Opening and closing push channels.

Source: Calendar API guide, 'Get push notifications'; reported refusals for their reasons.
"""

from __future__ import annotations

import hashlib
import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox import errors
from sandbox.messages import Json, Response, json_response
from sandbox.model.channels import MAX_TTL_S, Channel

if TYPE_CHECKING:
    from sandbox.call import Call

_TOKEN_LENGTH = 256
_ID = re.compile(r"^[A-Za-z0-9\-_+/=]{1,64}$")


def watch_events(call: Call) -> Response:
    """Hear of changes of a calendar's events."""
    calendar = call.calendar()
    if not calendar.push_supported:
        raise errors.ApiError(
            400,
            "pushNotSupportedForRequestedResource",
            "Push notifications are not supported by this resource.",
            domain="calendar",
        )
    return _open(call, f"events/{calendar.id}", f"calendars/{call.path['calendarId']}/events")


def watch_calendar_list(call: Call) -> Response:
    """Hear of changes of the account's list of calendars."""
    return _open(call, f"calendarList/{call.account.email}", "users/me/calendarList")


def watch_acl(call: Call) -> Response:
    """Hear of changes of who may see a calendar."""
    calendar = call.owned_calendar()
    return _open(call, f"acl/{calendar.id}", f"calendars/{call.path['calendarId']}/acl")


def watch_settings(call: Call) -> Response:
    """Hear of changes of the account's settings."""
    return _open(call, f"settings/{call.account.email}", "users/me/settings")


def stop_channel(call: Call) -> Response:
    """Close a channel of the same user and client."""
    channel_id, resource_id = call.body.get("id"), call.body.get("resourceId")
    if not channel_id or not resource_id:
        raise errors.required("Required")
    channel = call.world.channels.table.rows.get(str(channel_id))
    if (
        channel is None
        or channel.resource_id != resource_id
        or (channel.account, channel.client_id) != (call.account.email, call.client_id)
    ):
        raise errors.ApiError(404, "notFound", f"Channel '{channel_id}' not found for project '1'")
    call.world.channels.table.remove(channel.id)
    return Response(204)


def is_loopback(host: str | None) -> bool:
    """Whether a host name stands for this machine."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _open(call: Call, resource: str, uri: str) -> Response:
    world, body = call.world, call.body
    now_us = world.clock.now_us()
    channel = Channel(
        id=_checked_id(call, now_us),
        resource=resource,
        resource_id=_resource_id(resource),
        resource_uri=f"{world.base_url}/calendar/v3/{uri}?alt=json",
        address=_checked_address(body),
        token=_checked_token(body),
        account=call.account.email,
        client_id=call.client_id,
        expires_us=_expiry_us(body, now_us),
    )
    world.channels.open(channel, now_us)
    shown: Json = {
        "kind": "api#channel",
        "id": channel.id,
        "resourceId": channel.resource_id,
        "resourceUri": channel.resource_uri,
        "expiration": str(channel.expires_us // 1000),
    }
    if channel.token is not None:
        shown["token"] = channel.token
    return json_response(shown)


def _resource_id(resource: str) -> str:
    """The same for every channel on a resource."""
    return hashlib.blake2b(resource.encode(), digest_size=20).hexdigest()[:27]


def _checked_id(call: Call, now_us: int) -> str:
    channel_id = call.body.get("id")
    if not channel_id:
        raise errors.required("Required")
    if not isinstance(channel_id, str) or not _ID.match(channel_id):
        raise errors.ApiError(400, "push.channelIdInvalid", "Invalid channel id")
    taken = call.world.channels.table.rows.get(channel_id)
    if taken is not None and taken.expires_us > now_us:
        raise errors.ApiError(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")
    return channel_id


def _checked_address(body: Json) -> str:
    if str(body.get("type")) not in {"web_hook", "webhook"}:
        raise errors.ApiError(
            400, "push.channelTypeNotSupported", f"Unknown channel type: {body.get('type')}"
        )
    address = body.get("address")
    if not isinstance(address, str) or not address:
        raise errors.required("Required")
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise errors.ApiError(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")
    if not parts.hostname:
        raise errors.ApiError(
            400, "push.webhookUrlNoHostOrAddress", f"WebHook callback has no host: {address}"
        )
    return address


def _checked_token(body: Json) -> str | None:
    token = body.get("token")
    if token is None:
        return None
    if not isinstance(token, str) or len(token) > _TOKEN_LENGTH:
        raise errors.invalid("Invalid Value", "token")
    return token


def _expiry_us(body: Json, now_us: int) -> int:
    """The stricter of what was asked and Google's week."""
    wanted_us = now_us + MAX_TTL_S * 1_000_000
    try:
        ttl = (body.get("params") or {}).get("ttl")
        if ttl is not None:
            wanted_us = min(wanted_us, now_us + int(ttl) * 1_000_000)
        expiration = body.get("expiration")
        if expiration is not None:
            wanted_us = min(wanted_us, int(expiration) * 1000)
    except (TypeError, ValueError) as problem:
        raise errors.invalid("Invalid Value") from problem
    left_s = (wanted_us - now_us) // 1_000_000
    if left_s <= 0:
        raise errors.ApiError(400, "pushInvalidTtl", f"Invalid ttl value for channel {left_s}")
    return wanted_us
