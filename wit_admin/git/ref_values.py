"""The present value of one ref, read as git stores it."""

from __future__ import annotations

from pathlib import Path


def read_ref(gitdir: Path, ref: str) -> str | None:
    """Return the id that ``ref`` holds, or ``None`` when there is no such ref.

    Symbolic refs are followed. Source: git-update-ref(1); gitrepository-layout(5).
    """
    import pygit2  # noqa: PLC0415  80 ms that most commands need not pay

    repository = pygit2.Repository(
        str(gitdir),
        pygit2.enums.RepositoryOpenFlag.NO_SEARCH,
    )
    try:
        return str(repository.references[ref].resolve().target)
    except (KeyError, ValueError):
        return None
    finally:
        repository.free()
