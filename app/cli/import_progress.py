"""How far an import came, kept beside it: what was answered is not sent again.

Nothing in it is personal: numbers, and names of problems. Its name is the key of the import, an
HMAC of the file under the API key, from which nobody can guess towards the file.
"""

import contextlib
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.cli.import_batches import Tally
from app.cli.private_files import write_private

KEY_LENGTH: Final = 40
_KEY = re.compile(r"[0-9a-f]{40}")


def key_of(file: Path, mapping: bytes, secret: str) -> str:
    """The same file, read by the same mapping: the same key. In constant memory."""
    mac = hmac.new(secret.encode(), b"ledger/import/v1\x00" + mapping + b"\x00", hashlib.sha256)
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            mac.update(chunk)
    return mac.hexdigest()[:KEY_LENGTH]


def key_named(name: str, secret: str) -> str:
    """The key of an import that somebody named, so that a mended file can go on under it."""
    return hmac.digest(
        secret.encode(), b"ledger/import-name/v1\x00" + name.encode(), "sha256"
    ).hex()[:KEY_LENGTH]


@dataclass(slots=True)
class Reached:
    """Where an import stands."""

    line: int
    """Number of the next line."""
    end: int
    """Bytes of the file before it."""
    tally: Tally = field(default_factory=Tally)


class ProgressFile:
    """The file of one import; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, key: str) -> None:
        assert _KEY.fullmatch(key), "a key of our own making"
        self._file = None if folder is None else folder / f"{key}.json"

    def read(self, start: Reached) -> Reached:
        """Where the import stood when it was broken off; ``start`` when it never was."""
        try:
            document = json.loads(self._file.read_text()) if self._file else None
            if document is not None:
                return Reached(document["line"], document["end"], Tally.of(document["tally"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # it is gone or unreadable: everything is sent again, which repeats nothing
        return start

    def write(self, reached: Reached) -> None:
        """Keeps where the import stands; a folder that cannot be written costs only time."""
        document = {"line": reached.line, "end": reached.end, "tally": reached.tally.document()}
        if self._file is not None:
            with contextlib.suppress(OSError):
                write_private(self._file, json.dumps(document))

    def forget(self) -> None:
        """The import is over; so is what a process left that was killed as it wrote."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                for one in (self._file, *self._file.parent.glob(f".{self._file.name}.*")):
                    one.unlink(missing_ok=True)
