"""Two records that are one person, on both streams at once: read, decided, appended (0011)."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from app.clock import random_id
from app.domain.inheritance import Matter, matters_of, said_since
from app.domain.merges import (
    ApproveMerge,
    Merges,
    MergeUnknown,
    ProposeMerge,
    ReadOvertaken,
    RejectMerge,
    RenewMatters,
    RevertMerge,
)
from app.domain.subject import SUBJECT, InTurn, SubjectState, fold
from app.events.merges import MergeGround, MergeSide
from app.ledger import Ledger
from app.receipts import Attribution, LedgerContended, Receipt
from app.rights.holding import holds_of
from app.store.event_store import Stream
from app.values import Value, replace

TRIES_MAX = 8

SURVIVOR, ABSORBED = MergeSide.SURVIVOR, MergeSide.ABSORBED


class Pair(Value, frozen=True):
    """The two records that are meant: whoever decides on a merge names both."""

    survivor: UUID
    absorbed: UUID


async def propose_merge(
    ledger: Ledger,
    pair: Pair,
    attribution: Attribution,
    *,
    ground: MergeGround,
    finding: UUID | None = None,
) -> Receipt:
    """Puts a proposal on both records; nothing changes by it. The receipt is the survivor's."""
    merge = random_id()

    def proposal(side: MergeSide) -> ProposeMerge:
        return ProposeMerge(
            merge=merge,
            survivor=pair.survivor,
            absorbed=pair.absorbed,
            side=side,
            ground=ground,
            finding=finding,
        )

    return await _on_both(ledger, pair, attribution, proposal(SURVIVOR), proposal(ABSORBED))


async def approve_merge(
    ledger: Ledger, merge: UUID, pair: Pair, attribution: Attribution
) -> Receipt:
    """Lets the survivor stand for both, and inherit what the other one forbids and allows."""

    async def attempt() -> Receipt:
        state, _ = await _read(ledger, pair.absorbed)
        survivor, _ = await _read(ledger, pair.survivor)

        def approval(
            side: MergeSide, *, read_at: int | None = None, matters: tuple[Matter, ...] = ()
        ) -> ApproveMerge:
            return ApproveMerge(
                merge=merge,
                survivor=pair.survivor,
                absorbed=pair.absorbed,
                side=side,
                by=attribution.by,
                read_at=read_at,
                matters=matters,
            )

        return await _on_both(
            ledger,
            pair,
            attribution,
            approval(SURVIVOR, read_at=survivor.version, matters=matters_of(state, merge)),
            # What holds the person holds what lies on this record from now on (L63).
            InTurn((approval(ABSORBED, read_at=state.version), *holds_of(survivor))),
        )

    return await _until_read_in_time(attempt)


async def reject_merge(
    ledger: Ledger, merge: UUID, pair: Pair, attribution: Attribution
) -> Receipt:
    """Ends a proposal on both records."""

    def rejection(side: MergeSide) -> RejectMerge:
        return RejectMerge(merge=merge, survivor=pair.survivor, absorbed=pair.absorbed, side=side)

    return await _on_both(ledger, pair, attribution, rejection(SURVIVOR), rejection(ABSORBED))


async def revert_merge(
    ledger: Ledger, merge: UUID, pair: Pair, attribution: Attribution
) -> Receipt:
    """Lets each record stand for itself; what was said no to meanwhile holds for both."""

    async def attempt() -> Receipt:
        state, stream = await _read(ledger, pair.survivor)

        def reversal(
            side: MergeSide, *, read_at: int | None = None, matters: tuple[Matter, ...] = ()
        ) -> RevertMerge:
            return RevertMerge(
                merge=merge,
                survivor=pair.survivor,
                absorbed=pair.absorbed,
                side=side,
                read_at=read_at,
                matters=matters,
            )

        return await _on_both(
            ledger,
            pair,
            attribution,
            reversal(SURVIVOR, read_at=state.version),
            reversal(ABSORBED, matters=_said_while_merged(merge, state, stream)),
        )

    return await _until_read_in_time(attempt)


async def renew_matters(
    ledger: Ledger, merge: UUID, pair: Pair, attribution: Attribution
) -> Receipt:
    """Reads the absorbed record again, after something of it was ended there."""
    state, _ = await _read(ledger, pair.absorbed)
    absorbed = state.merges.absorbed
    if absorbed is None or (absorbed.merge, absorbed.other) != (merge, pair.survivor):
        raise MergeUnknown
    command = RenewMatters(merge=merge, matters=matters_of(state, merge))
    return await ledger.execute(pair.survivor, command, attribution)


async def _read(ledger: Ledger, subject_id: UUID) -> tuple[SubjectState, Stream]:
    stream = await ledger.store.read_stream(subject_id)
    return ledger.meet(stream), stream


def _said_while_merged(merge: UUID, state: SubjectState, stream: Stream) -> tuple[Matter, ...]:
    bond = state.merges.bonds.get(merge)
    if bond is None:
        return ()
    before = fold(SUBJECT.initial, stream.events[: bond.version])
    return said_since(matters_of(_alone(before), merge), matters_of(_alone(state), merge))


def _alone(state: SubjectState) -> SubjectState:
    """The state without anything inherited."""
    return replace(state, merges=Merges())


async def _on_both(
    ledger: Ledger, pair: Pair, attribution: Attribution, *commands: object
) -> Receipt:
    """One append on both streams, or none. A merge is of no one version: If-Match says nothing."""
    of_each = list(zip((pair.survivor, pair.absorbed), commands, strict=True))
    receipt, *_ = await ledger.execute_group(of_each, replace(attribution, if_match=None))
    return receipt


async def _until_read_in_time(attempt: Callable[[], Awaitable[Receipt]]) -> Receipt:
    for _ in range(TRIES_MAX):
        try:
            return await attempt()
        except ReadOvertaken:
            continue  # somebody wrote on the record between the reading and the append
    raise LedgerContended("other writers won every try")
