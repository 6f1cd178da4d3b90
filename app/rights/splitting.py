"""One record that holds two people: values opened, collected anew, and let go of (0011)."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias
from uuid import UUID

from app.clock import random_id
from app.domain.findings import RaiseFinding
from app.domain.holdings import Held
from app.domain.identities import Identifier, Lot
from app.domain.inheritance import noes_of
from app.domain.merges import ReadOvertaken
from app.domain.splits import (
    ApproveSplit,
    Found,
    HandOver,
    Part,
    ProposeSplit,
    ReceiveSplit,
    RejectSplit,
    SplitIndivisible,
    TakeOver,
    coming_back,
    going,
    resting_on,
)
from app.events.findings import FindingCode
from app.events.identifiers import IdentifierReleased
from app.events.splits import SplitApproved
from app.ledger import Ledger
from app.receipts import Attribution, IdentifierTaken, LedgerContended, Receipt
from app.rights.as_of import AsOf
from app.rights.person import Person, person_of, read_person
from app.values import replace
from app.vault.sealing import Sealed

TRIES_MAX = 8

Together: TypeAlias = tuple[object, ...]
"""What values have in common that were collected together."""


async def propose_split(
    ledger: Ledger, subject_id: UUID, versions: Sequence[int], attribution: Attribution
) -> Receipt:
    """Puts a proposal on the record; nothing changes by it."""
    command = ProposeSplit(split=random_id(), versions=tuple(versions))
    return await ledger.execute(subject_id, command, attribution)


async def reject_split(
    ledger: Ledger, subject_id: UUID, split: UUID, attribution: Attribution
) -> Receipt:
    """Ends a proposal."""
    return await ledger.execute(subject_id, RejectSplit(split=split), attribution)


async def approve_split(
    ledger: Ledger, subject_id: UUID, split: UUID, attribution: Attribution
) -> tuple[UUID, Receipt]:
    """Begins the other person's record, and answers its id with the receipt of the first one.

    Repeated, it finishes what was interrupted: the identifiers are handed over after the values.
    """
    receipt = await _separated(ledger, subject_id, split, attribution)
    state = (await read_person(ledger.store, subject_id)).state
    offshoot = state.splits.offshoots[split]
    await _hand_over(ledger, subject_id, split, offshoot)
    return offshoot, receipt


async def _separated(
    ledger: Ledger, subject_id: UUID, split: UUID, attribution: Attribution
) -> Receipt:
    """Both streams in one append, at the version at which the values were read."""
    for _ in range(TRIES_MAX):
        person = await read_person(ledger.store, subject_id)
        state = person.state
        proposed = state.splits.proposed.get(split)
        versions = () if proposed is None else proposed.versions
        offshoot = random_id()
        approval = ApproveSplit(
            split=split,
            offshoot=offshoot,
            by=attribution.by,
            read_at=state.version,
            restored=_parts(person, coming_back(state, versions)),
        )
        commands: list[tuple[UUID, object]] = [(subject_id, approval)]
        if proposed is not None:
            received = ReceiveSplit(
                split=split,
                origin=subject_id,
                versions=versions,
                parts=_parts(person, going(state, versions)),
                matters=noes_of(state, split),
            )
            commands.append((offshoot, received))
        try:
            receipt, *_ = await ledger.execute_group(commands, replace(attribution, if_match=None))
        except ReadOvertaken:
            continue  # somebody wrote on the record between the reading and the append
        return receipt
    raise LedgerContended("other writers won every try")


def _parts(person: Person, values: Iterable[Held]) -> tuple[Part, ...]:
    together: dict[Together, list[Held]] = {}
    for one in values:
        together.setdefault(
            (one.version, one.purpose, one.occasion, one.source, one.policy, one.since), []
        ).append(one)
    return tuple(_part(person, group) for group in together.values())


def _part(person: Person, group: Sequence[Held]) -> Part:
    first = group[0]
    return Part(
        purpose=first.purpose,
        basis=first.basis,
        source=first.source,
        origin=first.origin,
        policy=first.policy,
        occasion=first.occasion,
        since=first.since,
        held={one.category: one.retention_class for one in group},
        generations={one.retention_class: one.generation for one in group},
        personal={one.category: _value(person, one) for one in group},
    )


def _value(person: Person, held: Held | Identifier) -> str:
    version = held.version if isinstance(held, Held) else held.value_at
    opened = person.open(version, held.retention_class)
    if not isinstance(opened, Sealed) or held.category not in opened.personal:
        raise SplitIndivisible(versions=(str(version),))
    return opened.personal[held.category]


async def _hand_over(ledger: Ledger, subject_id: UUID, split: UUID, offshoot: UUID) -> None:
    """Identifiers leave one stream, then lead to the other; between, they lead to nobody."""
    found, released = await _resting(ledger, subject_id, split)
    left = tuple(one for one in found if one.version not in released)
    by = Attribution(by="split")
    if left:
        await ledger.execute(subject_id, HandOver(split=split, found=left), by)
    try:
        await ledger.execute(offshoot, TakeOver(split=split, found=found), by)
    except IdentifierTaken:
        # Somebody registered with it meanwhile: whose it is, a human has to find out.
        duplicate = RaiseFinding(
            finding=split, code=FindingCode.POSSIBLE_DUPLICATE, source="secretariat"
        )
        await ledger.execute(offshoot, duplicate, by)


async def _resting(
    ledger: Ledger, subject_id: UUID, split: UUID
) -> tuple[tuple[Found, ...], frozenset[int]]:
    """The identifiers as they rested on the values before these left, and those released since."""
    stream = await ledger.store.read_stream(subject_id, with_blobs=True)
    approved = next(
        one
        for one in stream.events
        if isinstance(one.event, SplitApproved) and one.event.split == split
    )
    assert approved.position is not None, "an event that was read has a position"
    before = person_of(ledger.store, stream, AsOf(position=approved.position - 1))
    # As it was: what has left is closed to every reader but this one, which hands it over.
    before = replace(before, left=before.left - set(approved.event.versions))
    resting = resting_on(before.state, approved.event.versions)
    released = frozenset(
        one.event.identifier for one in stream.events if isinstance(one.event, IdentifierReleased)
    )
    return tuple(_found(before, one) for one in resting), released


def _found(person: Person, one: Identifier) -> Found:
    lot = Lot(
        purpose=one.purpose,
        basis=one.basis,
        source=one.source,
        policy=_policy(person, one),
        retention_class=one.retention_class,
        generation=one.generation,
    )
    return Found(
        version=one.version,
        kind=one.kind,
        category=one.category,
        value=_value(person, one),
        lot=lot,
        verification=one.verification,
        occasion=_occasion(person, one),
        additional=one.additional,
    )


def _policy(person: Person, one: Identifier) -> str:
    claimed = person.stream.events[one.version - person.stream.events[0].version].event
    policy: str = claimed.policy
    return policy


def _occasion(person: Person, one: Identifier) -> UUID | None:
    for held in person.state.collections.of_category(one.category):
        if (held.version, held.purpose) == (one.value_at, one.purpose):
            return held.occasion
    return None
