"""The server's own hooks, for a push that must be checked before it is accepted.

A few lines of shell each. They ask the serving process, which knows the rules and does the work;
they start no program but the repository's own hooks, where these are to run. A hook that gets no
answer refuses, so the end of the server refuses the push.
Source: githooks(5), pre-receive and update; git-receive-pack(1), "Quarantine Environment".
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.log import fields

log = logging.getLogger(__name__)

ASKS, ANSWERS = 3, 4
"""Numbers of the pipes in a hook: to the server, and from it."""

_PRE_RECEIVE = f"""\
#!/bin/sh
printf '%s\\0%s\\0' "$GIT_OBJECT_DIRECTORY" "$GIT_ALTERNATE_OBJECT_DIRECTORIES" >&{ASKS} || exit 1
IFS= read -r verdict <&{ANSWERS} || exit 1
while IFS= read -r line; do printf '%s\\n' "$line"; done <&{ANSWERS} >&2
[ "$verdict" = go ] || exit 1
own=${{0%/*}}/own/pre-receive
[ ! -x "$own" ] || exec "$own"
"""
_UPDATE = """\
#!/bin/sh
[ ! -e "${0%/*}/refused/$1.lock" ] || exit 1
own=${0%/*}/own/update
[ ! -x "$own" ] || exec "$own" "$@"
"""
"""No part of a ref ends in ``.lock``, so that a mark is never in the way of a folder of marks."""
_OURS = ("pre-receive", "update")
_STALE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class HookFolder:
    """The hooks of one push."""

    path: Path

    def refuse(self, refs: Iterable[bytes]) -> None:
        """Make git refuse these refs and carry out the others."""
        for ref in refs:
            mark = self.path / "refused" / f"{os.fsdecode(ref)}.lock"
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        _write(self.path / "update", _UPDATE)


@contextmanager
def open_hooks(below: Path, own: Path | None) -> Iterator[HookFolder]:
    """Create the hooks of one push, and remove them afterwards.

    ``own`` is the folder of the repository's own hooks, if these are to run as well.

    Raises:
        UnavailableError: The system would not run them, and git would go on without.
    """
    try:
        below.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="push-", dir=below))
    except OSError as error:
        raise _no_hooks(below) from error
    try:
        _write(folder / "pre-receive", _PRE_RECEIVE)
        if own is not None:
            _link_own(folder, own)
        if not os.access(folder / "pre-receive", os.X_OK):
            raise _no_hooks(below)
        yield HookFolder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_hooks(below: Path) -> None:
    """Remove what killed servers left, as long as no push can still be using it."""
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(below):
            if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE_S:
                shutil.rmtree(entry.path, ignore_errors=True)


def _no_hooks(below: Path) -> UnavailableError:
    log.error(
        "Pushes to protected refs are refused: hooks cannot be created and run.",
        extra=fields(folder=below),
    )
    return UnavailableError("Protected refs cannot be checked now, so pushes to them are refused.")


def _link_own(folder: Path, own: Path) -> None:
    (folder / "own").mkdir()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for entry in os.scandir(own):
            place = folder / "own" if entry.name in _OURS else folder
            (place / entry.name).symlink_to(Path(entry.path).absolute())
            if entry.name == "update":
                _write(folder / "update", _UPDATE)


def _write(path: Path, script: str) -> None:
    path.write_text(script, encoding="ascii")
    path.chmod(0o700)
