"""What every test stands on: a clean environment, a fixed git identity, real databases."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, settings
from pygit2.enums import ConfigLevel
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from tests.support.databases import Databases, PostgresDatabases, SqliteDatabases
from tests.support.postgres import run_postgres
from tests.support.server import forget_ended_servers, logs_of_servers
from tests.support.sharing import BySharedFixture, long_first
from wit_admin.db.engine import make_sessions, open_engine

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
"""Every test that touches the database runs on both."""

# The same examples each time, however slow the machine: a change alone makes a test fail.
# "make search" looks for more.
settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", settings.get_profile("same"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

_GIT_IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ann Author",
    "GIT_AUTHOR_EMAIL": "ann@example.test",
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.test",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=long_first)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BySharedFixture:
    config.option.loadscopereorder = False
    return BySharedFixture(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    forget_ended_servers()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failure what the servers wrote."""
    report = yield
    if report.failed:
        report.sections += [(f"log of a server: {name}", text) for name, text in logs_of_servers()]
    return report


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> None:
    # What runs in the background of a shell ignores them, and so would all that the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_proxy_is_asked_for_servers_on_loopback() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                patched.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _git_ignores_this_machine() -> None:
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""


@pytest.fixture(scope="session", autouse=True)
def _nothing_waits_for_the_disk() -> Iterator[None]:
    # No test cuts the power, and what a killed process wrote the kernel has.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # Thousands of tests need no folder, and making one takes longer than most of them.
    has_folder = "tmp_path" in request.fixturenames
    home = request.getfixturevalue("tmp_path") if has_folder else Path("/nonexistent")
    for name in list(os.environ):
        is_ours = name.startswith(("GIT_", "WIT_")) and not name.startswith("WIT_TEST_")
        if is_ours or name in {"DATABASE_URL", "DB_PATH", "PORT", "WATCHER_ENABLED"}:
            monkeypatch.delenv(name)
    for name, value in _GIT_IDENTITY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("WIT_HOME", str(home / "wit"))


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[PostgresDatabases]:
    if os.environ.get("WIT_TEST_POSTGRESQL") == "skip":
        pytest.skip("WIT_TEST_POSTGRESQL=skip leaves PostgreSQL out")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if url := os.environ.get("WIT_TEST_POSTGRESQL_URL"):
        databases = PostgresDatabases(url, worker)
        yield databases
        databases.close()
    else:
        with run_postgres() as url:
            yield PostgresDatabases(url, worker)


@pytest.fixture(params=KINDS)
def _databases(request: pytest.FixtureRequest) -> SqliteDatabases | PostgresDatabases:
    found: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    return found


@pytest.fixture(scope="module", params=KINDS)
def module_databases(request: pytest.FixtureRequest) -> Databases:
    """Either kind, for what a module makes once."""
    found: Databases = request.getfixturevalue(f"_{request.param}")
    return found


@pytest.fixture
def database_url(_databases: SqliteDatabases | PostgresDatabases) -> Iterator[str]:
    """Of a migrated database without rows, on either kind."""
    with _databases.create() as url:
        yield url


@pytest.fixture
def empty_database_url(_databases: SqliteDatabases | PostgresDatabases) -> Iterator[str]:
    """Of a database without tables, on either kind."""
    with _databases.create(empty=True) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """On a migrated database without rows, on either kind."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    """On a migrated database without rows, on either kind."""
    return make_sessions(engine)
