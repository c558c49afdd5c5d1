"""Google's list joined with what is synced, and which choices are possible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.calendar_entry import PRIMARY, CalendarEntry
from services.core.calendar_list import CalendarChoice, choices, chosen
from services.core.calendars import CalendarStatus, CalendarSync
from services.core.errors import CalendarNotSelectedError, DefaultCalendarError, ReadOnlyCalendarError

ADA = UUID(int=1)
OWN = CalendarEntry(id="ada@example.com", summary="Ada", access_role="owner", primary=True)
WORK = CalendarEntry(id="work", summary="work", access_role="writer")
TEAM = CalendarEntry(id="team", summary="Team", access_role="reader")


def synced(calendar_id: str, **fields: Any) -> CalendarSync:
    return replace(CalendarSync(user_id=ADA, calendar_id=calendar_id), **fields)


def test_the_primary_calendar_comes_first_and_once() -> None:
    found = choices([synced(PRIMARY), synced("work", push_supported=False)], [WORK, TEAM, OWN])
    assert [each.calendar_id for each in found] == [PRIMARY, "team", "work"]
    assert [each.entry for each in found] == [OWN, TEAM, WORK]
    assert [each.push for each in found] == [True, None, False]
    assert [each.is_default for each in found] == [True, False, False]


def test_what_is_synced_is_shown_though_google_lists_it_no_more() -> None:
    left = synced("team", status=CalendarStatus.UNSELECTED, entry=TEAM)
    found = choices([synced(PRIMARY), synced("work", entry=WORK, is_default=True), left], [OWN])
    assert [(each.calendar_id, each.listed, each.is_default) for each in found] == [
        (PRIMARY, True, False),
        ("work", False, True),
    ]
    assert found[1].entry == WORK


def test_without_a_list_what_is_known_is_shown() -> None:
    forgotten = synced("forgotten", status=CalendarStatus.UNSELECTED)
    left = synced("team", status=CalendarStatus.UNSELECTED, entry=TEAM)
    own = synced(PRIMARY, status=CalendarStatus.UNSELECTED)
    found = choices([own, forgotten, left, synced("work")], None)
    assert [(each.calendar_id, each.selected, each.writable) for each in found] == [
        (PRIMARY, False, True),
        ("work", True, False),
        ("team", False, False),
    ]


def choice(*, selected: bool, is_default: bool, entry: CalendarEntry = WORK) -> CalendarChoice:
    return CalendarChoice(
        calendar_id="work", entry=entry, listed=True, selected=selected, is_default=is_default, push=None
    )


@pytest.mark.parametrize(
    ("known", "selected", "default", "error"),
    [
        (choice(selected=True, is_default=True), False, None, DefaultCalendarError),
        (choice(selected=True, is_default=True), None, False, DefaultCalendarError),
        (choice(selected=True, is_default=True), False, True, DefaultCalendarError),
        (choice(selected=False, is_default=False), None, True, CalendarNotSelectedError),
        (choice(selected=True, is_default=False), False, True, CalendarNotSelectedError),
        (choice(selected=True, is_default=False, entry=TEAM), None, True, ReadOnlyCalendarError),
        (choice(selected=False, is_default=False, entry=TEAM), True, True, ReadOnlyCalendarError),
    ],
)
def test_what_cannot_be_chosen(
    *, known: CalendarChoice, selected: bool | None, default: bool | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        chosen(known, selected=selected, default=default)


_MAYBE = st.sampled_from([None, False, True])


@given(
    selected=st.booleans(),
    is_default=st.booleans(),
    entry=st.sampled_from([WORK, TEAM, OWN]),
    wanted=_MAYBE,
    default=_MAYBE,
)
def test_a_choice_that_is_possible_is_what_was_asked_for(
    *, selected: bool, is_default: bool, entry: CalendarEntry, wanted: bool | None, default: bool | None
) -> None:
    known = choice(selected=selected, is_default=is_default, entry=entry)
    try:
        after = chosen(known, selected=wanted, default=default)
    except (DefaultCalendarError, CalendarNotSelectedError, ReadOnlyCalendarError):
        assert is_default or default
        return
    assert after.selected is (selected if wanted is None else wanted)
    assert after.is_default is (is_default if default is None else default)
    assert after.is_default or not is_default
    assert chosen(after, selected=wanted, default=default) == after
