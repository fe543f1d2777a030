"""A server's lock tells whether it lives, however it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from wit_admin.services.servers import Servers

_ENROL_AND_WAIT = """
import sys
from pathlib import Path
from wit_admin.services.servers import Servers
with Servers(Path(sys.argv[1])).enrol() as enrolment:
    print(enrolment.server_id, flush=True)
    sys.stdin.read()
"""
ROOT = Path(__file__).parents[2]


def start(run_dir: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _ENROL_AND_WAIT, str(run_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_killed_server_is_dead_and_forgotten(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    process, server_id = start(tmp_path)

    was_dead = servers.is_dead(server_id)
    process.kill()
    process.communicate()

    assert not was_dead
    assert servers.is_dead(server_id)
    servers.forget_the_dead()
    assert list((tmp_path / "servers").iterdir()) == []
    assert servers.is_dead(server_id)


def test_a_living_server_is_never_forgotten(tmp_path: Path) -> None:
    with Servers(tmp_path).enrol() as enrolment:
        Servers(tmp_path).forget_the_dead()

        assert not Servers(tmp_path).is_dead(enrolment.server_id)
    assert Servers(tmp_path).is_dead(enrolment.server_id)


def test_servers_of_another_folder_are_not_judged(tmp_path: Path) -> None:
    with Servers(tmp_path / "one").enrol() as enrolment:
        pass

    assert not Servers(tmp_path / "two").is_dead(enrolment.server_id)
