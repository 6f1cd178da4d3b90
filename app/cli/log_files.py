"""Files that somebody kept: answers of the service, proofs, and the policy that names all keys."""

import json
import sys
from pathlib import Path
from typing import Any, Final

from app.cli.answers import CommandFailed, ExitCode
from app.tlog.notes import VerifierKeyMalformed
from app.tlog.trust_policies import TrustPolicy, TrustPolicyMalformed, trust_policy

FILE_MAX_BYTES: Final = 256_000_000


def read_file(file: Path) -> bytes:
    """The bytes of a file, or of standard input for `-`."""
    try:
        if str(file) == "-":
            return sys.stdin.buffer.read(FILE_MAX_BYTES)
        with file.open("rb") as stream:
            return stream.read(FILE_MAX_BYTES)
    except OSError as failure:
        raise unusable("file-unreadable", f"{file} cannot be read: {failure.strerror}") from None


def json_in(file: Path) -> Any:  # Any: a JSON value
    """The one JSON document of a file; a member that is there twice could be read in two ways."""
    try:
        return json.loads(read_file(file), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise unusable("file-not-json", f"{file} is not one JSON document") from None


def policy_in(file: Path) -> tuple[TrustPolicy, str]:
    """A saved `/log/policy`, read and as text."""
    try:
        text = read_file(file).decode()
        return trust_policy(text), text
    except UnicodeDecodeError:
        raise unusable("policy-malformed", f"{file} is no policy: it is not UTF-8") from None
    except (TrustPolicyMalformed, VerifierKeyMalformed) as failure:
        raise unusable("policy-malformed", f"{file} is no policy: {failure}") from None


def unusable(code: str, message: str) -> CommandFailed:
    """What was given to a command cannot be what it takes."""
    return CommandFailed(ExitCode.USAGE, code, message)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found
