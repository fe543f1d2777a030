"""What was synced from repositories that real jj made, read back: as jj itself says it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.databases import Databases
from tests.support.jj_site import JjSite, open_jj_site
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries.jj_bookmarks import BookmarkFilter
from wit_admin.db.queries.jj_changes import ChangeRow
from wit_admin.db.queries.jj_conflicts import ConflictFilter
from wit_admin.db.queries.jj_operations import OperationFilter, OperationRow
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.services.jj.following import FollowedOperations
from wit_admin.services.jj.lookups import resolve_change
from wit_admin.services.jj.reading import (
    ChangeQuery,
    Listed,
    list_bookmarks,
    list_changes,
    list_conflicts,
    list_operations,
    order_log,
)

ALL = PageRequest(1000)
ANY = ChangeQuery(is_hidden=None)


@pytest.fixture(scope="module")
def site(module_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JjSite]:
    with open_jj_site(
        module_databases,
        tmp_path_factory.mktemp("jj"),
        timeline="0.45.1/timeline",
        open="0.45.1/concurrent_open",
        conflicts="0.45.1/conflicts_resolved",
        remotes="0.45.1/bookmarks_remote",
    ) as opened:
        yield opened


def changes(site: JjSite, name: str, wanted: ChangeQuery = ANY) -> tuple[ChangeRow, ...]:
    return list_changes(site.sessions, site.ids[name], wanted, ALL).items


def last_state(site: JjSite, name: str) -> dict[str, Any]:
    fixture = site.fixtures[name]
    found: dict[str, Any] = fixture.states[fixture.oracle["current_op"]]
    return found


def test_changes_are_those_that_jj_lists_with_the_same_marks(site: JjSite) -> None:
    state = last_state(site, "timeline")
    facts = site.fixtures["timeline"].oracle["commits"]

    visible = changes(site, "timeline", ChangeQuery())

    assert sorted(each for row in visible for each in row.commits) == sorted(state["visible"])
    for row in visible:
        assert facts[row.commit_id]["change_id"] == row.change_id
        assert row.description == facts[row.commit_id]["description"]
        assert row.is_divergent == (row.commit_id in state["divergent"])
        assert row.is_immutable == (row.commit_id in state["immutable"])
    assert {row.commit_id for row in visible if row.is_working_copy} == set(
        state["workspaces"].values()
    )


def test_each_filter_takes_what_it_names_and_nothing_else(site: JjSite) -> None:
    rows = changes(site, "timeline")
    some = next(row for row in rows if row.description.strip())
    first_word = some.description.split()[0]

    cases: list[tuple[ChangeQuery, Callable[[ChangeRow], bool]]] = [
        (ChangeQuery(), lambda row: not row.is_hidden),
        (ChangeQuery(is_hidden=True), lambda row: row.is_hidden),
        (ChangeQuery(is_hidden=None, is_divergent=True), lambda row: row.is_divergent),
        (ChangeQuery(is_hidden=None, is_conflicted=True), lambda row: row.has_conflicts),
        (ChangeQuery(is_hidden=None, is_immutable=False), lambda row: not row.is_immutable),
        (
            ChangeQuery(is_hidden=None, text=first_word.upper()),
            lambda row: first_word.lower() in row.description.lower(),
        ),
        (
            ChangeQuery(is_hidden=None, text=some.change_id[:7].upper()),
            lambda row: row.change_id == some.change_id,
        ),
        (ChangeQuery(is_hidden=None, author="%"), lambda row: False),
        (
            ChangeQuery(is_hidden=None, author=some.author_email.upper()),
            lambda row: row.author_email == some.author_email,
        ),
    ]
    for wanted, fits in cases:
        assert list(changes(site, "timeline", wanted)) == [row for row in rows if fits(row)]


def test_changes_of_a_bookmark_are_what_it_leads_to(site: JjSite) -> None:
    """Both sides of ``main``, which is conflicted here; ``from-git`` has one."""
    facts = site.fixtures["timeline"].oracle["commits"]
    targets = {
        row["name"]: row["target"][::2]
        for row in last_state(site, "timeline")["bookmarks"]
        if row["remote"] is None
    }
    assert len(targets["main"]) == 2

    for name, heads in targets.items():
        waiting, expected = list(heads), set()
        while waiting:
            commit_id = waiting.pop()
            if commit_id not in expected:
                expected.add(commit_id)
                waiting += facts[commit_id]["parents"]

        rows = changes(site, "timeline", ChangeQuery(is_hidden=None, bookmark=name))

        assert {row.change_id for row in rows} == {facts[each]["change_id"] for each in expected}


def test_bookmark_that_is_not_there_is_said_to_be_missing(site: JjSite) -> None:
    with pytest.raises(NotFoundError, match="no bookmark main@nowhere"):
        changes(site, "timeline", ChangeQuery(bookmark="main@nowhere"))


@pytest.mark.parametrize("limit", [1, 7])
def test_pages_together_are_the_whole(site: JjSite, limit: int) -> None:
    repo_id = site.ids["timeline"]
    lists: list[tuple[Any, Any]] = [
        (list_changes, ANY),
        (list_bookmarks, BookmarkFilter()),
        (list_conflicts, ConflictFilter()),
    ]
    for read, wanted in lists:
        paged: list[Any] = []
        cursor: str | None = None
        while True:
            page = read(site.sessions, repo_id, wanted, PageRequest(limit, cursor))
            paged += page.items
            cursor = page.next_cursor
            if cursor is None:
                break

        assert paged == list(read(site.sessions, repo_id, wanted, ALL).items)


def test_pages_of_the_log_together_are_the_whole(site: JjSite) -> None:
    repo_id, wanted = site.ids["timeline"], OperationFilter()
    paged: list[OperationRow] = []
    cursor: str | None = None
    while True:
        log = list_operations(site.sessions, repo_id, wanted, PageRequest(5, cursor))
        paged += log.operations
        cursor = log.next_cursor
        if cursor is None:
            break

    whole = list_operations(site.sessions, repo_id, wanted, ALL)
    assert {row.operation_id for row in paged} == {row.operation_id for row in whole.operations}
    assert len(paged) == len(whole.operations)
    assert list(whole.heads) == sorted(site.fixtures["timeline"].oracle["op_heads"])


@pytest.mark.parametrize("name", ["timeline", "open"])
def test_no_operation_stands_ahead_of_one_that_follows_it(site: JjSite, name: str) -> None:
    log = list_operations(site.sessions, site.ids[name], OperationFilter(), ALL)

    seen: set[str] = set()
    for row in log.operations:
        assert not seen & set(row.parents)
        seen.add(row.operation_id)
    assert seen == {row["id"] for row in site.fixtures[name].oracle["operations"]} - {"0" * 128}
    assert set(log.heads) <= seen


def test_every_shortest_prefix_names_its_change_and_one_letter_less_does_not(
    site: JjSite,
) -> None:
    repo_id = site.ids["timeline"]
    rows = changes(site, "timeline")

    with site.sessions() as session:
        for row in rows:
            for prefix in (row.change_prefix, row.commit_prefix, row.change_prefix.upper()):
                assert resolve_change(session, repo_id, prefix) == row.change_id
            if len(row.change_prefix) > 1:
                with pytest.raises(InvalidInputError, match="ambiguous") as refused:
                    resolve_change(session, repo_id, row.change_prefix[:-1])
                assert refused.value.hint
    assert any(len(row.change_prefix) > 1 for row in rows)


@pytest.mark.parametrize("prefix", ["", "abk", "%", "k_", "k" * 33, "\0", "main", "0" * 65])
def test_what_is_no_id_is_refused(site: JjSite, prefix: str) -> None:
    with site.sessions() as session, pytest.raises(InvalidInputError, match="no change id"):
        resolve_change(session, site.ids["timeline"], prefix)


def test_bookmarks_are_those_that_jj_lists_with_all_terms(site: JjSite) -> None:
    for name in ("timeline", "remotes"):
        facts = site.fixtures[name].oracle["commits"]
        expected = {
            (row["name"], row["remote"]): row["target"]
            for row in last_state(site, name)["bookmarks"]
            if row["remote"] != "git"
        }

        listed = list_bookmarks(site.sessions, site.ids[name], BookmarkFilter(), ALL).items

        found = {(row.name, row.remote): [term.commit_id for term in row.terms] for row in listed}
        assert found == expected
        for row in listed:
            assert [term.is_added for term in row.terms[:3]] == [True, False, True][
                : len(row.terms)
            ]
            assert row.is_conflicted == (len(row.terms) > 1)
            for term in row.terms:
                known = facts.get(term.commit_id, {}).get("change_id")
                assert term.change_id in {known, None}


def test_filters_of_bookmarks(site: JjSite) -> None:
    repo_id = site.ids["remotes"]
    rows = list_bookmarks(site.sessions, repo_id, BookmarkFilter(), ALL).items

    cases: list[tuple[BookmarkFilter, Callable[[Listed], bool]]] = [
        (BookmarkFilter(remote=""), lambda row: row.remote is None),
        (BookmarkFilter(remote="origin"), lambda row: row.remote == "origin"),
        (BookmarkFilter(text="A"), lambda row: "a" in row.name.lower()),
        (BookmarkFilter(is_conflicted=True), lambda row: row.is_conflicted),
    ]
    for wanted, fits in cases:
        found = list_bookmarks(site.sessions, repo_id, wanted, ALL).items
        assert found == tuple(row for row in rows if fits(row))


def test_open_conflicts_are_the_paths_that_jj_lists(site: JjSite) -> None:
    oracle = site.fixtures["conflicts"].oracle
    visible = last_state(site, "conflicts")["visible"]
    expected = {
        (commit_id, path)
        for commit_id in visible
        for path in oracle["commits"][commit_id]["conflicted_paths"]
    }

    found = list_conflicts(
        site.sessions, site.ids["conflicts"], ConflictFilter(is_open=True), ALL
    ).items
    rest = list_conflicts(
        site.sessions, site.ids["conflicts"], ConflictFilter(is_open=False), ALL
    ).items

    assert {(row.commit_id, row.file_path) for row in found} == expected
    assert not any(row.is_visible and not row.is_resolved for row in rest)
    for row in (*found, *rest):
        assert (
            row
            in list_conflicts(
                site.sessions,
                site.ids["conflicts"],
                ConflictFilter(),
                ALL,
                change=row.change_id[:12],
            ).items
        )


def test_repository_that_was_never_synced_says_what_to_do(site: JjSite) -> None:
    repo_id = site.ids["plain"]
    lists: list[Any] = [
        lambda: list_changes(site.sessions, repo_id, ANY, ALL),
        lambda: list_operations(site.sessions, repo_id, OperationFilter(), ALL),
        lambda: list_bookmarks(site.sessions, repo_id, BookmarkFilter(), ALL),
        lambda: list_conflicts(site.sessions, repo_id, ConflictFilter(), ALL),
        lambda: list_conflicts(site.sessions, repo_id, ConflictFilter(), ALL, change="k"),
        lambda: FollowedOperations(site.sessions, repo_id, OperationFilter()),
    ]
    for read in lists:
        with pytest.raises(NotFoundError, match="alice/plain") as refused:
            read()
        assert "wit-admin watch sync alice/plain" in (refused.value.hint or "")


def test_log_with_wrong_clocks_and_circles_loses_nothing(site: JjSite) -> None:
    log = list_operations(site.sessions, site.ids["timeline"], OperationFilter(), ALL)
    some = list(log.operations[:3])
    a, b, c = (row.operation_id for row in some)
    chain = [
        dataclasses.replace(some[0], parents=()),
        dataclasses.replace(some[1], parents=(a,)),
        dataclasses.replace(some[2], parents=(b,)),
    ]
    circle = [
        dataclasses.replace(some[0], parents=(b,)),
        dataclasses.replace(some[1], parents=(a,)),
        some[2],
    ]

    assert [row.operation_id for row in order_log(chain)] == [c, b, a]
    assert {row.operation_id for row in order_log(circle)} == {a, b, c}
