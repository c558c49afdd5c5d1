"""The second net under the logs: what looks like a credential is not written."""

from __future__ import annotations

import pytest

from services.core.credentials import KEY_PREFIX, SESSION_PREFIX, write_credential
from services.feed_service import PREFIX as FEED_PREFIX
from services.logging_setup import redact
from services.system import SystemIds

IDS = SystemIds()


@pytest.mark.parametrize("prefix", [KEY_PREFIX, SESSION_PREFIX, FEED_PREFIX])
@pytest.mark.parametrize(
    "line", ["said {} aloud", "Cookie: session={}; x=y", "https://h/slots/feed.ics?key={}"]
)
def test_credentials_of_every_kind_are_left_out(prefix: str, line: str) -> None:
    secret = IDS.secret()
    written = redact(line.format(write_credential(prefix, IDS.uuid(), secret)))
    assert secret not in written
    assert "[redacted]" in written
