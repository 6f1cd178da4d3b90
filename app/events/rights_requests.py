"""A right exercised, from the day on which it arrived to its answer (Arts. 11, 12, 15 to 22).

A rights request is named by the event id of its receipt. What anybody wrote is sealed beside these
events; who decided is an opaque id of a human, for no machine refuses anything (Art. 22; L46).
"""

from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class RequestedRight(StrEnum):
    """What the person asks for; `other` until somebody finds out which right it is (C69)."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    DEACTIVATE_ACCOUNT = "deactivate_account"
    """To stop using a system of the policy (C72)."""
    OTHER = "other"


class RequestChannel(StrEnum):
    """How a word reached the controller, or the person: any way will do (L20, C80)."""

    POST = "post"
    EMAIL = "email"
    DESK = "desk"
    WEB = "web"
    API = "api"
    PHONE = "phone"

    @property
    def electronic(self) -> bool:
        """Whether the answer is given by electronic means unless asked otherwise (Art. 12(3))."""
        return self in (RequestChannel.EMAIL, RequestChannel.WEB, RequestChannel.API)


class RequestTrigger(StrEnum):
    """Why the person asks."""

    PERSON = "person"
    POLICY_CHANGE = "policy_change"
    """The person does not accept a new version of the policy (C79)."""
    REPRESENTATIVE = "representative"
    """Somebody asks on the person's behalf."""


class IdentityProof(StrEnum):
    """By what the controller is satisfied that the person is who they say (Art. 12(6))."""

    ADDRESS_ON_FILE = "address_on_file"
    """The request came from an address that is held."""
    LOGIN = "login"
    LINK = "link"
    """A link or code that was sent to an address on file came back."""
    CALLBACK = "callback"
    IN_PERSON = "in_person"
    ELECTRONIC_IDENTITY = "electronic_identity"
    KNOWN_FACTS = "known_facts"
    """The person told what only they can know."""


class ExtensionGround(StrEnum):
    """Why one month is not enough (Art. 12(3)); DPV's terms."""

    COMPLEXITY = "a12_complexity"
    HIGH_VOLUME = "a12_high_volume"


class RefusalGround(StrEnum):
    """Why a request, or a part of it, is not acted on; DPV's justifications (formats 4.4)."""

    MANIFESTLY_UNFOUNDED = "a12_manifestly_unfounded"
    MANIFESTLY_EXCESSIVE = "a12_manifestly_excessive"
    MALICIOUS_INTENT = "a12_malicious_intent"
    LACK_OF_INTENT = "a12_lack_of_intent"
    IDENTITY_FAILURE = "a12_identity_failure"
    FREEDOM_OF_EXPRESSION = "a17_freedom_of_expression"
    LEGALLY_REQUIRED = "a17_legally_required"
    PUBLIC_INTEREST = "a17_public_interest"
    OFFICIAL_AUTHORITY = "a17_official_authority"
    PUBLIC_HEALTH = "a17_public_health"
    ARCHIVING = "a17_archiving"
    LEGAL_CLAIMS = "a17_legal_claims"
    THIRD_PARTY_RIGHTS = "third_party_rights_impaired"
    LEGITIMATE_INTEREST = "legitimate_interest_override"
    ACCURACY_CONFIRMED = "contest_accuracy"
    RIGHT_NOT_APPLICABLE = "right_not_applicable"
    """The conditions of the right are not met; DPV has no term for it."""


class Fulfilment(StrEnum):
    """How much of what was asked for was done."""

    FULFILLED = "fulfilled"
    PARTLY_FULFILLED = "partly_fulfilled"
    NOTHING_HELD = "nothing_held"
    """Nothing is held about the requester but the request itself (Arts. 11, 15(1))."""


class TaskKind(StrEnum):
    """What has to be done before a request is answered."""

    INFORM_RECIPIENT = "inform_recipient"
    """A recipient is told of a correction, an erasure or a restriction (Art. 19)."""
    DEACTIVATE_ACCOUNT = "deactivate_account"
    """The desk stops an account where the person cannot (C72)."""
    LOOK_INTO_SYSTEM = "look_into_system"
    """Somebody looks by hand into a system that has no interface."""
    ASK_ENGINES = "ask_engines"
    """Others who show what was made public are told (Art. 17(2); L39)."""


class TaskOutcome(StrEnum):
    """What came of a task; whichever it is, a human says why or how in words."""

    DONE = "done"
    SELF_DONE = "self_done"
    """The person did it."""
    IMPOSSIBLE = "impossible"
    DISPROPORTIONATE = "disproportionate"
    NOT_CONCERNED = "not_concerned"
    """There was nothing to do there."""


@event("rights-request.received", version=1)
class RightsRequestReceived:
    """A request reached the controller; when, is the time at which the event occurred (L20)."""

    right: RequestedRight
    channel: RequestChannel
    trigger: RequestTrigger
    language: Word | None
    """In which the person is answered (Art. 12(1))."""
    system: Word | None
    """The recipient of the policy whose account is to be stopped."""
    stranger: bool
    """Nobody of that name was found: this stream is the requester's own, and holds no more."""
    file: UUID
    """Under which its letters are sealed."""
    evidence: UUID | None
    """Where the desk keeps what shows the day of receipt."""
    proof: IdentityProof | None
    """Where whoever recorded it vouched for the identity at once."""
    origin: UUID | None
    """The request of a stranger that it continues."""
    paused_days: int
    extended: bool
    """How far the clock of that one had come."""
    due_on: date
    policy: Word
    law: Word


@event("rights-request.triaged", version=1)
class RightsRequestTriaged:
    """It turned out which right is meant; the day of receipt stays (C69)."""

    request: UUID
    right: RequestedRight
    system: Word | None
    decided_by: UUID


@event("rights-request.doubted", version=1)
class RightsRequestDoubted:
    """The person was asked who they are: the clock stands until they answer (Art. 12(6); L24)."""

    request: UUID
    told_by: RequestChannel
    decided_by: UUID


@event("rights-request.doubt-answered", version=1)
class RightsRequestDoubtAnswered:
    """The person answered: the clock goes on from where it stood."""

    request: UUID
    paused_days: int
    """Of all questions so far."""
    due_on: date


@event("rights-request.verified", version=1)
class RightsRequestVerified:
    """It is the person's own."""

    request: UUID
    proof: IdentityProof


@event("rights-request.extended", version=1)
class RightsRequestExtended:
    """Two months more, of which the person was told with the reasons (Art. 12(3); L22)."""

    request: UUID
    ground: ExtensionGround
    told_by: RequestChannel
    decided_by: UUID
    due_on: date
    law: Word


@event("rights-request.approved", version=1)
class RightsRequestApproved:
    """It will be done."""

    request: UUID
    decided_by: UUID
    policy: Word


@event("rights-request.task-opened", version=1)
class RightsRequestTaskOpened:
    """Something has to be done before the request can be answered (L36)."""

    request: UUID
    task: int
    """Its number among those of the request, from 1."""
    kind: TaskKind
    recipient: Word | None
    member: UUID | None
    """Which one, where the recipient is a group."""
    due_on: date


@event("rights-request.task-closed", version=1)
class RightsRequestTaskClosed:
    """It was done, or why not; the evidence is sealed beside this."""

    request: UUID
    task: int
    outcome: TaskOutcome


@event("rights-request.fulfilled", version=1)
class RightsRequestFulfilled:
    """The person has the answer."""

    request: UUID
    outcome: Fulfilment
    answers: tuple[UUID, ...]
    """What answered it: an erasure, restriction or objection, or the event of a report."""
    ground: RefusalGround | None
    """Why a part was not done."""
    told_by: RequestChannel
    letter: UUID | None
    """Where the letter is kept."""
    decided_by: UUID
    late: bool
    policy: Word
    law: Word


@event("rights-request.refused", version=1)
class RightsRequestRefused:
    """It is not acted on, and the person was told why and what they can do (Art. 12(4); L25)."""

    request: UUID
    ground: RefusalGround
    told_by: RequestChannel
    letter: UUID | None
    decided_by: UUID
    approved_by: UUID | None
    """A second human, where the request itself is held against the person (Art. 12(5); L26)."""
    evidence: int
    """How many pieces of evidence were recorded for that."""
    late: bool
    policy: Word
    law: Word


@event("rights-request.withdrawn", version=1)
class RightsRequestWithdrawn:
    """The person took it back."""

    request: UUID
    channel: RequestChannel


@event("rights-request.unidentified", version=1)
class RightsRequestUnidentified:
    """The person cannot be identified and was told so; they may say more (Art. 11(2); L28)."""

    request: UUID
    told_by: RequestChannel
    letter: UUID | None
    decided_by: UUID


@event("rights-request.joined", version=1)
class RightsRequestJoined:
    """The same person asked for the same twice: the earlier request goes on alone."""

    request: UUID
    into: UUID
    decided_by: UUID


@event("rights-request.moved", version=1)
class RightsRequestMoved:
    """The stranger turned out to be somebody who is known: it goes on in that person's stream."""

    request: UUID
    subject: UUID
    decided_by: UUID
