"""Servers that the tests of one module share; each must be left without children and locks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.accounts import make_account
from tests.support.place import Place
from tests.support.repositories import commit, new_work
from tests.support.server import running_server


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An account, on a server with a database."""
    with running_server(tmp_path_factory.mktemp("forge") / "home") as server:
        place = Place(server, make_account(server, password="correct horse"))
        yield place
        place.assert_tidy()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Whatever stands on disk, on a server without a database; anybody may push."""
    home = tmp_path_factory.mktemp("disk") / "home"
    with running_server(home, "--no-database", "--anonymous-push") as server:
        place = Place(server)
        yield place
        place.assert_tidy()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A working tree with one commit on ``main``."""
    folder = new_work(tmp_path / "work")
    commit(folder, "first")
    return folder
