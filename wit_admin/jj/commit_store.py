"""Commits of one repository, and walks over them.

Git has the objects, jj's extras may overrule their change ids, and a shallow clone's edge cuts some
off; all three are as they were when the store was opened.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator, Mapping

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.commit_extras import decode_extras
from wit_admin.jj.commits import Commit, decode_commit, root_commit
from wit_admin.jj.graph import Node
from wit_admin.jj.ids import CommitId, is_root_commit
from wit_admin.jj.layout import Layout
from wit_admin.jj.objects import Objects
from wit_admin.jj.stacked_table import StackedTable, open_table

COMMIT_SKEW_MS = 60 * 60 * 1000
"""How far wrong the clocks of committers are taken to be, for :mod:`wit_admin.jj.graph`."""
MAX_MISSING = 10_000
"""Commits that are asked for and not there, before the repository is taken for one that was made
to keep us busy: Git is looked through for each. Those that a clean-up takes have no names left."""
_CACHED_COMMITS = 4096
_CACHED_BYTES = 16 * 1024
"""Larger ones are not kept: thousands of those would fill the memory."""
_CACHED_NODES = 100_000
"""Of about 300 bytes each. Walks cross the same history again and again, for merges above all."""


class CommitStore:
    """Reads commits by id; the last few thousand are kept. Not for several threads at once."""

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
        """Open the commits of a repository; of ``known``, unchanged extras are taken over.

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
                # The oldest go first.
                del self._cache[next(iter(self._cache))]
            self._cache[commit_id] = commit
        return commit

    def read_all(self, heads: Iterable[CommitId]) -> Mapping[CommitId, Commit]:
        """Return all commits that lead to ``heads``, in no order; they are kept from then on.

        The fastest way to read a whole history; each takes about 1.5 kB. Raises as :meth:`walk`.
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
        """Return a commit, and how large it is."""
        if is_root_commit(commit_id):
            return root_commit(self.id_bytes), 0
        content = self.objects.read(commit_id, "commit")
        extras = decode_extras(commit_id, self.extras.find(bytes.fromhex(commit_id)))
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
        """Yield the commits that lead to ``heads``, newest committer time first, each once.

        Stops at ``known`` ones, so its cost is that of what is new. Heads that Git does not have
        are passed over; the root commit comes last where it is reached. A commit never comes
        before one that led to it.

        Raises:
            MissingJjError: A parent is not there.
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
