"""Finds the person behind a command, for the audit trail."""

from __future__ import annotations

import os
from pathlib import Path

_LOGIN_UID = Path("/proc/self/loginuid")
_UNKNOWN = {2**32 - 1, 65534}
"""Nobody logged in; or a user whom this container has no number for."""


def login_uid() -> int:
    """Return the user who logged in, also behind sudo and su; where that is unknown who runs this.

    Source: Linux, ``Documentation/ABI/stable/procfs-audit_loginuid``. pam_loginuid sets it at the
    login, and all that is started from there has it.
    """
    try:
        uid = int(_LOGIN_UID.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return os.getuid()
    return os.getuid() if uid in _UNKNOWN else uid
