"""May these data go to this recipient for this purpose: every reason for a no, and their order."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.arrangements import Arrangement
from app.domain.children import UnderAge
from app.domain.collections import CollectData
from app.domain.consents import (
    GiveExplicitTransferConsent,
    ImportUnprovenConsent,
    RequestConsent,
    WithdrawConsent,
)
from app.domain.control import Contract
from app.domain.decider import Refusal
from app.domain.disclosures import RecordDisclosure
from app.domain.notices import ShowNotice
from app.domain.objections import RaiseObjection, UpholdObjection, WithdrawObjection
from app.domain.obtaining import Obtained
from app.domain.permissions import (
    REFUSALS,
    Allowed,
    Answer,
    CategoryNotShareable,
    ConsentMissing,
    Denied,
    DisclosureProhibited,
    NoticeMissing,
    Objected,
    TransferConsentMissing,
    TransferNoBasis,
    answer,
    permission,
    use_of,
)
from app.domain.purpose_limitation import (
    CategoryDisabled,
    CategoryNotAllowedForPurpose,
    CategoryUnknown,
    LinkingForbidden,
    PurposeMissing,
    PurposeUnknown,
)
from app.domain.recipients import AgreementExpired, ContractMissing, RecipientNotListed
from app.domain.restrictions import (
    AnnounceLift,
    DisputeAccuracy,
    LiftRestriction,
    Restrict,
    SubjectRestricted,
)
from app.domain.subjects import DiscoverChild, SubjectErased, SubjectUnknown
from app.domain.suppressions import SubjectSuppressed, Unsubscribe
from app.events.erasures import ErasureExecuted, ErasureRequested, ErasureStep, ErasureTrigger
from app.events.notices import NoticeChannel
from app.events.objections import (
    ObjectionCause,
    ObjectionGround,
    ObjectionOverridden,
    ObjectionRaised,
)
from app.events.restrictions import RestrictionGround
from app.events.suppressions import SuppressionMatched
from app.policy.durations import Duration
from app.policy.vocabulary import AgreementKind, WithoutAgreement
from app.values import replace
from tests.domain.test_consents import EVIDENCE, GIVE, WORDING, at
from tests.domain.test_restrictions import lift_told
from tests.spec import (
    CONTRACTED,
    LAW,
    NOTHING_ARRANGED,
    NOW,
    POLICY,
    At,
    Given,
    circumstances,
    given,
    registration,
)

KEY = UUID("c4a2f0e8-77c1-4c5e-a7b6-9a0b5d1c2e31")
OTHER = UUID("c4a2f0e8-77c1-4c5e-a7b6-9a0b5d1c2e32")
EMAIL = frozenset({"contact.email"})
PERSON = registration("network_exchange", "information")
SUBSCRIBER = registration("newsletter", "network_exchange")
OBJECT = RaiseObjection(objection=KEY, source="email")
RESTRICT = Restrict(restriction=KEY, ground=RestrictionGround.UNLAWFUL, source="email")
LEAVE = Unsubscribe(purpose="newsletter", source="mailchimp")
IMPORTED = registration("network_exchange", source="member_organisation")
NOTICE = ShowNotice(policy="impel-1", language="sv", channel=NoticeChannel.EMAIL)
AGREE = GiveExplicitTransferConsent(
    purpose="event_security", recipient="hosts", country="TR", evidence=EVIDENCE
)
SECURITY_CONSENT = replace(GIVE, purpose="event_security")


def asked(
    person: Given,
    purpose: str = "network_exchange",
    recipient: str = "basecamp",
    categories: frozenset[str] = EMAIL,
    **more: Any,
) -> Answer:
    """The answer for one person."""
    return permission(person.state, purpose, recipient, categories, person.circumstances, **more)


def denied(person: Given, *question: Any, **more: Any) -> type[Refusal]:
    """Why the answer for one person is no."""
    found = asked(person, *question, **more)
    assert isinstance(found, Denied), found
    return found.refusal


def allowed(person: Given, *question: Any, **more: Any) -> str:
    """On which transfer ground the answer for one person is yes."""
    found = asked(person, *question, **more)
    assert isinstance(found, Allowed), found
    return found.mechanism


@pytest.mark.clause("C35", "C23", "L55")
def test_what_the_policy_names_is_allowed() -> None:
    """Under any of the recipient's names, and the answer says on which ground."""
    person = given(PERSON)

    assert allowed(person, "network_exchange", "contact_db") == "eea"
    assert allowed(person, "network_exchange", "kontaktdatabas") == "eea"
    assert allowed(person) == "dpf"
    assert allowed(person, categories=frozenset()) == "dpf"


def test_who_is_not_registered_has_nothing_to_share() -> None:
    """An id that nobody knows."""
    assert denied(given()) is SubjectUnknown


@pytest.mark.clause("L41")
def test_who_was_erased_has_nothing_left_to_share() -> None:
    """Whatever is still kept is kept for its exemption alone."""
    executed = ErasureExecuted(
        erasure=KEY,
        step=ErasureStep.SUBJECT,
        purposes=(),
        categories=(),
        retained=("fiscal",),
        keys=(),
        classes=(),
        blobs=0,
        identifiers=True,
        root="00" * 32,
    )
    requested = ErasureRequested(
        erasure=KEY, trigger=ErasureTrigger.REQUEST, purposes=(), categories=(), source="email"
    )

    assert denied(given(PERSON, requested, executed)) is SubjectErased
    partly = replace(executed, categories=("contact.phone",))
    assert allowed(given(PERSON, replace(requested, categories=("contact.phone",)), partly))


@pytest.mark.clause("C74", "C75")
def test_nothing_of_a_child_is_shared() -> None:
    """From the moment on which it becomes known."""
    assert denied(given(PERSON, DiscoverChild(source="secretariat"))) is UnderAge


@pytest.mark.clause("L2", "C28")
def test_a_share_has_a_purpose_of_the_policy() -> None:
    """None is a reason of its own."""
    assert denied(given(PERSON), "") is PurposeMissing
    assert denied(given(PERSON), "astrology") is PurposeUnknown


@pytest.mark.clause("C35")
def test_whoever_is_not_listed_gets_nothing() -> None:
    """Not for any purpose, or not for this one: default deny."""
    assert denied(given(PERSON), "network_exchange", "nobody") is RecipientNotListed
    assert denied(given(PERSON), "network_exchange", "mailchimp") is RecipientNotListed


@pytest.mark.clause("C18", "C54")
@pytest.mark.parametrize(
    ("purpose", "recipient", "categories", "source"),
    [
        ("network_exchange", "contact_db", EMAIL, "google_analytics"),
        ("network_exchange", "contact_db", EMAIL, "tawk"),
        ("network_exchange", "contact_db", frozenset({"web.cookie"}), None),
        ("network_exchange", "contact_db", frozenset({"chat.transcript", "contact.email"}), None),
    ],
)
def test_promised_never_to_be_shared(
    purpose: str, recipient: str, categories: frozenset[str], source: str | None
) -> None:
    """What the statistics and the chat know stays there, also when it comes by another way."""
    assert (
        denied(given(PERSON), purpose, recipient, categories, source=source) is DisclosureProhibited
    )
    assert allowed(given(PERSON), purpose, recipient, source="registration_form") == "eea"


@pytest.mark.clause("L2", "L4", "L5", "C10", "C19", "C24")
@pytest.mark.parametrize(
    ("category", "refusal"),
    [
        ("star.sign", CategoryUnknown),
        ("profile.gender", CategoryDisabled),
        ("web.analytics", LinkingForbidden),
        ("financial.account", CategoryNotAllowedForPurpose),
    ],
)
def test_a_share_keeps_to_the_categories_of_its_purpose(
    category: str, refusal: type[Refusal]
) -> None:
    """One that does not belong spoils the whole share."""
    purpose = "website_statistics" if refusal is LinkingForbidden else "event_logistics"
    recipient = "google_analytics" if refusal is LinkingForbidden else "contact_db"

    assert denied(given(PERSON), purpose, recipient, frozenset({category})) is refusal


@pytest.mark.clause("C36", "C38")
@pytest.mark.parametrize(
    ("purpose", "recipient", "category"),
    [
        ("network_exchange", "members", "work.unit"),
        ("project_collaboration", "members", "account.username"),
    ],
)
def test_some_recipients_get_contact_details_only(
    purpose: str, recipient: str, category: str
) -> None:
    """Whatever else the purpose would allow."""
    question = (purpose, recipient, EMAIL | {category})

    assert denied(given(PERSON), *question, country="SE") is CategoryNotShareable
    assert allowed(given(PERSON), purpose, recipient, EMAIL, country="SE") == "eea"


@pytest.mark.clause("C38")
def test_partner_networks_get_contact_details_under_their_memorandum() -> None:
    """The text says that it was signed; once the desk knows its days, these count."""
    question = ("joint_activity", "enpe")
    memorandum = Contract(
        kind=AgreementKind.MEMORANDUM, since=date(2020, 1, 1), until=date(2026, 11, 21)
    )
    expired = replace(NOTHING_ARRANGED, contracts={"enpe": memorandum})
    running = replace(expired, contracts={"enpe": replace(memorandum, until=NOW.date())})

    assert allowed(given(PERSON, control=NOTHING_ARRANGED), *question) == "eea"
    assert denied(given(PERSON, control=expired), *question) is AgreementExpired
    assert allowed(given(PERSON, control=running), *question) == "eea"
    assert allowed(given(PERSON, control=expired), *question, on=date(2026, 11, 21)) == "eea"
    assert (
        denied(given(PERSON), "joint_activity", "enpe", frozenset({"work.title"}))
        is CategoryNotAllowedForPurpose
    )


@pytest.mark.clause("C38")
@pytest.mark.parametrize(
    ("since", "until", "day"), [(None, date(2026, 11, 21), 21), (date(2026, 11, 23), None, 23)]
)
def test_the_days_of_an_agreement_may_stand_in_the_policy(
    since: date | None, until: date | None, day: int
) -> None:
    """They count as long as the desk has registered none."""
    enpe = replace(POLICY.recipients["enpe"], agreement_from=since, agreement_until=until)
    policy = replace(POLICY, recipients={**POLICY.recipients, "enpe": enpe})
    dated = given(PERSON, control=NOTHING_ARRANGED, policy=policy)

    assert denied(dated, "joint_activity", "enpe") is AgreementExpired
    assert allowed(dated, "joint_activity", "enpe", on=date(2026, 11, day)) == "eea"


@pytest.mark.clause("L50", "C40")
def test_a_processor_without_a_contract_gets_nothing() -> None:
    """Art. 28(3); a contract in the policy file is one on record."""
    question = ("event_logistics", "azavista")
    azavista = replace(POLICY.recipients["azavista"], agreement_until=date(2030, 1, 1))
    policy = replace(POLICY, recipients={**POLICY.recipients, "azavista": azavista})

    assert denied(given(PERSON, control=NOTHING_ARRANGED), *question) is ContractMissing
    assert allowed(given(PERSON), *question) == "eea"
    assert allowed(given(PERSON, control=NOTHING_ARRANGED, policy=policy), *question) == "eea"
    old = Contract(kind=AgreementKind.PROCESSING, since=date(2016, 1, 1), until=date(2020, 1, 1))
    ended = replace(CONTRACTED, contracts={**CONTRACTED.contracts, "azavista": old})
    assert denied(given(PERSON, control=ended), *question) is AgreementExpired


@pytest.mark.clause("L50")
def test_a_policy_may_warn_of_a_missing_contract_instead() -> None:
    """For one recipient, and of that alone: the findings register goes on showing it."""
    warned = replace(POLICY.recipients["azavista"], without_agreement=WithoutAgreement.WARN)
    policy = replace(POLICY, recipients={**POLICY.recipients, "azavista": warned})
    person = given(PERSON, control=NOTHING_ARRANGED, policy=policy)

    assert allowed(person, "event_logistics", "azavista") == "eea"
    assert denied(person, "network_exchange", "azavista") is not None
    unwarned = {recipient.without_agreement for recipient in POLICY.recipients.values()}
    assert unwarned == {WithoutAgreement.REFUSE}


@pytest.mark.clause("L42", "C67")
@pytest.mark.parametrize(
    ("restriction", "others"),
    [
        (RESTRICT, True),
        (replace(RESTRICT, purpose="network_exchange"), False),
        (replace(RESTRICT, purpose="information"), True),
    ],
)
def test_what_is_restricted_is_not_shared(restriction: Restrict, others: bool) -> None:
    """Art. 18(2): one purpose, or every one."""
    person = given(PERSON, restriction)
    purpose = restriction.purpose or "network_exchange"
    recipient = "mailchimp" if purpose == "information" else "basecamp"

    assert denied(person, purpose, recipient) is SubjectRestricted
    answered = asked(person, "event_logistics", "contact_db")
    assert isinstance(answered, Denied) is (restriction.purpose is None)
    assert others or isinstance(asked(person, "information", "mailchimp"), Allowed)


@pytest.mark.clause("L42", "C37")
def test_a_restricted_purpose_takes_its_uses_along() -> None:
    """A use narrows its purpose."""
    person = given(PERSON, replace(RESTRICT, purpose="network_exchange"))

    assert denied(person, "joint_activity", "enpe") is SubjectRestricted


@pytest.mark.clause("L42")
def test_contested_data_are_not_shared() -> None:
    """The others are; who does not say what is shared gets a no."""
    contested = DisputeAccuracy(
        restriction=KEY, categories=frozenset({"contact.phone"}), source="email"
    )
    person = given(PERSON, contested)

    assert (
        denied(
            person,
            categories=EMAIL | {"contact.phone"},
            purpose="network_exchange",
            recipient="contact_db",
        )
        is SubjectRestricted
    )
    assert denied(person, categories=frozenset()) is SubjectRestricted
    assert allowed(person, categories=EMAIL) == "dpf"


@pytest.mark.clause("L42")
def test_the_desk_may_restrict_on_the_ground_of_an_objection() -> None:
    """One that came on paper and is not entered yet restricts everything."""
    person = given(PERSON, replace(RESTRICT, ground=RestrictionGround.OBJECTION))

    assert denied(person) is SubjectRestricted
    question = ("accounting", "tax_authority", frozenset({"financial.claim"}))
    assert denied(person, *question) is SubjectRestricted


@pytest.mark.clause("L42")
def test_a_lifted_restriction_restricts_nothing() -> None:
    """Once the person was told."""
    told = given(PERSON, RESTRICT, AnnounceLift(restriction=KEY, channel="email"))

    assert denied(told) is SubjectRestricted
    assert allowed(told.when(LiftRestriction(restriction=KEY)).after) == "dpf"


@pytest.mark.clause("C65", "C36", "L44")
@pytest.mark.parametrize(
    ("objection", "stopped"),
    [
        (OBJECT, {"basecamp", "contact_db", "members"}),
        (replace(OBJECT, purpose="network_exchange"), {"basecamp", "contact_db", "members"}),
        (replace(OBJECT, recipient="members"), {"members"}),
        (replace(OBJECT, purpose="network_exchange", recipient="members"), {"members"}),
        (replace(OBJECT, purpose="payments"), set()),
        (replace(OBJECT, purpose="joint_activity"), set()),
    ],
)
def test_what_a_person_objects_to_stops_before_it_is_decided(
    objection: RaiseObjection, stopped: set[str]
) -> None:
    """Art. 21(1) with 18(1)(d): everything, a purpose, a recipient, or one for the other."""
    person = given(PERSON, objection)

    for recipient in ("basecamp", "contact_db", "members"):
        answered = asked(person, "network_exchange", recipient, country="SE")
        if recipient in stopped:
            assert isinstance(answered, Denied)
            assert answered.refusal is Objected
        else:
            assert isinstance(answered, Allowed)


@pytest.mark.clause("C65", "L44", "L42")
def test_what_becomes_of_an_objection_decides() -> None:
    """Upheld it stops for good; else the restriction waits for the person to be told."""
    objected = given(PERSON, At(NOW, OBJECT))
    overridden = given(PERSON, At(NOW, OBJECT), ObjectionOverridden(objection=KEY))

    assert denied(objected.when(UpholdObjection(objection=KEY)).after) is Objected
    taken_back = objected.when(WithdrawObjection(objection=KEY)).after
    assert denied(taken_back) is SubjectRestricted
    announced = taken_back.state.restrictions.active[KEY].announced_by
    over = lift_told(taken_back, announced).when(LiftRestriction(restriction=KEY)).after
    assert allowed(over) == "dpf"
    assert denied(overridden) is SubjectRestricted
    assert denied(overridden, "information", "mailchimp") is Objected
    told = overridden.when(AnnounceLift(restriction=KEY, channel="email")).after
    lifted = told.when(LiftRestriction(restriction=KEY)).after
    assert allowed(lifted) == "dpf"
    assert denied(lifted, "information", "mailchimp") is Objected


@pytest.mark.clause("C37")
@pytest.mark.parametrize(
    ("objection", "stopped"),
    [
        ("photo_website", {"website"}),
        ("photo_newsletter", {"mailchimp"}),
        ("photo_reporting", {"eu_funder"}),
        ("photos", {"website", "mailchimp", "eu_funder"}),
    ],
)
def test_each_use_of_a_photograph_stops_by_itself(objection: str, stopped: set[str]) -> None:
    """Website, newsletter, reports: three uses, or all of them."""
    person = given(PERSON, replace(OBJECT, purpose=objection))
    uses = {
        "photo_website": "website",
        "photo_newsletter": "mailchimp",
        "photo_reporting": "eu_funder",
    }

    for use, recipient in uses.items():
        answered = asked(person, use, recipient, frozenset({"image.event"}))
        assert isinstance(answered, Denied) is (recipient in stopped)


@pytest.mark.clause("L43")
def test_an_objection_does_not_reach_what_the_law_demands() -> None:
    """Art. 21(1) is about interests, not about duties."""
    question = ("accounting", "tax_authority", frozenset({"financial.claim"}))

    assert allowed(given(PERSON, OBJECT), *question) == "eea"


@pytest.mark.clause("L41", "C73", "L43")
def test_what_is_suppressed_is_not_mailed() -> None:
    """By an unsubscribe, or by being on the register from before."""
    matched = SuppressionMatched(purpose="information", since=None)

    assert denied(given(SUBSCRIBER, GIVE, LEAVE), "newsletter", "mailchimp") is SubjectSuppressed
    assert denied(given(PERSON, matched), "information", "mailchimp") is SubjectSuppressed
    assert denied(given(PERSON, matched), "partner_news", "enpe") is SubjectSuppressed
    assert allowed(given(PERSON, matched)) == "dpf"


@pytest.mark.clause("C25", "L11", "L14", "L16", "C31")
@pytest.mark.parametrize(
    "history",
    [
        (),
        (RequestConsent(request=KEY, purpose="newsletter", wording=WORDING, source="import"),),
        (ImportUnprovenConsent(purpose="newsletter", source="import"),),
        (SECURITY_CONSENT,),
    ],
)
def test_without_a_consent_in_force_there_is_no_newsletter(history: tuple[object, ...]) -> None:
    """Asked for is not given, unproven is not given, and another purpose is another purpose."""
    assert denied(given(SUBSCRIBER, *history), "newsletter", "mailchimp") is ConsentMissing
    assert allowed(given(SUBSCRIBER, *history, GIVE), "newsletter", "mailchimp") == "dpf"


@pytest.mark.clause("C25", "L16")
def test_a_consent_whose_time_is_over_allows_nothing_before_its_end_is_on_record() -> None:
    """The task that records the end may be a day late, or have been out for a week."""
    newsletter = replace(POLICY.purposes["newsletter"], consent_keep=Duration(months=1))
    policy = replace(POLICY, purposes={**POLICY.purposes, "newsletter": newsletter})
    midnight = datetime(2026, 11, 1, 23, tzinfo=UTC)
    on = datetime(2026, 9, 30, 22, 1, tzinfo=UTC)
    consent = replace(GIVE, evidence=replace(GIVE.evidence, occurred_at=on))
    last, over = (
        given(SUBSCRIBER, At(on, consent), now=now, policy=policy)
        for now in (midnight - timedelta(seconds=1), midnight)
    )

    assert allowed(last, "newsletter", "mailchimp") == "dpf"
    assert denied(over, "newsletter", "mailchimp") is ConsentMissing


@pytest.mark.clause("L14")
def test_a_withdrawal_counts_from_its_recording() -> None:
    """For a purpose that is no marketing, so that nothing but the consent can be missing."""
    withdraw = WithdrawConsent(purpose="event_security", source="email")
    consented = given(SUBSCRIBER, SECURITY_CONSENT)
    question = ("event_security", "azavista", frozenset({"contact.name"}))

    assert allowed(consented, *question) == "eea"
    assert denied(consented.when(withdraw).after, *question) is ConsentMissing


@pytest.mark.clause("L43", "C25")
def test_a_consent_from_after_an_objection_prevails() -> None:
    """The person's last word; but an objection to the recipient itself stays."""
    earlier = NOW - timedelta(days=20)
    everything, again = At(earlier, OBJECT), At(NOW, at(NOW))
    question = ("newsletter", "mailchimp")

    assert denied(given(SUBSCRIBER, everything), *question) is Objected
    assert allowed(given(SUBSCRIBER, everything, again), *question) == "dpf"
    to_mailchimp = At(earlier, replace(OBJECT, recipient="mailchimp"))
    assert denied(given(SUBSCRIBER, to_mailchimp, again), *question) is Objected
    before = given(SUBSCRIBER, GIVE, At(NOW, OBJECT))
    assert denied(before, *question) is Objected


@pytest.mark.clause("C29", "L60", "L55")
def test_event_security_outside_the_eea_needs_an_explicit_consent() -> None:
    """Registering, and even consenting to the purpose, is not agreeing to the transfer."""
    name = frozenset({"contact.name"})
    outside = ("event_security", "hosts", name)
    consented = given(SUBSCRIBER, SECURITY_CONSENT)

    assert denied(given(SUBSCRIBER), *outside, country="TR") is ConsentMissing
    assert denied(consented, *outside, country="TR") is TransferConsentMissing
    assert denied(consented, *outside) is TransferConsentMissing
    assert denied(consented, *outside, country="CH") is TransferConsentMissing
    assert allowed(consented, *outside, country="BE") == "eea"
    agreed = given(SUBSCRIBER, SECURITY_CONSENT, AGREE)
    assert allowed(agreed, *outside, country="TR") == "explicit_consent"
    assert allowed(agreed, *outside, country="tr") == "explicit_consent"
    assert denied(agreed, *outside, country="CH") is TransferConsentMissing
    swiss = given(SUBSCRIBER, SECURITY_CONSENT, replace(AGREE, country="CH"))
    assert allowed(swiss, *outside, country="CH") == "adequacy_ch"


@pytest.mark.clause("L60")
def test_an_explicit_consent_carries_a_transfer_of_another_purpose_too() -> None:
    """Art. 49(1)(a) asks for no particular purpose, only for that consent; the law must know it."""
    agree = replace(AGREE, purpose="travel_booking", recipient="hotels")
    outside = ("travel_booking", "hotels", EMAIL)

    assert denied(given(PERSON), *outside, country="TR") is TransferNoBasis
    assert allowed(given(PERSON, agree), *outside, country="TR") == "explicit_consent"
    assert denied(given(PERSON, agree), *outside, country="RS") is TransferNoBasis
    early = date(2018, 5, 24)
    assert denied(given(PERSON, agree), *outside, country="TR", on=early) is TransferNoBasis


@pytest.mark.clause("L29", "C15", "C46")
def test_nothing_from_a_third_party_is_shared_before_the_person_was_told() -> None:
    """Art. 14(3)(c): at the latest when the data are first disclosed."""
    imported = given(IMPORTED)

    assert denied(imported) is NoticeMissing
    assert allowed(imported, "network_exchange", "contact_db") == "eea"
    assert allowed(imported.when(NOTICE).after) == "dpf"
    assert allowed(given(PERSON)) == "dpf"


@pytest.mark.clause("L29")
def test_a_notice_is_owed_also_for_data_that_come_later() -> None:
    """A person who registered alone, and whom somebody else then wrote about."""
    collect = CollectData(
        obtained=Obtained(purpose="network_exchange", personal={"work.title": "Director"}),
        source="member_organisation",
    )

    assert denied(given(PERSON, collect)) is NoticeMissing
    assert allowed(given(PERSON, NOTICE, collect)) == "dpf"


@pytest.mark.clause("L55", "L56", "C30")
@pytest.mark.parametrize(
    ("on", "ground"),
    [
        (date(2016, 7, 11), None),
        (date(2016, 7, 12), "privacy_shield"),
        (date(2020, 7, 15), "privacy_shield"),
        (date(2020, 7, 16), None),
        (date(2023, 7, 9), None),
        (date(2023, 7, 10), "dpf"),
    ],
)
def test_a_transfer_rests_on_a_mechanism_that_is_valid_on_the_day(
    on: date, ground: str | None
) -> None:
    """C-311/18: Privacy Shield carries nothing from 16 July 2020 on."""
    answered = asked(given(PERSON), on=on)

    if ground is None:
        assert isinstance(answered, Denied)
        assert answered.refusal is TransferNoBasis
    else:
        assert answered == Allowed(ground)


@pytest.mark.clause("L55", "L57", "C30")
def test_without_an_arrangement_nothing_goes_to_the_united_states() -> None:
    """What the policy declares ended in 2020; what lapsed carries nothing."""
    bare = replace(CONTRACTED, arrangements={})
    annulled = replace(CONTRACTED, lapses={(None, "dpf"): NOW.date()})
    there = replace(CONTRACTED, lapses={("basecamp", "dpf"): NOW.date()})
    clauses = replace(
        annulled,
        arrangements={
            **CONTRACTED.arrangements,
            ("basecamp", "scc_2021"): Arrangement(since=NOW.date(), evidence_on=NOW.date()),
        },
    )

    assert denied(given(PERSON, control=bare)) is TransferNoBasis
    assert denied(given(PERSON, control=annulled)) is TransferNoBasis
    assert allowed(given(PERSON, control=annulled), on=NOW.date() - timedelta(days=1)) == "dpf"
    assert denied(given(PERSON, control=there)) is TransferNoBasis
    assert allowed(given(PERSON, control=there), "information", "mailchimp") == "dpf"
    assert allowed(given(PERSON, control=clauses)) == "scc_2021"


@pytest.mark.clause("L55", "L57")
def test_a_lapsed_decision_on_a_country_carries_nothing() -> None:
    """Adequacy needs no arrangement, and ends like one."""
    question = ("network_exchange", "members")
    lapsed = replace(CONTRACTED, lapses={(None, "adequacy_ch"): NOW.date()})

    assert allowed(given(PERSON), *question, country="CH") == "adequacy_ch"
    assert denied(given(PERSON, control=lapsed), *question, country="CH") is TransferNoBasis


@pytest.mark.clause("L55", "L59", "C36")
@pytest.mark.parametrize(
    ("country", "ground"), [("SE", "eea"), ("se", "eea"), ("GB", "adequacy_gb")]
)
def test_members_are_in_many_countries(country: str, ground: str) -> None:
    """Sharing with one of them outside the EEA is a transfer."""
    question = ("network_exchange", "members")

    assert allowed(given(PERSON), *question, country=country) == ground
    assert denied(given(PERSON), *question, country="TR") is TransferNoBasis
    assert denied(given(PERSON), *question) is TransferNoBasis


def test_the_country_of_a_single_recipient_is_not_the_callers_to_say() -> None:
    """It is the policy's."""
    bare = replace(CONTRACTED, arrangements={})

    assert denied(given(PERSON, control=bare), country="BE") is TransferNoBasis


@pytest.mark.clause("C35")
def test_the_reasons_are_looked_for_in_one_order() -> None:
    """With everything wrong at once, each reason shows when those before it are mended."""
    outside = ("event_security", "hosts", frozenset({"contact.name"}))
    steps: list[tuple[type[Refusal], tuple[object, ...]]] = [
        (SubjectRestricted, (RESTRICT, LEAVE)),
        (ConsentMissing, ()),
        (TransferConsentMissing, (SECURITY_CONSENT,)),
        (NoticeMissing, (SECURITY_CONSENT, AGREE)),
    ]
    for refusal, history in steps:
        assert denied(given(IMPORTED, *history), *outside, country="TR") is refusal
    news = ("newsletter", "mailchimp")
    bare = replace(CONTRACTED, arrangements={})
    wrong = (RESTRICT, replace(OBJECT, objection=OTHER), LEAVE)
    for refusal, history in (
        (SubjectRestricted, wrong),
        (Objected, wrong[1:]),
        (SubjectSuppressed, wrong[2:]),
        (ConsentMissing, ()),
        (NoticeMissing, (GIVE,)),
        (TransferNoBasis, (GIVE, NOTICE)),
    ):
        assert denied(given(IMPORTED, *history, control=bare), *news) is refusal


@pytest.mark.clause("C35")
def test_what_is_wrong_for_everybody_comes_after_who_the_person_is() -> None:
    """Unknown and erased people are told apart from a wrong purpose."""
    use = use_of("astrology", "nobody", (), circumstances())

    assert isinstance(use, Denied)
    assert use.refusal is PurposeUnknown
    assert answer(use, given().state) == Denied(SubjectUnknown)
    assert answer(use, given(PERSON).state) == use
    assert denied(given(PERSON, RESTRICT), "network_exchange", "nobody") is RecipientNotListed


def test_a_denial_is_the_refusal_that_a_disclosure_meets() -> None:
    """Same class, same facts."""
    person = given(PERSON, RESTRICT)
    answered = asked(person)
    disclosure = RecordDisclosure(
        recipients=("basecamp",), purpose="network_exchange", categories=EMAIL
    )

    assert isinstance(answered, Denied)
    assert (answered.code, answered.rules) == ("subject-restricted", ("L42",))
    assert answered.raised().facts == {"ground": "unlawful"}
    person.when(disclosure).then_refused(SubjectRestricted, ground="unlawful")


@pytest.mark.parametrize(
    ("history", "question", "facts"),
    [
        (
            (),
            ("network_exchange", "mailchimp"),
            {"recipient": "mailchimp", "purpose": "network_exchange"},
        ),
        (
            (),
            ("network_exchange", "contact_db", frozenset({"web.cookie"})),
            {"promise": "statistics_stay", "recipient": "contact_db"},
        ),
        (
            (),
            ("network_exchange", "members", frozenset({"work.unit"})),
            {"category": "work.unit", "recipient": "members"},
        ),
        ((OBJECT,), ("network_exchange", "basecamp"), {"purpose": "network_exchange"}),
        ((LEAVE,), ("newsletter", "mailchimp"), {"purpose": "newsletter"}),
        ((), ("newsletter", "mailchimp"), {"purpose": "newsletter"}),
        (
            (SECURITY_CONSENT,),
            ("event_security", "hosts", frozenset({"contact.name"})),
            {"recipient": "hosts"},
        ),
        ((), ("network_exchange", "members"), {"recipient": "members"}),
    ],
)
def test_a_denial_says_what_it_is_about(
    history: tuple[object, ...], question: tuple[Any, ...], facts: dict[str, str]
) -> None:
    """Words of the policy, never a value."""
    answered = asked(given(PERSON, *history), *question)

    assert isinstance(answered, Denied)
    assert answered.facts == facts


def test_every_reason_stands_in_the_table() -> None:
    """One code each; the table is what the documentation shows."""
    codes = [refusal.code for refusal in REFUSALS]

    assert len(set(codes)) == len(codes)
    assert {
        SubjectErased,
        UnderAge,
        ContractMissing,
        AgreementExpired,
        Objected,
        NoticeMissing,
    } <= set(REFUSALS)


@pytest.mark.clause("L60")
def test_a_transfer_agreed_to_counts_whatever_country_is_named_of_a_single_recipient() -> None:
    """The country of a vendor is its own; only that of a group's member is asked for."""
    agreed = GiveExplicitTransferConsent(
        purpose="network_exchange", recipient="basecamp", evidence=EVIDENCE
    )
    person = given(PERSON, agreed, control=replace(CONTRACTED, arrangements={}))

    assert allowed(person, country="US") == "explicit_consent"
    assert allowed(person) == "explicit_consent"


@pytest.mark.clause("L55", "L60")
def test_a_law_without_the_derogation_leaves_a_transfer_without_a_ground() -> None:
    mechanisms = {key: one for key, one in LAW.mechanisms.items() if key != "explicit_consent"}
    agreed = GiveExplicitTransferConsent(
        purpose="network_exchange", recipient="basecamp", evidence=EVIDENCE
    )
    person = given(PERSON, agreed, control=replace(CONTRACTED, arrangements={}))
    without = replace(person.circumstances, law=replace(LAW, mechanisms=mechanisms))

    answered = permission(person.state, "network_exchange", "basecamp", EMAIL, without)

    assert isinstance(answered, Denied)
    assert answered.refusal is TransferNoBasis


@pytest.mark.clause("L42", "L44")
def test_a_restriction_that_an_objection_left_is_named_as_such() -> None:
    overridden = given(PERSON, At(NOW, OBJECT), ObjectionOverridden(objection=KEY))
    answered = asked(overridden)

    assert isinstance(answered, Denied)
    assert answered.facts == {"ground": "objection"}


@pytest.mark.clause("L43", "C65")
def test_only_a_consent_that_is_younger_than_the_objection_answers_it() -> None:
    """At the same moment, or before, the person's no is the last word."""
    raised = ObjectionRaised(
        objection=KEY,
        ground=ObjectionGround.OWN_SITUATION,
        purpose=None,
        recipient=None,
        cause=ObjectionCause.PERSON,
        source="email",
        request=None,
    )
    person = registration("newsletter", "network_exchange")
    for since in (NOW - timedelta(days=1), NOW, NOW + timedelta(seconds=1)):
        later = given(
            person, At(max(NOW, since), at(since)), At(NOW, raised), now=NOW + timedelta(hours=1)
        )
        answered = asked(later, "newsletter", "mailchimp")
        assert isinstance(answered, Allowed) is (since > NOW)
