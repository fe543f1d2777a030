"""A bug of ours is a sentence for the client and a traceback for us."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from wit_admin.web.metrics import SharedMetrics
from wit_admin.web.observe import observed

SCOPE: Scope = {
    "type": "http",
    "method": "GET",
    "raw_path": b"/x",
    "query_string": b"",
    "headers": [(b"x-request-id", b"r-9")],
}


async def buggy(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("secret detail")


def test_an_unexpected_exception_is_one_500_with_the_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    metrics = SharedMetrics.create(1).of_worker(0)

    async def ask() -> None:
        await observed(buggy, metrics)(dict(SCOPE), receive, send)

    asyncio.run(ask())

    start, body = sent
    assert start["status"] == 500
    assert b"r-9" in body["body"]
    assert b"secret" not in body["body"]
    assert "secret detail" in caplog.text
    assert 'operation="api",outcome="failed"} 1.0' in metrics.exposition().decode()
