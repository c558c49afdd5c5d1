"""Who wrote what having seen what, and a judge of how it ended that asks nobody but the two sides.

Every edit writes a value that nothing else writes and notes which value its author saw. At the end each edit
must be accounted for: it stands, or an edit that had seen it replaced it, or its value is kept in a conflict,
or a person who saw it deleted the thing or settled the conflict.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
FIELDS = {"title": "summary", "location": "location", "description": "description", "schedule": "start"}
"""The fields that both sides edit, with Google's names."""


@dataclass(slots=True)
class Ledger:
    """Every value that anybody wrote, with the value that its author saw in the same field."""

    saw: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    """Values that a person saw and decided about: by deleting the thing, or by settling a conflict."""
    reasserted: set[str] = field(default_factory=set)
    """Values that a person brought back, with a deleted thing or from a conflict, whatever came since."""
    unconfirmed: set[str] = field(default_factory=set)
    """Values whose author never learned whether they were taken; each may stand, and may be nowhere."""
    late: bool = False
    """Whether a write of ours reached Google long after it was given up, and still met its condition.

    Google dates it by its arrival, so it may look later than an edit that had seen it; that one is then kept
    in a conflict. So it is where somebody's clock was set.
    """
    _drawn: int = 0

    def write(self, name: str, *, saw: str) -> str:
        """A value never written before, noted."""
        value = self.value(name)
        self.note(value, saw=saw)
        return value

    def value(self, name: str) -> str:
        """A value never written before; it is to be noted once somebody has written it."""
        number = self._drawn
        self._drawn += 1
        if name != "schedule":
            return f"{name}-{number}"
        if number % 3:
            return (START + timedelta(minutes=number)).isoformat()
        return (START.date() + timedelta(days=number)).isoformat()

    def note(self, value: str, *, saw: str = "") -> None:
        """Remember that somebody wrote `value`, having seen `saw`."""
        assert value not in self.saw, f"{value} was written before"
        self.saw[value] = saw

    def lineage(self, value: str) -> Iterator[str]:
        """The value, and what its author had, perhaps through others, seen; the newest first."""
        while value in self.saw:
            yield value
            value = self.saw[value]
        yield value

    def lineages(self, values: Iterable[str]) -> set[str]:
        """All that the authors of these had seen, with what they wrote."""
        found: set[str] = set()
        for value in values:
            for each in self.lineage(value):
                if each in found:
                    break
                found.add(each)
        return found


def remote_value(event: dict[str, Any], name: str) -> str:
    """What Google shows in a field."""
    if name != "schedule":
        return str(event.get(FIELDS[name], ""))
    start = event["start"]
    if "date" in start:
        return str(start["date"])
    return datetime.fromisoformat(start["dateTime"]).astimezone(UTC).isoformat()


def google_times(value: str) -> dict[str, Any]:
    """The times that begin at a value, in Google's words; what the other kind had is removed."""
    if "T" in value:
        end = (datetime.fromisoformat(value) + timedelta(hours=1)).isoformat()
        return {
            "start": {"dateTime": value, "timeZone": "UTC", "date": None},
            "end": {"dateTime": end, "timeZone": "UTC", "date": None},
        }
    end = (date.fromisoformat(value) + timedelta(days=1)).isoformat()
    none = {"dateTime": None, "timeZone": None}
    return {"start": {"date": value, **none}, "end": {"date": end, **none}}


def judge_ancestry(
    ledger: Ledger, *, standing: Sequence[str], losers: Collection[str], titles: Collection[str]
) -> None:
    """Every edit is accounted for, none lost to what its author had seen, and no thing is there twice.

    Args:
        ledger: Of what was written.
        standing: What both sides show, as often as they show it.
        losers: The values that are kept in conflicts.
        titles: The first title of each thing that was created.
    """
    kept = ledger.lineages({*standing, *losers, *ledger.settled})
    settled = ledger.lineages(ledger.settled)
    stands = set(standing) - ledger.reasserted - {""}
    for value in ledger.saw:
        assert value in kept or value in ledger.unconfirmed, f"{value} was lost"
        if ledger.late or value in settled or value not in kept:
            continue
        for seen in ledger.lineage(ledger.saw[value]):
            assert seen not in stands, f"{value} lost to {seen}, which it had seen"
    copies = Counter(each for value in standing if value for each in ledger.lineage(value))
    for title in titles:
        assert copies[title] <= 1, f"{title} stands twice"
