"""A person's address at work is a person's; the mailbox of a legal person may be mailed (L17)."""

from datetime import timedelta

import pytest

from app.domain.collections import CollectData
from app.domain.identifiers import ClaimIdentifier
from app.domain.mailboxes import consent_required
from app.domain.obtaining import Obtained
from app.domain.permissions import Allowed, ConsentMissing, permission
from app.domain.subjects import RegisterSubject
from app.domain.suppressions import SubjectSuppressed, Unsubscribe
from app.events.identifiers import Verification
from app.events.mailboxes import MailboxAttributed
from app.policy.vocabulary import IdentifierKind
from app.values import replace
from tests.spec import NOW, POLICY, Given, given

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


@pytest.mark.clause("L17")
def test_only_an_address_of_a_function_is_marked() -> None:
    """Not the name that reads like one, and not a person's address beside the flag."""
    personal = registered("anna.svensson@stad.example", "legal_person")
    named_so = RegisterSubject(
        source="registration_form",
        obtained=(Obtained(purpose="newsletter", personal={"contact.name": "info@stad.example"}),),
        flags=frozenset({"legal_person"}),
    )

    for command in (personal, named_so):
        events = [one.event for one in given().when(command).records]
        assert not any(isinstance(event, MailboxAttributed) for event in events)


def test_a_mark_is_of_the_time_of_its_collection() -> None:
    earlier = NOW - timedelta(days=3)
    command = replace(registered("info@stad.example", "legal_person"), occurred_at=earlier)

    assert given().when(command).records[-1].occurred_at == earlier


@pytest.mark.clause("L17", "L60")
def test_only_advertising_that_asks_for_no_express_consent_may_do_without() -> None:
    """What makes a mailbox free to write to is a rule about advertising, not about risks."""
    person = given(registered("info@stad.example", "legal_person"))
    newsletter = POLICY.purpose("newsletter")
    assert newsletter is not None

    for other in ({"direct_marketing": False}, {"explicit_consent": True}):
        assert consent_required(replace(newsletter, **other), EMAILS, person.state)


@pytest.mark.clause("L17")
def test_what_is_held_for_another_purpose_does_not_count() -> None:
    """The name beside the address does not, nor does the person's own address for an event."""
    mailbox = Obtained(
        purpose="newsletter",
        personal={"contact.email": "info@stad.example", "contact.name": "Anna"},
    )
    event = Obtained(
        purpose="event_logistics", personal={"contact.email": "anna.svensson@stad.example"}
    )
    person = given(
        RegisterSubject(
            source="registration_form",
            obtained=(mailbox, event),
            flags=frozenset({"legal_person"}),
        )
    )

    assert not required(person)


@pytest.mark.clause("L17", "C7")
def test_a_further_address_of_the_person_needs_consent_again() -> None:
    """It leads to somebody, though nothing but the mailbox was collected."""
    claim = ClaimIdentifier(
        category="contact.email",
        value="anna@home.example",
        purpose="newsletter",
        source="self_service",
        verification=Verification.LINK,
    )

    assert required(given(registered("info@stad.example", "legal_person"), claim))


def test_every_mark_is_kept() -> None:
    obtained = tuple(
        Obtained(purpose=purpose, personal={"contact.email": "info@stad.example"})
        for purpose in ("newsletter", "partner_news")
    )
    command = RegisterSubject(
        source="registration_form", obtained=obtained, flags=frozenset({"legal_person"})
    )

    assert len(given(command).state.mailboxes.impersonal) == 2
