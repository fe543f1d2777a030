"""What all tables share: declarative base, keys, timestamps, text and JSON columns."""

from __future__ import annotations

import enum
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    LargeBinary,
    MetaData,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine
from uuid_utils import compat

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""Fixed names for constraints: a migration can change only what it can name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMED_VERSION = 7


def utc_now() -> datetime:
    """Return the current time in UTC, to the microsecond, as both databases store it."""
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """Return a UUIDv7: its order is that of time, so new rows go to the end of the index."""
    return compat.uuid7()


def moment_of_id(identifier: uuid.UUID, *, latest: datetime) -> datetime:
    """Return when :func:`new_id` made this; ``latest`` if it is of another kind, or from later.

    Source: RFC 9562, section 5.7.
    """
    bits = identifier.int
    seconds = (bits >> 80) / 1000
    if (bits >> 76) & 0xF != _TIMED_VERSION or seconds > latest.timestamp():
        return latest
    return datetime.fromtimestamp(seconds, UTC)


def first_id_at(moment: datetime) -> uuid.UUID:
    """Return the smallest id that :func:`new_id` can return at that moment or later.

    Source: RFC 9562, section 5.7: the first 48 bits are milliseconds since 1970.
    """
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def to_microseconds(moment: datetime | None) -> int | None:
    """Return the microseconds since 1970 that SQLite stores.

    Raises:
        ValueError: It has no time zone.
    """
    if moment is None:
        return None
    _check_zone(moment)
    return (moment - _EPOCH) // _MICROSECOND


def _check_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ValueError("A moment without a time zone cannot be stored.")


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC; a ``datetime`` without a time zone is refused.

    PostgreSQL stores it as ``timestamptz``. SQLite has no such type and stores microseconds since
    1970, which sort correctly and take eight bytes.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give each database its own column type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Convert a time to the stored value."""
        if dialect.name == "sqlite":
            return to_microseconds(value)
        if value is None:
            return None
        _check_zone(value)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Convert a stored value to a time in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _EPOCH + timedelta(microseconds=value)
        moment: datetime = value
        return moment.astimezone(UTC)


class _Bytes(LargeBinary):
    """Bytes without SQLAlchemy's conversion, which wraps each value in a ``memoryview``."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Return no converter: the driver takes bytes as they are."""


class UuidKey(TypeDecorator[uuid.UUID]):
    """``uuid`` on PostgreSQL, 16 bytes on SQLite: smaller and faster than text."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give each database its own column type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_Bytes(16))
        return dialect.type_descriptor(Uuid())

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        """Convert an id to the stored value."""
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        """Convert a stored value to an id."""
        return uuid.UUID(bytes=value) if value is not None and dialect.name == "sqlite" else value


JSON_TYPE = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

UuidPk = Annotated[uuid.UUID, mapped_column(UuidKey, primary_key=True, default=new_id)]
CreatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=utc_now)]
UpdatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)]
Digest = Annotated[bytes, mapped_column(LargeBinary(32))]
"""SHA-256 of a secret; the secret itself is never stored."""
Count = Annotated[int, mapped_column(default=0)]
Size = Annotated[int, mapped_column(BigInteger, default=0)]


class Base(DeclarativeBase):
    """Declarative base: named constraints, UTC moments, enums stored and checked by value."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own attribute, not ours to annotate
        uuid.UUID: UuidKey,
        datetime: UtcDateTime,
        dict[str, Any]: JSON_TYPE,
        list[Any]: JSON_TYPE,
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            length=32,
            create_constraint=True,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }
