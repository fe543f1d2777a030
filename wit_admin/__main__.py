"""``python -m wit_admin`` and the ``wit-admin`` program."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130
READER_GONE = 141
"""What a shell shows of a program that SIGPIPE ended."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        try:
            code = _run(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # Python would try to write the rest at its end, and complain of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = READER_GONE
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    from wit_admin.cli import _quick  # noqa: PLC0415  what has a stored answer needs no more

    code = _quick.answer(arguments)
    if code is None:
        from wit_admin.cli._root import app  # noqa: PLC0415  Typer takes five times as long

        app(arguments, prog_name="wit-admin")
        return 0
    return code


if __name__ == "__main__":
    main()
