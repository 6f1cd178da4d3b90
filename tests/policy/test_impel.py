"""The packaged policy says what the clauses of the text say, in keys that decisions can use."""

from datetime import date

import pytest

from app.policy.vocabulary import (
    AgreementKind,
    DeclaredIn,
    FieldClass,
    IdentifierKind,
    LegalBasis,
    RecipientRole,
    Right,
    SourceOrigin,
    ValueFormat,
)
from tests.policy.notices import impel, law

TODAY = date(2026, 11, 22)
SIX = {
    "information": "C22",
    "network_exchange": "C23",
    "event_logistics": "C24",
    "newsletter": "C25",
    "project_collaboration": "C26",
    "payments": "C27",
}
US_VENDORS = (
    "basecamp", "onedrive", "google_drive", "google_forms", "surveymonkey", "mailchimp",
    "google_analytics", "tawk", "x_twitter", "meta",
)  # fmt: skip


@pytest.mark.clause("C22", "C23", "C24", "C25", "C26", "C27", "C28", "C29")
def test_the_purposes_are_the_six_of_the_list_and_the_one_of_the_footnote() -> None:
    policy = impel()
    listed = {key for key, found in policy.purposes.items() if found.declared_in is DeclaredIn.LIST}

    assert listed == set(SIX)
    assert set(policy.purposes) == {*SIX, "event_security"}
    assert all(clause in policy.purposes[key].clauses for key, clause in SIX.items())
    assert policy.purposes["event_security"].declared_in is DeclaredIn.FOOTNOTE


@pytest.mark.clause("C25", "C31", "L11")
def test_the_newsletter_rests_on_consent_and_the_rest_of_the_list_on_interest() -> None:
    purposes = impel().purposes

    assert purposes["newsletter"].legal_basis is LegalBasis.CONSENT
    assert {purposes[key].legal_basis for key in set(SIX) - {"newsletter"}} == {
        LegalBasis.LEGITIMATE_INTEREST
    }


@pytest.mark.clause("C29", "L13")
def test_event_security_needs_explicit_consent_of_its_own() -> None:
    purpose = impel().purposes["event_security"]

    assert purpose.legal_basis is LegalBasis.CONSENT
    assert purpose.explicit_consent
    assert not purpose.objectable


@pytest.mark.clause("C22", "C25", "C38", "L43")
def test_news_and_newsletters_are_direct_marketing_and_nothing_else_is() -> None:
    marketing = {found.key for found in impel().all_purposes() if found.direct_marketing}

    assert marketing == {"information", "newsletter", "partner_news"}
    assert impel().purposes["newsletter"].objectable


@pytest.mark.clause("C36", "C37", "C38", "L44")
def test_what_rests_on_interest_can_be_objected_to_item_by_item() -> None:
    policy = impel()
    objectable = {found.key for found in policy.all_purposes() if found.objectable}

    assert objectable >= {
        "network_exchange", "joint_activity", "partner_news", "photo_website",
        "photo_newsletter", "photo_reporting", "survey", "travel_booking",
    }  # fmt: skip
    assert objectable.isdisjoint({"accounting", "event_security", "chat", "website_statistics"})


@pytest.mark.clause("C37")
def test_an_objection_to_photographs_reaches_their_three_uses_and_each_stands_alone() -> None:
    policy = impel()
    uses = ("photo_website", "photo_newsletter", "photo_reporting")

    assert {one.key for one in policy.uses.values() if one.parent == "photos"} == set(uses)
    assert [policy.lineage(use) for use in uses] == [(use, "photos") for use in uses]


@pytest.mark.clause("C38")
def test_partner_news_falls_with_information_and_joint_activity_with_exchange() -> None:
    policy = impel()

    assert policy.lineage("partner_news") == ("partner_news", "information")
    assert policy.lineage("joint_activity") == ("joint_activity", "network_exchange")
    assert policy.lineage("information") == ("information",)
    assert policy.lineage("nothing") == ("nothing",)


@pytest.mark.clause("C13", "L4")
def test_identity_documents_are_for_travel_and_entry_alone() -> None:
    allowed = {
        found.key for found in impel().all_purposes() if "identity.document" in found.categories
    }

    assert allowed == {"travel_booking", "event_security"}


@pytest.mark.clause("C12", "L4")
def test_account_numbers_are_for_payments_and_their_vouchers_alone() -> None:
    category = impel().categories["financial.account"]
    allowed = {
        found.key for found in impel().all_purposes() if "financial.account" in found.categories
    }

    assert allowed == {"payments", "accounting"}
    assert category.mask
    assert category.format is ValueFormat.ACCOUNT


@pytest.mark.clause("C10", "L5")
def test_gender_alone_is_off_by_default() -> None:
    off = {key for key, found in impel().categories.items() if not found.enabled_by_default}

    assert off == {"profile.gender"}


@pytest.mark.clause("C6", "C7", "C8", "C9", "C11", "C12", "C13", "C14", "C15", "C16", "C17")
def test_every_field_of_the_list_is_a_category() -> None:
    categories = impel().categories
    by_clause = {
        "C6": "contact.name", "C7": "contact.email", "C8": "contact.phone", "C9": "work.title",
        "C10": "profile.gender", "C11": "work.organisation", "C12": "financial.account",
        "C13": "identity.document", "C14": "image.profile", "C15": "billing.address",
        "C16": "signature.attendance", "C17": "web.analytics", "C20": "network.ip",
    }  # fmt: skip

    assert all(clause in categories[key].clauses for clause, key in by_clause.items())
    assert categories["identity.birth_date"].format is ValueFormat.DATE


@pytest.mark.clause("C7", "C8")
def test_a_person_is_found_by_address_or_telephone_number_alone() -> None:
    kinds = {
        key: found.identifier_kind
        for key, found in impel().categories.items()
        if found.identifier_kind is not None
    }

    assert kinds == {
        "contact.email": IdentifierKind.EMAIL,
        "contact.phone": IdentifierKind.PHONE,
    }


@pytest.mark.clause("C11")
def test_facts_about_an_organisation_are_not_personal() -> None:
    impersonal = {key for key, found in impel().categories.items() if not found.personal}

    assert impersonal == {
        "work.organisation_address", "work.organisation_country", "work.organisation_type",
        "billing.reference",
    }  # fmt: skip


@pytest.mark.clause("C14")
def test_a_profile_picture_is_voluntary() -> None:
    category = impel().categories["image.profile"]

    assert category.optional
    assert category.field_class is FieldClass.IMAGE


@pytest.mark.clause("C20")
def test_an_ip_address_is_taken_only_from_a_source_that_says_so() -> None:
    category = impel().categories["network.ip"]

    assert category.personal
    assert category.requires_flag == "collects_ip"


def test_no_category_is_special() -> None:
    assert not [key for key, found in impel().categories.items() if found.special]
    assert impel().category("health.diet") is None


@pytest.mark.clause("C16", "C27", "C71")
def test_signatures_and_vouchers_are_kept_by_law() -> None:
    policy = impel()
    purpose = policy.purpose("accounting")

    assert purpose is not None
    assert purpose.legal_basis is LegalBasis.LEGAL_OBLIGATION
    assert policy.retention_class("signature.attendance", "accounting") == "fiscal"
    assert policy.retention_class("financial.account", "payments") == "fiscal"
    assert policy.retention_classes["fiscal"].survives_erasure
    assert policy.retention_classes["fiscal"].isolated


@pytest.mark.clause("C13", "C29", "C32", "L65")
@pytest.mark.parametrize("purpose", ["travel_booking", "event_security"])
@pytest.mark.parametrize("category", ["identity.document", "identity.birth_date"])
def test_identity_documents_have_a_short_class_of_their_own(category: str, purpose: str) -> None:
    policy = impel()
    key = policy.retention_class(category, purpose)

    assert key == "travel-identity"
    assert policy.retention_classes[key].until(date(2026, 6, 1)) == date(2026, 7, 1)


@pytest.mark.clause("C32")
def test_participation_is_kept_for_seven_years_at_the_most() -> None:
    found = impel().retention_classes["participation"]

    assert found.nature == "ceiling"
    assert found.until(date(2026, 3, 1)) == date(2033, 3, 1)
    assert found.until(date(2024, 2, 29)) == date(2031, 2, 28)


def test_every_retention_class_names_a_norm_and_a_reason() -> None:
    classes = impel().retention_classes.values()

    assert all(found.reason and found.norm and found.title for found in classes)


@pytest.mark.clause("C35")
def test_nobody_outside_the_list_is_a_recipient() -> None:
    assert impel().recipient("a_stranger") is None
    assert impel().recipient("") is None


@pytest.mark.clause("C41", "C42", "C43", "C44", "C45", "C46", "C47", "C52", "C58", "C70")
@pytest.mark.parametrize(
    ("clause", "key"),
    [
        ("C41", "basecamp"), ("C42", "travelperk"), ("C43", "onedrive"), ("C44", "surveymonkey"),
        ("C45", "mailchimp"), ("C46", "azavista"), ("C47", "google_forms"), ("C52", "tawk"),
        ("C58", "google_drive"), ("C70", "contact_db"), ("C18", "google_analytics"),
        ("C51", "x_twitter"), ("C51", "meta"), ("C38", "enpe"), ("C38", "envicrimenet"),
        ("C36", "members"),
    ],
)  # fmt: skip
def test_every_named_system_is_a_recipient(clause: str, key: str) -> None:
    assert clause in impel().recipients[key].clauses


@pytest.mark.clause("C47", "PL24")
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Google formulär", "google_forms"), ("google  FORMULÄR ", "google_forms"),
        ("Google Forms", "google_forms"), ("Onedrive", "onedrive"), ("OneDrive", "onedrive"),
        ("Google drive", "google_drive"), ("Perk", "travelperk"), ("TravelPerk", "travelperk"),
        ("Twitter", "x_twitter"), ("X", "x_twitter"), ("Facebook", "meta"),
        ("Tawk.to", "tawk"), ("kontaktdatabas", "contact_db"), ("mailchimp", "mailchimp"),
    ],
)  # fmt: skip
def test_every_name_of_a_system_leads_to_the_one_system(name: str, key: str) -> None:
    recipient = impel().recipient(name)

    assert recipient is not None
    assert recipient.key == key


@pytest.mark.clause("C47")
def test_a_source_is_found_by_the_names_of_the_recipient_that_runs_it() -> None:
    source = impel().source("Google formulär")

    assert source is impel().sources["google_forms"]
    assert impel().source("desk") is impel().sources["secretariat"]
    assert impel().source("nowhere") is None


@pytest.mark.clause("C15", "C46", "L29")
@pytest.mark.parametrize(
    ("key", "article"),
    [("registration_form", "Art. 13"), ("member_organisation", "Art. 14"), ("azavista", "Art. 14")],
)
def test_who_did_not_give_the_data_is_told_under_article_14(key: str, article: str) -> None:
    assert impel().sources[key].notice_article == article


def test_only_what_the_person_gave_comes_under_article_13() -> None:
    for source in impel().sources.values():
        from_person = source.origin is SourceOrigin.SUBJECT
        assert source.notice_article == ("Art. 13" if from_person else "Art. 14")


@pytest.mark.clause("C36", "C38")
@pytest.mark.parametrize("key", ["enpe", "envicrimenet"])
def test_partner_networks_may_receive_contact_details_alone(key: str) -> None:
    recipient = impel().recipients[key]
    received = {name for name in impel().categories if recipient.may_receive(name)}

    assert received == {"contact.name", "contact.email", "contact.phone"}
    assert recipient.agreement is AgreementKind.MEMORANDUM


@pytest.mark.clause("C36")
def test_members_receive_basic_contact_details_and_nothing_of_money_or_identity() -> None:
    members = impel().recipients["members"]
    exchange = impel().purposes["network_exchange"]
    received = {key for key in exchange.categories if members.may_receive(key)}

    assert received == {
        "contact.name", "contact.email", "contact.phone", "work.title", "work.organisation",
    }  # fmt: skip
    assert not members.may_receive("financial.account")
    assert not members.may_receive("identity.document")


def test_a_recipient_without_a_ceiling_may_receive_what_its_purpose_allows() -> None:
    assert impel().recipients["mailchimp"].may_receive("contact.email")


@pytest.mark.clause("L50", "C39")
def test_every_processor_needs_a_contract_and_nobody_else_does() -> None:
    for recipient in impel().recipients.values():
        assert recipient.contract_required is (recipient.role is RecipientRole.PROCESSOR)
        assert bool(recipient.service_types) is (recipient.role is RecipientRole.PROCESSOR)


@pytest.mark.clause("C30", "L55", "L56")
@pytest.mark.parametrize("key", US_VENDORS)
def test_vendors_in_the_united_states_have_no_ground_but_the_void_one(key: str) -> None:
    policy = impel()

    assert policy.recipients[key].mechanisms == ("privacy_shield",)
    assert policy.mechanism_valid(key, date(2019, 1, 1), law()) == "privacy_shield"
    assert policy.mechanism_valid(key, TODAY, law()) is None
    assert policy.mechanism_valid(key, TODAY, law(), arranged=["dpf"]) == "dpf"


@pytest.mark.clause("L55")
def test_vendors_in_the_area_need_no_ground() -> None:
    policy = impel()
    inside = {
        key
        for key, found in policy.recipients.items()
        if policy.mechanism_valid(key, TODAY, law()) == "eea"
    }

    assert inside == set(policy.recipients) - set(US_VENDORS) - {
        "members", "hosts", "hotels", "carriers",
    }  # fmt: skip


@pytest.mark.clause("C29", "C36", "L55", "L59")
@pytest.mark.parametrize(
    ("country", "ground"),
    [("BE", "eea"), ("CH", "adequacy_ch"), ("TR", None), (None, None)],
)
def test_a_group_is_judged_by_the_country_of_the_case(
    country: str | None, ground: str | None
) -> None:
    assert impel().mechanism_valid("members", TODAY, law(), country=country) == ground


@pytest.mark.clause("L55")
def test_a_caller_cannot_move_a_vendor_to_another_country() -> None:
    assert impel().mechanism_valid("mailchimp", TODAY, law(), country="BE") is None
    assert impel().mechanism_valid("a_stranger", TODAY, law(), country="BE") is None


@pytest.mark.clause("C18")
@pytest.mark.parametrize(
    "recipient", ["mailchimp", "google_drive", "Google formulär", "members", "meta"]
)
def test_what_google_analytics_gathered_goes_to_nobody(recipient: str) -> None:
    by_source = impel().prohibited("Google Analytics", recipient, ["network.ip"])
    by_category = impel().prohibited(None, recipient, ["contact.name", "web.cookie"])

    assert by_source is not None
    assert by_category is by_source
    assert by_source.key == "statistics_stay"


@pytest.mark.clause("C54")
def test_what_is_said_in_the_chat_goes_to_nobody() -> None:
    for recipient in set(impel().recipients) - {"tawk"}:
        rule = impel().prohibited("registration_form", recipient, ["chat.transcript"])
        assert rule is not None
        assert rule.key == "chat_stays"


@pytest.mark.clause("C18", "C54")
def test_other_data_and_the_services_themselves_are_not_meant() -> None:
    policy = impel()

    assert policy.prohibited("registration_form", "mailchimp", ["contact.email"]) is None
    assert policy.prohibited(None, "mailchimp", ["contact.email"]) is None
    assert policy.prohibited("google_analytics", "google_analytics", ["web.analytics"]) is None
    assert policy.prohibited("tawk", "Tawk.to", ["chat.transcript"]) is None


@pytest.mark.clause("C19")
def test_statistics_are_never_tied_to_a_person() -> None:
    policy = impel()
    rule = policy.linking_forbidden(["contact.email", "web.analytics"])

    assert rule is not None
    assert rule.key == "statistics_nameless"
    assert policy.linking_forbidden(["web.cookie"]) is rule
    assert policy.linking_forbidden(["contact.email", "network.ip"]) is None
    assert policy.linking_forbidden([]) is None


@pytest.mark.clause("C2", "C3")
def test_the_controller_and_every_way_of_dealing_with_it_are_known() -> None:
    policy = impel()

    assert policy.controller.seat == "Brussels"
    assert policy.controller.company_number is None
    assert set(policy.relationships) >= {
        "member", "project_participant", "event_attendee", "newsletter_subscriber",
        "web_visitor", "chat_visitor", "survey_respondent", "claimant", "traveller",
        "member_org_contact", "photo_subject",
    }  # fmt: skip


@pytest.mark.clause("C64", "C65", "C68", "L31")
def test_every_right_is_told_with_its_limits() -> None:
    rights = impel().rights

    assert set(rights) == {right.value for right in Right}
    assert all(notice.how and notice.limits for notice in rights.values())


@pytest.mark.clause("C71")
def test_record_keeping_and_open_transactions_have_no_ground_of_their_own() -> None:
    exemptions = impel().exemptions
    grounded = {key for key, found in exemptions.items() if found.ground is not None}

    assert set(exemptions) == {"record_keeping", "open_transaction", "legal_obligation", "eu_grant"}
    assert grounded == {"legal_obligation", "eu_grant"}


@pytest.mark.clause("C31")
def test_the_conflicts_for_a_human_are_listed_and_open() -> None:
    findings = impel().standing_findings

    assert list(findings) == [f"X{number}" for number in range(1, 14)]
    assert {found.state for found in findings.values()} == {"open"}


def test_the_record_of_processing_has_its_fourteen_rows() -> None:
    assert len(impel().activities) == 14


@pytest.mark.clause("C74")
def test_the_promised_age_is_stricter_than_the_law() -> None:
    assert impel().minimum_age == 16 > law().age_of_consent("BE", TODAY)


@pytest.mark.clause("L35")
def test_by_law_only_consent_is_portable_here() -> None:
    portable = {found.key for found in impel().all_purposes() if found.portable_by_law}

    assert portable == {
        "newsletter", "event_security", "website_statistics", "share_buttons", "chat",
        "chat_security", "chat_stats",
    }  # fmt: skip
