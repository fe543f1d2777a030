"""Reads settings from files: ``wit.toml``, and secrets from ``…_FILE`` variables."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path

from wit_admin.errors import ConfigError

_MAX_BYTES = 1024**2
"""A file that is longer, or never ends, is another one than was meant."""


def read_secret(name: str, path: str) -> str:
    """Return what the file holds that ``name``, a ``…_FILE`` variable, points at.

    Raises:
        ConfigError: It cannot be read, or is too long.
    """
    try:
        return _read(Path(path)).strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name} names a file that cannot be read.") from error


def read_config(chosen: str | None, home: Path, *, known: Collection[str]) -> dict[str, str]:
    """Return what ``wit.toml`` says, as the texts that flags and environment would give.

    ``chosen`` is the file that ``WIT_CONFIG`` names; without one, the home may have it.

    Raises:
        ConfigError: It cannot be read, has a key that is not ``known``, or a value that is empty or
            neither text nor number.
    """
    path = Path(chosen) if chosen else home / "wit.toml"
    try:
        content = tomllib.loads(_read(path))
    except FileNotFoundError as error:
        if not chosen:
            return {}
        raise ConfigError("WIT_CONFIG names a file that does not exist.") from error
    except (OSError, ValueError) as error:
        # A sentence of the TOML reader names line and column; one about bytes tells none of them.
        reason = error.strerror if isinstance(error, OSError) else str(error).partition(":")[0]
        hint = None
        if isinstance(error, PermissionError):
            hint = "Run it as the user whom the files of the forge belong to."
        raise ConfigError(f"{path} cannot be read: {reason}.", hint=hint) from error
    for key, value in content.items():
        if key not in known:
            raise ConfigError(f"{path} sets {key!r}, which is not a setting.")
        if not isinstance(value, str | int | float):
            raise ConfigError(f"{path} sets {key!r} to something that is neither text nor number.")
        if value == "":
            raise ConfigError(f"{path} leaves {key!r} empty.", hint="Remove the line.")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in content.items()
    }


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ValueError("it is too long")
    return text
