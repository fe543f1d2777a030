"""Every workload by name, with its goals: 1.0 where nothing is said, as nothing may be slower."""

from __future__ import annotations

from functools import partial

from benchmarks.serving import requests
from benchmarks.serving.clients import Clients
from benchmarks.serving.measure import Prepare, Workload
from benchmarks.serving.replayers import Replayers

SMALL, MEDIUM, LARGE = ("small",), ("medium",), ("large",)
PUSHED_SMALL, PUSHED_MEDIUM = ("pushed-small",), ("pushed-medium",)
PUSHED_AT_ONCE = tuple(f"pushed-small-{number}" for number in range(8))
"""Who pushes has repositories apart from who reads."""

_CROWD = 16
_LONG = 1 / 3
"""The share of the rounds for what takes seconds each."""


def all_workloads(clients: Clients, replayers: Replayers) -> list[Workload]:
    """Return what can be measured, in the order in which it is."""
    return [
        *_whole(clients),
        *_partly(clients),
        *_first(clients),
        *_pushes(clients),
        *_replays(replayers),
    ]


def shape_of(repository: str) -> str:
    """Return which kind of repository stands behind a name."""
    return next(shape for shape in ("small", "medium", "large") if shape in repository)


def _whole(clients: Clients) -> list[Workload]:
    ls_remote, clone = clients.ls_remote, clients.clone
    return [
        Workload("ls-remote", SMALL, partial(ls_remote, times=10), 1.5, 10),
        Workload("ls-remote-x16", SMALL, partial(ls_remote, crowd=_CROWD), 1.5, 10),
        Workload("clone-small", SMALL, partial(clone, times=5), 1.3),
        Workload("clone-medium", MEDIUM, clone),
        Workload("clone-large", LARGE, clone, share=_LONG),
        Workload("clone-small-x16", SMALL, partial(clone, crowd=_CROWD)),
        Workload("clone-medium-x16", MEDIUM, partial(clone, crowd=_CROWD), share=_LONG),
    ]


def _partly(clients: Clients) -> list[Workload]:
    shallow = partial(clients.clone, options=("--depth=1",))
    nothing, new = clients.fetch_nothing, clients.fetch_new
    return [
        Workload("shallow-medium", MEDIUM, partial(shallow, times=2)),
        Workload("shallow-large", LARGE, shallow, share=_LONG),
        Workload("fetch-nothing", MEDIUM, partial(nothing, times=5)),
        Workload("fetch-new-medium", MEDIUM, partial(new, times=5)),
        Workload("fetch-new-large", LARGE, partial(new, times=2)),
    ]


def _first(clients: Clients) -> list[Workload]:
    shallow = partial(clients.clone, options=("--depth=1",))
    new = partial(clients.fetch_new, times=1)
    return [
        Workload("first-clone-small", SMALL, clients.first(clients.clone)),
        Workload("first-clone-medium", MEDIUM, clients.first(clients.clone)),
        Workload("first-clone-large", LARGE, clients.first(clients.clone), share=_LONG),
        Workload("first-shallow-medium", MEDIUM, clients.first(shallow)),
        Workload("first-fetch-new-medium", MEDIUM, clients.first(new)),
    ]


def _pushes(clients: Clients) -> list[Workload]:
    push = clients.push
    return [
        Workload("push-small", PUSHED_SMALL, partial(push, times=5), 1.1),
        Workload("push-medium", PUSHED_MEDIUM, partial(push, times=5), 1.1),
        Workload("push-200", PUSHED_SMALL, partial(push, times=200), 1.1, share=_LONG),
    ]


def _replays(replayers: Replayers) -> list[Workload]:
    def read(request: requests.Request) -> Prepare:
        return partial(replayers.read, make_request=lambda _new, _old: request)

    clone = partial(replayers.read, make_request=lambda new, _old: requests.fetch(new))
    fetch_new = partial(replayers.read, make_request=requests.fetch)
    work = partial(Workload, is_replay=True)
    return [
        work("replay-v2-advertisement", SMALL, read(requests.advertisement(2))),
        work("replay-v0-advertisement", MEDIUM, read(requests.advertisement(0))),
        work("replay-ls-refs-small", SMALL, read(requests.ls_refs())),
        work("replay-ls-refs-medium", MEDIUM, read(requests.ls_refs())),
        work("replay-clone-small", SMALL, clone),
        work("replay-clone-medium", MEDIUM, clone),
        work("replay-fetch-new-medium", MEDIUM, fetch_new),
        work("replay-push", PUSHED_AT_ONCE, replayers.push, 1.3),
    ]
