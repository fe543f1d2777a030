"""Shows what jj knows of a repository, from its own stores: no jj is needed, nothing is written.

python examples/read_jj.py path/to/workspace
"""

from __future__ import annotations

import sys
from pathlib import Path

from wit_admin.errors import JjError
from wit_admin.jj.operation_kinds import operation_type
from wit_admin.jj.repository import JjRepository, read_repository
from wit_admin.jj.visibility import find_divergent, iter_visible


def show(repository: JjRepository) -> None:
    """Print the changes, bookmarks and last operations of one snapshot."""
    visible = list(iter_visible(repository.commits, repository.view))
    divergent = find_divergent(visible)
    print(f"{len(visible)} visible commits; the newest:")
    for commit in visible[:10]:
        marks = [
            *(["divergent"] if commit.change_id in divergent else []),
            *(["empty"] if repository.is_empty(commit) else []),
            *(path.path.decode() for path in repository.iter_conflicted_paths(commit)),
        ]
        first_line = commit.description.partition("\n")[0] or "(no description)"
        print(f"  {commit.change_id[:8]} {commit.id[:8]} {first_line} {', '.join(marks)}".rstrip())

    print("bookmarks:")
    for name, target in sorted(repository.view.bookmarks.items()):
        print(f"  {name} {' or '.join(id_[:8] for id_ in target.added_ids)}")

    undone = repository.find_undone()
    print("operations:")
    for operation, _ in zip(repository.iter_operations(), range(10), strict=False):
        mark = "undone " if operation.id in undone else ""
        when = operation.end.to_datetime().isoformat(timespec="seconds")
        print(f"  {operation.id[:12]} {when} {operation_type(operation)} {mark}".rstrip())


if __name__ == "__main__":
    try:
        # Done again with a fresh snapshot should jj clean up what is being read.
        read_repository(Path(sys.argv[1] if len(sys.argv) > 1 else "."), show)
    except JjError as error:
        sys.exit(f"{error.message} {error.hint or ''}".rstrip())
