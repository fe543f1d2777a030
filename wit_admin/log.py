"""Logging, as lines of text or as one JSON object per line; the command line sets it up."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the present request; it is passed on to the thread pool."""

_PLAIN = re.compile(r"[\w./:@+-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def set_up_logging(level: str, log_format: str) -> None:
    """Log to standard error, as ``text`` or as ``json``."""
    # Each record would collect values that our formats do not show. Source: Python's logging HOWTO,
    # "Optimization".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  documented there
    handler = LineHandler(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Alembic logs its plugins, the pool logs its connections, uvicorn logs each client's mistakes.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("wit_admin.db.errors").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def fields(**values: object) -> dict[str, object]:
    """Return the ``extra`` of a log call: ``log.warning("It failed.", extra=fields(push=id))``.

    The message is a constant sentence that says what happened; the fields say to what, and why.
    """
    return {"fields": values}


def log_fields(logger: logging.Logger, message: str, fields: Mapping[str, object]) -> None:
    """Log like ``logger.info(message, extra={"fields": fields})``, at a third of the cost.

    The log line is most of the cost of some requests, so no log record is made for it.
    """
    if not logger.isEnabledFor(logging.INFO):
        return
    handlers = logging.root.handlers
    if len(handlers) == 1 and isinstance(handlers[0], LineHandler):
        handlers[0].write(time.time(), logger.name, message, fields)
    else:
        logger.info("%s", message, extra={"fields": fields})


class LineFormatter(logging.Formatter, ABC):
    """Formats a line from a log record, or directly from its parts."""

    @abstractmethod
    def line(
        self, at: float, level: str, name: str, message: str, fields: Mapping[str, object]
    ) -> str:
        """Return the line; ``at`` is seconds since 1970."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with a traceback if there is one."""
        fields: dict[str, object] = getattr(record, "fields", {})
        return self.line(record.created, record.levelname, record.name, record.getMessage(), fields)


class TextFormatter(LineFormatter):
    """``time LEVEL logger [request id] message key=value``; no value can forge a line."""

    def line(
        self, at: float, level: str, name: str, message: str, fields: Mapping[str, object]
    ) -> str:
        """Return the line without the fields; the access log has them in its message."""
        identity = request_id.get()
        shown = f" [{identity}]" if identity else ""
        plain = message if message.isprintable() else _CONTROL.sub(_escape, message)
        return f"{_moment(at)} {level} {name}{shown} {plain}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line with the fields as ``key=value``, and a traceback below it, if any."""
        fields: dict[str, object] = getattr(record, "fields", {})
        pairs = "".join(f" {name}={_shown(value)}" for name, value in fields.items())
        line = super().format(record) + pairs
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(LineFormatter):
    """One object per line; the fields are its own keys."""

    def line(
        self, at: float, level: str, name: str, message: str, fields: Mapping[str, object]
    ) -> str:
        """Return the JSON object."""
        content = {
            "time": _moment(at),
            "level": level.lower(),
            "logger": name,
            "message": message,
            "request_id": request_id.get(),
            **fields,
        }
        return json.dumps(content, default=str)

    def format(self, record: logging.LogRecord) -> str:
        """Return the object, with a traceback as one more key."""
        if record.exc_info:
            fields = getattr(record, "fields", {})
            record.fields = {**fields, "traceback": self.formatException(record.exc_info)}
        return super().format(record)


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes log records, or ready lines, to standard error."""

    def __init__(self, formatter: LineFormatter) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(formatter)
        self._line = formatter.line
        try:
            self._descriptor: int | None = sys.stderr.fileno()
        except (OSError, ValueError):
            # sys.stderr was replaced by an object that is no file.
            self._descriptor = None

    def write(self, at: float, name: str, message: str, fields: Mapping[str, object]) -> None:
        """Write a line of the level ``INFO``; it is lost if the stream cannot be written."""
        line = self._line(at, "INFO", name, message, fields) + "\n"
        left = line.encode("utf-8", "backslashreplace")
        self.acquire()
        try:
            with suppress(OSError, ValueError):
                if self._descriptor is None:
                    self.stream.write(line)
                # Writing past the stream is safe, as it is flushed after each record.
                while left and self._descriptor is not None:
                    left = left[os.write(self._descriptor, left) :]
        finally:
            self.release()


def _shown(value: object) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _moment(at: float) -> str:
    second, fraction = divmod(at, 1)
    return f"{_second(int(second))}.{int(fraction * 1000):03d}Z"


@lru_cache(2)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
