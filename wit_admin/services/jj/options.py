"""Options of a jj sync, and the state of a repository that its rows show."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


class JjKind(enum.StrEnum):
    """A kind of rows that a sync can leave out."""

    CHANGES = "changes"
    BOOKMARKS = "bookmarks"
    OPERATIONS = "operations"
    CONFLICTS = "conflicts"


@dataclass(frozen=True, slots=True)
class JjSyncOptions:
    """What to sync of a repository; the defaults sync everything."""

    max_changes: int | None = None
    """The most immutable commits to read, newest first. Commits that are mutable, checked out or
    have a bookmark are always read. A larger number than last time causes a full sync."""
    sync_changes: bool = True
    sync_bookmarks: bool = True
    sync_operations: bool = True
    sync_conflicts: bool = True
    """Conflicts belong to changes, so without changes there are none."""

    @property
    def kinds(self) -> frozenset[JjKind]:
        """The kinds to sync. Rows of other kinds stay as they are, until they are synced again."""
        switches = {
            JjKind.CHANGES: self.sync_changes,
            JjKind.BOOKMARKS: self.sync_bookmarks,
            JjKind.OPERATIONS: self.sync_operations,
            JjKind.CONFLICTS: self.sync_conflicts and self.sync_changes,
        }
        return frozenset(kind for kind, is_on in switches.items() if is_on)


@dataclass(frozen=True, slots=True)
class SyncedState:
    """The state of a jj repository that its rows show."""

    op_heads: tuple[str, ...] = ()
    """The operation heads of that state; empty before the first sync."""
    kinds: frozenset[str] = frozenset()
    """The kinds of rows that show this state; other kinds show an older one."""
    depth: int | None = None
    """The most immutable commits that the full sync read; ``None`` for all."""
    synced_at: datetime | None = None
    """When it was synced; it shows whether the state was changed and changed back."""

    def holds(self, options: JjSyncOptions) -> bool:
        """Return whether the rows suffice for an incremental sync with these options."""
        is_deep = self.depth is None or (
            options.max_changes is not None and options.max_changes <= self.depth
        )
        return is_deep and options.kinds <= self.kinds
