"""The one write path: load, fold, decide, seal, append at the version expected (DESIGN 6)."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakValueDictionary

from app.clock import Clock
from app.domain.decider import Circumstances, Refusal
from app.domain.subject import SUBJECT, SubjectState, fold
from app.domain.subjects import SubjectErased
from app.identifiers import StreamId
from app.receipts import (
    Attribution,
    IdempotencyKeyReused,
    IdentifierTaken,
    LedgerContended,
    Receipt,
    VersionMismatch,
    receipt_lines,
    repeated_receipt,
)
from app.store.append import Append, Outcome, OutcomeCode
from app.store.event_store import Bucket, Draft, EventStore, Stream
from app.store.group_commit import GroupCommit
from app.store.idempotency import FirstExecution, IdempotencyRegister
from app.store.rulebook import Rulebook, Rules
from app.values import replace
from app.vault.key_vault import DataKey

TRIES_MAX = 12
CACHE_MAX = 8192


@dataclass(slots=True)
class _Known:
    """A stream as this process last saw it. A stale one is caught by the append's version check."""

    state: SubjectState
    keys: dict[Bucket, DataKey] = field(repr=False)


class Ledger:
    """Executes commands on people's streams. Owns the cache of folded states; evicts on doubt."""

    def __init__(
        self,
        *,
        store: EventStore,
        commit: GroupCommit,
        rulebook: Rulebook,
        idempotency: IdempotencyRegister,
        clock: Clock,
        cache_max: int = CACHE_MAX,
    ) -> None:
        self.store = store
        self.rulebook = rulebook
        self.clock = clock
        self.commit = commit
        self._idempotency = idempotency
        self._cache_max = cache_max
        self._known: OrderedDict[StreamId, _Known] = OrderedDict()
        self._turns: WeakValueDictionary[StreamId, asyncio.Lock] = WeakValueDictionary()

    async def execute(
        self,
        subject_id: UUID,
        command: object,
        attribution: Attribution,
        *,
        new: bool = False,
        remembered: bool = True,
    ) -> Receipt:
        """Executes one command on one person; ``new`` says that the stream does not exist yet.

        Whoever brings very many new people has them not ``remembered``: folding and keeping them
        costs a tenth of the time, and drives out those who are in use.

        Raises the decider's Refusal, VersionMismatch, IdempotencyKeyReused, IdentifierTaken,
        SubjectErased; LedgerBusy, LedgerContended or LedgerUnavailable when it should be repeated.
        """
        async with self._turn(subject_id):
            [receipt] = await self._execute(
                [(subject_id, command)], attribution, new=new, remembered=remembered or not new
            )
        return receipt

    async def execute_group(
        self,
        commands: Sequence[tuple[UUID, object]],
        attribution: Attribution,
        *,
        new: bool = False,
    ) -> tuple[Receipt, ...]:
        """Commands on several people, all or nothing. The idempotency key rides on the first."""
        # Taking turns in the order of the ids: two groups never wait for each other in a circle.
        turns = [self._turn(stream) for stream in sorted({stream for stream, _ in commands})]
        async with AsyncExitStack() as held:
            for turn in turns:
                await held.enter_async_context(turn)
            return await self._execute(commands, attribution, new=new)

    async def repeated(self, attribution: Attribution) -> Receipt | None:
        """The receipt of an earlier request with the same key, by that alone; None when it is new.

        For whoever expects many repeated ones: an append finds them, too, once all is decided.
        """
        asked = attribution.idempotency
        if asked is None:
            return None
        token = await self._idempotency.token(asked, self.clock())
        first = await self._idempotency.first_execution(token)
        return None if first is None else await self._replay(first)

    async def state(self, subject_id: UUID) -> SubjectState:
        """The person's state as this process knows it: for hints only, a decision re-checks it."""
        return (await self._recall(subject_id)).state

    def meet(self, stream: Stream) -> SubjectState:
        """The state of a stream that was read anyway, kept for the decision that follows."""
        known = self._known.get(stream.stream_id)
        last = stream.events[-1].version if stream.events else 0
        if known is not None and known.state.version == last:
            return known.state
        state = fold(SUBJECT.initial, stream.events)
        if known is None or known.state.version < last:
            self._remember(stream.stream_id, _Known(state, self.store.active_keys(stream)))
        return state

    async def rules(self) -> Rules:
        """The rules as this process knows them; an append re-checks them."""
        return await self.rulebook.current()

    def forget(self, subject_id: UUID) -> None:
        """Drops what is cached of a person, keys included."""
        self._known.pop(subject_id, None)

    async def refresh_keys(self) -> None:
        """Keys as the database has them: of epochs, and of the periods of repeated requests."""
        self._idempotency.forget_keys()
        await self.store.refresh_epochs()

    def forget_everybody(self) -> None:
        """Drops the whole cache, when what happened meanwhile is unknown."""
        self._known.clear()

    async def current_states(
        self, subject_ids: Sequence[UUID]
    ) -> tuple[int, Rules, dict[UUID, SubjectState]]:
        """States of many people as one snapshot shows them, and the head position of that snapshot.

        Cached states are brought forward by the events they lack, so the answer is never behind an
        append that was acknowledged before the call.
        """
        initial = _Known(SUBJECT.initial, {})
        known = {one: self._known.get(one, initial) for one in subject_ids}
        position, control, news = await self.store.read_news(
            {one: cached.state.version for one, cached in known.items()},
            self.rulebook.control_stream,
        )
        if control != self.rulebook.control.version:
            await self.rulebook.refresh()
        states = {one: cached.state for one, cached in known.items()}
        for recorded in news:
            states[recorded.stream_id] = SUBJECT.evolve(states[recorded.stream_id], recorded)
        return position, await self.rulebook.current(), states

    def _turn(self, stream_id: StreamId) -> asyncio.Lock:
        return self._turns.setdefault(stream_id, asyncio.Lock())

    async def _recall(self, stream_id: StreamId) -> _Known:
        known = self._known.get(stream_id)
        if known is not None:
            self._known.move_to_end(stream_id)
            return known
        stream = await self.store.read_stream(stream_id)
        state = fold(SUBJECT.initial, stream.events)
        return self._remember(stream_id, _Known(state, self.store.active_keys(stream)))

    def _remember(self, stream_id: StreamId, known: _Known) -> _Known:
        self._known[stream_id] = known
        self._known.move_to_end(stream_id)
        while len(self._known) > self._cache_max:
            self._known.popitem(last=False)
        return known

    async def _execute(
        self,
        commands: Sequence[tuple[UUID, object]],
        attribution: Attribution,
        *,
        new: bool,
        remembered: bool = True,
    ) -> tuple[Receipt, ...]:
        now = self.clock()
        asked = attribution.idempotency
        token = await self._idempotency.token(asked, now) if asked else None
        fresh = new
        for _ in range(TRIES_MAX):
            rules = await self.rulebook.current()
            known = [
                _Known(SUBJECT.initial, {}) if new else await self._recall(stream)
                for stream, _ in commands
            ]
            try:
                drafts = [
                    self._decide(one, case, attribution, rules.at(now))
                    for one, case in zip(known, commands, strict=True)
                ]
            except Refusal:
                first = token and await self._idempotency.first_execution(token)
                if first:  # the state moved on since the first execution of a repeated request
                    return (await self._replay(first),)
                if fresh:
                    raise
                # No append will check what this was decided on: look again before saying no.
                fresh = True
                await self._look_again(commands)
                continue
            appends = [
                _append(stream, one, draft, rules.control.version)
                for (stream, _), one, draft in zip(commands, known, drafts, strict=True)
            ]
            if token is not None:
                appends[0] = replace(appends[0], idempotency=token)
            outcomes = await self.commit.append(appends)
            if all(outcome.code is OutcomeCode.APPENDED for outcome in outcomes):
                settled = self._appended if remembered else _receipt_of_new
                return tuple(map(settled, known, drafts, outcomes))
            if outcomes[0].code is OutcomeCode.REPLAYED:
                assert token is not None, "nothing else is repeated"
                return (await self._replay(await self._idempotency.repeated(token, outcomes[0])),)
            await self._recover(outcomes)
            now = self.clock()
        raise LedgerContended("other writers won every try")

    async def _look_again(self, commands: Sequence[tuple[UUID, object]]) -> None:
        for stream_id, _ in commands:
            self.forget(stream_id)
        await self.rulebook.refresh()

    def _decide(
        self,
        known: _Known,
        case: tuple[UUID, object],
        attribution: Attribution,
        given: Circumstances,
    ) -> Draft:
        state, (stream_id, command) = known.state, case
        if attribution.if_match is not None and attribution.if_match != state.content_version:
            raise VersionMismatch(current_version=state.content_version)
        last_at = state.last_at
        return self.store.draft(
            stream_id,
            SUBJECT.decide(command, state, given),
            expected=state.version,
            previous=state.leaf_hash,
            keys=known.keys,
            # Never below the stream's last event: another process' clock may be a little ahead.
            recorded_at=given.now if last_at is None else max(given.now, last_at),
            by=attribution.by,
        )

    def _appended(self, known: _Known, draft: Draft, outcome: Outcome) -> Receipt:
        state = fold(known.state, draft.recorded)
        keys = known.keys
        for new in draft.new_keys:
            keys[new.retention_class, new.generation] = new.data_key
        self._remember(outcome.stream_id, _Known(state, keys))
        return Receipt(
            outcome.stream_id,
            state.content_version,
            receipt_lines(draft.recorded, outcome.first_position),
            batch=outcome.batch,
            entries=tuple(event.entry for event in draft.events),
        )

    async def _replay(self, first: FirstExecution) -> Receipt:
        if not first.same_body:
            raise IdempotencyKeyReused
        if first.first_version is None or first.last_version is None:
            return Receipt(
                first.stream_id, (await self.state(first.stream_id)).content_version, replayed=True
            )
        return await repeated_receipt(self.store, first, self.commit.receipt_key)

    async def _recover(self, outcomes: Sequence[Outcome]) -> None:
        """Brings up to date whatever the database found stale, or gives the final answer."""
        for outcome in outcomes:
            match outcome.code:
                case OutcomeCode.VERSION_CONFLICT | OutcomeCode.STALE_CLOCK:
                    self.forget(outcome.stream_id)
                case OutcomeCode.STALE_CONTROL:
                    await self.rulebook.refresh()
                case OutcomeCode.STALE_EPOCH:
                    self.forget(outcome.stream_id)
                    await self.store.refresh_epochs()
                case OutcomeCode.FENCED:
                    self.forget(outcome.stream_id)
                    raise SubjectErased
                case OutcomeCode.IDENTIFIER_TAKEN:
                    raise IdentifierTaken
                case OutcomeCode.KEY_REUSED:
                    raise IdempotencyKeyReused
                case OutcomeCode.APPENDED | OutcomeCode.REPLAYED | OutcomeCode.GROUP_REFUSED:
                    pass


def _receipt_of_new(_known: _Known, draft: Draft, outcome: Outcome) -> Receipt:
    """The receipt of a stream that begins with these events, none of which is a consultation."""
    lines = receipt_lines(draft.recorded, outcome.first_position)
    return Receipt(outcome.stream_id, len(lines), lines, batch=outcome.batch)


def _append(stream_id: StreamId, known: _Known, draft: Draft, control: int) -> Append:
    return Append(
        stream_id=stream_id,
        expected=known.state.version,
        control=control,
        events=draft.events,
        new_keys=draft.wrapped_keys(),
        identifiers=draft.identifiers,
        suppressions=draft.suppressions,
    )
