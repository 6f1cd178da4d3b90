"""Consents: every act with its wording and whether its evidence is still there (Art. 7(1); L12).

An act holds until the next one about the same purpose. The rows outlive an erasure of the person,
as the proof does: they name nobody, and the evidence itself is sealed (L41).
"""

from typing import Any

from sqlalchemy import ARRAY, Column, Text, Uuid, any_, null, update

from app.events.consents import (
    ConsentConfirmed,
    ConsentExpired,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.erasures import ErasureExecuted, SectionsResealed
from app.events.recorded import Recorded
from app.events.retention import RetentionExecuted
from app.projections.lasting import closed, closing, filling, lasting, opened, opening
from app.projections.projection import Projection, Writes
from app.projections.statements import Statement, Write, given

CONSENT, REQUEST, CLAIM, TRANSFER = "consent", "request", "claim", "transfer"
"""What an act is one of: each line of acts has its own end."""

consents = lasting(
    "consents_v3",
    Column("kind", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("recipient", Text),
    Column("country", Text),
    Column("request", Uuid),
    Column("wording", Text),
    Column("language", Text),
    Column("policy", Text),
    Column("method", Text),
    Column("source", Text),
    Column("evidence_key", Uuid),
    Column("evidence", Text, nullable=False),
    comment="Consents: one row an act; where its evidence lies sealed, never what it is.",
)

CONSENTS = Projection("consents", version=3, tables=(consents,))

ACT = opening(consents)
END = closing(consents, "kind", "purpose", "recipient", "country")
END_TRANSFERS = closing(consents, "kind", "purpose")
END_REQUEST = closing(consents, "request")
MOVE = filling(consents, "version", "evidence_key")


def _destroying() -> Statement:
    rows = given(consents.c.subject_id, Column("data_keys", ARRAY(Uuid)), consents.c.evidence)
    gone = update(consents).where(
        consents.c.subject_id == rows.c.subject_id,
        consents.c.evidence_key == any_(rows.c.data_keys),
    )
    return Statement(rows, gone.values(evidence=rows.c.evidence, evidence_key=null()))


DESTROY = _destroying()


def _act(recorded: Recorded[Any], kind: str, act: str, **more: Any) -> Write:
    event = recorded.event
    key = next((seal.key_id for seal in recorded.seals), None)
    names = ("recipient", "country", "request", "wording", "language", "policy")
    said = {name: getattr(event, name, None) for name in names}
    method = getattr(event, "method", None)
    return ACT.write(
        **opened(recorded),
        **said,
        kind=kind,
        act=act,
        purpose=event.purpose,
        method=method and method.value,
        source=getattr(event, "source", None),
        evidence_key=key,
        evidence="none" if key is None else "sealed",
        **more,
    )


def _end(recorded: Recorded[Any], kind: str) -> Write:
    event = recorded.event
    return END.write(
        **closed(recorded),
        kind=kind,
        purpose=event.purpose,
        recipient=getattr(event, "recipient", None),
        country=getattr(event, "country", None),
    )


@CONSENTS.on(ConsentRequested)
def requested(recorded: Recorded[ConsentRequested]) -> Writes:
    """The first step of a double opt-in: no consent yet."""
    return (_act(recorded, REQUEST, "requested"),)


@CONSENTS.on(ConsentConfirmed)
def confirmed(recorded: Recorded[ConsentConfirmed]) -> Writes:
    """The second step: the request is over, and what it confirms is the consent."""
    over = END_REQUEST.write(**closed(recorded), request=recorded.event.request)
    return (over, _end(recorded, CONSENT), _act(recorded, CONSENT, "confirmed"))


@CONSENTS.on(ConsentGiven)
def consented(recorded: Recorded[ConsentGiven]) -> Writes:
    """A consent with its proof; a claim without one is over."""
    return (
        _end(recorded, CONSENT),
        _end(recorded, CLAIM),
        _act(recorded, CONSENT, "given"),
    )


@CONSENTS.on(ConsentWithdrawn)
def withdrawn(recorded: Recorded[ConsentWithdrawn]) -> Writes:
    """From here on it carries nothing, nor do the explicit consents to its transfers."""
    transfers = END_TRANSFERS.write(
        **closed(recorded), kind=TRANSFER, purpose=recorded.event.purpose
    )
    return (
        _end(recorded, CONSENT),
        _end(recorded, REQUEST),
        transfers,
        _act(recorded, CONSENT, "withdrawn"),
    )


@CONSENTS.on(ConsentExpired)
def expired(recorded: Recorded[ConsentExpired]) -> Writes:
    """Nobody took it back, and it carries nothing any more."""
    return (_end(recorded, CONSENT), _act(recorded, CONSENT, "expired"))


@CONSENTS.on(ConsentUnproven)
def unproven(recorded: Recorded[ConsentUnproven]) -> Writes:
    """A system's word: it is listed, and carries nothing (L16)."""
    return (_end(recorded, CLAIM), _act(recorded, CLAIM, "unproven"))


@CONSENTS.on(TransferConsentGiven)
def transferred(recorded: Recorded[TransferConsentGiven]) -> Writes:
    """An explicit consent to one transfer (Art. 49(1)(a); L60)."""
    return (_end(recorded, TRANSFER), _act(recorded, TRANSFER, "given"))


@CONSENTS.on(SectionsResealed)
def resealed(recorded: Recorded[SectionsResealed]) -> Writes:
    """The evidence lies under another key now."""
    keys = {seal.retention_class: seal.key_id for seal in recorded.seals}
    key = keys.get(recorded.event.retention_class)
    moved = MOVE.write(
        subject_id=recorded.stream_id, version=recorded.event.origin, evidence_key=key
    )
    return () if key is None else (moved,)


@CONSENTS.on(ErasureExecuted, RetentionExecuted)
def destroyed(recorded: Recorded[ErasureExecuted | RetentionExecuted]) -> Writes:
    """The act is still told; its evidence is gone with its key, by a rule or by mischance."""
    event = recorded.event
    lost = isinstance(event, RetentionExecuted) and event.lost
    gone = DESTROY.write(
        subject_id=recorded.stream_id,
        data_keys=event.keys,
        evidence="lost" if lost else "erased",
    )
    return (gone,)
