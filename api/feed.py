"""`/slots/feed`: the calendar for programs that subscribe to an address."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from api.dependencies import CurrentUser, Feeds, Http
from api.documentation import KEY_REUSED, problems
from api.idempotency import Retry
from api.preferences import IfNoneMatch, names_tag
from api.responses import PlainJson
from schemas.feed_schemas import FeedOut, NewFeedOut, feed_body
from services.core.accounts import Feed
from services.feed_service import OpenFeed

router = APIRouter(prefix="/slots", tags=["slots"])

_CACHE = "private, max-age=300"
_MEDIA_TYPE = "text/calendar; charset=utf-8"

# No rules for its form: whatever is no key answers like a wrong one.
Key = Annotated[str, Query(description="As it stands in the address that `POST /slots/feed` answers.")]


@router.post(
    "/feed",
    operation_id="createFeed",
    summary="Make the address of your calendar feed",
    status_code=HTTPStatus.CREATED,
    response_model=NewFeedOut,
    responses=problems(401, 403, 422, KEY_REUSED),
)
async def create_feed(user_id: CurrentUser, feeds: Feeds, http: Http, retry: Retry) -> Response:
    """Answers a secret address for calendar programs, shown this once; an earlier one is void.

    Whoever has the address can read everything in the calendar, private slots too.
    """

    def shown(made: tuple[Feed, str]) -> Response:
        feed, key = made
        url = f"{http.public_base_url}{router.prefix}/feed.ics?key={key}"
        return PlainJson({"url": url, "created_at": feed.created_at}, HTTPStatus.CREATED)

    return await retry.once(lambda: feeds.replace(user_id), shown)


@router.get(
    "/feed",
    operation_id="getFeed",
    summary="Whether there is a calendar feed",
    response_model=FeedOut,
    responses=problems(401, 403),
)
async def get_feed(user_id: CurrentUser, feeds: Feeds) -> Response:
    """Since when there is one, and about when a program last read it; the address itself is not kept."""
    return PlainJson(feed_body(await feeds.find(user_id)))


@router.delete(
    "/feed",
    operation_id="revokeFeed",
    summary="Revoke the address of the calendar feed",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=problems(401, 403),
)
async def revoke_feed(user_id: CurrentUser, feeds: Feeds) -> Response:
    """From now on the address answers 404; there need not be one."""
    await feeds.revoke(user_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get(
    "/feed.ics",
    operation_id="readFeed",
    summary="The calendar, for programs that subscribe to it",
    response_class=Response,
    responses={
        200: {
            "description": "An iCalendar document (RFC 5545).",
            "content": {"text/calendar": {"schema": {"type": "string"}, "example": "BEGIN:VCALENDAR\r\n..."}},
        },
        304: {"description": "The program has this document."},
        **problems(404),
    },
)
async def read_feed(feeds: Feeds, key: Key = "", if_none_match: IfNoneMatch = None) -> Response:
    """Every slot of every calendar: series with their rules and exceptions, and the zones that they use.

    A wrong key and a revoked one answer 404. Send `If-None-Match`, and what did not change is not sent again.
    """
    feed = await feeds.open(key)
    return _answer(feed, feeds.document(feed.user), if_none_match)


@router.head("/feed.ics", include_in_schema=False)
async def look_at_feed(feeds: Feeds, key: Key = "", if_none_match: IfNoneMatch = None) -> Response:
    """What `GET` answers, without the document."""
    return _answer(await feeds.open(key), _nothing(), if_none_match)


def _answer(feed: OpenFeed, pieces: AsyncIterator[bytes], if_none_match: str | None) -> Response:
    headers = {"ETag": feed.etag, "Cache-Control": _CACHE}
    if names_tag(if_none_match, feed.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return StreamingResponse(pieces, headers=headers, media_type=_MEDIA_TYPE)


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
