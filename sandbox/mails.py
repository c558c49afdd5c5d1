"""The mails that Google would have sent to guests; nobody gets one, the log shows them.

Source: Calendar API reference, `sendUpdates`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.event_resource import is_organizer

if TYPE_CHECKING:
    from sandbox.call import Call
    from sandbox.messages import Json
    from sandbox.model.calendars import Calendar

_CHOICES = frozenset({"all", "externalOnly", "none"})


def mail_guests(call: Call, calendar: Calendar, before: Json | None, after: Json | None) -> None:
    """Note an invitation, update or cancellation for each guest whom the caller wants told."""
    choice = call.text("sendUpdates") or ("all" if call.flag("sendNotifications") else "none")
    if choice not in _CHOICES:
        raise errors.ApiError(400, "invalidParameter", "Invalid value", location="sendUpdates")
    if choice == "none":
        return
    home = calendar.owner.partition("@")[2]
    if not is_organizer(after or before or {}, calendar):
        _mail_organizer(call, calendar, before, after)
        return
    then = _guests(before, calendar)
    now = _guests(after, calendar) if (after or {}).get("status") != "cancelled" else set()
    subject = (after or before or {}).get("summary", "")
    event_id = (after or before or {}).get("id")
    for guest in sorted(then | now):
        if choice == "externalOnly" and guest.partition("@")[2] == home:
            continue
        kind = "invitation" if guest not in then else "update" if guest in now else "cancellation"
        call.world.send_mail(
            {
                "to": guest,
                "kind": kind,
                "summary": subject,
                "event": event_id,
                "calendar": calendar.id,
            }
        )


def _mail_organizer(call: Call, calendar: Calendar, before: Json | None, after: Json | None) -> None:
    """Note what a guest's answer, or going away, tells the organizer."""
    if _answer(before, calendar) == _answer(after, calendar):
        return
    doc = after or before or {}
    call.world.send_mail(
        {
            "to": doc["organizer"]["email"],
            "kind": "response",
            "summary": doc.get("summary", ""),
            "event": doc.get("id"),
            "calendar": calendar.id,
        }
    )


def _answer(doc: Json | None, calendar: Calendar) -> Json | None:
    if doc is None or doc.get("status") == "cancelled":
        return None
    mine = [row for row in doc.get("attendees", []) if row["email"] == calendar.id]
    return {name: mine[0].get(name) for name in ("responseStatus", "comment")} if mine else None


def _guests(doc: Json | None, calendar: Calendar) -> set[str]:
    rows = (doc or {}).get("attendees", [])
    return {row["email"] for row in rows if row["email"] not in {calendar.id, calendar.owner}}
