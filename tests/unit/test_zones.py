"""VTIMEZONE, read back and held against the zone itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr  # type: ignore[import-untyped]
from icalendar import Timezone

from services.core.records import ZoneUse
from services.ical.zones import timezone, timezones

FIRST, LAST = 1990, 2037
NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)


def changes(written: bytes) -> list[tuple[datetime, timedelta]]:
    """From which instant (UTC, naive) which offset holds, by RFC 5545 section 3.6.5."""
    found = []
    zone: Any = Timezone.from_ical(written.decode())
    for observance in zone.subcomponents:
        start, before = observance["DTSTART"].dt, observance["TZOFFSETFROM"].td
        onsets = [start]
        if "RRULE" in observance:
            rule = observance["RRULE"]
            until = rule.pop("UNTIL", [datetime(LAST + 1, 1, 1, tzinfo=UTC)])[0]
            text = rule.to_ical().decode()
            onsets = rrulestr(text, dtstart=start).between(
                start, until.replace(tzinfo=None) + before, inc=True
            )
        found += [(onset - before, observance["TZOFFSETTO"].td) for onset in onsets]
    return sorted(found)


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",  # gave up daylight saving
        "Africa/Casablanca",  # interrupts it for a month that moves through the year
        "Asia/Jerusalem",  # has changed its rule often
        "Asia/Kathmandu",
        "Australia/Lord_Howe",  # half an hour
        "Europe/Dublin",  # saves in winter, backwards
        "Pacific/Apia",  # has skipped a day
        "America/Caracas",  # went half an hour back and forth
        "Etc/GMT+12",
    ],
)
def test_a_zone_read_back_has_the_offsets_that_it_has(name: str) -> None:
    found = changes(timezone(name, FIRST, LAST))
    zone, end = ZoneInfo(name), datetime(LAST, 12, 31)  # noqa: DTZ001 - in UTC, as all here.
    for (since, offset), (until, _) in pairwise([*found, (end, timedelta())]):
        # A second to either side of each change, and every day between them.
        for at in (
            since,
            *(since + number * DAY for number in range((until - since) // DAY)),
            until - SECOND,
        ):
            if FIRST <= at.year <= LAST and at < end:
                assert at.replace(tzinfo=UTC).astimezone(zone).utcoffset() == offset, at


def test_what_follows_one_rule_is_one_rule_that_goes_on() -> None:
    written = timezone("Europe/Berlin", 2025, 2037)
    assert b"RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\n" in written
    assert b"RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n" in written
    assert b"UNTIL" not in written
    assert b"UNTIL" in timezone("America/Sao_Paulo", 2008, 2037)


def test_zones_cover_the_years_in_use_and_some_to_come() -> None:
    long_ago = datetime(1994, 7, 1, tzinfo=UTC)
    (written,) = timezones([ZoneUse("Europe/Berlin", long_ago, long_ago + HOUR)], now=NOW)
    assert written == timezone("Europe/Berlin", 1993, 2037)
    far = datetime(2190, 1, 1, tzinfo=UTC)
    (written,) = timezones([ZoneUse("Asia/Tokyo", NOW, far)], now=NOW)
    assert written == timezone("Asia/Tokyo", 2025, 2191)


def test_utc_needs_no_zone_and_an_unknown_one_gets_none() -> None:
    uses = [ZoneUse(name, NOW, NOW + HOUR) for name in ("UTC", "Etc/UTC", "Mars/Phobos")]
    assert list(timezones(uses, now=NOW)) == []
