"""The sample people: always the same, all different, from every language, with values that hold."""

import unicodedata
from collections import Counter

import pytest

from app.domain.contact_points import is_role_address, normalise_email, normalise_phone
from app.domain.text_values import normalise_line
from samples.names import NAMES
from samples.organisations import ORGANISATIONS
from samples.people import PEOPLE_PER_ORGANISATION, SEED, Person, people

OFFICIAL = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"
OFFICIAL_LANGUAGES = set(OFFICIAL.split())
PEOPLE = people()


def scripts(text: str) -> set[str]:
    return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}


def test_there_are_three_hundred_people_in_twenty_five_organisations() -> None:
    staff = Counter(person.organisation for person in PEOPLE)

    assert len(PEOPLE) == 300
    assert len(staff) == len(ORGANISATIONS) == 25
    assert set(staff.values()) == {PEOPLE_PER_ORGANISATION}


def test_the_same_seed_gives_the_same_people_for_ever() -> None:
    first = PEOPLE[0]

    assert people(SEED) == PEOPLE
    assert (first.name, first.email) == ("Георги Стоянов", "georgi.stoyanov@бялодол.example")


def test_another_seed_gives_other_people() -> None:
    assert people(SEED + 1) != PEOPLE


@pytest.mark.parametrize("seed", [SEED, SEED + 1, 2026])
def test_no_two_people_share_a_contact_point(seed: int) -> None:
    drawn = people(seed)
    emails = {normalise_email(person.email) for person in drawn}
    phones = {normalise_phone(person.phone, person.organisation.country) for person in drawn}

    assert len(emails) == len(phones) == len(drawn)
    assert len({(person.name, person.organisation) for person in drawn}) == len(drawn)


def test_every_official_language_has_people() -> None:
    assert {person.organisation.language for person in PEOPLE} == OFFICIAL_LANGUAGES
    assert set(NAMES) == OFFICIAL_LANGUAGES


def test_names_come_in_three_scripts_with_their_diacritics() -> None:
    names = [person.name for person in PEOPLE]

    assert {"LATIN", "GREEK", "CYRILLIC"} <= set().union(*map(scripts, names))
    assert sum(not name.isascii() for name in names) > len(names) / 2


@pytest.mark.clause("C7", "C8", "C9")
@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: str(PEOPLE.index(person)))
def test_every_value_passes_the_ledgers_own_rules(person: Person) -> None:
    for value in (person.name, person.job_title, person.organisation.name):
        assert normalise_line(value, category="contact.name") == value
    assert normalise_email(person.email) == person.email.lower()
    assert normalise_phone(person.phone, person.organisation.country).startswith("+")


def test_every_address_belongs_to_nobody_and_to_no_role() -> None:
    """RFC 2606: no mail can reach `.example`."""
    assert all(person.email.endswith(".example") for person in PEOPLE)
    assert not any(is_role_address(person.email) for person in PEOPLE)


def test_some_addresses_are_international_and_some_have_a_tag() -> None:
    mailboxes = [person.email.partition("@")[0] for person in PEOPLE]

    assert any(not mailbox.isascii() for mailbox in mailboxes)
    assert sum("+" in mailbox for mailbox in mailboxes) == len(ORGANISATIONS)
    assert any(not organisation.domain.isascii() for organisation in ORGANISATIONS)


def test_numbers_come_in_national_and_international_format() -> None:
    international = sum(person.phone.startswith("+") for person in PEOPLE)

    assert 0 < international < len(PEOPLE)


def test_a_hungarian_name_begins_with_the_family() -> None:
    hungarian = [person for person in PEOPLE if person.organisation.language == "hu"]

    assert all(person.name == f"{person.family_name} {person.given_name}" for person in hungarian)
