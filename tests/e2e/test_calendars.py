"""Several calendars of one person, over the real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.e2e.app import is_at_rest, problem_of
from tests.e2e.google import START
from tests.e2e.waiting import eventually

if TYPE_CHECKING:
    from tests.e2e.world import Person


class Shelf:
    """A person with a calendar for work and one of public holidays beside the primary one."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.work = f"c_{person.app.user_id}@group.calendar.google.com"
        self.holidays = f"{person.app.user_id}#holiday@group.v.calendar.google.com"

    async def fill(self) -> None:
        owner = f"holidays-{self.person.app.user_id}@example.com"
        google, email = self.person.google, self.person.google.email
        await google.control("POST", "/accounts", {"email": owner})
        await google.control(
            "POST", "/calendars", {"account": email, "id": self.work, "summary": "Work", "time_zone": "UTC"}
        )
        shared = {"id": self.holidays, "push_supported": False, "acl": {email: "reader"}}
        await google.control("POST", "/calendars", {"account": owner, "summary": "Holidays", **shared})

    async def choose(self, calendar_id: str, **wanted: bool) -> dict[str, Any]:
        path = f"/calendars/{quote(calendar_id, safe='')}"
        answer = await self.person.app.call("PUT", path, json=wanted)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def put(self, calendar_id: str, **fields: Any) -> dict[str, Any]:
        """Somebody adds or changes an event."""
        times = {"start": {"dateTime": START.isoformat()}, "end": {"dateTime": START.isoformat()}}
        body = fields if "id" in fields else {**times, **fields}
        return dict(await self.person.google.control("POST", self._events(calendar_id), body))

    async def titles(self, calendar_id: str) -> list[str]:
        events = (await self.person.google.control("GET", self._events(calendar_id)))["events"]
        return sorted(each["summary"] for each in events if each["status"] != "cancelled")

    async def stands(self) -> dict[str, dict[str, Any]]:
        """How each calendar stands."""
        found = (await self.person.app.get("/sync/status"))["calendars"]
        return {each["calendar_id"]: each for each in found}

    async def comes_to_rest(self) -> dict[str, dict[str, Any]]:
        return await eventually(self.stands, lambda seen: all(map(is_at_rest, seen.values())))

    def _events(self, calendar_id: str) -> str:
        owner = quote(self.person.google.email)
        return f"/calendars/{owner}/{quote(calendar_id, safe='')}/events"


async def test_two_calendars_and_holidays(ada: Person):
    shelf = Shelf(ada)
    await shelf.fill()
    await shelf.put(shelf.holidays, summary="Koningsdag")
    board = await shelf.put(shelf.work, summary="Board meeting")
    listed = await ada.app.get("/calendars")
    assert {each["calendar_id"] for each in listed["items"]} == {"primary", shelf.work, shelf.holidays}

    await shelf.choose(shelf.work, selected=True)
    await shelf.choose(shelf.holidays, selected=True)
    await ada.app.shows("Board meeting", "Koningsdag")
    await ada.app.create("Dentist", wait=True)
    await ada.app.create("Review", calendar_id=shelf.work, wait=True)
    assert await shelf.titles("primary") == ["Dentist"]
    assert await shelf.titles(shelf.work) == ["Board meeting", "Review"]
    body = {"title": "Beach", "start": "2026-07-06", "end": "2026-07-07", "calendar_id": shelf.holidays}
    problem_of(await ada.app.call("POST", "/slots", json=body), 409, "read-only-calendar")

    stands = await eventually(
        shelf.stands, lambda seen: seen[shelf.work]["webhook"]["active"] and len(seen) == 3
    )
    assert stands[shelf.holidays]["webhook"]["mode"] == "polling"
    await shelf.comes_to_rest()
    await shelf.put(shelf.work, id=board["id"], summary="Board meeting, moved")
    await ada.google.create("Lunch")
    everything = ["Board meeting, moved", "Dentist", "Koningsdag", "Lunch", "Review"]
    await ada.app.shows(*everything)
    ids = {each["title"]: each["id"] for each in await ada.app.slots()}

    await shelf.comes_to_rest()
    await shelf.choose(shelf.work, selected=False)
    await ada.app.shows("Dentist", "Koningsdag", "Lunch", "Review")
    channels = [each["resource"] for each in await ada.google.channels()]
    assert channels == [f"events/{ada.google.email}"]
    assert await shelf.titles(shelf.work) == ["Board meeting, moved", "Review"]

    await shelf.choose(shelf.work, selected=True)
    await ada.app.shows(*everything)
    await shelf.comes_to_rest()
    assert {each["title"]: each["id"] for each in await ada.app.slots()} == ids
    assert await shelf.titles(shelf.work) == ["Board meeting, moved", "Review"]


async def test_a_slot_moves_between_calendars_and_back(ada: Person):
    shelf = Shelf(ada)
    await shelf.fill()
    await shelf.choose(shelf.work, selected=True)
    slot = await ada.app.create("Review", wait=True)
    event_id = slot["google"]["event_id"]
    await ada.google.edit(event_id, attendees=[{"email": "bob@example.com", "comment": "With cake"}])
    await shelf.comes_to_rest()

    for calendar_id, other in ((shelf.work, "primary"), ("primary", shelf.work)):
        moved = await ada.app.edit(slot, calendar_id=calendar_id, description=f"In {calendar_id}")
        assert (moved["id"], moved["calendar_id"]) == (slot["id"], calendar_id)
        seen = await ada.app.becomes(slot, lambda seen: seen["sync"]["state"] == "synced")
        await shelf.comes_to_rest()
        assert (await shelf.titles(calendar_id), await shelf.titles(other)) == (["Review"], [])
        assert seen["google"]["event_id"] == event_id
        assert seen["google"]["attendees"][0]["comment"] == "With cake"
        assert [each["id"] for each in (await ada.app.get("/slots"))["items"]] == [slot["id"]]

    nowhere = await ada.app.call("PATCH", f"/slots/{slot['id']}", json={"calendar_id": shelf.holidays})
    problem_of(nowhere, 422, "validation-failed")


async def test_a_share_that_is_lost_and_given_back(ada: Person):
    shelf = Shelf(ada)
    await shelf.fill()
    await shelf.put(shelf.holidays, summary="Koningsdag")
    await shelf.choose(shelf.holidays, selected=True)
    await ada.app.shows("Koningsdag")
    await shelf.comes_to_rest()
    path = f"/calendars/{quote(ada.google.email)}/{quote(shelf.holidays, safe='')}"
    await ada.google.control("POST", path, {"acl": {ada.google.email: "none"}})
    done = await ada.app.sync()
    errors = {each["calendar_id"]: each["error"] and each["error"]["reason"] for each in done["calendars"]}
    assert errors == {"primary": None, shelf.holidays: "calendar-not-found"}
    await ada.app.create("Dentist", wait=True)
    await ada.app.shows("Dentist", "Koningsdag")
    await ada.google.control("POST", path, {"acl": {ada.google.email: "reader"}})
    done = await ada.app.sync()
    assert [each["error"] for each in done["calendars"]] == [None, None]
    await ada.app.shows("Dentist", "Koningsdag")


async def test_a_move_is_taken_back_and_so_is_that(ada: Person):
    shelf = Shelf(ada)
    await shelf.fill()
    await shelf.choose(shelf.work, selected=True)
    slot = await ada.app.create("Review", wait=True)
    event_id = slot["google"]["event_id"]
    path = f"/slots/{slot['id']}/history"

    async def last_change() -> dict[str, Any]:
        return dict((await ada.app.get(path))["items"][-1])

    async def stands_in(calendar_id: str, title: str) -> None:
        seen = await ada.app.becomes(slot, lambda seen: seen["sync"]["state"] == "synced")
        assert (seen["calendar_id"], seen["title"]) == (calendar_id, title)
        await shelf.comes_to_rest()
        both = {each: await shelf.titles(each) for each in ("primary", shelf.work)}
        assert both == {"primary": [], shelf.work: [], calendar_id: [title]}
        assert (await ada.app.slot(slot))["google"]["event_id"] == event_id

    await ada.app.edit(slot, calendar_id=shelf.work, title="Review of work")
    await stands_in(shelf.work, "Review of work")
    moved = await last_change()
    assert moved["fields"]["calendar_id"] == {"before": "primary", "after": shelf.work}

    await ada.app.post(f"{path}/{moved['seq']}/undo")
    await stands_in("primary", "Review")
    undone = await last_change()
    assert undone["fields"]["calendar_id"] == {"before": shelf.work, "after": "primary"}

    # What was moved once more since stays; an undo can be undone like any edit.
    again = problem_of(await ada.app.call("POST", f"{path}/{moved['seq']}/undo"), 409, "changed-since")
    assert set(again["fields"]) == {"calendar_id", "title"}
    await ada.app.post(f"{path}/{undone['seq']}/undo")
    await stands_in(shelf.work, "Review of work")

    # Nothing moves into a calendar that takes no part any more.
    await ada.app.post(f"{path}/{(await last_change())['seq']}/undo")
    await stands_in("primary", "Review")
    back = await last_change()
    await shelf.choose(shelf.work, selected=False)
    refused = await ada.app.call("POST", f"{path}/{back['seq']}/undo")
    problem_of(refused, 422, "validation-failed")
    await stands_in("primary", "Review")
