"""Erasure: previewed, carried out, told to every recipient, closed (Arts. 17, 19 GDPR)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, Security

from app.api.answers import answer, receipted
from app.api.bodies import ReceiptBody
from app.api.call import Call, authorised
from app.api.erasure_bodies import (
    ApprovalBody,
    AssuredBody,
    CarriedBody,
    ErasureBody,
    ErasuresBody,
    InformedBody,
    PlanBody,
)
from app.api.failures import request_id
from app.api.operations import operation, router
from app.api.problems import problem
from app.api.sources import source_of
from app.auth import Scope
from app.domain.erasure_plan import Extent, Keep
from app.domain.erasure_progress import RUNNING
from app.domain.erasure_steps import AssureErasure, InformRecipient, WithdrawErasure
from app.domain.subjects import DiscoverChild, SubjectErased, SubjectUnknown
from app.events.erasures import ErasureTrigger
from app.ledger import Ledger
from app.propagation.lettering import Lettering
from app.propagation.survivors import records_of
from app.receipts import Attribution
from app.rights.erasure import Carried, Erasing, ErasureOrder, planned
from app.rights.erasure_report import plan_value, status_value

ROUTES = router("erasure")

PERSON = ("subject-unknown", "subject-erased")
ASKED = ("purpose-unknown", "category-unknown", "exemption-ungrounded", *PERSON)
STEP = ("erasure-unknown", "subject-unknown")
Eraser = Annotated[Call, Security(authorised, scopes=[Scope.ERASURE_EXECUTE])]
Reader = Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])]


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/erasure",
    scope=Scope.ERASURE_EXECUTE,
    answers=CarriedBody,
    status=201,
    summary="Erase a person's data",
    problems=(
        "eraser-unavailable",
        "erasure-held",
        "child-not-discovered",
        "source-unknown",
        "source-not-yours",
        "occurred-in-future",
        *ASKED,
    ),
    clauses=("C16", "C70", "C75"),
    law=("L41",),
    writes=True,
    more={200: {"model": PlanBody | CarriedBody, "description": "A preview, or as it stood."}},
)
async def erase(subject_id: UUID, body: ErasureBody, call: Eraser) -> Response:
    """Carries an erasure out, or, with `preview`, answers what it would do.

    What a law or a named exemption keeps stays until its date, apart from every other use; the
    recipients that were given any of it are listed, and the person's addresses stay closed to news.
    Records that this one stands for after a merge are erased before it, in the same way.
    An erasure that was interrupted goes on when the request is repeated. Where the controller asks
    for two people, its stage is `requested` until a second key approves it; where a legal hold
    forbids it, it is refused, and the attempt is on record.
    """
    keeps = tuple(keep.keep() for keep in body.keeps)
    if body.preview:
        return await _previewed(call, subject_id, body.extent(), keeps)
    if call.service.eraser is None:
        return _unavailable(call)
    order = ErasureOrder(
        source=await source_of(call, body.source),
        extent=body.extent(),
        trigger=body.trigger,
        keeps=keeps,
        statement=body.statement,
        reply_address=body.reply_address,
        identifiers=await _named(call, body.identifiers),
        occurred_at=body.occurred_at,
    )
    erasing = Erasing(call.service.ledger, call.service.eraser)
    attribution = await call.attribution()
    await _erase_others(call, erasing, subject_id, order)
    return await _carried(call, await erasing.erase(subject_id, order, attribution))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/erasure/{erasure}/approval",
    scope=Scope.ERASURE_EXECUTE,
    answers=CarriedBody,
    status=201,
    summary="Approve an erasure that somebody else asked for",
    problems=(
        "eraser-unavailable",
        "second-person-needed",
        "erasure-held",
        "erasure-unknown",
        *ASKED,
    ),
    clauses=("C66",),
    law=("L9", "L37"),
    writes=True,
)
async def approve_erasure(
    subject_id: UUID, erasure: UUID, body: ApprovalBody, call: Eraser
) -> Response:
    """Approves and carries out an erasure where the controller asks for two people.

    The key is another one than that which asked for it. What is kept by a human's decision is
    what this body names: the preview shows it before.
    """
    if call.service.eraser is None:
        return _unavailable(call)
    order = ErasureOrder(
        source="",
        extent=Extent(),
        keeps=tuple(keep.keep() for keep in body.keeps),
        reply_address=body.reply_address,
        identifiers=await _named(call, body.identifiers),
    )
    erasing = Erasing(call.service.ledger, call.service.eraser)
    attribution = await call.attribution()
    asked = (await call.service.ledger.state(subject_id)).erasures.by_id.get(erasure)
    if asked is not None and asked.requested_by != attribution.by:
        await _approve_others(call, erasing, subject_id, replace(order, extent=asked.extent))
    return await _carried(call, await erasing.approve(subject_id, erasure, order, attribution))


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/erasure/preview",
    scope=Scope.ERASURE_EXECUTE,
    answers=PlanBody,
    summary="Show what an erasure would do",
    problems=ASKED,
    clauses=("C16", "C70"),
    law=("L41",),
)
async def preview_erasure(
    subject_id: UUID,
    call: Eraser,
    purpose: Annotated[list[str] | None, Query(max_length=100)] = None,
    category: Annotated[list[str] | None, Query(max_length=200)] = None,
) -> Response:
    """What would go, what would stay until when and why, and who would be told.

    Nothing is recorded. `purpose` and `category`, each repeatable, narrow the erasure; without
    them it is of everything. The records that this one stands for are erased with it, so each has
    its plan under `other_records`.
    """
    extent = Extent(frozenset(purpose or ()), frozenset(category or ()))
    return await _previewed(call, subject_id, extent, ())


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/erasure",
    scope=Scope.SUBJECTS_READ,
    answers=ErasuresBody,
    summary="Show where a person's erasures stand",
    problems=("subject-unknown",),
    clauses=("C70",),
    law=("L41",),
)
async def list_erasures(subject_id: UUID, call: Reader) -> Response:
    """Each erasure with its stage and, for each retention class, the levels reached and when.

    `e1` unreadable online, `e2` bytes gone, `e3` unreadable in every backup. It is answered after
    the person was erased as well, and holds no personal data.
    """
    ledger = call.service.ledger
    _, _, states = await ledger.current_states((subject_id,))
    state = states[subject_id]
    if not state.registered:
        raise SubjectUnknown
    given = (await ledger.rules()).at(ledger.clock())
    return answer(
        {
            "subject_id": subject_id,
            "erased": state.erased,
            "erasures": [
                status_value(key, one, given) for key, one in state.erasures.by_id.items()
            ],
        }
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/erasure/{erasure}/withdrawal",
    scope=Scope.ERASURE_EXECUTE,
    answers=ReceiptBody,
    status=201,
    summary="Take an erasure back before anything is destroyed",
    problems=("erasure-irrevocable", *STEP),
    clauses=("C70",),
    writes=True,
)
async def withdraw_erasure(subject_id: UUID, erasure: UUID, call: Eraser) -> Response:
    """Records that the person takes the request back; once executed, nothing can be."""
    attribution = await call.attribution()
    if call.service.eraser is None:
        # The person's word counts at once; what was set aside goes with the next call.
        command = WithdrawErasure(erasure=erasure)
        return receipted(await call.service.ledger.execute(subject_id, command, attribution))
    erasing = Erasing(call.service.ledger, call.service.eraser)
    return receipted(await erasing.withdraw(subject_id, erasure, attribution))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/erasure/{erasure}/recipients",
    scope=Scope.ERASURE_EXECUTE,
    answers=ReceiptBody,
    status=201,
    summary="Record what came of telling a recipient",
    problems=("recipient-not-concerned", "erasure-unprepared", *STEP),
    clauses=("C70",),
    law=("L32",),
    writes=True,
)
async def inform_recipient(
    subject_id: UUID, erasure: UUID, body: InformedBody, call: Eraser
) -> Response:
    """Records the outcome for one recipient; nothing is gone there because a call was made."""
    command = InformRecipient(erasure=erasure, recipient=body.recipient, outcome=body.outcome)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/erasure/{erasure}/assurance",
    scope=Scope.ERASURE_EXECUTE,
    answers=ReceiptBody,
    status=201,
    summary="Record that a further level of erasure was reached",
    problems=("level-not-reached", "occurred-in-future", *STEP),
    clauses=("C70",),
    writes=True,
)
async def assure_erasure(
    subject_id: UUID, erasure: UUID, body: AssuredBody, call: Eraser
) -> Response:
    """Records `e2` or `e3` for some retention classes, each with its own time."""
    command = AssureErasure(
        erasure=erasure,
        level=body.level,
        classes=frozenset(body.classes),
        occurred_at=body.occurred_at,
    )
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/erasure/{erasure}/closing",
    scope=Scope.ERASURE_EXECUTE,
    answers=CarriedBody,
    status=201,
    summary="Close an erasure",
    problems=(
        "eraser-unavailable",
        "recipients-uninformed",
        "erasure-unprepared",
        "letter-incomplete",
        *STEP,
    ),
    clauses=("C70",),
    law=("L41",),
    writes=True,
)
async def close_erasure(subject_id: UUID, erasure: UUID, call: Eraser) -> Response:
    """Destroys what was set aside for telling the recipients and the person; it is final.

    Refused while a recipient has not been told and its last day has not come.
    """
    attribution = await call.attribution()
    if call.service.eraser is None:
        return _unavailable(call)
    # The letter takes its address from what the closing destroys.
    letters = Lettering(call.service.ledger, call.service.correspondence.post_office)
    await letters.write(subject_id)
    erasing = Erasing(call.service.ledger, call.service.eraser)
    return await _carried(call, await erasing.close(subject_id, erasure, attribution))


async def _erase_others(
    call: Call, erasing: Erasing, subject_id: UUID, order: ErasureOrder
) -> None:
    """What is known of a person's age holds for every record of theirs (C75)."""
    ledger, by = call.service.ledger, Attribution(by=(await call.attribution()).by)
    child = (await ledger.state(subject_id)).child and order.trigger is ErasureTrigger.CHILD_DATA
    for other in await _others(ledger, subject_id, order):
        with suppress(SubjectErased):
            if child:
                await ledger.execute(other, DiscoverChild(source=order.source), by)
            await erasing.erase(other, replace(order, told_with=subject_id), by)


async def _approve_others(
    call: Call, erasing: Erasing, subject_id: UUID, order: ErasureOrder
) -> None:
    """Approves what was asked for on the other records by the same request."""
    ledger, by = call.service.ledger, Attribution(by=(await call.attribution()).by)
    for other in await _others(ledger, subject_id, order):
        for key, one in (await ledger.state(other)).erasures.by_id.items():
            if one.extent == order.extent and one.stage in RUNNING:
                await erasing.approve(other, key, replace(order, told_with=subject_id), by)


async def _others(ledger: Ledger, subject_id: UUID, order: ErasureOrder) -> tuple[UUID, ...]:
    """The records that this one stands for, those first that a legal hold keeps.

    None where this one is held: what is refused on one record destroys nothing on another.
    """
    every = await records_of(ledger, subject_id)
    held = [one for one in every if len(every) > 1 and await _held(ledger, one, order)]
    return () if subject_id in held else tuple(dict.fromkeys((*held, *every[1:])))


async def _held(ledger: Ledger, subject_id: UUID, order: ErasureOrder) -> bool:
    with suppress(SubjectErased):
        _, plan = await planned(ledger, subject_id, order.extent, order.keeps)
        return bool(plan.held)
    return False


async def _previewed(
    call: Call, subject_id: UUID, extent: Extent, keeps: tuple[Keep, ...]
) -> Response:
    first, *others = await records_of(call.service.ledger, subject_id)
    value = await _plan(call, first, extent, keeps)
    beside = value["other_records"] = []
    for other in others:
        with suppress(SubjectErased):
            beside.append(await _plan(call, other, extent, keeps))
    return answer(value)


async def _plan(
    call: Call, subject_id: UUID, extent: Extent, keeps: tuple[Keep, ...]
) -> dict[str, Any]:
    """What would happen on one record."""
    ledger = call.service.ledger
    person, plan = await planned(ledger, subject_id, extent, keeps)
    given = (await ledger.rules()).at(ledger.clock())
    version = person.state.content_version
    return {"subject_id": subject_id, "version": version, **plan_value(plan, given)}


async def _carried(call: Call, carried: Carried) -> Response:
    ledger = call.service.ledger
    given = (await ledger.rules()).at(ledger.clock())
    return receipted(
        carried.receipt, erasure=status_value(carried.erasure, carried.progress, given)
    )


async def _named(call: Call, identifiers: Mapping[str, str]) -> dict[str, str]:
    """Recipients by their key, whatever name was used; who is not listed was given nothing."""
    policy = (await call.service.ledger.rules()).policy
    found = ((policy.recipient(name), value) for name, value in identifiers.items())
    return {recipient.key: value for recipient, value in found if recipient is not None}


def _unavailable(call: Call) -> Response:
    return problem("eraser-unavailable", request_id(call.request))
