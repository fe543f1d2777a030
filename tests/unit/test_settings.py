"""Settings come from flags, environment, file and defaults, in that order."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.errors import ConfigError
from wit_admin.setting_values import SecretUrl
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


def test_flag_is_told_by_the_name_that_the_command_line_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(flag --drain-timeout\)"):
        load_settings({"home": str(tmp_path), "drain_timeout_s": "-1"}, {})


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
        ("WIT_MAX_GIT_PROCESSES", "0"),
        ("WIT_MAX_GIT_PROCESSES", "\u00b2"),
        ("WIT_MAX_PUSH_SIZE", "9" * 5000),
        ("WIT_HOME", "~nobody-of-that-name/wit"),
        ("WIT_REPOSITORIES_ROOT", "/srv\0/wit"),
        ("DATABASE_URL_FILE", "/nonexistent/secret"),
    ],
)
def test_bad_value_names_its_place_and_not_itself(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        load_settings({}, {"WIT_HOME": str(tmp_path), name: value})
    assert value not in caught.value.message.replace(name, "")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"colour = 'x-secret'", "'colour'"),
        (b"port = ['x-secret']", "'port'"),
        (b"[database]\nurl = 'x-secret'", "'database'"),
        (b"host = ''", "'host'"),
        (b"port = 'x-secret'", "port (wit.toml)"),
        (b"git_program = x-secret", "line 1, column"),
        (b"port =", "end of document"),
        (b"\0", "line 1, column"),
        (b"host = 'x-secret\xff'", "position"),
    ],
)
def test_bad_file_is_refused_by_its_place_and_not_its_value(
    tmp_path: Path, content: bytes, place: str
) -> None:
    (tmp_path / "wit.toml").write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_settings({}, {"WIT_HOME": str(tmp_path)})

    assert place in caught.value.message
    assert "x-secret" not in caught.value.message


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_chosen_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError):
        load_settings({}, {"WIT_HOME": str(tmp_path), "WIT_CONFIG": str(tmp_path / name)})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://wit:pw@db/wit", "postgresql://wit:***@db/wit"),
        ("postgresql://wit:p@/?w@db:5432/wit", "postgresql://wit:***@db:5432/wit"),
        ("postgresql://wit@[::1]:5432/wit", "postgresql://wit@[::1]:5432/wit"),
        (
            "postgresql://db/wit?password=pw&sslmode=on",
            "postgresql://db/wit?password=***&sslmode=***",
        ),
        ("postgresql:///wit?host=/run", "postgresql:///wit?host=***"),
        ("sqlite:////srv/a@b/wit.db", "sqlite:////srv/a@b/wit.db"),
        ("postgresql://wit:pw", "***"),
        ("pw", "***"),
    ],
)
def test_url_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert str(SecretUrl(url)) == shown
    assert "pw" not in repr(SecretUrl(url))


@given(st.text(min_size=1))
def test_no_password_shows_through(password: str) -> None:
    secret = f"<{password}>"

    assert secret not in str(SecretUrl(f"postgresql://wit:{secret}@db/wit"))
