"""What becomes of the exceptions of a series when the series changes, is deleted, revived or moved."""

from typing import Any

import pytest

from tests.sandbox.driver import BOB, EVENTS, Google, all_day, reason, timed

DAILY = ["RRULE:FREQ=DAILY;COUNT=4"]
KEY = "20260304T090000Z"


@pytest.fixture
def series(google: Google) -> dict:
    """Four mornings, the second of which is later and has a name of its own."""
    master = google.insert("Standup", **timed(), recurrence=DAILY)
    change = {"summary": "Late standup", **timed("2026-03-04T15:00:00")}
    google.ok("PATCH", f"{EVENTS}/{master['id']}_{KEY}", change)
    return master


def names(google: Google, path: str = EVENTS, **params: Any) -> list[str]:
    """When and what each instance is."""
    items = google.pages(path, singleEvents="true", orderBy="startTime", **params)[0]["items"]
    return [f"{item['start'].get('dateTime', '')[5:13]} {item['summary']}" for item in items]


def by_patch(google: Google, series: dict, change: dict) -> None:
    google.ok("PATCH", f"{EVENTS}/{series['id']}", change)


def by_put(google: Google, series: dict, change: dict) -> None:
    google.ok("PUT", f"{EVENTS}/{series['id']}", {**series, **change})


def by_hand(google: Google, series: dict, change: dict) -> None:
    google.person({"id": series["id"], **change})


ELSEWHERE = [
    {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]},
    {"recurrence": [*DAILY, "EXDATE:20260304T090000Z"]},
    {"recurrence": None},
    timed("2026-03-03T11:00:00"),
    {
        "start": {"date": "2026-03-03", "dateTime": None, "timeZone": None},
        "end": {"date": "2026-03-04", "dateTime": None, "timeZone": None},
    },
]


class TestOrphans:
    @pytest.mark.parametrize("edit", [by_patch, by_hand])
    @pytest.mark.parametrize("change", ELSEWHERE)
    def test_an_exception_without_an_occurrence_is_cancelled(
        self, google: Google, series: dict, edit: Any, change: dict
    ) -> None:
        _, token = google.listing()
        edit(google, series, change)
        orphan = f"{series['id']}_{KEY}"
        delta = {item["id"]: item for item in google.listing(syncToken=token)[0]}
        assert set(delta) == {series["id"], orphan}
        assert {name: delta[orphan].get(name) for name in ("status", "recurringEventId", "summary")} == {
            "status": "cancelled",
            "recurringEventId": series["id"],
            "summary": None,
        }
        assert delta[orphan]["originalStartTime"]["dateTime"] == "2026-03-04T10:00:00+01:00"
        assert google.ok("GET", f"{EVENTS}/{orphan}")["status"] == "cancelled"
        assert not any("Late" in name for name in names(google))

    def test_a_replaced_series_leaves_orphans_too(self, google: Google, series: dict) -> None:
        by_put(google, series, timed("2026-03-03T12:00:00"))
        assert names(google) == [f"03-0{day}T12 Standup" for day in (3, 4, 5, 6)]

    @pytest.mark.parametrize("edit", [by_patch, by_put, by_hand])
    def test_they_can_vanish_without_a_trace(self, google: Google, series: dict, edit: Any) -> None:
        google.control("POST", "/switches", {"orphaned_exceptions": "gone"})
        _, token = google.listing()
        edit(google, series, {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]})
        assert [item["id"] for item in google.listing(syncToken=token)[0]] == [series["id"]]
        assert [item["id"] for item in google.listing()[0]] == [series["id"]]
        orphan = f"{EVENTS}/{series['id']}_{KEY}"
        assert reason(google.api("GET", orphan)) == (404, "notFound")

    def test_when_the_rule_comes_back_the_instance_is_a_plain_one(self, google: Google, series: dict) -> None:
        by_patch(google, series, {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]})
        by_patch(google, series, {"recurrence": DAILY})
        assert names(google) == [f"03-0{day}T10 Standup" for day in (3, 4, 5, 6)]
        assert [item["id"] for item in google.listing()[0]] == [series["id"]]

    def test_a_day_that_the_person_took_out_stays_out_when_the_rule_comes_back(
        self, google: Google, series: dict
    ) -> None:
        google.ok("DELETE", f"{EVENTS}/{series['id']}_20260305T090000Z")
        by_patch(google, series, {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]})
        by_patch(google, series, {"recurrence": DAILY})
        assert names(google) == [f"03-0{day}T10 Standup" for day in (3, 4, 6)]

    def test_an_orphan_cannot_be_written(self, google: Google, series: dict) -> None:
        by_patch(google, series, {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]})
        orphan = f"{EVENTS}/{series['id']}_{KEY}"
        assert reason(google.api("PATCH", orphan, {"status": "confirmed"})) == (404, "notFound")
        assert reason(google.api("DELETE", orphan)) == (410, "deleted")

    def test_an_exception_that_still_has_its_occurrence_keeps_what_it_has(
        self, google: Google, series: dict
    ) -> None:
        path = f"{EVENTS}/{series['id']}_{KEY}"
        before = google.ok("GET", path)
        by_patch(google, series, {"summary": "Huddle", "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})
        assert google.ok("GET", path) == before
        assert names(google) == ["03-03T10 Huddle", "03-04T15 Late standup"]

    def test_an_unknown_doing_is_refused(self, google: Google) -> None:
        answer = google.send("POST", "/_control/switches", {"orphaned_exceptions": "kept"})
        assert answer.status == 400


class TestDeletion:
    def test_the_delta_has_the_tombstone_of_the_series_alone(self, google: Google, series: dict) -> None:
        _, token = google.listing()
        google.ok("PATCH", f"{EVENTS}/{series['id']}_{KEY}", {"summary": "Later still"})
        google.ok("DELETE", f"{EVENTS}/{series['id']}")
        delta, _ = google.listing(syncToken=token)
        assert [(item["id"], item["status"]) for item in delta] == [(series["id"], "cancelled")]

    def test_a_delta_of_instances_has_each_of_them(self, google: Google, series: dict) -> None:
        _, token = google.listing(singleEvents="true")
        google.ok("DELETE", f"{EVENTS}/{series['id']}")
        delta, _ = google.listing(singleEvents="true", syncToken=token)
        assert len(delta) == 4
        assert {item["status"] for item in delta} == {"cancelled"}
        assert f"{series['id']}_{KEY}" in {item["id"] for item in delta}

    @pytest.mark.parametrize("key", [KEY, "20260303T090000Z"])
    def test_its_instances_can_be_read_as_cancelled_but_not_written(
        self, google: Google, series: dict, key: str
    ) -> None:
        google.ok("DELETE", f"{EVENTS}/{series['id']}")
        path = f"{EVENTS}/{series['id']}_{key}"
        assert google.ok("GET", path)["status"] == "cancelled"
        assert reason(google.api("PATCH", path, {"status": "confirmed"})) == (404, "notFound")
        assert reason(google.api("DELETE", path)) == (410, "deleted")
        assert google.ok("GET", f"{EVENTS}/{series['id']}/instances")["items"] == []

    def test_its_exceptions_keep_nobody_busy(self, google: Google, series: dict) -> None:
        google.ok("DELETE", f"{EVENTS}/{series['id']}")
        asked = {
            "timeMin": "2026-03-01T00:00:00Z",
            "timeMax": "2026-03-10T00:00:00Z",
            "items": [{"id": "primary"}],
        }
        answer = google.ok("POST", "/calendar/v3/freeBusy", asked)
        assert answer["calendars"]["primary"]["busy"] == []

    def test_a_revived_series_brings_its_exceptions_back_as_they_were(
        self, google: Google, series: dict
    ) -> None:
        google.ok("DELETE", f"{EVENTS}/{series['id']}_20260306T090000Z")
        before = names(google)
        late = google.ok("GET", f"{EVENTS}/{series['id']}_{KEY}")
        google.ok("DELETE", f"{EVENTS}/{series['id']}")
        assert names(google) == []
        _, token = google.listing()
        google.ok("PATCH", f"{EVENTS}/{series['id']}", {"status": "confirmed"})
        assert names(google) == before
        delta = {item["id"]: item for item in google.listing(syncToken=token)[0]}
        assert delta[f"{series['id']}_{KEY}"] == late
        assert delta[f"{series['id']}_20260306T090000Z"]["status"] == "cancelled"


class TestMoving:
    @pytest.fixture
    def other(self, google: Google) -> str:
        return str(google.ok("POST", "/calendar/v3/calendars", {"summary": "Other"})["id"])

    def move(self, google: Google, event_id: str, source: str, target: str) -> Any:
        path = f"/calendar/v3/calendars/{source}/events/{event_id}/move"
        return google.ok("POST", path, destination=target)

    def test_the_exceptions_go_along(self, google: Google, series: dict, other: str) -> None:
        google.ok("DELETE", f"{EVENTS}/{series['id']}_20260306T090000Z")
        before = names(google)
        _, token = google.listing()
        assert self.move(google, series["id"], "primary", other)["status"] == "cancelled"
        there = f"/calendar/v3/calendars/{other}/events"
        assert names(google, there) == before
        assert names(google) == []
        delta, _ = google.listing(syncToken=token)
        assert [(item["id"], item["status"]) for item in delta] == [(series["id"], "cancelled")]
        late = google.ok("GET", f"{there}/{series['id']}_{KEY}")
        assert (late["organizer"]["email"], late["recurringEventId"]) == (other, series["id"])

    def test_there_and_back_again(self, google: Google, series: dict, other: str) -> None:
        before = names(google)
        self.move(google, series["id"], "primary", other)
        there = f"/calendar/v3/calendars/{other}/events/{series['id']}_{KEY}"
        google.ok("PATCH", there, {"summary": "Renamed there"})
        self.move(google, series["id"], other, "primary")
        assert names(google) == [name.replace("Late standup", "Renamed there") for name in before]

    def test_what_an_earlier_stay_left_does_not_come_back(
        self, google: Google, series: dict, other: str
    ) -> None:
        self.move(google, series["id"], "primary", other)
        there = f"/calendar/v3/calendars/{other}/events/{series['id']}"
        google.ok("PATCH", there, {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]})
        google.ok("PATCH", there, {"recurrence": DAILY})
        self.move(google, series["id"], other, "primary")
        assert names(google) == [f"03-0{day}T10 Standup" for day in (3, 4, 5, 6)]

    @pytest.mark.parametrize("key", [KEY, "20260305T090000Z"])
    def test_an_instance_alone_cannot_be_moved(
        self, google: Google, series: dict, other: str, key: str
    ) -> None:
        path = f"{EVENTS}/{series['id']}_{key}/move"
        refused = google.api("POST", path, destination=other)
        assert reason(refused) == (400, "cannotChangeOrganizerOfInstance")

    @pytest.mark.parametrize("kind", ["birthday", "fromGmail", "focusTime", "outOfOffice", "workingLocation"])
    def test_only_default_events_can_be_moved(self, google: Google, other: str, kind: str) -> None:
        event = google.person({**all_day(), "eventType": kind})
        refused = google.api("POST", f"{EVENTS}/{event['id']}/move", destination=other)
        assert reason(refused) == (400, "eventTypeRestriction")

    def test_a_living_event_of_that_id_is_in_the_way(self, google: Google, series: dict, other: str) -> None:
        google.ok("POST", f"/calendar/v3/calendars/{other}/events", {**timed(), "id": series["id"]})
        refused = google.api("POST", f"{EVENTS}/{series['id']}/move", destination=other)
        assert reason(refused) == (409, "duplicate")

    def test_a_guest_has_nothing_to_move(self, google: Google, other: str) -> None:
        event = google.person({**timed(), "organizer": {"email": BOB}})
        refused = google.api("POST", f"{EVENTS}/{event['id']}/move", destination=other)
        assert reason(refused) == (403, "forbiddenForNonOrganizer")
        gone = google.insert()
        google.ok("DELETE", f"{EVENTS}/{gone['id']}")
        refused = google.api("POST", f"{EVENTS}/{gone['id']}/move", destination=other)
        assert reason(refused) == (404, "notFound")


class TestInstances:
    def test_an_unchanged_one_has_the_version_of_its_series(self, google: Google, series: dict) -> None:
        path = f"{EVENTS}/{series['id']}_20260305T090000Z"
        one = google.ok("GET", path)
        assert (one["etag"], one["updated"]) == (series["etag"], series["updated"])
        newer = google.ok("PATCH", f"{EVENTS}/{series['id']}", {"location": "Hall"})
        stale = google.api("PATCH", path, {"summary": "x"}, headers={"if-match": one["etag"]})
        assert reason(stale) == (412, "conditionNotMet")
        changed = google.ok("PATCH", path, {"summary": "x"}, headers={"if-match": newer["etag"]})
        assert (changed["id"], changed["location"]) == (one["id"], "Hall")
        assert changed["etag"] != newer["etag"]
        assert google.ok("GET", f"{EVENTS}/{series['id']}") == newer

    def test_one_can_be_replaced_whole(self, google: Google, series: dict) -> None:
        path = f"{EVENTS}/{series['id']}_20260305T090000Z"
        replaced = google.ok("PUT", path, {**timed("2026-03-05T20:00:00"), "summary": "Evening"})
        assert replaced["recurringEventId"] == series["id"]
        assert replaced["originalStartTime"]["dateTime"] == "2026-03-05T10:00:00+01:00"
        assert "03-05T20 Evening" in names(google)

    def test_a_cancelled_one_can_be_confirmed_again(self, google: Google, series: dict) -> None:
        path = f"{EVENTS}/{series['id']}_{KEY}"
        google.ok("DELETE", path)
        assert not any("Late" in name for name in names(google))
        assert google.ok("PATCH", path, {"status": "confirmed"})["status"] == "confirmed"
        assert "03-04T15 Late standup" in names(google)

    @pytest.mark.parametrize("key", ["20260304T100000Z", "20260304", "20260308T090000Z", "99999999T999999Z"])
    @pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
    def test_what_is_no_occurrence_is_not_found(
        self, google: Google, series: dict, method: str, key: str
    ) -> None:
        body = timed() if method in {"PATCH", "PUT"} else None
        answer = google.api(method, f"{EVENTS}/{series['id']}_{key}", body)
        assert reason(answer) == (404, "notFound")

    @pytest.mark.parametrize(
        "original", ["2026-03-04T10:00:00+01:00", "2026-03-04T09:00:00Z", "2026-03-04T04:00:00-05:00"]
    )
    def test_one_is_found_by_its_original_start_in_any_offset(
        self, google: Google, series: dict, original: str
    ) -> None:
        found = google.ok("GET", f"{EVENTS}/{series['id']}/instances", originalStart=original)["items"]
        assert [item["summary"] for item in found] == ["Late standup"]

    def test_an_all_day_one_is_found_by_its_date(self, google: Google) -> None:
        series = google.insert(**all_day(), recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
        path = f"{EVENTS}/{series['id']}/instances"
        found = google.ok("GET", path, originalStart="2026-03-05")["items"]
        assert [item["start"]["date"] for item in found] == ["2026-03-05"]
        assert reason(google.api("GET", path, originalStart="someday")) == (400, "invalid")

    def test_one_that_falls_into_the_hour_that_is_left_out_has_an_id_that_works(self, google: Google) -> None:
        series = google.insert(**timed("2026-03-28T02:30:00"), recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
        for item in google.ok("GET", f"{EVENTS}/{series['id']}/instances")["items"]:
            assert google.ok("GET", f"{EVENTS}/{item['id']}")["start"] == item["start"]


def test_an_instance_has_no_rule_of_its_own(google: Google, series: dict) -> None:
    path = f"{EVENTS}/{series['id']}_20260305T090000Z"
    for method in ("PATCH", "PUT"):
        refused = google.api(method, path, {**timed("2026-03-05T10:00:00"), "recurrence": DAILY})
        assert reason(refused) == (400, "invalid")
    assert len(google.listing()[0]) == 2
