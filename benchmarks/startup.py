"""CPU time of wit-admin's start, as ratios to ``python -c pass``: interleaved runs, medians.

Run it from the root of the repository: python benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping

_AS_SCRIPT = "import sys; sys.argv = {}; from wit_admin.__main__ import main; main()"
"""What the console script that pip makes comes down to."""

FLOOR = "python -c pass"
COMMANDS: dict[str, list[str]] = {
    FLOOR: ["-c", "pass"],
    "--version": ["-c", _AS_SCRIPT.format(["wit-admin", "--version"])],
    "--help": ["-c", _AS_SCRIPT.format(["wit-admin", "--help"])],
    "--help, python -m": ["-m", "wit_admin", "--help"],
    "no arguments": ["-m", "wit_admin"],
    "token create --help": ["-m", "wit_admin", "token", "create", "--help"],
    "completion of a word": ["-m", "wit_admin", "--complete", "token", "cr"],
    "unknown command": ["-m", "wit_admin", "tokn"],
    "config show": ["-m", "wit_admin", "config", "show"],
    "user list": ["-m", "wit_admin", "user", "list"],
}


def main() -> None:
    """Measure and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    spent: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "WIT_HOME": home, "PYTHONPYCACHEPREFIX": f"{home}/compiled"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        subprocess.run(
            [sys.executable, "-m", "wit_admin", "db", "migrate"],
            env=environment,
            check=True,
            capture_output=True,
        )
        for arguments in COMMANDS.values():
            _cpu_seconds(arguments, environment)
        for _ in range(rounds):
            for name, arguments in COMMANDS.items():
                spent[name].append(_cpu_seconds(arguments, environment))
    floor = statistics.median(spent[FLOOR])
    for name, seconds in spent.items():
        median = statistics.median(seconds)
        print(f"{name:24} {median * 1000:7.1f} ms {median / floor:6.2f} x")


def _cpu_seconds(arguments: list[str], environment: Mapping[str, str]) -> float:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
