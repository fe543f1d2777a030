"""Everything an operator can set: one field each, with its parser, a summary and its default.

:mod:`wit_admin.settings` fills it in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from wit_admin.setting_values import (
    Network,
    Secret,
    SecretUrl,
    parse_count,
    parse_flag,
    parse_lifetime,
    parse_networks,
    parse_number,
    parse_one_of,
    parse_path,
    parse_paths,
    parse_port,
    parse_seconds,
    parse_size,
    parse_some_of,
)

_JJ_KINDS = ("changes", "bookmarks", "operations", "conflicts")


def _setting(
    parse: Callable[[str], Any], summary: str, *names: str, default: Any = dataclasses.MISSING
) -> Any:
    metadata = {"parse": parse, "summary": summary, "names": names}
    if default is dataclasses.MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. A field's metadata says where it is read from."""

    home: Path = _setting(parse_path, "Folder of the forge's own data", "WIT_HOME")
    database_url: Secret = _setting(
        SecretUrl, "Database: sqlite:///… or postgresql://…", "DATABASE_URL", "WIT_DATABASE_URL"
    )
    host: str = _setting(str, "Address to listen on", "WIT_HOST", default="127.0.0.1")
    port: int = _setting(
        parse_port, "Port to listen on; 0 takes a free one", "PORT", "WIT_PORT", default=3000
    )
    unix_socket: Path | None = _setting(
        parse_path, "Unix socket to listen on, in place of a port", "WIT_UNIX_SOCKET", default=None
    )
    fd: int | None = _setting(
        parse_number, "Inherited listening socket, as from systemd", "WIT_FD", default=None
    )
    tls_cert: Path | None = _setting(
        parse_path, "Certificate chain, in PEM", "WIT_TLS_CERT", default=None
    )
    tls_key: Path | None = _setting(
        parse_path, "Private key of the certificate, in PEM", "WIT_TLS_KEY", default=None
    )
    trusted_proxies: tuple[Network, ...] = _setting(
        parse_networks,
        "Networks whose X-Forwarded-For is trusted, separated by commas; unix is the socket",
        "WIT_TRUSTED_PROXIES",
        default=(),
    )
    metrics_public: bool = _setting(
        parse_flag,
        "/metrics answers every client, not only loopback",
        "WIT_METRICS_PUBLIC",
        default=False,
    )
    workers: int = _setting(parse_count, "Number of serving processes", "WIT_WORKERS", default=1)
    repositories_root: Path = _setting(
        parse_path, "Folder of the repositories", "WIT_REPOSITORIES_ROOT"
    )
    shared_objects: tuple[Path, ...] = _setting(
        parse_paths,
        "Folders outside the root, separated by ':', that alternates and links may lead to",
        "WIT_SHARED_OBJECTS",
        default=(),
    )
    push_create: str = _setting(
        parse_one_of("off", "users", "orgs", "all"),
        "Whose namespaces a first push may create repositories in",
        "WIT_PUSH_CREATE",
        default="all",
    )
    default_visibility: str = _setting(
        parse_one_of("public", "private"),
        "Visibility of repositories that a push creates",
        "WIT_DEFAULT_VISIBILITY",
        default="private",
    )
    anonymous_push: bool = _setting(
        parse_flag,
        "Everybody may push, as the owner; on loopback only",
        "WIT_ANONYMOUS_PUSH",
        default=False,
    )
    no_database: bool = _setting(
        parse_flag,
        "Serve what is on disk, without a database",
        "WIT_NO_DATABASE",
        default=False,
    )
    repository_hooks: bool = _setting(
        parse_flag, "Run the repositories' own hooks", "WIT_REPOSITORY_HOOKS", default=False
    )
    push_checks: Path = _setting(
        parse_path, "Folder of the programs that protected refs may name", "WIT_PUSH_CHECKS"
    )
    check_timeout_s: float = _setting(
        parse_seconds,
        "How long all checks of one push may take together",
        "WIT_CHECK_TIMEOUT",
        default=60.0,
    )
    max_push_bytes: int = _setting(
        parse_size, "Largest push", "WIT_MAX_PUSH_SIZE", default=2 * 1024**3
    )
    max_import_bytes: int = _setting(
        parse_size, "Largest repository to import", "WIT_MAX_IMPORT_SIZE", default=10 * 1024**3
    )
    import_timeout_s: float = _setting(
        parse_seconds, "How long an import may take", "WIT_IMPORT_TIMEOUT", default=3600.0
    )
    child_memory_bytes: int = _setting(
        parse_size, "Memory limit of one git process", "WIT_CHILD_MEMORY", default=2 * 1024**3
    )
    max_git_processes: int = _setting(
        parse_count, "Most git processes at once", "WIT_MAX_GIT_PROCESSES", default=64
    )
    answer_cache_bytes: int = _setting(
        parse_size,
        "Memory for answers to clones and fetches",
        "WIT_ANSWER_CACHE",
        default=64 * 1024**2,
    )
    idle_timeout_s: float = _setting(
        parse_seconds, "How long a client may stay silent", "WIT_IDLE_TIMEOUT", default=120.0
    )
    drain_timeout_s: float = _setting(
        parse_seconds,
        "How long running requests may take after SIGTERM",
        "WIT_DRAIN_TIMEOUT",
        default=30.0,
    )
    session_lifetime: timedelta = _setting(
        parse_lifetime,
        "How long a session is valid, such as 12h, 30d or 4w",
        "WIT_SESSION_LIFETIME",
        default=timedelta(days=30),
    )
    trash_age: timedelta = _setting(
        parse_lifetime,
        "How long 'sync' keeps deleted repositories in the trash",
        "WIT_TRASH_AGE",
        default=timedelta(days=30),
    )
    records_age: timedelta = _setting(
        parse_lifetime,
        "How long 'sync' keeps ended sessions and tokens, and settled pushes in the journal",
        "WIT_RECORDS_AGE",
        default=timedelta(days=90),
    )
    header_timeout_s: float = _setting(
        parse_seconds, "How long a request's head may take", "WIT_HEADER_TIMEOUT", default=30.0
    )
    keep_alive_s: float = _setting(
        parse_seconds, "How long an idle connection is kept", "WIT_KEEP_ALIVE", default=15.0
    )
    max_header_bytes: int = _setting(
        parse_size, "Largest head of a request", "WIT_MAX_HEADER_SIZE", default=32 * 1024
    )
    watcher_enabled: bool = _setting(
        parse_flag, "'serve' watches jj repositories", "WATCHER_ENABLED", default=False
    )
    watch_debounce_ms: int = _setting(
        parse_number,
        "Longest time in milliseconds that a burst of jj commands is held back",
        "WIT_WATCH_DEBOUNCE_MS",
        default=300,
    )
    watch_poll_interval_s: float = _setting(
        parse_seconds,
        "Seconds between looks at repositories without events",
        "WIT_WATCH_POLL_INTERVAL",
        default=30.0,
    )
    watch_workers: int = _setting(
        parse_count,
        "jj repositories that the watcher reads at the same time",
        "WIT_WATCH_WORKERS",
        default=2,
    )
    watch_max_changes: int | None = _setting(
        parse_count,
        "Most old, immutable changes of a jj repository to read at first; all if not set",
        "WIT_WATCH_MAX_CHANGES",
        default=None,
    )
    watch_kinds: tuple[str, ...] = _setting(
        parse_some_of(*_JJ_KINDS),
        "What is read of jj repositories, separated by commas",
        "WIT_WATCH_KINDS",
        default=_JJ_KINDS,
    )
    watch_metrics_port: int | None = _setting(
        parse_port,
        "Loopback port for the metrics of 'watch'; 0 takes a free one",
        "WIT_WATCH_METRICS_PORT",
        default=None,
    )
    git_program: str = _setting(str, "The git program", "WIT_GIT", default="git")
    log_level: str = _setting(
        parse_one_of("debug", "info", "warning", "error"),
        "Lowest level that is logged",
        "WIT_LOG_LEVEL",
        default="info",
    )
    log_format: str = _setting(
        parse_one_of("text", "json"), "Log format", "WIT_LOG_FORMAT", default="text"
    )

    @property
    def cache_dir(self) -> Path:
        """What can be deleted at any time."""
        return self.home / "cache"

    @property
    def run_dir(self) -> Path:
        """Locks of running servers."""
        return self.home / "run"

    @property
    def uses_embedded_database(self) -> bool:
        """SQLite, which ``serve`` migrates by itself."""
        return self.database_url.reveal().startswith("sqlite")
