"""A push that is cut off or finds no place: nothing is lost, and its client reads why."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.types import Message

from wit_admin.errors import UnavailableError
from wit_admin.forge import Forge, Limits
from wit_admin.git.pktline import Mark, write_packet
from wit_admin.git.pushes.report import PushReport, render_acceptance
from wit_admin.names import RepoName
from wit_admin.services.access.targets import Served
from wit_admin.web.exchange import Exchange
from wit_admin.web.git_push import answer_push
from wit_admin.web.notes import Notes, Outcome, notes_of, put_notes

LINE = f"{'a' * 40} {'b' * 40} refs/heads/main\0report-status side-band-64k"
SERVED = Served(RepoName.parse("alice/demo"), Path("/x"))
BODY = write_packet(LINE.encode()) + Mark.FLUSH.value


class SlowPushes:
    """Stands for the backend, whose thread takes its time, and for the recorder."""

    def __init__(self) -> None:
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self.settled: list[PushReport] = []

    def push_in_process(self, *_: object) -> bytes:
        self.has_begun.set()
        assert self.may_end.wait(10)
        return render_acceptance(b"refs/heads/main", side_band=True)

    def push(self, *_: object) -> None:
        raise UnavailableError("The server is busy.", hint="Try again in a moment.")

    def open(self, *_: object, client: object) -> Any:
        return SimpleNamespace(guard=None, gitdir=Path("/x"), variables=dict)

    def settle(self, _: object, report: PushReport, *, is_fast_forward: bool) -> int:
        self.settled.append(report)
        return len(report.results)


def exchange_into(sent: list[Message]) -> Exchange:
    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "client": None}
    put_notes(scope, Notes("r-1"))
    return Exchange(scope, receive, {b"content-length": b"%d" % len(BODY)}, 10, send)


def forge_of(pushes: SlowPushes) -> Forge:
    return cast("Forge", SimpleNamespace(backend=pushes, pushes=pushes, limits=Limits(10**6, 10)))


def test_a_push_that_is_cut_off_is_recorded_after_its_thread_has_ended() -> None:
    pushes = SlowPushes()

    async def push_and_cut_off() -> None:
        answering = asyncio.create_task(answer_push(forge_of(pushes), exchange_into([]), SERVED))
        await asyncio.to_thread(pushes.has_begun.wait, 10)
        answering.cancel()
        await asyncio.wait([answering], timeout=0.1)
        assert not pushes.settled
        pushes.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await answering

    asyncio.run(push_and_cut_off())

    (report,) = pushes.settled
    assert report.is_complete


def test_a_server_without_a_place_says_so_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    pushes, sent = SlowPushes(), list[Message]()
    monkeypatch.setattr(pushes, "push_in_process", lambda *_: None)
    exchange = exchange_into(sent)

    asyncio.run(answer_push(forge_of(pushes), exchange, SERVED))

    assert exchange.status == 200
    assert b"ng refs/heads/main" in sent[-1]["body"]
    assert b"error: The server is busy. Try again in a moment.\n" in sent[-1]["body"]
    assert notes_of(exchange.scope).outcome is Outcome.FAILED
    assert len(pushes.settled) == 1
