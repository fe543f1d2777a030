"""Commits of one repository, and walks over them.

Git has the objects, jj's extras may override their change ids, and a shallow clone lacks parents of
some. All three are as they were when the store was opened.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator, Mapping

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.commit_extras import NO_EXTRAS, decode_extras
from wit_admin.jj.commits import Commit, decode_commit, root_commit
from wit_admin.jj.graph import Node
from wit_admin.jj.ids import CommitId, is_root_commit
from wit_admin.jj.layout import Layout
from wit_admin.jj.objects import Objects
from wit_admin.jj.stacked_table import StackedTable, open_table

COMMIT_SKEW_MS = 60 * 60 * 1000
"""The assumed largest error of committers' clocks, for :mod:`wit_admin.jj.graph`."""
MAX_MISSING = 10_000
"""The most missing commits before the repository counts as hostile, because each costs a search of
all packs. Commits that a clean-up removes have no names left, so they are not asked for."""
_CACHED_COMMITS = 4096
_CACHED_BYTES = 16 * 1024
"""The largest commit to cache: thousands of larger ones would fill the memory."""
_CACHED_NODES = 100_000
"""The most cached nodes, of about 300 bytes each. Walks, above all for merges, visit the same
history again and again."""


class CommitStore:
    """Reads commits by id; caches a few thousand. Only one thread may use it at a time."""

    def __init__(
        self, objects: Objects, extras: StackedTable, shallow: frozenset[CommitId], id_bytes: int
    ) -> None:
        self.objects = objects
        self.extras = extras
        self.id_bytes = id_bytes
        self._shallow = shallow
        self._cache: dict[CommitId, Commit] = {}
        self._held: Mapping[CommitId, Commit] = {}
        self._nodes: dict[CommitId, Node] = {}
        self._missing: set[CommitId] = set()

    @classmethod
    def open(cls, layout: Layout, *, known: CommitStore | None = None) -> CommitStore:
        """Open the commits of a repository; reuse the extras of ``known`` that are unchanged.

        Raises:
            DamagedJjError: The extras are torn.
            MissingJjError: A part of the extras is gone.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        id_bytes = layout.git.id_bytes
        extras = open_table(
            layout.extras, key_bytes=id_bytes, known=known.extras if known is not None else None
        )
        objects = Objects(layout.git.object_folders, id_bytes)
        return cls(objects, extras, layout.git.read_shallow(), id_bytes)

    def read(self, commit_id: CommitId) -> Commit:
        """Return a commit; the root commit needs no object.

        Raises:
            MissingJjError: Git does not have it, as is normal for hidden ones after a clean-up.
            DamagedJjError: It or its extras are malformed.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        commit = self._held.get(commit_id) or self._cache.get(commit_id)
        if commit is None:
            commit, size_bytes = self._read(commit_id)
            if size_bytes > _CACHED_BYTES:
                return commit
            if len(self._cache) >= _CACHED_COMMITS:
                # Remove the oldest.
                del self._cache[next(iter(self._cache))]
            self._cache[commit_id] = commit
        return commit

    def read_all(self, heads: Iterable[CommitId]) -> Mapping[CommitId, Commit]:
        """Return ``heads`` and all their ancestors, in no order, and cache them.

        This is the fastest way to read a whole history; a commit takes about 1.5 kB. It raises the
        errors of :meth:`walk`.
        """
        found: dict[CommitId, Commit] = {}
        waiting = [head for head in heads if self.find(head) is not None]
        while waiting:
            commit_id = waiting.pop()
            if commit_id not in found:
                commit = found[commit_id] = self._cache.get(commit_id) or self._read(commit_id)[0]
                waiting += commit.parents
        self._held = found
        return found

    def _read(self, commit_id: CommitId) -> tuple[Commit, int]:
        """Return a commit and its size."""
        if is_root_commit(commit_id):
            return root_commit(self.id_bytes), 0
        content = self.objects.read(commit_id, "commit")
        row = self.extras.find(bytes.fromhex(commit_id)) if self.extras.heads else None
        extras = NO_EXTRAS if row is None else decode_extras(commit_id, row)
        is_shallow = commit_id in self._shallow
        return decode_commit(commit_id, content, extras, is_shallow=is_shallow), len(content)

    def find(self, commit_id: CommitId) -> Commit | None:
        """Return a commit, or ``None`` where :meth:`read` says that it is missing.

        Raises:
            DamagedJjError: As for :meth:`read`, or more than :data:`MAX_MISSING` were.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        if commit_id in self._missing:
            return None
        try:
            return self.read(commit_id)
        except MissingJjError:
            self._missing.add(commit_id)
            if len(self._missing) > MAX_MISSING:
                raise DamagedJjError(
                    f"More than {MAX_MISSING} commits are named that Git does not have."
                ) from None
            return None

    def walk(
        self, heads: Iterable[CommitId], *, known: Container[CommitId] = ()
    ) -> Iterator[Commit]:
        """Yield ``heads`` and their ancestors, newest committer time first, each once.

        The walk stops at ``known`` commits, so its cost depends on what is new. Heads that Git
        does not have are skipped. The root commit comes last, if it is reached. A commit never
        comes before the child through which it was reached.

        Raises:
            MissingJjError: A parent is missing.
            DamagedJjError: A commit is malformed.
            UnreadableJjError: The disk or its permissions forbid it.
        """
        seen: set[CommitId] = set()
        waiting: list[tuple[bool, int, CommitId, Commit]] = []
        for head in heads:
            if head not in seen and head not in known:
                seen.add(head)
                commit = self.find(head)
                if commit is not None:
                    heapq.heappush(waiting, _queued(commit))
        while waiting:
            commit = heapq.heappop(waiting)[3]
            yield commit
            for parent in commit.parents:
                if parent not in seen and parent not in known:
                    seen.add(parent)
                    heapq.heappush(waiting, _queued(self.read(parent)))

    def read_node(self, commit_id: CommitId) -> Node:
        """Return what :mod:`wit_admin.jj.graph` needs of a commit; see :meth:`read`."""
        node = self._nodes.get(commit_id)
        if node is None:
            commit = self.read(commit_id)
            if len(self._nodes) >= _CACHED_NODES:
                self._nodes.clear()
            node = Node(commit.committer.time.ms, commit.parents)
            self._nodes[commit_id] = node
        return node


def _queued(commit: Commit) -> tuple[bool, int, CommitId, Commit]:
    return commit.is_root, -commit.committer.time.ms, commit.id, commit
