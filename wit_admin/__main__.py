"""``python -m wit_admin`` and the ``wit-admin`` program."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; ``--version`` alone is answered before anything is imported."""
    if sys.argv[1:] == ["--version"]:
        from wit_admin import __version__  # noqa: PLC0415  the quick way out

        sys.stdout.write(f"wit-admin {__version__}\n")
        return
    from wit_admin.cli import app  # noqa: PLC0415  Typer takes five times as long as Python itself

    app(prog_name="wit-admin")


if __name__ == "__main__":
    main()
