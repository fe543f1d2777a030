"""Log lines: one per event, whatever a client sent, with the request's id."""

from __future__ import annotations

import json
import logging
import sys

from wit_admin.log import JsonFormatter, TextFormatter, fields, request_id


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("wit_admin.x", logging.INFO, __file__, 1, message, arguments, None)
    made.__dict__.update(extra)
    return made


def test_a_clients_text_cannot_forge_a_line() -> None:
    line = TextFormatter().format(record("GET %s", "/a\n2026 INFO forged\x1b[31m\u2028"))

    assert line.splitlines() == [line]
    assert line.endswith("wit_admin.x GET /a\\n2026 INFO forged\\x1b[31m\\u2028")


def test_the_request_id_stands_on_each_line() -> None:
    token = request_id.set("r-1")
    try:
        text = TextFormatter().format(record("hello"))
        content = json.loads(JsonFormatter().format(record("hello", fields={"status": 200})))
    finally:
        request_id.reset(token)

    assert "[r-1] hello" in text
    assert content["request_id"] == "r-1"
    assert (content["level"], content["message"], content["status"]) == ("info", "hello", 200)


def test_fields_follow_the_message_and_none_can_forge_a_line() -> None:
    failed = record("It failed.", **fields(push="0190-ab", reason="disk full\n2026 INFO forged"))

    text = TextFormatter().format(failed)
    content = json.loads(JsonFormatter().format(failed))

    assert text.endswith(r'It failed. push=0190-ab reason="disk full\n2026 INFO forged"')
    assert (content["message"], content["push"]) == ("It failed.", "0190-ab")


def raise_boom() -> None:
    raise RuntimeError("boom")


def test_a_traceback_follows_its_line() -> None:
    try:
        raise_boom()
    except RuntimeError:
        failed = record("failed", exc_info=sys.exc_info())

    assert TextFormatter().format(failed).splitlines()[-1] == "RuntimeError: boom"
    assert "boom" in json.loads(JsonFormatter().format(failed))["traceback"]
