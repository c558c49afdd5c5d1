"""`/slots/changes`, `/slots/stream`: what changed since a client looked, asked for or told as it happens."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from starlette.responses import Response

from api.dependencies import Changes, CurrentPrincipal, CurrentUser, Http, Streams
from api.documentation import CURSOR_EXPIRED, INVALID_CURSOR, TOO_MANY_STREAMS, problems
from api.event_stream import HEARTBEAT, MEDIA_TYPE, EventStream, event, opening
from api.paging import DEFAULT_LIMIT, CursorText, Limit, feed_cursor, read_feed_cursor, read_seq
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.change_schemas import ChangePageOut, calendar_news_body, changes_body
from services.change_feed import ChangesView
from services.change_streams import Beat, CalendarNews, ChangeStreams, Opened
from services.core.changes import FeedPosition, caught_up
from services.core.credentials import Principal

router = APIRouter(prefix="/slots", tags=["slots"], route_class=StrictRoute)

RETRY = timedelta(seconds=2)
"""How long a reader waits before it resumes a stream that ended."""
_EXAMPLE = """retry: 2000
id: 41

event: sync
data: {"calendar_id":"primary","state":"idle","last_success_at":"2026-06-20T08:00:00+00:00","last_error":null}

id: 42
data: {"seq":42,"kind":"updated","slot":{"id":"019a2c3f-7e5a-7cc1-9d7b-3a1f6c0b52d4","title":"Review"}}

: heartbeat
"""

LastEventId = Annotated[
    str | None, Header(max_length=64, description="`id` of the last event; browsers send it by themselves.")
]


@router.get(
    "/changes",
    operation_id="listChanges",
    summary="What changed since you looked last",
    response_model=ChangePageOut,
    responses=problems(401, 403, CURSOR_EXPIRED, 422, INVALID_CURSOR),
)
async def list_changes(
    user_id: CurrentUser, changes: Changes, limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None
) -> Response:
    """Without `cursor`: everything there is. Apply the items, keep `next_cursor`, and ask again with it.

    A slot that changed several times comes once, as it is now. `created` and `updated` both mean: this is how
    it is, so put it in place of what you have. Series and their exceptions come as the slots that they are;
    `GET /slots?expand=true` unrolls them. 410 says that you were away for longer than deletions are kept:
    begin again without a cursor.
    """
    view = await changes.page(user_id, read_feed_cursor(cursor, user_id), limit=limit)
    body = {
        "items": changes_body(view),
        "next_cursor": feed_cursor(user_id, view.page.position),
        "has_more": view.page.more,
    }
    return PlainJson(body)


@router.get(
    "/stream",
    operation_id="streamChanges",
    summary="What changes, as it happens",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events, without end.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        },
        **problems(401, 403, CURSOR_EXPIRED, 422, INVALID_CURSOR, TOO_MANY_STREAMS),
    },
)
async def stream_changes(
    *,
    user_id: CurrentUser,
    streams: Streams,
    http: Http,
    principal: CurrentPrincipal,
    cursor: CursorText = None,
    last_event_id: LastEventId = None,
) -> Response:
    """The items of `GET /slots/changes` as events, their `seq` as `id`, from now on or behind `cursor`.

    A reader that was cut off goes on behind `Last-Event-ID`, which wins over `cursor`. `sync` events tell how
    each calendar stands, at first and whenever that changes. A comment comes after 15 silent seconds. The
    stream ends when the credential does, and now and then to be resumed.
    """
    position = await streams.start(user_id, _position(user_id, cursor, last_event_id))
    pieces = _pieces(streams, user_id, position, principal)
    return EventStream(pieces, send_deadline=http.stream_send_deadline)


def _position(user_id: UUID, cursor: str | None, last_event_id: str | None) -> FeedPosition | None:
    if last_event_id:
        return caught_up(read_seq(last_event_id.strip()))
    return read_feed_cursor(cursor, user_id)


async def _pieces(
    streams: ChangeStreams, user_id: UUID, position: FeedPosition, principal: Principal
) -> AsyncGenerator[bytes, None]:
    async with aclosing(streams.events(user_id, position, principal=principal)) as events:
        async for each in events:
            match each:
                case Opened(seq):
                    yield opening(seq, retry=RETRY)
                case ChangesView():
                    yield b"".join(event(item, event_id=item["seq"]) for item in changes_body(each))
                case CalendarNews():
                    yield event(calendar_news_body(each), name="sync")
                case Beat():
                    yield HEARTBEAT
