"""Reads a receipt as its JSON has it, strictly, and checks it by nothing but a key; pure.

No bit of it can differ: every member is either in a line that is signed, or must be what the signed
lines say. What else an answer holds beside the receipt is not signed, and is not read here.
"""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec

from app.tlog.merkle import HASH_SIZE_BYTES
from app.tlog.notes import KEY_ID_SIZE_BYTES, Note, NotSigned, VerifierKey, verifier_key
from app.tlog.proofs import ProofInvalid
from app.tlog.receipts import (
    RECEIPT_KEY_LINE,
    BatchLine,
    PromisedEntry,
    SignedLines,
    note_line,
    root_by_span,
    statement,
)
from app.values import Value

MEMBERS: Final = ("subject_id", "version", "position", "events", "signed")
"""The members of an answer that are the receipt."""
PROMISE_MEMBERS: Final = ("subject_id", "position", "leaf_hash", "signed")
"""Those of one that promises an entry and tells nothing more of it."""

_AT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_SHORT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{6})?Z", re.ASCII)
_NAME: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.ledger\.invalid/receipts")


class ReceiptMalformed(ValueError):
    """It is no receipt, or one without a signature. Does not quote it."""


class ReceiptInvalid(Exception):
    """No key that we trust gave this receipt, or it was changed since."""


class SignedEntry(Value, frozen=True):
    """Who signed, when, and how: key id and signature."""

    name: str
    at: str
    signature: bytes


class Receipt(Value, frozen=True):
    """A receipt that was read; worth nothing until it is verified."""

    lines: tuple[BatchLine, ...]
    signed: SignedLines

    def verify(self, trusted: Collection[VerifierKey]) -> None:
        """ReceiptInvalid unless one of the trusted keys signed exactly these lines."""
        leaves = [line.leaf() for line in self.lines]
        proof = self.signed
        try:
            root = root_by_span(leaves, proof.index, proof.size, proof.path)
        except ProofInvalid:
            raise ReceiptInvalid("the path does not fit the events") from None
        text = statement(proof.name, proof.size, root, proof.at)
        try:
            Note(text, (note_line(proof.name, proof.signature),)).opened(trusted)
        except NotSigned:
            raise ReceiptInvalid("no key that is trusted signed these events") from None
        if any(line.at > proof.at for line in self.lines):
            raise ReceiptInvalid("an event is younger than the signature")


class Promise(Value, frozen=True):
    """A receipt of one entry that tells nothing more of it; worth nothing until it is verified."""

    lines: tuple[PromisedEntry]
    signed: SignedEntry

    def verify(self, trusted: Collection[VerifierKey]) -> None:
        """ReceiptInvalid unless one of the trusted keys signed exactly this."""
        signed = self.signed
        text = self.lines[0].statement(signed.name)
        try:
            Note(text, (note_line(signed.name, signed.signature),)).opened(trusted)
        except NotSigned:
            raise ReceiptInvalid("no key that is trusted signed this entry") from None


def given_in(document: Any) -> Receipt | Promise:  # Any: a JSON value
    """The receipt or promise in an answer of the service; ReceiptMalformed otherwise."""
    if isinstance(document, dict) and "events" not in document and "leaf_hash" in document:
        return promise_of(document)
    return receipt_of(document)


def promise_of(document: Any) -> Promise:  # Any: a JSON value
    """The promise in an answer of the service; ReceiptMalformed otherwise."""
    try:
        read = msgspec.convert(
            {name: document[name] for name in PROMISE_MEMBERS}, _Promised, strict=True
        )
    except (msgspec.ValidationError, KeyError, TypeError):
        raise ReceiptMalformed("it is no receipt, or has no signature") from None
    name, at, signature = _signed_by(read.signed.name, read.signed.at, read.signed.signature)
    entry = PromisedEntry(read.position, _uuid(read.subject_id), at, _hash(read.leaf_hash))
    return Promise((entry,), SignedEntry(name, at, signature))


def receipt_of(document: Any) -> Receipt:  # Any: a JSON value
    """The receipt in an answer of the service; ReceiptMalformed otherwise."""
    try:
        read = msgspec.convert({name: document[name] for name in MEMBERS}, _Answer, strict=True)
    except (msgspec.ValidationError, KeyError, TypeError):
        raise ReceiptMalformed("it is no receipt, or has no signature") from None
    stream = _uuid(read.subject_id)
    lines = tuple(_line(stream, one) for one in read.events)
    versions = [one.version for one in lines]
    if (read.position, read.version) != (lines[-1].position, lines[-1].version):
        raise ReceiptMalformed("position or version is not that of its last event")
    if versions != sorted(set(versions)):
        raise ReceiptMalformed("its events are not in order")
    return Receipt(lines, _signed(read.signed))


def receipt_keys_in(policy: str) -> tuple[VerifierKey, ...]:
    """The keys of receipts that a saved `/log/policy` names; VerifierKeyMalformed for a bad one."""
    return tuple(
        verifier_key(line.removeprefix(RECEIPT_KEY_LINE).strip())
        for line in policy.splitlines()
        if line.startswith(RECEIPT_KEY_LINE)
    )


_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    event_id: str
    type: str
    version: _Count
    position: _Count
    leaf_hash: str
    recorded_at: str


class _Signed(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    at: str
    index: _Count
    size: _Count
    path: list[str]
    signature: str


class _SignedEntry(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    at: str
    signature: str


class _Promised(msgspec.Struct):
    subject_id: str
    position: _Count
    leaf_hash: str
    signed: _SignedEntry


class _Answer(msgspec.Struct):
    subject_id: str
    version: _Count
    position: _Count
    events: Annotated[list[_Event], msgspec.Meta(min_length=1, max_length=1000)]
    signed: _Signed


def _line(stream: UUID, one: _Event) -> BatchLine:
    moment = _SHORT.fullmatch(one.recorded_at)
    if moment is None or not one.type.isascii() or " " in one.type or moment[2] == ".000000":
        raise ReceiptMalformed("an event is not written as the service writes it")
    return BatchLine(
        one.position,
        stream,
        one.version,
        _uuid(one.event_id),
        one.type,
        f"{moment[1]}{moment[2] or '.000000'}Z",
        _hash(one.leaf_hash),
    )


def _signed(given: _Signed) -> SignedLines:
    name, at, signature = _signed_by(given.name, given.at, given.signature)
    path = tuple(map(_hash, given.path))
    return SignedLines(name, at, given.index, given.size, path, signature)


def _signed_by(name: str, at: str, signature: str) -> tuple[str, str, bytes]:
    made = _decoded(signature)
    if not (_AT.fullmatch(at) and _NAME.fullmatch(name)):
        raise ReceiptMalformed("the signature is not written as the service writes it")
    try:
        datetime.fromisoformat(at)
    except ValueError:
        raise ReceiptMalformed("the time of the signature is none") from None
    if len(made) <= KEY_ID_SIZE_BYTES:
        raise ReceiptMalformed("the signature is cut off")
    return name, at, made


def _uuid(text: str) -> UUID:
    try:
        made = UUID(text)
    except ValueError:
        raise ReceiptMalformed("an id is none") from None
    if str(made) != text:
        raise ReceiptMalformed("an id is not written as the service writes it")
    return made


def _hash(text: str) -> bytes:
    made = _decoded(text)
    if len(made) != HASH_SIZE_BYTES:
        raise ReceiptMalformed("a hash is none")
    return made


def _decoded(text: str) -> bytes:
    try:
        made = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ReceiptMalformed("base64 is malformed") from None
    if b64encode(made).decode() != text:
        raise ReceiptMalformed("base64 is not written as the service writes it")
    return made
