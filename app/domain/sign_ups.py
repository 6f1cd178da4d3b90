"""A public sign-up: an address that nobody has confirmed, then a subscriber (C82; Art. 7(1)).

A sign-up has a stream of its own, and looks nobody up: what it does is the same for an address that
is known and one that is not. Only whoever reads the mail that was sent there can confirm it, and
only then is the person looked for, who is found by an address that is verified by this very act.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.consents import CONSENTS, ConfirmConsent, RequestConsent
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.evidence import Wording, read
from app.domain.generations import generation
from app.domain.periods import SealedValue
from app.domain.purpose_limitation import category_named, purpose_named, source_named
from app.domain.subjects import SUBJECTS, JoinSubject, RegisterSubject
from app.domain.values import normalise
from app.events.recorded import Record, Recorded, Section
from app.events.sign_ups import SignUpConfirmed, SignUpReceived
from app.identifiers import EventId, KeyId
from app.policy.own_names import SIGNING_UP
from app.policy.vocabulary import LegalBasis
from app.values import Confidential, Value, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

ADDRESS: Final = "contact.email"
LANGUAGE: Final = "profile.language"


class SignUpUnknown(Refusal):
    """There is no such sign-up, or nobody confirmed it in time and it is gone (C82)."""

    code = "sign-up-unknown"
    rules = ("C82",)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """A sign-up; the address lies sealed at ``version``."""

    sign_up: UUID
    version: int
    purpose: str
    wording: Wording
    source: str
    since: datetime
    retention_class: str
    key_id: KeyId | None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignUps:
    """The one sign-up of a stream, if it is the stream of one."""

    one: SignUp | None = None

    def sealed_values(self) -> Iterator[SealedValue]:
        """What lies sealed beside the sign-up."""
        if self.one is not None:
            for category in (ADDRESS, LANGUAGE):
                yield SealedValue(
                    place=(self.one.version, self.one.retention_class),
                    category=category,
                    meant_as=category,
                    purpose=SIGNING_UP,
                    key_id=self.one.key_id,
                    since=self.one.since,
                )


class ReceiveSignUp(Confidential, frozen=True, kw_only=True):
    """Somebody entered an address."""

    CONFIDENTIAL = ("address",)

    sign_up: UUID
    purpose: str
    address: str
    wording: Wording
    source: str


class ConfirmSignUp(Value, frozen=True, kw_only=True):
    """Somebody answered from it, and the consent is on record: the sign-up has done its work."""

    sign_up: UUID


class Subscribe(Confidential, frozen=True, kw_only=True):
    """On the person's own stream: the confirmed sign-up, new or joined, with the consent in it.

    The consent is younger than whatever closed the address before, so nothing is looked up in the
    suppression register: the person's own later word opens it again (L14, L41).
    """

    CONFIDENTIAL = ("registration", "reference")

    registration: RegisterSubject
    sign_up: UUID
    purpose: str
    wording: Wording
    source: str
    asked_at: datetime
    """When the address was entered."""
    reference: str


Command: TypeAlias = ReceiveSignUp | ConfirmSignUp | Subscribe


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a step of a sign-up makes."""
    match command:
        case ReceiveSignUp():
            return _receive(command, state, given)
        case ConfirmSignUp():
            return _confirm(command, state, given)
        case Subscribe():
            return _subscribe(command, state, given)
        case _:
            assert_never(command)


def _receive(
    command: ReceiveSignUp, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    if state.sign_ups.one is not None:
        return ()
    purpose = purpose_named(command.purpose, given.policy)
    if purpose.legal_basis is not LegalBasis.CONSENT or not purpose.direct_marketing:
        raise SignUpUnknown
    wording = read(command.wording, given)
    held = purpose_named(SIGNING_UP, given.policy)
    retention_class = held.retention_class(ADDRESS)
    personal = {
        ADDRESS: normalise(category_named(ADDRESS, given.policy), command.address),
        LANGUAGE: wording.language,
    }
    event = SignUpReceived(
        sign_up=command.sign_up,
        purpose=purpose.key,
        wording=wording.digest,
        language=wording.language,
        policy=wording.policy,
        source=source_named(command.source, given.policy).key,
    )
    bucket = generation(
        retention_class, given.policy, on=day_of(given.now, given), occasion=command.sign_up
    )
    return (Record(event, sections=(Section(retention_class, bucket, personal),)),)


def _confirm(
    command: ConfirmSignUp, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    one = in_time(state, given)
    if one.sign_up != command.sign_up:
        raise SignUpUnknown
    return () if one.confirmed_at else (Record(SignUpConfirmed(sign_up=one.sign_up)),)


def in_time(state: "SubjectState", given: Circumstances) -> SignUp:
    """The sign-up of a stream, as long as it can be confirmed; SignUpUnknown after that."""
    one = state.sign_ups.one
    if one is None:
        raise SignUpUnknown
    days = given.law.term("consent.confirmation_days", day_of(one.since, given))
    if given.now > one.since + timedelta(days=days):
        raise SignUpUnknown
    return one


def _subscribe(
    command: Subscribe, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    """The consent last; decided as the two steps of a double opt-in, on a state that has both."""
    proof = state.consents.of(command.purpose).proof
    if proof is not None and proof.request == command.sign_up:
        return ()
    asked = RequestConsent(
        request=command.sign_up,
        purpose=command.purpose,
        wording=command.wording,
        source=command.source,
    )
    requested = tuple(
        replace(record, occurred_at=command.asked_at)
        for record in CONSENTS.decide(asked, state, given)
    )
    confirmed = CONSENTS.decide(
        ConfirmConsent(request=command.sign_up, occurred_at=given.now, reference=command.reference),
        _asked(requested, state, given),
        given,
    )
    known = state.registered
    registration = JoinSubject(command.registration) if known else command.registration
    joined = SUBJECTS.decide(registration, state, given)
    return (*joined, *requested, *confirmed)


def _asked(
    requested: tuple[Record, ...], state: "SubjectState", given: Circumstances
) -> "SubjectState":
    """The state once the request is on record, for deciding the answer to it."""
    consents = state.consents
    for record in requested:
        consents = CONSENTS.evolve(
            consents,
            Recorded(
                event=record.event,
                event_id=EventId(record.event.request),
                stream_id=record.event.request,
                version=state.version + 1,
                position=None,
                recorded_at=given.now,
                occurred_at=record.occurred_at,
                by="",
                previous=None,
                leaf_hash=b"",
            ),
        )
    return replace(state, consents=consents)


def evolve(slice_: SignUps, recorded: Recorded[Any]) -> SignUps:
    """The sign-up after one more event."""
    match recorded.event:
        case SignUpReceived() as event:
            seal = next(iter(recorded.seals), None)
            one = SignUp(
                sign_up=event.sign_up,
                version=recorded.version,
                purpose=event.purpose,
                wording=Wording(digest=event.wording, language=event.language, policy=event.policy),
                source=event.source,
                since=recorded.recorded_at,
                retention_class="" if seal is None else seal.retention_class,
                key_id=None if seal is None else seal.key_id,
            )
            return SignUps(one)
        case SignUpConfirmed() if slice_.one is not None:
            return SignUps(replace(slice_.one, confirmed_at=recorded.recorded_at))
        case _:
            return slice_


SIGN_UPS = Concern(
    "sign_ups",
    commands=(ReceiveSignUp, ConfirmSignUp, Subscribe),
    folds=(SignUpReceived, SignUpConfirmed),
    initial=SignUps(),
    decide=decide,
    evolve=evolve,
)
