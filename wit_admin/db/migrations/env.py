"""Run by Alembic: on a connection handed in, or as SQL text for a dialect."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext

config = context.config


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | bool:
    """Write our column types as plain SQLAlchemy, so that migrations need none of our code."""
    name = type(item).__name__
    if kind == "type" and name == "UtcDateTime":
        return "moment()"
    if kind == "type" and name == "UuidKey":
        return "uuid_key()"
    if kind == "type" and name == "JSON":
        return "document()"
    return False


options: dict[str, Any] = {
    "target_metadata": config.attributes.get("metadata"),
    "render_item": render_item,
    "render_as_batch": False,
}
if context.is_offline_mode():
    context.configure(dialect_name=config.attributes["dialect"], literal_binds=True, **options)
else:
    context.configure(connection=config.attributes["connection"], **options)
with context.begin_transaction():
    context.run_migrations()
