"""Every finding appears with its defect and disappears when the defect is mended (L30)."""

import pytest

from app.policy.cues import LanguageUnknown, packaged_cues
from app.policy.linter import RULES, lint
from app.policy.loader import load_law, packaged_law_structure
from app.policy.text import PolicyDocument
from tests.policy.notices import SOUND, SPOILINGS, Spoiling, findings, impel, law

ALL_CODES = tuple(f"PL{number:02}" for number in range(1, 28))
SPOILED = [
    pytest.param(
        spoiling, id=spoiling.code, marks=pytest.mark.clause(spoiling.code, spoiling.clause)
    )
    for spoiling in SPOILINGS
]


@pytest.mark.clause("L30")
def test_a_sound_notice_has_no_finding() -> None:
    assert findings(SOUND) == ()


def test_every_code_has_a_rule_and_a_defect() -> None:
    assert tuple(spoiling.code for spoiling in SPOILINGS) == ALL_CODES
    assert len(RULES) == len(ALL_CODES)


@pytest.mark.parametrize("spoiling", SPOILED)
def test_a_defect_has_its_finding_and_no_other(spoiling: Spoiling) -> None:
    found = findings(spoiling.applied())

    assert [finding.code for finding in found] == [spoiling.code]
    assert spoiling.clause in found[0].clauses


@pytest.mark.parametrize("spoiling", SPOILED)
def test_a_finding_points_to_its_line(spoiling: Spoiling) -> None:
    text = spoiling.applied()
    (finding,) = findings(text)
    lines = [text.split("\n")[number - 1] for number in finding.lines]

    if spoiling.where is None:
        assert lines == []
    else:
        assert any(spoiling.where in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("också när den pekar på en dator", "också på en enhet", id="PL21"),
        pytest.param("Version 3, gäller från 2026-02-01.", "Version: 3", id="PL11-number"),
        pytest.param(
            "Version 3, gäller från 2026-02-01.", "Uppdaterad 1 maj 2026", id="PL11-month"
        ),
        pytest.param("Version 3, gäller från 2026-02-01.", "Datum: 1/2/2026", id="PL11-slashes"),
        pytest.param("Deltagarlistor sparas i tio år", "Listor sparas i 10 månader", id="PL07"),
        pytest.param("tillsynsmyndigheten", "APD", id="PL13"),
        pytest.param("Båda fälten är obligatoriska", "Fälten är frivilliga", id="PL17"),
        pytest.param("standardavtalsklausuler", "Data Privacy Framework", id="PL02"),
        pytest.param(" • Att ordna", " • 1\n • Att ordna", id="PL01"),
        pytest.param("1. Vad vi samlar in\n\n •", "1. Vad vi samlar in\n\n\n •", id="blank"),
        pytest.param("  Filer ligger", "  Vår logotyp IMPEL Logo\n  Filer ligger", id="PL23"),
        pytest.param(" • E-postadress", " • E-postadress\n • Kön för ett visst ändamål", id="PL25"),
    ],
)
def test_other_words_for_something_sound_are_sound(old: str, new: str) -> None:
    assert old in SOUND
    assert findings(SOUND.replace(old, new)) == ()


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("PL07", "Deltagarlistor sparas i tio år", "Barn under 16 år sparas inte,"),
        ("PL07", "sparas i tio år och allt annat i 2 år", "sparas ett tag"),
        ("PL11", "Version 3, gäller från 2026-02-01.", "Version tre, gäller från våren."),
        ("PL11", "Version 3, gäller från 2026-02-01.", "Gäller från maj."),
        ("PL11", "Version 3, gäller från 2026-02-01.", "Gäller från år 2026."),
        ("PL11", "Version 3, gäller från 2026-02-01.", "Mötet är den 1 maj 2026."),
        ("PL17", "Båda fälten är obligatoriska när", "Namn är det vi frågar om när"),
        ("PL22", "och behörighet ges per person", "med SSL"),
        ("PL24", " • OneDrive", " • Onedrive"),
    ],
)
def test_half_a_remedy_is_none(code: str, old: str, new: str) -> None:
    assert old in SOUND
    assert code in [finding.code for finding in findings(SOUND.replace(old, new))]


def test_a_bullet_that_says_whether_it_is_voluntary_needs_no_sentence_for_all() -> None:
    text = SOUND.replace("Båda fälten är obligatoriska när", "Vi frågar när")
    marked = text.replace("• Namn", "• Namn (obligatoriskt)").replace(
        "• E-postadress", "• E-postadress (frivilligt)"
    )
    (finding,) = findings(text)

    assert finding.code == "PL17"
    assert finding.detail.startswith("2 of 2 fields")
    assert findings(marked) == ()


@pytest.mark.clause("L57", "PL02")
def test_annulling_a_framework_in_the_law_file_finds_the_texts_that_rely_on_it() -> None:
    text = SOUND.replace("standardavtalsklausuler", "EU-US Data Privacy Framework")
    structure = packaged_law_structure().decode()
    annulled = structure.replace("at_risk = true", "valid_before = 2026-06-01")
    case = PolicyDocument(text.encode())

    before = lint(impel(), law(), case, packaged_cues("sv"))
    after = lint(impel(), load_law(annulled.encode()), case, packaged_cues("sv"))

    assert annulled != structure
    assert before == ()
    assert [finding.code for finding in after] == ["PL02"]


def test_a_finding_names_the_keys_that_it_concerns() -> None:
    by_code = {spoiling.code: findings(spoiling.applied())[0].keys for spoiling in SPOILINGS}

    assert "recipients.mailchimp.mechanisms" in by_code["PL02"]
    assert "recipients.travelperk.mechanisms" not in by_code["PL02"]
    assert by_code["PL05"] == ("purposes.event_security",)
    assert by_code["PL06"] == ("recipients.google_drive",)
    assert by_code["PL24"] == ("recipients.google_forms.aliases",)
    assert by_code["PL25"] == ('categories."profile.gender"',)
    assert by_code["PL27"] == ("recipients.tawk.vendor_practice",)


def test_a_language_without_cue_words_is_said_to_have_none() -> None:
    for language in ("xx", "../sv", "sv.toml", ""):
        with pytest.raises(LanguageUnknown):
            packaged_cues(language)
