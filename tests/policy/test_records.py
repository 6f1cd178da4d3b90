"""Entries of a policy: nobody changes one, and what is left out of the file means the least."""

import inspect
from dataclasses import FrozenInstanceError, is_dataclass
from datetime import date

import pytest

from app.policy import durations, law, model, records, text
from app.policy.loader import load
from app.policy.vocabulary import EvidenceState, RecipientRole, SourceOrigin, ValueFormat
from app.values import replace
from tests.policy.notices import impel
from tests.policy.test_loader import SMALL

CLASSES = [
    found
    for module in (durations, law, model, records, text)
    for _, found in inspect.getmembers(module, inspect.isclass)
    if is_dataclass(found) and found.__module__ == module.__name__
    if not found.__name__.startswith("_")
]


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.__name__)
def test_no_entry_can_be_changed(found: type) -> None:
    name = next(iter(inspect.get_annotations(found)))
    entry: object = object.__new__(found)

    with pytest.raises(FrozenInstanceError):
        setattr(entry, name, "other")


def test_what_the_file_leaves_out_means_the_least() -> None:
    policy = load(SMALL.encode())
    category = policy.categories["contact.email"]
    purpose = policy.purposes["letters"]
    recipient = policy.recipients["mailer"]
    kept = policy.retention_classes["membership"]

    assert (category.enabled_by_default, category.personal) == (True, True)
    assert not any((category.optional, category.special, category.free_text, category.mask))
    assert category.max_length == 200
    assert not any((purpose.direct_marketing, purpose.explicit_consent, purpose.objectable))
    assert not any((recipient.group, recipient.agreement_asserted))
    assert recipient.mechanism_evidence is EvidenceState.UNKNOWN
    assert not any((kept.isolated, kept.survives_erasure, kept.confirmed))


def test_an_entry_that_says_no_format_is_text() -> None:
    structure = SMALL.replace('format = "email"\n', "")

    assert load(structure.encode()).categories["contact.email"].format is ValueFormat.TEXT


@pytest.mark.clause("C38")
@pytest.mark.parametrize(
    ("on", "lapsed"),
    [
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), False),
        (date(2026, 12, 31), False),
        (date(2027, 1, 1), True),
    ],
)
def test_an_agreement_covers_its_first_and_its_last_day(on: date, lapsed: bool) -> None:
    bounded = replace(
        impel().recipients["enpe"],
        agreement_from=date(2026, 1, 1),
        agreement_until=date(2026, 12, 31),
    )

    assert bounded.agreement_lapsed(on) is lapsed
    assert bounded.contract_until == date(2026, 12, 31)


@pytest.mark.clause("C38")
def test_an_agreement_whose_dates_are_not_known_does_not_lapse() -> None:
    recipient = impel().recipients["enpe"]

    assert recipient.agreement_asserted
    assert not recipient.agreement_lapsed(date(1900, 1, 1))
    assert not recipient.agreement_lapsed(date(2999, 1, 1))


def test_a_prohibition_may_name_whom_it_means() -> None:
    named = SMALL.replace(
        'recipients = ["*"]\nexcept_recipients = ["mailer"]', 'recipients = ["mailer"]'
    )
    policy = load(named.encode())

    assert policy.prohibited("form", "postkorb", []) is not None
    assert policy.prohibited("Mailer", "postkorb", []) is None
    assert policy.prohibited("form", "somebody", ["contact.email"]) is None


def test_the_first_country_decides() -> None:
    assert impel().recipients["onedrive"].country == "US"
    assert impel().recipients["onedrive"].established_in == "IE"
    assert impel().recipients["members"].country is None
    assert impel().recipients["members"].role is RecipientRole.CONTROLLER


def test_sources_run_by_a_recipient_name_it() -> None:
    assert impel().sources["mailchimp"].operator == "mailchimp"
    assert impel().sources["import"].origin is SourceOrigin.THIRD_PARTY
