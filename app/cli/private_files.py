"""Files with a secret: made whole or not at all, readable by their owner alone."""

import os
from pathlib import Path
from typing import Final

PRIVATE_MODE: Final = 0o600
OPEN_BITS: Final = 0o077


def write_private(file: Path, text: str) -> None:
    """Puts a file in place in one step; after a crash it is there whole, or not there."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_MODE)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    draft.replace(file)


def is_private(file: Path) -> bool:
    """Whether nobody but the owner may read the file."""
    return not file.stat().st_mode & OPEN_BITS
