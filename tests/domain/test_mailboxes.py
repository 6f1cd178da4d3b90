"""A person's address at work is a person's; the mailbox of a legal person may be mailed (L17)."""

import pytest

from app.domain.collections import CollectData
from app.domain.mailboxes import consent_required
from app.domain.obtaining import Obtained
from app.domain.permissions import Allowed, ConsentMissing, permission
from app.domain.subjects import RegisterSubject
from app.domain.suppressions import SubjectSuppressed, Unsubscribe
from app.events.mailboxes import MailboxAttributed
from app.policy.vocabulary import IdentifierKind
from tests.spec import POLICY, Given, given

EMAILS = POLICY.identifying(IdentifierKind.EMAIL)


def registered(address: str, *flags: str) -> RegisterSubject:
    """One address for the newsletter."""
    return RegisterSubject(
        source="registration_form",
        obtained=(Obtained(purpose="newsletter", personal={"contact.email": address}),),
        flags=frozenset(flags),
    )


def required(person: Given, purpose: str = "newsletter") -> bool:
    """Whether a consent is needed first."""
    found = POLICY.purpose(purpose)
    assert found is not None
    return consent_required(found, EMAILS, person.state)


@pytest.mark.clause("L17")
@pytest.mark.parametrize(
    ("address", "flags", "needed"),
    [
        ("info@stad.example", ("legal_person",), False),
        ("info@stad.example", (), True),
        ("anna.svensson@stad.example", ("legal_person",), True),
        ("anna.svensson@stad.example", (), True),
    ],
)
def test_only_the_flagged_address_of_a_function_needs_no_consent(
    address: str, flags: tuple[str, ...], needed: bool
) -> None:
    person = given(registered(address, *flags))

    assert required(person) is needed
    asked = permission(person.state, "newsletter", "mailchimp", (), person.circumstances)
    found = ConsentMissing if needed else "dpf"
    assert (asked.mechanism if isinstance(asked, Allowed) else asked.refusal) == found


@pytest.mark.clause("L17")
def test_the_mark_names_the_place_of_the_address() -> None:
    when = given().when(registered("info@stad.example", "legal_person"))

    assert [one.event for one in when.records][-1] == MailboxAttributed(
        category="contact.email", collected_at=2, source="registration_form"
    )


@pytest.mark.clause("L17")
@pytest.mark.parametrize("flags", [(), ("legal_person",)])
def test_a_personal_address_that_comes_later_needs_consent_again(flags: tuple[str, ...]) -> None:
    later = CollectData(
        obtained=Obtained(
            purpose="newsletter", personal={"contact.email": "anna.svensson@stad.example"}
        ),
        source="registration_form",
        flags=frozenset(flags),
    )

    assert required(given(registered("info@stad.example", "legal_person"), later))


@pytest.mark.clause("L17", "L43")
def test_it_may_be_mailed_until_it_opts_out() -> None:
    out = Unsubscribe(purpose="newsletter", source="mailchimp")
    person = given(registered("info@stad.example", "legal_person"), out)
    asked = permission(person.state, "newsletter", "mailchimp", (), person.circumstances)

    assert not isinstance(asked, Allowed)
    assert asked.refusal is SubjectSuppressed


@pytest.mark.clause("L17")
def test_a_purpose_that_does_not_rest_on_consent_asks_for_none() -> None:
    assert not required(given(registered("anna.svensson@stad.example")), "information")


@pytest.mark.clause("L17")
def test_the_mark_of_a_later_address_names_its_place_too() -> None:
    later = CollectData(
        obtained=Obtained(purpose="newsletter", personal={"contact.email": "info@stad.example"}),
        source="registration_form",
        flags=frozenset({"legal_person"}),
    )
    person = given(registered("anna.svensson@stad.example"))

    [marked] = [
        one.event for one in person.when(later).records if isinstance(one.event, MailboxAttributed)
    ]

    assert marked.collected_at == person.state.version + 1
