"""Rights requests: received, verified, extended, approved, answered, refused (Arts. 11, 12, 15-22).

Whatever comes is recorded: a request is never refused because another one is there, and one that
nobody verified never takes the place of a genuine one. Only a human refuses (Art. 22; L46).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from app.domain.concern import Concern
from app.domain.consultations import consulted
from app.domain.decider import Circumstances
from app.domain.legal_clock import ANSWER, day_of, due, extended
from app.domain.letters import DECISION, STATEMENT, letters
from app.domain.recipients import recipient_named
from app.domain.rights_request_answers import (
    duties,
)
from app.domain.rights_request_case import Case, Records, check_open
from app.domain.rights_request_outcomes import (
    fulfilled,
    joined,
    moved,
    refused,
    unidentified,
    withdrawn,
)
from app.domain.rights_request_progress import (
    FOLDS,
    RequestStatus,
    RightsRequest,
    RightsRequests,
    Task,
    evolve,
)
from app.domain.rights_request_refusals import (
    DoubtGroundless,
    DoubtTooLate,
    DoubtUnasked,
    ExtensionLate,
    ExtensionRepeated,
    ExtensionUnexplained,
    ExtensionUntold,
    IdentitySettled,
    ReceiptTooOld,
    ReceiptUnevidenced,
    RightsRequestClosed,
    RightsRequestUnknown,
    RightsRequestUnverified,
    StepBeforeReceipt,
    StepUnevidenced,
    SystemMissing,
    TaskUnknown,
    TaskUnreasoned,
)
from app.domain.rights_request_steps import (
    AnswerDoubt,
    ApproveRequest,
    CloseTask,
    CloseUnidentified,
    Command,
    DoubtIdentity,
    ExtendRequest,
    FulfilRequest,
    JoinRequest,
    MoveRequest,
    OpenTask,
    ReadRequest,
    ReceiveFromStranger,
    ReceiveOnce,
    ReceiveRequest,
    RefuseRequest,
    Step,
    TriageRequest,
    VerifyRequest,
    WithdrawRequest,
)
from app.events.recorded import Record
from app.events.rights_requests import (
    RequestedRight,
    RightsRequestApproved,
    RightsRequestDoubtAnswered,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestReceived,
    RightsRequestTaskClosed,
    RightsRequestTaskOpened,
    RightsRequestTriaged,
    RightsRequestVerified,
)
from app.policy.own_names import RIGHTS

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

REQUEST: Final = "correspondence.request"
REPLY_ADDRESS: Final = "correspondence.reply_address"
LETTERS: Final = (REQUEST, REPLY_ADDRESS, STATEMENT, DECISION)
"""The categories of what is written in a request."""


def decide(command: Command, state: "SubjectState", given: Circumstances) -> Records:
    """The records that a step of a request makes."""
    match command:
        case ReceiveRequest():
            return (_received(command, given, stranger=False),)
        case ReceiveFromStranger(asked=asked):
            return (_received(asked, given, stranger=True),)
        case ReceiveOnce(asked=asked):
            return () if _asks(asked, state) else (_received(asked, given, stranger=False),)
        case ReadRequest(request=key):
            _known(key, state)
            return (consulted(RIGHTS, LETTERS, given),)
        case _:
            request = _known(command.request, state)
            at = getattr(command, "occurred_at", None) or given.now
            if at < request.received_at:
                raise StepBeforeReceipt
            _check_shown(command, at, given)
            return _STEPS[type(command)](command, request, Case(state, given, at))


def _asks(asked: ReceiveRequest, state: "SubjectState") -> bool:
    """Whether the same is asked for, for the same reason, by a request that has no answer yet."""
    same = (asked.right, asked.system, asked.trigger)
    return any(
        one.status.open and (one.right, one.system, one.trigger) == same
        for one in state.rights_requests.by_id.values()
    )


def _check_shown(command: Step, at: datetime, given: Circumstances) -> None:
    """Refuses a step on an earlier day that nothing shows: by it an answer comes to be in time."""
    if day_of(at, given.law) >= day_of(given.now, given.law):
        return
    words = getattr(command, "evidence_note", None)
    kept = getattr(command, "letter", None)
    if words is not None and not words.strip() and kept is None:
        raise StepUnevidenced


def _known(key: UUID, state: "SubjectState") -> RightsRequest:
    request = state.rights_requests.by_id.get(key)
    if request is None:
        raise RightsRequestUnknown
    return request


def _received(command: ReceiveRequest, given: Circumstances, *, stranger: bool) -> Record:
    received_at = command.occurred_at or given.now
    received_on = day_of(received_at, given.law)
    if received_on < given.law.first_day(ANSWER):
        raise ReceiptTooOld
    period = extended if command.extended else due
    answer = period(received_at, given.law, paused_days=command.paused_days)
    shown = command.evidence or command.evidence_note.strip() or command.origin
    if received_on < day_of(given.now, given.law) and not shown:
        raise ReceiptUnevidenced
    event = RightsRequestReceived(
        right=command.right,
        channel=command.channel,
        trigger=command.trigger,
        language=command.language,
        system=_system(command.right, command.system, given),
        stranger=stranger,
        file=command.file,
        evidence=command.evidence,
        proof=command.proof,
        origin=command.origin,
        paused_days=command.paused_days,
        extended=command.extended,
        due_on=answer.last_day,
        policy=given.policy.version,
        law=given.law.version,
    )
    texts = {
        REQUEST: command.text,
        REPLY_ADDRESS: command.reply_address,
        DECISION: command.evidence_note,
    }
    sections = letters(texts, command.file, given)
    return Record(event, sections=sections, occurred_at=command.occurred_at)


def _system(right: RequestedRight, system: str | None, given: Circumstances) -> str | None:
    if right is not RequestedRight.DEACTIVATE_ACCOUNT:
        return None
    if system is None:
        raise SystemMissing
    return recipient_named(system, given.policy).key


def _triaged(command: TriageRequest, request: RightsRequest, case: Case) -> Records:
    check_open(request)
    system = _system(command.right, command.system, case.given)
    if (command.right, system) == (request.right, request.system):
        return ()
    event = RightsRequestTriaged(
        request=command.request, right=command.right, system=system, decided_by=command.decided_by
    )
    return (case.record(event, command, request),)


def _doubted(command: DoubtIdentity, request: RightsRequest, case: Case) -> Records:
    check_open(request)
    if request.verified:
        raise IdentitySettled
    if not command.grounds.strip():
        raise DoubtGroundless
    if request.status is RequestStatus.AWAITING_IDENTITY:
        return ()
    if case.late(request):
        raise DoubtTooLate
    event = RightsRequestDoubted(
        request=command.request, told_by=command.told_by, decided_by=command.decided_by
    )
    return (case.record(event, command, request, decision=command.grounds),)


def _doubt_answered(command: AnswerDoubt, request: RightsRequest, case: Case) -> Records:
    if request.asked_at is None:
        check_open(request)
        raise DoubtUnasked
    if not request.status.open and request.status is not RequestStatus.UNIDENTIFIED:
        raise RightsRequestClosed(state=request.status.value)
    if case.at < request.asked_at:
        raise StepBeforeReceipt
    return (
        case.record(_resumed(command, request, case), command, request, statement=command.text),
    )


def _resumed(
    command: AnswerDoubt | VerifyRequest, request: RightsRequest, case: Case
) -> RightsRequestDoubtAnswered:
    return RightsRequestDoubtAnswered(
        request=command.request,
        paused_days=request.paused_by(case.at, case.given.law),
        due_on=request.due(case.given.law, case.at).last_day,
    )


def _verified(command: VerifyRequest, request: RightsRequest, case: Case) -> Records:
    asked = request.asked_at is not None
    if not (asked and request.status is RequestStatus.UNIDENTIFIED):
        check_open(request)
    if request.verified:
        return ()
    verified = RightsRequestVerified(request=command.request, proof=command.proof)
    resumed = (_resumed(command, request, case),) if asked else ()
    return tuple(case.record(event, command, request) for event in (*resumed, verified))


def _extended(command: ExtendRequest, request: RightsRequest, case: Case) -> Records:
    check_open(request)
    law = case.given.law
    if request.extended:
        raise ExtensionRepeated
    if request.first_month(law, case.at).over(case.at):
        raise ExtensionLate(due_on=request.first_month(law, case.at).last_day)
    if not command.reasons.strip():
        raise ExtensionUnexplained
    if command.told_by is None:
        raise ExtensionUntold
    paused = request.paused_by(case.at, law)
    event = RightsRequestExtended(
        request=command.request,
        ground=command.ground,
        told_by=command.told_by,
        decided_by=command.decided_by,
        due_on=extended(request.received_at, law, paused_days=paused).last_day,
        law=law.version,
    )
    return (case.record(event, command, request, decision=command.reasons),)


def _approved(command: ApproveRequest, request: RightsRequest, case: Case) -> Records:
    check_open(request)
    if not request.verified:
        raise RightsRequestUnverified
    if request.status is RequestStatus.APPROVED:
        return ()
    event = RightsRequestApproved(
        request=command.request,
        decided_by=command.decided_by,
        policy=case.given.policy.version,
    )
    tasks = _opened(duties(request, case.state), command, request, case)
    return tuple(case.record(one, command, request) for one in (event, *tasks))


def _task_opened(command: OpenTask, request: RightsRequest, case: Case) -> Records:
    check_open(request)
    recipient = command.recipient
    task = Task(
        kind=command.kind,
        recipient=None if recipient is None else recipient_named(recipient, case.given.policy).key,
        member=command.member,
    )
    if task in request.tasks.values():
        return ()
    opened = _opened((task,), command, request, case)
    return tuple(case.record(one, command, request) for one in opened)


def _opened(
    tasks: Iterable[Task], command: Step, request: RightsRequest, case: Case
) -> Iterator[RightsRequestTaskOpened]:
    """Numbered on from the last; due with the answer."""
    due_on = request.due(case.given.law, case.at).last_day
    for number, task in enumerate(tasks, len(request.tasks) + 1):
        yield RightsRequestTaskOpened(
            request=command.request,
            task=number,
            kind=task.kind,
            recipient=task.recipient,
            member=task.member,
            due_on=due_on,
        )


def _task_closed(command: CloseTask, request: RightsRequest, case: Case) -> Records:
    check_open(request)
    task = request.tasks.get(command.task)
    if task is None:
        raise TaskUnknown
    if not command.note.strip():
        raise TaskUnreasoned
    if task.outcome is command.outcome:
        return ()
    event = RightsRequestTaskClosed(
        request=command.request, task=command.task, outcome=command.outcome
    )
    return (case.record(event, command, request, decision=command.note),)


_STEPS: dict[type[Any], Callable[[Any, RightsRequest, Case], Records]] = {
    TriageRequest: _triaged,
    DoubtIdentity: _doubted,
    AnswerDoubt: _doubt_answered,
    VerifyRequest: _verified,
    ExtendRequest: _extended,
    ApproveRequest: _approved,
    OpenTask: _task_opened,
    CloseTask: _task_closed,
    FulfilRequest: fulfilled,
    RefuseRequest: refused,
    WithdrawRequest: withdrawn,
    CloseUnidentified: unidentified,
    JoinRequest: joined,
    MoveRequest: moved,
}

RIGHTS_REQUESTS = Concern(
    "rights_requests",
    commands=(ReceiveRequest, ReceiveFromStranger, ReceiveOnce, ReadRequest, *_STEPS),
    folds=FOLDS,
    initial=RightsRequests(),
    decide=decide,
    evolve=evolve,
)
