"""What a person does on both sides, at random, with a ledger of what was written and seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.judges.ancestry import FIELDS, Ledger, google_times, remote_value

if TYPE_CHECKING:
    import random

    import httpx

    from tests.e2e.google import Google
    from tests.e2e.torture.client import Client

MOST_THINGS = 15
"""More than so many are not kept, so that edits meet."""


def app_value(slot: dict[str, Any], name: str) -> str:
    """What the app shows in a field, as the ledger writes it."""
    if name != "schedule":
        return str(slot[name])
    start = slot["start"]
    return start if slot["all_day"] else datetime.fromisoformat(start).astimezone(UTC).isoformat()


def app_times(value: str) -> dict[str, str | None]:
    """The times that begin at a value of the ledger, in the app's words."""
    if "T" in value:
        end = datetime.fromisoformat(value) + timedelta(hours=1)
        return {"start": value, "end": end.isoformat(), "timezone": "UTC"}
    return {"start": value, "end": (date.fromisoformat(value) + timedelta(days=1)).isoformat()}


@dataclass(slots=True)
class Person:
    """Somebody with a client of the app and a browser with Google's calendar."""

    name: str
    client: Client
    google: Google
    dice: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    titles: list[str] = field(default_factory=list)
    """The first title of each thing that was created."""
    refused: set[str] = field(default_factory=set)
    """Values that were refused to their author; they may stand nowhere."""
    doubtful: int = 0
    """Edits whose answer was lost and of which history told the outcome."""
    _token: str = "none yet"

    async def act(self) -> bool:
        """Do one thing; whether an edit was acknowledged."""
        deed = self.dice.choices(
            (
                self.edit,
                self.edit_at_google,
                self.create,
                self.born,
                self.drop,
                self.drop_at_google,
                self.settle,
            ),
            weights=(8, 8, 2, 2, 1, 1, 1),
        )[0]
        return await deed()

    # In the app.

    async def create(self) -> bool:
        title, start = self._new("app")
        body = {"title": title, **app_times(start)}
        headers = {"idempotency-key": title.replace(" ", "-")}
        answer, _ = await self.client.until_answered("POST", "/slots", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return True

    async def edit(self) -> bool:
        slots = await self.client.pages("/slots")
        if not slots:
            return False
        slot, name = self.dice.choice(slots), self.dice.choice(list(FIELDS))
        value = self.ledger.write(name, saw=app_value(slot, name))
        # Until it is known: somebody at Google may see it first.
        self.ledger.unconfirmed.add(value)
        body = app_times(value) if name == "schedule" else {name: value}
        path, headers = f"/slots/{slot['id']}", {"if-match": f'"{slot["version"]}"'}
        answer, doubtful = await self.client.until_answered("PATCH", path, json=body, headers=headers)
        assert answer.status_code in (200, 404, 412), answer.text
        landed = answer.status_code == 200
        if not landed and doubtful:
            self.doubtful += 1
            landed = await self._is_in_history(slot["id"], value)
        if landed:
            self.ledger.unconfirmed.discard(value)
        else:
            self.refused.add(value)
        return landed

    async def drop(self) -> bool:
        slots = await self.client.pages("/slots")
        if not slots:
            return False
        slot = self.dice.choice(slots)
        headers = {"if-match": f'"{slot["version"]}"'}
        answer, doubtful = await self.client.until_answered("DELETE", f"/slots/{slot['id']}", headers=headers)
        assert answer.status_code in (200, 404, 412), answer.text
        if answer.status_code == 200 or doubtful:
            self.ledger.settled |= {app_value(slot, name) for name in FIELDS}
        return answer.status_code == 200

    async def settle(self) -> bool:
        """Look at a conflict, and leave it as it was decided."""
        conflicts = await self.client.pages("/sync/conflicts")
        if not conflicts:
            return False
        conflict = self.dice.choice(conflicts)
        self.ledger.settled |= losing_values([conflict])
        path = f"/sync/conflicts/{conflict['id']}/resolve"
        answer, _ = await self.client.until_answered("POST", path, json={"keep": "winner"})
        # Another hand of the same person may have been faster.
        assert answer.status_code in (200, 404), answer.text
        return False

    async def _is_in_history(self, slot_id: str, value: str) -> bool:
        entries = await self.client.pages(f"/slots/{slot_id}/history")
        told = (json.dumps([change["after"] for change in each["fields"].values()]) for each in entries)
        return any(f'"{value}"' in each for each in told)

    # In Google.

    async def born(self) -> bool:
        title, start = self._new("google")
        times = {side: _without_nothing(when) for side, when in google_times(start).items()}
        answer = await self._ask_google("POST", "", json={"summary": title, **times})
        assert answer.status_code == 200, answer.text
        return True

    async def edit_at_google(self) -> bool:
        events = await self.google.events()
        if not events:
            return False
        event, name = self.dice.choice(events), self.dice.choice(list(FIELDS))
        value = self.ledger.write(name, saw=remote_value(event, name))
        changes = google_times(value) if name == "schedule" else {FIELDS[name]: value}
        headers = {"if-match": event["etag"]}
        answer = await self._ask_google("PATCH", f"/{event['id']}", json=changes, headers=headers)
        assert answer.status_code in (200, 404, 410, 412), answer.text
        if answer.status_code != 200:
            self.ledger.unconfirmed.add(value)
            self.refused.add(value)
        return answer.status_code == 200

    async def drop_at_google(self) -> bool:
        events = await self.google.events()
        if not events:
            return False
        event = self.dice.choice(events)
        answer = await self._ask_google("DELETE", f"/{event['id']}", headers={"if-match": event["etag"]})
        assert answer.status_code in (204, 404, 410, 412), answer.text
        if answer.status_code != 204:
            return False
        self.ledger.settled |= {remote_value(event, name) for name in FIELDS}
        return True

    async def _ask_google(self, method: str, path: str, **options: Any) -> httpx.Response:
        # By the address, where the service says `primary`: only the service's line is troubled.
        url = f"{self.google.url}/calendar/v3/calendars/{quote(self.google.email)}/events{path}"
        condition = options.pop("headers", {})
        while True:
            headers = {"authorization": f"Bearer {self._token}", **condition}
            answer = await self.google.http.request(method, url, headers=headers, **options)
            if answer.status_code != 401:
                return answer
            order = {"account": self.google.email, "client_id": "a browser"}
            self._token = (await self.google.control("POST", "/tokens", order))["access_token"]

    def _new(self, side: str) -> tuple[str, str]:
        title = f"{self.name} {side} {len(self.titles)}"
        self.titles.append(title)
        self.ledger.note(title)
        return title, self.ledger.write("schedule", saw="")


def losing_values(conflicts: list[dict[str, Any]]) -> set[str]:
    """What conflicts keep, as the ledger writes it."""
    lost = [each["losing_value"] for each in conflicts]
    return {str(value["start"]) if isinstance(value, dict) else str(value) for value in lost}


def _without_nothing(times: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in times.items() if value is not None}
