"""The occurrences of every series of the corpus are those that RFC 5545 and other libraries say."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from services.core.recurrence import (
    InvalidRecurrenceError,
    has_occurrence,
    last_occurrence_end,
    parse_recurrence,
)
from services.core.slots import Schedule
from tests.unit.recurrence.corpus import ANSWERS, CASES, DISAGREEMENTS, Case

EXPANDED = [case for case in CASES if not case.is_refused]
PRINTED = [case for case in CASES if case.walls is not None]
REFUSED = [case for case in CASES if case.is_refused]


@pytest.mark.parametrize("case", PRINTED, ids=lambda case: case.name)
def test_dates_are_those_that_the_standard_prints(case: Case) -> None:
    zone = ZoneInfo(case.zone or "UTC")
    shown = [each.original_start.astimezone(zone) for each in case.found()]  # type: ignore[union-attr]
    assert [f"{each:%Y%m%dT%H%M%S}" for each in shown] == case.walls


@pytest.mark.parametrize("library", sorted(DISAGREEMENTS))
@pytest.mark.parametrize("case", EXPANDED, ids=lambda case: case.name)
def test_dates_are_those_of_other_libraries(case: Case, library: str) -> None:
    agrees = case.keys() == ANSWERS[case.name][library]
    assert agrees != (case.name in DISAGREEMENTS[library])


def test_every_case_has_a_library_that_agrees_or_the_standard_prints_it() -> None:
    alone = {
        case.name
        for case in EXPANDED
        if case.walls is None and all(case.name in known for known in DISAGREEMENTS.values())
    }
    # What these must be is written out below.
    assert alone == {
        "RDATE only",
        "RDATE in UTC",
        "UNTIL before the start",
        "start that the rule does not have",
        "start that a monthly rule does not have",
    }


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("RDATE only", ["20260327T090000Z", "20260328T110000Z", "20260401T070000Z"]),
        ("RDATE in UTC", ["20260327T090000Z", "20260328T120000Z", "20260401T090000Z"]),
        ("UNTIL before the start", ["20260105T090000Z"]),
        (
            "start that the rule does not have",
            ["20240530T180000Z", "20240605T180000Z", "20240612T180000Z", "20240619T180000Z"],
        ),
        (
            "start that a monthly rule does not have",
            ["20260105T090000Z", "20260115T090000Z", "20260215T090000Z", "20260315T090000Z"],
        ),
    ],
)
def test_what_no_other_library_says(name: str, keys: list[str]) -> None:
    assert next(case for case in CASES if case.name == name).keys() == keys


def test_disagreements_name_cases_of_the_corpus() -> None:
    names = {case.name for case in EXPANDED}
    assert set(ANSWERS) == names
    assert {name for known in DISAGREEMENTS.values() for name in known} <= names


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_rules_more_frequent_than_daily_are_refused(case: Case) -> None:
    with pytest.raises(InvalidRecurrenceError) as refusal:
        parse_recurrence(case.schedule.recurrence, case.schedule.span)
    assert refusal.value.pointer == "/recurrence/0"
    assert "daily at most" in refusal.value.detail


@pytest.mark.parametrize("case", EXPANDED, ids=lambda case: case.name)
def test_every_occurrence_is_known_by_its_name(case: Case) -> None:
    assert all(has_occurrence(case.schedule, each.original_start) for each in case.found())


@pytest.mark.parametrize("case", EXPANDED, ids=lambda case: case.name)
def test_the_end_of_a_series_is_that_of_its_last_occurrence(case: Case) -> None:
    end = last_occurrence_end(case.schedule)
    is_endless = not any(
        part in "".join(case.schedule.recurrence).upper() for part in ("COUNT", "UNTIL", "RDATE")
    )
    assert (end is None) == is_endless
    if end is not None:
        assert end == max(Schedule(each.span).sort_end for each in case.found())
