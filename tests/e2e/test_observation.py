"""What an operator sees of a running server: log lines with an id, metrics, and no secrets."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.accounts import make_account, opened_database
from tests.support.processes import PATIENCE_S, children_of, is_receiving, is_running, wait_until
from tests.support.raw_answers import parse_answer
from tests.support.raw_http import END_OF_PUSH, begin_push, connected
from tests.support.repositories import oid_of
from tests.support.server import RunningServer, run_git, running_server
from wit_admin.db.models.pushes import PushEntry

pytestmark = pytest.mark.e2e

SECRET = "wit_do-not-print-me"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    home = tmp_path_factory.mktemp("forge") / "home"
    with running_server(home, "--workers=2", "--log-format=json") as started:
        yield started


@pytest.fixture(scope="module")
def token(server: RunningServer) -> str:
    return make_account(server)


def get(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    request = urllib.request.Request(
        url, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def lines_of(
    server: RunningServer, request_id: str, *, method: str = "GET", count: int = 1
) -> list[dict[str, Any]]:
    """Return the lines of requests with that id once so many of the method have ended."""
    log = server.home.with_suffix(".log")

    def found() -> list[dict[str, Any]]:
        # The last one may not be whole yet.
        lines = log.read_text().rpartition("\n")[0].splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in told if line["request_id"] == request_id]

    wait_until(lambda: [line.get("method") for line in found()].count(method) >= count)
    return found()


def metric(server: RunningServer, line: str) -> float:
    text = get(server.url + "metrics")[2]
    found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def wait_until_all_is_counted(server: RunningServer) -> None:
    """Wait for the requests before this: each is counted a moment after its client's answer."""
    pause_s = 0.01
    while metric(server, "wit_requests_in_flight") > 1:
        assert pause_s < PATIENCE_S
        # What asked before may itself be what is not counted yet.
        time.sleep(pause_s)
        pause_s *= 2


def commit(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    run_git(tmp_path, "init", "--quiet", "--initial-branch=main", str(folder))
    run_git(folder, "commit", "--quiet", "--allow-empty", "-m", "one")
    return folder


def test_a_request_has_one_line_with_its_id_and_no_secret(server: RunningServer) -> None:
    url = f"{server.url}alice/demo/info/refs?service=git-upload-pack&token={SECRET}"

    status, headers, _ = get(url, X_Request_Id="from-the-proxy-7", Authorization=f"Bearer {SECRET}")

    (line,) = lines_of(server, "from-the-proxy-7")
    assert headers["x-request-id"] == "from-the-proxy-7"
    assert (line["status"], line["path"]) == (status, "/alice/demo/info/refs")
    assert {"method", "ms", "bytes", "user", "time", "level"} <= set(line)
    assert SECRET not in server.home.with_suffix(".log").read_text()


@pytest.mark.parametrize("bad", ["", "x" * 65, "two words", "new%0aline", 'quo"te'])
def test_an_id_that_is_none_is_replaced(server: RunningServer, bad: str) -> None:
    _, headers, _ = get(server.url + "livez", X_Request_Id=bad)

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-request-id"])


def test_a_push_names_its_user_and_its_id_is_in_the_journal(
    server: RunningServer, token: str, tmp_path: Path
) -> None:
    work = commit(tmp_path)
    url = server.remote("alice/demo", token=token)

    run_git(work, "-c", "http.extraHeader=X-Request-Id: push-1", "push", "--quiet", url, "main")

    lines = lines_of(server, "push-1", method="POST")
    posts = [line for line in lines if line.get("method") == "POST"]
    assert [line["user"] for line in posts] == ["alice"]
    with opened_database(server) as sessions, sessions() as session:
        entries = session.scalars(select(PushEntry).where(PushEntry.request_id == "push-1")).all()
    assert len(entries) == 1


def test_an_answer_from_memory_is_told_and_counted_like_any_other(
    server: RunningServer, token: str, tmp_path: Path
) -> None:
    url = server.remote("alice/recalled", token=token)
    run_git(commit(tmp_path), "push", "--quiet", url, "main")
    server.admin("repo", "visibility", "alice/recalled", "public")
    listing = b"0014command=ls-refs\n0001000csymrefs\n0000"
    head = (
        b"POST /alice/recalled/git-upload-pack HTTP/1.1\r\nHost: x\r\nGit-Protocol: version=2\r\n"
    )
    head += b"Content-Type: application/x-git-upload-pack-request\r\n"
    head += b"Content-Length: %d\r\n" % len(listing)
    # Whoever asks to close the connection is answered in the usual way.
    usual, quick = b"X-Request-Id: usual\r\nConnection: close\r\n", b"X-Request-Id: quick\r\n"
    counted = 'wit_request_duration_seconds_count{operation="ls_refs",outcome="ok"}'
    wait_until_all_is_counted(server)
    before = metric(server, counted)

    seen = []
    with connected(server.url) as client:
        for _ in range(20):
            client.send(head + quick + b"\r\n" + listing)
            seen.append(client.read_answer())
        client.send(head + usual + b"\r\n" + listing)
        seen.append(parse_answer(client.read_to_end()))

    assert b"HEAD symref-target:refs/heads/main" in seen[0].body
    assert {answer.body for answer in seen} == {seen[0].body}
    unlike = {"date", "x-request-id", "connection", "time", "ms", "request_id", "message"}
    heads = [{name: text for name, text in a.headers.items() if name not in unlike} for a in seen]
    assert heads == [heads[0]] * 21
    wait_until(lambda: metric(server, counted) - before == 21)
    lines = lines_of(server, "quick", method="POST", count=20)
    lines += lines_of(server, "usual", method="POST")
    told = [{k: x[k] for k in x if k not in unlike} for x in lines]
    assert told == [told[0]] * 21


def test_metrics_add_up_over_workers_and_outlive_them(
    server: RunningServer, token: str, tmp_path: Path
) -> None:
    work = commit(tmp_path)
    url = server.remote("alice/counted", token=token)
    wait_until_all_is_counted(server)
    before = metric(server, "wit_pushes_total"), metric(server, "wit_clones_total")
    health = 'wit_request_duration_seconds_count{operation="health",outcome="ok"}'

    run_git(work, "push", "--quiet", url, "main")
    for number in range(4):
        run_git(tmp_path, "clone", "--quiet", url, f"copy-{number}")
        assert get(server.url + "livez")[0] == 200
    wait_until_all_is_counted(server)
    counted = metric(server, health)
    killed = children_of(server.process.pid)
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    # One that dies slowly might take the next request with it.
    wait_until(lambda: len({*children_of(server.process.pid)}.difference(killed)) == 2)
    wait_until(lambda: not any(map(is_running, killed)))

    after = metric(server, "wit_pushes_total"), metric(server, "wit_clones_total")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 4)
    assert metric(server, health) == counted >= 4
    wait_until_all_is_counted(server)
    assert metric(server, 'wit_response_bytes_total{operation="upload_pack"}') > 0


@pytest.mark.parametrize(
    ("damage", "options"),
    [("missing", ()), ("missing", ("--depth=1",)), ("torn", ()), ("torn", ("--depth=1",))],
)
def test_damage_is_named_to_client_and_operator_and_is_no_clone(
    server: RunningServer, token: str, tmp_path: Path, damage: str, options: tuple[str, ...]
) -> None:
    work = commit(tmp_path)
    (work / "file").write_text(damage)
    run_git(work, "add", "file")
    run_git(work, "commit", "--quiet", "-m", "two")
    name = f"alice/{damage}{len(options)}"
    url = server.remote(name, token=token)
    run_git(work, "push", "--quiet", url, "main")
    oid = oid_of(work, "main:file" if damage == "missing" else "main")
    lost = server.home / f"repos/{name}.git/objects" / oid[:2] / oid[2:]
    lost.unlink()
    if damage == "torn":
        lost.write_bytes(b"nothing that git could read")
    failed = 'wit_request_duration_seconds_count{operation="upload_pack",outcome="failed"}'
    wait_until_all_is_counted(server)
    before = metric(server, failed), metric(server, "wit_clones_total")
    log = server.home.with_suffix(".log")
    told = log.read_text().count('"logger": "wit_admin.web.git_fetch"')

    done = run_git(tmp_path, "clone", "--quiet", *options, url, "copy", check=False)

    assert done.returncode == 128
    assert oid in done.stderr
    assert str(server.home) not in done.stderr
    wait_until(lambda: metric(server, failed) == before[0] + 1)
    assert metric(server, "wit_clones_total") == before[1]
    assert log.read_text().count('"logger": "wit_admin.web.git_fetch"') == told + 1


def test_metrics_are_not_shown_through_a_proxy(server: RunningServer) -> None:
    status, _, sentence = get(server.url + "metrics", X_Forwarded_For="203.0.113.7")

    assert status == 403
    assert sentence.strip().endswith(".")


def test_a_client_is_told_when_git_is_killed_in_its_push(tmp_path: Path) -> None:
    """git waits for ever for the rest of a report of which the server sent half."""
    home = tmp_path / "home"
    run_git(tmp_path, "init", "--quiet", "--bare", str(home / "repos/alice/demo.git"))
    with (
        running_server(home, "--no-database", "--anonymous-push") as server,
        connected(server.url) as client,
    ):
        begin_push(client)
        children = partial(children_of, server.process.pid)
        wait_until(lambda: any(map(is_receiving, children())))

        os.kill(next(filter(is_receiving, children())), signal.SIGKILL)
        client.send(END_OF_PUSH)

        assert client.read_some().startswith(b"HTTP/1.1 500 ")


def test_a_schema_that_is_taken_back_makes_it_unready(tmp_path: Path) -> None:
    with running_server(tmp_path / "home") as server:
        ready = get(server.url + "readyz")[0]
        server.admin("db", "rollback", "--yes")
        unready, _, sentence = get(server.url + "readyz")
        health = json.loads(get(server.url + "health")[2])
        server.admin("db", "migrate")

        assert (ready, unready) == (200, 503)
        assert "older than this program" in sentence
        assert health["status"] == "ok"
        assert get(server.url + "readyz")[0] == 200


def test_another_method_gets_a_sentence(server: RunningServer) -> None:
    with connected(server.url) as client:
        client.send(b"DELETE /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = client.read_to_end()

    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"This address does not support the method.\n")
