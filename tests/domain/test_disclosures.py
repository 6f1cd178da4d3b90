"""A share is recorded once for each recipient, or refused with its reason (C35, L32)."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

import pytest

from app.domain.children import UnderAge
from app.domain.consents import GiveConsent, WithdrawConsent
from app.domain.control import Contract, ControlState
from app.domain.disclosures import CountryUnknown, DisclosureEmpty, RecordDisclosure
from app.domain.evidence import Evidence, Wording
from app.domain.notices import ShowNotice
from app.domain.objections import RaiseObjection
from app.domain.permissions import (
    CategoryNotShareable,
    ConsentMissing,
    DisclosureProhibited,
    NoticeMissing,
    Objected,
    TransferNoBasis,
)
from app.domain.purpose_limitation import (
    CategoryNotAllowedForPurpose,
    CategoryUnknown,
    LinkingForbidden,
    PurposeUnknown,
    SourceUnknown,
)
from app.domain.recipients import AgreementExpired, ContractMissing, RecipientNotListed
from app.domain.restrictions import Restrict, SubjectRestricted
from app.domain.subjects import DiscoverChild
from app.events.disclosures import DataDisclosed
from app.events.notices import NoticeChannel
from app.events.recorded import Record
from app.events.restrictions import RestrictionGround
from app.policy.vocabulary import AgreementKind
from app.values import replace
from tests.spec import (
    CONTRACTED,
    NOTHING_ARRANGED,
    NOW,
    OCCASION,
    POLICY,
    Given,
    fold,
    given,
    registration,
)

MEMBER = UUID("dddddddd-0000-4000-8000-000000000001")
PERSON = registration("event_logistics", "network_exchange", "information", "newsletter")
NAME_AND_ADDRESS = frozenset({"contact.name", "contact.email"})
BEFORE_2020_07_16 = datetime(2019, 9, 1, tzinfo=UTC)
ON_2020_07_15 = datetime(2020, 7, 15, 21, 59, tzinfo=UTC)
ON_2020_07_16 = datetime(2020, 7, 15, 22, tzinfo=UTC)
"""Midnight in Brussels: there the day begins."""
CONSENT = GiveConsent(
    purpose="newsletter",
    evidence=Evidence(
        wording=Wording(digest="a" * 64, language="sv", policy="impel-1"),
        method="form",
        source="registration_form",
        occurred_at=datetime(2026, 10, 1, tzinfo=UTC),
        reference="entry 7",
    ),
)


def share(*recipients: str, purpose: str = "event_logistics", **more: Any) -> RecordDisclosure:
    """Name and address go to recipients, for an event."""
    fields: dict[str, Any] = {"categories": NAME_AND_ADDRESS, "purpose": purpose}
    return RecordDisclosure(recipients=recipients, **(fields | more))


@pytest.mark.clause("C23", "C24", "C35", "C46", "L32")
def test_a_share_is_one_event_with_who_what_why_where_and_on_which_ground() -> None:
    when = given(PERSON).when(share("azavista", occasion=OCCASION, source="registration_form"))
    when.then(
        DataDisclosed(
            recipient="azavista",
            member=None,
            country="nl",
            mechanism="eea",
            purpose="event_logistics",
            categories=("contact.email", "contact.name"),
            source="registration_form",
            occasion=OCCASION,
            policy="impel-1",
        )
    )

    assert when.records[0].sections == ()


@pytest.mark.clause("C23", "L32")
def test_several_recipients_are_several_events_each_named_once() -> None:
    command = share("azavista", "contact_db", "Azavista", "onedrive")
    events = [record.event for record in given(PERSON).when(command).records]

    assert [event.recipient for event in events] == ["azavista", "contact_db", "onedrive"]
    assert [event.mechanism for event in events] == ["eea", "eea", "dpf"]


@pytest.mark.clause("C35")
def test_one_refused_recipient_refuses_the_whole_share() -> None:
    """Nothing is written, so that nobody shares with the others in the belief that it was."""
    given(PERSON).when(share("azavista", "facebook_ads")).then_refused(RecipientNotListed)


@pytest.mark.clause("C35")
@pytest.mark.parametrize(
    ("recipient", "purpose"),
    [("someone", "event_logistics"), ("enpe", "event_logistics"), ("bank", "information")],
)
def test_whoever_is_not_listed_for_the_purpose_gets_nothing(recipient: str, purpose: str) -> None:
    """C35: default deny; the list is that of the policy version in force."""
    given(PERSON).when(share(recipient, purpose=purpose)).then_refused(RecipientNotListed)


@pytest.mark.clause("C36", "C23", "L59")
def test_basic_contact_details_go_to_a_named_member_in_a_named_country() -> None:
    command = share(
        "members", purpose="network_exchange", member=MEMBER, country="SE", occasion=OCCASION
    )
    [record] = given(PERSON).when(command).records

    assert (record.event.recipient, record.event.member) == ("members", MEMBER)
    assert (record.event.country, record.event.mechanism) == ("se", "eea")
    given(PERSON).when(
        share("members", purpose="network_exchange", member=MEMBER, country="TR")
    ).then_refused(TransferNoBasis)
    given(PERSON).when(share("members", purpose="network_exchange")).then_refused(TransferNoBasis)


@pytest.mark.clause("C36", "C38")
@pytest.mark.parametrize(
    ("recipient", "purpose", "category", "refusal"),
    [
        ("members", "network_exchange", "work.unit", CategoryNotShareable),
        ("members", "network_exchange", "financial.account", CategoryNotAllowedForPurpose),
        ("members", "network_exchange", "identity.document", CategoryNotAllowedForPurpose),
        ("enpe", "joint_activity", "work.title", CategoryNotAllowedForPurpose),
        ("envicrimenet", "partner_news", "work.organisation", CategoryNotAllowedForPurpose),
    ],
)
def test_members_and_partners_get_contact_details_only(
    recipient: str, purpose: str, category: str, refusal: type[CategoryNotShareable]
) -> None:
    command = share(
        recipient, purpose=purpose, categories=frozenset({category}), member=MEMBER, country="SE"
    )
    given(PERSON).when(command).then_refused(refusal, category=category)


@pytest.mark.clause("C38")
def test_a_partner_gets_nothing_after_its_memorandum_expired() -> None:
    expired = Contract(
        kind=AgreementKind.MEMORANDUM, since=date(2020, 1, 1), until=date(2026, 11, 21)
    )
    control = _with_contract("enpe", expired)
    command = share("enpe", purpose="joint_activity")

    assert given(PERSON).when(command).records
    given(PERSON, control=control).when(command).then_refused(AgreementExpired, recipient="enpe")


@pytest.mark.clause("L50", "C40")
def test_a_processor_without_a_contract_gets_nothing() -> None:
    given(PERSON, control=NOTHING_ARRANGED).when(share("azavista")).then_refused(
        ContractMissing, recipient="azavista"
    )


@pytest.mark.clause("C18", "C54")
def test_what_the_policy_promises_never_to_share_is_not_shared() -> None:
    person = given(PERSON)
    person.when(share("contact_db", source="google_analytics")).then_refused(
        DisclosureProhibited, promise="statistics_stay"
    )
    person.when(share("contact_db", source="Tawk.to")).then_refused(
        DisclosureProhibited, promise="chat_stays"
    )


@pytest.mark.clause("C19")
def test_statistics_about_a_person_are_nobody_s_to_give() -> None:
    command = share(
        "google_analytics",
        purpose="website_statistics",
        categories=frozenset({"web.analytics"}),
    )
    given(PERSON).when(command).then_refused(LinkingForbidden)


@pytest.mark.clause("C29", "L60")
def test_registering_for_an_event_permits_no_disclosure_for_its_security() -> None:
    """C29: the footnote takes registering for agreement; it is none."""
    command = share(
        "hosts",
        purpose="event_security",
        categories=frozenset({"contact.name"}),
        member=MEMBER,
        country="TR",
    )
    given(PERSON).when(command).then_refused(ConsentMissing, purpose="event_security")


@pytest.mark.clause("C30", "L55", "L56")
def test_the_declared_shield_carries_until_its_last_day_and_never_after() -> None:
    """C-311/18: invalid since 16 July 2020; what was shared before stays what it was."""
    person = given(PERSON, control=_only_contracts())

    def at(moment: datetime) -> RecordDisclosure:
        return share("onedrive", occurred_at=moment)

    for moment in (BEFORE_2020_07_16, ON_2020_07_15):
        [record] = person.when(at(moment)).records
        assert record.event.mechanism == "privacy_shield"
        assert record.event.country == "us"
        assert record.occurred_at == moment
    person.when(at(ON_2020_07_16)).then_refused(TransferNoBasis, recipient="onedrive")
    person.when(share("onedrive")).then_refused(TransferNoBasis, recipient="onedrive")


@pytest.mark.clause("L29", "C15", "C46")
def test_data_of_others_are_not_shared_before_the_person_was_told() -> None:
    """Art. 14(3)(c)."""
    person = given(registration("event_logistics", source="azavista"))
    notice = ShowNotice(policy="impel-1", language="sv", channel=NoticeChannel.EMAIL)

    person.when(share("azavista")).then_refused(NoticeMissing)
    assert person.when(notice).after.when(share("azavista")).records


@pytest.mark.clause("C25", "C31", "C45", "L11", "L14")
def test_the_newsletter_goes_to_those_who_consent() -> None:
    command = share("mailchimp", purpose="newsletter")
    person = given(PERSON)
    person.when(command).then_refused(ConsentMissing, purpose="newsletter")
    consented = person.when(CONSENT).after

    assert consented.when(command).records[0].event.mechanism == "dpf"
    withdrawn = consented.when(WithdrawConsent(purpose="newsletter", source="mailchimp")).after
    with pytest.raises(Exception, match=r"subject-suppressed|consent-missing"):
        _ = withdrawn.when(command).records


@pytest.mark.clause("C22", "C65", "L43")
def test_an_objection_stops_the_news_at_once() -> None:
    command = share("mailchimp", purpose="information")
    person = given(PERSON)
    objection = RaiseObjection(objection=OCCASION, source="self_service", purpose="information")

    assert person.when(command).records
    with pytest.raises(Exception, match=r"objected|subject-suppressed"):
        _ = person.when(objection).after.when(command).records


@pytest.mark.clause("C36", "L44")
def test_who_objects_to_a_recipient_is_left_out_of_what_it_gets() -> None:
    command = share("members", purpose="network_exchange", member=MEMBER, country="SE")
    objection = RaiseObjection(objection=OCCASION, source="self_service", recipient="members")

    given(PERSON, objection).when(command).then_refused(Objected)
    assert given(PERSON, objection).when(share("azavista")).records


@pytest.mark.clause("L42")
def test_restricted_data_are_not_shared() -> None:
    restriction = Restrict(
        restriction=OCCASION, ground=RestrictionGround.UNLAWFUL, source="self_service"
    )
    given(PERSON, restriction).when(share("azavista")).then_refused(SubjectRestricted)


@pytest.mark.clause("C75")
def test_a_child_s_data_are_not_shared() -> None:
    child = given(PERSON, DiscoverChild(source="secretariat"))
    child.when(share("azavista")).then_refused(UnderAge)


@pytest.mark.clause("C41", "C42", "C43", "C44", "C45", "C46", "C47", "L50")
@pytest.mark.parametrize(
    ("recipient", "purpose", "categories"),
    [
        ("basecamp", "project_collaboration", NAME_AND_ADDRESS),
        ("travelperk", "travel_booking", {"identity.document"}),
        ("onedrive", "event_logistics", NAME_AND_ADDRESS),
        ("surveymonkey", "survey", NAME_AND_ADDRESS),
        ("mailchimp", "information", NAME_AND_ADDRESS),
        ("azavista", "event_logistics", NAME_AND_ADDRESS),
        ("Google formulär", "survey", NAME_AND_ADDRESS),
    ],
)
def test_every_system_of_the_policy_is_a_recipient_under_contract(
    recipient: str, purpose: str, categories: set[str]
) -> None:
    command = share(recipient, purpose=purpose, categories=frozenset(categories))
    [record] = given(PERSON).when(command).records
    listed = POLICY.recipient(recipient)

    assert listed is not None
    assert record.event.recipient == listed.key
    given(PERSON, control=NOTHING_ARRANGED).when(command).then_refused(ContractMissing)


@pytest.mark.clause("L2", "L32")
def test_a_share_names_a_recipient_a_category_a_purpose_and_a_source_of_the_policy() -> None:
    person = given(PERSON)
    person.when(share()).then_refused(DisclosureEmpty)
    person.when(share("azavista", categories=frozenset())).then_refused(DisclosureEmpty)
    person.when(share("azavista", purpose="curiosity")).then_refused(PurposeUnknown)
    person.when(share("azavista", country="Sweden")).then_refused(CountryUnknown)
    person.when(share("azavista", source="somewhere")).then_refused(SourceUnknown)
    person.when(share("azavista", categories=frozenset({"health.diet"}))).then_refused(
        CategoryUnknown
    )


@pytest.mark.clause("L4", "C24")
def test_a_share_is_bound_to_the_allow_list_of_its_purpose() -> None:
    command = share("azavista", categories=frozenset({"financial.account"}))
    given(PERSON).when(command).then_refused(
        CategoryNotAllowedForPurpose, category="financial.account", purpose="event_logistics"
    )


@pytest.mark.clause("L31", "L32", "C64")
def test_the_state_names_every_recipient_and_all_that_it_was_given() -> None:
    """C-154/21: recipients by name, not by kind; exactly those of the events."""
    earlier = datetime(2025, 1, 2, tzinfo=UTC)
    other = uuid5(MEMBER, "other")
    person = given(
        PERSON,
        share("azavista", categories=frozenset({"contact.name"})),
        share("members", purpose="network_exchange", member=MEMBER, country="SE"),
        share("members", purpose="network_exchange", member=other, country="FI"),
        share("azavista", categories=frozenset({"contact.phone"}), occurred_at=earlier),
    )
    after = _after(person, share("onedrive", purpose="network_exchange"))
    shared = after.state.disclosures.shared

    assert set(shared) == {
        ("azavista", None),
        ("members", MEMBER),
        ("members", other),
        ("onedrive", None),
    }
    assert after.state.disclosures.recipients() == {"azavista", "members", "onedrive"}
    azavista = shared["azavista", None]
    assert azavista.categories == {"contact.name", "contact.phone"}
    assert azavista.purposes == {"event_logistics"}
    assert azavista.count == 2
    assert azavista.first_at == earlier < azavista.last_at < NOW
    assert azavista.mechanisms == {"eea"}
    assert azavista.countries == {"nl"}
    onedrive = shared["onedrive", None]
    assert (onedrive.first_at, onedrive.last_at, onedrive.count) == (NOW, NOW, 1)
    assert onedrive.mechanisms == {"dpf"}
    assert onedrive.countries == {"us"}
    assert shared["members", other].countries == {"fi"}
    assert set(after.state.disclosures.of_category("contact.phone")) == {("azavista", None)}


def test_a_member_is_named_for_groups_only() -> None:
    [record] = given(PERSON).when(share("azavista", member=MEMBER, country="US")).records

    assert (record.event.member, record.event.country) == (None, "nl")


def _after(person: Given, command: object) -> Given:
    return person.when(command).after


def _with_contract(recipient: str, contract: Contract) -> ControlState:
    return replace(CONTRACTED, contracts={**CONTRACTED.contracts, recipient: contract})


def _only_contracts() -> ControlState:
    return replace(CONTRACTED, arrangements={})


@pytest.mark.clause("L32")
def test_everything_that_one_recipient_was_ever_given_adds_up() -> None:
    """C-154/21: by name, for every purpose, on every ground, in every country."""
    early, late = datetime(2020, 1, 7, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    more = frozenset({"contact.name", "work.title"})
    person = given(PERSON, share("onedrive", occurred_at=late))
    both = person.when(
        share("onedrive", purpose="network_exchange", categories=more, occurred_at=early)
    ).after
    shared = both.state.disclosures.shared["onedrive", None]

    assert shared.purposes == {"event_logistics", "network_exchange"}
    assert shared.categories == {"contact.name", "contact.email", "work.title"}
    assert (shared.first_at, shared.last_at, shared.count) == (early, late, 2)


@pytest.mark.clause("L32", "L59")
def test_a_member_that_moved_was_given_data_in_both_countries_and_on_both_grounds() -> None:
    person = given(PERSON)
    for country, mechanism in (("se", "eea"), ("ch", "adequacy")):
        event = DataDisclosed(
            recipient="members",
            member=MEMBER,
            country=country,
            mechanism=mechanism,
            purpose="network_exchange",
            categories=("contact.name",),
            source=None,
            occasion=None,
            policy="impel-1",
        )
        person = Given(fold(person.state, (Record(event),), NOW), person.circumstances)
    shared = person.state.disclosures.shared["members", MEMBER]

    assert shared.countries == {"se", "ch"}
    assert shared.mechanisms == {"eea", "adequacy"}
