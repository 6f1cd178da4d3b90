"""Logs as JSON lines on standard error, from which no value that a person gave can be read.

Our own lines name what they tell (`app/api/envelope.py`). Lines of libraries are cut to the first
line of their template, without arguments; an exception to its type and place, never its text.
"""

import logging
import sys
import threading
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from app.clock import system_clock

LEVELS: Final[Mapping[str, int]] = logging.getLevelNamesMapping()
FRAMES_MAX: Final = 8

_ENCODER: Final = msgspec.json.Encoder(enc_hook=str)


def configure_logging(level: str) -> None:
    """Sets up structlog and the standard library's logging for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _timed,
            without_exception_text,
            _encoded,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[LibraryLines()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    sys.unraisablehook = lambda told: _uncaught("unraisable", told.exc_value)
    threading.excepthook = lambda told: _uncaught("thread ended", told.exc_value)


class LibraryLines(logging.Handler):
    """Passes the lines of libraries on, each without anything that its caller filled in."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one line: which library, its constant text, and the type of an exception."""
        log = structlog.get_logger()
        told: dict[str, Any] = {"library": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            told["exc_info"] = record.exc_info[1]
        text = "warning" if record.name == "py.warnings" else _constant_text(record.msg)
        log.log(record.levelno, text, **told)


def without_exception_text(
    _logger: WrappedLogger, _method: str, line: MutableMapping[str, Any]
) -> EventDict:
    """Replaces `exc_info` by the exception's type and the places that it passed."""
    told = line.pop("exc_info", None)
    fault = sys.exception() if told is True else told
    if isinstance(fault, BaseException):
        line["failure"] = type(fault).__qualname__
        line["places"] = [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
            for frame in extract_tb(fault.__traceback__)[-FRAMES_MAX:]
        ]
    return line


def _timed(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    line["timestamp"] = system_clock()  # the encoder writes it in a tenth of structlog's time
    return line


def _uncaught(what: str, fault: BaseException | None) -> None:
    structlog.get_logger().error(what, exc_info=fault)


def _constant_text(template: object) -> str:
    """What the library's authors wrote; a text put together at run time is only named."""
    if not isinstance(template, str):
        return type(template).__qualname__
    return template.partition("\n")[0]


def _encoded(_logger: WrappedLogger, _method: str, line: EventDict) -> bytes:
    return _ENCODER.encode(line)
