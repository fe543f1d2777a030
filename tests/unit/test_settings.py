"""Settings come from flags, environment, file and defaults, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest

from wit_admin.errors import ConfigError
from wit_admin.settings import load_settings


def test_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    (tmp_path / "wit.toml").write_text('port = 4001\nhost = "::1"\nlog_level = "debug"\n')
    environment = {"WIT_HOME": str(tmp_path), "PORT": "4002", "WIT_HOST": "127.0.0.2"}

    loaded = load_settings({"port": "4003"}, environment)

    assert loaded.settings.port == 4003
    assert loaded.settings.host == "127.0.0.2"
    assert loaded.settings.log_level == "debug"
    assert loaded.settings.max_git_processes == 64
    assert loaded.origins["port"] == "flag --port"
    assert loaded.origins["host"] == "env WIT_HOST"
    assert loaded.origins["log_level"] == "wit.toml"
    assert loaded.origins["max_git_processes"] == "default"


def test_database_is_embedded_below_the_home_unless_said(tmp_path: Path) -> None:
    environment = {"WIT_HOME": str(tmp_path)}

    assert load_settings({}, environment).settings.database_url.reveal() == (
        f"sqlite:///{tmp_path / 'wit.db'}"
    )
    environment["DB_PATH"] = str(tmp_path / "other.db")
    assert load_settings({}, environment).settings.database_url.reveal().endswith("other.db")


def test_secret_is_read_from_a_file_and_prints_as_stars(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://wit:hunter2@db/wit\n")

    loaded = load_settings({}, {"WIT_HOME": str(tmp_path), "DATABASE_URL_FILE": str(secret)})

    assert loaded.settings.database_url.reveal() == "postgresql://wit:hunter2@db/wit"
    assert "hunter2" not in repr(loaded)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "http"),
        ("WIT_PUSH_CREATE", "sometimes"),
        ("WIT_MAX_PUSH_SIZE", "big"),
        ("WIT_IDLE_TIMEOUT", "nan"),
        ("WIT_IDLE_TIMEOUT", "-1"),
        ("WIT_NO_DATABASE", "maybe"),
    ],
)
def test_bad_value_names_its_place_and_not_itself(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"env {name}") as caught:
        load_settings({}, {"WIT_HOME": str(tmp_path), name: value})
    assert value not in caught.value.message.replace(name, "")


@pytest.mark.parametrize("content", ["colour = 1", "port = [1]", "port =", "\0"])
def test_bad_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "wit.toml").write_text(content)

    with pytest.raises(ConfigError):
        load_settings({}, {"WIT_HOME": str(tmp_path)})
