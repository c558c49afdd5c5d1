"""A server is told of changes from both sides, signed, and again when it was too busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.receiver import Receiver, receiving
from tests.e2e.waiting import eventually
from tests.e2e.world import somebody

if TYPE_CHECKING:
    from tests.e2e.app import App
    from tests.e2e.conftest import Machines
    from tests.e2e.servers import GoogleServer
    from tests.e2e.world import Person

PATH = "/webhooks/subscriptions"


async def subscribe(app: App, receiver: Receiver) -> dict[str, Any]:
    made = await app.post(PATH, {"url": receiver.url}, status=201)
    receiver.secret = made["secret"]
    return dict(made)


async def agree(app: App, receiver: Receiver) -> None:
    """The receiver has what the service has, sooner or later."""

    async def both() -> tuple[dict[str, str], dict[str, str]]:
        return {each["id"]: each["title"] for each in await app.slots()}, receiver.state()

    # A process that died takes its lease along, and a failure its pause.
    await eventually(both, lambda seen: seen[0] == seen[1], within_s=60)


async def test_a_server_hears_of_every_change_from_both_sides(ada: Person) -> None:
    async with receiving() as receiver:
        made = await subscribe(ada.app, receiver)
        tested = await ada.app.post(f"{PATH}/{made['id']}/test")
        assert (tested["succeeded"], tested["status_code"]) == (True, 204)
        kept, gone = await ada.app.create("Kept"), await ada.app.create("Gone")
        await ada.google.create("By Google")
        await ada.app.shows("Kept", "Gone", "By Google")
        await ada.app.edit(kept, title="Renamed")
        await ada.app.delete(gone)
        await ada.come_to_rest()
        await agree(ada.app, receiver)
        log = (await ada.app.get(f"{PATH}/{made['id']}/deliveries"))["items"]
        assert all(each["succeeded"] for each in log)
        assert {each["message_id"] for each in log} == set(receiver.taken)


async def test_a_server_that_was_too_busy_is_told_again(ada: Person) -> None:
    async with receiving() as receiver:
        made = await subscribe(ada.app, receiver)
        receiver.refusing = 1
        await ada.app.create("Persistent")
        await agree(ada.app, receiver)

        async def stands() -> dict[str, Any]:
            return dict(await ada.app.get(f"{PATH}/{made['id']}"))

        # The receiver has a message before the service has noted that it does.
        seen = await eventually(stands, lambda each: each["last_error"] is None)
        assert seen["status"] == "active"
        log = (await ada.app.get(f"{PATH}/{made['id']}/deliveries"))["items"]
        assert log[-1]["error"] == "status-503"
        assert len(receiver.attempts) == len(log)


async def test_two_processes_tell_everything_and_survive_the_death_of_one(
    machines: Machines, shared_google: GoogleServer, postgres_url: str
) -> None:
    one, two = (machines.server(postgres_url, shared_google) for _ in range(2))
    async with somebody(one.url, shared_google.url) as person, receiving() as receiver:
        app, other = person.app, person.app.at(two.url)
        await subscribe(app, receiver)
        for number in range(5):
            await app.create(f"One {number}")
            await other.create(f"Two {number}")
        await agree(app, receiver)
        assert len(receiver.attempts) == len(receiver.taken)
        await app.create("The last words of one")
        one.process.kill()
        await agree(other, receiver)
