"""What all tables share: declarative base, keys, timestamps, checked text and JSON columns."""

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
"""Migrations can only change what has a name that is known beforehand."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """Return this moment, aware, to the microsecond: as both databases keep it."""
    return datetime.now(UTC)


def new_id() -> uuid.UUID:
    """Return a UUIDv7: ordered by time, so that new rows land on the hot end of the index."""
    return compat.uuid7()


def first_id_at(moment: datetime) -> uuid.UUID:
    """Return the least of the ids that :func:`new_id` may have made at that moment or later.

    Source: RFC 9562, section 5.7: the first 48 bits are milliseconds since 1970.
    """
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC; a naive one is refused.

    PostgreSQL keeps ``timestamptz``. SQLite has no such type and gets whole microseconds since
    1970, which sort as the moments do and take eight bytes.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give each database its own column type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Turn an aware moment into what the database keeps."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        if dialect.name == "sqlite":
            return (value - _EPOCH) // _MICROSECOND
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn what the database kept into an aware moment in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _EPOCH + timedelta(microseconds=value)
        moment: datetime = value
        return moment.astimezone(UTC)


class _Bytes(LargeBinary):
    """Bytes that the driver takes as they are: each would be wrapped in a ``memoryview`` first."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Leave them alone."""


class UuidKey(TypeDecorator[uuid.UUID]):
    """``uuid`` on PostgreSQL, 16 bytes on SQLite: half the text's size and a sixth faster."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give each database its own column type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_Bytes(16))
        return dialect.type_descriptor(Uuid())

    def process_bind_param(self, value: uuid.UUID | None, dialect: Dialect) -> Any:
        """Turn an id into what the database keeps."""
        return value.bytes if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> uuid.UUID | None:
        """Turn what the database kept into an id."""
        return uuid.UUID(bytes=value) if value is not None and dialect.name == "sqlite" else value


JSON_TYPE = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

UuidPk = Annotated[uuid.UUID, mapped_column(UuidKey, primary_key=True, default=new_id)]
CreatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=utc_now)]
UpdatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now)]
Digest = Annotated[bytes, mapped_column(LargeBinary(32))]
"""SHA-256 of a secret; the secret itself is never kept."""
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
