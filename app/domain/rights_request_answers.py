"""What answers which right, which grounds may be held against it, and who must be told of it.

Art. 19 has every recipient told of what was corrected, erased or restricted; an erasure keeps its
own list of them, which counts here (L36).
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.domain.objections import Objection, Status
from app.domain.rights_request_progress import RightsRequest, Task
from app.events.rights_requests import RefusalGround, RequestedRight, TaskKind

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

HELD_AGAINST: Final = frozenset(
    {
        RefusalGround.MANIFESTLY_UNFOUNDED,
        RefusalGround.MANIFESTLY_EXCESSIVE,
        RefusalGround.MALICIOUS_INTENT,
        RefusalGround.LACK_OF_INTENT,
    }
)
"""Art. 12(5): the burden is the controller's; even a first request can be excessive (C-526/24)."""

_ALWAYS = HELD_AGAINST | {RefusalGround.IDENTITY_FAILURE, RefusalGround.RIGHT_NOT_APPLICABLE}
_ARTICLE_17_3 = frozenset(one for one in RefusalGround if one.value.startswith("a17_"))
_OWN: Mapping[RequestedRight, frozenset[RefusalGround]] = {
    RequestedRight.ACCESS: frozenset({RefusalGround.THIRD_PARTY_RIGHTS}),
    RequestedRight.PORTABILITY: frozenset({RefusalGround.THIRD_PARTY_RIGHTS}),
    RequestedRight.RECTIFICATION: frozenset({RefusalGround.ACCURACY_CONFIRMED}),
    RequestedRight.ERASURE: _ARTICLE_17_3,
    RequestedRight.RESTRICTION: frozenset({RefusalGround.ACCURACY_CONFIRMED}),
    RequestedRight.OBJECTION: frozenset(
        {RefusalGround.LEGITIMATE_INTEREST, RefusalGround.LEGAL_CLAIMS}
    ),
    RequestedRight.DEACTIVATE_ACCOUNT: frozenset(),
    RequestedRight.OTHER: frozenset(),
}

_TOLD = frozenset({RequestedRight.RECTIFICATION, RequestedRight.RESTRICTION})
"""Rights whose exercise recipients are told of by tasks of the request itself."""

_REPORTED = frozenset({RequestedRight.ACCESS, RequestedRight.PORTABILITY})


_ARTICLES: Mapping[RequestedRight, str] = {
    RequestedRight.ACCESS: "Art. 15",
    RequestedRight.RECTIFICATION: "Art. 16",
    RequestedRight.ERASURE: "Art. 17",
    RequestedRight.RESTRICTION: "Art. 18",
    RequestedRight.PORTABILITY: "Art. 20",
    RequestedRight.OBJECTION: "Art. 21",
}
_OWN_ARTICLES: Mapping[RefusalGround, str] = {
    RefusalGround.IDENTITY_FAILURE: "Art. 12(2)",
    RefusalGround.FREEDOM_OF_EXPRESSION: "Art. 17(3)(a)",
    RefusalGround.LEGALLY_REQUIRED: "Art. 17(3)(b)",
    RefusalGround.PUBLIC_INTEREST: "Art. 17(3)(b)",
    RefusalGround.OFFICIAL_AUTHORITY: "Art. 17(3)(b)",
    RefusalGround.PUBLIC_HEALTH: "Art. 17(3)(c)",
    RefusalGround.ARCHIVING: "Art. 17(3)(d)",
    RefusalGround.LEGITIMATE_INTEREST: "Art. 21(1)",
}
_RIGHTS_OF_OTHERS: Mapping[RequestedRight, str] = {
    RequestedRight.ACCESS: "Art. 15(4)",
    RequestedRight.PORTABILITY: "Art. 20(4)",
}


def article_of(ground: RefusalGround, right: RequestedRight) -> str:
    """The provision that a letter quotes for a refusal (Art. 12(4))."""
    if ground in HELD_AGAINST:
        return "Art. 12(5)(b)"
    if ground is RefusalGround.THIRD_PARTY_RIGHTS:
        return _RIGHTS_OF_OTHERS[right]
    if ground is RefusalGround.LEGAL_CLAIMS:
        return "Art. 21(1)" if right is RequestedRight.OBJECTION else "Art. 17(3)(e)"
    return _OWN_ARTICLES.get(ground) or _ARTICLES.get(right, "Art. 12(4)")


def grounds_against(right: RequestedRight) -> frozenset[RefusalGround]:
    """The grounds on which a request for a right can be refused."""
    return _ALWAYS | _OWN[right]


def answers_of(request: RightsRequest, state: "SubjectState") -> frozenset[UUID] | None:
    """What was done of the right since the receipt; None for one that is answered by words."""
    match request.right:
        case RequestedRight.ERASURE:
            return frozenset(
                key
                for key, one in state.erasures.by_id.items()
                if one.executed_at is not None and one.executed_at >= request.received_at
            )
        case RequestedRight.RESTRICTION:
            active = state.restrictions.active.items()
            since = {key: one.since for key, one in active} | dict(state.restrictions.ended)
            return frozenset(key for key, on in since.items() if on >= request.received_at)
        case RequestedRight.OBJECTION:
            return frozenset(
                key
                for key, one in state.objections.by_id.items()
                if one.status is Status.GRANTED and one.since >= request.received_at
            )
        case RequestedRight.ACCESS | RequestedRight.PORTABILITY | RequestedRight.RECTIFICATION:
            return frozenset(_done(request, state))
        case _:
            return None


def _done(request: RightsRequest, state: "SubjectState") -> Iterator[UUID]:
    meant = RequestedRight.ACCESS if request.right in _REPORTED else request.right
    for key, (right, at) in state.rights_requests.done.items():
        if right is meant and at >= request.received_at:
            yield key


def objections_of(request: RightsRequest, state: "SubjectState") -> frozenset[Status]:
    """Where the objections stand that came with a request; none once the person was erased."""
    return frozenset(one.status for _, one in _objections(request, state))


def pending_of(request: RightsRequest, state: "SubjectState") -> tuple[UUID, ...]:
    """The objections that came with a request and wait for a decision; none once erased."""
    return tuple(key for key, one in _objections(request, state) if one.status is Status.PENDING)


def _objections(request: RightsRequest, state: "SubjectState") -> Iterator[tuple[UUID, Objection]]:
    if state.erased:
        return
    for key, one in state.objections.by_id.items():
        if state.rights_requests.survivor(one.request) is request:
            yield key, one


def untold(answers: tuple[UUID, ...], state: "SubjectState") -> bool:
    """Whether a recipient of what an erasure destroyed was not told of it yet (Art. 19)."""
    known = state.erasures.by_id
    return any(known[key].untold for key in answers if key in known)


def duties(request: RightsRequest, state: "SubjectState") -> Iterator[Task]:
    """The tasks that an approval opens, but for those that are there."""
    known = {(one.kind, one.recipient, one.member) for one in request.tasks.values()}
    for kind, recipient, member in _duties(request, state):
        if (kind, recipient, member) not in known:
            yield Task(kind=kind, recipient=recipient, member=member)


def _duties(
    request: RightsRequest, state: "SubjectState"
) -> Iterator[tuple[TaskKind, str, UUID | None]]:
    if request.right is RequestedRight.DEACTIVATE_ACCOUNT and request.system is not None:
        yield TaskKind.DEACTIVATE_ACCOUNT, request.system, None
    if request.right in _TOLD:
        for recipient, member in sorted(state.disclosures.shared, key=str):
            yield TaskKind.INFORM_RECIPIENT, recipient, member
