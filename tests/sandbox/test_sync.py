"""Listings: pages, sync tokens, tombstones, windows, and what goes together with what."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.driver import ANN, EVENTS, Google, all_day, reason, timed


def ids(items: list) -> list[str]:
    return [item["id"] for item in items]


def test_the_first_listing_ends_with_a_token_that_then_brings_only_changes(google: Google) -> None:
    first, second = google.insert("One"), google.insert("Two")
    items, token = google.listing()
    assert ids(items) == [first["id"], second["id"]]
    assert google.listing(syncToken=token)[0] == []
    google.ok("PATCH", f"{EVENTS}/{first['id']}", {"summary": "Uno"})
    changes, token = google.listing(syncToken=token)
    assert [item["summary"] for item in changes] == ["Uno"]
    assert google.listing(syncToken=token)[0] == []


def test_a_deletion_comes_as_a_bare_tombstone(google: Google) -> None:
    event = google.insert()
    _, token = google.listing()
    google.ok("DELETE", f"{EVENTS}/{event['id']}")
    (tombstone,), _ = google.listing(syncToken=token)
    assert set(tombstone) == {"etag", "id", "kind", "status"}
    assert tombstone["etag"] != event["etag"]
    (detailed,), _ = google.listing(showDeleted="true")
    assert (detailed["status"], detailed["summary"]) == ("cancelled", "Lunch")


def test_a_thousand_events_come_in_pages_without_gap_or_double(google: Google) -> None:
    google.control("POST", f"/calendars/{ANN}/primary/events/bulk", {"count": 1000})
    pages = google.pages(maxResults=150)
    assert [len(page["items"]) for page in pages] == [150] * 6 + [100]
    found = [item["id"] for page in pages for item in page["items"]]
    assert len(set(found)) == 1000
    assert len(google.pages()[0]["items"]) == 250
    assert len(google.pages(maxResults=10_000)[0]["items"]) == 1000


def test_what_changes_while_paging_is_not_lost(google: Google) -> None:
    events = [google.insert(str(number)) for number in range(6)]
    page = google.ok("GET", EVENTS, maxResults=2)
    google.ok("PATCH", f"{EVENTS}/{events[0]['id']}", {"summary": "changed"})
    google.ok("PATCH", f"{EVENTS}/{events[5]['id']}", {"summary": "changed too"})
    google.ok("DELETE", f"{EVENTS}/{events[4]['id']}")
    replica = {item["id"]: item for item in page["items"]}
    while "nextPageToken" in page:
        page = google.ok("GET", EVENTS, maxResults=2, pageToken=page["nextPageToken"])
        replica |= {item["id"]: item for item in page["items"]}
    delta, _ = google.listing(syncToken=page["nextSyncToken"])
    replica |= {item["id"]: item for item in delta}
    alive = {one: item["summary"] for one, item in replica.items() if item["status"] != "cancelled"}
    now, _ = google.listing()
    assert alive == {item["id"]: item["summary"] for item in now}


def test_a_page_full_of_tombstones_is_empty_and_goes_on(google: Google) -> None:
    for number in range(4):
        google.ok("DELETE", f"{EVENTS}/{google.insert(str(number))['id']}")
    google.insert("alive")
    pages = google.pages(maxResults=2)
    assert [len(page["items"]) for page in pages] == [0, 0, 1]


def test_an_incremental_listing_pages_with_the_same_sync_token(google: Google) -> None:
    _, token = google.listing()
    made = [google.insert(str(number))["id"] for number in range(5)]
    pages = google.pages(syncToken=token, maxResults=2)
    assert [item["id"] for page in pages for item in page["items"]] == made


class TestDeadTokens:
    def test_an_invalidated_token_demands_a_full_sync(self, google: Google) -> None:
        _, token = google.listing()
        google.control("POST", "/sync-tokens/invalidate", {"account": ANN, "calendar": "primary"})
        response = google.api("GET", EVENTS, syncToken=token)
        assert response.json() == {
            "error": {
                "errors": [
                    {
                        "domain": "calendar",
                        "reason": "fullSyncRequired",
                        "message": "Sync token is no longer valid, a full sync is required.",
                        "locationType": "parameter",
                        "location": "syncToken",
                    }
                ],
                "code": 410,
                "message": "Sync token is no longer valid, a full sync is required.",
            }
        }

    def test_garbage_and_foreign_tokens_are_invalid_not_gone(self, google: Google) -> None:
        _, token = google.listing()
        other = google.ok("POST", "/calendar/v3/calendars", {"summary": "Other"})["id"]
        garbled = base64.urlsafe_b64encode(b"x" * 30).decode()
        for path, sent in (
            (EVENTS, "CPDAlvWDx70CEPDAlvWDx70CGAU="),
            (EVENTS, garbled),
            (EVENTS, "%%%"),
            (f"/calendar/v3/calendars/{other}/events", token),
        ):
            response = google.api("GET", path, syncToken=sent)
            assert reason(response) == (400, "invalid")
            assert response.json()["error"]["message"] == "Invalid sync token value."

    def test_a_change_of_access_kills_tokens(self, google: Google) -> None:
        _, token = google.listing()
        google.control("POST", f"/calendars/{ANN}/primary", {"acl": {"bob@example.org": "reader"}})
        assert google.api("GET", EVENTS, syncToken=token).status == 410


@pytest.mark.parametrize(
    "companion",
    [
        {"iCalUID": "x"},
        {"orderBy": "updated"},
        {"privateExtendedProperty": "a=b"},
        {"sharedExtendedProperty": "a=b"},
        {"q": "x"},
        {"timeMin": "2026-01-01T00:00:00Z"},
        {"timeMax": "2026-01-01T00:00:00Z"},
        {"updatedMin": "2026-03-01T00:00:00Z"},
        {"showDeleted": "false"},
    ],
)
def test_a_sync_token_does_not_go_with_filters(google: Google, companion: dict) -> None:
    _, token = google.listing()
    assert google.api("GET", EVENTS, syncToken=token, **companion).status == 400


@pytest.mark.parametrize(
    "parameter",
    [{"q": "x"}, {"orderBy": "updated"}, {"iCalUID": "x"}, {"updatedMin": "2026-03-01T00:00:00Z"}],
)
def test_a_filtered_listing_brings_no_sync_token(google: Google, parameter: dict) -> None:
    assert "nextSyncToken" not in google.pages(**parameter)[-1]


def test_a_window_bounds_the_first_listing_but_not_the_deltas(google: Google) -> None:
    google.insert("early", **timed("2026-01-10T10:00:00"))
    inside = google.insert("inside", **timed("2026-03-10T10:00:00"))
    items, token = google.listing(timeMin="2026-03-01T00:00:00Z", timeMax="2026-04-01T00:00:00Z")
    assert ids(items) == [inside["id"]]
    late = google.insert("late", **timed("2027-01-10T10:00:00"))
    assert ids(google.listing(syncToken=token)[0]) == [late["id"]]


def test_the_bounds_of_a_window_are_exclusive(google: Google) -> None:
    event = google.insert(**timed("2026-03-10T10:00:00", zone="UTC"))
    whole = google.insert(**all_day("2026-03-10", "2026-03-11"))
    touching_end = google.pages(timeMin="2026-03-10T11:00:00Z")[0]["items"]
    touching_start = google.pages(timeMax="2026-03-10T10:00:00Z")[0]["items"]
    assert (ids(touching_end), ids(touching_start)) == ([whole["id"]], [whole["id"]])
    assert event["id"] in ids(google.pages(timeMin="2026-03-10T10:59:59Z")[0]["items"])


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"orderBy": "startTime"}, "badRequest"),
        ({"orderBy": "nonsense"}, "invalid"),
        ({"timeMin": "2026-03-01T00:00:00"}, "badRequest"),
        ({"timeMin": "2026-03-02T00:00:00Z", "timeMax": "2026-03-01T00:00:00Z"}, "timeRangeEmpty"),
        ({"maxResults": "0"}, "invalidParameter"),
        ({"maxResults": "many"}, "invalidParameter"),
        ({"singleEvents": "perhaps"}, "invalidParameter"),
        ({"pageToken": "nonsense"}, "invalid"),
        ({"fields": "items(id"}, "invalidParameter"),
    ],
)
def test_questions_that_make_no_sense_are_refused(google: Google, parameters: dict, why: str) -> None:
    assert reason(google.api("GET", EVENTS, **parameters)) == (400, why)


def test_a_page_token_belongs_to_its_question(google: Google) -> None:
    for number in range(3):
        google.insert(str(number))
    token = google.ok("GET", EVENTS, maxResults=1)["nextPageToken"]
    assert google.api("GET", EVENTS, maxResults=1, pageToken=token).status == 200
    assert google.api("GET", EVENTS, showDeleted="true", pageToken=token).status == 400


def test_updated_min_brings_deletions_and_has_a_limit(google: Google) -> None:
    kept, gone = google.insert("kept"), google.insert("gone")
    google.clock.advance(days=10)
    google.sign_in(ANN)
    google.ok("DELETE", f"{EVENTS}/{gone['id']}")
    since = google.pages(updatedMin="2026-03-05T00:00:00Z")[0]["items"]
    assert [(item["id"], item["status"]) for item in since] == [(gone["id"], "cancelled")]
    assert kept["id"] in ids(google.pages(updatedMin="2026-03-02T00:00:00Z")[0]["items"])
    response = google.api("GET", EVENTS, updatedMin="2026-01-01T00:00:00Z")
    assert reason(response) == (410, "updatedMinTooLongAgo")


def test_search_and_order(google: Google) -> None:
    late = google.insert("Dentist", **timed("2026-03-09T10:00:00"))
    early = google.insert("Lunch", location="near the dentist", **timed("2026-03-05T10:00:00"))
    google.insert("Other")
    found = google.pages(q="DENTIST", singleEvents="true", orderBy="startTime", maxResults=1)
    assert [item["id"] for page in found for item in page["items"]] == [early["id"], late["id"]]


def test_partial_answers_lose_what_is_not_named(google: Google) -> None:
    event = google.insert()
    page = google.ok("GET", EVENTS, fields="items(id,start/dateTime),nextSyncToken")
    assert set(page) == {"items", "nextSyncToken"}
    assert page["items"] == [{"id": event["id"], "start": {"dateTime": event["start"]["dateTime"]}}]
    assert "nextSyncToken" not in google.ok("GET", EVENTS, fields="items(id)")


def test_glitches_show_less_than_there_is(google: Google) -> None:
    google.insert()
    google.control("POST", "/listings/glitch", {"kind": "empty_page"})
    pages = google.pages()
    assert [len(page["items"]) for page in pages] == [0, 1]
    google.control("POST", "/listings/glitch", {"kind": "nothing_there", "account": ANN})
    assert google.listing()[0] == []
    assert len(google.listing()[0]) == 1


steps = st.lists(
    st.tuples(st.sampled_from(["make", "change", "delete", "revive", "sync"]), st.integers(0, 5)), max_size=25
)


@settings(max_examples=40, deadline=None)
@given(steps=steps, page_size=st.integers(1, 4))
def test_whoever_follows_the_tokens_holds_what_google_holds(steps: list, page_size: int) -> None:
    google = Google()
    google.open_account()
    made: list[str] = []
    replica: dict[str, dict] = {}
    token: dict[str, str] = {}

    def sync() -> None:
        items, token["syncToken"] = google.listing(**token, maxResults=page_size)
        for item in items:
            replica.pop(item["id"], None)
            if item["status"] != "cancelled":
                replica[item["id"]] = item

    for step, number in steps:
        target = f"{EVENTS}/{made[number % len(made)]}" if made else None
        if step == "make":
            made.append(google.insert(f"event {len(made)}")["id"])
        elif step == "sync":
            sync()
        elif target is not None and step == "change":
            google.api("PATCH", target, {"summary": f"changed {number}"})
        elif target is not None and step == "delete":
            google.api("DELETE", target)
        elif target is not None:
            google.api("PATCH", target, {"status": "confirmed"})
    sync()
    now, _ = google.listing()
    assert replica == {item["id"]: item for item in now}


def test_a_question_too_long_for_a_url_may_come_as_a_form(google: Google) -> None:
    google.insert("Dentist")
    google.insert("Lunch")
    override = {"x-http-method-override": "GET", "authorization": "Bearer " + google.tokens[ANN]}
    response = google.send("POST", EVENTS, b"q=dentist", override)
    assert [item["summary"] for item in response.json()["items"]] == ["Dentist"]
