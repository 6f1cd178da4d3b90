"""Notes every file that a Python process opens for writing; put in its path by the canary test."""

import os
import sys

_NOTES = os.environ.get("CANARY_OPENED")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND

if _NOTES:
    _descriptor = os.open(_NOTES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _note(event: str, arguments: tuple[object, ...]) -> None:
        if event != "open":
            return
        path, mode, flags = arguments
        writing = isinstance(flags, int) and flags & _WRITING
        if not writing and not (isinstance(mode, str) and set(mode) & set("wax+")):
            return
        if isinstance(path, bytes | str):
            os.write(_descriptor, os.path.abspath(os.fsencode(path)) + b"\n")  # noqa: PTH100  # bytes, as the hook has them

    sys.addaudithook(_note)
