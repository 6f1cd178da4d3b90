"""The file in which a verifier keeps what was verified last: checkpoint, keys and right edge.

With the right edge the tree goes on without reading again what lies before it (RFC 6962 §2.1).
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from pathlib import Path

from app.cli.answers import CommandFailed, ExitCode, unavailable
from app.cli.private_files import write_private
from app.store.checkpoint_check import Trust
from app.tlog.checkpoints import checkpoint
from app.tlog.edge import Edge
from app.tlog.notes import NotSigned, VerifierKey, read_note, verifier_key

FORMAT = 1


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """A log at the size at which everything was in order."""

    note: bytes
    keys: tuple[VerifierKey, ...]
    edge: Edge
    receipt_keys: tuple[VerifierKey, ...] = ()

    def trusted(self, brought: Trust) -> Trust:
        """What was brought along, and the checkpoint; these keys, unless others were brought."""
        kept = (*brought.kept, read_note(self.note))
        receipt_keys = (*brought.receipt_keys, *self.receipt_keys)
        return replace(brought.with_keys(self.keys), kept=kept, receipt_keys=receipt_keys)


def read_verified(file: Path) -> VerifiedLog | None:
    """What was verified last, None before the first time; one that contradicts itself is refused.

    The file is the verifier's own, and was written at a good end: it is believed.
    """
    try:
        kept = json.loads(file.read_bytes())
        note = kept["note"].encode()
        keys = tuple(map(verifier_key, kept["vkeys"]))
        # Files that were written before these were kept have none.
        receipt_keys = tuple(map(verifier_key, kept.get("receipt_vkeys", ())))
        said = checkpoint(read_note(note).opened(keys))
        edge = Edge.unpacked(said.size, b64decode(kept["edge"], validate=True))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, NotSigned):
        raise _unusable(file) from None
    if edge.root() != said.root or kept["format"] != FORMAT:
        raise _unusable(file)
    return VerifiedLog(note, keys, edge, receipt_keys)


def write_verified(file: Path, verified: VerifiedLog) -> None:
    """Puts it in place in one step."""
    kept = {
        "format": FORMAT,
        "note": verified.note.decode(),
        "vkeys": [str(key) for key in verified.keys],
        "receipt_vkeys": [str(key) for key in verified.receipt_keys],
        "edge": b64encode(verified.edge.packed()).decode(),
    }
    try:
        write_private(file, json.dumps(kept, indent=1) + "\n")
    except OSError as failure:
        raise unavailable(
            "since-unwritable",
            f"everything is as it was written, but {file} cannot be: {failure.strerror}",
        ) from None


def _unusable(file: Path) -> CommandFailed:
    return CommandFailed(
        ExitCode.USAGE, "since-unusable", f"{file} is not what a verification has written"
    )
