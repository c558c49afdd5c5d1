"""Lines that mean the same are written the same; what is not understood stays."""

from __future__ import annotations

import pytest

from services.core.recurrence import normalise_recurrence


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"], ["rrule:byday=we,mo;freq=weekly"]),
        (["RRULE:FREQ=WEEKLY;WKST=MO;INTERVAL=1"], ["RRULE:FREQ=WEEKLY"]),
        (["RRULE:FREQ=MONTHLY;BYDAY=+1MO,-1FR;COUNT=05"], ["RRULE:COUNT=5;BYDAY=-1FR,1MO;FREQ=MONTHLY;"]),
        (["RRULE:FREQ=MONTHLY;BYMONTHDAY=15,-1,+2,2"], ["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1,2,15"]),
        (
            ["EXDATE:20260303T080000Z,20260302T080000Z"],
            ["EXDATE:20260302T080000Z", "EXDATE:20260303T080000Z"],
        ),
        (["EXDATE;VALUE=DATE:20260302"], ["exdate:20260302"]),
        (["EXDATE;VALUE=DATE-TIME:20260302T080000Z"], ["EXDATE:20260302t080000z"]),
        (["EXDATE:20260302T080000Z", "RRULE:FREQ=DAILY"], ["RRULE:FREQ=DAILY", "EXDATE:20260302T080000Z"]),
        (["RRULE:FREQ=DAILY", "RRULE:FREQ=DAILY"], [" RRULE:FREQ=DAILY "]),
        (
            ["EXDATE;TZID=Europe/Paris;X-A=b:20260302T080000"],
            ["EXDATE;x-a=b;tzid=Europe/Paris:20260302T080000"],
        ),
    ],
)
def test_what_means_the_same_is_the_same(one: list[str], other: list[str]) -> None:
    assert normalise_recurrence(one) == normalise_recurrence(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["RRULE:FREQ=WEEKLY;WKST=SU"], ["RRULE:FREQ=WEEKLY"]),
        (["RRULE:FREQ=WEEKLY;INTERVAL=2"], ["RRULE:FREQ=WEEKLY"]),
        (["EXDATE;TZID=Europe/Paris:20260302T080000"], ["EXDATE;TZID=Europe/Rome:20260302T080000"]),
        (["EXDATE;X-A=b:20260302T080000Z"], ["EXDATE:20260302T080000Z"]),
        (["RDATE:20260302T080000Z"], ["EXDATE:20260302T080000Z"]),
        (["RDATE:20260302T080000Z/PT1H"], ["RDATE:20260302T080000Z"]),
    ],
)
def test_what_differs_stays_different(one: list[str], other: list[str]) -> None:
    assert normalise_recurrence(one) != normalise_recurrence(other)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "X-OTHER;A=b:Value, as it is",
        "RRULE:FREQ",
        "RRULE:FREQ=DAILY;X-PART=1,B",
        'RRULE;X-A="q;u:o":FREQ=DAILY',
        "EXDATE;VALUE=DATE:2026-03-02",
        "EXDATE:",
        "RRULE:FREQ=MONTHLY;BYDAY=XX",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=" + "9" * 5000,
    ],
)
def test_what_is_not_understood_stays(line: str) -> None:
    assert normalise_recurrence([line]) == (line,)


def test_the_form() -> None:
    assert normalise_recurrence(
        [
            "EXDATE;TZID=America/New_York:20260310T090000,20260303T090000",
            "EXDATE:20260401T130000Z",
            "RDATE:20260402T130000Z",
            "EXRULE:FREQ=MONTHLY;BYMONTHDAY=13",
            "RRULE:WKST=SU;UNTIL=20270101T000000Z;INTERVAL=2;FREQ=WEEKLY;BYDAY=TU,MO",
        ]
    ) == (
        "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20270101T000000Z;BYDAY=MO,TU;WKST=SU",
        "EXRULE:FREQ=MONTHLY;BYMONTHDAY=13",
        "RDATE:20260402T130000Z",
        "EXDATE:20260401T130000Z",
        "EXDATE;TZID=America/New_York:20260303T090000,20260310T090000",
    )
