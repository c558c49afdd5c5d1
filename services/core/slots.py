"""The content of a slot: the fields that both sides own, normalised so that equality means agreement.

What Google alone owns (etag, link, attendees, conference) is never part of the content, so vendor noise
cannot look like an edit. Content is compared and merged by field groups: everything that says *when*
(start, end, zone, all-day, recurrence) is one group, because half of a changed time is not a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from services.core.frozen import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Transparency: TypeAlias = Literal["opaque", "transparent"]
Visibility: TypeAlias = Literal["default", "public", "private", "confidential"]
ReminderMethod: TypeAlias = Literal["email", "popup"]
ResponseStatus: TypeAlias = Literal["needsAction", "declined", "tentative", "accepted"]
"""Google's words for what a guest answered."""
FieldGroup: TypeAlias = Literal[
    "title",
    "description",
    "location",
    "schedule",
    "color",
    "transparency",
    "visibility",
    "reminders",
    "attendees",
    "response",
]
"""A unit of merging: two edits of one group are a conflict, edits of two groups are both kept."""

FIELD_GROUPS: tuple[FieldGroup, ...] = (
    "title",
    "description",
    "location",
    "schedule",
    "color",
    "transparency",
    "visibility",
    "reminders",
    "attendees",
    "response",
)


@dataclass(frozen=True, slots=True)
class Timed:
    """A span of instants, shown in a zone."""

    start: datetime
    """Aware, UTC, whole seconds."""
    end: datetime
    """Aware, UTC, exclusive, not before `start`."""
    timezone: str
    """IANA name."""


@dataclass(frozen=True, slots=True)
class AllDay:
    """A span of dates, the same wherever it is read."""

    start: date
    end: date
    """Exclusive."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a slot takes place."""

    span: Timed | AllDay
    recurrence: tuple[str, ...] = ()
    """RFC 5545 lines (RRULE, RDATE, EXDATE) without DTSTART; empty for a single slot."""

    @property
    def all_day(self) -> bool:
        """Whether the span is of dates."""
        return isinstance(self.span, AllDay)

    @property
    def sort_start(self) -> datetime:
        """The instant that orders slots; dates count as midnight UTC."""
        return _instant(self.span.start)

    @property
    def sort_end(self) -> datetime:
        """The exclusive end to `sort_start`."""
        return _instant(self.span.end)


@dataclass(frozen=True, slots=True)
class ReminderOverride:
    """One reminder that replaces the calendar's defaults."""

    method: ReminderMethod
    minutes: int
    """Minutes before the start, 0 to 40320."""


@dataclass(frozen=True, slots=True)
class Reminders:
    """Who is reminded how; `use_default` defers to the calendar."""

    use_default: bool = True
    overrides: tuple[ReminderOverride, ...] = ()


DEFAULT_REMINDERS = Reminders()


@dataclass(frozen=True, slots=True, order=True)
class Attendee:
    """Somebody who is invited. What the guest says to it (response, comment) is Google's alone."""

    email: str
    """In lower case."""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class SlotContent:
    """What both sides own of a slot."""

    title: str
    schedule: Schedule
    description: str = ""
    location: str = ""
    color: str | None = None
    """Google's event colour id, `None` for the calendar's own colour."""
    transparency: Transparency = "opaque"
    visibility: Visibility = "default"
    reminders: Reminders = DEFAULT_REMINDERS
    attendees: tuple[Attendee, ...] = ()
    """In the order of their addresses, each once; with the user, if invited."""
    response: ResponseStatus | None = None
    """What the user answered; `None` when the user is not among the guests."""

    def changed_groups(self, other: SlotContent) -> frozenset[FieldGroup]:
        """The groups in which `other` differs."""
        return frozenset(group for group in FIELD_GROUPS if getattr(self, group) != getattr(other, group))

    def taking(self, groups: Iterable[FieldGroup], source: SlotContent) -> SlotContent:
        """This content with `groups` taken from `source`."""
        taken: dict[str, Any] = {group: getattr(source, group) for group in groups}
        return replace(self, **taken) if taken else self


def _instant(moment: datetime | date) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


def normalise_text(text: str | None) -> str:
    """One form of a text: absent is empty, line ends are LF.

    Google stores CRLF as LF, so a description must not differ by its line ends alone.
    """
    if not text:
        return ""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def content_to_document(content: SlotContent) -> dict[str, Any]:
    """The content as plain JSON values, the form in which rows and history keep it."""
    span = content.schedule.span
    return {
        "title": content.title,
        "description": content.description,
        "location": content.location,
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "timezone": span.timezone if isinstance(span, Timed) else None,
        "all_day": isinstance(span, AllDay),
        "recurrence": list(content.schedule.recurrence),
        "color": content.color,
        "transparency": content.transparency,
        "visibility": content.visibility,
        "reminders": reminders_to_document(content.reminders),
        "attendees": attendees_to_document(content.attendees),
        "response": content.response,
    }


def content_from_document(document: Mapping[str, Any]) -> SlotContent:
    """The inverse of `content_to_document`."""
    span: Timed | AllDay
    if document["all_day"]:
        span = AllDay(date.fromisoformat(document["start"]), date.fromisoformat(document["end"]))
    else:
        span = Timed(
            datetime.fromisoformat(document["start"]),
            datetime.fromisoformat(document["end"]),
            document["timezone"],
        )
    return SlotContent(
        title=document["title"],
        schedule=Schedule(span, tuple(document["recurrence"])),
        description=document["description"],
        location=document["location"],
        color=document["color"],
        transparency=document["transparency"],
        visibility=document["visibility"],
        reminders=reminders_from_document(document["reminders"]),
        attendees=attendees_from_document(document["attendees"]),
        response=document["response"],
    )


def reminders_to_document(reminders: Reminders) -> dict[str, Any]:
    """Reminders as plain JSON values."""
    return {
        "use_default": reminders.use_default,
        "overrides": [{"method": each.method, "minutes": each.minutes} for each in reminders.overrides],
    }


def reminders_from_document(document: Mapping[str, Any]) -> Reminders:
    """The inverse of `reminders_to_document`; overrides are put into one order, which has no meaning."""
    overrides = (
        ReminderOverride(cast("ReminderMethod", each["method"]), int(each["minutes"]))
        for each in document.get("overrides") or ()
    )
    return Reminders(
        use_default=bool(document.get("use_default", False)),
        overrides=tuple(sorted(set(overrides), key=lambda each: (each.minutes, each.method))),
    )


def attendees_to_document(attendees: Iterable[Attendee]) -> list[dict[str, Any]]:
    """Attendees as plain JSON values."""
    return [{"email": each.email, "optional": each.optional} for each in attendees]


def attendees_from_document(document: Iterable[Mapping[str, Any]]) -> tuple[Attendee, ...]:
    """Attendees in their one form: addresses in lower case and in order, each once (the last counts)."""
    by_email = {
        (email := str(each["email"]).lower()): Attendee(email, bool(each.get("optional", False)))
        for each in document
    }
    return tuple(sorted(by_email.values()))


_CLIENT_NAMES = {"response": "response_status"}
SCHEDULE_KEYS = ("start", "end", "timezone", "all_day", "recurrence")


def changed_fields(before: SlotContent | None, after: SlotContent | None) -> dict[str, dict[str, Any]]:
    """What a change did, by the field names that clients know: `{name: {"before": ..., "after": ...}}`.

    `None` means that the slot was absent (deleted), reported as the field `deleted`.
    """
    if before is None or after is None:
        if before is after:
            return {}
        return {"deleted": {"before": before is None, "after": after is None}}
    if before == after:
        return {}
    was, now = content_to_document(before), content_to_document(after)
    return {
        client_name(name): {"before": was[name], "after": now[name]} for name in was if was[name] != now[name]
    }


def client_name(name: str) -> str:
    """A field of the content, or a group of fields, as clients name it."""
    return _CLIENT_NAMES.get(name, name)


def group_value(content: SlotContent, group: FieldGroup) -> Any:
    """One group of a content as plain JSON values."""
    document = content_to_document(content)
    if group == "schedule":
        return {key: document[key] for key in SCHEDULE_KEYS}
    return document[group]
