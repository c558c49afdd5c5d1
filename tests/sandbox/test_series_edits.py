"""A person edits a series on Google's own pages: this instance, this and following, or all."""

from typing import Any

import pytest

from tests.sandbox.driver import ANN, BOB, EVENTS, Google, all_day, timed

MONDAYS = ["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=5"]
THIRD = "20260316T090000Z"


@pytest.fixture
def series(google: Google) -> dict:
    """Five Mondays at ten with a guest and a meeting; the last is over the change to summer time."""
    meeting = {"conferenceData": {"createRequest": {"requestId": "one"}}, "attendees": [{"email": BOB}]}
    body = {"summary": "Class", **timed("2026-03-02T10:00:00"), "recurrence": MONDAYS, **meeting}
    return dict(google.ok("POST", EVENTS, body, conferenceDataVersion=1))


def instances(google: Google) -> list[str]:
    items = google.pages(singleEvents="true", orderBy="startTime")[0]["items"]
    return [
        f"{(item['start'].get('dateTime') or item['start']['date'])[5:13]} {item['summary']}"
        for item in items
    ]


def edit(google: Google, scope: str, event_id: str, **fields: Any) -> Any:
    path = f"/calendars/{ANN}/primary/events?scope={scope}"
    return google.control("POST", path, {"id": event_id, **fields})


def delete(google: Google, scope: str, event_id: str) -> None:
    google.control("DELETE", f"/calendars/{ANN}/primary/events/{event_id}?scope={scope}")


def classes(*days: str) -> list[str]:
    return [f"{day}T10 Class" for day in days]


class TestThisOne:
    def test_it_becomes_an_exception(self, google: Google, series: dict) -> None:
        made = edit(google, "this", f"{series['id']}_{THIRD}", summary="Exam")
        assert made["recurringEventId"] == series["id"]
        assert instances(google)[2] == "03-16T10 Exam"
        assert len(instances(google)) == 5

    def test_or_it_is_cancelled(self, google: Google, series: dict) -> None:
        delete(google, "this", f"{series['id']}_{THIRD}")
        assert instances(google) == classes("03-02", "03-09", "03-23", "03-30")


class TestThisAndFollowing:
    def test_the_series_ends_and_a_new_one_goes_on_with_guests_and_meeting(
        self, google: Google, series: dict
    ) -> None:
        _, token = google.listing()
        tail = edit(google, "following", f"{series['id']}_{THIRD}", summary="Seminar")
        assert tail["id"] == f"{series['id']}_R20260316T090000"
        assert tail["iCalUID"] == f"{tail['id']}@google.com"
        assert tail["recurrence"] == ["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"]
        for kept in ("attendees", "conferenceData", "hangoutLink", "organizer"):
            assert tail[kept] == series[kept]
        head = google.ok("GET", f"{EVENTS}/{series['id']}")
        assert head["recurrence"] == ["RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260316T085959Z"]
        seminars = ["03-16T10 Seminar", "03-23T10 Seminar", "03-30T10 Seminar"]
        assert instances(google) == [*classes("03-02", "03-09"), *seminars]
        assert [item["id"] for item in google.listing(syncToken=token)[0]] == [series["id"], tail["id"]]

    def test_its_instances_have_ids_of_their_own_and_it_can_be_split_again(
        self, google: Google, series: dict
    ) -> None:
        tail = edit(google, "following", f"{series['id']}_{THIRD}", summary="Seminar")
        last = edit(google, "following", f"{tail['id']}_20260330T080000Z", summary="Exam")
        assert last["id"] == f"{series['id']}_R20260330T080000"
        assert instances(google)[-2:] == ["03-23T10 Seminar", "03-30T10 Exam"]

    def test_a_split_at_the_place_of_an_earlier_one_gets_another_id(
        self, google: Google, series: dict
    ) -> None:
        tail = edit(google, "following", f"{series['id']}_{THIRD}", summary="Seminar")
        google.ok("DELETE", f"{EVENTS}/{tail['id']}")
        google.ok("PATCH", f"{EVENTS}/{series['id']}", {"recurrence": MONDAYS})
        again = edit(google, "following", f"{series['id']}_{THIRD}", summary="Seminar")
        assert again["id"] != tail["id"]
        assert again["id"].endswith("_R20260316T090000")

    def test_later_exceptions_are_orphans_and_earlier_ones_stay(self, google: Google, series: dict) -> None:
        first, later = f"{series['id']}_20260309T090000Z", f"{series['id']}_20260323T090000Z"
        for one in (first, later):
            google.ok("PATCH", f"{EVENTS}/{one}", {"summary": "Guest lecture"})
        edit(google, "following", f"{series['id']}_{THIRD}", location="Hall")
        assert google.ok("GET", f"{EVENTS}/{later}")["status"] == "cancelled"
        assert [item.split()[1] for item in instances(google)] == [
            "Class",
            "Guest",
            "Class",
            "Class",
            "Class",
        ]

    def test_it_can_move_to_another_day_and_hour(self, google: Google, series: dict) -> None:
        edit(google, "following", f"{series['id']}_{THIRD}", **timed("2026-03-18T16:00:00", hours=2))
        assert instances(google) == [
            *classes("03-02", "03-09"),
            "03-18T16 Class",
            "03-25T16 Class",
            "04-01T16 Class",
        ]

    def test_extra_and_excluded_days_go_where_they_belong(self, google: Google) -> None:
        series = google.insert(
            "Class",
            **timed("2026-03-02T10:00:00"),
            recurrence=[
                "RRULE:FREQ=WEEKLY;UNTIL=20260330T080000Z",
                "EXDATE:20260309T090000Z,20260323T090000Z",
                "RDATE:20260304T090000Z,20260318T090000Z",
            ],
        )
        before = instances(google)
        tail = edit(google, "following", f"{series['id']}_{THIRD}", summary="Class")
        assert instances(google) == before
        assert tail["recurrence"] == [
            "RRULE:FREQ=WEEKLY;UNTIL=20260330T080000Z",
            "EXDATE:20260323T090000Z",
            "RDATE:20260318T090000Z",
        ]

    def test_an_all_day_series_ends_with_a_date(self, google: Google) -> None:
        series = google.insert("Fast", **all_day(), recurrence=["RRULE:FREQ=DAILY"])
        tail = edit(google, "following", f"{series['id']}_20260306", summary="Feast")
        assert tail["id"] == f"{series['id']}_R20260306"
        head = google.ok("GET", f"{EVENTS}/{series['id']}")
        assert head["recurrence"] == ["RRULE:FREQ=DAILY;UNTIL=20260305"]
        assert instances(google)[:5] == [
            "03-03 Fast",
            "03-04 Fast",
            "03-05 Fast",
            "03-06 Feast",
            "03-07 Feast",
        ]

    def test_from_the_first_on_means_all(self, google: Google, series: dict) -> None:
        changed = edit(google, "following", f"{series['id']}_20260302T090000Z", summary="Seminar")
        assert (changed["id"], changed["recurrence"]) == (series["id"], MONDAYS)
        assert len(google.listing()[0]) == 1

    def test_or_they_are_deleted(self, google: Google, series: dict) -> None:
        delete(google, "following", f"{series['id']}_{THIRD}")
        assert instances(google) == classes("03-02", "03-09")
        delete(google, "following", f"{series['id']}_20260302T090000Z")
        assert google.ok("GET", f"{EVENTS}/{series['id']}")["status"] == "cancelled"


@pytest.mark.parametrize(
    "recurrence",
    [
        ["RRULE:FREQ=DAILY;INTERVAL=3;COUNT=8"],
        ["RRULE:FREQ=DAILY;UNTIL=20260402T220000Z"],
        ["RRULE:FREQ=DAILY;UNTIL=20260402"],
        ["RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU;COUNT=9"],
        ["RRULE:FREQ=WEEKLY;BYDAY=FR;COUNT=4"],
        ["RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7"],
        ["RRULE:FREQ=MONTHLY;BYMONTHDAY=24,-1;UNTIL=20260930T080000Z"],
        ["RRULE:COUNT=6;FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU"],
        ["RDATE:20260329T080000Z,20260401T080000Z,20261025T090000Z"],
        [
            "RRULE:FREQ=WEEKLY;COUNT=6",
            "EXDATE;TZID=Europe/Amsterdam:20260331T100000",
            "RDATE:20260328T090000Z",
        ],
        ["RRULE:FREQ=DAILY;COUNT=12", "EXRULE:FREQ=WEEKLY;BYDAY=SU"],
        ["RRULE:FREQ=WEEKLY;COUNT=3", "RRULE:FREQ=MONTHLY;COUNT=3"],
    ],
)
@pytest.mark.parametrize("times", [timed("2026-03-24T10:00:00"), timed("2026-03-24T23:30:00")])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_series_that_is_split_and_not_changed_has_the_same_instances(
    google: Google, recurrence: list, times: dict, number: int
) -> None:
    google.insert("Class", **times, recurrence=recurrence)
    items = google.pages(singleEvents="true", orderBy="startTime")[0]["items"]
    before = instances(google)
    edit(google, "following", items[min(number, len(items) - 1)]["id"], summary="Class")
    assert instances(google) == before


class TestAll:
    def test_the_series_changes_and_an_exception_keeps_what_it_has(
        self, google: Google, series: dict
    ) -> None:
        google.ok("PATCH", f"{EVENTS}/{series['id']}_20260309T090000Z", {"summary": "Exam"})
        edit(google, "all", f"{series['id']}_{THIRD}", summary="Seminar")
        assert [item.split()[1] for item in instances(google)] == ["Seminar", "Exam", *["Seminar"] * 3]

    def test_all_move_as_far_as_the_one_does(self, google: Google, series: dict) -> None:
        edit(google, "all", f"{series['id']}_{THIRD}", **timed("2026-03-17T11:00:00"))
        assert instances(google) == [
            f"{day}T11 Class" for day in ("03-03", "03-10", "03-17", "03-24", "03-31")
        ]

    def test_all_can_become_days(self, google: Google, series: dict) -> None:
        edit(google, "all", f"{series['id']}_{THIRD}", **all_day("2026-03-16", "2026-03-17"))
        assert instances(google) == [f"{day} Class" for day in ("03-02", "03-09", "03-16", "03-23", "03-30")]

    def test_only_an_end_makes_all_longer(self, google: Google, series: dict) -> None:
        edit(google, "all", f"{series['id']}_{THIRD}", end=timed("2026-03-16T10:00:00", hours=3)["end"])
        ends = {item["end"]["dateTime"][11:16] for item in google.pages(singleEvents="true")[0]["items"]}
        assert ends == {"13:00"}

    def test_or_all_are_deleted(self, google: Google, series: dict) -> None:
        delete(google, "all", f"{series['id']}_{THIRD}")
        assert instances(google) == []


@pytest.mark.parametrize("scope", ["this", "following", "all"])
def test_an_instance_of_a_deleted_series_cannot_be_edited(google: Google, series: dict, scope: str) -> None:
    google.ok("DELETE", f"{EVENTS}/{series['id']}")
    path = f"/_control/calendars/{ANN}/primary/events?scope={scope}"
    assert google.send("POST", path, {"id": f"{series['id']}_{THIRD}", "summary": "x"}).status == 400
    assert instances(google) == []


def test_a_scope_that_does_not_exist_is_refused(google: Google, series: dict) -> None:
    path = f"/_control/calendars/{ANN}/primary/events?scope=some"
    assert google.send("POST", path, {"id": f"{series['id']}_{THIRD}", "summary": "x"}).status == 400
    assert google.ok("GET", f"{EVENTS}/{series['id']}")["etag"] == series["etag"]
