"""Files with a secret: made whole or not at all, readable by their owner alone."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, TextIO

from app.cli.answers import refused, unavailable

PRIVATE_MODE: Final = 0o600
OPEN_BITS: Final = 0o077


def write_private(file: Path, text: str) -> None:
    """Puts a file in place in one step; after a crash it is there whole, or not there."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _replacing(file, os.O_TRUNC) as stream:
        stream.write(text.encode())


@contextmanager
def private_file(file: Path) -> Iterator[BinaryIO]:
    """Bytes that take a file's place once all of them are on disk; after a fault the former is."""
    with ExitStack() as opened:
        try:
            stream = opened.enter_context(_replacing(file, os.O_EXCL))
        except OSError as failure:
            raise unavailable("file-unwritable", f"{file}: {failure.strerror}") from None
        yield stream
    folder = os.open(file.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _replacing(file: Path, how: int) -> Iterator[BinaryIO]:
    """A draft beside the file, opened so, which takes its place once it is on disk."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | how, PRIVATE_MODE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(descriptor)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def private_lines(file: Path | None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Writes JSON lines into a new file of this mode; without a file it forgets them."""
    if file is None:
        yield lambda _line: None
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    except FileExistsError:
        raise refused("file-exists", f"{file} exists already, and is not overwritten") from None
    with os.fdopen(descriptor, "w") as stream:
        yield lambda line: _write_line(stream, line)


def _write_line(stream: TextIO, line: Mapping[str, Any]) -> None:
    stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def is_private(file: Path) -> bool:
    """Whether nobody but the owner may read the file."""
    return not file.stat().st_mode & OPEN_BITS
