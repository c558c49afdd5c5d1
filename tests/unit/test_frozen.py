"""Records that are copied fast are those that the standard library would make."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.core.calendars import CalendarSync, Cursor
from services.core.frozen import maker, replace


@dataclass(frozen=True, slots=True)
class Lone:
    value: int


@dataclass(frozen=True, slots=True)
class Checked:
    value: int

    def __post_init__(self) -> None:
        assert self.value > 0


def test_a_copy_differs_in_what_was_named() -> None:
    calendar = CalendarSync(user_id=UUID(int=1), calendar_id="primary", epoch=3)
    now = datetime(2026, 3, 2, tzinfo=UTC)

    copy = replace(calendar, due_at=now, cursor=Cursor(sync_token="2"))

    assert copy == dataclasses.replace(calendar, due_at=now, cursor=Cursor(sync_token="2"))
    assert (calendar.due_at, calendar.cursor) != (copy.due_at, copy.cursor)
    assert (copy.epoch, replace(calendar)) == (3, calendar)


def test_a_record_of_one_field_is_copied_too() -> None:
    assert replace(Lone(1)) == Lone(1)
    assert replace(Lone(1), value=2) == Lone(2)


def test_a_field_that_a_record_has_not_is_refused() -> None:
    calendar = CalendarSync(user_id=UUID(int=1), calendar_id="primary")

    with pytest.raises(TypeError, match="CalendarSync has no field 'colour'"):
        replace(calendar, colour="red")  # type: ignore[call-arg]


def test_a_record_that_checks_its_values_is_not_made_behind_its_back() -> None:
    with pytest.raises(TypeError, match="Checked"):
        maker(Checked)
    with pytest.raises(TypeError, match="Checked"):
        replace(Checked(1), value=-1)
