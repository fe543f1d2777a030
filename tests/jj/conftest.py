"""Unpacks the repositories made by real jj, one at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jj_fixtures import Fixture, list_fixtures, unpack_fixture
from tests.support.jj_writer import JjWriter


@pytest.fixture(scope="session", params=list_fixtures())
def made_by_jj(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fixture]:
    """Each fixture in turn, shared by all tests; nobody may change it."""
    folder = tmp_path_factory.mktemp("jj")
    yield unpack_fixture(request.param, folder)
    shutil.rmtree(folder)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that nothing may lead out of."""
    path = tmp_path / "root"
    path.mkdir()
    return path


@pytest.fixture
def writer(root: Path) -> JjWriter:
    """A new repository, yet without any operation."""
    return JjWriter(root / "repo")
