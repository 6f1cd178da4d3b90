"""The zip of a bundle: files one after the other, never all in memory, and their hashes at the end.

It is there whole or not at all. Nothing in it tells the machine or the clock but what it says.
"""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.clock import random_id

SUMS: Final = "SHA256SUMS"
MODE: Final = 0o644
OWN_MODE: Final = 0o600
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip knows; stands in place of the real one."""


class Members:
    """Adds files to a zip; `finish` adds the list of their hashes."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._sums: list[str] = []

    def add(self, name: str, content: bytes) -> None:
        """One file."""
        with self.file(name) as write:
            write(content)

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """One file, piece by piece."""
        told = zipfile.ZipInfo(name, EPOCH)
        told.compress_type = zipfile.ZIP_DEFLATED
        told.external_attr = MODE << 16
        digest = hashlib.sha256()
        with self._archive.open(told, "w") as member:

            def write(part: bytes) -> None:
                digest.update(part)
                member.write(part)

            yield write
        self._sums.append(f"{digest.hexdigest()}  {name}\n")

    def finish(self) -> None:
        """The list, as `sha256sum --check` reads it."""
        self._archive.writestr(
            zipfile.ZipInfo(SUMS, EPOCH), "".join(self._sums), zipfile.ZIP_DEFLATED
        )


@contextmanager
def members(file: Path) -> Iterator[Members]:
    """A new zip for its owner alone, put in place when everything is in it."""
    draft = file.with_name(f".{file.name}.{random_id()}")
    # Never a file, or a link, that somebody else put there: the folder may be everybody's.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN_MODE)
    try:
        with os.fdopen(descriptor, "w+b") as raw:
            with zipfile.ZipFile(raw, "w") as archive:
                made = Members(archive)
                yield made
                made.finish()
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
