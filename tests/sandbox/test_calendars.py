"""Calendars and their list, access, scopes, free/busy, colours, settings, batches."""

from urllib.parse import quote

import pytest

from tests.sandbox.driver import ANN, BOB, CALENDAR, EVENTS, Google, all_day, reason, timed

LIST = "/calendar/v3/users/me/calendarList"
CALENDARS = "/calendar/v3/calendars"


def shared(google: Google, role: str) -> str:
    """The path of Ann's calendar, shared with Bob."""
    google.open_account(BOB)
    google.control("POST", f"/calendars/{ANN}/primary", {"acl": {BOB: role}})
    return f"{CALENDARS}/{quote(ANN)}/events"


def test_the_list_starts_with_the_primary_calendar(google: Google) -> None:
    (entry,) = google.ok("GET", LIST)["items"]
    assert (entry["id"], entry["primary"], entry["accessRole"]) == (ANN, True, "owner")
    assert {"hidden", "deleted"}.isdisjoint(entry)


def test_a_new_calendar_appears_in_the_lists_delta_and_leaves_with_a_tombstone(google: Google) -> None:
    token = google.ok("GET", LIST)["nextSyncToken"]
    made = google.ok("POST", CALENDARS, {"summary": "Work", "timeZone": "Asia/Tokyo"})
    assert made["id"].endswith("@group.calendar.google.com")
    delta = google.ok("GET", LIST, syncToken=token)
    assert [entry["id"] for entry in delta["items"]] == [made["id"]]
    assert google.ok("GET", LIST, syncToken=delta["nextSyncToken"])["items"] == []
    google.ok("DELETE", f"{CALENDARS}/{made['id']}")
    (gone,) = google.ok("GET", LIST, syncToken=delta["nextSyncToken"])["items"]
    assert gone["deleted"] is True
    assert google.api("GET", f"{CALENDARS}/{made['id']}").status == 404
    assert reason(google.api("DELETE", f"{CALENDARS}/primary")) == (403, "forbidden")


def test_the_list_pages_and_refuses_what_does_not_go_with_a_token(google: Google) -> None:
    for number in range(4):
        google.ok("POST", CALENDARS, {"summary": str(number)})
    pages = google.pages(LIST, maxResults=2)
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    token = pages[-1]["nextSyncToken"]
    assert google.api("GET", LIST, syncToken=token, minAccessRole="owner").status == 400
    assert google.api("GET", LIST, syncToken=token, showHidden="false").status == 400
    assert google.api("GET", LIST, syncToken="garbage").status == 400


def test_an_entry_is_ones_own_to_name_and_hide(google: Google) -> None:
    made = google.ok("POST", CALENDARS, {"summary": "Work"})["id"]
    entry = google.ok("PATCH", f"{LIST}/{made}", {"summaryOverride": "Toil", "hidden": True})
    assert (entry["summaryOverride"], entry["hidden"], entry["summary"]) == ("Toil", True, "Work")
    assert len(google.ok("GET", LIST)["items"]) == 1
    assert len(google.ok("GET", LIST, showHidden="true")["items"]) == 2
    assert "summaryOverride" not in google.ok("PUT", f"{LIST}/{made}", {})
    assert reason(google.api("DELETE", f"{LIST}/{made}")) == (403, "forbidden")


def test_a_calendars_zone_decides_how_its_events_are_written(google: Google) -> None:
    event = google.insert()
    changed = google.ok("PATCH", f"{CALENDARS}/primary", {"timeZone": "America/New_York"})
    assert changed["timeZone"] == "America/New_York"
    assert google.ok("GET", f"{EVENTS}/{event['id']}")["start"] == {
        "dateTime": "2026-03-03T04:00:00-05:00",
        "timeZone": "Europe/Amsterdam",
    }
    same = google.ok("PATCH", f"{CALENDARS}/primary", {"timeZone": "America/New_York"})
    assert same["etag"] == changed["etag"]
    assert google.api("PATCH", f"{CALENDARS}/primary", {"timeZone": "Mars/Olympus"}).status == 400


def test_clearing_deletes_the_events_of_a_primary_calendar_only(google: Google) -> None:
    google.insert()
    _, token = google.listing()
    google.ok("POST", f"{CALENDARS}/primary/clear")
    assert [item["status"] for item in google.listing(syncToken=token)[0]] == ["cancelled"]
    made = google.ok("POST", CALENDARS, {"summary": "Work"})["id"]
    assert google.api("POST", f"{CALENDARS}/{made}/clear").status == 400


class TestAccess:
    def test_a_stranger_sees_nothing(self, google: Google) -> None:
        google.open_account(BOB)
        assert reason(google.api("GET", f"{CALENDARS}/{quote(ANN)}/events", as_=BOB)) == (404, "notFound")

    def test_a_reader_reads_and_does_not_write(self, google: Google) -> None:
        event = google.insert()
        path = shared(google, "reader")
        assert google.ok("GET", path, as_=BOB)["accessRole"] == "reader"
        for method, target, body in (
            ("POST", path, timed()),
            ("PATCH", f"{path}/{event['id']}", {}),
            ("DELETE", f"{path}/{event['id']}", None),
        ):
            refused = google.api(method, target, body, as_=BOB)
            assert reason(refused) == (403, "requiredAccessLevel")
        assert BOB not in google.ok("GET", f"{CALENDARS}/primary/acl")["items"][0]["id"]

    def test_a_reader_sees_of_private_events_only_that_they_are(self, google: Google) -> None:
        google.insert("Doctor", visibility="private")
        (event,) = google.ok("GET", shared(google, "reader"), as_=BOB)["items"]
        assert (event.get("summary"), event["visibility"]) == (None, "private")

    def test_free_busy_access_shows_times_only(self, google: Google) -> None:
        google.insert("Doctor", recurrence=["RRULE:FREQ=DAILY;COUNT=2"])
        items = google.ok("GET", shared(google, "freeBusyReader"), as_=BOB)["items"]
        assert len(items) == 2
        assert all("summary" not in item for item in items)

    def test_a_writer_writes(self, google: Google) -> None:
        event = google.ok("POST", shared(google, "writer"), timed(), as_=BOB)
        assert (event["creator"], event["organizer"]) == ({"email": BOB}, {"email": ANN, "self": True})

    def test_rules_are_managed_by_the_owner(self, google: Google) -> None:
        google.open_account(BOB)
        acl = f"{CALENDARS}/primary/acl"
        rule = {"role": "reader", "scope": {"type": "user", "value": BOB}}
        made = google.ok("POST", acl, rule)
        assert made["id"] == f"user:{BOB}"
        assert [entry["id"] for entry in google.ok("GET", LIST, as_=BOB)["items"]] == [BOB, ANN]
        assert google.ok("PATCH", f"{acl}/{made['id']}", {"role": "writer"})["role"] == "writer"
        token = google.ok("GET", acl)["nextSyncToken"]
        google.ok("DELETE", f"{acl}/{made['id']}")
        assert google.api("GET", acl, syncToken=token).status == 410
        assert google.api("GET", f"{acl}/{made['id']}").status == 404


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "method", "path", "answer"),
        [
            ("calendar.events", "GET", EVENTS, "opened"),
            ("calendar.events", "GET", LIST, "refused"),
            ("calendar.events", "POST", "/calendar/v3/freeBusy", "refused"),
            ("calendar.events", "GET", "/calendar/v3/colors", "refused"),
            ("calendar.readonly", "GET", EVENTS, "opened"),
            ("calendar.readonly", "POST", EVENTS, "refused"),
            ("calendar.readonly", "GET", "/calendar/v3/colors", "opened"),
            ("calendar.events.owned", "GET", "/calendar/v3/colors", "opened"),
            ("calendar.app.created", "GET", LIST, "refused"),
            ("calendar.calendarlist.readonly", "GET", LIST, "opened"),
            ("calendar.calendarlist.readonly", "GET", EVENTS, "refused"),
            ("calendar.freebusy", "POST", "/calendar/v3/freeBusy", "opened"),
        ],
    )
    def test_a_scope_opens_its_methods(
        self, google: Google, scope: str, method: str, path: str, answer: str
    ) -> None:
        google.sign_in(ANN, f"https://www.googleapis.com/auth/{scope}")
        body = {"timeMin": "2026-03-01T00:00:00Z", "timeMax": "2026-03-02T00:00:00Z", **timed()}
        response = google.api(method, path, body if method == "POST" else None)
        if answer == "opened":
            assert response.status == 200
        else:
            assert reason(response) == (403, "insufficientPermissions")

    def test_owned_events_are_those_of_ones_own_calendars(self, google: Google) -> None:
        path = shared(google, "writer")
        google.sign_in(BOB, CALENDAR + ".events.owned")
        google.ok("GET", EVENTS, as_=BOB)
        assert google.api("GET", path, as_=BOB).status == 404

    def test_an_application_may_be_kept_to_calendars_that_it_made(self, google: Google) -> None:
        google.sign_in(ANN, CALENDAR + ".app.created")
        made = google.ok("POST", CALENDARS, {"summary": "Of the application"})["id"]
        google.ok("POST", f"{CALENDARS}/{made}/events", timed())
        assert google.api("GET", EVENTS).status == 404


def test_an_account_without_calendar_is_told_so(google: Google) -> None:
    google.open_account(BOB, calendar_user=False)
    assert reason(google.api("GET", EVENTS, as_=BOB)) == (403, "notACalendarUser")


def test_free_busy_joins_what_overlaps_and_reports_the_unknown_inside(google: Google) -> None:
    google.insert(**timed("2026-03-03T10:00:00", zone="UTC"))
    google.insert(**timed("2026-03-03T10:30:00", zone="UTC"))
    google.insert(**timed("2026-03-03T15:00:00", zone="UTC"), transparency="transparent")
    google.insert(**timed("2026-03-02T20:00:00", zone="UTC"), recurrence=["RRULE:FREQ=DAILY;COUNT=9"])
    question = {
        "timeMin": "2026-03-03T00:00:00Z",
        "timeMax": "2026-03-04T00:00:00Z",
        "items": [{"id": "primary"}, {"id": "nobody@example.com"}],
    }
    answer = google.ok("POST", "/calendar/v3/freeBusy", question)
    assert answer["calendars"] == {
        "primary": {
            "busy": [
                {"start": "2026-03-03T10:00:00Z", "end": "2026-03-03T11:30:00Z"},
                {"start": "2026-03-03T20:00:00Z", "end": "2026-03-03T21:00:00Z"},
            ]
        },
        "nobody@example.com": {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []},
    }
    question["timeMax"] = "2027-03-04T00:00:00Z"
    assert reason(google.api("POST", "/calendar/v3/freeBusy", question)) == (400, "timeRangeTooLong")


def test_colours_and_settings(google: Google) -> None:
    colors = google.ok("GET", "/calendar/v3/colors")
    assert (len(colors["calendar"]), len(colors["event"])) == (24, 11)
    assert google.ok("GET", "/calendar/v3/users/me/settings/timezone")["value"] == "Europe/Amsterdam"
    settings = google.ok("GET", "/calendar/v3/users/me/settings")
    assert {"locale", "weekStart"} <= {item["id"] for item in settings["items"]}
    assert google.api("GET", "/calendar/v3/users/me/settings/nonsense").status == 404


def test_a_batch_answers_each_part_and_each_part_counts(google: Google) -> None:
    event = google.insert()
    google.control("POST", "/quota", {"per_user": 2})
    parts = [
        ("<one>", f"GET {EVENTS}/{event['id']} HTTP/1.1\r\n\r\n"),
        ("<two>", f"DELETE {EVENTS}/nothere HTTP/1.1\r\n\r\n"),
        ("<three>", f"POST {EVENTS} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{{}}"),
    ]
    body = "".join(
        f"--cut\r\nContent-Type: application/http\r\nContent-ID: {name}\r\n\r\n{inner}\r\n"
        for name, inner in parts
    )
    headers = {
        "content-type": 'multipart/mixed; boundary="cut"',
        "authorization": "Bearer " + google.tokens[ANN],
    }
    answer = google.send("POST", "/batch/calendar/v3", (body + "--cut--").encode(), headers)
    text = answer.body.decode()
    assert answer.status == 200
    assert [line for line in text.splitlines() if line.startswith("HTTP/1.1")] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 403 Forbidden",
    ]
    assert "Content-ID: <response-two>" in text
    assert google.send("POST", "/batch/calendar/v3", b"", {}).status == 400


def test_an_all_day_event_is_busy_from_midnight_in_the_calendars_zone(google: Google) -> None:
    google.insert(**all_day())
    question = {
        "timeMin": "2026-03-01T00:00:00Z",
        "timeMax": "2026-03-08T00:00:00Z",
        "items": [{"id": "primary"}],
    }
    busy = google.ok("POST", "/calendar/v3/freeBusy", question)["calendars"]["primary"]["busy"]
    assert busy == [{"start": "2026-03-02T23:00:00Z", "end": "2026-03-03T23:00:00Z"}]
