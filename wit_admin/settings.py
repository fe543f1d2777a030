"""Settings: flags over environment over ``wit.toml`` over defaults, read once at the start.

The only module that looks at the environment.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from wit_admin.errors import ConfigError

_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_UNITS_S = {"s": 1, "h": 3600, "d": 86400, "w": 7 * 86400}
_LONGEST_S = 200 * 365 * 86400
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
_MAX_PORT = 65535

UNIX_PEER: Literal["unix"] = "unix"
"""Whoever may connect to the unix socket."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network | Literal["unix"]


class Secret:
    """A value that prints as stars."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


_URL = re.compile(
    r"(?P<scheme>[a-z0-9+]+)://"
    # A password may hold '@' and '/'; the longest one that can be meant is hidden.
    r"(?:(?P<user>[^:@/]*)(?P<password>:.*)?@)?"
    r"(?P<place>(?:\[[0-9a-fA-F:.]*\]|[^:@/?]*)(?::[0-9]+)?(?:/[^?]*)?)(?P<query>\?.*)?"
)


class SecretUrl(Secret):
    """A URL that prints with stars for its password and for the values of its query."""

    __slots__ = ()

    def __str__(self) -> str:
        found = _URL.fullmatch(self.reveal())
        if found is None:
            return super().__str__()
        user = "" if found["user"] is None else found["user"]
        password = ":***" if found["password"] else ""
        at = "" if found["user"] is None else "@"
        query = re.sub(r"=[^&]*", "=***", found["query"] or "")
        return f"{found['scheme']}://{user}{password}{at}{found['place']}{query}"


def _flag(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("must be true or false")


def _size(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,18})\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise ValueError("must be a size such as 512m or 2g")
    return int(found[1]) * _SIZES[found[2]]


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text.strip()):
        raise ValueError("must be a whole number")
    return int(text)


def _count(text: str) -> int:
    if (count := _number(text)) == 0:
        raise ValueError("must be at least 1")
    return count


def _port(text: str) -> int:
    port = _number(text)
    if port > _MAX_PORT:
        raise ValueError("must be at most 65535")
    return port


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise ValueError("must be a number of seconds above 0")
    return seconds


def parse_lifetime(text: str) -> timedelta:
    """Read a lifetime such as ``12h``, ``90d`` or ``4w``; seconds (``s``) too.

    Raises:
        ValueError: It is none, or longer than 200 years.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,9})([shdw])", text)
    seconds = int(found[1]) * _UNITS_S[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError("must be a lifetime such as 12h, 90d or 4w")
    return timedelta(seconds=seconds)


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError("names the home of a user who does not exist") from None


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(_path(part) for part in text.split(os.pathsep) if part)


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> Network:
    if text == UNIX_PEER:
        return UNIX_PEER
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError("must be addresses or networks, by commas") from None


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return parse


def _setting(
    parse: Callable[[str], Any], help_text: str, *names: str, default: Any = dataclasses.MISSING
) -> Any:
    metadata = {"parse": parse, "help": help_text, "names": names}
    if default is dataclasses.MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set. A field's metadata says where it is read from."""

    home: Path = _setting(_path, "Folder of the forge's own data", "WIT_HOME")
    database_url: Secret = _setting(
        SecretUrl, "Database: sqlite:///… or postgresql://…", "DATABASE_URL", "WIT_DATABASE_URL"
    )
    host: str = _setting(str, "Address to listen on", "WIT_HOST", default="127.0.0.1")
    port: int = _setting(
        _port, "Port to listen on; 0 takes a free one", "PORT", "WIT_PORT", default=3000
    )
    unix_socket: Path | None = _setting(
        _path, "Unix socket to listen on, in place of a port", "WIT_UNIX_SOCKET", default=None
    )
    fd: int | None = _setting(
        _number, "Listening socket that was handed over, as by systemd", "WIT_FD", default=None
    )
    tls_cert: Path | None = _setting(
        _path, "Certificate chain, in PEM", "WIT_TLS_CERT", default=None
    )
    tls_key: Path | None = _setting(_path, "Its private key, in PEM", "WIT_TLS_KEY", default=None)
    trusted_proxies: tuple[Network, ...] = _setting(
        _networks,
        "Addresses or networks whose X-Forwarded-For is believed, by commas; unix is the socket",
        "WIT_TRUSTED_PROXIES",
        default=(),
    )
    metrics_public: bool = _setting(
        _flag, "/metrics answers more than loopback", "WIT_METRICS_PUBLIC", default=False
    )
    workers: int = _setting(_count, "Processes that serve", "WIT_WORKERS", default=1)
    repositories_root: Path = _setting(_path, "Folder of the repositories", "WIT_REPOSITORIES_ROOT")
    shared_objects: tuple[Path, ...] = _setting(
        _paths,
        "Folders outside the root, separated by ':', that alternates and links may lead to",
        "WIT_SHARED_OBJECTS",
        default=(),
    )
    push_create: str = _setting(
        _one_of("off", "users", "orgs", "all"),
        "Whose namespaces a first push may create repositories in",
        "WIT_PUSH_CREATE",
        default="all",
    )
    default_visibility: str = _setting(
        _one_of("public", "private"),
        "Visibility of repositories that a push creates",
        "WIT_DEFAULT_VISIBILITY",
        default="private",
    )
    anonymous_push: bool = _setting(
        _flag,
        "Anybody may push, as the owner; on loopback only",
        "WIT_ANONYMOUS_PUSH",
        default=False,
    )
    no_database: bool = _setting(
        _flag, "Serve what stands on disk, without a database", "WIT_NO_DATABASE", default=False
    )
    repository_hooks: bool = _setting(
        _flag, "Run the repositories' own hooks", "WIT_REPOSITORY_HOOKS", default=False
    )
    max_push_bytes: int = _setting(_size, "Largest push", "WIT_MAX_PUSH_SIZE", default=2 * 1024**3)
    child_memory_bytes: int = _setting(
        _size, "Memory of one git child", "WIT_CHILD_MEMORY", default=2 * 1024**3
    )
    max_git_processes: int = _setting(
        _count, "Git children at once", "WIT_MAX_GIT_PROCESSES", default=64
    )
    idle_timeout_s: float = _setting(
        _seconds, "How long a client may stay silent", "WIT_IDLE_TIMEOUT", default=120.0
    )
    drain_timeout_s: float = _setting(
        _seconds,
        "How long running requests may take after SIGTERM",
        "WIT_DRAIN_TIMEOUT",
        default=30.0,
    )
    session_lifetime: timedelta = _setting(
        parse_lifetime,
        "How long a sign-in is good, such as 12h, 30d or 4w",
        "WIT_SESSION_LIFETIME",
        default=timedelta(days=30),
    )
    header_timeout_s: float = _setting(
        _seconds, "How long a request's head may take", "WIT_HEADER_TIMEOUT", default=30.0
    )
    keep_alive_s: float = _setting(
        _seconds, "How long an idle connection is kept", "WIT_KEEP_ALIVE", default=15.0
    )
    max_header_bytes: int = _setting(
        _size, "Largest head of a request", "WIT_MAX_HEADER_SIZE", default=32 * 1024
    )
    git_program: str = _setting(str, "The git program", "WIT_GIT", default="git")
    log_level: str = _setting(
        _one_of("debug", "info", "warning", "error"),
        "Least level that is logged",
        "WIT_LOG_LEVEL",
        default="info",
    )
    log_format: str = _setting(
        _one_of("text", "json"), "How log lines look", "WIT_LOG_FORMAT", default="text"
    )

    @property
    def cache_dir(self) -> Path:
        """What can be deleted at any time."""
        return self.home / "cache"

    @property
    def run_dir(self) -> Path:
        """Locks of running servers."""
        return self.home / "run"

    @property
    def uses_embedded_database(self) -> bool:
        """SQLite, which ``serve`` migrates by itself."""
        return self.database_url.reveal().startswith("sqlite")


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
    file_values = _read_file(env.get("WIT_CONFIG"), values["home"])
    for setting in dataclasses.fields(Settings):
        text, origin = _lookup(setting, flags, env, file_values)
        if text is not None:
            values[setting.name] = _parse(setting, text, origin)
            origins[setting.name] = origin
    home: Path = values["home"]
    if "database_url" not in values and env.get("DB_PATH"):
        values["database_url"] = SecretUrl(f"sqlite:///{_path(env['DB_PATH'])}")
        origins["database_url"] = "env DB_PATH"
    values.setdefault("database_url", SecretUrl(f"sqlite:///{home / 'wit.db'}"))
    values.setdefault("repositories_root", home / "repos")
    names = [setting.name for setting in dataclasses.fields(Settings)]
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
        return given, f"flag --{setting.name.replace('_', '-')}"
    for name in setting.metadata["names"]:
        if env.get(name):
            return env[name], f"env {name}"
        if env.get(f"{name}_FILE"):
            return _read_secret(f"{name}_FILE", env[f"{name}_FILE"]), f"env {name}_FILE"
    if setting.name in file_values:
        return file_values[setting.name], "wit.toml"
    return None, "default"


def _parse(setting: dataclasses.Field[Any], text: str, origin: str) -> Any:
    try:
        return setting.metadata["parse"](text)
    except ValueError as error:
        raise ConfigError(f"{setting.name} ({origin}) {error}.") from None


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name} names a file that cannot be read.") from error


def _read_file(chosen: str | None, home: Path) -> dict[str, str]:
    path = Path(chosen) if chosen else home / "wit.toml"
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError as error:
        if not chosen:
            return {}
        raise ConfigError("WIT_CONFIG names a file that does not exist.") from error
    except (OSError, ValueError) as error:
        # A sentence of the TOML reader names line and column; one about bytes tells none of them.
        reason = error.strerror if isinstance(error, OSError) else str(error).partition(":")[0]
        raise ConfigError(f"{path} cannot be read: {reason}.") from error
    known = {setting.name for setting in dataclasses.fields(Settings)}
    for key, value in content.items():
        if key not in known:
            raise ConfigError(f"{path} sets {key!r}, which is no setting.")
        if not isinstance(value, str | int | float):
            raise ConfigError(f"{path} sets {key!r} to something that is neither text nor number.")
        if value == "":
            raise ConfigError(f"{path} leaves {key!r} empty.", hint="Take the line out.")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in content.items()
    }


def _default_home() -> str:
    from platformdirs import user_data_dir  # noqa: PLC0415  only when no home is given

    return user_data_dir("wit")
