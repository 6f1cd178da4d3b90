"""Erasure: requested, prepared, executed, told to recipients, closed (Arts. 17, 19; C66 to C79)."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.epochs import beyond_backups
from app.domain.erasure_gates import approve, block, check_gates
from app.domain.erasure_plan import (
    RECIPIENT_IDENTIFIER,
    REPLY_ADDRESS,
    ErasurePlan,
    Extent,
    Keep,
    execution_class,
    preview,
)
from app.domain.erasure_progress import FOLDS, RUNNING, Erasure, Erasures, Stage, evolve
from app.domain.erasure_steps import (
    ApproveErasure,
    AssureErasure,
    BlockErasure,
    ChildNotDiscovered,
    CloseErasure,
    Command,
    ErasureIrrevocable,
    ErasureUnknown,
    ErasureUnprepared,
    ExecuteErasure,
    InformRecipient,
    LevelNotReached,
    PrepareErasure,
    RecipientNotConcerned,
    RecipientsUninformed,
    Remainder,
    RemainderErased,
    RemainderNotResealed,
    RequestErasure,
    ResealSections,
    WithdrawErasure,
)
from app.domain.letters import STATEMENT, letters
from app.domain.purpose_limitation import category_named, purpose_named
from app.domain.subjects import SubjectErased
from app.domain.suppressions import suppression
from app.events.erasures import (
    ErasureAssured,
    ErasureExecuted,
    ErasureLevel,
    ErasurePrepared,
    ErasureRecipientDue,
    ErasureRecipientInformed,
    ErasureRequested,
    ErasureStep,
    ErasureTrigger,
    ErasureWithdrawn,
    SectionsResealed,
)
from app.events.recorded import Record, Section
from app.events.suppressions import SuppressionCause, SuppressionLifted
from app.identifiers import KeyId, is_word
from app.policy.own_names import EXECUTION_PURPOSE

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

_OWN_SOURCE = "erasure"
"""What a suppression that an erasure records was read from."""


_RESEALED = re.compile(r"\.k\d+$")


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a step of an erasure makes."""
    if isinstance(command, RequestErasure):
        return _request(command, state, given)
    erasure = state.erasures.by_id.get(command.erasure)
    if erasure is None:
        raise ErasureUnknown
    match command:
        case ApproveErasure():
            return approve(command, erasure)
        case BlockErasure():
            return block(command, erasure, state, given)
        case WithdrawErasure():
            return _withdraw(command, erasure, state)
        case PrepareErasure():
            return _prepare(command, erasure, state, given)
        case ResealSections():
            return _reseal(command, erasure, state, given)
        case ExecuteErasure():
            return _execute(command, erasure, state, given)
        case InformRecipient():
            return _inform(command, erasure, given)
        case CloseErasure():
            return _close(command, erasure, state, given)
        case AssureErasure():
            return _assure(command, erasure, given)
        case _:
            assert_never(command)


def _request(
    command: RequestErasure, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    known = state.erasures.by_id
    if command.erasure in known:
        return ()
    if state.erased:
        raise SubjectErased
    if command.trigger is ErasureTrigger.CHILD_DATA and not state.child:
        raise ChildNotDiscovered
    purposes = {purpose_named(key, given.policy).key for key in command.purposes}
    categories = {category_named(key, given.policy).key for key in command.categories}
    extent = Extent(frozenset(purposes), frozenset(categories))
    if any(one.extent == extent and one.stage in RUNNING for one in known.values()):
        return ()
    event = ErasureRequested(
        erasure=command.erasure,
        trigger=command.trigger,
        purposes=tuple(sorted(purposes)),
        categories=tuple(sorted(categories)),
        source=command.source,
    )
    sections = letters({STATEMENT: command.statement}, command.erasure, given)
    return (Record(event, sections=sections, occurred_at=command.occurred_at),)


def _withdraw(
    command: WithdrawErasure, erasure: Erasure, state: "SubjectState"
) -> tuple[Record, ...]:
    """What its preparation closed is open again, unless another erasure keeps it closed."""
    if erasure.stage is Stage.WITHDRAWN:
        return ()
    if erasure.stage not in RUNNING or erasure.trigger is ErasureTrigger.CHILD_DATA:
        raise ErasureIrrevocable(stage=erasure.stage.value)
    others = (one for key, one in state.erasures.by_id.items() if key != command.erasure)
    kept = any(one.prepared and one.extent.of_everything for one in others)
    reopened = () if kept or not erasure.extent.of_everything else _closed_by_erasure(state)
    return (
        Record(ErasureWithdrawn(erasure=command.erasure)),
        *(Record(SuppressionLifted(purpose=purpose)) for purpose in reopened),
    )


def _closed_by_erasure(state: "SubjectState") -> tuple[str, ...]:
    """Nothing but the preparation of an erasure closes by this cause while the person is there."""
    purposes = state.suppressions.purposes.items()
    return tuple(key for key, one in purposes if one.cause is SuppressionCause.ERASURE)


def _prepare(
    command: PrepareErasure, erasure: Erasure, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    """The plan with what telling will need. Prepared again when the plan has changed since."""
    if erasure.stage in (Stage.EXECUTED, Stage.CLOSED):
        return ()
    if erasure.stage is Stage.WITHDRAWN:
        raise ErasureUnknown
    if state.erased:
        raise SubjectErased
    plan = preview(state, given, erasure.extent, command.keeps)
    check_gates(erasure, plan, given)
    if erasure.stage is Stage.PREPARED and _on_record(plan, erasure):
        return ()
    address = {REPLY_ADDRESS: command.reply_address}
    prepared = Record(
        _prepared(command, plan),
        sections=letters(address, command.erasure, given, purpose=EXECUTION_PURPOSE),
    )
    return (prepared, *_due(command, plan, erasure, given), *_suppressed(command, plan))


def _prepared(command: PrepareErasure, plan: ErasurePlan) -> ErasurePrepared:
    return ErasurePrepared(
        erasure=command.erasure,
        erased=plan.erased,
        retained={one.retention_class: one.exemption for one in plan.retained},
        grounds={one.retention_class: one.named for one in plan.retained if one.named},
        until={one.retention_class: one.until for one in plan.retained if one.until},
        recipients=plan.recipients,
        language=command.language if is_word(command.language) else None,
        told_with=command.told_with,
    )


def _on_record(plan: ErasurePlan, erasure: Erasure) -> bool:
    return (plan.erased, plan.recipients, {one.retention_class for one in plan.retained}) == (
        erasure.erased,
        tuple(erasure.recipients),
        set(erasure.retained),
    )


def _due(
    command: PrepareErasure, plan: ErasurePlan, erasure: Erasure, given: Circumstances
) -> Iterator[Record]:
    for recipient in plan.recipients:
        if recipient in erasure.recipients:
            continue
        identifier = {RECIPIENT_IDENTIFIER: command.identifiers.get(recipient, "")}
        yield Record(
            ErasureRecipientDue(erasure=command.erasure, recipient=recipient),
            sections=letters(identifier, command.erasure, given, purpose=EXECUTION_PURPOSE),
        )


def _suppressed(command: PrepareErasure, plan: ErasurePlan) -> Iterator[Record]:
    """The addresses stay closed to news, also after nothing else about the person is left (L41)."""
    for purpose in plan.suppressed:
        yield suppression(purpose, SuppressionCause.ERASURE, _OWN_SOURCE, command.addresses)


def _reseal(
    command: ResealSections, erasure: Erasure, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    if erasure.stage is not Stage.PREPARED:
        raise ErasureUnprepared(stage=erasure.stage.value)
    plan = preview(state, given, erasure.extent, _keeps(erasure))
    return tuple(
        _resealed(command, remainder, plan, state.version)
        for remainder in command.remainders
        if remainder.place not in erasure.resealed
    )


def _resealed(
    command: ResealSections, remainder: Remainder, plan: ErasurePlan, version: int
) -> Record:
    categories = tuple(sorted(remainder.personal))
    if not categories or plan.kept(remainder.place, categories) != categories:
        raise RemainderErased
    origin, retention_class = remainder.place
    generation = f"{_RESEALED.sub('', remainder.generation)}.k{version}"
    event = SectionsResealed(
        erasure=command.erasure,
        origin=origin,
        retention_class=retention_class,
        generation=generation,
        categories=categories,
    )
    return Record(event, sections=(Section(retention_class, generation, remainder.personal),))


def _execute(
    command: ExecuteErasure, erasure: Erasure, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    if erasure.stage in (Stage.EXECUTED, Stage.CLOSED):
        return ()
    plan = preview(state, given, erasure.extent, _keeps(erasure))
    if erasure.stage is not Stage.PREPARED or plan.held or not _on_record(plan, erasure):
        raise ErasureUnprepared(stage=erasure.stage.value)
    keys = frozenset(command.destruction.keys)
    if not keys.issuperset(plan.keys):
        raise ErasureUnprepared(keys=len(keys))
    if not keys.isdisjoint(plan.staying):
        raise RemainderNotResealed
    event = ErasureExecuted(
        erasure=command.erasure,
        step=ErasureStep.SUBJECT,
        purposes=tuple(sorted(erasure.extent.purposes)),
        categories=tuple(sorted(erasure.extent.categories)),
        retained=tuple(sorted(erasure.retained)),
        keys=command.destruction.keys,
        classes=plan.fenced,
        blobs=command.destruction.blobs,
        identifiers=plan.identifiers,
        root=command.destruction.root,
    )
    return (Record(event),)


def _keeps(erasure: Erasure) -> tuple[Keep, ...]:
    """What the desk decided to keep, as the prepared plan has it."""
    return tuple(
        Keep(
            retention_class=key,
            exemption=erasure.retained[key],
            ground=ground,
            until=erasure.until.get(key),
        )
        for key, ground in erasure.grounds.items()
    )


def _inform(command: InformRecipient, erasure: Erasure, given: Circumstances) -> tuple[Record, ...]:
    found = given.policy.recipient(command.recipient)
    recipient = command.recipient if found is None else found.key
    if recipient not in erasure.recipients:
        raise RecipientNotConcerned
    if erasure.stage is not Stage.EXECUTED:
        raise ErasureUnprepared(stage=erasure.stage.value)
    if erasure.recipients[recipient] is command.outcome:
        return ()
    event = ErasureRecipientInformed(
        erasure=command.erasure, recipient=recipient, outcome=command.outcome
    )
    return (Record(event),)


def _close(
    command: CloseErasure, erasure: Erasure, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    """What was set aside for telling goes; after a withdrawal too, when nobody is to be told."""
    execution = execution_class(given.policy)
    aside = _aside(erasure, state, execution)
    if erasure.stage is Stage.CLOSED or (erasure.stage is Stage.WITHDRAWN and not aside):
        return ()
    if erasure.stage is not Stage.WITHDRAWN:
        _all_told(erasure, state, given)
    if not aside.issubset(command.destruction.keys):
        raise ErasureUnprepared(keys=len(command.destruction.keys))
    event = ErasureExecuted(
        erasure=command.erasure,
        step=ErasureStep.CLOSING,
        purposes=(),
        categories=(),
        retained=(),
        keys=command.destruction.keys,
        classes=(execution,) if _ends_all(erasure) else (),
        blobs=command.destruction.blobs,
        identifiers=False,
        root=command.destruction.root,
    )
    return (Record(event),)


def _ends_all(erasure: Erasure) -> bool:
    """Whether nothing is left of the person to tell anybody of once this erasure is closed."""
    return erasure.extent.of_everything and erasure.telling


def _aside(erasure: Erasure, state: "SubjectState", execution: str) -> frozenset[KeyId]:
    """The keys that closing destroys: its own; every one of the class after a whole erasure."""
    if _ends_all(erasure):
        return frozenset(key for key, kind in state.data_keys.items() if kind == execution)
    return erasure.set_aside & state.data_keys.keys()


def _all_told(erasure: Erasure, state: "SubjectState", given: Circumstances) -> None:
    """Refuses while somebody is to be told by what would go, and its last day has not come."""
    if not erasure.telling or erasure.executed_at is None:
        raise ErasureUnprepared(stage=erasure.stage.value)
    kind = given.policy.retention_classes[execution_class(given.policy)]
    last_day = kind.until(day_of(erasure.executed_at, given))
    others = (one for one in state.erasures.by_id.values() if one.telling and _ends_all(erasure))
    untold = dict.fromkeys(key for one in (erasure, *others) for key in one.untold)
    if untold and day_of(given.now, given) <= last_day:
        raise RecipientsUninformed(recipients=tuple(untold), until=last_day)


def _assure(command: AssureErasure, erasure: Erasure, given: Circumstances) -> tuple[Record, ...]:
    if not command.classes <= erasure.levels.keys() or command.level is ErasureLevel.UNREADABLE:
        raise LevelNotReached
    fresh = sorted(key for key in command.classes if command.level not in erasure.levels[key])
    if command.level is ErasureLevel.BACKUPS_UNREADABLE and not all(
        beyond_backups(given.control.epochs, erasure.destroyed_at.get(key)) for key in fresh
    ):
        raise LevelNotReached
    if not fresh:
        return ()
    event = ErasureAssured(erasure=command.erasure, level=command.level, classes=tuple(fresh))
    return (Record(event, occurred_at=command.occurred_at),)


ERASURES = Concern(
    "erasures",
    commands=(
        RequestErasure,
        ApproveErasure,
        BlockErasure,
        WithdrawErasure,
        PrepareErasure,
        ResealSections,
        ExecuteErasure,
        InformRecipient,
        CloseErasure,
        AssureErasure,
    ),
    folds=FOLDS,
    initial=Erasures(),
    decide=decide,
    evolve=evolve,
)
