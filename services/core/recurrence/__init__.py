"""Series: which occurrences a schedule has, how they are named, and what edits of a series make of it.

Pure: no clock and no I/O, so every window is an argument. The rule language is RFC 5545 as Google speaks it;
each module names the decisions that the two leave open.

* `lines`: the text of RRULE, RDATE, EXDATE and EXRULE lines, and `InvalidRecurrenceError`.
* `rules`, `reading`: what a rule says, and what all lines mean for a span.
* `wall`: between instants and the wall clock of a zone.
* `placing`, `expansion`: where a rule falls on the wall clock, and the occurrences in a window.
* `instances`: occurrences and their names.
* `edits`, `moving`: this and following, all, one left out.
* `acceptance`, `starts`: what clients may write, and what extra and excluded starts mean.
* `normal_form`: one form, so that equality means agreement.
"""

from services.core.recurrence.acceptance import accepted
from services.core.recurrence.edits import continued_from, moved_start, shifted, truncated_before, without
from services.core.recurrence.expansion import has_occurrence, last_occurrence_end, occurrence_at, occurrences
from services.core.recurrence.instances import (
    Occurrence,
    OriginalStart,
    instance_key,
    parse_instance_key,
    read_original_start,
    same_original_start,
)
from services.core.recurrence.lines import InvalidRecurrenceError
from services.core.recurrence.moving import Weekdays
from services.core.recurrence.normal_form import normalise_recurrence
from services.core.recurrence.reading import RecurrenceRules, parse_recurrence
from services.core.recurrence.rules import MAX_COUNT

__all__ = [
    "MAX_COUNT",
    "InvalidRecurrenceError",
    "Occurrence",
    "OriginalStart",
    "RecurrenceRules",
    "Weekdays",
    "accepted",
    "continued_from",
    "has_occurrence",
    "instance_key",
    "last_occurrence_end",
    "moved_start",
    "normalise_recurrence",
    "occurrence_at",
    "occurrences",
    "parse_instance_key",
    "parse_recurrence",
    "read_original_start",
    "same_original_start",
    "shifted",
    "truncated_before",
    "without",
]
