"""Data collected: on the allow-list of its purpose, in its class, superseding what was there."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.domain.collections import CollectData
from app.domain.consents import GiveConsent
from app.domain.control import ControlState
from app.domain.evidence import Evidence, Wording
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import (
    CategoryDisabled,
    CategoryNotAllowedForPurpose,
    CategoryUnknown,
    LinkingForbidden,
    PurposeUnknown,
    SourceUnknown,
)
from app.domain.subjects import RegisterSubject
from app.domain.suppressions import SubjectSuppressed, Unsubscribe
from app.domain.text_values import ValueInvalid
from app.events.collections import DataCollected
from app.events.identifiers import IdentifierClaimed
from app.events.recorded import Section, Suppression
from app.events.subjects import ChildDiscovered
from app.events.suppressions import SuppressionCause, SuppressionMatched, SuppressionRecorded
from app.policy.vocabulary import PORTABLE_BASES, LegalBasis, SourceOrigin
from app.values import replace
from tests.domain.test_consents import GIVE as CONSENT
from tests.spec import NOW, OCCASION, POLICY, At, data_key, given, registration

SUBSCRIBER = registration("newsletter")
OTHER_OCCASION = UUID("1f0d9c5e-7a3b-4c2d-8e6f-0a1b2c3d4e5f")


def collect(
    purpose: str, personal: dict[str, str], *, source: str = "registration_form", **more: object
) -> CollectData:
    """One collection; `occasion` goes with the data."""
    occasion = more.pop("occasion", None)
    obtained = Obtained(purpose=purpose, personal=personal, occasion=occasion)  # type: ignore[arg-type]  # a UUID or None
    return CollectData(obtained=obtained, source=source, **more)  # type: ignore[arg-type]  # the fields of CollectData


ACCOUNT = collect("payments", {"financial.account": "BE68 5390 0754 7034"})
TRAVEL = collect(
    "travel_booking",
    {"identity.document": "EK123456", "identity.birth_date": "1980-02-29"},
    source="travelperk",
    occasion=OCCASION,
)


@pytest.mark.clause("C12", "C27", "C31", "L2")
def test_an_account_number_is_held_for_payments_in_the_class_of_vouchers() -> None:
    """C12, C27: normalised, beside the event, in the year of the claim."""
    when = given(SUBSCRIBER).when(ACCOUNT)
    when.then(
        DataCollected(
            purpose="payments",
            basis=LegalBasis.LEGITIMATE_INTEREST,
            source="registration_form",
            origin=SourceOrigin.SUBJECT,
            policy="impel-1",
            held={"financial.account": "fiscal"},
            generations={"fiscal": "year.2026"},
            occasion=None,
            dropped=0,
        )
    )

    assert when.records[0].sections == (
        Section("fiscal", "year.2026", {"financial.account": "BE68539007547034"}),
    )


@pytest.mark.clause("C27", "L62")
def test_the_year_of_a_voucher_is_the_year_in_which_it_happened() -> None:
    earlier = datetime(2024, 12, 31, 22, 59, tzinfo=UTC)  # in Brussels a minute before midnight
    command = collect("payments", {"financial.claim": "Train"}, occurred_at=earlier)
    [record] = given(SUBSCRIBER).when(command).records

    assert record.sections[0].generation == "year.2024"
    assert record.occurred_at == earlier


@pytest.mark.clause("C12", "C13", "C24", "L4")
@pytest.mark.parametrize(
    ("purpose", "category"),
    [
        ("payments", "identity.document"),
        ("newsletter", "financial.account"),
        ("event_logistics", "financial.account"),
        ("event_logistics", "identity.birth_date"),
        ("network_exchange", "identity.document"),
        ("information", "contact.phone"),
        ("joint_activity", "work.title"),
    ],
)
def test_data_outside_the_allow_list_of_the_purpose_are_refused(
    purpose: str, category: str
) -> None:
    """Art. 5(1)(c): passport data for travel and security alone, accounts for payments alone."""
    given(SUBSCRIBER).when(collect(purpose, {category: "1980-01-01"})).then_refused(
        CategoryNotAllowedForPurpose, category=category, purpose=purpose
    )


@pytest.mark.clause("C22", "C23", "C24", "C25", "C26", "C27", "C28", "C29")
@pytest.mark.parametrize(
    ("purpose", "basis", "retention_class"),
    [
        ("information", LegalBasis.LEGITIMATE_INTEREST, "participation"),
        ("network_exchange", LegalBasis.LEGITIMATE_INTEREST, "participation"),
        ("event_logistics", LegalBasis.LEGITIMATE_INTEREST, "participation"),
        ("newsletter", LegalBasis.CONSENT, "subscription"),
        ("project_collaboration", LegalBasis.LEGITIMATE_INTEREST, "participation"),
        ("payments", LegalBasis.LEGITIMATE_INTEREST, "fiscal"),
        ("event_security", LegalBasis.CONSENT, "occasion"),
    ],
)
def test_each_purpose_of_the_policy_has_its_basis_and_its_retention(
    purpose: str, basis: LegalBasis, retention_class: str
) -> None:
    [record] = given(SUBSCRIBER).when(collect(purpose, {"contact.name": "Ana"})).records

    assert (record.event.purpose, record.event.basis) == (purpose, basis)
    assert record.event.held == {"contact.name": retention_class}


@pytest.mark.clause("C13", "L65")
def test_travel_documents_lie_in_a_short_class_of_their_own_trip() -> None:
    """C13: gone at the end of the trip and some days; one key a trip."""
    when = given(SUBSCRIBER).when(TRAVEL)
    [record] = when.records

    assert record.event.held == {
        "identity.document": "travel-identity",
        "identity.birth_date": "travel-identity",
    }
    assert record.event.generations == {"travel-identity": f"occasion.{OCCASION}"}
    assert record.event.occasion == OCCASION


@pytest.mark.clause("C9")
def test_one_event_has_one_section_for_each_retention_class() -> None:
    command = collect(
        "event_logistics",
        {"contact.name": "Ana", "event.registration": "Two days", "work.title": "Juge"},
        occasion=OCCASION,
    )
    [record] = given(SUBSCRIBER).when(command).records

    assert record.sections == (
        Section("participation", "membership", {"contact.name": "Ana", "work.title": "Juge"}),
        Section("occasion", f"occasion.{OCCASION}", {"event.registration": "Two days"}),
    )
    assert record.event.generations == {
        "participation": "membership",
        "occasion": f"occasion.{OCCASION}",
    }


@pytest.mark.clause("L2")
@pytest.mark.parametrize("category", ["health.diet", "contact.fax", "", "identity.dob"])
def test_categories_that_the_policy_does_not_name_are_refused(category: str) -> None:
    """Appendix A: dietary and disability notes are special categories, and there are none here."""
    given(SUBSCRIBER).when(collect("event_logistics", {category: "vegan"})).then_refused(
        CategoryUnknown
    )


def test_the_refusal_of_an_unknown_category_does_not_repeat_it() -> None:
    with pytest.raises(CategoryUnknown) as refused:
        _ = given(SUBSCRIBER).when(collect("payments", {"anna.svensson": "x"})).records

    assert refused.value.facts == {}
    assert "svensson" not in repr(refused.value)


@pytest.mark.clause("L2", "C28")
def test_an_unknown_purpose_or_source_is_refused() -> None:
    given(SUBSCRIBER).when(collect("profiling", {"contact.name": "Ana"})).then_refused(
        PurposeUnknown
    )
    given(SUBSCRIBER).when(
        collect("payments", {"contact.name": "Ana"}, source="somewhere")
    ).then_refused(SourceUnknown)


@pytest.mark.clause("C10", "L5")
def test_gender_is_refused_until_its_necessity_is_decided() -> None:
    """C-394/23 Mousse: off by default."""
    command = collect("event_logistics", {"profile.gender": "x"})
    given(SUBSCRIBER).when(command).then_refused(CategoryDisabled, category="profile.gender")

    decided = ControlState(necessary_categories=frozenset({"profile.gender"}))
    [record] = given(SUBSCRIBER, control=decided).when(command).records
    assert record.event.held == {"profile.gender": "occasion"}


@pytest.mark.clause("C17", "C19")
@pytest.mark.parametrize("category", ["web.analytics", "web.cookie"])
def test_website_statistics_are_never_attached_to_a_person(category: str) -> None:
    command = collect("website_statistics", {category: "v"}, source="google_analytics")
    given(SUBSCRIBER).when(command).then_refused(LinkingForbidden, rule="statistics_nameless")


@pytest.mark.clause("C20", "C44")
def test_an_ip_address_from_a_questionnaire_without_the_flag_is_dropped_and_counted() -> None:
    answers = {"survey.answers": "Yes", "network.ip": "192.0.2.7"}
    command = collect("survey", answers, source="surveymonkey", occasion=OCCASION)
    [record] = given(SUBSCRIBER).when(command).records

    assert record.event.dropped == 1
    assert record.event.held == {"survey.answers": "survey"}
    assert [dict(section.personal) for section in record.sections] == [{"survey.answers": "Yes"}]


@pytest.mark.clause("C20", "C44")
def test_an_ip_address_is_held_when_the_questionnaire_says_that_it_collects_it() -> None:
    command = collect(
        "survey", {"network.ip": "2001:DB8::7"}, source="surveymonkey", flags={"collects_ip"}
    )
    [record] = given(SUBSCRIBER).when(command).records

    assert record.event.dropped == 0
    assert record.sections[0].personal == {"network.ip": "2001:db8::7"}


@pytest.mark.clause("C20")
def test_when_everything_is_dropped_only_the_count_remains() -> None:
    command = collect("survey", {"network.ip": "192.0.2.7"}, source="surveymonkey")
    [record] = given(SUBSCRIBER).when(command).records

    assert (record.event.held, record.event.dropped, record.sections) == ({}, 1, ())


def test_nothing_collected_is_nothing_recorded() -> None:
    given(SUBSCRIBER).when(collect("payments", {})).then_nothing()


@pytest.mark.clause("C7", "C8", "C9", "C12")
@pytest.mark.parametrize(
    ("purpose", "category", "value", "reason"),
    [
        ("information", "contact.email", "ana at example.org", "not-an-email-address"),
        ("event_logistics", "contact.phone", "+32 12", "not-a-phone-number"),
        ("event_logistics", "contact.phone", "0470 12 34 56", "region-missing"),
        ("event_logistics", "work.title", "x" * 161, "too-long"),
        ("payments", "financial.account", "BE68 5390 0754 7035", "not-an-iban"),
        ("payments", "financial.account", "991-2347", "not-a-bankgiro-number"),
        ("travel_booking", "identity.birth_date", "29/02/1980", "not-a-date"),
        ("travel_booking", "identity.document_country", "BEL", "not-a-country"),
    ],
)
def test_a_value_that_is_not_what_its_category_says_is_refused(
    purpose: str, category: str, value: str, reason: str
) -> None:
    given(SUBSCRIBER).when(collect(purpose, {category: value})).then_refused(
        ValueInvalid, category=category, reason=reason
    )


@pytest.mark.clause("C8")
def test_a_national_phone_number_is_read_by_the_country_of_the_organisation() -> None:
    command = collect("event_logistics", {"contact.phone": "0470 12 34 56"}, region="BE")
    records = given(SUBSCRIBER).when(command).records

    assert records[0].sections[0].personal == {"contact.phone": "+32470123456"}


@pytest.mark.clause("C11")
def test_facts_about_an_organisation_are_told_from_facts_about_the_person() -> None:
    """C11: the policy marks which categories are not personal; both may be held with a person."""
    command = collect(
        "network_exchange",
        {"work.organisation_type": "Agency", "work.organisation": "Stad", "work.unit": "Law"},
    )
    [record] = given(SUBSCRIBER).when(command).records
    categories = given().circumstances.policy.categories

    assert set(record.event.held) == {
        "work.organisation_type",
        "work.organisation",
        "work.unit",
    }
    assert [key for key in record.event.held if not categories[key].personal] == [
        "work.organisation_type"
    ]


@pytest.mark.clause("C14")
def test_a_profile_picture_is_optional() -> None:
    """C14: its absence blocks nothing, and it may come later."""
    member = given(registration("project_collaboration"))
    command = collect(
        "project_collaboration", {"image.profile": "basecamp:avatar-7"}, source="basecamp"
    )
    [record] = member.when(command).records

    assert record.event.held == {"image.profile": "participation"}
    assert given().circumstances.policy.categories["image.profile"].optional


@pytest.mark.clause("C15", "L29")
def test_invoicing_details_from_an_employer_start_the_clock_of_the_notice() -> None:
    command = collect(
        "payments",
        {"billing.contact_name": "Ana", "billing.contact_email": "ana@stad.example"},
        source="Employer",
    )
    when = given(SUBSCRIBER).when(command)

    assert when.records[0].event.source == "member_organisation"
    assert when.records[0].event.origin is SourceOrigin.THIRD_PARTY
    assert when.after.state.collections.third_party_since == NOW
    assert given(SUBSCRIBER).state.collections.third_party_since is None


@pytest.mark.clause("L29")
def test_the_clock_of_the_notice_counts_from_the_first_data_of_others() -> None:
    first = given(SUBSCRIBER).when(
        collect("payments", {"billing.address": "Street 1"}, source="member_organisation")
    )
    later = first.after.when(collect("event_logistics", {"contact.name": "Ana"}, source="azavista"))

    assert first.after.state.collections.third_party_since == NOW
    assert later.after.state.collections.third_party_since == NOW


@pytest.mark.clause("C6", "C41", "C42", "C45", "C46", "C47")
@pytest.mark.parametrize(
    ("source", "purpose", "origin"),
    [
        ("basecamp", "project_collaboration", SourceOrigin.SUBJECT),
        ("travelperk", "travel_booking", SourceOrigin.SUBJECT),
        ("mailchimp", "newsletter", SourceOrigin.SUBJECT),
        ("azavista", "event_logistics", SourceOrigin.THIRD_PARTY),
        ("google_forms", "survey", SourceOrigin.SUBJECT),
        ("surveymonkey", "survey", SourceOrigin.SUBJECT),
    ],
)
def test_every_system_of_the_policy_is_a_source(
    source: str, purpose: str, origin: SourceOrigin
) -> None:
    command = collect(purpose, {"contact.name": "Ana"}, source=source)
    [record] = given(SUBSCRIBER).when(command).records

    assert (record.event.source, record.event.origin) == (source, origin)


@pytest.mark.clause("C7")
def test_a_further_address_leads_to_the_person_as_well() -> None:
    """Whatever address a system was given must be found again when it unsubscribes."""
    command = collect("event_logistics", {"contact.email": "Ana@Work.example"})
    collection, claimed = given(SUBSCRIBER).when(command).records

    assert isinstance(claimed.event, IdentifierClaimed)
    assert claimed.event.value_at == 4, "the collection follows the three events of the history"
    assert claimed.claims[0].value == "ana@work.example"
    assert collection.suppressions == ()


@pytest.mark.clause("C7")
def test_an_address_that_leads_to_the_person_already_is_not_claimed_again() -> None:
    command = collect(
        "event_logistics",
        {"contact.email": "zoe.angstrom@stad.example"},
        identified=frozenset({"contact.email"}),
    )
    [record] = given(SUBSCRIBER).when(command).records
    assert isinstance(record.event, DataCollected)


@pytest.mark.clause("C7", "L41")
def test_who_is_suppressed_is_suppressed_under_a_further_address_too() -> None:
    suppressed = SuppressionRecorded(
        purpose="newsletter", cause=SuppressionCause.UNSUBSCRIBE, source="mailchimp"
    )
    command = collect("event_logistics", {"contact.email": "ana@work.example"})
    collection, _ = given(SUBSCRIBER, suppressed).when(command).records

    assert collection.suppressions == (Suppression("newsletter", "ana@work.example"),)


@pytest.mark.clause("L41")
def test_data_for_a_suppressed_purpose_are_refused_and_others_remember_the_match() -> None:
    newsletter = collect(
        "newsletter", {"contact.email": "b@example.org"}, suppressed_for={"newsletter"}
    )
    given(SUBSCRIBER).when(newsletter).then_refused(SubjectSuppressed, purpose="newsletter")

    logistics = collect(
        "event_logistics", {"contact.email": "b@example.org"}, suppressed_for={"newsletter"}
    )
    events = [record.event for record in given(SUBSCRIBER).when(logistics).records]
    assert [type(event) for event in events] == [
        DataCollected,
        IdentifierClaimed,
        SuppressionMatched,
    ]


@pytest.mark.clause("L41", "L12")
def test_a_later_consent_opens_what_the_register_had_closed() -> None:
    consent = GiveConsent(
        purpose="newsletter",
        evidence=Evidence(
            wording=Wording(digest="a" * 64, language="sv", policy="impel-1"),
            method="form",
            source="registration_form",
            occurred_at=datetime(2026, 10, 1, tzinfo=UTC),
            reference="entry 7",
        ),
    )
    command = collect(
        "newsletter", {"contact.email": "b@example.org"}, suppressed_for={"newsletter"}
    )
    events = [record.event for record in given(SUBSCRIBER, consent).when(command).records]

    assert [type(event) for event in events] == [DataCollected, IdentifierClaimed]


@pytest.mark.clause("C75", "L19")
def test_a_date_of_birth_that_makes_a_known_person_a_child_marks_them_for_erasure() -> None:
    """C75: the date itself is not kept, and what is held is to be erased."""
    command = collect("travel_booking", {"identity.birth_date": "2015-01-01"}, source="TravelPerk")
    when = given(SUBSCRIBER).when(command)
    when.then(ChildDiscovered(source="travelperk", policy="impel-1", minimum_age=16))

    assert when.records[0].sections == ()
    assert when.after.state.child


@pytest.mark.clause("L31", "C64")
def test_the_state_says_what_is_held_for_what_on_which_basis_from_where_since_when() -> None:
    """Art. 15(1)(a), (b), (g): what the access report needs, without any value."""
    at = datetime(2026, 10, 2, 8, 0, tzinfo=UTC)
    state = given(SUBSCRIBER, collect("payments", {"financial.account": "9912346"}, occurred_at=at))
    held = state.state.collections.held["financial.account", "payments", None]

    assert (held.category, held.purpose, held.basis) == (
        "financial.account",
        "payments",
        LegalBasis.LEGITIMATE_INTEREST,
    )
    assert (held.source, held.origin, held.since) == (
        "registration_form",
        SourceOrigin.SUBJECT,
        at,
    )
    assert (held.version, held.retention_class, held.generation) == (4, "fiscal", "year.2026")
    assert held.key_id == data_key("fiscal", "year.2026")
    assert (held.policy, held.occasion, held.rectified) == ("impel-1", None, False)


@pytest.mark.clause("C68", "L35")
def test_the_state_tells_what_the_law_makes_portable_from_what_the_policy_promises() -> None:
    """Art. 20(1): given by the person, on consent or contract; the policy promises all of it."""
    billing = collect("payments", {"billing.address": "Street 1"}, source="member_organisation")
    state = given(registration("newsletter", "event_logistics"), billing).state
    promised = {(held.category, held.purpose) for held in state.collections.current()}
    legal = {
        (held.category, held.purpose)
        for held in state.collections.current()
        if held.basis in PORTABLE_BASES and held.origin is SourceOrigin.SUBJECT
    }

    assert legal == {("contact.name", "newsletter"), ("contact.email", "newsletter")}
    assert legal < promised
    assert ("billing.address", "payments") in promised


@pytest.mark.clause("L6")
def test_a_newer_value_for_the_same_purpose_supersedes_the_older() -> None:
    """Art. 5(1)(d): one current value; the one before is history with its dates."""
    twice = given(SUBSCRIBER, ACCOUNT).when(ACCOUNT).after.state.collections
    current, former = twice.held["financial.account", "payments", None].history()

    assert (current.version, current.superseded_at) == (5, None)
    assert (former.version, former.superseded_at) == (4, NOW)
    assert [held.version for held in twice.of_category("financial.account")] == [5]


@pytest.mark.clause("C13")
def test_data_of_two_trips_stand_side_by_side() -> None:
    other = collect(
        "travel_booking", {"identity.document": "EK9"}, source="travelperk", occasion=OTHER_OCCASION
    )
    collections = given(SUBSCRIBER, TRAVEL, other).state.collections

    assert {held.occasion for held in collections.of_category("identity.document")} == {
        OCCASION,
        OTHER_OCCASION,
    }


def test_values_for_two_purposes_stand_side_by_side() -> None:
    collections = given(registration("event_logistics", "newsletter")).state.collections

    assert {held.purpose for held in collections.of_category("contact.email")} == {
        "event_logistics",
        "newsletter",
    }
    assert collections.for_purpose("newsletter") == {"contact.name", "contact.email"}


def test_a_value_never_shows_in_what_is_printed() -> None:
    command = collect("payments", {"financial.account": "BE68539007547034"})
    when = given(SUBSCRIBER).when(command)

    assert "BE68" not in repr(command)
    assert "BE68" not in repr(when.records)


@pytest.mark.clause("L41", "L4", "C66")
@pytest.mark.parametrize(
    ("purpose", "category"),
    [
        ("erasure_execution", "execution.identifier"),
        ("rights_requests", "contact.name"),
        ("consent_proof", "consent.evidence"),
    ],
)
def test_nobody_else_holds_anything_for_a_purpose_of_the_ledgers_own(
    purpose: str, category: str
) -> None:
    """What lies there outlasts an erasure: no collection and no registration reaches it."""
    refused = {"category": category, "purpose": purpose}
    obtained = Obtained(purpose=purpose, personal={category: "Zoë"})

    command = CollectData(obtained=obtained, source="secretariat")
    given(SUBSCRIBER).when(command).then_refused(CategoryNotAllowedForPurpose, **refused)
    registering = RegisterSubject(source="secretariat", obtained=(obtained,))
    given().when(registering).then_refused(CategoryNotAllowedForPurpose, **refused)


@pytest.mark.clause("C16", "L62")
def test_what_the_law_demands_of_the_controller_is_collected_as_ever() -> None:
    """Accounting is no concern of the ledger's own."""
    command = collect("accounting", {"financial.claim": "Train, 41 EUR"}, source="secretariat")

    assert given(SUBSCRIBER).when(command).records


@pytest.mark.clause("L29", "C20")
def test_what_was_dropped_was_not_obtained_from_anybody() -> None:
    """Nothing is held, so there is nothing to tell the person of."""
    dropped = collect("survey", {"network.ip": "192.0.2.7"}, source="azavista")

    assert given(SUBSCRIBER, dropped).state.collections.third_party_since is None


@pytest.mark.clause("L29")
def test_what_the_person_gives_later_does_not_stop_the_clock_of_the_notice() -> None:
    others = collect("event_logistics", {"contact.name": "Ana"}, source="azavista")
    own = collect("payments", {"billing.address": "Street 1"})

    assert given(SUBSCRIBER, At(NOW, others), own).state.collections.third_party_since == NOW


@pytest.mark.clause("C73", "L41")
def test_a_consent_opens_what_the_register_closed_and_a_suppression_on_record_closes_it() -> None:
    """The register's token may be older than the consent; the person's own record is not."""
    command = collect(
        "newsletter", {"contact.name": "Ana"}, suppressed_for=frozenset({"newsletter"})
    )
    left = Unsubscribe(purpose="newsletter", source="mailchimp")

    assert given(SUBSCRIBER, CONSENT).when(command).records
    given(SUBSCRIBER, CONSENT, left).when(command).then_refused(SubjectSuppressed)


@pytest.mark.clause("L2")
def test_a_special_category_is_none_for_this_controller_whatever_a_policy_says() -> None:
    """Art. 9(1): no basis of Art. 6 is enough for it."""
    special = replace(POLICY.categories["work.unit"], special=True)
    policy = replace(POLICY, categories={**POLICY.categories, "work.unit": special})
    command = collect("network_exchange", {"work.unit": "Law"})

    assert given(SUBSCRIBER).when(command).records
    given(SUBSCRIBER, policy=policy).when(command).then_refused(CategoryUnknown)
