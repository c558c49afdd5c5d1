"""Series over the real processes: each scope in each direction, and what may come in between."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.recurring import (
    LECTURE,
    MONDAYS,
    Instance,
    agree,
    event,
    google_hours,
    hours,
    in_app,
    instance,
    lectures,
)

if TYPE_CHECKING:
    from tests.e2e.world import Person


class Side(ABC):
    """Where the edits of a story are made."""

    def __init__(self, person: Person) -> None:
        self.person = person

    @abstractmethod
    async def add(self) -> None:
        """The lecture begins to take place."""

    @abstractmethod
    async def rename(self, day: str, scope: str, title: str) -> None:
        """Edit what takes place on a day, and as much more as the scope says."""

    @abstractmethod
    async def move(self, day: str, scope: str, to: str) -> None:
        """Move it to 14:00 on another day."""

    @abstractmethod
    async def cancel(self, day: str, scope: str) -> None:
        """Let it not take place."""


class InApp(Side):
    async def add(self) -> None:
        await self.person.app.create("Lecture", **LECTURE)

    async def rename(self, day: str, scope: str, title: str) -> None:
        await self.person.app.edit(await instance(self.person, day), scope=scope, title=title)

    async def move(self, day: str, scope: str, to: str) -> None:
        await self.person.app.edit(await instance(self.person, day), scope=scope, **hours(to))

    async def cancel(self, day: str, scope: str) -> None:
        await self.person.app.delete(await instance(self.person, day), scope=scope)


class InGoogle(Side):
    async def add(self) -> None:
        times = google_hours("03-09", "09:00", "10:30")
        await self.person.google.create("Lecture", **times, recurrence=LECTURE["recurrence"])

    async def rename(self, day: str, scope: str, title: str) -> None:
        await self.person.google.edit((await event(self.person, day))["id"], scope=scope, summary=title)

    async def move(self, day: str, scope: str, to: str) -> None:
        await self.person.google.edit((await event(self.person, day))["id"], scope=scope, **google_hours(to))

    async def cancel(self, day: str, scope: str) -> None:
        await self.person.google.delete((await event(self.person, day))["id"], scope=scope)


SIDES = [InApp, InGoogle]


@pytest.mark.parametrize("side", SIDES)
async def test_one_instance_is_edited_moved_and_cancelled(ada: Person, side: type[Side]):
    at = side(ada)
    await at.add()
    await agree(ada, *lectures(*MONDAYS))
    await at.rename("03-23", "this", "Exam")
    await at.move("03-30", "this", "03-31")
    await at.cancel("04-06", "this")
    exam, moved = Instance("03-23", "09:00", "Exam"), Instance("03-31", "14:00", "Lecture")
    await agree(ada, *lectures("03-09", "03-16", "04-13"), exam, moved)
    await at.rename("03-31", "this", "Lab")
    await at.cancel("03-23", "this")
    await agree(ada, *lectures("03-09", "03-16", "04-13"), moved._replace(title="Lab"))


@pytest.mark.parametrize("side", SIDES)
async def test_this_and_following_are_edited_moved_and_cancelled(ada: Person, side: type[Side]):
    at = side(ada)
    await at.add()
    await agree(ada, *lectures(*MONDAYS))
    await at.rename("03-16", "following", "Seminar")
    await agree(ada, *lectures("03-09"), *lectures(*MONDAYS[1:], title="Seminar"))
    await at.move("03-30", "following", "03-31")
    tuesdays = lectures("03-31", "04-07", "04-14", title="Seminar", clock="14:00")
    await agree(ada, *lectures("03-09"), *lectures("03-16", "03-23", title="Seminar"), *tuesdays)
    await at.cancel("04-07", "following")
    await agree(ada, *lectures("03-09"), *lectures("03-16", "03-23", title="Seminar"), tuesdays[0])


@pytest.mark.parametrize("side", SIDES)
async def test_all_are_edited_moved_and_cancelled(ada: Person, side: type[Side]):
    at = side(ada)
    await at.add()
    await agree(ada, *lectures(*MONDAYS))
    await at.rename("03-23", "all", "Seminar")
    await agree(ada, *lectures(*MONDAYS, title="Seminar"))
    await at.move("03-30", "all", "03-31")
    tuesdays = ("03-10", "03-17", "03-24", "03-31", "04-07", "04-14")
    await agree(ada, *lectures(*tuesdays, title="Seminar", clock="14:00"))
    await at.cancel("03-24", "all")
    await agree(ada)


async def test_the_app_takes_exceptions_along_wherever_their_series_goes(ada: Person):
    app = InApp(ada)
    await app.add()
    await app.rename("03-16", "this", "Exam")
    await app.cancel("03-23", "this")
    await app.rename("04-06", "this", "Test")
    await agree(ada, *lectures("03-09", "03-30", "04-13"), *_exams("03-16", "04-06"))
    await app.move("03-30", "following", "03-31")
    tuesdays = lectures("03-31", "04-14", clock="14:00")
    test = Instance("04-07", "14:00", "Test")
    await agree(ada, *lectures("03-09"), _exams("03-16")[0], *tuesdays, test)
    await app.move("03-09", "all", "03-10")
    exam = Instance("03-17", "14:00", "Exam")
    await agree(ada, *lectures("03-10", clock="14:00"), exam, *tuesdays, test)


async def test_a_series_moves_onto_its_own_days_and_exceptions_move_with_it(ada: Person):
    app = InApp(ada)
    daily = {**LECTURE, "recurrence": ["RRULE:FREQ=DAILY;COUNT=6"]}
    await ada.app.create("Lecture", **daily)
    await app.rename("03-11", "this", "Exam")
    await app.cancel("03-12", "this")
    await agree(ada, *lectures("03-09", "03-10", "03-13", "03-14"), *_exams("03-11"))
    await app.move("03-09", "all", "03-10")
    exam = Instance("03-12", "14:00", "Exam")
    await agree(ada, *lectures("03-10", "03-11", "03-14", "03-15", clock="14:00"), exam)
    series = (await instance(ada, "03-10"))["recurring_slot_id"]
    await ada.app.edit({"id": series}, **hours("03-11"))
    exam = Instance("03-13", "14:00", "Exam")
    await agree(ada, *lectures("03-11", "03-12", "03-15", "03-16", clock="14:00"), exam)


async def test_a_new_series_keeps_guests_conference_and_files(ada: Person):
    guests = [
        {"email": ada.google.email, "self": True, "organizer": True, "responseStatus": "accepted"},
        {"email": "bob@example.org", "responseStatus": "declined", "comment": "On holiday"},
    ]
    conference = {
        "conferenceId": "abc-defg-hij",
        "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
        "entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc-defg-hij"}],
    }
    files = [{"fileUrl": "https://drive.google.com/open?id=1", "title": "Slides"}]
    await ada.google.create(
        "Lecture",
        **google_hours("03-09", "09:00", "10:30"),
        recurrence=LECTURE["recurrence"],
        attendees=guests,
        conferenceData=conference,
        hangoutLink="https://meet.google.com/abc-defg-hij",
        attachments=files,
    )
    await ada.app.shows("Lecture")
    tail = await ada.app.edit(await instance(ada, "03-30"), wait=True, scope="following", title="Seminar")
    await agree(ada, *lectures(*MONDAYS[:3]), *lectures(*MONDAYS[3:], title="Seminar"))
    event = await ada.google.event(tail["google"]["event_id"])
    assert event["conferenceData"] == conference
    assert event["attachments"][0]["fileUrl"] == files[0]["fileUrl"]
    answers = {each["email"]: each for each in event["attendees"]}
    assert answers["bob@example.org"]["responseStatus"] == "declined"
    assert answers["bob@example.org"]["comment"] == "On holiday"
    shown = await ada.app.slot(tail)
    assert [each["email"] for each in shown["attendees"]] == sorted(answers)
    assert shown["google"]["conference_url"] == "https://meet.google.com/abc-defg-hij"
    assert [each["title"] for each in shown["google"]["attachments"]] == ["Slides"]
    assert await _mails(ada) == []


async def test_a_full_listing_in_between_changes_nothing(ada: Person):
    app, google = InApp(ada), InGoogle(ada)
    await app.add()
    await app.rename("03-23", "this", "Exam")
    await agree(ada, *lectures("03-09", "03-16", "03-30", "04-06", "04-13"), *_exams("03-23"))
    await google.cancel("04-13", "this")
    await google.move("03-30", "this", "03-31")
    account = {"account": ada.google.email, "calendar": "primary"}
    await ada.google.control("POST", "/sync-tokens/invalidate", account)
    await app.rename("03-16", "this", "Test")
    moved = Instance("03-31", "14:00", "Lecture")
    test = Instance("03-16", "09:00", "Test")
    await agree(ada, *lectures("03-09", "04-06"), *_exams("03-23"), moved, test)
    before = await in_app(ada)
    await ada.google.control("POST", "/sync-tokens/invalidate", account)
    await ada.app.sync()
    await agree(ada, *lectures("03-09", "04-06"), *_exams("03-23"), moved, test)
    assert [(each["id"], each["version"]) for each in await in_app(ada)] == [
        (each["id"], each["version"]) for each in before
    ]


@pytest.mark.parametrize("side", SIDES)
async def test_a_series_is_deleted_with_its_exceptions_and_comes_back_with_them(
    ada: Person, side: type[Side]
):
    app = InApp(ada)
    await app.add()
    await app.rename("03-16", "this", "Exam")
    await app.move("03-23", "this", "03-24")
    await app.cancel("04-06", "this")
    left = [*lectures("03-09", "03-30", "04-13"), *_exams("03-16"), Instance("03-24", "14:00", "Lecture")]
    await agree(ada, *left)
    series = (await instance(ada, "03-09"))["recurring_slot_id"]
    await side(ada).cancel("03-09", "all")
    await agree(ada)
    assert await ada.app.slots() == []
    await ada.app.post(f"/slots/{series}/restore")
    await agree(ada, *left)


async def test_an_exception_edited_on_both_sides_keeps_what_only_one_side_changed(ada: Person):
    app = InApp(ada)
    await app.add()
    await app.rename("03-16", "this", "Exam")
    await ada.come_to_rest()
    exam = await instance(ada, "03-16")
    await ada.edit_unnoticed(exam["google"]["event_id"], location="Hall B")
    await ada.app.edit(exam, **hours("03-17"))
    await agree(ada, *lectures("03-09", *MONDAYS[2:]), Instance("03-17", "14:00", "Exam"))
    assert (await instance(ada, "03-17"))["location"] == "Hall B"
    assert (await event(ada, "03-17"))["location"] == "Hall B"
    assert await ada.app.conflicts() == []


async def test_an_exception_edited_on_both_sides_in_one_field_is_a_conflict(ada: Person):
    app = InApp(ada)
    await app.add()
    await app.rename("03-16", "this", "Exam")
    await ada.come_to_rest()
    exam = await instance(ada, "03-16")
    await ada.edit_unnoticed(exam["google"]["event_id"], summary="by google")
    await ada.app.edit(exam, title="by app")
    await agree(ada, *lectures("03-09", *MONDAYS[2:]), Instance("03-16", "09:00", "by app"))
    [conflict] = await ada.app.conflicts()
    assert (conflict["slot_id"], conflict["losing_value"]) == (exam["id"], "by google")
    await ada.app.post(f"/sync/conflicts/{conflict['id']}/resolve", {"keep": "loser"})
    await agree(ada, *lectures("03-09", *MONDAYS[2:]), Instance("03-16", "09:00", "by google"))


async def test_the_same_instance_becomes_an_exception_on_both_sides(ada: Person):
    await InApp(ada).add()
    await ada.come_to_rest()
    google = (await event(ada, "03-16"))["id"]
    await ada.edit_unnoticed(google, location="Hall B")
    await ada.app.edit(await instance(ada, "03-16"), title="Exam")
    await agree(ada, *lectures("03-09", *MONDAYS[2:]), *_exams("03-16"))
    assert (await instance(ada, "03-16"))["location"] == (await event(ada, "03-16"))["location"] == "Hall B"


async def test_a_series_and_its_instance_are_edited_on_different_sides(ada: Person):
    await InApp(ada).add()
    await ada.come_to_rest()
    series = (await instance(ada, "03-09"))["recurring_slot_id"]
    await ada.edit_unnoticed((await event(ada, "03-16"))["id"], summary="Exam")
    await ada.app.edit({"id": series}, location="Hall B")
    await agree(ada, *lectures("03-09", *MONDAYS[2:]), *_exams("03-16"))
    assert (await event(ada, "03-23"))["location"] == "Hall B"


def _exams(*days: str) -> list[Instance]:
    titles = {"04-06": "Test"}
    return [Instance(day, "09:00", titles.get(day, "Exam")) for day in days]


async def _mails(person: Person) -> list[Any]:
    mails = (await person.google.control("GET", "/mails"))["mails"]
    return [each for each in mails if person.google.email in str(each)]
