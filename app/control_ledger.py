"""The write path of what is about no known person: the rules, the register, each breach."""

from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from typing import Any, Protocol, TypeVar
from uuid import UUID

import asyncpg

from app.clock import Clock
from app.domain.breaches import BREACH, BreachState
from app.domain.breaches import Command as BreachCommand
from app.domain.control import CONTROL
from app.domain.control import Command as ControlCommand
from app.domain.cookies import COOKIES, ChooseCookies, CookieState
from app.domain.decider import Circumstances, Decider, Refusal
from app.domain.register import REGISTER, RegisterState
from app.domain.register import Command as RegisterCommand
from app.events.recorded import Record
from app.identifiers import StreamId
from app.policy.model import Policy
from app.receipts import (
    Attribution,
    IdempotencyKeyReused,
    LedgerContended,
    Receipt,
    VersionMismatch,
    receipt_lines,
    repeated_receipt,
)
from app.store.append import Append, IdempotencyToken, Outcome, OutcomeCode, append_in
from app.store.event_store import Draft, EventStore
from app.store.group_commit import GroupCommit
from app.store.idempotency import FirstExecution, IdempotencyRegister
from app.store.rulebook import Rulebook

TRIES_MAX = 64
"""The register is one stream for all unknown people: writers of several processes meet there."""


class _Head(Protocol):
    """What an append must know of a stream's state."""

    @property
    def version(self) -> int: ...
    @property
    def leaf_hash(self) -> bytes | None: ...
    @property
    def last_at(self) -> Any: ...


Command = TypeVar("Command")
State = TypeVar("State", bound=_Head)


class ControlLedger:
    """Executes commands that are about no known person. Keeps no cache but the rulebook's."""

    def __init__(
        self,
        *,
        store: EventStore,
        commit: GroupCommit,
        rulebook: Rulebook,
        idempotency: IdempotencyRegister,
        clock: Clock,
        register_stream: StreamId,
    ) -> None:
        self._store = store
        self._commit = commit
        self._rulebook = rulebook
        self._idempotency = idempotency
        self._clock = clock
        self._register_stream = register_stream

    async def execute(
        self, command: ControlCommand, attribution: Attribution, *, policy: Policy | None = None
    ) -> Receipt:
        """Executes a command of the controller; ``policy`` is the one being published, if any."""
        for _ in range(TRIES_MAX):
            state = await self._rulebook.refresh_control()
            ruling = policy or (await self._rulebook.current()).policy
            given = Circumstances(ruling, self._rulebook.law, state, self._clock())
            try:
                if attribution.if_match not in (None, state.version):
                    raise VersionMismatch(current_version=state.version)
                records = CONTROL.decide(command, state, given)
            except Refusal:
                # A repeated request: its own first execution may be what speaks against it now.
                repeated = await self._first_receipt(attribution, given, state.version)
                if repeated is None:
                    raise
                return repeated
            stream = self._rulebook.control_stream
            receipt = await self._append((stream, records, state), given, attribution)
            if receipt is not None:
                await self._rulebook.refresh_control()
                return receipt
        raise LedgerContended("other writers won every try")

    async def execute_beside(
        self,
        command: ControlCommand,
        attribution: Attribution,
        connection: "asyncpg.Connection[Any]",
        act: Callable[[], Awaitable[None]],
    ) -> bool:
        """Records what a command of the controller says in the transaction that also does it.

        ``connection`` is the owner's, and ``act`` uses it: both are committed, or neither. False
        when it was on record already, and nothing was done.
        """
        for _ in range(TRIES_MAX):
            state = await self._rulebook.refresh_control()
            ruling = (await self._rulebook.current()).policy
            given = Circumstances(ruling, self._rulebook.law, state, self._clock())
            records = CONTROL.decide(command, state, given)
            if not records:
                return False
            draft = self._drafted(
                (self._rulebook.control_stream, records, state), given, attribution
            )
            append = Append(self._rulebook.control_stream, state.version, None, events=draft.events)
            async with connection.transaction():
                if await append_in(connection, append) is OutcomeCode.APPENDED:
                    await act()
                    break
        else:
            raise LedgerContended("other writers won every try")
        await self._rulebook.refresh_control()
        return True

    async def register(self, command: RegisterCommand, attribution: Attribution) -> Receipt:
        """Records what is about no known person: a suppression, the reading of a register."""
        return await self._record(
            REGISTER, command, attribution, (self._register_stream, self._last_of_register)
        )

    async def breach(
        self, breach: UUID, command: BreachCommand, attribution: Attribution
    ) -> Receipt:
        """Records what became known of a breach; its stream begins with its detection."""
        return await self._record(BREACH, command, attribution, (breach, lambda: self._of(breach)))

    async def choose_cookies(
        self, visitor: UUID, command: ChooseCookies, attribution: Attribution
    ) -> Receipt:
        """Records the choice of an anonymous visitor, on a stream of the visitor's own."""
        stream = self._stream_of(visitor)
        return await self._record(
            COOKIES, command, attribution, (stream, lambda: self._choices(stream))
        )

    async def cookie_state(self, visitor: UUID) -> CookieState:
        """What an anonymous visitor chose; nothing, once the epoch is another one."""
        return await self._choices(self._stream_of(visitor))

    def _stream_of(self, visitor: UUID) -> StreamId:
        """Under the active epoch's key: the log never holds what lies in the visitor's browser."""
        token = self._store.vault.identifier_token("visitor", str(visitor))
        return UUID(bytes=token[:16], version=4)

    async def _choices(self, stream: StreamId) -> CookieState:
        return reduce(
            COOKIES.evolve, (await self._store.read_stream(stream)).events, COOKIES.initial
        )

    async def _last_of_register(self) -> RegisterState:
        """The register only counts: its last event carries all that an append must know."""
        last = await self._store.read_last(self._register_stream)
        return REGISTER.initial if last is None else REGISTER.evolve(REGISTER.initial, last)

    async def _of(self, breach: UUID) -> BreachState:
        return reduce(BREACH.evolve, (await self._store.read_stream(breach)).events, BREACH.initial)

    async def _record(
        self,
        decider: Decider[Command, State],
        command: Command,
        attribution: Attribution,
        stream: tuple[StreamId, Callable[[], Awaitable[State]]],
    ) -> Receipt:
        """Decides under the rules in force and appends to a stream, whose state is read anew."""
        stream_id, read = stream
        for _ in range(TRIES_MAX):
            rules, state = await self._rulebook.current(), await read()
            given = rules.at(self._clock())
            try:
                if attribution.if_match not in (None, state.version):
                    raise VersionMismatch(current_version=state.version)
                records = decider.decide(command, state, given)
            except Refusal:
                repeated = await self._first_receipt(attribution, given, state.version)
                if repeated is None:
                    raise
                return repeated
            receipt = await self._append(
                (stream_id, records, state), given, attribution, control=rules.control.version
            )
            if receipt is not None:
                return receipt
        raise LedgerContended("other writers won every try")

    async def _append(
        self,
        case: tuple[StreamId, Sequence[Record], _Head],
        given: Circumstances,
        attribution: Attribution,
        *,
        control: int | None = None,
    ) -> Receipt | None:
        """The receipt, or None when the decision has to be made again."""
        stream_id, _, head = case
        token = attribution.idempotency and await self._idempotency.token(
            attribution.idempotency, given.now
        )
        draft = self._drafted(case, given, attribution)
        append = Append(
            stream_id=stream_id,
            expected=head.version,
            control=control,
            events=draft.events,
            suppressions=draft.suppressions,
            idempotency=token or None,
        )
        [outcome] = await self._commit.append([append])
        return await self._answer(draft, outcome, head.version, token or None)

    def _drafted(
        self,
        case: tuple[StreamId, Sequence[Record], _Head],
        given: Circumstances,
        attribution: Attribution,
    ) -> Draft:
        stream_id, records, head = case
        return self._store.draft(
            stream_id,
            records,
            expected=head.version,
            previous=head.leaf_hash,
            keys={},
            recorded_at=given.now if head.last_at is None else max(given.now, head.last_at),
            by=attribution.by,
        )

    async def _answer(
        self, draft: Draft, outcome: Outcome, before: int, token: IdempotencyToken | None
    ) -> Receipt | None:
        match outcome.code:
            case OutcomeCode.APPENDED:
                lines = receipt_lines(draft.recorded, outcome.first_position)
                return Receipt(outcome.stream_id, before + len(lines), lines, batch=outcome.batch)
            case OutcomeCode.REPLAYED:
                assert token is not None, "nothing else is repeated"
                return await self._replay(await self._idempotency.repeated(token, outcome), before)
            case OutcomeCode.KEY_REUSED:
                raise IdempotencyKeyReused
            case OutcomeCode.STALE_CONTROL:
                await self._rulebook.refresh()
                return None
            case _:
                return None

    async def _first_receipt(
        self, attribution: Attribution, given: Circumstances, current: int
    ) -> Receipt | None:
        """The receipt of the first execution; None when the request is none that is repeated."""
        if attribution.idempotency is None:
            return None
        token = await self._idempotency.token(attribution.idempotency, given.now)
        first = await self._idempotency.first_execution(token)
        return None if first is None else await self._replay(first, current)

    async def _replay(self, first: FirstExecution, current: int) -> Receipt:
        if not first.same_body:
            raise IdempotencyKeyReused
        if first.first_version is None or first.last_version is None:
            return Receipt(first.stream_id, current, replayed=True)
        return await repeated_receipt(self._store, first, self._commit.receipt_key)
