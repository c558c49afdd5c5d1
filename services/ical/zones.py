"""VTIMEZONE from the rules that `zoneinfo` has.

The library can make one too, but lets a clock go forward an hour late: it writes the onset in the new offset,
where RFC 5545 section 3.6.5 wants the local time before the change. Onsets that follow one rule for years are
written as that rule, which every program understands and which goes on behind the years that were looked at;
others one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard
from icalendar.prop import vDatetime, vInline, vText, vUTCOffset

from services.ical.moments import named_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from services.core.records import ZoneUse

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
YEARS_AHEAD = 10
"""How far endless series are followed, at least."""

_STEP = timedelta(days=3)
"""Shorter than any time that a zone ever kept an offset."""
_SECOND = timedelta(seconds=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEK = 7
_FEWEST_YEARS = 3
"""Fewer onsets in a row are no rule."""


@dataclass(frozen=True, slots=True)
class _Onset:
    """A change of the clock, or the beginning of what is described."""

    local: datetime
    """On the clock before the change, naive."""
    before: timedelta
    after: timedelta
    name: str
    daylight: bool

    @property
    def kind(self) -> tuple[timedelta, timedelta, str, bool]:
        """What onsets of one rule share."""
        return self.before, self.after, self.name, self.daylight

    @property
    def places(self) -> frozenset[tuple[object, ...]]:
        """The rules by which the onset could stand in its year: month, weekday of the month, time."""
        day = self.local.day
        nths = [(day - 1) // _WEEK + 1]
        if (self.local + timedelta(days=_WEEK)).month != self.local.month:
            nths.append(-1)
        return frozenset(
            (self.local.month, nth, _WEEKDAYS[self.local.weekday()], self.local.time()) for nth in nths
        )


def timezones(uses: Iterable[ZoneUse], *, now: datetime) -> Iterator[bytes]:
    """A VTIMEZONE for each zone that is used, right for the years in use and some to come."""
    for use in uses:
        zone = named_zone(use.timezone)
        if zone is not None:
            last = max(use.last_end.year, now.year + YEARS_AHEAD)
            yield timezone(
                zone.key,
                max(EARLIEST_YEAR, min(use.first_start.year, now.year) - 1),
                min(LATEST_YEAR, last + 1),
            )


@lru_cache(maxsize=512)
def timezone(name: str, first_year: int, last_year: int) -> bytes:
    """The VTIMEZONE of an IANA name, right from the first year to the last, both included."""
    zone = named_zone(name)
    if zone is None:
        raise ValueError(name)
    component = Timezone()
    component["TZID"] = vText(name)
    begin, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    by_kind: dict[tuple[object, ...], list[_Onset]] = {}
    first, *onsets = _onsets(zone, begin, end)
    for onset in onsets:
        by_kind.setdefault(onset.kind, []).append(onset)
    component.add_component(_observance([first]))
    for alike in by_kind.values():
        for run in _runs(alike):
            component.add_component(_observance(run, goes_on=run[-1].local.year == last_year))
    return bytes(component.to_ical())


def _onsets(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[_Onset]:
    """The beginning, then every change of offset, name or daylight saving."""
    yield _onset(zone, begin, begin)
    looked = [begin + number * _STEP for number in range((end - begin) // _STEP + 2)]
    for one, other in pairwise(looked):
        if _state(zone, one) == _state(zone, other):
            continue
        near, far = one, other
        while far - near > _SECOND:
            middle = near + (far - near) // 2
            middle -= timedelta(microseconds=middle.microsecond)
            near, far = (middle, far) if _state(zone, middle) == _state(zone, one) else (near, middle)
        if far < end:
            yield _onset(zone, near, far)


def _state(zone: ZoneInfo, instant: datetime) -> tuple[timedelta | None, str | None, timedelta | None]:
    local = instant.astimezone(zone)
    return local.utcoffset(), local.tzname(), local.dst()


def _onset(zone: ZoneInfo, near: datetime, far: datetime) -> _Onset:
    before, _, _ = _state(zone, near)
    after, name, saving = _state(zone, far)
    before, after = before or timedelta(0), after or timedelta(0)
    return _Onset(far.replace(tzinfo=None) + before, before, after, name or "", bool(saving))


def _runs(alike: list[_Onset]) -> Iterator[list[_Onset]]:
    """Onsets of one kind, in order, cut into those that follow one rule and single ones."""
    run: list[_Onset] = []
    shared: frozenset[tuple[object, ...]] = frozenset()
    for onset in alike:
        common = shared & onset.places
        if run and common and onset.local.year == run[-1].local.year + 1:
            run.append(onset)
            shared = common
            continue
        yield from _rule_or_single(run)
        run, shared = [onset], onset.places
    yield from _rule_or_single(run)


def _rule_or_single(run: list[_Onset]) -> Iterator[list[_Onset]]:
    if len(run) >= _FEWEST_YEARS:
        yield run
    else:
        yield from ([onset] for onset in run)


def _observance(run: list[_Onset], *, goes_on: bool = False) -> TimezoneStandard | TimezoneDaylight:
    first, last = run[0], run[-1]
    component = TimezoneDaylight() if first.daylight else TimezoneStandard()
    component["DTSTART"] = vDatetime(first.local)
    component["TZOFFSETFROM"] = vUTCOffset(first.before)
    component["TZOFFSETTO"] = vUTCOffset(first.after)
    component["TZNAME"] = vText(first.name)
    if len(run) > 1:
        shared = frozenset.intersection(*(onset.places for onset in run))
        # The last weekday of a month is what legislators say when both are true.
        month, nth, weekday, _ = min(shared, key=lambda place: str(place[1]))
        rule = f"FREQ=YEARLY;BYMONTH={month};BYDAY={nth}{weekday}"
        if not goes_on:
            rule += f";UNTIL={(last.local - last.before):%Y%m%dT%H%M%SZ}"
        component["RRULE"] = vInline(rule)
    return component
