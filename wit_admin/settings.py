"""Settings: flags over environment over ``wit.toml`` over defaults, read once at the start.

The only module that looks at the environment. :mod:`wit_admin.setting_fields` says what there is.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wit_admin.errors import ConfigError
from wit_admin.setting_fields import Settings
from wit_admin.setting_files import read_config, read_secret
from wit_admin.setting_values import SecretUrl, parse_path

__all__ = ["Loaded", "Settings", "load_settings"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where each came from, such as ``flag --port`` or ``env PORT``."""

    settings: Settings
    origins: Mapping[str, str]


def load_settings(
    flags: Mapping[str, str | None], environment: Mapping[str, str] | None = None
) -> Loaded:
    """Read all settings once. ``flags`` maps field names to text; ``None`` means not given.

    Raises:
        ConfigError: A value cannot be used, or ``wit.toml`` has a key that is no setting. The
            sentence names the place, and never the value.
    """
    env = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    values["home"] = _find_home(flags, env)
    names = [setting.name for setting in dataclasses.fields(Settings)]
    file_values = read_config(env.get("WIT_CONFIG"), values["home"], known=names)
    for setting in dataclasses.fields(Settings):
        text, origin = _lookup(setting, flags, env, file_values)
        if text is not None:
            values[setting.name] = _parse(setting, text, origin)
            origins[setting.name] = origin
    home: Path = values["home"]
    if "database_url" not in values and env.get("DB_PATH"):
        values["database_url"] = SecretUrl(f"sqlite:///{parse_path(env['DB_PATH'])}")
        origins["database_url"] = "env DB_PATH"
    values.setdefault("database_url", SecretUrl(f"sqlite:///{home / 'wit.db'}"))
    values.setdefault("repositories_root", home / "repos")
    values.setdefault("push_checks", home / "checks")
    return Loaded(Settings(**values), {name: origins.get(name, "default") for name in names})


def _find_home(flags: Mapping[str, str | None], env: Mapping[str, str]) -> Path:
    setting = next(field for field in dataclasses.fields(Settings) if field.name == "home")
    text, origin = _lookup(setting, flags, env, {})
    home: Path = _parse(setting, _default_home() if text is None else text, origin)
    return home


def _lookup(
    setting: dataclasses.Field[Any],
    flags: Mapping[str, str | None],
    env: Mapping[str, str],
    file_values: Mapping[str, str],
) -> tuple[str | None, str]:
    given = flags.get(setting.name)
    if given is not None:
        # Seconds are no part of a flag's name; those of "watch" do not repeat its own.
        option = setting.name.removesuffix("_s").removeprefix("watch_").replace("_", "-")
        return given, f"flag --{option}"
    for name in setting.metadata["names"]:
        if env.get(name):
            return env[name], f"env {name}"
        if env.get(f"{name}_FILE"):
            return read_secret(f"{name}_FILE", env[f"{name}_FILE"]), f"env {name}_FILE"
    if setting.name in file_values:
        return file_values[setting.name], "wit.toml"
    return None, "default"


def _parse(setting: dataclasses.Field[Any], text: str, origin: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        raise ConfigError(f"{setting.name} ({origin}) {error}.") from None


def _default_home() -> str:
    from platformdirs import user_data_dir  # noqa: PLC0415  only when no home is given

    return user_data_dir("wit")
