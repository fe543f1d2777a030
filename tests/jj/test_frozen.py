"""What is made in a shorter way is what the class itself makes."""

from __future__ import annotations

import copy
import dataclasses

import pytest

from wit_admin.jj.frozen import maker
from wit_admin.jj.operations import Timestamp


def test_instances_are_those_of_the_class() -> None:
    made = maker(Timestamp)(1, tz_minutes=2)

    assert type(made) is Timestamp
    assert (made, hash(made), repr(made)) == (
        Timestamp(1, 2),
        hash(Timestamp(1, 2)),
        repr(Timestamp(1, 2)),
    )
    assert copy.deepcopy(made) == dataclasses.replace(made) == made
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.ms = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        maker(Timestamp)(1)  # type: ignore[call-arg]
