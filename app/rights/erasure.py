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

from app.clock import random_id
from app.domain.decider import Circumstances
from app.domain.erasure_plan import ErasurePlan, Extent, Keep, preview
from app.domain.erasure_progress import Erasure, Stage
from app.domain.erasure_steps import (
    CloseErasure,
    ErasureUnknown,
    ErasureUnprepared,
    ExecuteErasure,
    PrepareErasure,
    RemainderNotResealed,
    RequestErasure,
    ResealSections,
    WithdrawErasure,
)
from app.domain.identifiers import ReleaseIdentifier
from app.domain.subject import SUBJECT
from app.events.erasures import ErasureTrigger
from app.ledger import Ledger
from app.policy.vocabulary import IdentifierKind
from app.receipts import Attribution, LedgerContended, Receipt, receipt_lines
from app.rights.destruction import closing_keys, destruction_of, doomed_keys, remainders
from app.rights.matters import matter_of
from app.rights.person import Person, person_of, read_person
from app.rights.recipient_identifiers import identifiers_for
from app.store.notices import ERASED_CHANNEL
from app.store.on_file import addresses_in
from app.vault.sealing import Sealed

TRIES_MAX = 12

ERASE_SQL = "SELECT outcome FROM ledger.ledger_erase(0, $1, $2, $3)"

_REDECIDE = frozenset({"version-conflict", "stale-clock", "blob-count-mismatch", "key-foreign"})
"""The snapshot that the destruction was counted from is no longer what stands."""

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
    return person, preview(person.state, await _circumstances(ledger), extent, keeps)


class Erasing:
    """Carries erasures out; the only holder of the connections that may destroy."""

    def __init__(self, ledger: Ledger, eraser: "asyncpg.Pool[Any]") -> None:
        self._ledger = ledger
        self._eraser = eraser

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
        for _ in range(TRIES_MAX):
            person = await self._read(subject_id)
            if _progress(person, erasure).stage in _DONE:
                return _carried(person, erasure, replayed=receipt.replayed)
            await self._forward(person, erasure, order, by)
        raise LedgerContended("other writers won every try")

    async def close(self, subject_id: UUID, erasure: UUID, attribution: Attribution) -> Carried:
        """Destroys what was kept for telling the recipients; the certificate is final (Art. 19).

        RecipientsUninformed while a recipient has not been told and its last day has not come.
        """
        for _ in range(TRIES_MAX):
            person = await self._read(subject_id)
            progress = _progress(person, erasure)
            given = await _circumstances(self._ledger)
            keys = closing_keys(person.stream, erasure, progress, given.policy)
            if progress.stage is Stage.CLOSED or (progress.stage is Stage.WITHDRAWN and not keys):
                return _carried(person, erasure)
            command = CloseErasure(erasure=erasure, destruction=destruction_of(person.stream, keys))
            await self._destroy(person, command, given, attribution.by)
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
        return _carried(await self._read(subject_id), erasure)

    async def _read(self, subject_id: UUID) -> Person:
        store = self._ledger.store
        return person_of(store, await store.read_stream(subject_id, with_blobs=True))

    async def _running(self, subject_id: UUID, extent: Extent) -> UUID:
        """The erasure of this extent that was begun before."""
        person = await self._read(subject_id)
        for key, one in person.state.erasures.by_id.items():
            if one.extent == extent and one.stage in (Stage.REQUESTED, Stage.PREPARED):
                return key
        raise ErasureUnknown

    async def _forward(
        self, person: Person, erasure: UUID, order: ErasureOrder, by: Attribution
    ) -> None:
        """From wherever it stands to the destruction. What came between is met by the next try."""
        given = await _circumstances(self._ledger)
        extent = _progress(person, erasure).extent
        plan = preview(person.state, given, extent, order.keeps)
        told = identifiers_for(person, plan.recipients, given.policy)
        emails = given.policy.identifying(IdentifierKind.EMAIL)
        addresses = addresses_in(self._ledger.store, person.stream, emails)
        command = _preparation(erasure, order, told=told, addresses=addresses)
        await self._ledger.execute(person.subject_id, command, by)
        await self._release(person, plan, by)
        try:
            await self._reseal(person.subject_id, erasure, order.keeps, by)
            resealed = await self._read(person.subject_id)
            plan = preview(resealed.state, given, extent, order.keeps)
            destruction = destruction_of(resealed.stream, doomed_keys(resealed, plan))
            execution = ExecuteErasure(erasure=erasure, destruction=destruction)
            await self._destroy(resealed, execution, given, by.by)
        except (ErasureUnprepared, RemainderNotResealed):
            # Something was collected, shared or kept meanwhile: the plan is made again.
            self._ledger.forget(person.subject_id)

    async def _release(self, person: Person, plan: ErasurePlan, by: Attribution) -> None:
        """Takes identifiers whose value goes out of the blind index, while they can be read.

        In a whole erasure the database forgets all of them at once.
        """
        if plan.identifiers:
            return
        for version in plan.released:
            identifier = person.state.identifiers.active[version]
            opened = person.open(identifier.value_at, identifier.retention_class)
            if isinstance(opened, Sealed) and identifier.category in opened.personal:
                value = opened.personal[identifier.category]
                command = ReleaseIdentifier(identifier=version, value=value)
                await self._ledger.execute(person.subject_id, command, by)

    async def _reseal(
        self, subject_id: UUID, erasure: UUID, keeps: tuple[Keep, ...], by: Attribution
    ) -> None:
        person = await self._read(subject_id)
        progress = _progress(person, erasure)
        given = await _circumstances(self._ledger)
        plan = preview(person.state, given, progress.extent, keeps)
        staying = remainders(person, plan, progress)
        if staying:
            command = ResealSections(erasure=erasure, remainders=staying)
            await self._ledger.execute(subject_id, command, by)

    async def _destroy(
        self, person: Person, command: object, given: Circumstances, by: str
    ) -> None:
        """Decides on the snapshot that was read, and destroys only if it still stands."""
        state = person.state
        records = SUBJECT.decide(command, state, given)
        if not records:
            return
        last_at = state.last_at or given.now
        draft = self._ledger.store.draft(
            person.subject_id,
            records,
            expected=state.version,
            previous=state.leaf_hash,
            keys={},
            recorded_at=max(given.now, last_at),
            by=by,
        )
        [event] = draft.events
        arguments = (person.subject_id, state.version, event.entry)
        try:
            outcome = await self._eraser.fetchval(ERASE_SQL, *arguments)
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError):
            # Whether it was committed is unknown here: the next try reads it from the log.
            self._ledger.forget(person.subject_id)
            return
        assert outcome == "appended" or outcome in _REDECIDE, "an outcome of ledger_erase"
        self._ledger.forget(person.subject_id)
        if outcome == "appended":
            await self._announce(person.subject_id)

    async def _announce(self, subject_id: UUID) -> None:
        """Tells the other processes to forget the person; keys are checked by them in any case."""
        await self._eraser.execute("SELECT pg_notify($1, $2)", ERASED_CHANNEL, str(subject_id))


async def _circumstances(ledger: Ledger) -> Circumstances:
    """The rules as they stand in the database: nothing is destroyed under outdated ones."""
    return (await ledger.rulebook.refresh()).at(ledger.clock())


def _progress(person: Person, erasure: UUID) -> Erasure:
    progress = person.state.erasures.by_id.get(erasure)
    if progress is None:
        raise ErasureUnknown
    return progress


def _carried(person: Person, erasure: UUID, *, replayed: bool = False) -> Carried:
    """Where it stands; the lines are every event of it, so a repeated request gets the same."""
    progress = _progress(person, erasure)
    events = [one for one in person.events if getattr(one.event, "erasure", None) == erasure]
    receipt = Receipt(
        person.subject_id, person.state.content_version, receipt_lines(events, None), replayed
    )
    return Carried(erasure, progress, receipt)


def _preparation(
    erasure: UUID, order: ErasureOrder, *, told: Mapping[str, str], addresses: tuple[str, ...]
) -> PrepareErasure:
    return PrepareErasure(
        erasure=erasure,
        keeps=order.keeps,
        identifiers={**told, **order.identifiers},
        reply_address=order.reply_address or next(iter(addresses), ""),
        addresses=addresses,
    )
