"""Starts a child process without a fork of this one, in a group of its own, with limited memory."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Sequence


def spawn(
    arguments: list[str],
    environment: dict[str, str],
    descriptors: Sequence[int],
    *,
    memory_bytes: int | None,
) -> int:
    """Start a child and return its process id; ``descriptors`` become its numbers 0 and up.

    ``memory_bytes`` limits its data, not the files that it maps.

    Raises:
        OSError: The program cannot be run, or there can be no more processes.
    """
    pid = os.posix_spawn(
        arguments[0],
        arguments,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(descriptors)
        ],
        setpgroup=0,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGINT, signal.SIGTERM),
    )
    if memory_bytes is not None:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    return pid
