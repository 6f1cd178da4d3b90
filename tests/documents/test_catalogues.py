"""The catalogues: nothing that people read waits for its translation (L27)."""

import re
from datetime import UTC, date, datetime, time
from importlib.resources import files
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from app.documents.event_titles import EVENTS
from app.documents.languages import LANGUAGES, SOURCE, language
from app.domain import subject
from app.events.declare import registry
from tools.catalogues import named, said

TRANSLATED = tuple(code for code in LANGUAGES if code != SOURCE)
MESSAGES = {"documents": said, "policy": named}
PLACEHOLDER = re.compile(r"\{[a-z_]*\}")


def catalogue(code: str, domain: str) -> Catalog:
    """A catalogue as it is packaged."""
    path = files("app.documents").joinpath("locales", code, "LC_MESSAGES", f"{domain}.po")
    return read_po(BytesIO(path.read_bytes()), locale=code)


@pytest.mark.clause("L27", "C83")
@pytest.mark.parametrize("domain", MESSAGES)
@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated_and_nothing_is_left_over(code: str, domain: str) -> None:
    """Neither missing nor uncertain nor stale: `python -m tools.catalogues` brings them up."""
    found = {str(one.id): one for one in catalogue(code, domain) if one.id}

    assert found.keys() == MESSAGES[domain]()
    assert [text for text, one in found.items() if not one.string or one.fuzzy] == []


@pytest.mark.clause("L27")
@pytest.mark.parametrize("domain", MESSAGES)
@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_text(code: str, domain: str) -> None:
    wrong = [
        one.id
        for one in catalogue(code, domain)
        if sorted(PLACEHOLDER.findall(str(one.id))) != sorted(PLACEHOLDER.findall(str(one.string)))
    ]

    assert wrong == []


@pytest.mark.clause("L27", "L33")
def test_every_event_of_a_person_has_a_title() -> None:
    of_people = {kind for concern in subject.CONCERNS for kind in concern.folds}

    untitled = [
        name for name, kind in registry().items() if kind.cls in of_people and name not in EVENTS
    ]

    assert untitled == []


@pytest.mark.clause("L27")
@pytest.mark.parametrize(
    ("wanted", "code", "fell_back"),
    [
        ("sv", "sv", False),
        ("fr-BE", "fr", False),
        ("NL_be", "nl", False),
        ("de", "en", True),
        ("en-GB", "en", False),
        ("xx", "en", False),
        (None, "en", False),
    ],
)
def test_a_language_that_there_is_not_falls_back_and_says_so(
    wanted: str | None, code: str, fell_back: bool
) -> None:
    spoken = language(wanted)

    assert (spoken.code, spoken.fell_back) == (code, fell_back)


@pytest.mark.clause("C81")
@pytest.mark.parametrize(
    ("code", "town"), [("sv", "Bryssel"), ("fr", "Bruxelles"), ("nl", "Brussel")]
)
def test_the_town_is_called_as_the_language_calls_it(code: str, town: str) -> None:
    assert language(code).named("1200 Brussels") == f"1200 {town}"


@pytest.mark.clause("L27")
@pytest.mark.parametrize(
    ("code", "day", "told"),
    [
        ("fr", date(2027, 3, 1), "1er mars 2027"),
        ("fr", date(2027, 3, 11), "11 mars 2027"),
        ("nl", date(2027, 3, 1), "1 maart 2027"),
        ("sv", date(2027, 3, 1), "1 mars 2027"),
    ],
)
def test_a_day_is_written_as_in_the_language(code: str, day: date, told: str) -> None:
    """French counts the first of a month, which the tables of languages leave out."""
    noon = datetime.combine(day, time(12), UTC)

    assert language(code).day(day) == told
    assert language(code).moment(noon).startswith(told.split(maxsplit=1)[0])
