"""What the documents refer to exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
PLACES = ("", "docs", "wit_admin", "wit_admin/services")
"""Folders from which documents name files."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_document_names_exist(document: Path) -> None:
    named = set(re.findall(r"`([a-z_]+(?:/[\w./-]+)?\.(?:md|py|sh))`", document.read_text()))

    missing = {name for name in named if not any((ROOT / at / name).exists() for at in PLACES)}

    assert not missing


@pytest.mark.parametrize("package", ["services", "git", "web"])
def test_modules_that_a_package_lists_exist(package: str) -> None:
    folder = ROOT / "wit_admin" / package
    listed = listed_modules(folder)

    missing = {name for name in listed if not [*folder.glob(f"{name}.py"), *folder.glob(name)]}

    assert listed
    assert not missing


@pytest.mark.parametrize("package", ["services", "git"])
def test_package_lists_all_that_is_in_it(package: str) -> None:
    folder = ROOT / "wit_admin" / package
    there = {path.stem for path in folder.iterdir() if not path.name.startswith("__")}

    assert there <= listed_modules(folder)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_sections_of_a_document_are_named_once(document: Path) -> None:
    sections = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)

    assert len(sections) == len(set(sections))


def listed_modules(package: Path) -> set[str]:
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    return set(re.findall(r"``([a-z_*]+)``", docstring))
