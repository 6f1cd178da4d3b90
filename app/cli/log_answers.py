"""`pdledger log verify-answer`: whether an answer says what the log says, offline (L9)."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.answers import ExitCode, Json, answer
from app.cli.log_files import json_in, policy_in, unusable
from app.tlog.answer_claims import CHECKS
from app.tlog.answer_proofs import AnswerProof, AnswerUnproved, answer_proof
from app.tlog.notes import VerifierKey, VerifierKeyMalformed
from app.tlog.receipt_text import receipt_keys_in
from app.tlog.trust_policies import TrustPolicy

AnswerFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="The answer as it came; - for standard input.")
]
PolicyFile = Annotated[
    Path, typer.Option("--policy", help="A copy of /log/policy that you kept: it names all keys.")
]


def verify_answer(file: AnswerFile, *, policy: PolicyFile, as_json: Json = False) -> None:
    """Check an access report, the certificate of an erasure, or the evidence of a rights request.

    Everything needed is in the file and in a copy of /log/policy that you got before: no service is
    asked. It is checked that the entries stand in the signed log, that none of the person's is
    left out, and that the answer says of them what they say. Values that were sealed are not
    proved: the log holds their hashes under keys that you do not have.

    Ends with 0 when all of it is proved, with 1 when something is not.
    """
    trusted, text = policy_in(policy)
    document = json_in(file)
    kind = _kind(document)
    try:
        keys = receipt_keys_in(text)
        proof = _proved(kind, document, trusted, keys)
        if kind == "certificate":  # with those of the records that this one stood for
            for other in document["other_records"]:
                _proved(kind, other, trusted, keys)
    except VerifierKeyMalformed:
        raise unusable("policy-malformed", "a key of receipts in the policy is malformed") from None
    except AnswerUnproved as failure:
        _tell_unproved(kind, str(failure), as_json=as_json)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        _tell_unproved(kind, "it is not written as the service writes it", as_json=as_json)
    else:
        answer({"answer": _value(kind, proof)}, _lines(kind, proof), as_json=as_json)


def _proved(
    kind: str, document: Any, policy: TrustPolicy, keys: Collection[VerifierKey]
) -> AnswerProof:
    """The proof of an answer that says what it proves; AnswerUnproved otherwise."""
    given = document if kind == "evidence" else document.get("proof")
    if given is None:
        raise AnswerUnproved("it has no proof so far; ask the service for it again")
    proof = answer_proof(given)
    proof.verify(policy, keys)
    CHECKS[kind](document, proof.entries)
    return proof


def _kind(document: Any) -> str:  # Any: a JSON value
    match document:
        case {"report": "access"}:
            return "access report"
        case {"certificate": "erasure"}:
            return "certificate"
        case {"request": _, "stream": _, "entries": _}:
            return "evidence"
    raise unusable(
        "answer-unknown", "it is no access report, certificate or evidence of a rights request"
    )


def _tell_unproved(kind: str, reason: str, *, as_json: bool) -> None:
    told = {"kind": kind, "proved": False, "reason": reason}
    answer({"answer": told}, [f"NOT PROVED: {reason}."], as_json=as_json)
    raise typer.Exit(ExitCode.NOT_IN_ORDER)


def _value(kind: str, proof: AnswerProof) -> dict[str, Any]:
    return {
        "kind": kind,
        "proved": True,
        "entries": len(proof.entries),
        "promised": proof.promised(),
        "checkpoint_size": _size(proof),
        "until": _until(proof),
    }


def _lines(kind: str, proof: AnswerProof) -> Iterator[str]:
    count, promised = len(proof.entries), proof.promised()
    yield f"The {kind} says what {count} entries of the log say, the last of {_until(proof)}."
    if promised < count:
        yield f"{count - promised} of them are in the signed tree of {_size(proof)} entries."
    if promised:
        yield f"{promised} are promised by a signed receipt: the log owes them within an hour."


def _until(proof: AnswerProof) -> str:
    return proof.entries[-1].core.at


def _size(proof: AnswerProof) -> int | None:
    return None if proof.note is None else int(proof.note.text.split("\n")[1])
