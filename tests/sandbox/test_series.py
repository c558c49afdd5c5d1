"""Recurring events: masters, exceptions, and their occurrences over a change of the clocks."""

import pytest

from tests.sandbox.driver import EVENTS, Google, all_day, reason, timed

DAILY = ["RRULE:FREQ=DAILY;COUNT=4"]


@pytest.fixture
def series(google: Google) -> dict:
    """Four mornings over the change to summer time."""
    return google.insert("Standup", **timed("2026-03-27T10:00:00"), recurrence=DAILY)


def expanded(google: Google, **params: str) -> list:
    return google.pages(singleEvents="true", orderBy="startTime", **params)[0]["items"]


def test_occurrences_keep_their_wall_clock_time_and_are_named_in_utc(google: Google, series: dict) -> None:
    items = google.ok("GET", f"{EVENTS}/{series['id']}/instances")["items"]
    assert [item["id"].removeprefix(series["id"]) for item in items] == [
        "_20260327T090000Z",
        "_20260328T090000Z",
        "_20260329T080000Z",
        "_20260330T080000Z",
    ]
    assert {item["start"]["dateTime"][11:19] for item in items} == {"10:00:00"}
    assert {item["recurringEventId"] for item in items} == {series["id"]}
    assert all("recurrence" not in item for item in items)
    assert [item["originalStartTime"] for item in items] == [item["start"] for item in items]


def test_an_all_day_occurrence_is_named_by_its_date(google: Google) -> None:
    event = google.insert(**all_day(), recurrence=["RRULE:FREQ=WEEKLY;UNTIL=20260317"])
    assert [item["id"] for item in expanded(google)] == [
        f"{event['id']}_{day}" for day in ("20260303", "20260310", "20260317")
    ]


def test_a_plain_listing_shows_the_series_not_its_occurrences(google: Google, series: dict) -> None:
    assert [item["id"] for item in google.listing()[0]] == [series["id"]]


def test_changing_one_occurrence_makes_an_exception(google: Google, series: dict) -> None:
    _, token = google.listing()
    one = f"{series['id']}_20260328T090000Z"
    changed = google.ok("PATCH", f"{EVENTS}/{one}", {"summary": "Later", **timed("2026-03-28T15:00:00")})
    assert changed["originalStartTime"]["dateTime"] == "2026-03-28T10:00:00+01:00"
    assert [item["id"] for item in google.listing(syncToken=token)[0]] == [one]
    assert {item["id"] for item in google.listing()[0]} == {series["id"], one}
    assert [item["summary"] for item in expanded(google)] == ["Standup", "Later", "Standup", "Standup"]


def test_cancelling_one_occurrence_leaves_a_stub_that_every_plain_listing_shows(
    google: Google, series: dict
) -> None:
    one = f"{series['id']}_20260328T090000Z"
    google.ok("DELETE", f"{EVENTS}/{one}")
    stub = next(item for item in google.listing()[0] if item["id"] == one)
    assert set(stub) == {"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}
    assert len(expanded(google)) == 3
    shown = google.pages(singleEvents="true", showDeleted="true")[0]["items"]
    assert [item["status"] for item in shown if item["id"] == one] == ["cancelled"]
    assert google.api("DELETE", f"{EVENTS}/{one}").status == 410


def test_deleting_the_series_takes_its_exceptions_along(google: Google, series: dict) -> None:
    google.ok("DELETE", f"{EVENTS}/{series['id']}_20260328T090000Z")
    _, token = google.listing()
    google.ok("DELETE", f"{EVENTS}/{series['id']}")
    delta, _ = google.listing(syncToken=token)
    assert [(item["id"], item["status"]) for item in delta] == [(series["id"], "cancelled")]
    assert google.listing()[0] == []


def test_a_day_on_which_it_does_not_occur_is_not_found(google: Google, series: dict) -> None:
    assert reason(google.api("GET", f"{EVENTS}/{series['id']}_20260401T080000Z")) == (404, "notFound")


def test_a_window_finds_a_series_by_its_occurrences(google: Google, series: dict) -> None:
    window = {"timeMin": "2026-03-29T00:00:00Z", "timeMax": "2026-03-30T00:00:00Z"}
    assert [item["id"] for item in google.pages(**window)[0]["items"]] == [series["id"]]
    assert [item["id"] for item in expanded(google, **window)] == [f"{series['id']}_20260329T080000Z"]
    after = google.pages(timeMin="2026-04-05T00:00:00Z")[0]["items"]
    assert after == []


def test_exdate_and_rdate_are_honoured(google: Google) -> None:
    google.insert(
        **timed("2026-03-03T10:00:00"),
        recurrence=[
            "RRULE:FREQ=DAILY;UNTIL=20260305T090000Z",
            "EXDATE;TZID=Europe/Amsterdam:20260304T100000",
            "RDATE:20260310T090000Z",
        ],
    )
    assert [item["start"]["dateTime"][:10] for item in expanded(google)] == [
        "2026-03-03",
        "2026-03-05",
        "2026-03-10",
    ]


def test_an_endless_series_is_expanded_only_so_far_and_pages(google: Google) -> None:
    google.insert(**timed(), recurrence=["RRULE:FREQ=DAILY"])
    pages = google.pages(singleEvents="true", maxResults=300)
    assert [len(page["items"]) for page in pages] == [300, 300, 130]
    assert len({item["id"] for page in pages for item in page["items"]}) == 730


def test_instances_of_an_occurrence_is_that_one(google: Google, series: dict) -> None:
    one = f"{series['id']}_20260328T090000Z"
    assert [item["id"] for item in google.ok("GET", f"{EVENTS}/{one}/instances")["items"]] == [one]


def test_two_occurrences_that_the_clock_makes_one_are_one(google: Google) -> None:
    series = google.insert(**timed("2026-03-28T02:30:00"), recurrence=["RRULE:FREQ=DAILY;BYHOUR=2,3;COUNT=6"])
    assert [item["id"].removeprefix(series["id"]) for item in expanded(google)] == [
        "_20260328T013000Z",
        "_20260328T023000Z",
        "_20260329T013000Z",
        "_20260330T003000Z",
        "_20260330T013000Z",
    ]


@pytest.mark.parametrize(
    "recurrence",
    [
        ["RRULE:FREQ=SOMETIMES"],
        ["RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260401T000000Z"],
        ["RRULE:UNTIL=20260401T000000Z;FREQ=DAILY;COUNT=3"],
        ["RRULE:FREQ=HOURLY;COUNT=3"],
        ["RRULE:FREQ=SECONDLY"],
        ["RRULE:FREQ=DAILY;COUNT=1", "EXDATE:20260303T090000Z"],
        ["DTSTART:20260303T090000Z", "RRULE:FREQ=DAILY"],
        ["RRULE"],
        [7],
    ],
)
def test_rules_that_make_no_sense_are_refused(google: Google, recurrence: list) -> None:
    assert reason(google.api("POST", EVENTS, {**timed(), "recurrence": recurrence})) == (400, "invalid")
    assert google.listing()[0] == []


def test_a_rule_that_only_a_hand_could_write_leaves_the_first_occurrence(google: Google) -> None:
    google.person({**timed(), "summary": "Odd", "recurrence": ["RRULE:FREQ=SOMETIMES"]})
    assert [item["summary"] for item in expanded(google)] == ["Odd"]
