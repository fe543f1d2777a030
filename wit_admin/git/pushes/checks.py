"""Checks pushed objects in git's quarantine: force, large files, the operator's programs.

The operator's programs are run here, never one that a repository names.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.git.children.child import GitChild
from wit_admin.git.children.pipes import open_pipe
from wit_admin.git.children.tools import GitTools
from wit_admin.git.objects.ancestry import find_near
from wit_admin.git.pushes.guard import PushGuard, RefGuard
from wit_admin.git.refs.pattern import RefPattern
from wit_admin.log import fields

log = logging.getLogger(__name__)

_SHOWN_BYTES = 4 * 1024
"""The most output of one program that is passed on to the pusher."""
_TOLD_LINES, _TOLD_CHARACTERS = 50, 8 * 1024
"""The most output of all programs together; it must fit into a pipe, 4 bytes per character."""
_WATCHED = '(read _ <&3; kill -9 -$$) >/dev/null 2>&1 & exec 3<&- "$@"'
"""Runs a program beside a watcher, which kills both when the server is gone."""
_CANNOT_RUN = (126, 127)
_STEERS = re.compile(r"[^\x20-\x7e\xa0-\U0010ffff]")
"""Characters that a terminal might interpret."""
_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """Where hooks of ours are made, where the operator's programs are, how long these may take."""

    hooks: Path
    programs: Path
    timeout_s: float


@dataclass(slots=True)
class Verdict:
    """The result of checking a push."""

    refusals: dict[bytes, str]
    told: list[str] = field(default_factory=list)
    """Lines of output for the pusher."""

    def tell(self, output: bytes) -> None:
        """Add a program's output, up to the limits, without control characters."""
        room = _TOLD_CHARACTERS - sum(map(len, self.told))
        for line in output.decode("utf-8", "replace").splitlines():
            text = _STEERS.sub("?", line.replace("\t", "    "))
            if text and len(text) <= room and len(self.told) < _TOLD_LINES:
                self.told.append(text)
                room -= len(text)


@dataclass(frozen=True, slots=True)
class PushChecks:
    """Checks the commands of one push, with its objects in git's quarantine."""

    tools: GitTools
    settings: GuardSettings
    gitdir: Path
    objects: tuple[str, str]
    """The folders of the new objects and of all others; both empty if the push has no objects."""
    _vetted: dict[tuple[str, ...], set[str]] = field(default_factory=dict)
    _clean: dict[tuple[tuple[str, ...], int], set[str]] = field(default_factory=dict)
    """The ids that were found to reach no large file, by the rules they were checked against."""

    async def judge(self, guard: PushGuard) -> Verdict:
        """Run the checks of each ref; a ref that is refused needs no further checks."""
        verdict = Verdict(dict(guard.refusals))
        forced = await self._find_forced(guard)
        end = time.monotonic() + self.settings.timeout_s
        for ref in guard.refs:
            if ref.forbids_force and (ref.old, ref.new) in forced:
                verdict.refusals[ref.ref] = "protected: no forced pushes"
            elif ref.max_blob_bytes is not None and (
                reason := await self._find_large(ref, ref.max_blob_bytes)
            ):
                verdict.refusals[ref.ref] = f"protected: {reason}"
            else:
                await self._run_checks(ref, guard, verdict, end)
        return verdict

    async def _find_forced(self, guard: PushGuard) -> set[tuple[str, str]]:
        """Return the forced moves; git is only asked about those that are not found in process."""
        moves = {(ref.old, ref.new) for ref in guard.refs if ref.forbids_force}
        apart = self.objects[0]
        moves -= await asyncio.to_thread(find_near, self.gitdir, moves, apart=apart)
        return {move for move in moves if not await self._is_forward(*move)}

    async def _is_forward(self, old: str, new: str) -> bool:
        """Return whether the new commit contains the old one; false if that cannot be found out."""
        async with self._git("merge-base", "--is-ancestor", old, new) as child:
            child.close_stdin()
            return await child.wait() == 0

    async def _find_large(self, ref: RefGuard, most: int) -> str | None:
        """Return the refusal if the ref would newly reach a file over the limit, or ``None``."""
        if ref.vetted not in self._vetted:
            self._vetted[ref.vetted] = await self._list_vetted(ref.vetted)
        clean = self._clean.setdefault((ref.vetted, most), set())
        tips = self._vetted[ref.vetted] | clean | ({ref.old} if ref.old.strip("0") else set())
        ids = [ref.new, *(f"^{oid}" for oid in sorted(tips))]
        only = (f"--filter=blob:limit={most + 1}", "--filter-provided-objects")
        large = await self._find_line(ids, b"~", *only, "--filter-print-omitted")
        if large is None:
            clean.add(ref.new)
            return None
        line = await self._find_line(ids, large[1:]) or b""
        path = _STEERS.sub("?", line.partition(b" ")[2].decode("utf-8", "replace"))
        return f"{path[:200] or 'a file'} is larger than {in_units(most)}"

    async def _list_vetted(self, texts: Sequence[str]) -> set[str]:
        """Return the values of all refs that these patterns match."""
        patterns, tips = [RefPattern(text) for text in texts], set()
        async with self._git("for-each-ref", "--format=%(objectname) %(refname)") as child:
            child.close_stdin()
            async for line in _lines(child):
                oid, _, name = line.partition(b" ")
                if any(pattern.matches(name) for pattern in patterns):
                    tips.add(oid.decode())
        return tips

    async def _find_line(self, ids: Sequence[str], start: bytes, *options: str) -> bytes | None:
        """Return the first line of ``rev-list --objects`` that begins so.

        Raises:
            UnavailableError: git cannot walk there.
        """
        async with self._git("rev-list", "--objects", *options, "--stdin") as child:
            # git reads all of its input before it prints anything.
            await child.write("".join(f"{oid}\n" for oid in ids).encode())
            child.close_stdin()
            async for line in _lines(child):
                if line.startswith(start):
                    return line
            if await child.wait() != 0:
                raise UnavailableError("git cannot walk what was pushed.")
        return None

    async def _run_checks(
        self, ref: RefGuard, guard: PushGuard, verdict: Verdict, end: float
    ) -> None:
        for name in ref.checks:
            said = bytearray()
            reason = await self._run_check(name, ref, guard, said, end - time.monotonic())
            verdict.tell(bytes(said))
            if reason is not None:
                verdict.refusals[ref.ref] = f"the check {name} {reason}"
                return

    async def _run_check(
        self, name: str, ref: RefGuard, guard: PushGuard, said: bytearray, within_s: float
    ) -> str | None:
        """Run one program; return the reason if it does not accept, or ``None``."""
        program = os.fspath(self.settings.programs / name)
        line = ["/bin/sh", "-c", _WATCHED, name, program, os.fsdecode(ref.ref), ref.old, ref.new]
        status = _CANNOT_RUN[0]
        try:
            # The name comes from the database, which must not be able to name any program.
            if os.sep not in name and os.access(program, os.X_OK):
                async with asyncio.timeout(max(within_s, 0)):
                    status = await self._run_watched(line, guard, said)
        except TimeoutError:
            log.warning(
                "A push check took too long.",
                extra=fields(check=name, timeout_s=self.settings.timeout_s),
            )
            return "took too long"
        if status in _CANNOT_RUN:
            # The shell's own errors are not for the pusher.
            log.warning(
                "A push check cannot be run.", extra=fields(program=program, output=bytes(said))
            )
            said.clear()
            return "cannot be run"
        if status < 0:
            log.warning("A push check was killed.", extra=fields(check=name, signal=-status))
            return "was ended"
        return None if status == 0 else "refuses it"

    async def _run_watched(self, line: list[str], guard: PushGuard, said: bytearray) -> int:
        environment = self._variables(**guard.variables)
        with open_pipe() as (watched, _):
            async with GitChild(
                line,
                environment,
                memory_bytes=self.tools.memory_bytes,
                descriptors=(watched.number,),
                is_foreign=True,
            ) as child:
                child.close_stdin()
                async for chunk in child.chunks():
                    said += chunk[: _SHOWN_BYTES - len(said)]
                return await child.wait()

    def _git(self, *arguments: str) -> GitChild:
        line = self.tools.command(*arguments)
        variables = self._variables(GIT_NO_REPLACE_OBJECTS="1")
        return GitChild(line, variables, memory_bytes=self.tools.memory_bytes)

    def _variables(self, **extra: str) -> dict[str, str]:
        new, others = self.objects
        apart = {
            "GIT_OBJECT_DIRECTORY": new,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": others,
            # git refuses to move refs if it finds this variable.
            "GIT_QUARANTINE_PATH": new,
        }
        return self.tools.environment.variables(
            extra={"GIT_DIR": str(self.gitdir), **(apart if new else {}), **extra}
        )


async def _lines(child: GitChild) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in child.chunks():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def in_units(size: int) -> str:
    """Return a number of bytes in a readable unit."""
    for unit, factor in _UNITS:
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size} bytes"
