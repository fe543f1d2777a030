"""Files that never end are refused before they fill the memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wit_admin.cli._root import app
from wit_admin.errors import ConflictError
from wit_admin.git.remotes.fetching import read_credentials

pytestmark = pytest.mark.skipif(
    not Path("/dev/zero").exists(), reason="This system has no device that never ends."
)


def test_key_file_that_never_ends_is_no_key() -> None:
    result = CliRunner().invoke(app, ["ssh-key", "add", "alice", "/dev/zero"])

    assert result.exit_code == 2
    assert "/dev/zero is too long for a key." in result.stderr


def test_credentials_are_a_line_of_bounded_length(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("alice:" + "x" * 1000 + "\n", encoding="ascii")
    read = read_credentials(file)
    file.write_text("alice:" + "x" * 20_000, encoding="ascii")

    assert read == "alice:" + "x" * 1000
    for path in (file, Path("/dev/zero")):
        with pytest.raises(ConflictError, match="cannot be read"):
            read_credentials(path)


def test_password_that_never_ends_is_none() -> None:
    with Path("/dev/zero").open("rb") as endless:
        result = subprocess.run(
            [sys.executable, "-m", "wit_admin", "user", "create", "alice", "--password-stdin"],
            stdin=endless,
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode == 2
    assert "is longer than 4096 bytes." in result.stderr


@pytest.mark.parametrize("name", ["DATABASE_URL_FILE", "WIT_CONFIG"])
def test_settings_that_never_end_are_unusable(name: str) -> None:
    result = CliRunner().invoke(app, ["config", "show"], env={name: "/dev/zero"})

    assert result.exit_code == 3
    assert "cannot be read" in result.stderr
    assert name in result.stderr or "/dev/zero" in result.stderr
