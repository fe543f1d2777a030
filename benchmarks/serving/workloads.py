"""Every workload by name, with its goals: 1.0 where nothing is said, as nothing may be slower."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.serving import replays
from benchmarks.serving.clients import Clients
from benchmarks.serving.measure import Workload

SHAPES = {
    "small": "small",
    "medium": "medium",
    "large": "large",
    "pushed-small": "small",
    "pushed-medium": "medium",
}
"""The shape of each repository that is served. Who pushes has some apart from who reads."""

_CROWD = 16
_LONG = 1 / 3
"""The share of the rounds for what takes seconds each."""


def all_workloads(clients: Clients) -> list[Workload]:
    """Return what can be measured, in the order in which it is."""
    return [*_whole(clients), *_partly(clients), *_pushes(clients), *_replays(clients)]


def _whole(clients: Clients) -> list[Workload]:
    ls_remote, clone = clients.ls_remote, clients.clone
    return [
        Workload("ls-remote", "small", partial(ls_remote, times=10), 1.5, 10),
        Workload("ls-remote-x16", "small", partial(ls_remote, crowd=_CROWD), 1.5, 10),
        Workload("clone-small", "small", partial(clone, times=5), 1.3),
        Workload("clone-medium", "medium", clone),
        Workload("clone-large", "large", clone, share=_LONG),
        Workload("clone-small-x16", "small", partial(clone, crowd=_CROWD)),
        Workload("clone-medium-x16", "medium", partial(clone, crowd=_CROWD), share=_LONG),
    ]


def _partly(clients: Clients) -> list[Workload]:
    shallow = partial(clients.clone, options=("--depth=1",))
    nothing, new = clients.fetch_nothing, clients.fetch_new
    return [
        Workload("shallow-medium", "medium", partial(shallow, times=2)),
        Workload("shallow-large", "large", shallow, share=_LONG),
        Workload("fetch-nothing", "medium", partial(nothing, times=5)),
        Workload("fetch-new-medium", "medium", partial(new, times=5)),
        Workload("fetch-new-large", "large", partial(new, times=2)),
    ]


def _pushes(clients: Clients) -> list[Workload]:
    push = clients.push
    return [
        Workload("push-small", "pushed-small", partial(push, times=5), 1.1),
        Workload("push-medium", "pushed-medium", partial(push, times=5), 1.1),
        Workload("push-200", "pushed-small", partial(push, times=200), 1.1, share=_LONG),
    ]


def _replays(clients: Clients) -> list[Workload]:
    def workload(
        name: str, repository: str, make_request: Callable[[str], replays.Request]
    ) -> Workload:
        prepare = partial(clients.replay, make_request=make_request)
        return Workload(f"replay-{name}", repository, prepare, is_replay=True)

    return [
        workload("v2-advertisement", "small", lambda _head: replays.advertisement(2)),
        workload("v0-advertisement", "medium", lambda _head: replays.advertisement(0)),
        workload("ls-refs-small", "small", lambda _head: replays.ls_refs()),
        workload("ls-refs-medium", "medium", lambda _head: replays.ls_refs()),
        workload("clone-small", "small", replays.clone),
        workload("clone-medium", "medium", replays.clone),
    ]
