"""The text of the first version, read in place where it is given: its hash and its 27 findings."""

import os
import re
from pathlib import Path

import pytest

from app.policy.check import verify_text
from app.policy.linter import lint
from app.policy.text import BlockKind, PolicyDocument
from tests.policy.notices import findings, impel, law

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LEDGER_SHARED", ROOT.parent / "shared"))
TEXT = SHARED / "policy" / "impel-privacy-policy.sv.txt"
MISSING = "not given: policy/impel-privacy-policy.sv.txt (in LEDGER_SHARED, or in ../shared)"
ALL_CODES = [f"PL{number:02}" for number in range(1, 28)]

pytestmark = pytest.mark.skipif(not TEXT.is_file(), reason=MISSING)


def worded_bullets(document: PolicyDocument, section: int) -> list[str]:
    """The bullets of a section that say something (C28)."""
    bullets = (one for one in document.blocks if one.kind is BlockKind.BULLET and one.has_word)
    return [one.text for one in bullets if one.section == section]


@pytest.mark.clause("C28", "C77", "C83")
def test_the_structure_names_the_hash_of_the_text() -> None:
    document = verify_text(impel(), "sv", TEXT.read_bytes())

    assert document.sha256 == impel().texts["sv"].sha256


@pytest.mark.clause(*ALL_CODES, "L30")
def test_the_linter_finds_all_27_and_each_has_a_clause() -> None:
    document = PolicyDocument(TEXT.read_bytes())
    found = lint(impel(), law(), document, "sv")

    assert [finding.code for finding in found] == ALL_CODES
    assert all(finding.clauses for finding in found)


@pytest.mark.clause("C28", "PL01")
def test_the_list_of_purposes_has_six_bullets_with_words() -> None:
    document = PolicyDocument(TEXT.read_bytes())
    all_bullets = [
        block for block in document.blocks if block.section == 2 and block.kind is BlockKind.BULLET
    ]

    assert len(all_bullets) == 9
    assert len(worded_bullets(document, 2)) == 6


@pytest.mark.clause("C57")
def test_the_address_in_the_text_is_the_one_of_the_structure() -> None:
    document = PolicyDocument(TEXT.read_bytes())

    assert document.addresses == (impel().recipients["tawk"].policy_url,)


@pytest.mark.clause("C47", "C58")
def test_every_listed_system_is_a_recipient_of_the_structure() -> None:
    document = PolicyDocument(TEXT.read_bytes())
    listed = [text for text in worded_bullets(document, 3) if "\n" not in text]

    assert len(listed) == 7
    assert all(impel().recipient(name) is not None for name in listed)


MENDED = {
    "PL01": (r"(?m)^ • \.$\n", ""),
    "PL02": (r"Privacy Shield i USA", "standardavtalsklausuler"),
    "PL03": (r"\*\w+ du registrerar dig", "*Då du reser"),
    "PL04": (r"Genom \w+ \w+ chatten", "Före chatten"),
    "PL05": (r"(?m)^\*", ""),
    "PL06": (r"Onedrive, Google drive och", "Onedrive och"),
    "PL07": (r", vilket \w+ \w+ nedan", ""),
    "PL08": (r"omfattar: \w+", "omfattar: Namn och IP-adress, det"),
    "PL09": (r"(?m)^Social Media Widgets:.*$\n", ""),
    "PL10": (r"(?m)^\.$\n", ""),
    "PL11": (r"(?m)^Integritetspolicy$", "Integritetspolicy, version 1"),
    "PL12": (r", som delas med [^.]*", ""),
    "PL13": (r"(?m)^Belgien$", "Belgien\nTillsynsmyndighet: APD"),
    "PL14": (r"(?m)^Belgien$", "Belgien\nDataskyddsombud finns"),
    "PL15": (r"(legitimt intresse)", r"\1 av samarbete"),
    "PL16": (r"(avregistrering) ", r"\1, och så återkalla ditt samtycke, "),
    "PL17": (r"(I vissa fall)", r"Fälten ovan är frivilliga. \1"),
    "PL18": (r"(?m)^Belgien$", "Belgien\nInga automatiserade beslut fattas"),
    "PL19": (r"begära radering", "begära rättelse, radering"),
    "PL20": (r" genom att [^.]* webbläsare", ""),
    "PL21": (r"till en dator [^.]*", "till dig"),
    "PL22": (r"(kryptering)\.", r"\1 och behörighet per person."),
    "PL23": (r"Subscribe .*", "Prenumerera"),
    "PL24": (r"(?s)• Onedrive\n(.*)• Google formulär", r"• OneDrive\n\1• Google Forms"),
    "PL25": (r"(?m)^ • Kön$\n", ""),
    "PL26": (r"veckobrev", "nyhetsbrev"),
    "PL27": (r"(?:delas inte|lagras inte och raderas)", "finns"),
}


@pytest.mark.clause("L30")
@pytest.mark.parametrize("code", ALL_CODES)
def test_mending_one_defect_of_the_text_removes_its_finding_and_no_other(code: str) -> None:
    pattern, replacement = MENDED[code]
    text, places = re.subn(pattern, replacement, TEXT.read_text(encoding="utf-8"))
    left = [finding.code for finding in findings(text)]

    assert places > 0
    assert left == [other for other in ALL_CODES if other != code]
