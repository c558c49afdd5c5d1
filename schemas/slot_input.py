"""What clients send about slots."""

import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool

from schemas.common import Documented
from schemas.numbers import WholeNumber
from schemas.slot_times import parse_moment, span_of
from schemas.texts import storable
from services.core.errors import InvalidSlotError
from services.core.slots import (
    DEFAULT_REMINDERS,
    AllDay,
    Attendee,
    ReminderOverride,
    Reminders,
    ResponseStatus,
    Schedule,
    SlotContent,
    Timed,
    attendees_from_document,
    normalise_text,
)

COLORS = tuple(str(number) for number in range(1, 12))

Notify = Literal["none", "all", "external"]
Title = Annotated[str, Field(max_length=1024), AfterValidator(storable)]
Description = Annotated[str, Field(max_length=8192), AfterValidator(storable)]
Location = Annotated[str, Field(max_length=1024), AfterValidator(storable)]
# For readers of the document; `slot_times` refuses in words of its own.
_CLOCK = r"[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2})?(\.0{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
_MOMENT = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}({_CLOCK})?$"
MomentText = Annotated[
    str, Field(max_length=64, json_schema_extra={"pattern": _MOMENT}), AfterValidator(storable)
]
CalendarId = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(storable)]

RecurrenceLine = Annotated[str, Field(max_length=8192), AfterValidator(storable)]

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_MOST_ATTENDEES = 1000
_NOT_INVITED = "Only a guest can answer, and the user is not invited."

_EXAMPLE: dict[str, Any] = {
    "title": "Review with Ada",
    "start": "2026-07-01T10:00:00+02:00",
    "end": "2026-07-01T10:45:00+02:00",
    "timezone": "Europe/Paris",
    "description": "Bring the numbers.",
    "location": "Room 4",
    "color": "5",
    "reminders": {"use_default": False, "overrides": [{"method": "popup", "minutes": 10}]},
}

_SERIES_EXAMPLE: dict[str, Any] = {
    "title": "Algorithms",
    "start": "2026-10-12T10:00:00",
    "end": "2026-10-12T12:00:00",
    "timezone": "Europe/Berlin",
    "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270205", "EXDATE;TZID=Europe/Berlin:20261228T100000"],
}


class ReminderOverrideIn(Documented):
    """One reminder."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["email", "popup"]
    """How Google reminds."""
    minutes: WholeNumber = Field(ge=0, le=40320)
    """Before the start; at most four weeks."""


class RemindersIn(Documented):
    """The calendar's default reminders, or up to five of the slot's own."""

    model_config = ConfigDict(extra="forbid")

    use_default: StrictBool | None = None
    """Follows from `overrides` when it is absent."""
    overrides: list[ReminderOverrideIn] = Field(default=[], max_length=5)
    """The slot's own reminders."""

    def to_core(self) -> Reminders:
        """The reminders as the core has them.

        Raises:
            InvalidSlotError: Defaults and own reminders at once.
        """
        use_default = not self.overrides if self.use_default is None else self.use_default
        if use_default and self.overrides:
            raise InvalidSlotError("/reminders", "`use_default` and `overrides` exclude each other.")
        own = {ReminderOverride(each.method, each.minutes) for each in self.overrides}
        ordered = tuple(sorted(own, key=lambda each: (each.minutes, each.method)))
        return Reminders(use_default=use_default, overrides=ordered)


class AttendeeIn(Documented):
    """Somebody to invite. The other fields of a guest are Google's; they are taken and not changed."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=1024), AfterValidator(storable)]
    """Whom to invite: an address; case does not matter."""
    optional: StrictBool = False
    """Whether it goes without this guest."""
    display_name: str | None = None
    """Google's; without effect."""
    is_self: StrictBool | None = Field(default=None, alias="self")
    """Google's; without effect."""
    organizer: StrictBool | None = None
    """Google's; without effect."""
    resource: StrictBool | None = None
    """Google's; without effect."""
    response_status: str | None = None
    """The guest's; without effect. The user's own is the slot's `response_status`."""
    comment: str | None = None
    """The guest's; without effect."""
    additional_guests: WholeNumber | None = None
    """The guest's; without effect."""


class _SlotFields(Documented):
    """The writable fields that may be absent; `null` stands for the default."""

    model_config = ConfigDict(extra="forbid")

    description: Description | None = None
    """Any text; empty when it is absent."""
    location: Location | None = None
    """Any text; empty when it is absent."""
    timezone: Annotated[str, Field(max_length=64), AfterValidator(storable)] | None = None
    """IANA name, in which the slot is shown and its local times are meant."""
    color: Literal[COLORS] | None = None  # type: ignore[valid-type]  # one literal from a tuple
    """Google's event colour id; `null` is the calendar's colour."""
    transparency: Literal["opaque", "transparent"] | None = None
    """`transparent` leaves the time free."""
    visibility: Literal["default", "public", "private", "confidential"] | None = None
    """Who may see it in Google."""
    reminders: RemindersIn | None = None
    """`null`: the calendar's default reminders."""
    calendar_id: CalendarId | None = None
    """`primary` or Google's id; without it the default calendar."""
    notify: Notify | None = None
    """Whom Google mails about the change."""
    recurrence: list[RecurrenceLine] | None = Field(default=None, max_length=100)
    """RRULE, RDATE, EXDATE lines of RFC 5545, without DTSTART. One instance has none; where it stands for
    those that follow or for all (`scope`), lines are their new rules and `null` in a patch ends the
    recurrence."""
    attendees: list[AttendeeIn] | None = Field(default=None, max_length=_MOST_ATTENDEES)
    """Who is to be invited, as `attendees` or `google.attendees` shows them: all of them, since who is not in
    the list is invited no more. What they answered is theirs to change, and stays."""
    response_status: ResponseStatus | None = None
    """What the user answers; only where the user is invited."""

    def _changes(self, before: SlotContent | None) -> dict[str, Any]:
        """The values of the fields that the body names, except the schedule, in the core's terms.

        Raises:
            InvalidSlotError: Values do not fit together, or an address is none. What the slot has already, be
                it ever so odd, may be sent back.
        """
        given = self.model_fields_set
        reminders = self.reminders.to_core() if self.reminders else DEFAULT_REMINDERS
        values = {
            "description": normalise_text(self.description),
            "location": normalise_text(self.location),
            "color": self.color,
            "transparency": self.transparency or "opaque",
            "visibility": self.visibility or "default",
            "reminders": reminders,
            "attendees": self._guests(before),
        }
        return {name: value for name, value in values.items() if name in given}

    def _guests(self, before: SlotContent | None) -> tuple[Attendee, ...]:
        known = {each.email for each in before.attendees} if before is not None else set()
        for number, each in enumerate(self.attendees or ()):
            if not _ADDRESS.fullmatch(each.email) and each.email.lower() not in known:
                raise InvalidSlotError(f"/attendees/{number}/email", "This is no e-mail address.")
        return attendees_from_document(
            {"email": each.email, "optional": each.optional} for each in self.attendees or ()
        )


class SlotWrite(_SlotFields):
    """A whole slot: to create one, or to replace the writable fields of one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE, _SERIES_EXAMPLE]})

    title: Title
    """What is to be seen in the calendar."""
    start: MomentText
    """An RFC 3339 date-time with offset, or local beside `timezone`; or a date."""
    end: MomentText
    """Of the same kind as `start`; of dates the first day after."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The recurrence, empty unless the body names one."""
        return tuple(self.recurrence or ())

    def content(self) -> SlotContent:
        """The content that the body describes, recurrence aside.

        Raises:
            InvalidSlotError: Values do not fit together.
        """
        if self.response_status is not None:
            raise InvalidSlotError("/response_status", _NOT_INVITED)
        return self._content(None)

    def replacing(self, content: SlotContent) -> SlotContent:
        """What takes the place of `content`; the user's own answer stays unless the body names one.

        Raises:
            InvalidSlotError: Values do not fit together.
        """
        answer = _answered(content, self.response_status) if self.response_status else content.response
        return replace(self._content(content), response=answer)

    def _content(self, before: SlotContent | None) -> SlotContent:
        start, end = parse_moment(self.start, "/start"), parse_moment(self.end, "/end")
        schedule = Schedule(span_of(start, end, self.timezone))
        return SlotContent(title=_titled(self.title, before), schedule=schedule, **self._changes(before))


class SlotPatch(_SlotFields):
    """A JSON merge patch: absent is untouched, `null` clears."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "Moved review"}]})

    title: Title | None = None
    """What is to be seen in the calendar; cannot be cleared."""
    start: MomentText | None = None
    """An RFC 3339 date-time with offset, or local beside `timezone`; or a date."""
    end: MomentText | None = None
    """Of the same kind as `start`; of dates the first day after."""

    @property
    def lines(self) -> tuple[str, ...] | None:
        """The recurrence that the body names; `None`: it names none."""
        return tuple(self.recurrence or ()) if "recurrence" in self.model_fields_set else None

    @property
    def ends_recurrence(self) -> bool:
        """Whether the body clears the recurrence; an empty list says no more than an instance shows."""
        return self.recurrence is None and "recurrence" in self.model_fields_set

    def applied_to(self, content: SlotContent) -> SlotContent:
        """`content` with the patch, recurrence aside.

        Raises:
            InvalidSlotError: A field that cannot be cleared, or values that do not fit together.
        """
        given = self.model_fields_set
        for name in ("title", "start", "end"):
            if name in given and getattr(self, name) is None:
                raise InvalidSlotError(f"/{name}", "This field cannot be cleared.")
        values = self._changes(content)
        if "response_status" in given:
            values["response"] = _answered(content, self.response_status)
        if self.title is not None:
            values["title"] = _titled(self.title, content)
        if given & {"start", "end", "timezone"}:
            span = self._span_blaming_the_body(content.schedule.span)
            values["schedule"] = Schedule(span, content.schedule.recurrence)
        return replace(content, **values)

    def _span_blaming_the_body(self, now: Timed | AllDay) -> Timed | AllDay:
        try:
            return self._span(now)
        except InvalidSlotError as error:
            if error.pointer == "/end" and self.end is None and self.start is not None:
                raise InvalidSlotError("/start", error.detail) from None
            raise

    def _span(self, now: Timed | AllDay) -> Timed | AllDay:
        start = parse_moment(self.start, "/start") if self.start is not None else now.start
        end = parse_moment(self.end, "/end") if self.end is not None else now.end
        if "timezone" not in self.model_fields_set and isinstance(now, Timed):
            # A time without offset needs its zone in the same body; the slot's own zone is for showing.
            span = span_of(start, end, None)
            return Timed(span.start, span.end, now.timezone) if isinstance(span, Timed) else span
        return span_of(start, end, self.timezone)


def _titled(title: str, before: SlotContent | None) -> str:
    if not title and (before is None or before.title):
        raise InvalidSlotError("/title", "A slot needs a title.")
    return normalise_text(title)


def _answered(content: SlotContent, answer: ResponseStatus | None) -> ResponseStatus:
    if content.response is None:
        raise InvalidSlotError("/response_status", _NOT_INVITED)
    if answer is None:
        raise InvalidSlotError("/response_status", "This field cannot be cleared.")
    return answer
