"""What the letter about one step of a matter of rights says: facts out of the stream and the rules.

Pure: the words that somebody wrote are handed in opened. Everything that the law has told with a
refusal, an extension or an erasure is in the kinds of letter themselves (`MANDATORY`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from uuid import UUID

from app.documents.languages import Language
from app.documents.letter import Addressee, Kept, Letter, LetterKind, Told
from app.documents.letter_words import ANY_PROOF, WHY_LIFTED, WHY_TAKEN_BACK
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.erasure_progress import Erasure
from app.domain.letters import DECISION
from app.domain.mails import MESSAGE
from app.domain.objections import Status
from app.domain.rights_request_answers import article_of
from app.domain.rights_request_progress import RightsRequest
from app.domain.subject import SubjectState
from app.events.erasures import ErasureExecuted, ErasureRecipientInformed, InformOutcome
from app.events.objections import ObjectionGranted, ObjectionOverridden, ObjectionRaised
from app.events.recorded import Recorded
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionLiftAnnounced,
    RestrictionSet,
)
from app.events.rights_requests import (
    Fulfilment,
    RefusalGround,
    RequestedRight,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestFulfilled,
    RightsRequestReceived,
    RightsRequestRefused,
    RightsRequestUnidentified,
    RightsRequestWithdrawn,
    TaskKind,
    TaskOutcome,
)
from app.policy.model import Policy
from app.propagation.letter_matters import concerned

Facts: TypeAlias = dict[str, Any]
"""Parts of a `Letter` by name."""

_TASKS: Final = MappingProxyType(
    {
        TaskOutcome.DONE: InformOutcome.INFORMED,
        TaskOutcome.SELF_DONE: InformOutcome.INFORMED,
        TaskOutcome.IMPOSSIBLE: InformOutcome.IMPOSSIBLE,
        TaskOutcome.DISPROPORTIONATE: InformOutcome.IMPOSSIBLE,
    }
)
"""What a letter says of a recipient, by what came of the task; one not concerned is not named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """An event that is to be told, and what it is told from."""

    recorded: Recorded[Any]
    state: SubjectState
    given: Circumstances
    spoken: Language
    lines: tuple[str, ...] = field(default=(), repr=False)
    """Where a letter on paper goes, as the person wrote it."""
    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What was written beside the event, by category."""
    link: str | None = field(default=None, repr=False)
    """Where the copy that answers a request can be fetched (0023)."""
    link_until: date | None = None
    beside: Mapping[UUID, tuple[Erasure, ...]] = field(default_factory=dict)
    """Erasure -> those of the person's other records that are told together with it."""


def letter_of(telling: Telling) -> Letter:
    """The letter. LetterIncomplete, when it is composed, where a part of it is at nobody's hand."""
    kind, facts = _FACTS[type(telling.recorded.event)](telling)
    given = telling.given
    return Letter(
        **{
            "kind": kind,
            "controller": given.policy.controller,
            "authority": given.law.authority,
            "on": day_of(given.now, given),
            "addressee": Addressee(address=telling.lines),
            "reference": str(matter_of(telling.recorded)),
            **facts,
        }
    )


def matter_of(recorded: Recorded[Any]) -> UUID:
    """The request, erasure, objection or restriction that an event is about."""
    event = recorded.event
    named = (getattr(event, name, None) for name in _MATTERS)
    # A receipt is named by its own id; an objection that came alone has no request.
    return next((one for one in named if one is not None), recorded.event_id)


_MATTERS: Final = ("request", "erasure", "objection", "restriction")


def _asked(telling: Telling) -> tuple[RightsRequest, Facts]:
    request = telling.state.rights_requests.by_id[matter_of(telling.recorded)]
    received_on = day_of(request.received_at, telling.given)
    facts = {"right": _right(request.right), "received_on": received_on}
    system = telling.given.policy.recipients.get(request.system or "")
    return request, {**facts, "concerns": ((system.title,),) if system else ()}


def _right(right: RequestedRight) -> str:
    return "account_deactivation" if right is RequestedRight.DEACTIVATE_ACCOUNT else right.value


def _received(telling: Telling) -> tuple[LetterKind, Facts]:
    request, facts = _asked(telling)
    if not request.status.open:
        return LetterKind.ACKNOWLEDGEMENT, {**facts, "due_on": telling.recorded.event.due_on}
    given = telling.given
    due = request.due(given.law, given.now)
    kind = LetterKind.OVERDUE if due.over(given.now) else LetterKind.ACKNOWLEDGEMENT
    return kind, {**facts, "due_on": due.last_day}


def _doubted(telling: Telling) -> tuple[LetterKind, Facts]:
    _, facts = _asked(telling)
    questions = (telling.spoken.say(ANY_PROOF),)
    return LetterKind.IDENTITY_QUESTION, {**facts, **_decision(telling), "questions": questions}


def _extended(telling: Telling) -> tuple[LetterKind, Facts]:
    request, facts = _asked(telling)
    first = request.first_month(telling.given.law, telling.recorded.happened_at).last_day
    until = telling.recorded.event.due_on
    times = {"due_on": first, "extended_until": until}
    return LetterKind.EXTENSION, {**facts, **_decision(telling), **times}


def _fulfilled(telling: Telling) -> tuple[LetterKind, Facts]:
    request, facts = _asked(telling)
    event: RightsRequestFulfilled = telling.recorded.event
    if event.outcome is Fulfilment.NOTHING_HELD:
        return LetterKind.NOTHING_HELD, facts
    facts |= _erasures(event.answers, telling) | {"recipients": _told(request, event, telling)}
    facts |= {"link": telling.link, "link_until": telling.link_until}
    facts["concerns"] += concerned(event.answers, telling.state, telling.given.policy)
    if event.outcome is Fulfilment.FULFILLED:
        return LetterKind.FULFILLED, {**facts, "done": _paragraphs(telling.words.get(MESSAGE, ""))}
    words = {"reasons": _words(telling), "ground": _ground(event.ground, request.right)}
    return LetterKind.PARTLY_FULFILLED, {**facts, **words}


def _refused(telling: Telling) -> tuple[LetterKind, Facts]:
    request, facts = _asked(telling)
    event: RightsRequestRefused = telling.recorded.event
    # What was held against the person is evidence, and no part of the letter.
    words = _words(telling) if MESSAGE in telling.words or not event.evidence else ()
    ground = _ground(event.ground, request.right)
    return LetterKind.REFUSAL, {**facts, "reasons": words, "ground": ground}


def _unidentified(telling: Telling) -> tuple[LetterKind, Facts]:
    _, facts = _asked(telling)
    return LetterKind.CANNOT_IDENTIFY, {**facts, "questions": _words(telling)}


def _withdrawn(telling: Telling) -> tuple[LetterKind, Facts]:
    return LetterKind.WITHDRAWN, _asked(telling)[1]


def _erased(telling: Telling) -> tuple[LetterKind, Facts]:
    event: ErasureExecuted = telling.recorded.event
    executed = telling.state.erasures.by_id[event.erasure].executed_at
    day = None if executed is None else day_of(executed, telling.given)
    facts = {
        **_erasures((event.erasure,), telling),
        "recipients": _gone_from(event.erasure, telling),
    }
    return LetterKind.ERASURE_CERTIFICATE, {**facts, "effective_on": day}


def _recipients_told(telling: Telling) -> tuple[LetterKind, Facts]:
    erasure = telling.state.erasures.by_id[telling.recorded.event.erasure]
    told = _recipients(erasure, telling.given.policy)
    return LetterKind.RECIPIENTS_TOLD, {"right": RequestedRight.ERASURE.value, "recipients": told}


def _objected(telling: Telling) -> tuple[LetterKind, Facts]:
    objection = telling.state.objections.by_id[telling.recorded.event.objection]
    requests, given = telling.state.rights_requests, telling.given
    last_day = objection.due(requests, given.law, given.now).last_day
    return LetterKind.ACKNOWLEDGEMENT, {**_objection(telling), "due_on": last_day}


def _objection_granted(telling: Telling) -> tuple[LetterKind, Facts]:
    return LetterKind.FULFILLED, _objection(telling)


def _objection_overridden(telling: Telling) -> tuple[LetterKind, Facts]:
    facts = {**_objection(telling), **_decision(telling), "ground": "Art. 21(1)"}
    return LetterKind.REFUSAL, facts


def _objection(telling: Telling) -> Facts:
    objection = telling.state.objections.by_id[telling.recorded.event.objection]
    received_on = day_of(objection.since, telling.given)
    about = concerned((telling.recorded.event.objection,), telling.state, telling.given.policy)
    facts = {"right": RequestedRight.OBJECTION.value, "received_on": received_on}
    return {**facts, "concerns": about}


def _restricted(telling: Telling) -> tuple[LetterKind, Facts]:
    received_on = day_of(telling.recorded.happened_at, telling.given)
    about = concerned((matter_of(telling.recorded),), telling.state, telling.given.policy)
    facts = {"right": RequestedRight.RESTRICTION.value, "received_on": received_on}
    return LetterKind.FULFILLED, {**facts, "concerns": about}


def _lift(telling: Telling) -> tuple[LetterKind, Facts]:
    event: RestrictionLiftAnnounced = telling.recorded.event
    known = telling.state.restrictions.active.get(event.restriction)
    reasons = _words(telling)
    if not reasons and known is not None:
        objection = telling.state.objections.by_id.get(event.restriction)
        taken_back = objection is not None and objection.status is Status.WITHDRAWN
        why = WHY_TAKEN_BACK if taken_back else WHY_LIFTED[known.ground.value]
        reasons = (telling.spoken.say(why),)
    about = concerned((event.restriction,), telling.state, telling.given.policy)
    facts = {"effective_on": event.ends_on, "reasons": reasons, "concerns": about}
    return LetterKind.RESTRICTION_LIFT, facts


_FACTS: Final = MappingProxyType[type[Any], Any](  # Any: from a telling to a kind and its facts
    {
        RightsRequestReceived: _received,
        RightsRequestDoubted: _doubted,
        RightsRequestExtended: _extended,
        RightsRequestFulfilled: _fulfilled,
        RightsRequestRefused: _refused,
        RightsRequestUnidentified: _unidentified,
        RightsRequestWithdrawn: _withdrawn,
        ErasureExecuted: _erased,
        ErasureRecipientInformed: _recipients_told,
        ObjectionRaised: _objected,
        ObjectionGranted: _objection_granted,
        ObjectionOverridden: _objection_overridden,
        RestrictionSet: _restricted,
        AccuracyDisputed: _restricted,
        RestrictionLiftAnnounced: _lift,
    }
)


def _words(telling: Telling) -> tuple[str, ...]:
    """The words that were meant for the person, where others lie beside them; else all of them."""
    return _paragraphs(telling.words.get(MESSAGE) or telling.words.get(DECISION, ""))


def _decision(telling: Telling) -> Facts:
    return {"reasons": _words(telling)}


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split("\n\n") if one.strip())


def _ground(ground: RefusalGround | None, right: RequestedRight) -> str | None:
    return None if ground is None else article_of(ground, right)


def _told(
    request: RightsRequest, event: RightsRequestFulfilled, telling: Telling
) -> tuple[Told, ...]:
    """Whom the request had told (Art. 19): by its own tasks, or by the erasures that answer it."""
    policy = telling.given.policy
    found = [
        Told(title=_title(task.recipient, policy), outcome=_TASKS[task.outcome].value)
        for task in request.tasks.values()
        if task.kind is TaskKind.INFORM_RECIPIENT
        and task.recipient is not None
        and task.outcome is not None
        and task.outcome in _TASKS
    ]
    for key in event.answers:
        found += _gone_from(key, telling)
    return tuple(found)


def _gone_from(key: UUID, telling: Telling) -> tuple[Told, ...]:
    """Whom an erasure has told, on whichever record of the person; each outcome once."""
    policy = telling.given.policy
    told = (one for erasure in _parts(key, telling) for one in _recipients(erasure, policy))
    return tuple(dict.fromkeys(told))


def _parts(key: UUID, telling: Telling) -> tuple[Erasure, ...]:
    """An erasure with those of the person's other records; nothing where it is none."""
    own = telling.state.erasures.by_id.get(key)
    return () if own is None else (own, *telling.beside.get(key, ()))


def _erasures(answers: tuple[UUID, ...], telling: Telling) -> Facts:
    """What erasures destroyed and kept."""
    parts = [_erasure(one, telling) for key in answers for one in _parts(key, telling)]
    return {
        "erased": tuple(dict.fromkeys(title for one in parts for title in one["erased"])),
        "kept": tuple(dict.fromkeys(kept for one in parts for kept in one["kept"])),
        "suppressed": any(one["suppressed"] for one in parts),
    }


def _erasure(erasure: Erasure, telling: Telling) -> Facts:
    policy = telling.given.policy
    return {
        "erased": tuple(_class_title(key, policy) for key in erasure.erased),
        "kept": tuple(_kept(key, erasure, policy) for key in erasure.retained),
        "suppressed": bool(telling.state.suppressions.purposes),
    }


def _kept(key: str, erasure: Erasure, policy: Policy) -> Kept:
    kind = policy.retention_classes[key]
    named, exemption = erasure.grounds.get(key), policy.exemptions.get(erasure.retained[key])
    ground = named.article if named else (exemption.ground if exemption else None)
    return Kept(
        title=kind.title,
        ground=ground or kind.norm,
        norm=kind.norm,
        until=erasure.until.get(key),
        criteria=f"{kind.keep} after {kind.clock.value}",
    )


def _recipients(erasure: Erasure, policy: Policy) -> tuple[Told, ...]:
    return tuple(
        Told(title=_title(key, policy), outcome=None if outcome is None else outcome.value)
        for key, outcome in erasure.recipients.items()
    )


def _title(recipient: str, policy: Policy) -> str:
    known = policy.recipients.get(recipient)
    return recipient if known is None else known.title


def _class_title(key: str, policy: Policy) -> str:
    kind = policy.retention_classes.get(key)
    return key if kind is None else kind.title
