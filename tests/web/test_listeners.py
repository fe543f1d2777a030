"""What a listener leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from wit_admin.errors import ConfigError
from wit_admin.settings import Settings, load_settings
from wit_admin.web.listeners import listening


def test_unix_socket_is_gone_when_the_server_refuses_to_start(tmp_path: Path) -> None:
    path = tmp_path / "wit.sock"
    settings = load_settings({"unix_socket": str(path)}, {"WIT_HOME": str(tmp_path)}).settings

    with pytest.raises(ConfigError):
        refuse_to_start(settings)

    assert not path.exists()


def refuse_to_start(settings: Settings) -> None:
    with listening(settings) as listener:
        assert Path(listener.getsockname()).is_socket()
        raise ConfigError("It cannot start.")
