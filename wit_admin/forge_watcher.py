"""Creates the watcher of jj repositories; it is slow to import, and serving does not need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from wit_admin.db.engine import EngineOptions, make_sessions
from wit_admin.db.revisions import require_current
from wit_admin.db.shard_locks import SILENT_S
from wit_admin.errors import ConfigError, UnavailableError
from wit_admin.forge import PROMPT, make_jj_options, open_any_schema
from wit_admin.jj.head_events import open_head_events
from wit_admin.services.watcher.claims import APPLICATION_NAME, open_claims
from wit_admin.services.watcher.inventory import Inventory
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.recorded_sync import JjReader
from wit_admin.services.watcher.schedule import retry_delay_s
from wit_admin.services.watcher.service import Watcher, WatchOptions
from wit_admin.settings import Settings

_SYNCING = EngineOptions(
    patience_s=600.0,
    application_name=APPLICATION_NAME,
    idle_in_transaction_ms=int(SILENT_S * 1000),
)
"""A first sync may keep the database busy for minutes, so it has much patience. A process that was
stopped must not keep its locks, so an idle transaction ends soon."""


@contextmanager
def open_watcher(
    settings: Settings, observer: Observer | None = None, *, trusts_schema: bool = False
) -> Iterator[Watcher]:
    """Create a watcher; the caller runs and stops it.

    The database may be gone for now. ``trusts_schema`` skips the check of its schema: the caller
    has made that check, and the schema may have become newer since.

    Raises:
        ConfigError: There is no database, or its schema is older or newer than is needed.
    """
    if settings.no_database:
        raise ConfigError("Watching needs a database.", hint="Unset no_database.")
    options = WatchOptions(
        hold_back_s=settings.watch_debounce_ms / 1000,
        poll_interval_s=settings.watch_poll_interval_s,
        workers=settings.watch_workers,
    )
    with (
        open_any_schema(settings, PROMPT) as prompt,
        open_any_schema(settings, _SYNCING) as engine,
    ):
        if not trusts_schema:
            with suppress(UnavailableError):
                require_current(prompt)
        sessions, questions = make_sessions(engine), make_sessions(prompt)
        reader = JjReader(
            sessions, settings.repositories_root, make_jj_options(settings), retry_delay_s
        )
        inventory = Inventory(questions, open_claims(questions, settings.run_dir))
        yield Watcher(reader, inventory, open_head_events(), options, observer)
