"""Repositories made by real jj, and what that jj said of them: tests/jj/fixtures/README.md."""

from __future__ import annotations

import functools
import gzip
import io
import json
import lzma
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKED = Path(__file__).parent.parent / "jj" / "fixtures"
OTHERS = os.environ.get("WIT_JJ_FIXTURES")
"""A folder of other fixtures, as they came: ``<version>/<scenario>.tar.gz`` and ``.json``."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One unpacked scenario, and the oracle that goes with it."""

    folder: Path
    oracle: dict[str, Any]

    @property
    def workspace(self) -> Path:
        """The main workspace."""
        return self.folder / "repo"

    @property
    def states(self) -> dict[str, Any]:
        """What held at which operation."""
        states: dict[str, Any] = self.oracle["states"]
        return states


def list_fixtures() -> list[str]:
    """Return ``version/scenario`` of all fixtures."""
    if OTHERS is None:
        return (PACKED / "contents.txt").read_text(encoding="ascii").split()
    return sorted(
        f"{tar.parent.name}/{tar.name.split('.')[0]}" for tar in Path(OTHERS).glob("*/*.tar.*")
    )


def unpack_fixture(name: str, folder: Path) -> Fixture:
    """Unpack ``version/scenario`` into an empty folder."""
    version, _, scenario = name.partition("/")
    packed, content = (
        _read_packed(version)[scenario] if OTHERS is None else _read_plain(version, scenario)
    )
    oracle = json.loads(content)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        # Ours, with odd file modes. The parameter of that name came with Python 3.11.4 only.
        tar.extraction_filter = lambda member, _: member
        tar.extractall(folder)  # noqa: S202  ours
    for place in oracle["absolute_paths_in"]:
        file = folder / place
        file.write_bytes(file.read_bytes().replace(b"@ROOT@", os.fsencode(folder.resolve())))
    return Fixture(folder, oracle)


def pack(source: Path, target: Path, *, without: frozenset[str] = frozenset()) -> None:
    """Pack a folder of fixtures as they came into one small file for each version."""
    names = []
    for version in sorted(path for path in source.iterdir() if path.is_dir()):
        with tarfile.open(target / f"{version.name}.tar.xz", "w:xz", preset=9) as tar:
            for scenario in sorted({path.name.split(".")[0] for path in version.iterdir()}):
                if scenario not in without:
                    names.append(f"{version.name}/{scenario}\n")
                    for suffix, content in zip(
                        ("tar", "json"), _read_plain(version.name, scenario, source), strict=True
                    ):
                        member = tarfile.TarInfo(f"{scenario}.{suffix}")
                        member.size = len(content)
                        tar.addfile(member, io.BytesIO(content))
    (target / "contents.txt").write_text("".join(names), encoding="ascii")


@functools.lru_cache(maxsize=2)
def _read_packed(version: str) -> dict[str, tuple[bytes, bytes]]:
    with tarfile.open(PACKED / f"{version}.tar.xz") as tar:
        return dict(_pair_members(tar))


def _pair_members(tar: tarfile.TarFile) -> Iterator[tuple[str, tuple[bytes, bytes]]]:
    contents = {}
    for member in tar:
        file = tar.extractfile(member)
        assert file is not None
        contents[member.name] = file.read()
    for name, packed in contents.items():
        scenario, _, suffix = name.rpartition(".")
        if suffix == "tar":
            yield scenario, (packed, contents[f"{scenario}.json"])


def _read_plain(version: str, scenario: str, source: Path | None = None) -> tuple[bytes, bytes]:
    folder = (source or Path(OTHERS or "")) / version
    tar = next(folder.glob(f"{scenario}.tar.*"))
    oracle = next(folder.glob(f"{scenario}.json*"))
    return _read_unpressed(tar), _read_unpressed(oracle)


def _read_unpressed(path: Path) -> bytes:
    content = path.read_bytes()
    match path.suffix:
        case ".gz":
            return gzip.decompress(content)
        case ".xz":
            return lzma.decompress(content)
    return content
