"""Log lines: JSON, and nothing in them that a person gave."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from app.cli.logging_setup import configure_logging

MARKER = "elsa.lindqvist@kommun.example"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, own_logging: None) -> Iterator[Lines]:
    """What was logged so far."""
    written = io.BytesIO()
    standard_error = io.TextIOWrapper(written)  # closes what it wraps when it is collected
    monkeypatch.setattr(sys, "stderr", standard_error)
    configure_logging("info")
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    standard_error.detach()


def test_a_line_of_ours_is_json_with_its_level_and_time(lines: Lines) -> None:
    structlog.get_logger("here").info("request", status=201)
    [line] = lines()

    assert (line["event"], line["level"], line["status"]) == ("request", "info", 201)
    assert line["timestamp"].endswith("Z")


def test_an_exception_is_told_by_type_and_place_never_by_its_text(lines: Lines) -> None:
    try:
        raise ValueError(MARKER)
    except ValueError:
        structlog.get_logger("here").exception("failed")
        logging.getLogger("asyncpg").exception("query of %s failed", MARKER)

    assert [line["failure"] for line in lines()] == ["ValueError", "ValueError"]
    assert all("test_logging_setup.py" in line["places"][-1] for line in lines())
    assert MARKER not in json.dumps(lines())


def test_a_library_tells_its_template_without_what_was_filled_in(lines: Lines) -> None:
    logging.getLogger("uvicorn.error").error("cannot read %s", MARKER)
    put_together = f"Task exception\n{MARKER}"
    logging.getLogger("asyncio").error(put_together)
    logging.getLogger("uvicorn.error").error(ValueError(MARKER))

    assert [line["event"] for line in lines()] == [
        "cannot read %s",
        "Task exception",
        "ValueError",
    ]


def test_a_warning_is_counted_and_not_quoted(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(MARKER, stacklevel=1)
    [line] = lines()

    assert line["event"] == "warning"
    assert MARKER not in json.dumps(line)


def test_what_escapes_a_finaliser_is_logged_the_same_way(lines: Lines) -> None:
    class Escaping:
        def __del__(self) -> None:
            raise ValueError(MARKER)

    Escaping()
    [line] = lines()

    assert line["failure"] == "ValueError"
    assert MARKER not in json.dumps(line)
