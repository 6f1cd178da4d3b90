"""One stream that holds two people: values leave it, what they had superseded is in use again."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import pytest

from app.domain.collections import CollectData
from app.domain.holdings import Held
from app.domain.identities import Lot
from app.domain.inheritance import matters_of
from app.domain.merges import ApproverIsProposer, ReadOvertaken
from app.domain.objections import RaiseObjection
from app.domain.obtaining import Obtained
from app.domain.permissions import Denied, permission
from app.domain.splits import (
    ApproveSplit,
    Found,
    HandOver,
    Part,
    ProposeSplit,
    ReceiveSplit,
    RejectSplit,
    SplitIndivisible,
    SplitSettled,
    SplitUnknown,
    TakeOver,
    coming_back,
    divisible,
    going,
    resting_on,
)
from app.events.collections import DataCollected
from app.events.identifiers import IdentifierClaimed, IdentifierReleased
from app.events.splits import SplitApproved, SplitProposed, SplitRejected, SplitSide
from app.policy.vocabulary import IdentifierKind
from tests.spec import CONTACT, NOW, At, Given, given, registration

SPLIT, ORIGIN, OFFSHOOT = (
    UUID(f"{digit}" * 8 + "-0000-4000-8000-000000000008") for digit in ("1", "2", "3")
)
PERSON = registration("event_logistics")
THEIRS = {"contact.name": "Björn Ek", "contact.email": "bjorn.ek@stad.example"}
MIXED = (
    At(NOW - timedelta(days=9), PERSON),
    At(
        NOW - timedelta(days=8),
        CollectData(
            source="registration_form",
            obtained=Obtained(purpose="event_logistics", personal=THEIRS),
        ),
    ),
)


def mixed(*more: object) -> tuple[Given, tuple[int, ...]]:
    """A record that took in another person's values, and the versions of these."""
    person = given(*MIXED, *more)
    versions = {
        one.version
        for one in person.state.collections.current()
        if one.since == NOW - timedelta(days=8)
    }
    return person, tuple(sorted(versions))


def part(values: Iterable[Held], personal: dict[str, str]) -> Part:
    """Values as they were collected together."""
    first, *others = values
    every = (first, *others)
    return Part(
        purpose=first.purpose,
        basis=first.basis,
        source=first.source,
        origin=first.origin,
        policy=first.policy,
        occasion=first.occasion,
        since=first.since,
        held={one.category: one.retention_class for one in every},
        generations={one.retention_class: one.generation for one in every},
        personal=personal,
    )


def approval(person: Given, versions: tuple[int, ...], **more: object) -> ApproveSplit:
    """By somebody else, with what comes back."""
    back = coming_back(person.state, versions)
    restored = (part(back, {one.category: CONTACT[one.category] for one in back}),) if back else ()
    fields = {"by": "second", "read_at": person.state.version, "restored": restored} | more
    return ApproveSplit(split=SPLIT, offshoot=OFFSHOOT, **fields)  # type: ignore[arg-type]  # the fields by their names


def separated(*more: object) -> tuple[Given, Given]:
    """Both records after a split."""
    person, versions = mixed(*more)
    person = person.when(ProposeSplit(split=SPLIT, versions=versions)).after
    received = ReceiveSplit(
        split=SPLIT,
        origin=ORIGIN,
        versions=versions,
        parts=(part(going(person.state, versions), THEIRS),),
        matters=matters_of(person.state, SPLIT),
    )
    other = given().when(received).after
    return person.when(approval(person, versions)).after, other


@pytest.mark.clause("L6", "L9")
def test_a_proposal_names_versions_that_hold_values_and_changes_nothing() -> None:
    person, versions = mixed()
    when = person.when(ProposeSplit(split=SPLIT, versions=(*versions, *versions)))

    when.then(SplitProposed(split=SPLIT, versions=versions))
    assert when.after.state.collections == person.state.collections
    when.after.when(ProposeSplit(split=SPLIT, versions=versions)).then_nothing()
    for wrong in ((), (1,), (99,)):
        person.when(ProposeSplit(split=SPLIT, versions=wrong)).then_refused(SplitIndivisible)
    assert set(versions) <= divisible(person.state)


@pytest.mark.clause("L6", "L8")
def test_somebody_else_approves_what_was_read_at_this_version() -> None:
    person, versions = mixed()
    proposed = person.when(ProposeSplit(split=SPLIT, versions=versions)).after

    proposed.when(approval(proposed, versions, by="test")).then_refused(ApproverIsProposer)
    proposed.when(approval(proposed, versions, read_at=1)).then_refused(ReadOvertaken)
    person.when(approval(person, versions)).then_refused(SplitUnknown)


@pytest.mark.clause("L6", "L33")
def test_the_values_leave_and_what_they_had_superseded_is_in_use_again() -> None:
    before = given(MIXED[0])
    person, _ = separated()

    now = {(one.category, one.since) for one in person.state.collections.current()}
    assert now == {(one.category, one.since) for one in before.state.collections.current()}
    history = [held for one in person.state.collections.held.values() for held in one.history()]
    assert all(one.since != NOW - timedelta(days=8) for one in history)


@pytest.mark.clause("L6", "L2")
def test_the_other_record_holds_them_for_the_same_purpose_on_the_same_ground() -> None:
    person, versions = mixed()
    left = going(person.state, versions)
    _, other = separated()

    def told(one: Held) -> tuple[object, ...]:
        return (one.category, one.purpose, one.basis, one.source, one.origin, one.since)

    held = list(other.state.collections.current())
    assert sorted(map(told, held), key=str) == sorted(map(told, left), key=str)
    assert other.state.splits.begun_by == SPLIT


@pytest.mark.clause("L6", "C7")
def test_an_identifier_goes_with_the_value_that_it_rests_on() -> None:
    person, versions = mixed()
    [resting] = resting_on(person.state, versions)
    origin, other = separated()
    lot = Lot(
        purpose=resting.purpose,
        basis=resting.basis,
        source=resting.source,
        policy="impel-1",
        retention_class=resting.retention_class,
        generation=resting.generation,
    )
    found = Found(
        version=resting.version,
        kind=IdentifierKind.EMAIL,
        category="contact.email",
        value=THEIRS["contact.email"],
        lot=lot,
        verification=None,
    )

    assert resting.version not in origin.state.identifiers.active
    [released] = origin.when(HandOver(split=SPLIT, found=(found,))).records
    assert isinstance(released.event, IdentifierReleased)
    assert [(one.value, one.release) for one in released.claims] == [
        (THEIRS["contact.email"], True)
    ]
    taking = other.when(TakeOver(split=SPLIT, found=(found,)))
    [claimed] = taking.records
    assert isinstance(claimed.event, IdentifierClaimed)
    assert claimed.sections == (), "the value lies in the section that was collected anew"
    taking.after.when(TakeOver(split=SPLIT, found=(found,))).then_nothing()
    assert THEIRS["contact.email"] not in repr(found)
    given(PERSON).when(HandOver(split=SPLIT, found=())).then_refused(SplitUnknown)


@pytest.mark.clause("L44", "L43")
def test_every_no_of_the_record_holds_for_both_people() -> None:
    no = RaiseObjection(objection=UUID(int=5), source="secretariat", purpose="event_logistics")
    origin, other = separated(no)

    for person in (origin, other):
        answer = permission(
            person.state, "event_logistics", "azavista", ("contact.name",), person.circumstances
        )
        assert isinstance(answer, Denied)
        assert answer.code == "objected"


@pytest.mark.clause("L9")
def test_a_split_is_done_once_or_rejected_for_good() -> None:
    person, versions = mixed()
    rejection = RejectSplit(split=SPLIT)
    proposed = person.when(ProposeSplit(split=SPLIT, versions=versions)).after
    rejected = proposed.when(rejection).after
    done, other = separated()

    proposed.when(rejection).then(SplitRejected(split=SPLIT))
    rejected.when(rejection).then_nothing()
    rejected.when(approval(rejected, versions)).then_refused(SplitSettled)
    done.when(rejection).then_refused(SplitSettled)
    done.when(approval(done, versions)).then_nothing()
    person.when(rejection).then_refused(SplitUnknown)
    assert done.state.splits.offshoots == {SPLIT: OFFSHOOT}
    assert other.state.registered


@pytest.mark.clause("L9")
def test_both_records_say_from_where_and_to_where() -> None:
    person, versions = mixed()
    proposed = person.when(ProposeSplit(split=SPLIT, versions=versions)).after
    approved, *restored = (one.event for one in proposed.when(approval(proposed, versions)).records)

    assert approved == SplitApproved(
        split=SPLIT, side=SplitSide.ORIGIN, other=OFFSHOOT, versions=versions
    )
    assert all(isinstance(one, DataCollected) for one in restored)


@pytest.mark.clause("L6", "L33")
def test_what_leaves_and_what_comes_back_keep_the_day_on_which_they_were_collected() -> None:
    """Their periods run from then: a split makes nothing younger."""
    person, versions = mixed()
    proposed = person.when(ProposeSplit(split=SPLIT, versions=versions)).after
    _, *restored = proposed.when(approval(proposed, versions)).records
    _, other = separated()
    began = other.stream[0]

    assert {one.occurred_at for one in restored} == {NOW - timedelta(days=9)}
    assert began.occurred_at == NOW - timedelta(days=8)
    assert {one.since for one in other.state.collections.current()} == {NOW - timedelta(days=8)}


@pytest.mark.clause("L6")
def test_the_values_themselves_are_sealed_anew_on_the_record_that_receives_them() -> None:
    person, versions = mixed()
    received = ReceiveSplit(
        split=SPLIT,
        origin=ORIGIN,
        versions=versions,
        parts=(part(going(person.state, versions), THEIRS),),
    )
    when = given().when(received)

    personal: dict[str, str] = {}
    for record in when.records:
        for section in record.sections:
            personal |= section.personal
    assert personal == THEIRS
    when.after.when(received).then_nothing()


@pytest.mark.clause("L6", "C7")
@pytest.mark.parametrize("additional", [False, True], ids=["of a value", "further"])
def test_a_further_address_brings_its_own_section_and_that_of_a_value_does_not(
    *, additional: bool
) -> None:
    """A further one is not the value that is in use: it must be found where it lies itself."""
    person, versions = mixed()
    [resting] = resting_on(person.state, versions)
    _, other = separated()
    lot = Lot(
        purpose=resting.purpose,
        basis=resting.basis,
        source=resting.source,
        policy="impel-1",
        retention_class=resting.retention_class,
        generation=resting.generation,
    )
    found = Found(
        version=resting.version,
        kind=IdentifierKind.EMAIL,
        category="contact.email",
        value=THEIRS["contact.email"],
        lot=lot,
        verification=None,
        additional=additional,
    )
    taking = other.when(TakeOver(split=SPLIT, found=(found,)))
    [record] = taking.records
    [held] = [one for one in other.state.collections.current() if one.category == "contact.email"]
    [claimed] = taking.after.state.identifiers.active.values()

    assert bool(record.sections) is additional
    assert claimed.value_at == (taking.after.state.version if additional else held.version)
