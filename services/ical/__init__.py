"""Slots as an iCalendar document (RFC 5545), written with the `icalendar` library.

* `texts`: what may stand in a property, so that no title can add one.
* `moments`: instants and dates in the form in which a program reads them back right.
* `zones`: VTIMEZONE.
* `recurrence`: the lines of a series.
* `events`: VEVENT and VALARM.
* `document`: VCALENDAR around them.
"""
