"""`/webhooks/subscriptions`: servers that are told of changes."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.dependencies import CurrentUser, Subscriptions
from api.documentation import INVALID_CURSOR, KEY_REUSED, TOO_MANY_SUBSCRIPTIONS, problems
from api.idempotency import Retry
from api.paging import DEFAULT_LIMIT, CursorText, Limit, id_cursor, page_body, read_id_cursor
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.subscription_schemas import (
    DeliveryOut,
    DeliveryPageOut,
    NewSubscriptionOut,
    SubscriptionIn,
    SubscriptionOut,
    SubscriptionPageOut,
    delivery_body,
    subscription_body,
)
from services.core.subscriptions import Subscription

router = APIRouter(prefix="/webhooks/subscriptions", tags=["webhooks"], route_class=StrictRoute)

SubscriptionId = Annotated[UUID, Path(description="The `id` of the webhook.")]


@router.post(
    "",
    operation_id="createSubscription",
    summary="Have a server of yours told of changes",
    status_code=HTTPStatus.CREATED,
    response_model=NewSubscriptionOut,
    responses=problems(401, 403, TOO_MANY_SUBSCRIPTIONS, 422, KEY_REUSED),
)
async def create_subscription(
    *, body: SubscriptionIn, user_id: CurrentUser, subscriptions: Subscriptions, retry: Retry
) -> Response:
    """From now on each change is posted there, signed as Standard Webhooks are. `secret` is shown this once.

    A message is `{"type": "slots.changed", "timestamp", "data": {"seq", "items", "has_more"}}` with the items
    of `GET /slots/changes`, at most 50. Whatever answers 2xx within 15 seconds has taken it; anything else is
    tried again with growing pauses for a day, then the webhook is disabled. The same message may come twice,
    under the same `webhook-id`. Check `webhook-signature` with any Standard Webhooks library and the secret.
    `slots.expired` says that the server was away for longer than deletions are kept: read everything again.
    """

    def shown(made: tuple[Subscription, str]) -> Response:
        subscription, secret = made
        headers = {"Location": f"{router.prefix}/{subscription.id}"}
        return PlainJson({**subscription_body(subscription), "secret": secret}, HTTPStatus.CREATED, headers)

    return await retry.once(lambda: subscriptions.create(user_id, body.url, body.description), shown)


@router.get(
    "",
    operation_id="listSubscriptions",
    summary="List your webhooks",
    response_model=SubscriptionPageOut,
    responses=problems(401, 403),
)
async def list_subscriptions(user_id: CurrentUser, subscriptions: Subscriptions) -> Response:
    """With how far each has been told, and what keeps it; the secrets are not shown again."""
    return PlainJson(page_body(map(subscription_body, await subscriptions.all_of(user_id)), None))


@router.get(
    "/{subscription_id}",
    operation_id="getSubscription",
    summary="Read a webhook",
    response_model=SubscriptionOut,
    responses=problems(401, 403, 404, 422),
)
async def get_subscription(
    subscription_id: SubscriptionId, user_id: CurrentUser, subscriptions: Subscriptions
) -> Response:
    """How far it has been told, and what keeps it."""
    return PlainJson(subscription_body(await subscriptions.get(user_id, subscription_id)))


@router.delete(
    "/{subscription_id}",
    operation_id="deleteSubscription",
    summary="End a webhook",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problems(401, 403, 404, 422),
)
async def delete_subscription(
    subscription_id: SubscriptionId, user_id: CurrentUser, subscriptions: Subscriptions
) -> Response:
    """Nothing more is told; a message that is on its way still arrives."""
    await subscriptions.remove(user_id, subscription_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post(
    "/{subscription_id}/test",
    operation_id="testSubscription",
    summary="Send a test message",
    response_model=DeliveryOut,
    responses=problems(401, 403, 404, 422),
)
async def test_subscription(
    subscription_id: SubscriptionId, user_id: CurrentUser, subscriptions: Subscriptions
) -> Response:
    """Sends a `webhook.test` now and tells what came of it; one that is taken ends `disabled` and pauses."""
    return PlainJson(delivery_body(await subscriptions.test(user_id, subscription_id)))


@router.get(
    "/{subscription_id}/deliveries",
    operation_id="listDeliveries",
    summary="What was told, and what came of it",
    response_model=DeliveryPageOut,
    responses=problems(401, 403, 404, 422, INVALID_CURSOR),
)
async def list_deliveries(
    *,
    subscription_id: SubscriptionId,
    user_id: CurrentUser,
    subscriptions: Subscriptions,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    """The last hundred attempts, newest first. What the server answered is not kept, but for the status."""
    found = await subscriptions.deliveries(
        user_id, subscription_id, before=read_id_cursor(cursor), limit=limit + 1
    )
    following = id_cursor(found[limit - 1].id) if len(found) > limit else None
    return PlainJson(page_body(map(delivery_body, found[:limit]), following))
