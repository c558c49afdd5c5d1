"""VCALENDAR: what stands around the events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from icalendar import Calendar
from icalendar.prop import vDuration, vText

from services.ical.texts import clean_line
from services.ical.zones import timezones

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from services.core.records import ZoneUse

REFRESH = timedelta(hours=1)
"""How often programs are asked to look again."""

_PRODUCT = "-//Calendar Sync//Calendar Sync//EN"
END = b"END:VCALENDAR\r\n"


def beginning(name: str, zones: Iterable[ZoneUse], *, now: datetime) -> bytes:
    """Everything before the events, zones included; the document is closed by `END`.

    Args:
        name: What programs call the calendar: in RFC 7986's words and in those that most of them know.
        zones: The zones in use.
        now: Endless series are followed for some years from here.
    """
    calendar = Calendar()
    calendar["PRODID"] = vText(_PRODUCT)
    calendar["VERSION"] = vText("2.0")
    calendar["CALSCALE"] = vText("GREGORIAN")
    calendar["METHOD"] = vText("PUBLISH")
    calendar["NAME"] = calendar["X-WR-CALNAME"] = vText(clean_line(name))
    calendar["REFRESH-INTERVAL"] = vDuration(REFRESH, params={"VALUE": "DURATION"})
    calendar["X-PUBLISHED-TTL"] = vDuration(REFRESH)
    head = bytes(calendar.to_ical()).removesuffix(END)
    return b"".join((head, *timezones(zones, now=now)))
