"""An erasure carried out: planned, remainders sealed anew, keys destroyed, closed (Arts. 17, 19).

Every step is an event, so that whatever was interrupted goes on from the log: the same request
repeated, or a new one of the same extent, takes up the erasure where it stands. Until the one
call that destroys, nothing is lost; after it, nothing that it names can be had.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.clock import Clock, random_id
from app.domain.erasure_plan import ErasurePlan, Extent, Keep, preview
from app.domain.erasure_progress import RUNNING, Erasure, Stage
from app.domain.erasure_steps import (
    ApproveErasure,
    BlockErasure,
    CloseErasure,
    ErasureHeld,
    ErasureUnapproved,
    ErasureUnknown,
    ErasureUnprepared,
    ExecuteErasure,
    PrepareErasure,
    RemainderNotResealed,
    RequestErasure,
    ResealSections,
    WithdrawErasure,
)
from app.domain.sign_ups import LANGUAGE
from app.events.erasures import ErasureTrigger
from app.ledger import Ledger
from app.policy.vocabulary import IdentifierKind
from app.receipts import Attribution, LedgerContended, Receipt, receipt_lines, signed_alone
from app.rights.destruction import closing_keys, destruction_of, doomed_keys, remainders
from app.rights.eraser import Eraser
from app.rights.letting_go import Going, let_go
from app.rights.matters import matter_of
from app.rights.person import Person, read_person
from app.rights.recipient_identifiers import identifiers_for
from app.store.on_file import addresses_in, value_on_file
from app.values import replace

TRIES_MAX = 12

_DONE = frozenset({Stage.EXECUTED, Stage.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureOrder:
    """What is to be erased, on whose word, and what a human decided to keep."""

    source: str
    extent: Extent
    trigger: ErasureTrigger = ErasureTrigger.REQUEST
    keeps: tuple[Keep, ...] = ()
    statement: str = field(default="", repr=False)
    reply_address: str = field(default="", repr=False)
    """Where the answer goes; the first e-mail address on file when it is empty."""
    identifiers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Recipient -> by what it knows the person, where the caller knows better than the ledger."""
    told_with: UUID | None = None
    """The record whose letter tells of this erasure as well: one person gets one letter."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """An erasure after a step: its id, where it stands, and every event of it."""

    erasure: UUID
    progress: Erasure
    receipt: Receipt


async def planned(
    ledger: Ledger, subject_id: UUID, extent: Extent, keeps: tuple[Keep, ...] = ()
) -> tuple[Person, ErasurePlan]:
    """What an erasure would do; nothing is recorded. SubjectUnknown, SubjectErased, Refusal."""
    person = await read_person(ledger.store, subject_id)
    return person, preview(
        person.state, (await ledger.rulebook.refresh()).at(ledger.clock()), extent, keeps
    )


class Erasing:
    """Carries erasures out, over the connections that may destroy.

    ``clock`` says whether a day has come; what is recorded bears the ledger's own time.
    """

    def __init__(
        self, ledger: Ledger, eraser: "asyncpg.Pool[Any]", *, clock: Clock | None = None
    ) -> None:
        self._ledger = ledger
        self._eraser = Eraser(ledger, eraser, clock=clock)

    async def erase(
        self, subject_id: UUID, order: ErasureOrder, attribution: Attribution
    ) -> Carried:
        """Requests an erasure and carries it to the end, or goes on with one that was begun.

        Raises the deciders' refusals; LedgerContended when other writers won every try: repeat.
        """
        command = RequestErasure(
            erasure=random_id(),
            source=order.source,
            trigger=order.trigger,
            purposes=order.extent.purposes,
            categories=order.extent.categories,
            statement=order.statement,
            occurred_at=order.occurred_at,
        )
        receipt = await self._ledger.execute(subject_id, command, attribution)
        erasure = await matter_of(self._ledger.store, receipt, "erasure")
        if erasure is None:
            erasure = await self._running(subject_id, order.extent)
        by = Attribution(by=attribution.by)
        try:
            return await self._carry(subject_id, erasure, order, by, replayed=receipt.replayed)
        except ErasureUnapproved:
            person = await self._eraser.read(subject_id)
            return self._carried(person, erasure, replayed=receipt.replayed)

    async def approve(
        self, subject_id: UUID, erasure: UUID, order: ErasureOrder, attribution: Attribution
    ) -> Carried:
        """A second person approves what another asked for, and it is carried to the end.

        SecondPersonNeeded when it is the same one. What ``order`` says of its extent is not read.
        """
        command = ApproveErasure(erasure=erasure, by=attribution.by)
        await self._ledger.execute(subject_id, command, attribution)
        return await self._carry(subject_id, erasure, order, Attribution(by=attribution.by))

    async def _carry(
        self,
        subject_id: UUID,
        erasure: UUID,
        order: ErasureOrder,
        by: Attribution,
        *,
        replayed: bool = False,
    ) -> Carried:
        """To the end from wherever it stands; a hold that forbids it is put on record."""
        for _ in range(TRIES_MAX):
            person = await self._eraser.read(subject_id)
            if _progress(person, erasure).stage in _DONE:
                return self._carried(person, erasure, replayed=replayed)
            try:
                await self._forward(person, erasure, order, by)
            except ErasureHeld:
                block = BlockErasure(erasure=erasure, keeps=order.keeps)
                await self._ledger.execute(subject_id, block, by)
                raise
        raise LedgerContended("other writers won every try")

    async def close(self, subject_id: UUID, erasure: UUID, attribution: Attribution) -> Carried:
        """Destroys what was kept for telling the recipients; the certificate is final (Art. 19).

        RecipientsUninformed while a recipient has not been told and its last day has not come.
        """
        for _ in range(TRIES_MAX):
            person = await self._eraser.read(subject_id)
            progress = _progress(person, erasure)
            given = await self._eraser.circumstances()
            keys = closing_keys(person.stream, erasure, progress, given.policy)
            if progress.stage is Stage.CLOSED or (progress.stage is Stage.WITHDRAWN and not keys):
                return self._carried(person, erasure)
            command = CloseErasure(erasure=erasure, destruction=destruction_of(person.stream, keys))
            await self._eraser.destroy(person, command, given, attribution.by)
        raise LedgerContended("other writers won every try")

    async def withdraw(self, subject_id: UUID, erasure: UUID, attribution: Attribution) -> Receipt:
        """Takes an erasure back, and destroys what it had set aside for telling of it.

        Repeated, it finishes what was interrupted; a whole erasure would take the rest as well.
        """
        command = WithdrawErasure(erasure=erasure)
        receipt = await self._ledger.execute(subject_id, command, attribution)
        await self.close(subject_id, erasure, attribution)
        return receipt

    async def status(self, subject_id: UUID, erasure: UUID) -> Carried:
        """Where an erasure stands, with every event of it."""
        return self._carried(await self._eraser.read(subject_id), erasure)

    def _carried(self, person: Person, erasure: UUID, *, replayed: bool = False) -> Carried:
        """Where it stands; the lines are every event of it, so a repeated request gets the same."""
        events = [one for one in person.events if getattr(one.event, "erasure", None) == erasure]
        version, lines = person.state.content_version, receipt_lines(events, None)
        receipt = Receipt(person.subject_id, version, lines, replayed)
        signed = signed_alone(receipt, self._ledger.commit.receipt_key)
        return Carried(erasure, _progress(person, erasure), signed)

    async def _running(self, subject_id: UUID, extent: Extent) -> UUID:
        """The erasure of this extent that was begun before."""
        person = await self._eraser.read(subject_id)
        for key, one in person.state.erasures.by_id.items():
            if one.extent == extent and one.stage in RUNNING:
                return key
        raise ErasureUnknown

    async def _forward(
        self, person: Person, erasure: UUID, order: ErasureOrder, by: Attribution
    ) -> None:
        """From wherever it stands to the destruction. What came between is met by the next try."""
        given = await self._eraser.circumstances()
        extent = _progress(person, erasure).extent
        plan = preview(person.state, given, extent, order.keeps)
        told = identifiers_for(person, plan.recipients, given.policy)
        emails = given.policy.identifying(IdentifierKind.EMAIL)
        addresses = addresses_in(self._ledger.store, person.stream, person.state, emails)
        language = await value_on_file(self._ledger.store, person.subject_id, LANGUAGE)
        command = replace(
            _preparation(erasure, order, told=told, addresses=addresses), language=language or ""
        )
        await self._ledger.execute(person.subject_id, command, by)
        await self._release(person, plan, by)
        try:
            if not extent.of_everything:  # which leaves whole classes, and nothing of a section
                await self._reseal(person.subject_id, erasure, order.keeps, by)
            resealed = await self._eraser.read(person.subject_id)
            plan = preview(resealed.state, given, extent, order.keeps)
            destruction = destruction_of(resealed.stream, doomed_keys(resealed, plan))
            execution = ExecuteErasure(erasure=erasure, destruction=destruction)
            await self._eraser.destroy(resealed, execution, given, by.by)
        except (ErasureUnprepared, RemainderNotResealed):
            # Something was collected, shared or kept meanwhile: the plan is made again.
            self._ledger.forget(person.subject_id)

    async def _release(self, person: Person, plan: ErasurePlan, by: Attribution) -> None:
        """Takes identifiers whose value goes out of the blind index, while they can be read.

        In a whole erasure the database forgets all of them at once.
        """
        if not plan.identifiers:
            await let_go(self._ledger, person, plan.released, going=_going(plan), by=by)

    async def _reseal(
        self, subject_id: UUID, erasure: UUID, keeps: tuple[Keep, ...], by: Attribution
    ) -> None:
        person = await self._eraser.read(subject_id)
        progress = _progress(person, erasure)
        given = await self._eraser.circumstances()
        plan = preview(person.state, given, progress.extent, keeps)
        staying = remainders(person, plan, progress)
        if staying:
            command = ResealSections(erasure=erasure, remainders=staying)
            await self._ledger.execute(subject_id, command, by)


def _going(plan: ErasurePlan) -> Going:
    return lambda place, category: category in plan.gone.get(place, frozenset[str]())


def _progress(person: Person, erasure: UUID) -> Erasure:
    progress = person.state.erasures.by_id.get(erasure)
    if progress is None:
        raise ErasureUnknown
    return progress


def _preparation(
    erasure: UUID, order: ErasureOrder, *, told: Mapping[str, str], addresses: tuple[str, ...]
) -> PrepareErasure:
    return PrepareErasure(
        erasure=erasure,
        keeps=order.keeps,
        identifiers={**told, **order.identifiers},
        reply_address=order.reply_address or next(iter(addresses), ""),
        addresses=addresses,
        told_with=order.told_with,
    )
