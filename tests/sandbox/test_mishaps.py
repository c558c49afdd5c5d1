"""Quotas, ordered faults, held calls, the request log, and a clock that is wrong."""

import pytest

from tests.sandbox.driver import ANN, BOB, EVENTS, Google, reason, timed


def order(google: Google, kind: str, *, skip: int = 0, times: int = 1, **more: object) -> dict:
    match = more.pop("match", {"path_regex": "/events"})
    body = {"match": match, "skip": skip, "times": times, "action": {"kind": kind, **more}}
    return google.control("POST", "/faults", body)


class TestQuota:
    def test_a_user_has_600_units_a_minute(self, google: Google) -> None:
        for _ in range(600):
            google.ok("GET", EVENTS)
        assert reason(google.api("GET", EVENTS)) == (403, "userRateLimitExceeded")
        google.open_account(BOB)
        google.ok("GET", EVENTS, as_=BOB)
        google.clock.advance(seconds=60)
        google.ok("GET", EVENTS)

    def test_the_minute_slides(self, google: Google) -> None:
        google.control("POST", "/quota", {"per_user": 2})
        google.ok("GET", EVENTS)
        google.clock.advance(seconds=40)
        google.ok("GET", EVENTS)
        assert google.api("GET", EVENTS).status == 403
        google.clock.advance(seconds=20)
        google.ok("GET", EVENTS)
        assert google.api("GET", EVENTS).status == 403

    def test_a_patch_costs_three(self, google: Google) -> None:
        event = google.insert()
        google.control("POST", "/quota", {"per_user": 4, "refuse_status": 429})
        google.ok("PATCH", f"{EVENTS}/{event['id']}", {})
        google.ok("GET", EVENTS)
        assert reason(google.api("GET", EVENTS)) == (429, "rateLimitExceeded")

    def test_the_project_has_a_limit_of_its_own(self, google: Google) -> None:
        google.open_account(BOB)
        google.control("POST", "/quota", {"per_project": 1})
        google.ok("GET", EVENTS)
        assert reason(google.api("GET", EVENTS, as_=BOB)) == (403, "rateLimitExceeded")

    def test_it_can_be_switched_off(self, google: Google) -> None:
        google.control("POST", "/quota", {"per_user": 1, "enabled": False})
        for _ in range(5):
            google.ok("GET", EVENTS)


class TestFaults:
    def test_an_ordered_answer_strikes_once_after_the_spared_calls(self, google: Google) -> None:
        order(google, "answer", skip=1, status=403, reason="rateLimitExceeded")
        google.ok("GET", EVENTS)
        assert reason(google.api("GET", EVENTS)) == (403, "rateLimitExceeded")
        google.ok("GET", EVENTS)
        assert google.control("GET", "/faults") == {"faults": []}

    @pytest.mark.parametrize(
        ("status", "why", "canonical"),
        [
            (401, "authError", "UNAUTHENTICATED"),
            (403, "insufficientPermissions", "PERMISSION_DENIED"),
            (403, "quotaExceeded", None),
            (410, "fullSyncRequired", None),
            (412, "conditionNotMet", None),
            (429, "rateLimitExceeded", None),
            (500, "backendError", None),
        ],
    )
    def test_each_reason_comes_in_its_envelope(
        self, google: Google, status: int, why: str, canonical: str | None
    ) -> None:
        order(google, "answer", status=status, reason=why)
        response = google.api("GET", EVENTS)
        assert reason(response) == (status, why)
        assert response.json()["error"].get("status") == canonical

    def test_a_refused_call_did_nothing_and_a_committed_one_did(self, google: Google) -> None:
        order(google, "drop_before", match={"method": "POST"})
        order(google, "commit_then_drop", match={"method": "POST"})
        headers = {"authorization": "Bearer " + google.tokens[ANN]}
        assert google.send("POST", EVENTS, {**timed(), "id": "first"}, headers).fault.drop
        assert google.send("POST", EVENTS, {**timed(), "id": "second"}, headers).fault.drop
        assert [item["id"] for item in google.listing()[0]] == ["second"]

    def test_a_fault_can_be_for_one_account(self, google: Google) -> None:
        google.open_account(BOB)
        order(google, "answer", status=500, match={"account": BOB}, times=5)
        google.ok("GET", EVENTS)
        assert google.api("GET", EVENTS, as_=BOB).status == 500

    def test_pages_of_html_bodies_of_ones_own_delays_and_halves(self, google: Google) -> None:
        headers = {"authorization": "Bearer " + google.tokens[ANN]}
        order(google, "html_503")
        unavailable = google.send("GET", EVENTS, None, headers)
        assert (unavailable.status, unavailable.headers["Content-Type"][:9]) == (503, "text/html")
        order(google, "answer", status=200, body={"items": 1}, headers={"Retry-After": "3"})
        answer = google.send("GET", EVENTS, None, headers)
        assert (answer.json(), answer.headers["Retry-After"]) == ({"items": 1}, "3")
        order(google, "delay", seconds=2.5)
        assert google.send("GET", EVENTS, None, headers).fault.delay_s == 2.5
        order(google, "truncate")
        assert google.send("GET", EVENTS, None, headers).fault.truncate
        order(google, "not_json")
        assert google.send("GET", EVENTS, None, headers).body.startswith(b"<html>")

    def test_the_token_endpoint_can_fail_too(self, google: Google) -> None:
        order(google, "answer", status=503, body="", match={"path_regex": "^/token$"})
        assert google.send("POST", "/token", b"grant_type=refresh_token").status == 503

    def test_orders_can_be_cancelled_and_nonsense_is_refused(self, google: Google) -> None:
        order(google, "html_503")
        google.control("DELETE", "/faults")
        google.ok("GET", EVENTS)
        assert google.send("POST", "/_control/faults", {"action": {"kind": "magic"}}).status == 400
        assert google.send("POST", "/_control/faults", {}).status == 400


class TestHolds:
    def test_a_call_held_before_is_carried_out_when_released(self, google: Google) -> None:
        order(google, "hold_before", match={"method": "POST"})
        headers = {"authorization": "Bearer " + google.tokens[ANN]}
        hold = google.send("POST", EVENTS, timed(), headers).fault.hold
        assert hold is not None
        assert google.listing()[0] == []
        assert google.control("GET", "/holds")["holds"] == [
            {"id": hold, "method": "POST", "path": EVENTS, "committed": False}
        ]
        assert not google.sandbox.is_released(hold)
        google.control("POST", f"/holds/{hold}/release")
        assert google.sandbox.is_released(hold)
        assert google.sandbox.resume(hold).status == 200
        assert len(google.listing()[0]) == 1

    def test_a_call_held_after_is_carried_out_already(self, google: Google) -> None:
        order(google, "commit_then_hold", match={"method": "POST"})
        headers = {"authorization": "Bearer " + google.tokens[ANN]}
        hold = google.send("POST", EVENTS, {**timed(), "id": "sooner"}, headers).fault.hold
        assert [item["id"] for item in google.listing()[0]] == ["sooner"]
        assert hold is not None
        google.control("POST", f"/holds/{hold}/release")
        assert google.sandbox.resume(hold).json()["id"] == "sooner"
        assert len(google.listing()[0]) == 1

    def test_whoever_waits_for_a_hold_is_told_to_come_back(self, google: Google) -> None:
        waiting = google.send("GET", "/_control/holds?wait=5")
        assert (waiting.json(), waiting.fault.long_poll_s) == ({"holds": []}, 5.0)


def test_the_request_log_tells_what_was_asked_without_secrets(google: Google) -> None:
    event = google.insert()
    google.control("DELETE", "/requests")
    before = google.control("GET", "/state")["requests"]
    path = f"{EVENTS}/{event['id']}"
    google.api("PATCH", path, {"summary": "x"}, headers={"if-match": '"1"'}, sendUpdates="none")
    google.send("POST", "/token", b"grant_type=refresh_token&refresh_token=1//secret&client_id=app")
    first, second = google.control("GET", f"/requests?since={before}")["requests"]
    assert (first["method"], first["path"], first["status"], first["account"]) == ("PATCH", path, 412, ANN)
    assert (first["headers"], first["body"]) == ({"if-match": '"1"'}, {"summary": "x"})
    assert first["query"] == {"sendUpdates": ["none"]}
    assert "secret" not in str(second)


def test_googles_clock_can_be_wrong(google: Google) -> None:
    google.control("POST", "/clock", {"offset_s": 1800})
    response = google.api("POST", EVENTS, timed())
    assert response.headers["Date"] == "Mon, 02 Mar 2026 12:30:00 GMT"
    assert response.json()["updated"] == "2026-03-02T12:30:00.000Z"
    google.control("POST", "/clock", {"offset_s": -1800})
    later = google.ok("PATCH", f"{EVENTS}/{response.json()['id']}", {"summary": "x"})
    assert int(later["etag"].strip('"')) > int(response.json()["etag"].strip('"'))


def test_a_reset_forgets_everything(google: Google) -> None:
    google.insert()
    google.control("POST", "/reset")
    assert google.control("GET", "/state")["accounts"] == []
    assert google.api("GET", EVENTS).status == 401


def test_calls_that_do_not_exist_or_make_no_sense_are_named(google: Google) -> None:
    assert google.send("GET", "/_control/nonsense").status == 404
    assert google.send("POST", "/_control/accounts", {"email": "nobody"}).status == 400
    assert google.send("POST", "/_control/clock", b"{").status == 400
    assert google.send("GET", "/_control/calendars/no@x.nl/primary/events").status == 400


def test_same_seed_same_requests_same_answers() -> None:
    def story(seed: int) -> list[bytes]:
        google = Google(seed=seed)
        google.open_account()
        tokens = google.sign_in(ANN, "openid email https://www.googleapis.com/auth/calendar")
        google.insert()
        answers = [google.api("GET", EVENTS).body, str(sorted(tokens.items())).encode()]
        watch = {"id": "c", "type": "web_hook", "address": "https://example.com/"}
        answers.append(google.api("POST", EVENTS + "/watch", watch).body)
        google.insert()
        return answers + [str(message).encode() for message in google.messages()]

    assert story(7) == story(7)
    assert story(7) != story(8)


def test_bulk_events_can_share_fields(google: Google) -> None:
    google.passed_through = {"odd"}
    order_ = {"count": 3, "start": "2026-05-01T08:00:00Z", "summary": "Shift", "fields": {"odd": 1}}
    google.control("POST", f"/calendars/{ANN}/primary/events/bulk", order_)
    items, _ = google.listing()
    assert [item["summary"] for item in items] == ["Shift 1", "Shift 2", "Shift 3"]
    assert [item["start"]["dateTime"][11:16] for item in items] == ["10:00", "11:00", "12:00"]
    assert {item["odd"] for item in items} == {1}
    stored = google.control("GET", f"/calendars/{ANN}/primary/events")["events"]
    assert stored == items
    google.control("DELETE", f"/calendars/{ANN}/primary/events/{items[0]['id']}")
    assert google.control("GET", f"/calendars/{ANN}/primary/events/{items[0]['id']}")["status"] == "cancelled"
