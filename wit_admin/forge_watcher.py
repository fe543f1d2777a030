"""Puts together what watches jj repositories; slow to import, and not needed for serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wit_admin.db.engine import EngineOptions
from wit_admin.errors import ConfigError
from wit_admin.forge import make_jj_options, open_database
from wit_admin.jj.head_events import open_head_events
from wit_admin.services.watch_claims import open_claims
from wit_admin.services.watch_sync import JjReader
from wit_admin.services.watcher.observer import Observer
from wit_admin.services.watcher.schedule import retry_delay_s
from wit_admin.services.watcher.service import Watcher, WatchOptions
from wit_admin.settings import Settings

_WATCHING = EngineOptions(patience_s=60.0, idle_in_transaction_ms=20_000)
"""A watcher that is stopped must not keep others from what it has locked, and a server that never
answers must not keep a watcher for ever."""


@contextmanager
def open_watcher(settings: Settings, observer: Observer | None = None) -> Iterator[Watcher]:
    """Put together what watches jj repositories; it is run, and stopped, by the caller.

    Raises:
        ConfigError: There is no database.
    """
    if settings.no_database:
        raise ConfigError("Watching needs a database.", hint="Unset no_database.")
    options = WatchOptions(
        hold_back_s=settings.watch_debounce_ms / 1000,
        poll_interval_s=settings.watch_poll_interval_s,
        workers=settings.watch_workers,
    )
    with open_database(settings, _WATCHING) as sessions:
        reader = JjReader(
            sessions, settings.repositories_root, make_jj_options(settings), retry_delay_s
        )
        claims = open_claims(sessions, settings.run_dir)
        yield Watcher(reader, claims, open_head_events(), options, observer)
