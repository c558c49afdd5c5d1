"""Push channels: opening and closing them, the messages, and what becomes of them."""

from datetime import timedelta

import pytest

from sandbox import Notification
from tests.sandbox.driver import ANN, BOB, EVENTS, NOON, Google, reason, timed

HOOK = "https://app.example.com/webhooks/google"


def watch(google: Google, channel: str = "channel-1", **fields: object) -> dict:
    body = {"id": channel, "type": "web_hook", "address": HOOK, "token": "secret", **fields}
    return google.ok("POST", EVENTS + "/watch", body)


def states(messages: list[Notification]) -> list[str]:
    return [message.headers["X-Goog-Resource-State"] for message in messages]


def accept_all(google: Google) -> list[Notification]:
    messages = google.messages()
    for message in messages:
        google.sandbox.notification_answered(message, 200)
    return messages


def test_a_new_channel_says_sync_first(google: Google) -> None:
    channel = watch(google)
    assert channel["kind"] == "api#channel"
    expires = NOON + timedelta(days=7)
    assert channel["expiration"] == str(int(expires.timestamp() * 1000))
    (message,) = google.messages()
    assert message.url == HOOK
    headers = dict(message.headers)
    assert headers.pop("User-Agent").startswith("APIs-Google")
    assert headers == {
        "Content-Type": "application/json; utf-8",
        "Content-Length": "0",
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate, br",
        "X-Goog-Channel-ID": "channel-1",
        "X-Goog-Channel-Token": "secret",
        "X-Goog-Channel-Expiration": "Mon, 09 Mar 2026 12:00:00 GMT",
        "X-Goog-Message-Number": "1",
        "X-Goog-Resource-ID": channel["resourceId"],
        "X-Goog-Resource-State": "sync",
        "X-Goog-Resource-URI": channel["resourceUri"],
    }


def test_every_change_is_announced_with_growing_numbers_also_ones_own(google: Google) -> None:
    watch(google)
    accept_all(google)
    event = google.insert()
    google.person({"id": event["id"], "summary": "Moved by hand"})
    google.ok("DELETE", f"{EVENTS}/{event['id']}")
    messages = accept_all(google)
    assert states(messages) == ["exists"] * 3
    numbers = [int(message.headers["X-Goog-Message-Number"]) for message in messages]
    assert numbers == sorted(set(numbers))
    assert numbers != [2, 3, 4]


def test_a_bulk_of_changes_is_one_message(google: Google) -> None:
    watch(google)
    accept_all(google)
    google.control("POST", f"/calendars/{ANN}/primary/events/bulk", {"count": 100})
    assert states(google.messages()) == ["exists"]


def test_channels_on_one_calendar_share_the_resource(google: Google) -> None:
    assert watch(google, "one")["resourceId"] == watch(google, "two")["resourceId"]
    accept_all(google)
    google.insert()
    assert {message.headers["X-Goog-Channel-ID"] for message in google.messages()} == {"one", "two"}


def test_a_stopped_channel_is_silent(google: Google) -> None:
    channel = watch(google)
    accept_all(google)
    stop = {"id": channel["id"], "resourceId": channel["resourceId"]}
    google.open_account(BOB)
    refused = google.api("POST", "/calendar/v3/channels/stop", stop, as_=BOB)
    assert refused.json()["error"]["message"] == "Channel 'channel-1' not found for project '1'"
    assert google.api("POST", "/calendar/v3/channels/stop", stop).status == 204
    google.insert()
    assert google.messages() == []
    assert google.api("POST", "/calendar/v3/channels/stop", stop).status == 404


def test_an_expired_channel_is_silent_and_its_id_is_free_again(google: Google) -> None:
    watch(google, params={"ttl": "60"})
    accept_all(google)
    google.clock.advance(seconds=61)
    google.insert()
    assert google.messages() == []
    watch(google)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"address": "http://app.example.com/hook"}, "push.webhookUrlNotHttps"),
        ({"address": "https:///hook"}, "push.webhookUrlNoHostOrAddress"),
        ({"address": None}, "required"),
        ({"type": "carrier_pigeon"}, "push.channelTypeNotSupported"),
        ({"id": "spaces are bad"}, "push.channelIdInvalid"),
        ({"id": "x" * 65}, "push.channelIdInvalid"),
        ({"id": None}, "required"),
        ({"token": "x" * 257}, "invalid"),
        ({"expiration": 1_765_000_000}, "pushInvalidTtl"),
        ({"params": {"ttl": "soon"}}, "invalid"),
        ({"params": {"ttl": "0"}}, "pushInvalidTtl"),
    ],
)
def test_a_channel_that_google_would_not_open_is_not_opened(google: Google, fields: dict, why: str) -> None:
    body = {"id": "channel-1", "type": "web_hook", "address": HOOK, **fields}
    assert reason(google.api("POST", EVENTS + "/watch", body)) == (400, why)
    assert google.messages() == []


def test_a_live_channels_id_is_taken(google: Google) -> None:
    watch(google)
    body = {"id": "channel-1", "type": "web_hook", "address": HOOK}
    assert reason(google.api("POST", EVENTS + "/watch", body)) == (400, "channelIdNotUnique")


def test_plain_http_is_fine_on_this_machine(google: Google) -> None:
    for number, host in enumerate(("localhost:8000", "127.0.0.1:1", "[::1]:2", "app.localhost")):
        watch(google, f"channel-{number}", address=f"http://{host}/hook")


def test_a_longer_life_is_cut_to_a_week_and_a_shorter_one_kept(google: Google) -> None:
    month = int((NOON + timedelta(days=30)).timestamp() * 1000)
    hour = int((NOON + timedelta(hours=1)).timestamp() * 1000)
    assert watch(google, "long", expiration=month)["expiration"] == str(
        int((NOON + timedelta(days=7)).timestamp() * 1000)
    )
    assert watch(google, "short", expiration=str(hour))["expiration"] == str(hour)


def test_some_calendars_do_not_push(google: Google) -> None:
    holidays = "nl.dutch#holiday@group.v.calendar.google.com"
    google.control("POST", "/calendars", {"account": ANN, "id": holidays, "push_supported": False})
    path = "/calendar/v3/calendars/nl.dutch%23holiday%40group.v.calendar.google.com/events"
    assert google.ok("GET", path)["items"] == []
    body = {"id": "channel-1", "type": "web_hook", "address": HOOK}
    assert reason(google.api("POST", path + "/watch", body)) == (400, "pushNotSupportedForRequestedResource")


def test_the_list_of_calendars_can_be_watched(google: Google) -> None:
    body = {"id": "list-1", "type": "web_hook", "address": HOOK}
    google.ok("POST", "/calendar/v3/users/me/calendarList/watch", body)
    accept_all(google)
    google.ok("POST", "/calendar/v3/calendars", {"summary": "New"})
    assert "exists" in states(google.messages())


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 102])
    def test_success_ends_it(self, google: Google, status: int) -> None:
        watch(google)
        (message,) = google.messages()
        google.sandbox.notification_answered(message, status)
        assert google.sandbox.next_notification_at() is None

    @pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 429, 501])
    def test_any_other_status_ends_it_too(self, google: Google, status: int) -> None:
        watch(google)
        (message,) = google.messages()
        google.sandbox.notification_answered(message, status)
        assert google.sandbox.next_notification_at() is None
        assert google.control("GET", "/notifications")["notifications"][0]["state"] == "failed"

    @pytest.mark.parametrize("status", [500, 502, 503, 504, None])
    def test_a_server_error_or_silence_is_tried_again_ever_later(
        self, google: Google, status: int | None
    ) -> None:
        watch(google)
        waits = []
        for attempt in range(1, 5):
            (message,) = google.messages()
            assert message.attempt == attempt
            google.sandbox.notification_answered(message, status)
            due = google.sandbox.next_notification_at()
            assert due is not None
            assert google.messages() == []
            waits.append((due - google.clock.now).total_seconds())
            google.clock.now = due
        assert waits == [1, 2, 4, 8]

    def test_a_message_is_handed_out_once(self, google: Google) -> None:
        watch(google)
        assert len(google.messages()) == 1
        assert google.messages() == []


class TestOrderedMishaps:
    def change(self, google: Google, fault: dict, count: int = 3) -> list[int]:
        watch(google)
        accept_all(google)
        google.control("POST", "/notifications/faults", fault)
        for number in range(count):
            google.insert(str(number), **timed())
        return [int(message.headers["X-Goog-Message-Number"]) for message in google.messages()]

    def test_drop(self, google: Google) -> None:
        assert len(self.change(google, {"kind": "drop", "times": 2})) == 1
        told = google.control("GET", "/notifications?since=1")["notifications"]
        assert [one["state"] for one in told] == ["dropped", "dropped", "flying"]

    def test_duplicate(self, google: Google) -> None:
        numbers = self.change(google, {"kind": "duplicate"})
        assert (len(numbers), numbers[0]) == (4, numbers[1])

    def test_reorder(self, google: Google) -> None:
        numbers = self.change(google, {"kind": "reorder", "times": 3})
        assert numbers == sorted(numbers, reverse=True)

    def test_delay(self, google: Google) -> None:
        assert len(self.change(google, {"kind": "delay", "seconds": 30})) == 2
        assert google.sandbox.next_notification_at() == NOON + timedelta(seconds=30)
        google.clock.advance(seconds=30)
        assert len(google.messages()) == 1
