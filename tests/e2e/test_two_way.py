"""The ordinary life of a connected calendar, over the real processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.world import Person


async def test_what_the_app_creates_edits_and_deletes_follows_in_google(ada: Person):
    slot = await ada.app.create("Algorithms", description="Room 12", wait=True)
    assert (await ada.google.called("Algorithms"))["description"] == "Room 12"
    await ada.app.edit(slot, title="Algorithms 2", wait=True)
    assert await ada.google.titles() == ["Algorithms 2"]
    await ada.app.delete(slot, wait=True)
    assert await ada.google.titles() == []
    assert await ada.app.titles() == []


async def test_what_google_creates_edits_and_deletes_follows_in_the_app(ada: Person):
    event = await ada.google.create("Dentist", location="Main Street 1")
    await ada.app.shows("Dentist")
    slot = await ada.app.called("Dentist")
    assert (slot["location"], slot["source"]) == ("Main Street 1", "google")
    await ada.google.edit(event["id"], summary="Dentist, moved")
    await ada.app.shows("Dentist, moved")
    await ada.google.delete(event["id"])
    await ada.app.shows()
