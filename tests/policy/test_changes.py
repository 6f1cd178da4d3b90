"""What a new policy changes for people: entries by title, told in their language (C76, C78)."""

from dataclasses import fields, is_dataclass

import pytest

from app.documents.languages import LANGUAGES, language
from app.documents.policy_changes import ASPECTS, PARTS, change_lines
from app.policy import changes, records
from app.policy.changes import INTERNAL, SINGLE, entry_changes
from app.policy.durations import Duration
from app.values import replace
from tests.policy.notices import impel
from tests.policy.test_check import changed

INTERNAL_PARTS = {"activities", "mechanisms", "standing_findings", "texts", "wordings"}


def test_every_field_of_every_entry_is_told_or_means_nothing_to_people() -> None:
    told_of = {
        kind
        for kind in vars(records).values()
        if is_dataclass(kind) and kind.__module__ == records.__name__
    } - {
        records.ConsentWording,
        records.PolicyText,
        records.Capability,
        records.DeclaredMechanism,
        records.ProcessingActivity,
        records.StandingFinding,
    }
    names = {field.name for kind in told_of for field in fields(kind)}

    assert len(told_of) > 8
    assert names - INTERNAL - ASPECTS.keys() == set()
    assert INTERNAL.isdisjoint(ASPECTS)
    assert {*changes.PARTS, *SINGLE} == PARTS.keys()
    whole = {field.name for field in fields(impel())}
    described = {"version", "sha256", "effective_from", "effective_from_evidence", "aliases"}
    assert whole - described - INTERNAL_PARTS == PARTS.keys()


@pytest.mark.clause("C76", "C78")
def test_what_changed_is_told_in_words_and_not_in_keys() -> None:
    after = changed(
        ('title = "Sending the newsletter"', 'title = "Sending news"'),
        ("minimum_age = 16", "minimum_age = 18"),
    )
    found = entry_changes(impel(), after)

    assert change_lines(found, language("en")) == (
        "Changed: Purpose: Sending news, name: now Sending news (before: Sending the newsletter)",
        "Changed: Lowest age, years: now 18 (before: 16)",
    )
    assert (
        change_lines(found, language("sv"))[1] == "Ändrat: Lägsta ålder, år: nu 18 (tidigare: 16)"
    )


@pytest.mark.clause("C78")
def test_who_gets_what_for_how_long_is_told_by_titles() -> None:
    policy = impel()
    key, purpose = next((k, p) for k, p in policy.purposes.items() if len(p.recipients) > 1)
    gone = min(purpose.recipients)
    kept = min(policy.retention_classes)
    after = replace(
        policy,
        purposes={
            **policy.purposes,
            key: replace(purpose, recipients=purpose.recipients - {gone}),
        },
        retention_classes={
            **policy.retention_classes,
            kept: replace(policy.retention_classes[kept], keep=Duration(months=30)),
        },
        recipients={k: v for k, v in policy.recipients.items() if k != gone},
    )
    lines = change_lines(entry_changes(policy, after), language("en"))

    title = policy.recipients[gone].title
    assert f"Changed: Purpose: {purpose.title}, recipients: no longer {title}" in lines
    assert f"No longer: Recipient: {title}" in lines
    [period] = [line for line in lines if "Kept data" in line]
    assert "how long: now 2 years, 6 months (before: " in period


@pytest.mark.clause("C78", "L27")
@pytest.mark.parametrize("code", LANGUAGES)
def test_no_key_of_the_file_is_shown(code: str) -> None:
    """Whatever becomes of a policy as a whole: every entry gone, every entry new."""
    policy = impel()
    empty = replace(
        policy,
        **{part: () if isinstance(getattr(policy, part), tuple) else {} for part in changes.PARTS},
    )
    for found in (entry_changes(policy, empty), entry_changes(empty, policy)):
        lines = change_lines(found, language(code), most=12)
        assert len(lines) == 13
        assert not any("_" in line for line in lines)


@pytest.mark.clause("C78")
def test_a_new_text_alone_is_told_as_such() -> None:
    [line] = change_lines(entry_changes(impel(), impel()), language("en"))

    assert "The text is new" in line
