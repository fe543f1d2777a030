"""Layouts, operations and views of repositories made by real jj, row for row."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.support.jj_fixtures import Fixture
from wit_admin.jj.layout import Layout, find_workspace, open_layout, read_workspace
from wit_admin.jj.op_heads import list_op_heads
from wit_admin.jj.op_store import OpStore
from wit_admin.jj.operations import Operation, Timestamp
from wit_admin.jj.ref_targets import RefTarget
from wit_admin.jj.views import View


def test_every_workspace_leads_to_the_same_stores(made_by_jj: Fixture) -> None:
    oracle, root = made_by_jj.oracle, made_by_jj.folder
    found = {
        name: find_workspace(root / path, root=root) for name, path in oracle["workspaces"].items()
    }

    layouts = {name: open_layout(path, root=root) for name, path in found.items()}

    assert {name: read_workspace(path).name for name, path in found.items()} == {
        name: name for name in found
    }
    main = open_fixture(made_by_jj)
    assert {layout.repo for layout in layouts.values()} <= {main.repo}
    assert main.git.path.resolve() == (root / oracle["git_dir"]).resolve()
    assert main.git.id_bytes == {"sha1": 20, "sha256": 32}[oracle["object_hash"]]


def test_operation_heads_are_the_names_in_the_folder(made_by_jj: Fixture) -> None:
    layout = open_fixture(made_by_jj)

    heads = list_op_heads(layout.op_heads)

    assert list(heads) == sorted(made_by_jj.oracle["op_heads"])
    current = store_of(layout).reduce_heads(heads)
    assert made_by_jj.oracle["current_op"] == (current[0] if len(current) == 1 else None)


def test_operations_equal_those_that_jj_shows(made_by_jj: Fixture) -> None:
    layout = open_fixture(made_by_jj)

    walked = store_of(layout).walk(list_op_heads(layout.op_heads))
    operations = [plain_operation(operation) for operation in walked]

    assert by_id(operations) == by_id(made_by_jj.oracle["operations"])
    # jj has no order for several heads.
    if made_by_jj.oracle["current_op"] is not None:
        assert operations == made_by_jj.oracle["operations"]


def test_views_equal_those_that_jj_shows(made_by_jj: Fixture) -> None:
    store = store_of(open_fixture(made_by_jj))

    views = {
        operation_id: plain_view(store.read_view(store.read_operation(operation_id).view_id))
        for operation_id in made_by_jj.states
    }

    assert views == {
        operation_id: {
            **{key: state[key] for key in ("view_id", "workspaces", "git_refs", "git_heads")},
            "head_ids": sorted(state["head_ids"]),
            "bookmarks": sorted(state["bookmarks"], key=name_and_remote),
            "tags": sorted(state["tags"], key=name_and_remote),
        }
        for operation_id, state in made_by_jj.states.items()
    }


def test_views_without_git_refs_lose_nothing_else(made_by_jj: Fixture) -> None:
    store = store_of(open_fixture(made_by_jj))

    for operation_id in made_by_jj.states:
        view_id = store.read_operation(operation_id).view_id
        whole = store.read_view(view_id)

        assert store.read_view(view_id, with_git_refs=False) == dataclasses.replace(
            whole, git_refs={}
        )


def open_fixture(fixture: Fixture) -> Layout:
    return open_layout(find_workspace(fixture.workspace), root=fixture.folder)


def store_of(layout: Layout) -> OpStore:
    return OpStore(layout.op_store, layout.git.id_bytes)


def by_id(operations: Any) -> dict[str, Any]:
    return {operation["id"]: operation for operation in operations}


def plain_operation(operation: Operation) -> dict[str, Any]:
    plain = dataclasses.asdict(operation)
    return {
        **plain,
        "parents": list(operation.parents),
        "start": plain_time(operation.start),
        "end": plain_time(operation.end),
        "predecessors": operation.predecessors
        and {new: list(old) for new, old in operation.predecessors.items()},
    }


def plain_time(time: Timestamp) -> dict[str, int]:
    return {"ms": time.ms, "tz": time.tz_minutes}


def plain_view(view: View) -> dict[str, Any]:
    remotes = view.remotes.items()
    return {
        "view_id": view.id,
        "head_ids": sorted(view.head_ids),
        "workspaces": dict(view.working_copies),
        "git_refs": plain_targets(view.git_refs),
        "git_heads": plain_targets(view.git_heads),
        "bookmarks": plain_refs(view.bookmarks, {name: seen.bookmarks for name, seen in remotes}),
        "tags": plain_refs(view.tags, {name: seen.tags for name, seen in remotes}),
    }


def plain_targets(targets: Any) -> dict[str, list[str | None]]:
    return {name: list(target.terms) for name, target in targets.items()}


def plain_refs(local: Any, remotes: Any) -> list[dict[str, Any]]:
    rows = [plain_ref(name, None, target, None) for name, target in local.items()]
    for remote, refs in remotes.items():
        rows += [plain_ref(name, remote, ref.target, ref.is_tracked) for name, ref in refs.items()]
    return sorted(rows, key=name_and_remote)


def plain_ref(
    name: str, remote: str | None, target: RefTarget, tracked: bool | None
) -> dict[str, Any]:
    return {"name": name, "remote": remote, "target": list(target.terms), "tracked": tracked}


def name_and_remote(row: dict[str, Any]) -> tuple[str, str]:
    return row["name"], row["remote"] or ""
