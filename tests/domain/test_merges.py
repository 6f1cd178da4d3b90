"""Two streams that are one person: approved by a second, undone without a trace, strictest wins."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as given_examples
from hypothesis import strategies as st

from app.domain.collections import CollectData
from app.domain.consents import GiveConsent, NeverConsented, RequestConsent, WithdrawConsent
from app.domain.disclosures import RecordDisclosure
from app.domain.evidence import Evidence, Wording
from app.domain.findings import RaiseFinding
from app.domain.inheritance import as_one, matters_of, said_since
from app.domain.merges import (
    ApproveMerge,
    ApproverIsProposer,
    MergeOpen,
    MergeSettled,
    MergeUnknown,
    MergeWithItself,
    ProposeMerge,
    ReadOvertaken,
    RejectMerge,
    ReleaseMatters,
    RenewMatters,
    RevertMerge,
    SubjectAbsorbed,
)
from app.domain.notices import ShowNotice
from app.domain.objections import RaiseObjection, UpholdObjection, WithdrawObjection
from app.domain.obtaining import Obtained
from app.domain.permissions import Denied, permission
from app.domain.restrictions import DisputeAccuracy, LiftRestriction, Restrict
from app.domain.subject import SUBJECT, SubjectState
from app.domain.suppressions import Unsubscribe
from app.events.consents import ConsentWithdrawn
from app.events.findings import FindingCleared, FindingCode, FindingResolution
from app.events.merges import (
    MatterInherited,
    MatterKind,
    MattersRenewed,
    MergeApproved,
    MergeGround,
    MergeProposed,
    MergeReverted,
    MergeSide,
)
from app.events.notices import NoticeChannel
from app.events.restrictions import RestrictionGround
from app.values import replace
from tests.domain.test_restrictions import lift_told
from tests.spec import NOW, At, Given, circumstances, fold, given, registration

MERGE, SURVIVOR, ABSORBED = (
    UUID(f"{digit}" * 8 + "-0000-4000-8000-000000000001") for digit in ("1", "2", "3")
)
OBJECTION, RESTRICTION, FINDING = (
    UUID(f"{digit}" * 8 + "-0000-4000-8000-000000000002") for digit in ("4", "5", "6")
)
PERSON = registration("event_logistics", "network_exchange", "photos")
PAIR: dict[str, Any] = {"merge": MERGE, "survivor": SURVIVOR, "absorbed": ABSORBED}
LATER = timedelta(hours=1)


def proposal(side: MergeSide, **more: Any) -> ProposeMerge:
    """Somebody thinks that they are one."""
    return ProposeMerge(**PAIR, side=side, ground=MergeGround.CONTROL, **more)


def consent(ago: timedelta = timedelta(days=40)) -> GiveConsent:
    """A consent to the newsletter with its whole evidence; the tests' histories begin later."""
    evidence = Evidence(
        wording=wording(),
        method="form",
        source="registration_form",
        occurred_at=NOW - ago,
        reference="form entry 7",
    )
    return GiveConsent(purpose="newsletter", evidence=evidence)


def wording() -> Wording:
    """The sentence that was shown."""
    return Wording(digest="ab" * 32, language="sv", policy="impel-1")


def objection(purpose: str = "photo_website", **more: Any) -> RaiseObjection:
    """Against one use of photographs."""
    return RaiseObjection(objection=OBJECTION, source="secretariat", purpose=purpose, **more)


class Two:
    """The two records, decided on together as the ledger does it."""

    def __init__(self, survivor: tuple[object, ...], absorbed: tuple[object, ...]) -> None:
        self.survivor = given(PERSON, *survivor)
        self.absorbed = given(PERSON, *absorbed)

    def proposed(self) -> "Two":
        """With a proposal on both."""
        self.survivor = self.survivor.when(proposal(MergeSide.SURVIVOR)).after
        self.absorbed = self.absorbed.when(proposal(MergeSide.ABSORBED)).after
        return self

    def approved(self) -> "Two":
        """With the merge in force."""
        self.proposed()
        matters = matters_of(self.absorbed.state, MERGE)
        approval = ApproveMerge(**PAIR, side=MergeSide.SURVIVOR, by="second", matters=matters)
        other = ApproveMerge(
            **PAIR, side=MergeSide.ABSORBED, by="second", read_at=self.absorbed.state.version
        )
        self.at_approval = self.survivor.state
        self.survivor = self.survivor.when(approval).after
        self.absorbed = self.absorbed.when(other).after
        return self

    def reverted(self) -> "Two":
        """With the merge taken back."""
        before, now = (alone(one) for one in (self.at_approval, self.survivor.state))
        said = said_since(matters_of(before, MERGE), matters_of(now, MERGE))
        self.survivor = self.survivor.when(RevertMerge(**PAIR, side=MergeSide.SURVIVOR)).after
        self.absorbed = self.absorbed.when(
            RevertMerge(**PAIR, side=MergeSide.ABSORBED, matters=said)
        ).after
        return self


def alone(state: SubjectState) -> SubjectState:
    """The state without what came from elsewhere."""
    return replace(state, merges=SUBJECT.initial.merges)


def may(person: Given, purpose: str, recipient: str, *categories: str) -> str:
    """`allowed`, or the code of the refusal."""
    answer = permission(
        person.state, purpose, recipient, categories, person.circumstances, country="BE"
    )
    return answer.code if isinstance(answer, Denied) else "allowed"


@pytest.mark.clause("L6", "L9")
def test_a_proposal_changes_nothing_but_that_it_is_there() -> None:
    two = Two((), (objection(),)).proposed()

    assert may(two.survivor, "photo_website", "website", "image.event") == "allowed"
    assert two.survivor.state.merges.absorbed is None
    assert two.absorbed.when(CollectData(source="secretariat", obtained=obtained())).records


def obtained() -> Obtained:
    """One more value."""
    return Obtained(purpose="network_exchange", personal={"work.title": "Inspektör"})


@pytest.mark.clause("L6", "L9")
def test_a_proposal_names_the_other_record_and_how_it_was_seen() -> None:
    given(PERSON).when(proposal(MergeSide.ABSORBED, finding=FINDING)).then(
        MergeProposed(
            merge=MERGE,
            side=MergeSide.ABSORBED,
            other=SURVIVOR,
            ground=MergeGround.CONTROL,
            finding=FINDING,
        )
    )


@pytest.mark.clause("L6")
def test_a_record_is_not_merged_with_itself_nor_twice_with_the_same_one() -> None:
    itself = ProposeMerge(
        merge=MERGE,
        survivor=SURVIVOR,
        absorbed=SURVIVOR,
        side=MergeSide.SURVIVOR,
        ground=MergeGround.CONTROL,
    )
    given(PERSON).when(itself).then_refused(MergeWithItself)
    again = replace(proposal(MergeSide.SURVIVOR), merge=FINDING)
    given(PERSON, proposal(MergeSide.SURVIVOR)).when(again).then_refused(MergeOpen, merge=MERGE)
    given(PERSON, proposal(MergeSide.SURVIVOR)).when(proposal(MergeSide.SURVIVOR)).then_nothing()


@pytest.mark.clause("L6", "L8")
def test_whoever_proposes_does_not_approve() -> None:
    """The proposals of these tests were recorded by `test`, as the envelope says."""
    approval = ApproveMerge(**PAIR, side=MergeSide.SURVIVOR, by="test")
    given(PERSON, proposal(MergeSide.SURVIVOR)).when(approval).then_refused(ApproverIsProposer)


@pytest.mark.clause("L6")
def test_an_approval_that_was_prepared_from_an_older_version_is_made_again() -> None:
    """What the survivor inherits is exactly what the other record says when it is closed."""
    person = given(PERSON, proposal(MergeSide.ABSORBED))
    stale = ApproveMerge(
        **PAIR, side=MergeSide.ABSORBED, by="second", read_at=person.state.version - 1
    )
    person.when(stale).then_refused(ReadOvertaken)


@pytest.mark.clause("L9")
@pytest.mark.parametrize("kind", [ApproveMerge, RejectMerge, RevertMerge])
def test_what_was_not_proposed_of_these_two_is_not_decided(kind: Any) -> None:
    more = {"by": "second"} if kind is ApproveMerge else {}
    given(PERSON).when(kind(**PAIR, side=MergeSide.SURVIVOR, **more)).then_refused(MergeUnknown)
    turned = kind(**PAIR, side=MergeSide.ABSORBED, **more)
    given(PERSON, proposal(MergeSide.SURVIVOR)).when(turned).then_refused(MergeUnknown)


@pytest.mark.clause("L9")
def test_a_rejected_merge_stays_so() -> None:
    rejection = RejectMerge(**PAIR, side=MergeSide.SURVIVOR)
    person = given(PERSON, proposal(MergeSide.SURVIVOR), rejection)

    person.when(rejection).then_nothing()
    person.when(ApproveMerge(**PAIR, side=MergeSide.SURVIVOR, by="second")).then_refused(
        MergeSettled
    )
    assert person.state.merges.bonds == {}


@pytest.mark.clause("L6")
def test_an_approval_clears_the_possible_duplicate_that_it_answers() -> None:
    duplicate = RaiseFinding(
        finding=FINDING, code=FindingCode.POSSIBLE_DUPLICATE, source="registration_form"
    )
    person = given(PERSON, duplicate, proposal(MergeSide.SURVIVOR, finding=FINDING))
    person.when(ApproveMerge(**PAIR, side=MergeSide.SURVIVOR, by="second")).then(
        MergeApproved(merge=MERGE, side=MergeSide.SURVIVOR, other=ABSORBED),
        FindingCleared(finding=FINDING, resolution=FindingResolution.CONFIRMED),
    )


@pytest.mark.clause("L6", "L33")
@pytest.mark.parametrize(
    "command",
    [
        CollectData(source="secretariat", obtained=obtained()),
        consent(),
        objection("photo_newsletter"),
        RecordDisclosure(
            recipients=("members",),
            purpose="network_exchange",
            categories=frozenset({"contact.name"}),
            country="BE",
        ),
        Unsubscribe(purpose="newsletter", source="mailchimp"),
    ],
)
def test_an_absorbed_record_takes_no_more_commands_and_says_where_to_go(command: object) -> None:
    two = Two((), ()).approved()
    two.absorbed.when(command).then_refused(SubjectAbsorbed, survivor=SURVIVOR, merge=MERGE)


@pytest.mark.clause("L44")
def test_what_is_open_on_an_absorbed_record_is_ended_there() -> None:
    two = Two((), (objection(),)).approved()
    after = two.absorbed.when(UpholdObjection(objection=OBJECTION)).after

    assert OBJECTION not in after.state.restrictions.active


NOES: dict[str, tuple[tuple[object, ...], tuple[str, str, str], str]] = {
    "an objection that waits": (
        (objection(),),
        ("photo_website", "website", "image.event"),
        "objected",
    ),
    "an objection that was granted": (
        (objection(), UpholdObjection(objection=OBJECTION)),
        ("photo_website", "website", "image.event"),
        "objected",
    ),
    "a restriction": (
        (
            Restrict(
                restriction=RESTRICTION,
                ground=RestrictionGround.UNLAWFUL,
                source="secretariat",
            ),
        ),
        ("network_exchange", "members", "contact.name"),
        "subject-restricted",
    ),
    "contested data": (
        (
            DisputeAccuracy(
                restriction=RESTRICTION,
                categories=frozenset({"contact.name"}),
                source="secretariat",
            ),
        ),
        ("network_exchange", "members", "contact.name"),
        "subject-restricted",
    ),
    "an unsubscribe": (
        (Unsubscribe(purpose="newsletter", source="mailchimp"),),
        ("newsletter", "mailchimp", "contact.email"),
        "subject-suppressed",
    ),
}


@pytest.mark.clause("L42", "L43", "L44", "C65")
@pytest.mark.parametrize("side", list(MergeSide))
@pytest.mark.parametrize("name", NOES)
def test_a_no_of_either_record_is_a_no_of_both(name: str, side: MergeSide) -> None:
    """Strictest wins, whichever of the two said it, also against an older yes of the other."""
    history, (purpose, recipient, category), code = NOES[name]
    yes = (consent(),)
    sides = (history, yes) if side is MergeSide.SURVIVOR else (yes, history)
    two = Two(*sides)
    before = may(two.survivor, purpose, recipient, category)

    two.approved()

    assert may(two.survivor, purpose, recipient, category) == code
    if side is MergeSide.ABSORBED:
        assert before == "allowed"


@pytest.mark.clause("L11", "C25")
def test_a_consent_of_the_absorbed_record_is_honoured_where_the_survivor_said_nothing() -> None:
    two = Two((), (consent(),))
    before = may(two.survivor, "newsletter", "mailchimp", "contact.email")

    two.approved()

    assert before == "consent-missing"
    assert may(two.survivor, "newsletter", "mailchimp", "contact.email") == "allowed"


@pytest.mark.clause("L14")
def test_a_newer_yes_of_one_record_does_not_outweigh_an_older_no_of_the_other() -> None:
    """Nobody knows that the same person changed their mind: two records said two things."""
    no = At(NOW - timedelta(days=90), Unsubscribe(purpose="newsletter", source="mailchimp"))
    two = Two((At(NOW - LATER, consent(ago=LATER)),), (no,)).approved()

    assert may(two.survivor, "newsletter", "mailchimp", "contact.email") == "subject-suppressed"


@pytest.mark.clause("L14", "C73")
def test_a_consent_that_is_given_after_the_merge_opens_what_was_inherited_closed() -> None:
    no = Unsubscribe(purpose="newsletter", source="mailchimp")
    two = Two((), (no,)).approved()
    later = circumstances(now=NOW + LATER)
    yes = consent(ago=-LATER / 2)

    state = fold(two.survivor.state, SUBJECT.decide(yes, two.survivor.state, later), later.now)

    person = Given(state, later)
    assert may(person, "newsletter", "mailchimp", "contact.email") == "allowed"


@pytest.mark.clause("C73", "L14")
def test_who_unsubscribes_while_merged_stays_unsubscribed_after_it_on_both_records() -> None:
    """What is inherited never hides what the person says now: it is recorded all the same."""
    two = Two((consent(),), (Unsubscribe(purpose="newsletter", source="mailchimp"),)).approved()
    two.survivor = two.survivor.when(Unsubscribe(purpose="newsletter", source="mailchimp")).after

    two.reverted()

    for person in (two.survivor, two.absorbed):
        assert may(person, "newsletter", "mailchimp", "contact.email") == "subject-suppressed"


@pytest.mark.clause("L44", "C37")
def test_an_objection_raised_while_merged_holds_for_both_until_it_is_released() -> None:
    two = Two((), ()).approved()
    two.survivor = two.survivor.when(objection()).after

    two.reverted()
    released = two.absorbed.when(ReleaseMatters(merge=MERGE)).after

    assert may(two.survivor, "photo_website", "website", "image.event") == "objected"
    assert may(two.absorbed, "photo_website", "website", "image.event") == "objected"
    assert may(released, "photo_website", "website", "image.event") == "allowed"
    released.when(ReleaseMatters(merge=MERGE)).then_nothing()


@pytest.mark.clause("L29", "L8")
def test_a_notice_that_was_on_its_way_to_the_absorbed_record_is_on_record_there() -> None:
    two = Two((), ()).approved()
    shown = ShowNotice(policy="impel-1", language="sv", channel=NoticeChannel.EMAIL)

    before = two.absorbed.state.notices
    two.absorbed = two.absorbed.when(shown).after

    assert two.absorbed.state.notices != before


def test_nothing_is_released_while_the_merge_is_in_force() -> None:
    two = Two((), (objection(),)).approved()
    two.survivor.when(ReleaseMatters(merge=MERGE)).then_refused(MergeOpen, merge=MERGE)


@pytest.mark.clause("L44")
def test_what_was_ended_on_the_absorbed_record_is_ended_for_both_once_it_is_read_again() -> None:
    two = Two((), (objection(),)).approved()
    taken_back = two.absorbed.when(WithdrawObjection(objection=OBJECTION)).after
    announced = taken_back.state.restrictions.active[OBJECTION].announced_by
    lifted = LiftRestriction(restriction=OBJECTION)
    two.absorbed = lift_told(taken_back, announced).when(lifted).after
    stricter = may(two.survivor, "photo_website", "website", "image.event")

    renewal = RenewMatters(merge=MERGE, matters=matters_of(two.absorbed.state, MERGE))
    two.survivor = two.survivor.when(renewal).after

    assert stricter == "objected"
    assert may(two.survivor, "photo_website", "website", "image.event") == "allowed"
    two.absorbed.when(renewal).then_refused(SubjectAbsorbed)
    given(PERSON).when(renewal).then_refused(MergeUnknown)


def test_a_merge_is_reverted_once_and_names_the_other_record() -> None:
    two = Two((), ()).approved()
    reversal = RevertMerge(**PAIR, side=MergeSide.SURVIVOR)
    two.survivor.when(reversal).then(
        MergeReverted(merge=MERGE, side=MergeSide.SURVIVOR, other=ABSORBED)
    )
    stale = replace(reversal, read_at=1)
    two.survivor.when(stale).then_refused(ReadOvertaken)
    two.survivor.when(reversal).after.when(reversal).then_nothing()


def test_a_record_that_is_absorbed_does_not_let_go_of_one_that_it_absorbed_itself() -> None:
    """The last merge is reverted first."""
    two = Two((), ()).approved()
    third = UUID(int=9)
    further = ProposeMerge(
        merge=third,
        survivor=UUID(int=8),
        absorbed=SURVIVOR,
        side=MergeSide.ABSORBED,
        ground=MergeGround.STATEMENT,
    )
    swallowed = two.survivor.when(further).after
    approval = ApproveMerge(
        merge=third,
        survivor=UUID(int=8),
        absorbed=SURVIVOR,
        side=MergeSide.ABSORBED,
        by="second",
        read_at=swallowed.state.version,
    )
    swallowed = swallowed.when(approval).after

    swallowed.when(RevertMerge(**PAIR, side=MergeSide.SURVIVOR)).then_refused(
        SubjectAbsorbed, survivor=UUID(int=8), merge=third
    )


def test_what_a_record_inherited_is_inherited_from_it_in_turn() -> None:
    two = Two((), (objection(),)).approved()

    third = matters_of(two.survivor.state, UUID(int=9))

    assert [one.matter for one in third if hasattr(one, "matter")] == [OBJECTION, OBJECTION]


@pytest.mark.clause("L42", "L43", "C35")
def test_nothing_is_allowed_on_the_absorbed_record_whatever_it_said_itself() -> None:
    """What the person says after the merge is heard by the survivor alone."""
    two = Two((consent(),), (consent(),)).approved()
    two.survivor = two.survivor.when(objection()).after

    assert may(two.survivor, "photo_website", "website", "image.event") == "objected"
    assert may(two.absorbed, "photo_website", "website", "image.event") == "subject-absorbed"
    assert may(two.reverted().absorbed, "photo_website", "website", "image.event") == "objected"


@pytest.mark.clause("L14")
def test_an_inherited_consent_is_taken_back_where_the_person_stands() -> None:
    """The other record takes no command any more, so this one must (Art. 7(3))."""
    withdrawal = WithdrawConsent(purpose="newsletter", source="secretariat")
    two = Two((), (consent(),)).approved()
    inherited = as_one(two.survivor.state).consents.of("newsletter").proof

    two.survivor = two.survivor.when(withdrawal).after

    assert inherited is not None
    assert as_one(two.survivor.state).consents.of("newsletter").proof is None
    two.survivor.when(withdrawal).then_nothing()
    given(PERSON).when(withdrawal).then_refused(NeverConsented, purpose="newsletter")


@pytest.mark.clause("L14", "L44")
def test_what_was_closed_opened_and_closed_again_while_merged_is_closed_for_both() -> None:
    leaving = Unsubscribe(purpose="newsletter", source="secretariat")
    earlier = replace(leaving, occurred_at=NOW - timedelta(days=60))
    two = Two((earlier,), ()).approved()
    for said in (consent(), leaving):
        two.survivor = two.survivor.when(said).after

    two.reverted()

    inherited = as_one(two.absorbed.state)
    assert "newsletter" in inherited.suppressions.purposes


def test_a_state_without_merges_is_what_it_was() -> None:
    state = given(PERSON, consent()).state
    assert as_one(state) is state


SAID = [
    consent(),
    objection(),
    objection("information"),
    Unsubscribe(purpose="newsletter", source="mailchimp"),
    Unsubscribe(purpose="partner_news", source="mailchimp"),
    Restrict(restriction=RESTRICTION, ground=RestrictionGround.UNLAWFUL, source="secretariat"),
    CollectData(source="secretariat", obtained=obtained()),
]
USES = [
    ("photo_website", "website", "image.event"),
    ("newsletter", "mailchimp", "contact.email"),
    ("partner_news", "enpe", "contact.email"),
    ("network_exchange", "members", "contact.name"),
]
HISTORIES = st.sets(st.integers(0, len(SAID) - 1), max_size=5).map(
    lambda chosen: tuple(SAID[index] for index in sorted(chosen))
)


def content(state: SubjectState) -> dict[str, Any]:
    """Everything that is not history: not the merges, and not how far the stream has come."""
    left_out = {"merges", "version", "content_version", "leaf_hash", "last_at", "findings"}
    return {name: getattr(state, name) for name in state.__struct_fields__ if name not in left_out}


@pytest.mark.clause("L6", "L33")
@given_examples(HISTORIES, HISTORIES)
def test_merged_and_reverted_both_records_are_what_they_were(
    survivor: tuple[object, ...], absorbed: tuple[object, ...]
) -> None:
    """Nothing of the one is left on the other, for everything that is not history."""
    two = Two(survivor, absorbed)
    before = (two.survivor, two.absorbed)
    answers = [may(person, *use) for person in before for use in USES]

    two.approved().reverted()

    for person, was in zip((two.survivor, two.absorbed), before, strict=True):
        assert content(person.state) == content(was.state)
        assert person.state.merges.inherited == {}
        assert person.state.merges.bonds == {}
    after = [may(person, *use) for person in (two.survivor, two.absorbed) for use in USES]
    assert after == answers


@pytest.mark.clause("L42", "L43", "L44")
@given_examples(HISTORIES, HISTORIES)
def test_the_two_as_one_are_never_allowed_what_one_of_them_had_refused(
    survivor: tuple[object, ...], absorbed: tuple[object, ...]
) -> None:
    two = Two(survivor, absorbed)
    refused = {
        use
        for use in USES
        for person in (two.survivor, two.absorbed)
        if may(person, *use) in {"objected", "subject-restricted", "subject-suppressed"}
    }

    two.approved()

    assert not {use for use in refused if may(two.survivor, *use) == "allowed"}


@pytest.mark.clause("L14")
def test_a_consent_that_was_taken_back_on_either_record_is_no_consent_of_the_two() -> None:
    """Art. 7(3): the survivor's own older yes does not outweigh it, its own later yes does."""
    taken_back = (consent(), ConsentWithdrawn(purpose="newsletter", source="secretariat"))
    two = Two((consent(),), taken_back).approved()

    whole = as_one(two.survivor.state).consents.of("newsletter")
    assert whole.proof is None
    assert whole.ended_at == two.survivor.state.last_at
    later = circumstances(now=NOW + LATER)
    yes = consent(ago=-LATER / 2)
    again = fold(two.survivor.state, SUBJECT.decide(yes, two.survivor.state, later), later.now)
    assert as_one(again).consents.of("newsletter").proof is not None


@pytest.mark.clause("L14")
def test_what_was_never_refused_is_inherited_as_no_refusal() -> None:
    """Neither a question that nobody answered, nor a no that the person's later yes ended."""
    asked = RequestConsent(
        request=FINDING, purpose="newsletter", wording=wording(), source="registration_form"
    )
    withdrawn = ConsentWithdrawn(purpose="newsletter", source="secretariat")
    back = At(NOW - LATER, consent(ago=LATER))

    def refusals(*history: object) -> list[str | None]:
        inherited = matters_of(given(PERSON, *history).state, MERGE)
        return [
            one.purpose
            for one in inherited
            if isinstance(one, MatterInherited) and one.kind is MatterKind.REFUSAL
        ]

    assert refusals(asked) == []
    assert refusals(consent()) == []
    assert refusals(consent(), withdrawn) == ["newsletter"]
    assert refusals(consent(), withdrawn, back) == []


@pytest.mark.clause("L6", "L9")
def test_a_merge_is_approved_once_and_then_neither_proposed_nor_rejected() -> None:
    two = Two((), ()).approved()
    approval = ApproveMerge(**PAIR, side=MergeSide.SURVIVOR, by="third")

    two.survivor.when(approval).then_nothing()
    two.survivor.when(RejectMerge(**PAIR, side=MergeSide.SURVIVOR)).then_refused(MergeUnknown)
    two.survivor.when(proposal(MergeSide.SURVIVOR)).then_nothing()
    again = replace(proposal(MergeSide.SURVIVOR), merge=FINDING)
    two.survivor.when(again).then_refused(MergeOpen, merge=MERGE)


@pytest.mark.clause("L6", "L33")
def test_each_record_knows_whether_it_stands_for_the_other_or_the_other_for_it() -> None:
    two = Two((), ()).approved()

    assert [one.other for one in two.survivor.state.merges.others] == [ABSORBED]
    assert two.survivor.state.merges.absorbed is None
    assert two.absorbed.state.merges.others == ()
    assert two.absorbed.state.merges.absorbed is not None
    assert two.absorbed.state.merges.absorbed.other == SURVIVOR


@pytest.mark.clause("L44")
def test_reading_the_other_record_again_records_what_it_says_now_and_nothing_of_nothing() -> None:
    """A no that comes up on the absorbed record after the merge reaches the survivor."""
    two = Two((), ()).approved()
    matters = matters_of(given(PERSON, objection()).state, MERGE)

    two.survivor.when(RenewMatters(merge=MERGE)).then_nothing()
    when = two.survivor.when(RenewMatters(merge=MERGE, matters=matters))
    when.then(MattersRenewed(merge=MERGE), *matters)
    assert may(when.after, "photo_website", "website", "image.event") == "objected"
