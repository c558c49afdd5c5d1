"""`/slots/free-busy`: when a user is busy, and when free."""

from datetime import UTC, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import CurrentUser, FreeBusyTimes
from api.documentation import problems
from api.responses import PlainJson
from api.slot_windows import WIDEST, read_edge, refused, require_bounded
from schemas.free_busy_schemas import FreeBusyOut, free_busy_body
from schemas.slot_input import CalendarId
from schemas.slot_times import zone_named
from services.core.free_busy import Interval
from services.free_busy_service import FreeBusyQuery

router = APIRouter(prefix="/slots", tags=["slots"])

_MOST_MINUTES = WIDEST // timedelta(minutes=1)


@router.get(
    "/free-busy",
    operation_id="getFreeBusy",
    summary="When you are busy, and when free",
    response_model=FreeBusyOut,
    responses=problems(401, 403, 404, 422),
)
async def get_free_busy(
    *,
    user_id: CurrentUser,
    times: FreeBusyTimes,
    from_: Annotated[
        str,
        Query(
            alias="from",
            max_length=40,
            examples=["2026-07-01T08:00:00+02:00"],
            description="The beginning of the window: an RFC 3339 date-time with offset.",
        ),
    ],
    to: Annotated[
        str,
        Query(
            max_length=40,
            examples=["2026-07-01T18:00:00+02:00"],
            description="Its end, exclusive; at most 366 days later.",
        ),
    ],
    min_minutes: Annotated[
        int | None,
        Query(
            ge=1, le=_MOST_MINUTES, examples=[30], description="Also the free times of at least this length."
        ),
    ] = None,
    calendar_id: Annotated[CalendarId | None, Query(description="Only this calendar.")] = None,
    timezone: Annotated[
        str | None,
        Query(
            max_length=64,
            examples=["Europe/Paris"],
            description="An IANA name: where the dates of all-day slots begin and end, and the offset of the "
            "answer. Without it each calendar's own zone counts, and the answer is in UTC.",
        ),
    ] = None,
) -> Response:
    """Busy times over all calendars, merged, in order and clipped to the window; `end` is exclusive.

    Series count with their exceptions. Not busy: transparent and deleted slots, events that you declined, and
    working locations.
    """
    start, end = read_edge(from_, "from"), read_edge(to, "to")
    require_bounded(start, end)
    zone = zone_named(timezone) if timezone is not None else None
    if timezone is not None and zone is None:
        raise refused("timezone", "is not the name of an IANA time zone")
    query = FreeBusyQuery(
        window=Interval(start.astimezone(UTC), end.astimezone(UTC)),
        at_least=None if min_minutes is None else timedelta(minutes=min_minutes),
        calendar_id=calendar_id,
        zone=zone,
    )
    return PlainJson(free_busy_body(await times.find(user_id, query), zone or UTC))
