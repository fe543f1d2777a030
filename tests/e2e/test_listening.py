"""Where a server listens: a unix socket, TLS, IPv6, a socket that was handed over."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from tests.support.server import run_git, running_server

pytestmark = pytest.mark.e2e


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def serve(*flags: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wit_admin", "serve", "--no-database", *flags],
        env={"PATH": os.environ["PATH"], "WIT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
        return client.makefile("rb").read()


@pytest.mark.parametrize("count", [1, 2])
def test_unix_socket_is_for_its_group_and_gone_afterwards(tmp_path: Path, count: int) -> None:
    path = tmp_path / "wit.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    flags = (f"--unix-socket={path}", f"--workers={count}", "--no-database")
    with running_server(tmp_path / "home", *flags) as server:
        answer = ask(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        second = serve(f"--unix-socket={path}", home=tmp_path / "home")

    assert server.url == f"unix:{path}"
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert mode == 0o660
    assert second.returncode == 4
    assert "Another server listens" in second.stderr
    assert not path.exists()


def test_what_is_no_socket_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("dear", encoding="ascii")

    refused = serve(f"--unix-socket={tmp_path / 'notes.txt'}", home=tmp_path / "home")

    assert refused.returncode == 3
    assert (tmp_path / "notes.txt").read_text() == "dear"


def test_tls_serves_git_and_reads_a_new_certificate_on_sighup(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, "first")
    home = tmp_path / "home"
    run_git(tmp_path, "init", "--quiet", "--bare", str(home / "repos/alice/demo.git"))
    flags = (f"--tls-cert={certificate}", f"--tls-key={key}", "--workers=2", "--no-database")
    with running_server(home, *flags) as server:
        trust = ("-c", f"http.sslCAInfo={certificate}")
        run_git(tmp_path, *trust, "ls-remote", f"{server.url}alice/demo")
        address = ("127.0.0.1", int(server.url.rstrip("/").rpartition(":")[2]))
        before = ssl.get_server_certificate(address)
        for old, new in zip((certificate, key), make_certificate(tmp_path, "second"), strict=True):
            new.replace(old)

        server.process.send_signal(signal.SIGHUP)

        wait_until(lambda: ssl.get_server_certificate(address) != before)


@pytest.mark.parametrize("content", [None, "not PEM"])
def test_a_certificate_that_cannot_be_used_is_a_bad_setting(
    tmp_path: Path, content: str | None
) -> None:
    certificate = tmp_path / "cert.pem"
    if content is not None:
        certificate.write_text(content, encoding="ascii")

    refused = serve(f"--tls-cert={certificate}", home=tmp_path / "home")

    assert refused.returncode == 3
    assert "certificate" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_key_of_another_certificate_is_a_bad_setting(tmp_path: Path) -> None:
    certificate, _ = make_certificate(tmp_path, "one")
    _, key = make_certificate(tmp_path, "two")

    refused = serve(f"--tls-cert={certificate}", f"--tls-key={key}", home=tmp_path / "home")

    assert refused.returncode == 3


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="This machine has no IPv6.")
def test_ipv6_is_served_and_shown_in_brackets(tmp_path: Path) -> None:
    with running_server(tmp_path / "home", "--host=::1", "--no-database") as server:
        with urllib.request.urlopen(server.url + "livez", timeout=60) as answer:
            assert answer.status == 200
        assert server.url.startswith("http://[::1]:")


def test_a_socket_that_was_handed_over_is_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "wit_admin", "serve", "--no-database",
             f"--fd={listener.fileno()}"],
            env={"PATH": os.environ["PATH"], "WIT_HOME": str(tmp_path / "home")},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/livez"
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("flag", ["--fd=0", "--fd=77"])
def test_a_descriptor_that_is_no_socket_is_a_bad_setting(tmp_path: Path, flag: str) -> None:
    assert serve(flag, home=tmp_path / "home").returncode == 3
