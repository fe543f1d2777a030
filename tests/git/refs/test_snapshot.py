"""Refs are read without git only where git would show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.server import run_git
from wit_admin.git.files.marks import NotPlainError
from wit_admin.git.refs.snapshot import read_refs


@pytest.mark.parametrize(
    "lines",
    [
        "[http] uploadpack = no",
        "[http]\n\tUploadPack=0 ; not now",
        '[http]\n\tuploadpack = "false"',
        "[http]\n\tuploadpack = false # true",
        # Of the two lines the second is a key of its own.
        "[http]\n\tuploadpack =\n\ttrue",
    ],
)
def test_refs_of_a_repository_that_refuses_fetches_are_left_to_git(
    tmp_path: Path, lines: str
) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare", "off.git")
    gitdir = tmp_path / "off.git"
    assert read_refs(gitdir).refs == ()
    with (gitdir / "config").open("a", encoding="ascii") as config:
        config.write(f"{lines}\n")

    said = run_git(gitdir, "config", "--type=bool", "http.uploadpack").stdout

    assert said == "false\n"
    with pytest.raises(NotPlainError):
        read_refs(gitdir)
