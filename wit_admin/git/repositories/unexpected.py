"""Explains whatever is below the repository root but is not a bare repository in its place."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from wit_admin.git.repositories.storage import CONDEMNED, STAGING
from wit_admin.git.repositories.sweep import ABANDONED_S

_MAX_POINTER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Something below the root that a sync leaves alone, and why."""

    path: str
    """The path below the root."""
    kind: str
    sentence: str
    is_failure: bool = False
    """Whether it could not be read."""


def explain(root: str, path: str) -> Unexpected | None:
    """Explain a folder that is not a bare repository; return ``None`` if nothing is wrong with it.

    Raises:
        OSError: It cannot be read.
    """
    full = f"{root}/{path}"
    name = path.partition("/")[2]
    if name.startswith((STAGING, CONDEMNED)):
        is_old = time.time() - os.lstat(full).st_mtime > ABANDONED_S
        return Unexpected(path, "half-made", "A process that died left it.") if is_old else None
    if os.path.lexists(f"{full}/.jj"):
        # Beside a bare repository of the same name it is a jj workspace, which the watcher follows.
        return None if os.path.lexists(f"{full}.git") else _jj_alone(root, path)
    if os.path.lexists(f"{full}/.git"):
        return Unexpected(path, "non-bare", "It has a working tree; only bare ones are adopted.")
    if os.path.lexists(f"{full}/objects"):
        return Unexpected(path, "broken", "It looks like a repository, but is not whole.")
    with os.scandir(full) as entries:
        inner = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    if any(os.path.lexists(f"{below}/objects") for below in inner):
        return Unexpected(path, "nested", "Repositories in it stand deeper than owner/name.")
    return Unexpected(path, "foreign", "It is a folder, not a repository.") if inner else None


def _jj_alone(root: str, path: str) -> Unexpected:
    """Explain a folder in which jj works, and beside which there is no bare repository."""
    store = f"{root}/{path}/.jj/repo"
    if not os.path.lexists(store):
        return Unexpected(path, "broken", "Its .jj holds no jj repository.")
    name = path.removesuffix(".git")
    what = "It is a jj repository"
    if os.path.isfile(store) and not os.path.islink(store):
        what = f"It is a workspace of the jj repository in {_workspace_of(root, store)}"
    move = "" if name == path else f"move it to {name}, "
    return Unexpected(
        path,
        "jj",
        f"{what}, with no bare repository beside it to serve; {move}'wit-admin repo create {name}' "
        "makes one, and 'wit-admin watch' follows it then.",
    )


def _workspace_of(root: str, pointer: str) -> str:
    """Return the workspace, below the root, whose repository a pointer file names."""
    with open(pointer, "rb") as file:
        target = os.fsdecode(file.read(_MAX_POINTER_BYTES).rstrip(b"\n"))
    base = os.path.realpath(root)
    real = os.path.realpath(os.path.join(os.path.dirname(pointer), target.replace("\0", "")))
    if not real.startswith(base + os.sep):
        return "a place outside of the root, which is not read"
    return real.removeprefix(base + os.sep).removesuffix("/.jj/repo")


def strange_config(root: str, path: str) -> Unexpected | None:
    """Explain a config that is neither a file nor missing: git would wait or fail."""
    config = f"{root}/{path}/config"
    if os.path.isfile(config) or not os.path.lexists(config):
        return None
    return Unexpected(path, "broken", "Its config is not a regular file.")


def misplaced(name: str) -> Unexpected:
    """Explain a repository in the place of an owner."""
    return Unexpected(name, "misplaced", "It is a repository outside of any owner's folder.")


def unreadable(path: str, error: OSError) -> Unexpected:
    """Explain a folder that may hold repositories, but cannot be read."""
    return Unexpected(path, "unreadable", f"It cannot be read: {error.strerror}.", is_failure=True)


def link(root: str, path: str) -> Unexpected:
    """Explain a symbolic link."""
    base = os.path.realpath(root)
    real = os.path.realpath(f"{root}/{path}")
    if real.startswith(base + os.sep):
        inside = real.removeprefix(base + os.sep)
        return Unexpected(path, "link", f"It is a link to {inside}; only folders are adopted.")
    return Unexpected(
        path, "link-out", "It is a link that leads out of the root; it is not followed."
    )
