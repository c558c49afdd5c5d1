"""What clients send about slots."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt

from schemas.common import Documented
from schemas.slot_times import parse_moment, span_of
from schemas.texts import storable
from services.core.errors import InvalidSlotError
from services.core.slots import (
    DEFAULT_REMINDERS,
    AllDay,
    ReminderOverride,
    Reminders,
    Schedule,
    SlotContent,
    Timed,
    normalise_text,
)

COLORS = tuple(str(number) for number in range(1, 12))

Notify = Literal["none", "all", "external"]
Title = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(storable)]
Description = Annotated[str, Field(max_length=8192), AfterValidator(storable)]
Location = Annotated[str, Field(max_length=1024), AfterValidator(storable)]
MomentText = Annotated[str, Field(max_length=64), AfterValidator(storable)]
CalendarId = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(storable)]

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


class ReminderOverrideIn(Documented):
    """One reminder."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["email", "popup"]
    """How Google reminds."""
    minutes: StrictInt = Field(ge=0, le=40320)
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
    recurrence: list[Any] | None = Field(default=None, max_length=100)
    """RFC 5545 lines without DTSTART, as Google has them."""
    attendees: list[Any] | None = Field(default=None, max_length=1000)
    """Who is invited, as in `google.attendees`."""

    def refuse_unwritable(self) -> None:
        """Say plainly what cannot be written yet.

        Raises:
            InvalidSlotError: The body holds such a field.
        """
        for name in ("recurrence", "attendees"):
            if getattr(self, name):
                raise InvalidSlotError(f"/{name}", "This field is not writable yet.")

    def _changes(self) -> dict[str, Any]:
        """The values of the fields that the body names, except the schedule, in the core's terms."""
        given = self.model_fields_set
        reminders = self.reminders.to_core() if self.reminders else DEFAULT_REMINDERS
        values = {
            "description": normalise_text(self.description),
            "location": normalise_text(self.location),
            "color": self.color,
            "transparency": self.transparency or "opaque",
            "visibility": self.visibility or "default",
            "reminders": reminders,
        }
        return {name: value for name, value in values.items() if name in given}


class SlotWrite(_SlotFields):
    """A whole slot: to create one, or to replace the writable fields of one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    title: Title
    """What is to be seen in the calendar."""
    start: MomentText
    """An RFC 3339 date-time with offset, or local beside `timezone`; or a date."""
    end: MomentText
    """Of the same kind as `start`; of dates the first day after."""

    def content(self) -> SlotContent:
        """The content that the body describes.

        Raises:
            InvalidSlotError: Values do not fit together.
        """
        self.refuse_unwritable()
        start, end = parse_moment(self.start, "/start"), parse_moment(self.end, "/end")
        schedule = Schedule(span_of(start, end, self.timezone))
        return SlotContent(title=normalise_text(self.title), schedule=schedule, **self._changes())


class SlotPatch(_SlotFields):
    """A JSON merge patch: absent is untouched, `null` clears."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "Moved review"}]})

    title: Title | None = None
    """What is to be seen in the calendar; cannot be cleared."""
    start: MomentText | None = None
    """An RFC 3339 date-time with offset, or local beside `timezone`; or a date."""
    end: MomentText | None = None
    """Of the same kind as `start`; of dates the first day after."""

    def applied_to(self, content: SlotContent) -> SlotContent:
        """`content` with the patch.

        Raises:
            InvalidSlotError: A field that cannot be cleared, or values that do not fit together.
        """
        self.refuse_unwritable()
        given = self.model_fields_set
        for name in ("title", "start", "end"):
            if name in given and getattr(self, name) is None:
                raise InvalidSlotError(f"/{name}", "This field cannot be cleared.")
        if "recurrence" in given and content.schedule.recurrence:
            raise InvalidSlotError("/recurrence", "This field is not writable yet.")
        values = self._changes()
        if self.title is not None:
            values["title"] = normalise_text(self.title)
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
