"""API keys, as clients send and see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from schemas.common import Documented
from schemas.texts import storable
from services.core.accounts import ApiKey

_KEY: dict[str, Any] = {
    "id": "019a2c3e-11d0-7b52-8c8e-5d1f3f0a9b22",
    "name": "laptop",
    "created_at": "2026-06-20T08:00:00+00:00",
    "expires_at": "2026-09-20T00:00:00+00:00",
    "last_used_at": None,
    "current": False,
}


def _instant(value: object) -> datetime:
    """An RFC 3339 date-time; numbers, which could be taken for one, are none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("must be an RFC 3339 date-time with an offset")
    return moment


class KeyIn(Documented):
    """A key to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "laptop"}, {"name": "event", "expires_at": "2035-01-01T00:00:00Z"}]
        },
    )

    name: Annotated[
        str, AfterValidator(str.strip), AfterValidator(storable), Field(min_length=1, max_length=100)
    ]
    """What you call it, to know it again in the list."""
    expires_at: Annotated[datetime, BeforeValidator(_instant)] | None = None
    """When it ends by itself, within ten years; null: when it is revoked."""


class KeyOut(Documented):
    """A key, without its secret."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_KEY]})

    id: UUID
    """A UUID; it also stands in the key itself, behind `gcs_`."""
    name: str
    """As it was given."""
    created_at: datetime
    """When it was made."""
    expires_at: datetime | None
    """When it ends by itself; null: it does not."""
    last_used_at: datetime | None
    """When a request last came with it, to the hour; null: never."""
    current: bool
    """Whether this very request came with it."""


class NewKeyOut(KeyOut):
    """A key with its secret, which is shown this once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{**_KEY, "api_key": "gcs_019a2c3e11d07b528c8e5d1f3f0a9b22_<43 characters>"}]
        },
    )

    api_key: str
    """For `Authorization: Bearer <api key>`; nobody can read it again."""


class KeyPageOut(Documented):
    """A page of keys."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [_KEY], "next_cursor": None}]}
    )

    items: list[KeyOut]
    """In the order in which they were made."""
    next_cursor: str | None
    """For the next page, as `cursor`; null on the last one."""


def key_body(key: ApiKey, current: UUID | None) -> dict[str, Any]:
    """A key as JSON values; `current` is the id of the key that the request came with."""
    return {
        "id": key.id,
        "name": key.name,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "current": key.id == current,
    }
