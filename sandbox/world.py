"""Everything that Google knows here, and the changes that more than one face makes to it.

The Calendar API, the control API and the calendar page all change events through this
module, so every change is stamped, kept and announced the same way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.event_resource import finish
from sandbox.exceptions import settle_exceptions
from sandbox.model.accounts import Account, Accounts
from sandbox.model.calendars import Calendar, Calendars, ListEntry
from sandbox.model.channels import Channels
from sandbox.model.clock import SandboxClock
from sandbox.model.event_log import StoredEvent
from sandbox.model.faults import Faults
from sandbox.model.grants import Grants
from sandbox.model.mint import Mint
from sandbox.model.quota import Quota
from sandbox.model.requests_log import RequestLog
from sandbox.model.tokens import TokenCodec
from sandbox.model.zones import shown_in, stamp_s
from sandbox.store import Journal, Store, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from sandbox.messages import Json


@dataclass(slots=True)
class Switches:
    """Where Google's behaviour varies, and a test chooses."""

    revival_status: int = 200
    """What confirming a deleted event answers: 200, or 403 as after an emptied trash."""
    updated_min_days: int = 28
    """How far back `updatedMin` may reach."""
    glitch_listings: int = 0
    """How many of the next event listings answer an empty page with a token to go on."""
    orphaned_exceptions: str = "cancelled"
    """What becomes of an exception whose series has no such occurrence any more: `cancelled` or `gone`."""
    record_answers: bool = False
    """Whether the log of requests keeps the bodies of answers too."""


class World:
    """Google's memory."""

    def __init__(self, *, now: Callable[[], datetime], seed: int, base_url: str, store: Store | None) -> None:
        self.base_url = base_url.rstrip("/")
        self._now = now
        self.journal = Journal(store)
        self.mint = Mint(seed, self.journal)
        self._build()
        self._restore()

    def _build(self) -> None:
        journal, mint = self.journal, self.mint
        self.clock = SandboxClock(self._now, journal)
        self.accounts = Accounts(journal, mint)
        self.calendars = Calendars(journal)
        self.grants = Grants(journal, mint)
        self.channels = Channels(journal, mint)
        self.tokens = TokenCodec(mint)
        self.quota = Quota()
        self.faults = Faults()
        self.requests = RequestLog()
        self.mails: deque[Json] = deque(maxlen=10_000)
        self.switches = Switches()

    def forget_everything(self) -> None:
        """Start again as on the first day; the streams of chance go on."""
        self.journal.clear()
        self._build()

    def add_account(
        self, email: str, *, name: str | None = None, time_zone: str = "Europe/Amsterdam"
    ) -> Account:
        """Open an account with its primary calendar."""
        account = self.accounts.create(email, name, time_zone)
        self.add_calendar(account.email, owner=account.email, summary=account.email)
        return account

    def add_calendar(
        self, calendar_id: str, *, owner: str, summary: str, time_zone: str | None = None
    ) -> Calendar:
        """Make a calendar and put it into its owner's list; an empty owner stands for Google itself."""
        account = self.accounts.find(owner)
        zone = time_zone or (account.time_zone if account else "UTC")
        stamp = self.clock.stamp_us()
        calendar = Calendar(calendar_id, owner, summary, zone, stamp, acl={owner: "owner"} if owner else {})
        self.calendars.save(calendar)
        if account is not None:
            reminders = [{"method": "popup", "minutes": 30}] if calendar_id == owner else []
            self.put_entry(ListEntry(owner, calendar_id, stamp, default_reminders=reminders))
        return calendar

    def new_calendar_id(self) -> str:
        """An id as secondary calendars have it."""
        return f"c_{self.mint.hex('calendar-id', 32)}@group.calendar.google.com"

    def put_entry(self, entry: ListEntry) -> None:
        """Stamp, keep and announce a change of somebody's calendar list."""
        entry.stamp_us = self.clock.stamp_us()
        self.calendars.save_entry(entry)
        self.channels.announce(f"calendarList/{entry.account}", self.clock.now_us())

    def touch_calendar(self, calendar: Calendar) -> None:
        """Stamp and keep a changed calendar; its owner's list shows the change."""
        calendar.etag_us = self.clock.stamp_us()
        self.calendars.save(calendar)
        for entry in self.calendars.entries_for(calendar.id):
            if calendar.role_of(entry.account) == "owner":
                self.put_entry(entry)

    def share(self, calendar: Calendar, email: str, role: str) -> None:
        """Give an account a role, or take it away with `none`; sync tokens die of it.

        Source: Calendar API guide, 'Synchronize resources efficiently' (changes of ACLs).
        """
        if role == "none":
            calendar.acl.pop(email, None)
        else:
            calendar.acl[email] = role
        calendar.token_generation += 1
        self.calendars.save(calendar)
        entry = self.calendars.entry(email, calendar.id)
        if role == "none" and entry is not None:
            entry.deleted = True
            self.put_entry(entry)
        elif role != "none" and self.accounts.find(email) is not None:
            shown = entry or ListEntry(email, calendar.id, 0)
            shown.deleted = False
            self.put_entry(shown)

    def new_event(self, draft: Json, calendar: Calendar, creator: str) -> Json:
        """A draft with the fields that only the server sets."""
        event_id = draft.get("id") or self.mint.event_id()
        person = {"email": creator}
        return {
            "organizer": {"email": calendar.id}
            if calendar.primary
            else {"email": calendar.id, "displayName": calendar.summary},
            "iCalUID": f"{event_id}@google.com",
            "created": stamp_s(self.clock.now_us()),
            "creator": person,
            "sequence": 0,
            **draft,
            "id": event_id,
        }

    def write_event(
        self, calendar: Calendar, draft: Json, *, quietly: bool = False, orphaned: bool = False
    ) -> StoredEvent:
        """Stamp, keep and announce an event; the only way in which one changes.

        What a changed schedule means for the exceptions of a series is settled along with it.

        Args:
            calendar: Where it stands.
            draft: The whole event with the server's fields.
            quietly: One of many: the caller announces them together.
            orphaned: It is cancelled because its series lost the occurrence.
        """
        position = updated_us = self.clock.stamp_us()
        before = self.calendars.log(calendar.id).by_id.get(draft["id"])
        if before is not None and _only_reminders_differ(before.doc, draft):
            updated_us = before.updated_us
        doc = finish(draft, calendar, updated_us, self.base_url)
        orphaned = doc["status"] == "cancelled" and (orphaned or (before is not None and before.orphaned))
        event = StoredEvent.of(doc, position, updated_us, calendar.zone, orphaned=orphaned)
        self.calendars.put_event(calendar, event)
        if before is not None:
            settle_exceptions(self, calendar, before, event)
        if not quietly:
            self.announce_events(calendar)
        return event

    def show_again(self, calendar: Calendar, event: StoredEvent) -> None:
        """Let deltas list an event that did not change itself."""
        self.calendars.put_event(calendar, replace(event, position=self.clock.stamp_us()))

    def announce_events(self, calendar: Calendar) -> None:
        """Tell the channels on a calendar that events changed."""
        self.channels.announce(f"events/{calendar.id}", self.clock.now_us())

    def change_zone(self, calendar: Calendar, time_zone: str) -> None:
        """Move a calendar to another zone: its events are written in the new offset."""
        calendar.time_zone = time_zone
        zone = calendar.zone
        log = self.calendars.log(calendar.id)
        for event in list(log.since(0)):
            doc = event.doc
            for bound in ("start", "end", "originalStartTime"):
                if isinstance(doc.get(bound), dict):
                    doc[bound] = shown_in(doc[bound], zone)
            stamp = self.clock.stamp_us()
            moved = StoredEvent.of(doc, stamp, event.updated_us, zone, orphaned=event.orphaned)
            self.calendars.put_event(calendar, moved)

    def send_mail(self, mail: Mapping[str, Any]) -> None:
        """Note a message that Google would have mailed."""
        self.mails.append({"at": self.clock.now().isoformat(), **mail})

    def _tables(self) -> list[Table[Any]]:
        grants = self.grants
        return [
            self.accounts.table,
            self.calendars.table,
            self.calendars.entries,
            grants.clients,
            grants.codes,
            grants.grants,
            grants.refresh_tokens,
            grants.access_tokens,
            self.channels.table,
        ]

    def _restore(self) -> None:
        takers: dict[str, Callable[[str, bytes], None]] = {
            table.kind: table.restore for table in self._tables()
        }
        takers |= {SandboxClock.kind: self.clock.restore, Mint.kind: self.mint.restore}
        events: list[tuple[str, bytes]] = []
        for kind, key, value in self.journal.load():
            if kind == "event":
                events.append((key, value))
            else:
                takers[kind](key, value)
        for key, value in events:
            self.calendars.restore_event(key, value)
        self.calendars.settle()


def _only_reminders_differ(before: Json, after: Json) -> bool:
    """Whether a change leaves `updated` as it is.

    Source: Calendar API reference, `events.updated` (changing reminders does not count).
    """
    if before.get("reminders") == after.get("reminders", {"useDefault": True}):
        return False
    ignored = {"reminders", "updated", "etag"}
    return {k: v for k, v in before.items() if k not in ignored} == {
        k: v for k, v in orjson.loads(orjson.dumps(after)).items() if k not in ignored
    }
