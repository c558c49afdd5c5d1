"""Instances are named as Google names them, and recognised in every form."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from services.core.recurrence import (
    OriginalStart,
    instance_key,
    parse_instance_key,
    read_original_start,
    same_original_start,
)

EIGHT = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = date(2026, 3, 2)


def test_keys_are_in_utc() -> None:
    assert instance_key(EIGHT) == "20260302T080000Z"
    assert instance_key(EIGHT.astimezone(timezone(timedelta(hours=5, minutes=30)))) == "20260302T080000Z"
    assert instance_key(DAY) == "20260302"
    assert instance_key(date(33, 4, 3)) == "00330403"


@pytest.mark.parametrize("start", [EIGHT, DAY, date(33, 4, 3), datetime(33, 4, 3, tzinfo=UTC)])
def test_keys_are_read_back(start: OriginalStart) -> None:
    assert parse_instance_key(instance_key(start)) == start


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "20260302T080000",
        "20260302t080000z",
        "20260302T080000Z/PT1H",
        "20260230",
        "2026-03-02",
        " 20260302",
    ],
)
def test_what_is_no_key_is_told(text: str) -> None:
    assert parse_instance_key(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "20260302T080000Z",
        "2026-03-02T08:00:00Z",
        "2026-03-02T08:00:00.000Z",
        "2026-03-02t08:00:00z",
        "2026-03-02T09:00:00+01:00",
        "2026-03-02T13:30:00+05:30",
        "2026-03-01T22:00:00-10:00",
    ],
)
def test_original_starts_are_read_in_every_form(text: str) -> None:
    assert read_original_start(text) == EIGHT
    assert same_original_start(text, EIGHT)
    assert same_original_start("2026-03-02T08:00:00Z", text)
    assert not same_original_start(text, DAY)
    assert not same_original_start(text, EIGHT + timedelta(seconds=1))


def test_dates_are_dates() -> None:
    assert read_original_start("2026-03-02") == DAY
    assert same_original_start("20260302", DAY)
    assert not same_original_start(DAY, datetime(2026, 3, 2, tzinfo=UTC))


def test_a_local_time_needs_its_zone() -> None:
    assert read_original_start("2026-03-02T09:00:00", "Europe/Berlin") == EIGHT
    assert read_original_start("2026-03-02T09:00:00") is None
    assert read_original_start("2026-03-02T09:00:00", "Nowhere") is None


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "0001-01-01T00:00:00+14:00"])
def test_what_cannot_be_read_is_the_same_as_nothing(text: str) -> None:
    assert read_original_start(text) is None
    assert not same_original_start(text, text)
