"""A snapshot of a jj repository.

The operation heads are listed once, and everything else is derived from them. What they lead to
never changes, so a snapshot cannot mix two states, however busy jj is.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.commit_index import CommitIndex, open_index
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.commits import Commit
from wit_admin.jj.conflicts import ConflictedPath, iter_conflicted_paths
from wit_admin.jj.content_hash import content_key
from wit_admin.jj.divergence import merge_heads
from wit_admin.jj.emptiness import Emptiness
from wit_admin.jj.ids import OperationId
from wit_admin.jj.layout import Layout, find_workspace, open_layout
from wit_admin.jj.op_heads import list_op_heads
from wit_admin.jj.op_store import OpStore
from wit_admin.jj.operations import Operation
from wit_admin.jj.trees import Trees
from wit_admin.jj.undo import FindPresent, Step, compare_undone, find_undone, to_step
from wit_admin.jj.views import View
from wit_admin.jj.visibility import TRUNK_NAMES, TRUNK_REMOTES

T = TypeVar("T")

_ATTEMPTS = 4


class JjRepository:
    """A snapshot of one repository. Not for several threads at once."""

    def __init__(
        self,
        layout: Layout,
        op_heads: tuple[OperationId, ...],
        *,
        known: JjRepository | None = None,
    ) -> None:
        self.layout = layout
        self.op_store = OpStore(layout.op_store, layout.git.id_bytes)
        self.op_heads = self.op_store.reduce_heads(op_heads)
        """Current operations, sorted. Several are divergence that jj has not merged yet."""
        # Not the snapshot itself, which would keep all those before it.
        self._known_commits = known.opened_commits if known is not None else None

    @property
    def is_divergent(self) -> bool:
        """Whether concurrent operations wait for the next jj command to reconcile them."""
        return len(self.op_heads) > 1

    @cached_property
    def commits(self) -> CommitStore:
        """The commits; opened at the first use, reusing what an earlier snapshot has read."""
        known, self._known_commits = self._known_commits, None
        return CommitStore.open(self.layout, known=known)

    @property
    def opened_commits(self) -> CommitStore | None:
        """The commits, if they were needed yet; else those of the snapshot before."""
        opened: CommitStore | None = self.__dict__.get("commits", self._known_commits)
        return opened

    @cached_property
    def view(self) -> View:
        """The present state; provisional, and without an id, while :attr:`is_divergent`."""
        if self.is_divergent:
            return merge_heads(self.op_store, self.commits, self.op_heads)
        return self.read_view(self.op_heads[0])

    def read_view(self, operation_id: OperationId, *, with_git_refs: bool = True) -> View:
        """Return the state after an operation; see :meth:`OpStore.read_view` for what it raises."""
        view_id = self.op_store.read_operation(operation_id).view_id
        return self.op_store.read_view(view_id, with_git_refs=with_git_refs)

    def iter_operations(self, *, known: Container[OperationId] = ()) -> Iterator[Operation]:
        """Yield the operation log, newest first; see :meth:`OpStore.walk`."""
        return self.op_store.walk(self.op_heads, known=known)

    def iter_commits(self, *, known: Container[str] = ()) -> Iterator[Commit]:
        """Yield the commits that the view names, and their ancestors; see :meth:`CommitStore.walk`.

        That is more than the visible commits: bookmarks of remotes may point to hidden ones.
        """
        return self.commits.walk(self.view.commit_ids(), known=known)

    def is_empty(self, commit: Commit) -> bool | None:
        """Return whether a commit changes nothing; see :meth:`Emptiness.is_empty`."""
        return self._emptiness.is_empty(commit)

    def iter_conflicted_paths(self, commit: Commit) -> Iterator[ConflictedPath]:
        """Yield the conflicted paths of a commit.

        See :func:`wit_admin.jj.conflicts.iter_conflicted_paths`.
        """
        return iter_conflicted_paths(self._trees, commit.trees)

    def find_undone(self) -> set[OperationId]:
        """Return the operations of the log that have no effect on the present state.

        Raises:
            MissingJjError: An operation is not there.
            DamagedJjError: One is malformed.
        """
        steps = {operation.id: to_step(operation) for operation in self.iter_operations()}
        return self.find_undone_among(steps)

    def find_undone_among(self, steps: Mapping[OperationId, Step]) -> set[OperationId]:
        """Return which of ``steps``, those of the whole log, are undone."""
        return find_undone(steps, self.op_heads, find_stale=self._find_stale)

    def compare_undone(
        self,
        old_heads: Iterable[OperationId],
        known: Mapping[OperationId, Step],
        *,
        find_old: FindPresent,
        find_new: FindPresent,
    ) -> tuple[set[OperationId], set[OperationId]]:
        """Return which operations count now but not at ``old_heads``, and the other way round.

        See :func:`wit_admin.jj.undo.compare_undone`; raises as :meth:`find_undone`. The steps that
        are ``known`` are not read.
        """

        def read(operation_id: OperationId) -> Step:
            step = known.get(operation_id)
            return step or to_step(self.op_store.read_operation(operation_id))

        return compare_undone(read, old_heads, self.op_heads, find_old=find_old, find_new=find_new)

    def find_default_bookmark(self) -> str | None:
        """Return the local bookmark of the default branch, if there is one.

        jj has no such thing: it is what the HEAD of a remote names, else main, master or trunk.
        """
        for remote in TRUNK_REMOTES:
            prefix = f"refs/remotes/{remote}/"
            named = self.layout.git.read_symbolic_ref(f"{prefix}HEAD")
            name = (named or "").removeprefix(prefix)
            if name in self.view.bookmarks:
                return name
        return next((name for name in TRUNK_NAMES if name in self.view.bookmarks), None)

    def open_index(self, operation_id: OperationId | None = None) -> CommitIndex | None:
        """Return jj's index as of an operation, by default the present one.

        ``None`` if there is none, or if it cannot be decoded.

        Raises:
            UnreadableJjError: The disk or its permissions forbid it.
        """
        layout = self.layout
        try:
            return open_index(
                layout.index, operation_id or self.op_heads[0], id_bytes=layout.git.id_bytes
            )
        except DamagedJjError:
            # jj makes a damaged index anew; nothing depends on it.
            return None

    @cached_property
    def _trees(self) -> Trees:
        return Trees(self.commits.objects, self.layout.git.id_bytes)

    @cached_property
    def _emptiness(self) -> Emptiness:
        return Emptiness(self.commits, self._trees)

    @cached_property
    def _by_content(self) -> dict[str, OperationId]:
        return {content_key(operation): operation.id for operation in self.iter_operations()}

    def _find_stale(self, operation_id: OperationId) -> OperationId | None:
        """Return the present id of an operation that ``op abandon`` has rewritten."""
        try:
            old = self.op_store.read_operation(operation_id)
        except (MissingJjError, DamagedJjError):
            # gc has removed it; then jj's own undo fails, too.
            return None
        return self._by_content.get(content_key(old))


def open_repository(
    path: Path, *, root: Path | None = None, known: JjRepository | None = None
) -> JjRepository:
    """Open the repository of the workspace at or above ``path``, as it is now.

    With a ``root``, nothing outside of it is read. ``known`` is an earlier snapshot, whose
    unchanged parts are not read again.

    Raises:
        NoJjRepositoryError: There is none, or its parts are gone.
        UnsupportedJjError: Its stores are of kinds that we do not know.
        JjPathError: Something in it leads out of ``root``.
        DamagedJjError: No operation is current, or one is torn.
        MissingJjError: A current operation is not there.
        UnreadableJjError: The disk or its permissions forbid it.
    """
    return read_repository(path, lambda repository: repository, root=root, known=known)


def read_repository(
    path: Path,
    work: Callable[[JjRepository], T],
    *,
    root: Path | None = None,
    known: JjRepository | None = None,
) -> T:
    """Return the result of ``work`` for the repository at or above ``path``.

    If something disappears meanwhile, because jj continued and cleaned up, ``work`` is called again
    with a new snapshot; what is still missing after a few attempts is lost.

    Raises:
        JjError: As for :func:`open_repository`, and what ``work`` raises.
    """
    workspace = find_workspace(path, root=root)
    for attempt in range(_ATTEMPTS):
        layout = open_layout(workspace, root=root)
        try:
            heads = list_op_heads(layout.op_heads)
            return work(JjRepository(layout, heads, known=known))
        except MissingJjError:
            if attempt + 1 == _ATTEMPTS:
                raise
    raise AssertionError
