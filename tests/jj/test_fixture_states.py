"""What follows from views and logs of repositories made by real jj: visibility, evolution, undo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.jj.test_fixture_commits import is_before
from tests.jj.test_fixture_stores import plain_view
from tests.support.jj_fixtures import Fixture
from wit_admin.jj.content_hash import operation_matches, view_matches
from wit_admin.jj.divergence import merge_heads
from wit_admin.jj.evolution import iter_older_versions, iter_versions
from wit_admin.jj.repository import JjRepository, open_repository
from wit_admin.jj.undo import parse_effect
from wit_admin.jj.visibility import find_divergent, immutable_heads, iter_visible


def test_visible_hidden_and_divergent_commits_are_those_of_jj(made_by_jj: Fixture) -> None:
    repository = open_fixture(made_by_jj)

    for operation_id, state in made_by_jj.states.items():
        visible = list(iter_visible(repository.commits, repository.read_view(operation_id)))
        divergent = find_divergent(visible)

        ids = {commit.id for commit in visible}
        assert ids == set(state["visible"])
        assert not ids & set(state["hidden"])
        # With steps the oracle also knows what was visible before "op abandon"; of the large one it
        # does not tell.
        if "steps" not in made_by_jj.oracle and made_by_jj.oracle["scenario"] != "big":
            assert ever_visible(repository, operation_id) - ids == set(state["hidden"])
        # jj marks hidden commits, too, when their change is divergent.
        assert {commit.id for commit in visible if commit.change_id in divergent} == ids & set(
            state["divergent"]
        )


def test_immutable_commits_are_those_of_jj_by_default(made_by_jj: Fixture) -> None:
    if is_before(made_by_jj, 20):
        pytest.skip("jj 0.17 had another default")
    repository = open_fixture(made_by_jj)

    for operation_id, state in made_by_jj.states.items():
        heads = immutable_heads(repository.commits, repository.read_view(operation_id))
        found = {commit.id for commit in repository.commits.walk(heads)}

        assert found & made_by_jj.oracle["commits"].keys() == set(state["immutable"])


def test_index_tells_the_order_and_the_offsets_that_jj_shows(made_by_jj: Fixture) -> None:
    repository = open_fixture(made_by_jj)

    for operation_id, state in made_by_jj.states.items():
        index = repository.open_index(operation_id)
        assert index is not None
        places = {commit_id: index.find_position(commit_id) for commit_id in state["visible"]}

        assert sorted(places, key=lambda each: -(places[each] or 0)) == state["visible"]
        for commit_id, offset in (state.get("change_offset") or {}).items():
            if offset is not None:
                change_id = repository.commits.read(commit_id).change_id
                place = index.find_position(commit_id)
                assert index.list_positions(change_id)[offset] == place


def test_index_agrees_with_our_own_change_ids_and_parents(made_by_jj: Fixture) -> None:
    repository = open_fixture(made_by_jj)

    for operation_id in made_by_jj.oracle["op_heads"]:
        index = repository.open_index(operation_id)
        assert index is not None
        rows = list(index)
        commits = [repository.commits.find(row.id) for row in rows]

        # What gc took from Git may still stand in the index.
        assert [
            (row.change_id, tuple(rows[parent].id for parent in row.parents))
            for row, commit in zip(rows, commits, strict=True)
            if commit is not None
        ] == [(commit.change_id, commit.parents) for commit in commits if commit is not None]


def test_versions_of_a_commit_are_those_of_its_evolution_log(made_by_jj: Fixture) -> None:
    if made_by_jj.oracle["current_op"] is None:
        pytest.skip("asked for after jj has merged only")
    repository = open_fixture(made_by_jj)
    operations = list(repository.iter_operations())

    for commit_id, rows in made_by_jj.oracle["evolog"].items():
        if is_before(made_by_jj, 30):
            older = list(iter_older_versions(repository.commits, commit_id))
            # jj 0.17 showed the branches of a squash in another order.
            assert sorted(older) == sorted(row["commit_id"] for row in rows)
        else:
            assert [
                {"commit_id": version.commit_id, "operation": version.operation_id}
                for version in iter_versions([commit_id], operations)
            ] == rows


def test_operations_that_do_not_count_any_more_are_found(made_by_jj: Fixture) -> None:
    expected = made_by_jj.oracle.get("expected", {}).get("operations", [])
    repository = open_fixture(made_by_jj)

    undone = repository.find_undone()

    if expected:
        assert undone == {row["id"] for row in expected if row["undone"]}
    for row in expected:
        effect = parse_effect(repository.op_store.read_operation(row["id"]))
        found = ("ordinary", None) if effect is None else (effect.kind, effect.target)
        assert found == (row["kind"], row["target"])


def test_ids_follow_from_what_was_read(made_by_jj: Fixture) -> None:
    repository = open_fixture(made_by_jj)

    for operation in repository.iter_operations():
        assert operation_matches(operation)
        view = repository.op_store.read_view(operation.view_id)
        # jj before 0.34 hashed remotes that it did not write.
        assert view_matches(view) or is_before(made_by_jj, 34)


def test_provisional_view_is_the_one_that_jj_makes_next(made_by_jj: Fixture) -> None:
    repository = open_fixture(made_by_jj)
    steps = made_by_jj.oracle.get("steps", [])
    merged_by_jj = {
        tuple(sorted(row["parents"])): row["id"] for row in made_by_jj.oracle["operations"]
    }

    for heads in (tuple(sorted(step["op_heads"])) for step in steps):
        if len(heads) > 1 and heads in merged_by_jj:
            provisional = merge_heads(repository.op_store, repository.commits, heads)

            ours = comparable(plain_view(provisional))
            theirs = comparable(plain_view(repository.read_view(merged_by_jj[heads])))
            assert ours == theirs


def open_fixture(fixture: Fixture) -> JjRepository:
    return open_repository(fixture.workspace, root=fixture.folder)


def ever_visible(repository: JjRepository, operation_id: str) -> set[str]:
    heads = {
        head
        for operation in repository.op_store.walk([operation_id])
        for head in repository.op_store.read_view(operation.view_id).head_ids
    }
    return {commit.id for commit in repository.commits.walk(heads)}


def comparable(view: dict[str, Any]) -> dict[str, Any]:
    return {**view, "view_id": None}
