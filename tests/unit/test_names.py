"""Names are checked once, where they enter."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wit_admin.errors import InvalidInputError
from wit_admin.names import RepoName, TeamName, check_branch_name


@pytest.mark.parametrize("text", ["alice/demo", "a/b", "alice/demo.git", "A-1/x_y.z", "me2/.dots"])
def test_ordinary_names_are_read(text: str) -> None:
    name = RepoName.parse(text)

    assert str(name) == text.removesuffix(".git")
    assert name.disk_path == f"{name.owner}/{name.name}.git"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "alice",
        "alice/",
        "/demo",
        "alice/demo/more",
        "alice/..",
        "../demo",
        "alice/a..b",
        "alice/demo.git.git",
        "alice/demo.lock",
        "alice/DEMO.LOCK",
        "-rf/demo",
        "alice/-demo",
        "api/demo",
        "Health/demo",
        "alice/de mo",
        "alice/de\0mo",
        "alice/dëmo",
        "a" * 40 + "/demo",
        "alice/" + "d" * 101,
    ],
)
def test_dangerous_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        RepoName.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme",
        "acme/",
        "/core",
        "acme/a/b",
        "acme/a..b",
        "acme/-a",
        "acme/cör",
        "acme/a b",
        "acme/a\0",
        "api/core",
        "acme/" + "t" * 40,
    ],
)
def test_what_names_no_team_is_refused(text: str) -> None:
    assert str(TeamName.parse("Acme/core.2")) == "Acme/core.2"
    with pytest.raises(InvalidInputError):
        TeamName.parse(text)


def test_names_that_differ_in_case_share_a_key() -> None:
    assert RepoName.parse("Alice/Demo").key == RepoName.parse("alice/demo").key


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12))
def test_branch_names_agree_with_git(text: str) -> None:
    result = subprocess.run(
        ["git", "check-ref-format", "--branch", text], capture_output=True, check=False
    )
    # git also expands @{-1} here and refuses the name HEAD; both are no names of branches.
    allowed = result.returncode == 0 and text not in {"HEAD", "@"}

    try:
        check_branch_name(text)
    except InvalidInputError:
        assert not allowed
    else:
        assert allowed or text == "HEAD"
