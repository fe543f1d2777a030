"""The server under test: ``wit-admin serve``, on a forge of its own."""

from __future__ import annotations

import base64
import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.serving import repositories
from benchmarks.serving.git_client import run_git
from benchmarks.serving.peers import Peer, enter_group
from tests.support.server import RunningServer, running_server


@contextlib.contextmanager
def running_wit(
    folder: Path,
    templates: Mapping[str, Path],
    *,
    source: Path,
    database_url: str | None,
    workers: int,
) -> Iterator[Peer]:
    """Serve copies of ``templates`` by the ``wit-admin serve`` that stands in ``source``."""
    folder.mkdir()
    home = folder / "home"
    owner = f"bench-{os.getpid()}"
    repositories_of_owner = home / "repos" / owner
    variables = [("WIT_DEFAULT_VISIBILITY", "public"), ("WIT_WORKERS", str(workers))]
    flags: list[str] = []
    if database_url:
        variables.append(("DATABASE_URL", database_url))
        flags.append("--migrate")
    with contextlib.ExitStack() as stack:
        # ``python -m`` looks for the package in the current folder first.
        stack.enter_context(contextlib.chdir(source))
        with running_server(home, *flags, variables=variables) as server:
            token = _create_repositories(server, owner, templates)
        # A server does not expect that somebody exchanges all objects under it.
        for name, template in templates.items():
            repositories.install(template, repositories_of_owner / f"{name}.git")
        group = enter_group(stack, "wit")
        server = stack.enter_context(
            running_server(
                home, *flags, variables=variables, launcher=group.launcher if group else ()
            )
        )
        host, _, port = server.url.removeprefix("http://").rstrip("/").rpartition(":")
        password = base64.b64encode(f"{owner}:{token}".encode()).decode()
        header = f"Authorization: Basic {password}"
        yield Peer("wit", (host, int(port)), owner, header, repositories_of_owner, group)


def _create_repositories(server: RunningServer, owner: str, templates: Mapping[str, Path]) -> str:
    server.admin("user", "create", owner)
    token = server.admin("token", "create", owner)
    for name, template in templates.items():
        first = run_git("-C", template, "rev-list", "--max-parents=0", "HEAD").split()[0]
        url = server.remote(f"{owner}/{name}.git", token=token)
        run_git("-C", template, "push", "--quiet", url, f"{first}:refs/heads/main")
    return token
