"""Limits of inotify for one process alone: those of a user namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import pytest

_NEW_NAMESPACE = ("unshare", "--user", "--map-root-user")


def under_limit(name: str, value: int) -> Sequence[str]:
    """Return what to put before a command that is to run under such a limit of ``sysctl user``."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("util-linux is not there, with unshare and nsenter")
    if subprocess.run([*_NEW_NAMESPACE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this user may not make user namespaces")
    return (*_NEW_NAMESPACE, "sh", "-c", f'{_write(name, value)} && exec "$@"', "sh")


def raise_limit(pid: int, name: str, value: int) -> None:
    """Set another limit for a process that runs under one."""
    inside = ["nsenter", "--user", f"--target={pid}", "--preserve-credentials"]
    subprocess.run([*inside, "sh", "-c", _write(name, value)], check=True)


def _write(name: str, value: int) -> str:
    return f"echo {value} >/proc/sys/user/{name}"
