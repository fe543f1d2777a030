"""Writes histories into bare repositories in process: commits, merges, branches and tags.

The same description always gives the same ids, so writing it again adds nothing. Refs that are
there already are left where they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, ObjectType, RepositoryOpenFlag

from wit_admin.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a commit or a tag."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; its first parent's tree with ``files`` on top, or the merge of two parents."""

    key: str
    """What other parts of the description call it."""
    parents: tuple[str, ...]
    """Keys; at most two."""
    message: str
    author: Author
    at: datetime
    files: Mapping[str, str | None] = field(default_factory=dict)
    """Content by path; ``None`` removes a file."""


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag of a commit, signed off by the commit's author at its time."""

    name: str
    commit: str
    message: str


@dataclass(frozen=True, slots=True)
class History:
    """Commits, parents first; which branches there are; tags."""

    commits: Sequence[Commit] = ()
    branches: Mapping[str, str] = field(default_factory=dict)
    """Key of the tip by name."""
    tags: Sequence[Tag] = ()


def write_history(gitdir: Path, history: History) -> dict[str, str]:
    """Write ``history`` into the bare repository and return the id of each commit by key.

    Raises:
        ValueError: The two parents of a merge change the same lines.
        ConflictError: A branch is somewhere else, so this is another repository.
    """
    repository = pygit2.Repository(str(gitdir), RepositoryOpenFlag.BARE)
    oids: dict[str, pygit2.Oid] = {}
    for commit in history.commits:
        oids[commit.key] = _write_commit(repository, commit, [oids[key] for key in commit.parents])
    _refuse_other_branches(repository, {n: oids[key] for n, key in history.branches.items()})
    commits = {commit.key: commit for commit in history.commits}
    for tag in history.tags:
        if f"refs/tags/{tag.name}" not in repository.references:
            _write_tag(repository, tag, oids[tag.commit], commits[tag.commit])
    # Branches last: who finds them finds all the rest.
    for name, key in history.branches.items():
        with contextlib.suppress(pygit2.AlreadyExistsError):
            repository.references.create(f"refs/heads/{name}", oids[key])
    return {key: str(oid) for key, oid in oids.items()}


def _refuse_other_branches(
    repository: pygit2.Repository, branches: Mapping[str, pygit2.Oid]
) -> None:
    for name, oid in branches.items():
        ref = repository.references.get(f"refs/heads/{name}")
        if ref is not None and ref.target != oid:
            raise ConflictError(f"Another repository is in {repository.path}.")


def _write_commit(
    repository: pygit2.Repository, commit: Commit, parents: list[pygit2.Oid]
) -> pygit2.Oid:
    signature = _signature(commit)
    return repository.create_commit(
        None,
        signature,
        signature,
        commit.message + "\n",
        _write_tree(repository, commit, parents),
        parents,
    )


def _write_tree(
    repository: pygit2.Repository, commit: Commit, parents: list[pygit2.Oid]
) -> pygit2.Oid:
    if len(parents) > 1:
        index = repository.merge_commits(parents[0], parents[1])
        if index.conflicts is not None:
            raise ValueError(f"the parents of {commit.key} are in conflict")
    else:
        index = pygit2.Index()
        if parents:
            index.read_tree(repository[parents[0]].peel(pygit2.Tree))
    for path, content in commit.files.items():
        if content is None:
            index.remove(path)
        else:
            blob = repository.create_blob(content.encode())
            index.add(pygit2.IndexEntry(path, blob, FileMode.BLOB))
    return index.write_tree(repository)


def _write_tag(repository: pygit2.Repository, tag: Tag, target: pygit2.Oid, commit: Commit) -> None:
    with contextlib.suppress(pygit2.AlreadyExistsError):
        repository.create_tag(
            tag.name,
            target,
            ObjectType.COMMIT,
            _signature(commit),
            tag.message + "\n",
        )


def _signature(commit: Commit) -> pygit2.Signature:
    moment = int(commit.at.timestamp())
    return pygit2.Signature(commit.author.name, commit.author.email, moment, 0)
