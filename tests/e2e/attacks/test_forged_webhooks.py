"""Forged notifications: one and the same answer to each of them, and none has an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4  # noqa: TID251  # any id that nobody has

from tests.e2e.app import problem_of
from tests.e2e.world import client, somebody

if TYPE_CHECKING:
    from tests.e2e.servers import GoogleServer
    from tests.e2e.world import Person

PATH = "/webhooks/google-calendar"
OF_ONE_ANSWER = {"x-request-id", "date"}


def headers_of(channel: dict[str, Any]) -> dict[str, str]:
    """What Google sends for a channel."""
    return {
        "x-goog-channel-id": channel["id"],
        "x-goog-channel-token": channel["token"],
        "x-goog-resource-id": channel["resource_id"],
        "x-goog-resource-state": "exists",
        "x-goog-message-number": "7",
    }


async def test_forged_webhooks_get_one_and_the_same_answer_and_cause_nothing(
    ada: Person, shared_google: GoogleServer
) -> None:
    await ada.come_to_rest()
    [channel] = await ada.google.channels()
    genuine = headers_of(channel)
    own = channel["id"][:32]
    forged: dict[str, dict[str, str]] = {
        "nothing": {},
        "no id of ours": {**genuine, "x-goog-channel-id": str(uuid4())},
        "of nobody": {**genuine, "x-goog-channel-id": uuid4().hex * 2},
        "another of the same user": {**genuine, "x-goog-channel-id": own + uuid4().hex},
        "cut off": {**genuine, "x-goog-channel-id": channel["id"][:-1]},
        "in capitals": {**genuine, "x-goog-channel-id": channel["id"].upper()},
        "long": {**genuine, "x-goog-channel-id": "x" * 4000},
        "another token": {**genuine, "x-goog-channel-token": "guessed"},
        "no token": {**genuine, "x-goog-channel-token": ""},
        "a token cut off": {**genuine, "x-goog-channel-token": channel["token"][:-1]},
        "an odd token": {**genuine, "x-goog-channel-token": "é"},
        "another resource": {**genuine, "x-goog-resource-id": "another"},
        "no resource": {name: value for name, value in genuine.items() if name != "x-goog-resource-id"},
        "a hello": {**genuine, "x-goog-channel-token": "guessed", "x-goog-resource-state": "sync"},
        "with a body": {**genuine, "x-goog-channel-token": "guessed", "content-type": "application/json"},
    }
    async with somebody(ada.app.url, shared_google.url, "eve") as eve, client() as http:
        await eve.connect()
        await eve.come_to_rest()
        [theirs] = await eve.google.channels()
        forged["a token of somebody else's"] = {**genuine, "x-goog-channel-token": theirs["token"]}
        before, since = await ada.app.calendar(), await ada.google.request_count()
        told: dict[str, tuple[Any, ...]] = {}
        for name, headers in forged.items():
            raw = {key.encode(): value.encode("latin-1") for key, value in headers.items()}
            body = b'{"kind": "api#channel"}' if name == "with a body" else b""
            answer = await http.post(f"{ada.app.url}{PATH}", headers=raw, content=body)
            problem = {**problem_of(answer, 404, "not-found"), "instance": ""}
            kept = {key: value for key, value in answer.headers.items() if key not in OF_ONE_ANSWER}
            told[name] = (answer.status_code, answer.reason_phrase, problem, kept)
        assert all(each == told["nothing"] for each in told.values()), told
        after = await ada.app.calendar()
        assert {**after, "lag_seconds": 0} == {**before, "lag_seconds": 0}
        assert await ada.google.requests(since) == []

        accepted = await http.post(f"{ada.app.url}{PATH}", headers=genuine)
        assert (accepted.status_code, accepted.content) == (204, b"")
    await ada.app.calendar_becomes(
        lambda seen: seen["webhook"]["last_notified_at"] != before["webhook"]["last_notified_at"]
    )
    await ada.come_to_rest()
    assert [each["method"] for each in await ada.google.requests(since)] == ["GET"]


async def test_a_token_that_leaked_makes_a_calendar_be_looked_at_and_nothing_else(ada: Person) -> None:
    """A replayed notification, even a thousand times, costs a reading call or a few."""
    await ada.app.create("As it was", wait=True)
    await ada.come_to_rest()
    [channel] = await ada.google.channels()
    since = await ada.google.request_count()
    async with client() as http:
        for number in range(100):
            headers = {**headers_of(channel), "x-goog-message-number": str(number)}
            body = b'{"items": [{"id": "x", "summary": "Forged"}]}'
            answer = await http.post(f"{ada.app.url}{PATH}", headers=headers, content=body)
            assert (answer.status_code, answer.content) == (204, b"")
    await ada.agree_on("As it was")
    calls = await ada.google.requests(since)
    assert {(each["method"], each["path"].rpartition("/")[2]) for each in calls} == {("GET", "events")}
    assert len(calls) < 100
