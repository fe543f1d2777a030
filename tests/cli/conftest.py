"""What the tests of commands share."""

from __future__ import annotations

import pytest


@pytest.fixture
def database_in_settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands use a migrated database of either kind."""
    monkeypatch.setenv("DATABASE_URL", database_url)
