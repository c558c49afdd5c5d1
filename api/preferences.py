"""Header fields by which clients say how they want to be served: versions and waiting."""

import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import blake2s
from typing import Annotated, Any

from fastapi import Header

from api.responses import json_bytes
from services.core.records import SyncState
from services.slot_service import VersionCondition

LONGEST_WAIT = timedelta(seconds=30)

_BEFORE_GOOGLE = (SyncState.PENDING, SyncState.LOCAL_ONLY)
_TAG = re.compile(r'(?:W/)?"?(\d{1,18})(?:\.[0-9a-f]{8})?"?', re.ASCII)
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?(?=$|[,;\s])', re.IGNORECASE | re.ASCII)

IfMatch = Annotated[
    str | None,
    Header(description="`ETag` of the version that the edit was made from; 412 when the slot moved on."),
]
IfNoneMatch = Annotated[
    str | None, Header(description="`ETag` of what the client has; 304 when nothing of it has changed.")
]
Prefer = Annotated[
    str | None, Header(description="`wait=N`: wait up to N seconds (at most 30) until Google has it.")
]


def etag_of(body: Mapping[str, Any]) -> str:
    """The entity tag of a slot as it is shown.

    It is the version alone, `"7"`, until Google has a say in it. From then on the same version is shown in
    other ways, `synced` or `failed`, and a digest tells these apart, `"7.5be0c1f2"`: whoever polls with
    `If-None-Match` sees a slot become `synced`. `If-Match` asks for the version and ignores the digest, since
    an edit is made from the content, however far the sync is.

    Args:
        body: The slot as JSON values.
    """
    sync = body["sync"]
    untouched = sync["state"] in _BEFORE_GOOGLE and sync["reason"] is None and sync["next_attempt_at"] is None
    if untouched:
        return f'"{body["version"]}"'
    shown = json_bytes([sync, body["google"]])
    return f'"{body["version"]}.{blake2s(shown, digest_size=4).hexdigest()}"'


def version_condition(if_match: str | None) -> VersionCondition | None:
    """The versions that `If-Match` allows; `None`: any.

    A tag that is none of ours allows nothing, so the edit is refused as stale rather than let through.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    return VersionCondition(if_match[:200], _versions(if_match))


def names_tag(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has what this entity tag names already."""
    if if_none_match is None:
        return False
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return if_none_match.strip() == "*" or etag in tags


def _versions(tags: str) -> frozenset[int]:
    # A proxy that compresses weakens tags; our versions mean the same either way.
    found = (_TAG.fullmatch(tag.strip()) for tag in tags.split(","))
    return frozenset(int(match[1]) for match in found if match)


def wait_of(prefer: str | None) -> timedelta | None:
    """How long the client is ready to wait; `None` when it does not say."""
    match = _WAIT.search(prefer) if prefer else None
    return min(timedelta(seconds=int(match[1])), LONGEST_WAIT) if match else None


def applied(wait: timedelta) -> str:
    """What `Preference-Applied` answers."""
    return f"wait={int(wait.total_seconds())}"
