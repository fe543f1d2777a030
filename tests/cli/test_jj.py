"""``wit-admin jj``: what was synced, for people and for programs, live too."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.builders import NOW
from tests.support.databases import Databases, SqliteDatabases
from tests.support.jj_site import JjSite, make_jj_site
from tests.support.jj_writer import JjWriter
from tests.support.terminal import DEADLINE_S, read_until, run_on_terminal, start
from wit_admin.cli._root import app
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.services.jj.sync import sync_repository

EVIL = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202eb\r\nsecond"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Desk:
    """A synced site, and the environment in which commands reach it."""

    site: JjSite
    variables: dict[str, str]

    def run(self, *arguments: str, code: int = 0) -> Result:
        result = CliRunner(env=self.variables).invoke(
            app, ["jj", *arguments], prog_name="wit-admin"
        )
        assert result.exit_code == code, result.output
        return result

    def show(self, *arguments: str, **variables: str) -> str:
        wide = {"COLUMNS": "200", "TERM": "dumb", **self.variables, **variables}
        return run_on_terminal(["jj", *arguments], wide)


def write_hostile(writer: JjWriter) -> None:
    """Write a repository in which every text that may hold one holds an escape sequence."""
    trees = [writer.tree({"a\x1b[2Jb": text}) for text in ("left", "base", "right")]
    commit = writer.commit(
        description=EVIL, headers=[f"jj:trees {' '.join(trees)}"], change_id="k" * 32
    )
    view = writer.view(commit, bookmarks={EVIL: commit}, working_copies={EVIL: commit})
    facts: dict[str, Any] = dict.fromkeys(("description", "hostname", "username"), EVIL)
    writer.publish(view, **facts, attributes={"args": EVIL}, predecessors={commit: ()})


@contextlib.contextmanager
def open_desk(databases: Databases, home: Path) -> Iterator[Desk]:
    root = home / "repos"
    root.mkdir()
    hostile = JjWriter(root / "hostile/repo")
    write_hostile(hostile)
    with databases.create() as url:
        engine = open_engine(url)
        site = make_jj_site(
            make_sessions(engine),
            root,
            timeline="0.45.1/timeline",
            open="0.45.1/concurrent_open",
        )
        sync_repository(site.sessions, site.ids["plain"], hostile.workspace, now=NOW)
        yield Desk(site, {"DATABASE_URL": url, "WIT_HOME": str(home)})
        engine.dispose()


@pytest.fixture(scope="module")
def desk(module_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(module_databases, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def screen(_sqlite: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The same on one kind of database, for what is about terminals: each is a process."""
    with open_desk(_sqlite, tmp_path_factory.mktemp("home")) as opened:
        yield opened


LISTS = ("changes", "ops", "bookmarks", "conflicts")


@pytest.mark.parametrize("name", LISTS)
def test_json_holds_the_whole_list_page_by_page(desk: Desk, name: str) -> None:
    whole = json.loads(desk.run(name, "alice/timeline", "--limit", "1000", "--json").stdout)
    paged: list[Any] = []
    after: list[str] = []
    while True:
        result = desk.run(name, "alice/timeline", "--limit", "4", "--json", *after)
        paged += json.loads(result.stdout)
        found = re.search("--after (.*)", result.stderr)
        if found is None:
            break
        after = ["--after", found[1]]

    assert whole
    assert sorted(map(json.dumps, paged)) == sorted(map(json.dumps, whole))


@pytest.mark.parametrize(
    "arguments", ["changes", "ops", "ops --graph", "bookmarks", "conflicts", "evolution k"]
)
def test_no_text_of_a_repository_steers_who_reads_a_pipe(desk: Desk, arguments: str) -> None:
    command, *more = arguments.split()

    piped = desk.run(command, "alice/plain", *more).output
    answered = desk.run(command, "alice/plain", *more, "--json").output

    assert not STEERING.search(piped + answered)
    assert "\\x1b" in piped
    assert len({line.count("\t") for line in piped.splitlines()}) == 1


@pytest.mark.parametrize("arguments", ["changes", "ops", "bookmarks", "conflicts", "evolution k"])
def test_no_text_of_a_repository_steers_the_terminal(screen: Desk, arguments: str) -> None:
    command, *more = arguments.split()

    shown = screen.show(command, "alice/plain", *more, TERM="xterm-256color")

    assert not STEERING.search(COLOUR.sub("", shown))
    assert "\\x1b" in shown


def test_changes_on_a_terminal_look_as_in_jj(screen: Desk) -> None:
    (root,) = [
        row
        for row in json.loads(screen.run("changes", "alice/timeline", "--json").stdout)
        if row["change_id"] == "z" * 32
    ]

    coloured = screen.show("changes", "alice/timeline", TERM="xterm-256color")

    prefix = root["change_prefix"]
    assert f"\x1b[1;35m{prefix}\x1b[0m\x1b[90m{'z' * (8 - len(prefix))}" in coloured
    shown = COLOUR.sub("", coloured)
    assert re.match(r"@  \w{8}(\?\?)? ", shown.splitlines()[1])
    assert re.search(r"^◆  zzzzzzzz .* root\(\) *$", shown, re.MULTILINE)
    assert re.search(r"^×  \w{8}(\?\?)? .*\(conflict\) ", shown, re.MULTILINE)  # noqa: RUF001
    assert "(no description set)" in shown
    assert "main??" in shown


def test_log_is_a_graph_on_a_terminal_and_a_table_in_a_pipe(screen: Desk) -> None:
    heads = screen.site.fixtures["open"].oracle["op_heads"]
    assert len(heads) == 2

    shown = screen.show("ops", "alice/open").splitlines()
    piped = screen.run("ops", "alice/open").stdout.splitlines()
    drawn = screen.run("ops", "alice/open", "--graph").stdout.splitlines()

    assert [line[0] for line in shown[:1]] == ["@"]
    assert sum(bool(re.match("(│ )?@  [0-9a-f]{12} ", line)) for line in shown) == 2
    assert any(line.startswith("├─╯  ") for line in shown)
    assert shown[-2].startswith("○  ")
    assert any(len(line) > 200 for line in drawn)
    for whole, fitting in zip(drawn, shown, strict=True):
        assert whole.startswith(fitting.rstrip().removesuffix("…"))
    assert all(re.match(r"[0-9a-f]{128}\t", line) for line in piped)


def test_filtered_log_says_that_it_goes_on(desk: Desk) -> None:
    shown = desk.run("ops", "alice/timeline", "--undone", "--graph").stdout.splitlines()

    assert "(undone) " in shown[1]
    assert set(shown[-1]) <= {"~", " "}


def test_bookmark_with_several_targets_shows_all(screen: Desk) -> None:
    shown = screen.show("bookmarks", "alice/timeline", "--conflicted").splitlines()
    (row,) = json.loads(screen.run("bookmarks", "alice/timeline", "--conflicted", "--json").stdout)

    assert [term["is_added"] for term in row["terms"]] == [True, False, True]
    for line, term in zip(shown[1:], row["terms"], strict=True):
        assert f"{'+' if term['is_added'] else '-'}  {term['change_id'][:8]}" in line
        assert term["commit_id"][:8] in line


def test_evolution_is_found_by_the_shortest_beginning(screen: Desk) -> None:
    row = json.loads(screen.run("changes", "alice/timeline", "--json", "--limit", "1").stdout)[0]

    found = json.loads(
        screen.run("evolution", "alice/timeline", row["change_prefix"], "--json").stdout
    )
    shown = screen.show("evolution", "alice/timeline", row["change_prefix"])

    assert found["change_id"] == row["change_id"]
    assert set(row["commits"]) <= {form["commit_id"] for form in found["forms"]}
    assert shown.startswith(f"○  {row['change_id'][:8]} ")


def test_repository_that_was_never_synced_says_what_to_do(desk: Desk) -> None:
    made = CliRunner(env=desk.variables).invoke(
        app, ["repo", "create", f"alice/new-{uuid.uuid4().hex[:8]}"]
    )
    name = made.stdout.strip()

    for command in LISTS:
        result = desk.run(command, name, code=1)

        assert result.stdout == ""
        assert f"Hint: 'wit-admin watch sync {name}'" in result.stderr
    error = json.loads(desk.run("evolution", name, "k", "--json", code=1).stderr)["error"]
    assert error["kind"] == "not_found"


@pytest.mark.parametrize(
    "arguments",
    [
        ["changes", "alice/timeline", "--follow", "--after", "x"],
        ["changes", "alice/timeline", "--after", "x"],
        ["changes", "alice/timeline", "--limit", "1001"],
        ["ops", "alice/timeline", "--after", "x"],
        ["bookmarks", "alice/timeline", "--local", "--remote", "origin"],
        ["conflicts", "alice/timeline", "--resolved", "--all"],
        ["conflicts", "alice/timeline", "--change", "%"],
        ["evolution", "alice/timeline", ""],
    ],
)
def test_what_cannot_be_meant_is_refused(desk: Desk, arguments: list[str]) -> None:
    assert desk.run(*arguments, code=2).stdout == ""


def test_followed_list_ends_when_nobody_reads_it_any_more(desk: Desk) -> None:
    reading, writing = os.pipe()
    process = start(
        ["jj", "ops", "alice/timeline", "--follow", "--limit", "1"],
        stdout=writing,
        env={**os.environ, **desk.variables},
    )
    os.close(writing)
    with open(reading, "rb", buffering=0) as pipe:  # noqa: PTH123  a pipe, and no path
        read_until(pipe, b"\n")
    try:
        _, err = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()

    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize(
    ("command", "form"), [("ops", "text"), ("changes", "text"), ("changes", "json")]
)
def test_followed_list_shows_what_another_process_syncs(
    desk: Desk, tmp_path: Path, command: str, form: str
) -> None:
    name = f"live-{uuid.uuid4().hex[:8]}"
    CliRunner(env=desk.variables).invoke(app, ["repo", "create", f"alice/{name}"])
    found = json.loads(
        CliRunner(env=desk.variables)
        .invoke(app, ["repo", "show", f"alice/{name}", "--json"])
        .stdout
    )
    repo_id = uuid.UUID(found["id"])
    writer = JjWriter(tmp_path / "repo")
    base = writer.commit(description="begin", change_id="k" * 32)
    head = writer.publish(writer.view(base), description="begin")
    sync_repository(desk.site.sessions, repo_id, writer.workspace, now=NOW)
    flags = ["--json"] if form == "json" else []
    process = start(
        ["jj", command, f"alice/{name}", "--follow", *flags],
        env={**os.environ, **desk.variables},
    )
    try:
        before = read_until(process.stdout, b"begin")
        later = writer.commit(base, description="later", change_id="l" * 32)
        writer.publish(writer.view(later), head, description="later")
        sync_repository(desk.site.sessions, repo_id, writer.workspace, now=NOW)
        shown = before + read_until(process.stdout, b"later")
        while not shown.endswith(b"\n"):
            shown += os.read(process.stdout.fileno(), 4096) if process.stdout else b""
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()

    lines = (shown + rest).decode().splitlines()
    assert process.returncode == 130
    assert err == b""
    if form == "json":
        assert all(isinstance(json.loads(line), dict) for line in lines)
    assert "later" in lines[-1]
    assert sum("later" in line for line in lines) == 1
