"""Logging set up once, by the command line: a line of text, or a JSON object per line."""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request at hand; it follows the request into the thread pool."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def set_up_logging(level: str, log_format: str) -> None:
    """Log to standard error, as ``text`` or as ``json``."""
    # Each record would find out what no format of ours shows. Source: Python's logging HOWTO,
    # "Optimization".
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001  documented there
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # Alembic tells at length of its own plugins, a pool of its own making and end; uvicorn tells
    # of each client's mistakes.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("wit_admin.db.errors").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


class TextFormatter(logging.Formatter):
    """``time LEVEL logger [request id] message``; what a client sent cannot forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and a traceback below it if there is one."""
        identity = request_id.get()
        shown = f" [{identity}]" if identity else ""
        message = _CONTROL.sub(_escape, record.getMessage())
        line = f"{_moment(record)} {record.levelname} {record.name}{shown} {message}"
        return f"{line}\n{self._traceback(record)}" if record.exc_info else line

    def _traceback(self, record: logging.LogRecord) -> str:
        assert record.exc_info  # noqa: S101  asked by the caller
        return self.formatException(record.exc_info)


class JsonFormatter(logging.Formatter):
    """One object per line; ``extra={"fields": {…}}`` adds its own keys."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        content = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content, default=str)


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
