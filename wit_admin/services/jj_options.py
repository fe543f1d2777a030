"""What is kept of a jj repository, and of which state the rows are."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class JjKind(enum.StrEnum):
    """A kind of rows that can be left out."""

    CHANGES = "changes"
    BOOKMARKS = "bookmarks"
    OPERATIONS = "operations"
    CONFLICTS = "conflicts"


@dataclass(frozen=True, slots=True)
class JjSyncOptions:
    """What to keep of a repository. The defaults keep all of it."""

    max_changes: int | None = None
    """How much of the immutable history to read when there is more than that, newest first. What
    is mutable, checked out or has a bookmark is always read. More than last time reads it anew."""
    sync_changes: bool = True
    sync_bookmarks: bool = True
    sync_operations: bool = True
    sync_conflicts: bool = True
    """Conflicts hang on changes: without those there are none."""

    @property
    def kinds(self) -> frozenset[JjKind]:
        """What is kept. The rows of other kinds stay as they are, and are caught up with later."""
        switches = {
            JjKind.CHANGES: self.sync_changes,
            JjKind.BOOKMARKS: self.sync_bookmarks,
            JjKind.OPERATIONS: self.sync_operations,
            JjKind.CONFLICTS: self.sync_conflicts and self.sync_changes,
        }
        return frozenset(kind for kind, is_on in switches.items() if is_on)


@dataclass(frozen=True, slots=True)
class SyncedState:
    """Which state the rows of a repository are of."""

    op_heads: tuple[str, ...] = ()
    """None before the first sync."""
    kinds: frozenset[str] = frozenset()
    """The kinds that are of this state; others are of an older one."""
    depth: int | None = None
    """How much of the immutable history was read at first; ``None`` is all."""
    synced_at: datetime | None = None
    """Tells apart that the state is the same and that it is the same again."""

    def holds(self, options: JjSyncOptions) -> bool:
        """Tell whether it is enough to write what happened since."""
        is_deep = self.depth is None or (
            options.max_changes is not None and options.max_changes <= self.depth
        )
        return is_deep and options.kinds <= self.kinds
