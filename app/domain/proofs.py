"""The consents of a person, folded: proofs in force, requests that wait, ends (Art. 7 GDPR)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from app.domain.evidence import Wording
from app.events.consents import (
    ConsentConfirmed,
    ConsentExpired,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.recorded import Recorded
from app.policy.vocabulary import ConsentMethod
from app.values import Value, field, replace

Transfer: TypeAlias = tuple[str, str, str | None]
"""Purpose, recipient, and the country where the recipient is a group."""


class Proof(Value, frozen=True, kw_only=True):
    """The facts of one consent's proof record that are not personal (L12)."""

    version: int
    """Of the event beside which the evidence is sealed."""
    wording: Wording
    method: ConsentMethod
    source: str
    since: datetime
    """When the person expressed it."""
    request: UUID | None = None
    """The request that it confirms (double opt-in)."""


class Asked(Value, frozen=True, kw_only=True):
    """A request that waits for its confirmation."""

    request: UUID
    wording: Wording
    source: str
    since: datetime


class Consent(Value, frozen=True, kw_only=True):
    """Where the consent to one purpose stands."""

    proof: Proof | None = None
    """The consent in force."""
    asked: Asked | None = None
    unproven: bool = False
    """A system claims a consent that it cannot show (L16)."""
    ended_at: datetime | None = None
    """When the person last took a consent back, or what was said to be one, or it expired."""
    expired: bool = False
    """Whether the last one ended by the time that the policy lets it stand."""

    @property
    def open(self) -> bool:
        """Whether there is anything to withdraw."""
        return self.proof is not None or self.asked is not None or self.unproven


NONE = Consent()


class Consents(Value, frozen=True):
    """Every consent of a person."""

    by_purpose: Mapping[str, Consent] = field(default_factory=dict)
    transfers: Mapping[Transfer, Proof] = field(default_factory=dict)
    """The explicit consents to transfers in force (L60)."""

    def of(self, purpose: str) -> Consent:
        """Where the consent to this purpose stands."""
        return self.by_purpose.get(purpose, NONE)


def evolve(slice_: Consents, recorded: Recorded[Any]) -> Consents:
    """The consents after one more event."""
    match recorded.event:
        case ConsentRequested() as event:
            asked = Asked(
                request=event.request,
                wording=_wording(event),
                source=event.source,
                since=recorded.recorded_at,
            )
            return _with(slice_, event.purpose, replace(slice_.of(event.purpose), asked=asked))
        case ConsentGiven() as event:
            proof = _proof(event, event.method, recorded)
            return _given(slice_, event.purpose, proof)
        case ConsentConfirmed() as event:
            proof = _proof(event, ConsentMethod.DOUBLE_OPT_IN, recorded)
            return _given(slice_, event.purpose, replace(proof, request=event.request))
        case TransferConsentGiven() as event:
            transfer = (event.purpose, event.recipient, event.country)
            proof = _proof(event, event.method, recorded)
            return replace(slice_, transfers={**slice_.transfers, transfer: proof})
        case ConsentUnproven(purpose=purpose):
            return _with(slice_, purpose, replace(slice_.of(purpose), unproven=True))
        case ConsentWithdrawn(purpose=purpose):
            return _ended(slice_, purpose, recorded.happened_at)
        case ConsentExpired(purpose=purpose):
            over = replace(
                slice_.of(purpose), proof=None, ended_at=recorded.recorded_at, expired=True
            )
            return _with(slice_, purpose, over)
        case _:
            return slice_


def _with(slice_: Consents, purpose: str, consent: Consent) -> Consents:
    return replace(slice_, by_purpose={**slice_.by_purpose, purpose: consent})


def _given(slice_: Consents, purpose: str, proof: Proof) -> Consents:
    return _with(slice_, purpose, Consent(proof=proof, ended_at=slice_.of(purpose).ended_at))


def _ended(slice_: Consents, purpose: str, at: datetime) -> Consents:
    # A withdrawal that was long on its way still ends what was given in the meantime, for good:
    # the same consent sent again is then outdated.
    proof = slice_.of(purpose).proof
    proofs = [one for key, one in slice_.transfers.items() if key[0] == purpose]
    ended_at = max(at, *(one.since for one in (*proofs, proof) if one is not None), at)
    transfers = {key: one for key, one in slice_.transfers.items() if key[0] != purpose}
    return replace(_with(slice_, purpose, Consent(ended_at=ended_at)), transfers=transfers)


_Worded: TypeAlias = ConsentRequested | ConsentGiven | ConsentConfirmed | TransferConsentGiven


def _wording(event: _Worded) -> Wording:
    return Wording(digest=event.wording, language=event.language, policy=event.policy)


def _proof(event: _Worded, method: ConsentMethod, recorded: Recorded[Any]) -> Proof:
    return Proof(
        version=recorded.version,
        wording=_wording(event),
        method=method,
        source=event.source,
        since=recorded.happened_at,
    )
