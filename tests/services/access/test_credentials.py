"""Passwords and secrets under load, and in what is printed."""

from __future__ import annotations

import resource
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import UnauthenticatedError
from wit_admin.services.access.actors import Client, Credentials
from wit_admin.services.access.attempts import Attempt, open_attempts
from wit_admin.services.access.credentials import PasswordChecker, hash_password
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.settings import load_settings

SECRET = "s3cr3t-of-mine"


def test_flood_of_wrong_passwords_takes_bounded_memory() -> None:
    """Each check takes 64 MiB, and a server has 40 threads."""
    script = """
        from pathlib import Path
        from concurrent.futures import ThreadPoolExecutor
        from wit_admin.services.access.credentials import PasswordChecker, hash_password

        good, checker = hash_password("right"), PasswordChecker()
        with ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(lambda n: checker.check(good, f"wrong {n}"), range(24)))
        assert not any(answers)
        # The usage of resources would count the parent before the exec as well.
        status = Path("/proc/self/status").read_text()
        print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
    """
    line = [sys.executable, "-c", textwrap.dedent(script)]

    answer = subprocess.run(line, capture_output=True, text=True, check=True)

    assert int(answer.stdout) < 450 * 1024**2


def test_right_password_is_right_for_all_who_ask_at_once() -> None:
    good, checker = hash_password("right"), PasswordChecker()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: checker.check(good, "right"), range(200)))

    assert all(answers)
    # Four checks of some 0.1 s each, and not two hundred.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5


def test_right_password_is_right_for_all_who_ask_several_processes_at_once(tmp_path: Path) -> None:
    """Each has a checker of its own, and they count attempts together."""
    good, alice = hash_password("right"), Attempt("alice", "192.0.2.1")
    with ExitStack() as opened, ThreadPoolExecutor(48) as pool:
        files = [opened.enter_context(open_attempts(tmp_path / "attempts")) for _ in range(4)]
        checkers = [PasswordChecker(attempts) for attempts in files] * 12

        answers = list(pool.map(lambda checker: checker.check(good, "right", alice), checkers))

    assert all(answers)


def test_unknown_name_costs_as_much_as_a_wrong_password(
    sessions: sessionmaker[Session],
) -> None:
    create_user(sessions, "alice", password="correct horse")
    logins = LoginSessions(sessions, lifetime=timedelta(days=1))

    def cpu_seconds(username: str) -> float:
        started = time.process_time()
        with pytest.raises(UnauthenticatedError):
            logins.log_in(username, "wrong horse", Client())
        return time.process_time() - started

    cpu_seconds("nobody")

    # Without the check of a password it would be a fiftieth.
    assert cpu_seconds("nobody") > cpu_seconds("alice") / 4


def test_secrets_do_not_show_in_what_is_printed() -> None:
    url = f"postgresql://wit:{SECRET}@db.example.test/wit"
    settings = load_settings({}, {"DATABASE_URL": url, "WIT_HOME": "/srv/wit"}).settings

    assert SECRET not in f"{settings!r} {settings} {settings.database_url}"
    assert SECRET not in repr(Credentials(secret=SECRET, username="alice"))
