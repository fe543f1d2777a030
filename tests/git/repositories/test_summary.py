"""What a repository's files say is such as a row can say it."""

from __future__ import annotations

import pytest

from wit_admin.git.repositories.summary import moment


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (1_800_000_000, "2027-01-15T08:00:00+00:00"),
        (-(2**40), "1970-01-01T00:00:00+00:00"),
        (2**40, "9999-01-01T00:00:00+00:00"),
    ],
)
def test_time_of_a_file_is_one_that_a_calendar_has(seconds: int, shown: str) -> None:
    assert moment(seconds * 10**9).isoformat() == shown
