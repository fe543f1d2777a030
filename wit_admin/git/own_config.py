"""What a repository itself says about itself: the section ``[wit]`` of its config.

A rename or a transfer does not move the folder, so the folder's name says nothing for sure. These
few values are a copy of the row: from them an empty database is made again. The row decides.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.git.plain_files import MOST_CONFIG, read_plain

_OURS = "config.wit-"
_PATIENCE_S = 5.0
_LOOK_AGAIN_S = 0.02
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}


def read_own(gitdir: Path) -> dict[str, str]:
    """Return the values of ``[wit]`` by key; empty when there are none, or no readable config."""
    try:
        return parse_own(read_plain(f"{gitdir}/config", MOST_CONFIG))
    except OSError:
        return {}


def parse_own(config: bytes) -> dict[str, str]:
    """Return what :func:`read_own` would, from the content of a config; includes are not followed.

    Source: git-config(1), Syntax.
    """
    own: dict[str, str] = {}
    if not has_own(config):
        return own
    is_ours = False
    # A line that ends in a backslash goes on in the next.
    for line in config.decode("utf-8", "replace").replace("\\\n", "").split("\n"):
        text = line.strip()
        if text.startswith("["):
            is_ours = text.partition("]")[0].lower() == "[wit"
            text = text.partition("]")[2].strip()
        key, equals, value = text.partition("=")
        if is_ours and _KEY.fullmatch(key.strip()):
            own[key.strip().lower()] = _unquote(value.strip()) if equals else "true"
    return own


def has_own(config: bytes) -> bool:
    """Tell whether the content of a config may have values of ours."""
    return b"[wit]" in config.lower()


def render_own(config: bytes, values: Mapping[str, str | None]) -> bytes:
    """Return the section to add to the content of a config that has none."""
    lines = [f"\t{key} = {_quote(value)}\n" for key, value in values.items() if value is not None]
    start = "" if config.endswith(b"\n") or not config else "\n"
    return f"{start}[wit]\n{''.join(lines)}".encode("utf-8", "replace")


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\0", "") + '"'


def _unquote(value: str) -> str:
    """Take quotes, escapes, comments and outer spaces off a value."""
    shown, is_quoted, kept = "", False, 0
    characters = iter(value)
    for character in characters:
        if character == '"':
            is_quoted = not is_quoted
            kept = len(shown)
            continue
        if character in "#;" and not is_quoted:
            break
        if character == "\\":
            escape = next(characters, "")
            shown += _ESCAPES.get(escape, escape)
            kept = len(shown)
            continue
        shown += character
        if is_quoted or not character.isspace():
            kept = len(shown)
    return shown[:kept]


def write_own(folder: str | Path, values: Mapping[str, str | None]) -> None:
    """Set values of ``[wit]``, all at once; ``None`` takes one away. Durable when this returns.

    It follows git's locking protocol, and clears the lock of a process of ours that was killed.

    Raises:
        UnavailableError: Somebody else keeps the config locked.
    """
    if not values:
        return
    gitdir = Path(folder)
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    present = read_own(gitdir)
    is_locked = (gitdir / "config.lock").exists()
    if not is_locked and all(present.get(key) == value for key, value in values.items()):
        return
    with _locked(gitdir) as draft:
        shutil.copyfile(gitdir / "config", draft)
        shutil.copymode(gitdir / "config", draft)
        config = pygit2.Config(str(draft))
        for key, value in values.items():
            if value is not None:
                config[f"wit.{key}"] = value
            elif f"wit.{key}" in config:
                del config[f"wit.{key}"]
        _sync(draft)
        draft.rename(gitdir / "config")
    _sync(gitdir)


@contextlib.contextmanager
def _locked(gitdir: Path) -> Iterator[Path]:
    # Whoever finds config.lock as a second name of a file of ours that nobody holds, knows that
    # its maker is dead; git's own locks have one name and are left alone.
    descriptor, name = tempfile.mkstemp(prefix=_OURS, dir=gitdir)
    ticket = Path(name)
    draft = ticket.with_name(ticket.name + ".draft")
    lock = gitdir / "config.lock"
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _take(ticket, lock)
        try:
            _clear_drafts(gitdir)
            yield draft
        finally:
            lock.unlink(missing_ok=True)
    finally:
        draft.unlink(missing_ok=True)
        ticket.unlink(missing_ok=True)
        os.close(descriptor)


def _take(ticket: Path, lock: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            os.link(ticket, lock)
        except FileExistsError:
            if not clear_dead_lock(lock):
                if time.monotonic() > deadline:
                    raise UnavailableError(
                        f"The config of {lock.parent.name} is locked.",
                        hint="If no git runs there, remove config.lock in it.",
                    ) from None
                time.sleep(_LOOK_AGAIN_S)
        else:
            return


def clear_dead_lock(lock: str | Path) -> bool:
    """Take away a lock of ours whose holder is dead; tell whether it is gone."""
    own_names = 2
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return not os.path.lexists(lock)
    try:
        seen = os.fstat(descriptor)
        if seen.st_nlink != own_names:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.stat(lock).st_ino == seen.st_ino:  # noqa: PTH116
            os.unlink(lock)  # noqa: PTH108
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True
    finally:
        os.close(descriptor)
    return True


def _clear_drafts(gitdir: Path) -> None:
    # A draft is written by the holder of the lock only, so these are of the dead.
    for path in gitdir.glob(_OURS + "*.draft*"):
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
