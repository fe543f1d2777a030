"""Which tests run in the same process, when pytest-xdist shares them out."""

from __future__ import annotations

import re

import pytest
from xdist.scheduler import LoadScopeScheduling

_LONG_FIRST = ("tests/e2e/", "tests/services/", "tests/cli/")
_JJ_FIXTURE = re.compile(r"\[(\d+\.\d+\.\d+/\w+)\]$")


def long_first(item: pytest.Item) -> int:
    """Return a key to sort by: what is long must not begin when all else has ended."""
    folders = (place for place, start in enumerate(_LONG_FIRST) if item.nodeid.startswith(start))
    return next(folders, len(_LONG_FIRST))


class BySharedFixture(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Keeps together what shares a server or an unpacked repository, which is then made once."""

    def _split_scope(self, nodeid: str) -> str:
        unpacked = _JJ_FIXTURE.search(nodeid)
        return unpacked[1] if unpacked else nodeid.partition("::")[0]
