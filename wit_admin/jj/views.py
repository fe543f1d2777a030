"""Decodes views: the visible heads, names and working copies after an operation.

Source: jj's lib/src/protos/simple_op_store.proto, View; lib/src/simple_op_store.rs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from wit_admin.errors import DamagedJjError
from wit_admin.jj import schema
from wit_admin.jj.ids import ROOT_VIEW_ID, CommitId, ViewId, root_commit_id
from wit_admin.jj.operations import commit_id
from wit_admin.jj.ref_targets import ABSENT, RefTarget, decode_target, decode_terms

GIT_REMOTE = "git"
"""Not a real remote: it mirrors the backing Git repository."""
DEFAULT_WORKSPACE = "default"

MAX_NAMES = 250_000
"""The most heads, working copies, bookmarks and tags, including those of remotes. Storing so many
takes a few seconds; repositories that people work with have thousands."""
_TRACKED = 1
_TAG_PREFIX = "refs/tags/"


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """What jj last saw of a bookmark or tag on a remote."""

    target: RefTarget
    """Absent if it is tracked but not there yet, or no longer there."""
    is_tracked: bool


@dataclass(frozen=True, slots=True)
class RemoteView:
    """What jj last saw on one remote, by name."""

    bookmarks: Mapping[str, RemoteRef] = field(default_factory=dict)
    tags: Mapping[str, RemoteRef] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class View:
    """The state of a repository after an operation."""

    id: ViewId
    head_ids: tuple[CommitId, ...]
    """The visible heads; all other visible commits are their ancestors."""
    working_copies: Mapping[str, CommitId]
    """What each workspace has checked out."""
    bookmarks: Mapping[str, RefTarget]
    """The local ones; none is absent."""
    tags: Mapping[str, RefTarget]
    """The local ones; none is absent."""
    remotes: Mapping[str, RemoteView]
    """By name of the remote, including :data:`GIT_REMOTE`; exactly as stored."""
    git_tags: Mapping[str, RemoteRef]
    """The tags of :data:`GIT_REMOTE`. For views of jj before 0.34, which stored no tags of remotes
    and showed none, they are derived from Git's references as newer jj does."""
    git_refs: Mapping[str, RefTarget]
    """References of the backing Git repository when jj last looked, by full name."""
    git_heads: Mapping[str, RefTarget]
    """Git's HEAD by workspace, likewise."""

    def commit_ids(self) -> set[CommitId]:
        """Return all commits that it names, visible or not, except by Git's own references."""
        named = {*self.head_ids, *self.working_copies.values()}
        targets = [*self.bookmarks.values(), *self.tags.values()]
        for remote in self.remotes.values():
            targets += [ref.target for ref in remote.bookmarks.values()]
            targets += [ref.target for ref in remote.tags.values()]
        named.update(term for target in targets for term in target.terms if term is not None)
        return named


def root_view(id_bytes: int) -> View:
    """Return the view of the root operation: only the root commit, for this length of ids."""
    nothing: Mapping[str, Any] = MappingProxyType({})
    return View(
        id=ROOT_VIEW_ID,
        head_ids=(root_commit_id(id_bytes),),
        working_copies=nothing,
        bookmarks=nothing,
        tags=nothing,
        remotes=nothing,
        git_tags=nothing,
        git_refs=nothing,
        git_heads=nothing,
    )


def decode_view(view_id: ViewId, content: bytes, *, with_git_refs: bool = True) -> View:
    """Return the view that ``content`` holds.

    ``with_git_refs=False`` leaves ``git_refs`` empty, which saves half the time where there are
    thousands.

    Raises:
        DamagedJjError: It is torn or malformed, or has more than :data:`MAX_NAMES`.
    """
    what = f"View {view_id[:12]}"
    message = schema.parse("View", content, what=what)
    if _count_names(message) > MAX_NAMES:
        raise DamagedJjError(f"{what} has more than {MAX_NAMES} heads and names.")
    git_refs = {
        ref.name: _git_ref(ref, what)
        for ref in message.git_refs
        if with_git_refs or ref.name.startswith(_TAG_PREFIX)
    }
    remotes = _remotes(message, what)
    is_migrated = message.has_git_refs_migrated_to_remote_tags
    return View(
        id=view_id,
        head_ids=tuple(commit_id(head, what) for head in message.head_ids),
        working_copies=_working_copies(message, what),
        bookmarks=_present(
            (bookmark.name, _target(bookmark, "local_target", what))
            for bookmark in message.bookmarks
        ),
        tags=_present((tag.name, _target(tag, "target", what)) for tag in message.local_tags),
        remotes=remotes,
        git_tags=_stored_git_tags(remotes) if is_migrated else _derive_git_tags(git_refs),
        git_refs=git_refs if with_git_refs else {},
        git_heads=_git_heads(message, what),
    )


def _count_names(message: Any) -> int:
    own = (message.head_ids, message.wc_commit_ids, message.bookmarks, message.local_tags)
    remote = [refs for view in message.remote_views for refs in (view.bookmarks, view.tags)]
    # Newer jj writes those of remotes in the old form, too, which is not read then.
    old = [] if remote else [bookmark.remote_bookmarks for bookmark in message.bookmarks]
    return sum(map(len, (*own, message.remote_views, *remote, *old)))


def _remotes(message: Any, what: str) -> dict[str, RemoteView]:
    if message.remote_views:
        return {
            view.name: RemoteView(_remote_refs(view.bookmarks, what), _remote_refs(view.tags, what))
            for view in message.remote_views
        }
    # jj before 0.34 kept them with the local bookmarks.
    found: dict[str, dict[str, RemoteRef]] = {}
    for bookmark in message.bookmarks:
        for remote in bookmark.remote_bookmarks:
            found.setdefault(remote.remote_name, {})[bookmark.name] = RemoteRef(
                _target(remote, "target", what), remote.state == _TRACKED
            )
    return {name: RemoteView(bookmarks) for name, bookmarks in found.items()}


def _remote_refs(messages: Iterable[Any], what: str) -> dict[str, RemoteRef]:
    return {
        ref.name: RemoteRef(decode_terms(ref.target_terms, what), ref.state == _TRACKED)
        for ref in messages
    }


def _stored_git_tags(remotes: Mapping[str, RemoteView]) -> Mapping[str, RemoteRef]:
    return remotes[GIT_REMOTE].tags if GIT_REMOTE in remotes else {}


def _derive_git_tags(git_refs: Mapping[str, RefTarget]) -> dict[str, RemoteRef]:
    return {
        name.removeprefix(_TAG_PREFIX): RemoteRef(target, is_tracked=True)
        for name, target in git_refs.items()
        if name.startswith(_TAG_PREFIX)
    }


def _git_ref(message: Any, what: str) -> RefTarget:
    if message.HasField("target"):
        return decode_target(message.target, what)
    return RefTarget((commit_id(message.commit_id, what),)) if message.commit_id else ABSENT


def _working_copies(message: Any, what: str) -> dict[str, CommitId]:
    found = {copy.name: commit_id(copy.commit_id, what) for copy in message.wc_commit_ids}
    if message.wc_commit_id:
        found.setdefault(DEFAULT_WORKSPACE, commit_id(message.wc_commit_id, what))
    return found


def _git_heads(message: Any, what: str) -> dict[str, RefTarget]:
    if message.git_heads:
        return _present((head.name, _target(head, "target", what)) for head in message.git_heads)
    if message.HasField("git_head"):
        target = decode_target(message.git_head, what)
    elif message.git_head_legacy:
        target = RefTarget((commit_id(message.git_head_legacy, what),))
    else:
        target = ABSENT
    return _present([(DEFAULT_WORKSPACE, target)])


def _target(message: Any, name: str, what: str) -> RefTarget:
    return decode_target(getattr(message, name) if message.HasField(name) else None, what)


def _present(targets: Iterable[tuple[str, RefTarget]]) -> dict[str, RefTarget]:
    return {name: target for name, target in targets if not target.is_absent}
