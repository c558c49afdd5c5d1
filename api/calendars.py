"""`/calendars`: which of a user's Google calendars take part in the sync, and which is the default."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.dependencies import Calendars, Channels, CurrentUser
from api.documentation import (
    CALENDAR_IN_USE,
    CALENDAR_LIST_CLOSED,
    CALENDAR_NOT_SELECTED,
    CALENDAR_READ_ONLY,
    GOOGLE_AWAY,
    NOT_CONNECTED,
    problems,
)
from api.problems import slug_of
from api.responses import PlainJson
from api.strict_json import StrictRoute
from schemas.calendar_schemas import (
    CalendarChoiceIn,
    CalendarOut,
    CalendarPageOut,
    calendar_body,
    calendars_body,
)
from schemas.slot_input import CalendarId

router = APIRouter(prefix="/calendars", tags=["calendars"], route_class=StrictRoute)

CalendarInPath = Annotated[
    CalendarId, Path(description="`primary`, or Google's id, percent-encoded.", examples=["primary"])
]


@router.get(
    "",
    operation_id="listCalendars",
    summary="List your Google calendars",
    response_model=CalendarPageOut,
    responses=problems(401, 403),
)
async def list_calendars(user_id: CurrentUser, calendars: Calendars) -> Response:
    """Google's list of calendars, all in one page, with what was chosen of them.

    The primary calendar comes first. When Google cannot be asked (`unread_reason` says why), the answer is
    what is known from before.
    """
    overview = await calendars.overview(user_id)
    reason = None if overview.unread is None else slug_of(overview.unread)
    return PlainJson(calendars_body(overview.calendars, reason))


@router.put(
    "/{google_calendar_id}",
    operation_id="chooseCalendar",
    summary="Choose a calendar, or make it the default",
    response_model=CalendarOut,
    responses=problems(
        401,
        403,
        404,
        *CALENDAR_IN_USE,
        CALENDAR_NOT_SELECTED,
        CALENDAR_READ_ONLY,
        CALENDAR_LIST_CLOSED,
        NOT_CONNECTED,
        422,
        502,
        GOOGLE_AWAY,
    ),
)
async def choose_calendar(
    google_calendar_id: CalendarInPath,
    body: CalendarChoiceIn,
    user_id: CurrentUser,
    calendars: Calendars,
    channels: Channels,
) -> Response:
    """`selected: true` begins the sync of a calendar, `selected: false` ends it.

    With the end, what came from the calendar leaves the lists, while Google keeps it; selecting it again
    brings everything back under the same ids. Slots that the app created stay. A calendar with edits that
    Google does not have yet is not let go: 409. The default calendar stays until another one takes its place.
    """
    choice = await calendars.choose(user_id, google_calendar_id, selected=body.selected, default=body.default)
    response = PlainJson(calendar_body(choice))
    if choice.selected:
        response.background = BackgroundTask(channels.ensure, user_id, choice.calendar_id)
    return response
