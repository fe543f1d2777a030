"""The commits that a change was: as jj's own evolution log has them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW, make_demo
from tests.support.databases import Databases
from tests.support.jj_site import JjSite, open_jj_site
from tests.support.jj_writer import JjWriter
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.jj.evolution import MAX_WANTED
from wit_admin.services.jj.evolution import Evolution, read_evolution
from wit_admin.services.jj.sync import sync_repository

CHANGE = "kmnopqrstuvwxyzl" * 2


@pytest.fixture(scope="module")
def site(module_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JjSite]:
    with open_jj_site(
        module_databases,
        tmp_path_factory.mktemp("jj"),
        rewrites="0.45.1/rewrites",
        old="0.17.1/rewrites",
        divergent="0.45.1/divergent",
        lost="0.45.1/linear",
    ) as opened:
        yield opened


def evolution(site: JjSite, name: str, change: str, *, limit: int = 1000) -> Evolution:
    root = site.fixtures[name].folder
    return read_evolution(site.sessions, site.ids[name], change, root=root, limit=limit)


@pytest.mark.parametrize("name", ["rewrites", "old", "divergent"])
def test_forms_of_a_change_are_those_of_jjs_evolution_log(site: JjSite, name: str) -> None:
    oracle = site.fixtures[name].oracle
    state = oracle["states"][oracle["current_op"]]
    compared = 0
    for commit_id in state["visible"]:
        change_id = oracle["commits"][commit_id]["change_id"]
        if commit_id not in oracle["evolog"]:
            continue
        forms = evolution(site, name, change_id).forms

        expected = {row["commit_id"]: row["operation"] for row in oracle["evolog"][commit_id]}
        found = {form.commit_id: form.operation_id for form in forms}
        is_divergent = commit_id in state["divergent"]
        assert expected.items() <= found.items() if is_divergent else expected == found
        if not is_divergent and name != "old":
            assert list(expected) == list(found)
        compared += len(expected) > 1
    assert compared


def test_form_says_who_made_it_what_it_replaced_and_whether_it_still_stands(site: JjSite) -> None:
    oracle = site.fixtures["rewrites"].oracle
    commit_id = next(each for each, rows in oracle["evolog"].items() if len(rows) > 3)
    facts = oracle["commits"]

    first, *rest = evolution(site, "rewrites", commit_id[:12]).forms

    assert (first.commit_id, first.is_visible) == (commit_id, True)
    assert first.description == facts[commit_id]["description"]
    assert first.operation in {row["description"] for row in oracle["operations"]}
    assert first.made_at is not None
    assert set(first.predecessors) <= {form.commit_id for form in rest}
    assert not any(form.is_visible for form in rest)


def test_more_forms_than_wanted_are_said_to_be_there(site: JjSite) -> None:
    oracle = site.fixtures["rewrites"].oracle
    commit_id = next(each for each, rows in oracle["evolog"].items() if len(rows) > 3)

    some = evolution(site, "rewrites", commit_id, limit=2)

    assert len(some.forms) == 2
    assert some.gap == "There are more than 2."


def test_without_the_disk_what_was_synced_remains(site: JjSite) -> None:
    fixture = site.fixtures["lost"]
    oracle = fixture.oracle
    commit_id = oracle["states"][oracle["current_op"]]["workspaces"]["default"]
    outside = read_evolution(
        site.sessions, site.ids["lost"], commit_id, root=fixture.folder / "elsewhere", limit=9
    )
    shutil.rmtree(fixture.workspace)

    gone = evolution(site, "lost", commit_id)

    for found in (outside, gone):
        assert [(form.commit_id, form.is_visible) for form in found.forms] == [(commit_id, True)]
        assert found.forms[0].description == oracle["commits"][commit_id]["description"]
        assert "only what was synced" in (found.gap or "")


def test_change_with_predecessors_without_end_is_told_as_it_was_synced(
    sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    writer = JjWriter(tmp_path / "repo")
    commit = writer.commit(change_id=CHANGE)
    many = tuple(f"{number:040x}" for number in range(1, MAX_WANTED + 2))
    view = writer.view(commit)
    few = writer.publish(view, predecessors={commit: many[1:]})
    with sessions.begin() as session:
        repo_id = make_demo(session)[1]
    sync_repository(sessions, repo_id, writer.workspace, now=NOW)
    first = read_evolution(sessions, repo_id, CHANGE, root=tmp_path, limit=2000)
    writer.publish(view, few, predecessors={commit: many})
    sync_repository(sessions, repo_id, writer.workspace, now=NOW)

    second = read_evolution(sessions, repo_id, CHANGE, root=tmp_path, limit=2000)

    assert first.gap is None
    assert [form.commit_id for form in second.forms] == [commit]
    assert "has no end" in (second.gap or "")


def test_change_that_is_not_there_or_not_one_is_refused(site: JjSite) -> None:
    with pytest.raises(NotFoundError, match="no change kkkkkkkkkkkkkkkkkkkkkk"):
        evolution(site, "rewrites", "k" * 22)
    with pytest.raises(InvalidInputError, match="no change id"):
        evolution(site, "rewrites", "main")
