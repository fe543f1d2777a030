"""Every kind of error has an exit code and an HTTP status."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wit_admin.cli._errors import EXIT_OF_ERROR
from wit_admin.errors import WitError
from wit_admin.web.problems import STATUS_OF_ERROR, problem_of


def walk(kind: type[WitError]) -> Iterator[type[WitError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from walk(below)


@pytest.mark.parametrize("kind", list(walk(WitError)))
def test_every_error_is_mapped_at_both_edges(kind: type[WitError]) -> None:
    error = kind("It failed.", hint="Try again.")

    assert EXIT_OF_ERROR[kind] in {1, 2, 3, 4, 5, 70}
    assert problem_of(error).status == STATUS_OF_ERROR[kind]
    assert problem_of(error).message == "It failed. Try again."
