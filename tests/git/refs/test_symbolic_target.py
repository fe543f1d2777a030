"""Which ref a push to another one changes."""

from __future__ import annotations

from pathlib import Path

from wit_admin.git.refs.values import symbolic_target


def test_target_is_found_through_files_and_links(tmp_path: Path) -> None:
    heads = tmp_path / "refs/heads"
    heads.mkdir(parents=True)
    (heads / "main").write_text("1" * 40 + "\n")
    (heads / "master").write_text("ref: refs/heads/main\n")
    (heads / "trunk").symlink_to("refs/heads/master")
    (heads / "loop").write_text("ref: refs/heads/loop\n")
    (heads / "out").write_text("ref: ../../../etc/passwd\n")

    found = {
        name: symbolic_target(tmp_path, f"refs/heads/{name}".encode())
        for name in ("main", "master", "trunk", "loop", "out", "absent")
    }

    assert found == {
        "main": None,
        "master": b"refs/heads/main",
        "trunk": b"refs/heads/main",
        "loop": None,
        "out": None,
        "absent": None,
    }
