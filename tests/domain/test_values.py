"""Each category keeps its values in one form; a refusal never repeats the value."""

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from app.domain.purpose_limitation import CategoryUnknown
from app.domain.text_values import LINE_LENGTH_MAX, ValueInvalid
from app.domain.values import normalise, normalised
from app.policy.vocabulary import ValueFormat
from app.values import replace
from tests.spec import POLICY


@pytest.mark.clause("C6", "C7", "C8", "C9", "C12")
@pytest.mark.parametrize(
    ("category", "given", "kept"),
    [
        ("contact.name", " Zoe\u0308  Q ", "Zo\u00eb  Q"),
        ("contact.email", "A.B@Example.ORG", "a.b@example.org"),
        ("contact.phone", "+32 470/12.34.56", "+32470123456"),
        ("work.title", "Miljo\u0308inspekto\u0308r", "Miljöinspektör"),
        ("financial.account", "se45 5000 0000 0583 9825 7466", "SE4550000000058398257466"),
        ("financial.account", "991-2346", "9912346"),
        ("identity.birth_date", " 1980-02-29 ", "1980-02-29"),
        ("identity.document_country", "be", "BE"),
        ("profile.language", "nl-BE", "nl-be"),
        ("network.ip", "2001:0DB8::0001", "2001:db8::1"),
        ("network.ip", "192.0.2.1", "192.0.2.1"),
        ("image.profile", "avatar/7", "avatar/7"),
        ("billing.address", "Street 1\r\n1000 Brussels", "Street 1\n1000 Brussels"),
        ("survey.answers", "a\tb\u2028c", "a\tb\nc"),
    ],
)
def test_a_value_is_kept_in_the_form_of_its_category(category: str, given: str, kept: str) -> None:
    assert normalised({category: given}, POLICY) == {category: kept}


@pytest.mark.clause("C7", "C8", "C9", "C12")
@pytest.mark.parametrize(
    ("category", "given", "reason"),
    [
        ("identity.birth_date", "1980-02-30", "not-a-date"),
        ("identity.birth_date", "1980-2-1", "not-a-date"),
        ("identity.birth_date", "19800201", "not-a-date"),
        ("identity.birth_date", "\u0661\u0669\u0668\u0660-01-01", "not-a-date"),
        ("identity.document_country", "B1", "not-a-country"),
        ("identity.document_country", "", "not-a-country"),
        ("profile.language", "svenska!", "not-a-language"),
        ("profile.language", "x", "not-a-language"),
        ("network.ip", "192.0.2.256", "not-an-ip-address"),
        ("contact.name", "Zoë\nQ", "control-character"),
        ("contact.name", "", "empty"),
        ("work.title", "x" * 161, "too-long"),
        ("survey.answers", "x" * 20001, "too-long"),
        ("contact.name", "\ud800", "lone-surrogate"),
    ],
)
def test_a_value_of_another_form_is_refused_by_category_and_flaw(
    category: str, given: str, reason: str
) -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalised({category: given}, POLICY)

    assert refused.value.facts == {"category": category, "reason": reason}
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_the_longest_line_is_kept() -> None:
    assert normalised({"work.title": "x" * 160}, POLICY) == {"work.title": "x" * 160}


@pytest.mark.clause("C8")
def test_a_national_number_needs_a_country() -> None:
    assert normalise(POLICY.categories["contact.phone"], "08-123 456 78", "SE") == "+46812345678"
    with pytest.raises(ValueInvalid):
        normalise(POLICY.categories["contact.phone"], "08-123 456 78")


@pytest.mark.clause("L2")
def test_values_of_unknown_categories_are_refused() -> None:
    with pytest.raises(CategoryUnknown):
        normalised({"contact.fax": "1"}, POLICY)


@forall(st.sampled_from(sorted(POLICY.categories)), st.text(max_size=40))
def test_keeping_is_idempotent_for_every_category(category: str, value: str) -> None:
    """What was kept once is kept unchanged when it comes back."""
    kind = POLICY.categories[category]
    try:
        kept = normalise(kind, value, "BE")
    except ValueInvalid:
        return
    assert normalise(kind, kept, "BE") == kept


@forall(st.sampled_from(sorted(POLICY.categories)), st.text(min_size=4, max_size=40))
def test_a_refusal_never_repeats_a_value(category: str, value: str) -> None:
    refused = None
    try:
        normalise(POLICY.categories[category], value)
    except ValueInvalid as refusal:
        refused = refusal
    assert refused is None or set(refused.facts) == {"category", "reason"}
    assert refused is None or str(refused) == "value-invalid"


def test_every_format_of_the_policy_language_is_covered() -> None:
    assert {kind.format for kind in POLICY.categories.values()} == set(ValueFormat)


@pytest.mark.parametrize(
    ("free_text", "length_max", "kept"),
    [(True, 80, "a\nb"), (False, LINE_LENGTH_MAX + 1, "a\nb"), (False, LINE_LENGTH_MAX, None)],
)
def test_text_may_have_several_lines_where_it_is_free_or_long(
    free_text: bool, length_max: int, kept: str | None
) -> None:
    category = replace(
        POLICY.categories["survey.answers"], free_text=free_text, max_length=length_max
    )

    if kept is None:
        with pytest.raises(ValueInvalid):
            normalise(category, "a\nb")
    else:
        assert normalise(category, "a\nb") == kept


def test_text_is_bounded_by_its_own_category() -> None:
    category = replace(POLICY.categories["survey.answers"], free_text=True, max_length=5000)

    assert normalise(category, "x" * 5000) == "x" * 5000
    with pytest.raises(ValueInvalid):
        normalise(category, "x" * 5001)


@pytest.mark.parametrize(
    "value_format", [ValueFormat.EMAIL, ValueFormat.PHONE, ValueFormat.ACCOUNT]
)
def test_a_refusal_names_the_category_and_not_the_usual_one_of_its_form(
    value_format: ValueFormat,
) -> None:
    category = replace(POLICY.categories["work.unit"], format=value_format)

    with pytest.raises(ValueInvalid) as refused:
        normalise(category, "!")

    assert refused.value.facts["category"] == "work.unit"
