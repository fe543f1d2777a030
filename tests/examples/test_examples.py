"""The examples work as they stand."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.jj_fixtures import unpack_fixture
from tests.support.terminal import make_program
from wit_admin.settings import Settings, load_settings

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
STORIES = sorted(EXAMPLES.glob("*.sh"))
SETTINGS = (EXAMPLES / "wit-admin.toml").read_text(encoding="utf-8")
FIELDS = {field.name: field for field in dataclasses.fields(Settings)}


@pytest.mark.e2e
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story_ends_well_and_leaves_nothing_behind(tmp_path: Path, story: Path) -> None:
    programs, scratch = tmp_path / "programs", tmp_path / "scratch"
    programs.mkdir()
    scratch.mkdir()
    # Who has jj lets it make one.
    made_by_jj = unpack_fixture("0.45.1/rewrites", tmp_path / "jj").workspace
    variables = {"TMPDIR": str(scratch), "PORT": "none", "JJ_WORKSPACE": str(made_by_jj)}

    result = subprocess.run(
        [story],
        env={**os.environ, **variables, "PATH": make_program(programs)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("Done.\n")
    assert list(scratch.iterdir()) == []


@pytest.mark.e2e
def test_story_that_cannot_serve_fails_and_leaves_nothing_behind(tmp_path: Path) -> None:
    result = subprocess.run(
        [STORIES[0]],
        env={**os.environ, "WIT_ADMIN": "false", "TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_settings_file_holds_the_defaults(tmp_path: Path) -> None:
    defaults = load_settings({}, {"WIT_HOME": str(tmp_path)}).settings

    loaded = load_settings(
        {}, {"WIT_HOME": str(tmp_path), "WIT_CONFIG": str(EXAMPLES / "wit-admin.toml")}
    )

    assert loaded.settings == defaults
    given = {name for name, origin in loaded.origins.items() if origin == "wit.toml"}
    none = (dataclasses.MISSING, None, ())
    with_a_default = {name for name, field in FIELDS.items() if field.default not in none}
    assert given == with_a_default


def test_settings_file_names_every_setting_its_variable_and_what_it_is(tmp_path: Path) -> None:
    uncommented = re.sub(r"^# (?=\w+ = )", "", SETTINGS, flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(uncommented, encoding="utf-8")
    explained = dict(re.findall(r"^# [A-Z][^\[]+\[(\w+)\]\n(\w+) = ", uncommented, re.MULTILINE))

    loaded = load_settings({}, {"WIT_CONFIG": str(tmp_path / "all.toml")})

    assert set(loaded.origins.values()) == {"wit.toml"}
    assert explained == {field.metadata["names"][0]: name for name, field in FIELDS.items()}
