"""`pdledger log verify-receipt`: whether a receipt was given, and whether the log honours it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.cli.answers import ExitCode, Json, answer
from app.cli.log_files import json_in, policy_in, read_file, unusable
from app.cli.log_remote import LogUntrue, RemoteLog, remote_log
from app.clock import system_clock
from app.tlog.checkpoints import CheckpointMalformed
from app.tlog.notes import NoteMalformed, NotSigned, VerifierKey, VerifierKeyMalformed, verifier_key
from app.tlog.proof_text import InclusionProof, ProofMalformed, hash_lines, inclusion_proof
from app.tlog.proofs import ProofInvalid, verify_inclusion
from app.tlog.receipt_text import (
    Promise,
    Receipt,
    ReceiptInvalid,
    ReceiptMalformed,
    given_in,
    receipt_keys_in,
)
from app.tlog.receipts import MERGE_DELAY_S, BatchLine
from app.tlog.trust_policies import QuorumMissed, TrustPolicy


class Standing(StrEnum):
    """What the log made of the promise."""

    UNCHECKED = "unchecked"
    HONOURED = "honoured"
    PENDING = "pending"
    """Not in a signed tree so far, and not overdue."""
    LATE = "late"
    BROKEN = "broken"
    """Something else stands where the log promised this."""


EXITS: Final = {
    Standing.UNCHECKED: ExitCode.DONE,
    Standing.HONOURED: ExitCode.DONE,
    Standing.PENDING: ExitCode.UNAVAILABLE,
    Standing.LATE: ExitCode.EVIDENCE,
    Standing.BROKEN: ExitCode.EVIDENCE,
}
TOLD: Final = {
    Standing.UNCHECKED: "Whether the log honours it was not looked at: give --service or --proof.",
    Standing.HONOURED: "The log honours it: these entries stand where the receipt says.",
    Standing.PENDING: "The log does not hold it yet, and is not late: ask again in a minute.",
    Standing.LATE: "EVIDENCE: the log was to hold it within an hour, and does not.",
    Standing.BROKEN: "EVIDENCE: the log holds something else where it promised this.",
}

ReceiptFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The answer that has the receipt; - for standard input."),
]
ReceiptKeys = Annotated[
    list[str] | None, typer.Option("--key", metavar="VKEY", help="A verifier key of receipts.")
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="A copy of /log/policy, which names all keys.")
]
ProofFiles = Annotated[
    list[Path] | None,
    typer.Option("--proof", help="An answer of /log/proof/inclusion for an event of the receipt."),
]
Service = Annotated[
    str | None, typer.Option("--service", metavar="URL", help="Ask the log there; needs no key.")
]
EvidenceFile = Annotated[
    Path | None,
    typer.Option("--evidence", help="Where to write what proves that a promise was broken."),
]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the promise, and what proves it."""

    standing: Standing
    proof: dict[str, Any] | None = None  # Any: JSON values


def verify_receipt(
    file: ReceiptFile,
    *,
    key: ReceiptKeys = None,
    policy: PolicyFile = None,
    proof: ProofFiles = None,
    service: Service = None,
    evidence: EvidenceFile = None,
    as_json: Json = False,
) -> None:
    """Check a receipt offline, and that the log honours it.

    The receipt is the JSON that a write was answered with. Its signature is checked by a key that
    you got before, from --key or --policy, and never by one that the service shows now. With
    --proof or --service (and --policy) it is also checked that the log holds these entries at
    these places. It owes them within an hour of the receipt's time; a second is usual.

    Ends with 0 when it is valid (and honoured, where that was looked at), with 1 when no trusted
    key gave it or nothing is proved, with 4 while the log still has time, and with 5 when the log
    broke its promise: then keep the receipt, and write --evidence.
    """
    trusted, whole = _trusted(key, policy)
    if whole is None and (proof or service):
        raise unusable("policy-missing", "whether the log honours it is checked by a --policy")
    document = json_in(file)
    try:
        receipt = given_in(document)
        receipt.verify(trusted)
        found = Found(Standing.UNCHECKED)
        if proof and whole is not None:
            found = proved(receipt, [_proof_in(one) for one in proof], whole)
        if service and whole is not None:
            with remote_log(service, whole) as log:
                found = asked(receipt, log, system_clock())
    except ReceiptMalformed as failure:
        raise unusable("receipt-malformed", f"{file}: {failure}") from None
    except (ReceiptInvalid, LogUntrue) as failure:
        valid = isinstance(failure, LogUntrue)
        told = {"valid": valid, "log": "unproved" if valid else "unchecked", "reason": str(failure)}
        lines = [f"{'The receipt is valid; NOT PROVED' if valid else 'NOT VALID'}: {failure}."]
        answer({"receipt": told}, lines, as_json=as_json)
        raise typer.Exit(ExitCode.NOT_IN_ORDER) from None
    if evidence is not None and found.proof is not None:
        _write(evidence, {"receipt": document, **found.proof})
    answer({"receipt": _value(receipt, found)}, _lines(receipt, found), as_json=as_json)
    raise typer.Exit(EXITS[found.standing])


def proved(
    receipt: Receipt | Promise, proofs: Sequence[InclusionProof], policy: TrustPolicy
) -> Found:
    """Whether proofs of inclusion are those of every event of the receipt; LogUntrue otherwise."""
    by_position = {one.index: one for one in proofs}
    for line in receipt.lines:
        proof = by_position.get(line.position)
        if proof is None:
            raise LogUntrue(f"no proof was given for position {line.position}")
        try:
            made = policy.verify(proof.note)
            verify_inclusion(
                line.entry_hash, proof.index, made.size, path=proof.path, root=made.root
            )
        except (NotSigned, QuorumMissed, CheckpointMalformed):
            raise LogUntrue("no key of the policy signed the checkpoint of a proof") from None
        except ProofInvalid:
            raise LogUntrue("a proof does not prove what the receipt says") from None
    return Found(Standing.HONOURED)


def asked(receipt: Receipt | Promise, log: RemoteLog, now: datetime) -> Found:
    """What the log holds where the receipt promised something; LogUntrue if it shows no proof."""
    shown = {"checkpoint": log.note.decode(), "looked_at": now.isoformat()}
    for line in receipt.lines:
        if line.position >= log.checkpoint.size:
            due = datetime.fromisoformat(receipt.signed.at) + timedelta(seconds=MERGE_DELAY_S)
            return Found(Standing.LATE, shown) if now > due else Found(Standing.PENDING)
        leaf, path = log.leaf(line.position)
        if leaf != line.entry_hash:
            other = {
                "position": line.position,
                "leaf_hash": hash_lines([leaf])[0],
                "path": hash_lines(path),
            }
            return Found(Standing.BROKEN, {**shown, "instead": other})
    return Found(Standing.HONOURED)


def _trusted(
    keys: list[str] | None, policy: Path | None
) -> tuple[list[VerifierKey], TrustPolicy | None]:
    """The keys of receipts that were given, and the whole policy, if that was."""
    whole, text = (None, "") if policy is None else policy_in(policy)
    try:
        found = [*map(verifier_key, keys or ()), *receipt_keys_in(text)]
    except VerifierKeyMalformed:
        raise unusable("key-malformed", "a verifier key of receipts is malformed") from None
    if not found:
        raise unusable("key-missing", "no key of receipts was given: --key, or a --policy with one")
    return found, whole


def _proof_in(file: Path) -> InclusionProof:
    try:
        return inclusion_proof(read_file(file))
    except (ProofMalformed, NoteMalformed, CheckpointMalformed):
        raise unusable("proof-malformed", f"{file} is no proof of inclusion") from None


def _write(file: Path, value: dict[str, Any]) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            json.dump(value, stream, ensure_ascii=False, indent=1)
    except OSError as failure:
        raise unusable("file-unwritable", f"{file} cannot be written: {failure.strerror}") from None


def _value(receipt: Receipt | Promise, found: Found) -> dict[str, Any]:
    return {
        "valid": True,
        "log": found.standing.value,
        "by": receipt.signed.name,
        "at": receipt.signed.at,
        "events": [
            {"event_id": str(one.event_id), "type": one.type, "position": one.position}
            if isinstance(one, BatchLine)
            else {"position": one.position}
            for one in receipt.lines
        ],
        **{name: value for name, value in (found.proof or {}).items() if name == "instead"},
    }


def _lines(receipt: Receipt | Promise, found: Found) -> Iterable[str]:
    yield f"Given at {receipt.signed.at} by {receipt.signed.name}, and not changed since:"
    for one in receipt.lines:
        kind = f"{one.type}, version {one.version}, " if isinstance(one, BatchLine) else ""
        yield f"  {kind}position {one.position}"
    yield TOLD[found.standing]
