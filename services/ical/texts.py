"""Texts and addresses that are safe in a property.

The library escapes commas, semicolons and line feeds of texts. What is left is what it does not escape, and
the characters that some programs take for the end of a line although RFC 5545 section 3.1 knows CRLF alone.
"""

from __future__ import annotations

import re

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_WEB_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f-\x9f\"<>\\^`{|}]+", re.IGNORECASE)
_CALL_ADDRESS = re.compile(r"(?:https?://|tel:|sip:)[^\s\x00-\x20\x7f-\x9f\"<>\\^`{|}]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"<>()\\,;:@]+@[^\s\x00-\x20\x7f-\x9f\"<>()\\,;:@]+")


def clean_text(text: str) -> str:
    """The text with LF as its only line end and without control characters (RFC 5545 section 3.3.11)."""
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))


def clean_line(text: str) -> str:
    """The text in one line, as the value of a parameter must be."""
    return " ".join(clean_text(text).split())


def web_address(value: object) -> str | None:
    """The value, if it is an address that a browser opens; URIs are not escaped, so nothing else passes."""
    return value if isinstance(value, str) and _WEB_ADDRESS.fullmatch(value) else None


def call_address(value: object) -> str | None:
    """The value, if it is an address of a conference: a page, a telephone or SIP number."""
    return value if isinstance(value, str) and _CALL_ADDRESS.fullmatch(value) else None


def mail_address(value: object) -> str | None:
    """The value as a `mailto:` address, if it is an e-mail address."""
    return f"mailto:{value}" if isinstance(value, str) and _EMAIL.fullmatch(value) else None
