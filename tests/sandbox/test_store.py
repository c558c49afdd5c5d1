"""The state file: what was promised is still known after a restart."""

from pathlib import Path
from urllib.parse import urlencode

from sandbox import SqliteStore
from tests.sandbox.driver import ANN, BOB, EVENTS, Google, all_day, timed


def test_everything_is_as_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "google.db")
    google = Google(store=SqliteStore(path))
    google.open_account()
    google.open_account(BOB)
    google.control("POST", f"/calendars/{ANN}/primary", {"acl": {BOB: "reader"}})
    tokens = google.sign_in(ANN)
    kept = google.insert("kept")
    gone = google.insert("gone")
    series = google.insert(recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    google.ok("DELETE", f"{EVENTS}/{series['id']}_20260304T090000Z")
    _, token = google.listing()
    google.ok("DELETE", f"{EVENTS}/{gone['id']}")
    google.ok("POST", EVENTS + "/watch", {"id": "c", "type": "web_hook", "address": "https://a.example/"})
    before = google.control("GET", "/state")

    again = Google(store=SqliteStore(path))
    again.tokens = google.tokens
    after = again.control("GET", "/state")
    for name in ("accounts", "calendars", "grants", "channels"):
        assert sorted(map(str, after[name])) == sorted(map(str, before[name]))
    delta, token = again.listing(syncToken=token)
    assert [(item["id"], item["status"]) for item in delta] == [(gone["id"], "cancelled")]
    assert again.ok("GET", f"{EVENTS}/{kept['id']}") == kept
    made = again.insert("later", **all_day())
    assert made["id"] not in {kept["id"], gone["id"], series["id"]}
    assert [item["id"] for item in again.listing(syncToken=token)[0]] == [made["id"]]
    assert len(again.pages(singleEvents="true")[0]["items"]) == 4
    numbers = [int(message.headers["X-Goog-Message-Number"]) for message in again.messages()]
    assert numbers[0] > 1
    form = {"client_id": "app", "refresh_token": tokens["refresh_token"], "grant_type": "refresh_token"}
    assert again.send("POST", "/token", urlencode(form).encode()).status == 200


def test_a_reset_empties_the_file(tmp_path: Path) -> None:
    path = str(tmp_path / "google.db")
    google = Google(store=SqliteStore(path))
    google.open_account()
    google.insert(**timed())
    google.control("POST", "/reset")
    assert Google(store=SqliteStore(path)).control("GET", "/state")["accounts"] == []


def test_a_calendar_in_another_zone_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = str(tmp_path / "google.db")
    google = Google(store=SqliteStore(path))
    google.open_account(time_zone="America/New_York")
    day = google.insert(**all_day())
    again = Google(store=SqliteStore(path))
    again.tokens = google.tokens
    window = {"timeMin": "2026-03-04T04:30:00Z"}
    assert [item["id"] for item in again.pages(**window)[0]["items"]] == [day["id"]]


def test_an_orphan_is_still_one_and_what_vanished_stays_away(tmp_path: Path) -> None:
    path = str(tmp_path / "google.db")
    google = Google(store=SqliteStore(path))
    google.open_account()
    series = google.insert(recurrence=["RRULE:FREQ=DAILY;COUNT=3"])
    one = f"{EVENTS}/{series['id']}_20260304T090000Z"
    google.ok("PATCH", one, {"summary": "Changed"})
    google.ok("PATCH", f"{EVENTS}/{series['id']}", {"recurrence": ["RRULE:FREQ=DAILY;COUNT=1"]})

    again = Google(store=SqliteStore(path))
    again.tokens = google.tokens
    assert again.ok("GET", one)["status"] == "cancelled"
    again.ok("PATCH", f"{EVENTS}/{series['id']}", {"recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]})

    later = Google(store=SqliteStore(path))
    later.tokens = google.tokens
    assert later.ok("GET", one)["summary"] == "Lunch"
    assert [item["id"] for item in later.listing()[0]] == [series["id"]]
