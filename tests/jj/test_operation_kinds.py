"""The kinds of operations, from the texts of all versions of jj."""

from __future__ import annotations

import dataclasses

import pytest

from wit_admin.jj.operation_kinds import operation_type
from wit_admin.jj.operations import ROOT_OPERATION

ID = "0a" * 20


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("initialize repo", "init"),
        ("add workspace 'default'", "workspace add"),
        ("remove workspaces one, two", "workspace remove"),
        ("forget workspaces one, two", "workspace forget"),
        ("import git head", "git import"),
        ("set git head to working copy parent", "git head"),
        ("fetch from git remote(s) origin", "git fetch"),
        ("push all bookmarks/tags to git remote origin", "git push"),
        ("reconcile divergent operations", "reconcile"),
        ("merge 3 operations", "reconcile"),
        (f"undo operation {ID}", "undo"),
        (f"undo: restore to operation {ID}", "undo"),
        (f"redo: restore to operation {ID}", "redo"),
        (f"restore to operation {ID}", "op restore"),
        (f"restore into commit {ID}", "restore"),
        (f"revert operation {ID}", "op revert"),
        (f"revert commit {ID}", "revert"),
        (f"edit commit {ID}", "edit"),
        (f"edit commit metadata for commit {ID} and 1 more", "metaedit"),
        (f"edit file a in commit {ID}", "file edit"),
        (f"delete paths in commit {ID}", "file delete"),
        (f"squash commits into {ID}", "squash"),
        ("squash 3 commits", "squash"),
        (f"unsquash commit {ID}", "unsquash"),
        (f"Resolve conflicts in commit {ID}", "resolve"),
        (f"create branch main pointing to commit {ID}", "bookmark"),
        ("track remote bookmark main@origin", "bookmark"),
        ("track remote tag v1@origin", "tag"),
        ("what a program of somebody else did", "other"),
    ],
)
def test_kind_follows_from_the_text(description: str, kind: str) -> None:
    assert operation_type(dataclasses.replace(ROOT_OPERATION, description=description)) == kind


@pytest.mark.parametrize(
    ("args", "kind"),
    [
        ("jj rebase -d main", "rebase"),
        ("jj --no-pager '--color=never' git push", "git push"),
        ("jj branch set main", "bookmark"),
        ("jj my-alias", "other"),
        ("jj", "other"),
        ("", "other"),
    ],
)
def test_command_line_decides_where_the_text_is_unknown(args: str, kind: str) -> None:
    operation = dataclasses.replace(ROOT_OPERATION, description="news", attributes={"args": args})

    assert operation_type(operation) == kind
    assert operation_type(dataclasses.replace(operation, is_snapshot=True)) == "snapshot"
