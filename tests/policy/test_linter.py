"""Every finding appears with its defect and disappears when the defect is mended (L30)."""

import pytest

from app.policy.cues import LanguageUnknown, packaged_cues
from app.policy.linter import RULES, lint
from app.policy.loader import load_law, packaged_law_structure
from app.policy.model import Policy
from app.policy.text import PolicyDocument
from app.policy.vocabulary import LegalBasis, Severity
from app.values import replace
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

    before = lint(impel(), law(), case, "sv")
    after = lint(impel(), load_law(annulled.encode()), case, "sv")

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


EDITORIAL, INCOMPLETE, UNLAWFUL = Severity.EDITORIAL, Severity.INCOMPLETE, Severity.UNLAWFUL
FOUND: dict[str, tuple[Severity, tuple[str, ...], tuple[str, ...], int]] = {
    "PL01": (EDITORIAL, ("C28",), (), 1),
    "PL03": (UNLAWFUL, ("C29",), ("purposes.event_security",), 1),
    "PL04": (UNLAWFUL, ("C55",), (), 1),
    "PL05": (UNLAWFUL, ("C29",), ("purposes.event_security",), 1),
    "PL06": (INCOMPLETE, ("C58",), ("recipients.google_drive",), 1),
    "PL07": (INCOMPLETE, ("C60",), ("retention_classes",), 1),
    "PL08": (INCOMPLETE, ("C53",), (), 1),
    "PL09": (EDITORIAL, ("C50",), (), 2),
    "PL10": (EDITORIAL, ("C57",), (), 1),
    "PL11": (INCOMPLETE, ("C84",), ("effective_from",), 0),
    "PL12": (INCOMPLETE, ("C33",), (), 1),
    "PL13": (INCOMPLETE, ("C85",), (), 0),
    "PL14": (INCOMPLETE, ("C85",), (), 0),
    "PL15": (
        INCOMPLETE,
        ("C31", "C85"),
        tuple(
            f"purposes.{key}"
            for key, purpose in impel().purposes.items()
            if purpose.legal_basis is LegalBasis.LEGITIMATE_INTEREST
        ),
        1,
    ),
    "PL16": (INCOMPLETE, ("C85",), (), 0),
    "PL17": (INCOMPLETE, ("C14", "C85"), (), 2),
    "PL18": (INCOMPLETE, ("C85",), (), 0),
    "PL19": (INCOMPLETE, ("C80",), ("rights.rectification",), 0),
    "PL20": (UNLAWFUL, ("C21",), (), 1),
    "PL21": (UNLAWFUL, ("C20",), ('categories."network.ip"',), 1),
    "PL22": (INCOMPLETE, ("C59",), (), 1),
    "PL23": (EDITORIAL, ("C82",), (), 1),
    "PL24": (EDITORIAL, ("C43", "C47"), ("recipients.google_forms.aliases",), 1),
    "PL25": (UNLAWFUL, ("C10",), ('categories."profile.gender"',), 1),
    "PL26": (EDITORIAL, ("C31",), ("purposes.newsletter",), 1),
    "PL27": (UNLAWFUL, ("C54", "C56"), ("recipients.tawk.vendor_practice",), 1),
}
"""Code -> severity, clauses, keys of the structure, number of lines. PL02 names ten vendors."""


@pytest.mark.clause("L30")
@pytest.mark.parametrize("spoiling", SPOILED)
def test_a_finding_says_how_grave_it_is_and_what_it_concerns(spoiling: Spoiling) -> None:
    """What a desk sorts by, and what a page about a clause or a recipient links to."""
    (found,) = findings(spoiling.applied())
    expected = FOUND.get(spoiling.code, (UNLAWFUL, ("C30",), found.keys, 1))

    assert (found.severity, found.clauses, found.keys, len(found.lines)) == expected


def detail(code: str, text: str) -> str:
    """What one finding says of a text."""
    (found,) = (one for one in findings(text) if one.code == code)
    return found.detail


@pytest.mark.clause("PL19")
def test_a_correction_that_is_told_elsewhere_is_said_to_be() -> None:
    """Where it stands is where the person will look for it."""
    without = SOUND.replace("kopia, rättelse eller", "kopia eller")
    elsewhere = without.replace("svarar på frågor.", "svarar på frågor om rättelse.")

    assert detail("PL19", without).endswith(" nowhere")
    assert detail("PL19", elsewhere).endswith(" only elsewhere")


@pytest.mark.clause("PL08")
@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("I det som samlas in ingår: Annat på sidan.", True),
        ("I det som samlas in ingår: E-postadress.", False),
        ("I det som samlas in ingår en del. Annat på sidan.", False),
        ("Vi skriver: Annat på sidan.", False),
    ],
)
def test_a_list_is_cut_off_where_a_colon_is_followed_by_no_category(text: str, cut: bool) -> None:
    spoiled = SOUND.replace("I chatten från", f"{text} I chatten från")

    assert ("PL08" in [one.code for one in findings(spoiled)]) is cut


@pytest.mark.clause("PL15")
def test_a_claimed_interest_is_to_be_named_whatever_the_structure_says() -> None:
    """A notice that relies on none, in structure and in words, has none to name."""
    silent = SOUND.replace("annars ett berättigat intresse av att samarbeta", "inget annat")
    unnamed = SOUND.replace("intresse av att samarbeta", "intresse")
    consent = {
        key: purpose
        for key, purpose in impel().purposes.items()
        if purpose.legal_basis is LegalBasis.CONSENT
    }
    on_consent = replace(impel(), purposes=consent)

    def codes(policy: Policy, text: str) -> set[str]:
        document = PolicyDocument(text.encode())
        return {one.code for one in lint(policy, law(), document, "sv")}

    assert "PL15" in codes(impel(), unnamed)
    assert "PL15" in codes(impel(), silent), "the structure relies on it"
    assert "PL15" in codes(on_consent, unnamed), "the text relies on it"
    assert "PL15" not in codes(on_consent, silent)


@pytest.mark.clause("PL22")
def test_another_safeguard_may_stand_in_another_paragraph_on_storage() -> None:
    """Encryption on the way is a finding only where nothing else is told of."""
    alone = SOUND.replace(" och behörighet ges per person", "")
    beside = alone.replace(" • Tid\n", " • Åtkomst\n  Behörighet ges per person.\n • Tid\n")
    neither = alone.replace(", trafiken är krypterad", "")

    assert "PL22" in [one.code for one in findings(alone)]
    assert "PL22" not in [one.code for one in findings(beside)]
    assert "PL22" not in [one.code for one in findings(neither)]


@pytest.mark.clause("PL12")
def test_a_policy_on_storage_that_everybody_can_open_is_public() -> None:
    """An address where it can be read is enough."""
    inside = SOUND.replace("Båda fälten", "Vår policy för lagring delas med medlemmar. Båda fälten")
    outside = inside.replace("delas med medlemmar", "delas med medlemmar på https://impel.example")

    assert "PL12" in [one.code for one in findings(inside)]
    assert "PL12" not in [one.code for one in findings(outside)]


@pytest.mark.clause("PL27")
def test_a_denial_is_laid_at_the_door_of_whom_the_paragraph_is_about() -> None:
    denied = SOUND.replace("utan konto.", "utan konto. Samtalen sparas inte.")
    elsewhere = SOUND.replace("svarar på frågor.", "svarar på frågor. Samtalen sparas inte.")

    assert "PL27" in [one.code for one in findings(denied)]
    assert "PL27" not in [one.code for one in findings(elsewhere)]


@pytest.mark.clause("L30")
def test_of_a_text_in_another_language_it_is_said_that_nothing_was_looked_for() -> None:
    """Whoever reads no finding would take the text for sound."""
    [found] = lint(impel(), law(), PolicyDocument("Tiuj datumoj restas ĉe ni.\n".encode()), "eo")

    assert (found.code, found.severity) == ("PL00", "incomplete")
    assert "'eo'" in found.detail
