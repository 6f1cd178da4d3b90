"""One letter of each kind with everything that it can hold, about invented people."""

from datetime import date
from typing import Any

from app.documents.letters import (
    Addressee,
    Kept,
    Letter,
    LetterKind,
    Told,
    Use,
)
from app.policy.changes import EntryChange
from app.policy.check import ChangeKind
from app.policy.model import Authority, Controller

CONTROLLER = Controller(
    name="IMPEL",
    legal_form="non-profit association",
    seat="Brussels",
    address=(
        "IMPEL secretariat",
        "Chemin des deux maisons 73, box 3",
        "1200 Brussels",
        "Belgium",
    ),
    country="BE",
    email="info@impel.eu",
    contact_role="data-protection desk",
)
AUTHORITY = Authority(
    name="Autorité de protection des données / Gegevensbeschermingsautoriteit (APD/GBA)",
    address=("Rue de la Presse 35 / Drukpersstraat 35", "1000 Brussels", "Belgium"),
    email="contact@apd-gba.be",
    url="https://www.autoriteprotectiondonnees.be",
    source="test",
)
NAME = "Zoë Åberg-Ğökçe Ωμέγα ж ő ß"
KEPT = Kept(
    title="Vouchers of payments",
    ground="Art. 17(3)(b)",
    norm="CIR 92 art. 315 (10 years); VAT Code art. 60 (10 years); CEL art. III.86, III.88"
    " (7 years)",
    until=date(2036, 12, 31),
)

FACTS: dict[str, Any] = {
    "right": "erasure",
    "reference": "5f1c2b34-9d1e-4a6c-8a8e-0d6a4c1f2b3a",
    "received_on": date(2026, 3, 5),
    "due_on": date(2026, 4, 7),
    "extended_until": date(2026, 6, 5),
    "reasons": ("The reasons of the desk in its own words.",),
    "questions": ("The address that you used when you registered.",),
    "ground": "Art. 12(5)(b)",
    "done": ("Something was done.",),
    "erased": ("Details of people who take part",),
    "kept": (KEPT,),
    "recipients": (Told(title="Mailchimp", outcome="informed"), Told(title="Hotels")),
    "suppressed": True,
    "effective_on": date(2026, 5, 1),
    "purpose": "Sending the newsletter",
    "link": "https://ledger.example/c/" + "x" * 43,
    "link_until": date(2026, 3, 12),
    "wording": "Yes, I would like to get the newsletter.",
    "uses": (
        Use(
            title="Exchange of information between members and partner organisations",
            basis="legitimate_interest",
            legitimate_interest="Cooperation between environmental authorities",
        ),
    ),
    "categories": ("Full name", "E-mail address"),
    "source": "Member organisation",
    "retention": (("Details of people who take part", "7 years"),),
    "policy": "impel-1",
    "changes": (EntryChange(part="recipients", title="The press", kind=ChangeKind.ADDED),),
    "enclosures": ("report.pdf",),
}
"""What a letter of any kind may be made of."""


def letter(kind: LetterKind, **facts: Any) -> Letter:
    """A complete letter of a kind; ``facts`` stand instead of the sample's."""
    return Letter(
        **{
            "kind": kind,
            "controller": CONTROLLER,
            "authority": AUTHORITY,
            "on": date(2026, 3, 6),
            "addressee": Addressee(name=NAME, address=("Storgatan 1", "111 22 Stockholm")),
            **FACTS,
            **facts,
        }
    )
