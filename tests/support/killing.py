"""A process that is killed at any one of the steps by which it changes something."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from sqlalchemy import Engine, Pool, event

_CHANGES = {
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.link",
    "shutil.rmtree",
    "subprocess.Popen",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def killed_at(step: int, action: Callable[[], object], *, in_statements: bool = False) -> bool:
    """Run ``action`` in a child that SIGKILL ends just ahead of its step of that number.

    Steps are what the kernel is asked to change on disk, processes started, and ends of
    transactions, before and after; and ``in_statements`` each of those. False when it had fewer
    steps and came to its end.
    """
    child = os.fork()
    if child == 0:
        try:
            _die_at(step, in_statements=in_statements)
            action()
        except BaseException:  # noqa: BLE001  the parent reads the code
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, -signal.SIGKILL}, code
    return code != 0


def _die_at(step: int, *, in_statements: bool) -> None:
    left = step

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def look(name: str, arguments: tuple[object, ...]) -> None:
        is_write = name == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES
        if name in _CHANGES or is_write:
            count()

    event.listen(Engine, "commit", count)
    event.listen(Pool, "checkin", count)
    if in_statements:
        event.listen(Engine, "before_cursor_execute", count)
    sys.addaudithook(look)
