"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, SafeUUID

import orjson
from sqlalchemy import BLOB, BigInteger, DateTime, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeDecorator, TypeEngine

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_SECOND_US = 1_000_000


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970, exact; how SQLite stores instants.

    Raises:
        ValueError: The instant is naive.
    """
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is not an instant")
    since = instant - _EPOCH
    return since.days * _DAY_US + since.seconds * _SECOND_US + since.microseconds


@lru_cache(maxsize=16_384)
def from_micros(micros: int) -> datetime:
    """The inverse of `to_micros`; remembers, since rows share most of their instants."""
    return _EPOCH + timedelta(0, 0, micros)


def uuid_of(number: int) -> UUID:
    """The UUID of a number that is known to be one; twice as fast as the constructor, which checks."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def to_json(value: Any) -> str:
    """A JSON text; instants in it become RFC 3339."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> Any:
    return dict(value)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is not an instant")
    return instant.astimezone(UTC)


def without_nul(text: str) -> str:
    """The text without NUL characters, which PostgreSQL refuses in text.

    The API refuses them too, but Google may have them; both databases drop them alike.
    """
    return text.replace("\0", "") if "\0" in text else text


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The stored type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse naive values."""
        if value is None:
            return None
        return to_micros(value) if dialect.name == "sqlite" else _aware(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Aware, UTC."""
        if value is None:
            return None
        return from_micros(value) if dialect.name == "sqlite" else cast("datetime", value)


class Id(TypeDecorator[UUID]):
    """A UUID: native on PostgreSQL, 16 bytes on SQLite; both sort alike."""

    impl = Uuid
    cache_ok = True

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        """The driver's value."""
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        """A plain UUID; asyncpg has a class of its own, which not every serializer knows."""
        if value is None:
            return None
        return uuid_of(int.from_bytes(value) if dialect.name == "sqlite" else value.int)

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The stored type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BLOB(16))
        return dialect.type_descriptor(Uuid())


class JsonText(TypeDecorator[Any]):
    """Plain JSON values as text, `None` as NULL; nobody queries inside, so text is the cheapest."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _: Dialect) -> str | None:
        """Encode."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, _: Dialect) -> Any:
        """Decode."""
        return None if value is None else orjson.loads(value)


class CleanText(TypeDecorator[str]):
    """Text without NUL characters."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        """Drop NUL characters."""
        return None if value is None else without_nul(value)


class ListOf(TypeDecorator["Collection[Any]"]):
    """A list as one parameter: an array on PostgreSQL, a JSON text on SQLite. See `is_one_of`."""

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the parameter."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(ARRAY(Uuid() if isinstance(self.item, Id) else Text()))

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """A list, or the JSON text of one."""
        if value is None:
            return None
        if dialect.name != "sqlite":
            return list(value)
        if isinstance(self.item, Id):
            return to_json([cast("UUID", each).hex for each in value])
        return to_json(list(value))
