"""Three hundred people who do not exist: the same ones from the same seed, on every machine."""

import hashlib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from samples.names import NAMES, Names
from samples.organisations import ORGANISATIONS, Organisation

SEED = 1
PEOPLE_PER_ORGANISATION = 12

_SPELLED_OUT = {
    **dict(zip("łøđħßæœ", ("l", "oe", "d", "h", "ss", "ae", "oe"), strict=True)),
    **dict(zip("абвгдезийклмнопрстуфхъ", "abvgdeziyklmnoprstufha", strict=True)),
    **dict(zip("жцчшщьюя", ("zh", "ts", "ch", "sh", "sht", "y", "yu", "ya"), strict=True)),
    **dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo", strict=True)),
    **dict(zip("θχψ", ("th", "ch", "ps"), strict=True)),
}
_ASCII = str.maketrans(_SPELLED_OUT)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at one of the sample organisations, with contact points as they would be typed."""

    given_name: str
    family_name: str
    name: str
    """In the order of the person's language: the family name comes first in Hungarian."""
    email: str
    phone: str
    """In national format for every other person: read it with the organisation's country."""
    job_title: str
    organisation: Organisation


def people(seed: int = SEED) -> tuple[Person, ...]:
    """Twelve people for each organisation, all with different names, addresses and numbers."""
    numbers = {
        organisation.country: _phone_numbers(organisation.country) for organisation in ORGANISATIONS
    }
    return tuple(
        person
        for organisation in ORGANISATIONS
        for person in _staff(seed, organisation, numbers[organisation.country])
    )


def _staff(
    seed: int, organisation: Organisation, numbers: Iterator[PhoneNumber]
) -> Iterator[Person]:
    names = NAMES[organisation.language]
    pairs = sorted(
        [*product(names.women, names.women_family), *product(names.men, names.men_family)],
        key=lambda pair: _draw(seed, organisation.domain, *pair),
    )
    for index, pair in enumerate(pairs[:PEOPLE_PER_ORGANISATION]):
        yield _person(seed, organisation, pair, index=index, number=next(numbers))


def _person(
    seed: int,
    organisation: Organisation,
    pair: tuple[str, str],
    *,
    index: int,
    number: PhoneNumber,
) -> Person:
    names: Names = NAMES[organisation.language]
    given, family = pair
    titles = names.job_titles
    style = PhoneNumberFormat.INTERNATIONAL if index % 2 else PhoneNumberFormat.NATIONAL
    return Person(
        given_name=given,
        family_name=family,
        name=f"{family} {given}" if names.family_first else f"{given} {family}",
        email=f"{_mailbox(given, family, index)}@{organisation.domain}",
        phone=phonenumbers.format_number(number, style),
        job_title=titles[_draw(seed, "job", organisation.domain, *pair) % len(titles)],
        organisation=organisation,
    )


def _draw(seed: int, *labels: str) -> int:
    # A hash, since the standard generator's choices may change from one Python to the next.
    drawn = hashlib.sha256("\x1f".join((str(seed), *labels)).encode()).digest()
    return int.from_bytes(drawn[:8], "big")


def _mailbox(given: str, family: str, index: int) -> str:
    """ASCII for most; the fourth of a staff keeps the letters of the name, the tenth has a tag."""
    if index == 3:  # an internationalised mailbox (RFC 6531)
        return ".".join(_letters(unicodedata.normalize("NFC", part)) for part in (given, family))
    tag = "+list" if index == 9 else ""
    return f"{_spelled_out(given)}.{_spelled_out(family)}{tag}"


def _spelled_out(name: str) -> str:
    bare = unicodedata.normalize("NFD", name.lower().translate(_ASCII))
    return _letters(bare).translate(_ASCII)


def _letters(name: str) -> str:
    return "".join(letter for letter in name if letter.isalpha())


def _phone_numbers(country: str) -> Iterator[PhoneNumber]:
    """Valid numbers next to the numbering plan's own example for a mobile phone."""
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    assert example is not None
    hundred = int(example.national_number or 0) // 100 * 100
    for last in range(100):
        number = PhoneNumber(country_code=example.country_code, national_number=hundred + last)
        if phonenumbers.is_valid_number(number):
            yield number
