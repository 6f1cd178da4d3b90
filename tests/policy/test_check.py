"""What a valid policy leaves open, what changed between two, and which text belongs to it."""

from datetime import date
from hashlib import sha256

import pytest

from app.policy.check import Change, ChangeKind, Remark, TextRefused, check, diff, verify_text
from app.policy.loader import load, load_law, packaged_law_structure, packaged_structure
from app.policy.model import Policy
from app.policy.vocabulary import LegalBasis
from app.values import replace
from tests.policy.notices import SOUND, impel, law

TODAY = date(2026, 11, 22)


def changed(*changes: tuple[str, str]) -> Policy:
    """The packaged policy with places changed."""
    structure = packaged_structure("impel-1").decode()
    for old, new in changes:
        assert old in structure, old
        structure = structure.replace(old, new, 1)
    return load(structure.encode())


def remarks(policy: Policy, on: date = TODAY) -> set[str]:
    """Where something is left open."""
    return {remark.where for remark in check(policy, law(), on)}


@pytest.mark.clause("C30")
def test_every_vendor_without_a_mechanism_in_force_is_remarked() -> None:
    without = {where for where in remarks(impel()) if where.endswith("r.mechanisms")}
    then = {where for where in remarks(impel(), date(2019, 1, 1)) if "mechanisms" in where}

    assert "recipients.mailchimp.mechanisms" in remarks(impel())
    assert "mechanisms.privacy_shield" in remarks(impel())
    assert "recipients.azavista.mechanisms" not in remarks(impel())
    assert "recipients.members.mechanisms" not in remarks(impel())
    assert without == {"recipients.x_twitter.mechanisms"}
    assert then == set()


@pytest.mark.clause("C31")
def test_every_interest_that_was_not_told_or_weighed_is_remarked() -> None:
    found = remarks(impel())
    told = changed(
        (
            'title = "Questionnaires among members"',
            'title = "Q"\nlegitimate_interest = "knowing"\nassessment = "lia-1"',
        )
    )

    assert {"purposes.information.legitimate_interest", "uses.survey.assessment"} <= found
    assert "purposes.network_exchange.legitimate_interest" not in found
    assert "purposes.newsletter.assessment" not in found
    assert not {where for where in remarks(told) if where.startswith("uses.survey.")}


@pytest.mark.clause("C39", "C48")
def test_vendors_are_remarked_for_unnamed_services_and_old_statements() -> None:
    checked = 'policy_url = "https://37signals.com/policies/"'
    old = changed((checked, f"{checked}\npolicy_checked_at = 2025-11-21"))
    new = changed((checked, f"{checked}\npolicy_checked_at = 2025-11-22"))
    found = remarks(impel())

    assert "recipients.azavista.policy_url" in found
    assert "recipients.azavista.service_types" in found
    assert "recipients.onedrive.service_types" not in found
    assert "recipients.members.policy_url" not in found
    assert "recipients.basecamp.policy_checked_at" in found
    assert "recipients.basecamp.policy_checked_at" in remarks(old)
    assert "recipients.basecamp.policy_checked_at" not in remarks(new)


@pytest.mark.clause("C74")
def test_an_age_below_which_a_consent_needs_a_parents_is_remarked() -> None:
    """Thirteen in Belgium; where the law file knows no age of a country, sixteen."""
    elsewhere = ('country = "BE"', 'country = "PL"')
    assert "minimum_age" in remarks(changed(("minimum_age = 16", "minimum_age = 12")))
    assert "minimum_age" not in remarks(changed(("minimum_age = 16", "minimum_age = 13")))
    assert "minimum_age" in remarks(changed(("minimum_age = 16", "minimum_age = 15"), elsewhere))
    assert "minimum_age" not in remarks(impel())


def test_a_mechanism_that_the_law_file_does_not_know_is_remarked() -> None:
    structure = packaged_law_structure().decode()
    start = structure.index("[mechanisms.privacy_shield]")
    without = structure[:start] + structure[structure.index("[mechanisms.dpf]") :]
    found = check(impel(), load_law(without.encode()), TODAY)

    assert Remark("mechanisms.privacy_shield", "the law file does not know it") in found


def test_remarks_come_once_and_in_order() -> None:
    found = check(impel(), law(), TODAY)

    assert list(found) == sorted(set(found))


def test_a_version_does_not_differ_from_itself() -> None:
    assert diff(impel(), impel()) == ()


def test_a_difference_is_named_by_its_key_path() -> None:
    after = changed(
        ('title = "Sending the newsletter"', 'title = "Letters"'),
        (
            'recipients = ["mailchimp", "contact_db"]\nretention = "subscription"',
            'recipients = ["mailchimp"]\nretention = "subscription"',
        ),
        (
            "[recipients.enpe]",
            (
                '[recipients.bank_two]\ntitle = "Other bank"\nrole = "controller"\n'
                'countries = ["BE"]\n\n[recipients.enpe]'
            ),
        ),
        (
            'recipients = ["bank", "accountant", "onedrive"]',
            'recipients = ["bank", "bank_two", "accountant", "onedrive"]',
        ),
        ("[prohibited_disclosures.chat_stays]", "[prohibited_disclosures.chat_remains]"),
        ('keep = "P2Y"', 'keep = "P1Y"'),
        ("effective_from = 2026-11-22", "effective_from = 2027-01-01"),
    )

    assert diff(impel(), after) == tuple(
        sorted(
            (
                Change("effective_from", ChangeKind.CHANGED, "2026-11-22", "2027-01-01"),
                Change("prohibited_disclosures.chat_remains", ChangeKind.ADDED),
                Change("prohibited_disclosures.chat_stays", ChangeKind.REMOVED),
                Change(
                    "purposes.newsletter.title",
                    ChangeKind.CHANGED,
                    "Sending the newsletter",
                    "Letters",
                ),
                Change(
                    "purposes.newsletter.recipients",
                    ChangeKind.CHANGED,
                    "contact_db, mailchimp",
                    "mailchimp",
                ),
                Change(
                    "purposes.payments.recipients",
                    ChangeKind.CHANGED,
                    "accountant, bank, onedrive",
                    "accountant, bank, bank_two, onedrive",
                ),
                Change("recipients.bank_two", ChangeKind.ADDED),
                Change("retention_classes.photograph.keep.months", ChangeKind.CHANGED, "24", "12"),
            )
        )
    )


def test_what_is_absent_is_written_as_nothing() -> None:
    after = changed(("[controller]", '[controller]\nphone = "+32 2 000 00 00"'))

    assert diff(impel(), after) == (
        Change("controller.phone", ChangeKind.CHANGED, "", "+32 2 000 00 00"),
    )


@pytest.mark.clause("C77")
def test_only_the_declared_bytes_are_the_text_of_a_version() -> None:
    raw = SOUND.encode()
    own = changed((impel().texts["sv"].sha256, "91" * 32))

    for policy, language, said in (
        (impel(), "sv", "SHA-256"),
        (impel(), "en", "the version declares no text in this language"),
        (own, "sv", "SHA-256"),
    ):
        with pytest.raises(TextRefused) as caught:
            verify_text(policy, language, raw)
        assert caught.value.language == language
        assert caught.value.reason.startswith(said)


@pytest.mark.clause("C77")
def test_the_declared_bytes_are_taken() -> None:
    raw = SOUND.encode()
    digest = sha256(raw).hexdigest()

    assert verify_text(changed((impel().texts["sv"].sha256, digest)), "sv", raw).raw == raw


@pytest.mark.clause("C30", "C31", "C39", "C48", "C74")
def test_a_remark_names_the_clause_that_it_is_about() -> None:
    """So that a page about a clause shows what is open of it."""
    aged = changed(
        ("minimum_age = 16", "minimum_age = 12"),
        (
            'policy_url = "https://37signals.com/policies/"',
            'policy_url = "https://37signals.com/policies/"\npolicy_checked_at = 2025-01-01',
        ),
    )
    clauses = {remark.where: remark.clauses for remark in check(aged, law(), TODAY)}

    assert clauses["mechanisms.privacy_shield"] == ("C30",)
    assert clauses["recipients.mailchimp.mechanisms"] == ("C30",)
    assert clauses["minimum_age"] == ("C74",)
    assert clauses["purposes.information.legitimate_interest"] == ("C31",)
    assert clauses["uses.survey.assessment"] == ("C31",)
    assert clauses["recipients.azavista.service_types"] == ("C39",)
    assert clauses["recipients.azavista.policy_url"] == ("C48",)
    assert clauses["recipients.basecamp.policy_checked_at"] == ("C48",)


@pytest.mark.clause("C31")
def test_every_purpose_on_interest_is_looked_at_wherever_it_stands() -> None:
    """Behind one that rests on something else, and in each of the three tables."""
    policy = impel()
    interest = replace(policy.statutory["accounting"], legal_basis=LegalBasis.LEGITIMATE_INTEREST)
    odd = replace(policy, statutory={**policy.statutory, "accounting": interest})
    found = remarks(odd)

    for table, purposes in (("purposes", odd.purposes), ("uses", odd.uses)):
        for purpose in purposes.values():
            resting = purpose.legal_basis is LegalBasis.LEGITIMATE_INTEREST
            unweighed = resting and purpose.assessment is None
            assert (f"{table}.{purpose.key}.assessment" in found) is unweighed
    assert "statutory.accounting.assessment" in found


def test_a_sequence_is_written_in_one_order() -> None:
    after = changed(('clauses = ["C25", "C45"]', 'clauses = ["C99", "C25"]'))

    assert diff(impel(), after) == (
        Change("recipients.mailchimp.clauses", ChangeKind.CHANGED, "C25, C45", "C25, C99"),
    )


def test_what_is_there_now_and_was_not_is_written_out() -> None:
    """A table that was empty is another thing than an entry that changed."""
    before = replace(impel(), measures={})

    found = diff(before, impel())

    assert {change.kind for change in found} == {ChangeKind.ADDED}
    assert {change.where for change in found} == {f"measures.{key}" for key in impel().measures}


def test_what_the_ledger_itself_could_not_write_down_is_remarked() -> None:
    """Else the first request of a person would be the one that finds out."""
    lacking = changed(
        ("[statutory.breach_notification]", "[statutory.telling]"),
        ('"breach_notification"', '"telling"'),
        (', "correspondence.message"]\nretention = "mail"', ']\nretention = "mail"'),
    )

    assert {"statutory.breach_notification", "statutory.correspondence.categories"} <= set(
        remarks(lacking)
    )
    assert not [one for one in remarks(impel()) if one.startswith("statutory.")]


@pytest.mark.clause("C82")
def test_a_sign_up_without_sentences_is_remarked() -> None:
    """Those of the first policy are its controller's: under another name it brings its own."""
    assert "wordings" in remarks(changed(('name = "IMPEL"', 'name = "IMPEL aisbl"')))
    assert "wordings" not in remarks(impel())


@pytest.mark.clause("C82")
def test_a_sign_up_that_is_forgotten_sooner_or_later_than_its_link_ends_is_remarked() -> None:
    for keep in ("P3D", "P14D"):
        other = changed(('keep = "P7D"', f'keep = "{keep}"'))
        assert "retention_classes.sign-up.keep" in remarks(other)
    assert "retention_classes.sign-up.keep" not in remarks(impel())
