"""Paths, queries and credentials that nobody sends by accident."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.errors import InvalidInputError, UnauthenticatedError
from wit_admin.names import RepoName
from wit_admin.web.auth import read_credentials
from wit_admin.web.git_routes import GitRoute, is_git_path, match_route, protocol_version
from wit_admin.web.problems import Problem

QUERY = b"service=git-upload-pack"

BAD_PATHS = [
    b"/../alice/info/refs", b"/alice/../info/refs", b"/alice/..git/info/refs",
    b"/alice/.git/info/refs", b"/alice/demo.git.git/info/refs", b"/alice/demo.lock/info/refs",
    b"/alice/demo%2egit/info/refs", b"/alice%2fdemo/x/info/refs", b"/alice/%2e%2e/info/refs",
    b"/alice/demo%00/info/refs", b"/alice/demo\0/info/refs", b"/alice/d\xc0\xafx/info/refs",
    b"/alice/d\xe2\x81\x84x/info/refs", b"/alice/..\\demo/info/refs", b"/alice/-demo/info/refs",
    b"/alice/demo /info/refs", b"/alice/demo;x/info/refs", b"/alice/demo\n/info/refs",
    b"/api/demo/info/refs", b"/HEALTH/demo/info/refs", b"/alice/" + b"x" * 101 + b"/info/refs",
    b"/" + b"x" * 40 + b"/demo/info/refs", b"/alice/" + b"x" * 60_000 + b"/info/refs",
    b"/alice/demo..x/info/refs", b"/alice/demo./info/refs", b"/.alice/demo/info/refs",
]  # fmt: skip
NO_GIT_PATHS = [
    b"//alice/demo/info/refs", b"/alice//info/refs", b"/alice/demo/info/refs/",
    b"/alice/demo//info/refs", b"/alice/demo/info/../info/refs", b"/alice/demo/info/refs%00",
    b"/alice/demo", b"/info/refs", b"", b"*", b"http://elsewhere/alice/demo/info/refs",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_path_with_an_impossible_name_is_not_found(path: bytes) -> None:
    with pytest.raises(Problem) as caught:
        match_route("GET", path, QUERY)

    assert caught.value.status == 404
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("path", NO_GIT_PATHS)
def test_path_of_another_shape_is_none_of_git(path: bytes) -> None:
    assert not is_git_path(path)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "PROPFIND", ""]),
    st.one_of(st.binary(max_size=60), st.sampled_from(BAD_PATHS + NO_GIT_PATHS)),
    st.binary(max_size=60),
)
def test_any_request_line_is_a_route_or_a_problem(method: str, path: bytes, query: bytes) -> None:
    for candidate in (path, b"/alice/" + path + b"/info/refs", b"/alice/demo/git-" + path):
        outcome: GitRoute | Problem
        try:
            outcome = match_route(method, candidate, query)
        except Problem as problem:
            outcome = problem
        if isinstance(outcome, GitRoute):
            assert is_git_path(candidate)
        else:
            assert 400 <= outcome.status < 500
            assert outcome.message.endswith(".")


@given(st.text(max_size=120))
def test_name_of_any_text_stays_in_its_folder_or_is_refused(text: str) -> None:
    try:
        name = RepoName.parse(text)
    except InvalidInputError:
        return
    owner, folder = name.disk_path.split("/")
    assert owner not in {"", ".", ".."}
    assert folder.isascii()
    assert folder.endswith(".git")
    assert name.key == (owner.lower(), folder.removesuffix(".git").lower())
    assert RepoName.parse(str(name)) == name


def test_names_that_differ_in_case_have_one_key() -> None:
    assert RepoName.parse("Alice/Demo").key == RepoName.parse("alice/demo.git").key


@given(st.one_of(st.none(), st.binary(max_size=300)))
def test_any_git_protocol_header_is_a_version(header: bytes | None) -> None:
    assert protocol_version(header) in {0, 1, 2}


@pytest.mark.parametrize(
    ("header", "version"),
    [(b"version=2", 2), (b"version=1:version=2", 2), (b"version=22", 0), (b"xversion=2", 0),
     (b"version=2:" + b"x" * 300, 0), (b"server=1:version=1", 1), (b"version=-1", 0)],
)  # fmt: skip
def test_version_is_the_highest_that_is_named(header: bytes, version: int) -> None:
    assert protocol_version(header) == version


@pytest.mark.parametrize(
    "value",
    [
        b"", b"Basic", b"Basic ", b"Basic !!!", b"Basic =", b"Basic YQ", b"Digest abc",
        b"Basic " + base64.b64encode(b"no colon"), b"Basic " + base64.b64encode(b"a:\0b"),
        b"Basic " + base64.b64encode(b"\xff\xfe:x"), b"Bearer", b"Bearer \xff", b"Bearer a\0b",
        b"Bearer " + b"x" * 5000, b"Basic YTpi, Basic YTpi", b"\0",
    ],
)  # fmt: skip
def test_garbage_for_credentials_is_unauthenticated(value: bytes) -> None:
    with pytest.raises(UnauthenticatedError):
        read_credentials({b"authorization": value})


@given(st.binary(max_size=100))
def test_any_credentials_are_read_or_refused_and_never_shown(value: bytes) -> None:
    for header in (value, b"Basic " + base64.b64encode(value), b"Bearer " + value):
        try:
            credentials = read_credentials({b"authorization": header})
        except UnauthenticatedError:
            continue
        assert credentials is not None
        assert "secret=***" in repr(credentials)
