"""How a rights request ends: answered, refused, taken back, handed on (Arts. 11(2), 12(3) to (5)).

No answer is recorded while something has to be done first (Art. 19; L36), no refusal without its
reasons, the complaint and the remedy (L25), and none that no human decided (L46).
"""

from uuid import UUID

from app.domain.objections import Status, taken_back
from app.domain.rights_request_answers import (
    HELD_AGAINST,
    answers_of,
    grounds_against,
    objections_of,
    pending_of,
    untold,
)
from app.domain.rights_request_case import Case, Records, check_open
from app.domain.rights_request_progress import RequestStatus, RightsRequest
from app.domain.rights_request_refusals import (
    AnswerMissing,
    DataHeld,
    ExcessUnproven,
    GroundInapplicable,
    IdentitySettled,
    NotADuplicate,
    ObjectionStands,
    RefusalIncomplete,
    RequesterKnown,
    RightsRequestUnapproved,
    RightsRequestUnverified,
    TasksOpen,
)
from app.domain.rights_request_steps import (
    CloseUnidentified,
    FulfilRequest,
    JoinRequest,
    MoveRequest,
    RefuseRequest,
    Remedies,
    WithdrawRequest,
)
from app.events.rights_requests import (
    Fulfilment,
    RefusalGround,
    RightsRequestFulfilled,
    RightsRequestJoined,
    RightsRequestMoved,
    RightsRequestRefused,
    RightsRequestUnidentified,
    RightsRequestWithdrawn,
)


def fulfilled(command: FulfilRequest, request: RightsRequest, case: Case) -> Records:
    """The person has the answer, or hears that there is nothing to answer with."""
    check_open(request)
    if command.outcome is Fulfilment.NOTHING_HELD:
        if not request.stranger:
            raise DataHeld
        answers: tuple[UUID, ...] = ()
    else:
        answers = _answers(command, request, case)
    partly = command.outcome is Fulfilment.PARTLY_FULFILLED
    texts, words = [command.note], command.note
    if partly:
        _check_ground(command.ground, request)
        told = _told(command.refused)
        texts += told
        words = _joined([command.note, told[0]])
    event = RightsRequestFulfilled(
        request=command.request,
        outcome=command.outcome,
        answers=answers,
        ground=command.ground if partly else None,
        told_by=command.told_by,
        letter=command.letter,
        decided_by=command.decided_by,
        late=case.late(request),
        policy=case.given.policy.version,
        law=case.given.law.version,
    )
    decision = _joined(texts)
    return (case.record(event, command, request, decision=decision, told=case.sealable(words)),)


def _answers(command: FulfilRequest, request: RightsRequest, case: Case) -> tuple[UUID, ...]:
    """What answered it; refused while it is not approved, or something has to be done first."""
    if not request.verified:
        raise RightsRequestUnverified
    if request.status is not RequestStatus.APPROVED:
        raise RightsRequestUnapproved
    if request.open_tasks:
        raise TasksOpen(open=len(request.open_tasks))
    found = answers_of(request, case.state)
    if found is None:
        if not (command.note.strip() or request.tasks):
            raise AnswerMissing(right=request.right.value)
        return command.answers
    answers = command.answers or tuple(sorted(found))
    if not answers or not found.issuperset(answers):
        raise AnswerMissing(right=request.right.value)
    if Status.PENDING in objections_of(request, case.state):
        raise ObjectionStands(state=Status.PENDING.value)
    if untold(answers, case.state):
        raise TasksOpen
    return answers


def refused(command: RefuseRequest, request: RightsRequest, case: Case) -> Records:
    """A human decided against it, and the person knows why and where to go (Art. 12(4), (5))."""
    check_open(request)
    _check_ground(command.ground, request)
    _check_objections(command.ground, request, case)
    told = _told(command.refused)
    held_against = command.ground in HELD_AGAINST
    evidence = [text for text in command.evidence if text.strip()]
    if held_against and (not evidence or command.approved_by in (None, command.decided_by)):
        raise ExcessUnproven
    event = RightsRequestRefused(
        request=command.request,
        ground=command.ground,
        told_by=command.told_by,
        letter=command.letter,
        decided_by=command.decided_by,
        approved_by=command.approved_by if held_against else None,
        evidence=len(evidence) if held_against else 0,
        late=case.late(request),
        policy=case.given.policy.version,
        law=case.given.law.version,
    )
    decision, words = _joined([*told, *evidence]), case.sealable(told[0])
    return (case.record(event, command, request, decision=decision, told=words),)


def _check_ground(ground: RefusalGround | None, request: RightsRequest) -> None:
    settled = ground is RefusalGround.IDENTITY_FAILURE and request.verified
    if ground not in grounds_against(request.right) or settled:
        raise GroundInapplicable(right=request.right.value)


def _check_objections(ground: RefusalGround, request: RightsRequest, case: Case) -> None:
    """Nobody is told no while silence would say yes, or the answer already was yes (L43, L44)."""
    standing = objections_of(request, case.state)
    if Status.PENDING in standing:
        raise ObjectionStands(state=Status.PENDING.value)
    weighed = ground not in HELD_AGAINST and ground is not RefusalGround.IDENTITY_FAILURE
    if weighed and Status.GRANTED in standing:
        raise ObjectionStands(state=Status.GRANTED.value)


def _told(remedies: Remedies | None) -> list[str]:
    """The three texts of Art. 12(4); refused while one of them is blank."""
    texts = {
        "reasons": remedies.reasons if remedies else "",
        "complaint": remedies.complaint if remedies else "",
        "remedy": remedies.remedy if remedies else "",
    }
    missing = tuple(name for name, text in texts.items() if not text.strip())
    if missing:
        raise RefusalIncomplete(missing=missing)
    return list(texts.values())


def _joined(texts: list[str]) -> str:
    return "\n\n".join(text.strip() for text in texts if text.strip())


def withdrawn(command: WithdrawRequest, request: RightsRequest, case: Case) -> Records:
    """The person took it back, and with it what they objected to and nobody has decided yet.

    Else silence would grant what nobody asks for any more. What was granted stays so, and news
    that an objection to everything ended at once stay ended.
    """
    if request.status is RequestStatus.WITHDRAWN:
        return ()
    check_open(request)
    event = RightsRequestWithdrawn(request=command.request, channel=command.channel)
    ended = (
        record
        for key in pending_of(request, case.state)
        for record in taken_back(key, case.state, case.given, on=command.occurred_at)
    )
    return (case.record(event, command, request), *ended)


def unidentified(command: CloseUnidentified, request: RightsRequest, case: Case) -> Records:
    """The person was told that they cannot be identified, and what would help (Art. 11(2))."""
    check_open(request)
    if request.verified:
        raise IdentitySettled
    if not command.reasons.strip():
        raise RefusalIncomplete(missing=("reasons",))
    event = RightsRequestUnidentified(
        request=command.request,
        told_by=command.told_by,
        letter=command.letter,
        decided_by=command.decided_by,
    )
    return (case.record(event, command, request, decision=command.reasons),)


def joined(command: JoinRequest, request: RightsRequest, case: Case) -> Records:
    """It goes on in an earlier one, which is as surely of the same person."""
    check_open(request)
    into = case.state.rights_requests.by_id.get(command.into)
    if (
        into is None
        or into is request
        or not (into.status.open and into.verified and request.verified)
        or (into.right, into.system) != (request.right, request.system)
        or into.received_at > request.received_at
    ):
        raise NotADuplicate
    event = RightsRequestJoined(
        request=command.request, into=command.into, decided_by=command.decided_by
    )
    return (case.record(event, command, request),)


def moved(command: MoveRequest, request: RightsRequest, case: Case) -> Records:
    """It goes on in the stream of somebody who is known."""
    if not request.stranger:
        raise RequesterKnown
    check_open(request)
    event = RightsRequestMoved(
        request=command.request, subject=command.subject, decided_by=command.decided_by
    )
    return (case.record(event, command, request),)
