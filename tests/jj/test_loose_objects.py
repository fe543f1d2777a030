"""Loose objects are read up to the limit, however badly they could be compressed."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from wit_admin.errors import DamagedJjError
from wit_admin.git_objects import hash_object
from wit_admin.jj.loose_objects import read_loose


def test_noise_of_just_the_limit_is_read(tmp_path: Path) -> None:
    """Its file is larger than the limit, and was refused for that."""
    noise = random.Random(7).randbytes(10_000)
    oid = hash_object("blob", noise, 20)
    path = tmp_path / oid[:2] / oid[2:]
    path.parent.mkdir()
    path.write_bytes(zlib.compress(b"blob 10000\0" + noise))

    assert path.stat().st_size > len(noise)
    assert read_loose([tmp_path], oid, most_bytes=10_000) == ("blob", noise)
    with pytest.raises(DamagedJjError):
        read_loose([tmp_path], oid, most_bytes=9_999)
