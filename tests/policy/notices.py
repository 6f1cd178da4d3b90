"""A small sound notice, written for these tests, and one way to spoil it for every finding."""

from dataclasses import dataclass

from app.policy.findings.finding import Finding
from app.policy.linter import lint
from app.policy.loader import load_packaged, load_packaged_law
from app.policy.model import Law, Policy
from app.policy.text import PolicyDocument

GROUND = "Grunden är samtycke för brevet och annars ett berättigat intresse av att samarbeta."

SOUND = f"""\
Om dina uppgifter

 1. Vad vi samlar in
 2. Varför
 3. Hur vi delar
 4. Hur vi lagrar
 5. Dina rättigheter
 6. Kontakta oss

Version 3, gäller från 2026-02-01.

1. Vad vi samlar in

 • Namn
 • E-postadress

Båda fälten är obligatoriska när du blir medlem.
Kakor sätts bara efter ett ja i rutan vid första besöket.
En IP-adress är en personuppgift, också när den pekar på en dator.

2. Varför

 • Att skicka vårt nyhetsbrev
 • Att ordna möten och resor

{GROUND}
När du registrerar dig frågar vi separat om du samtycker till bilder.

3. Hur vi delar

 • Mailchimp
 • OneDrive
 • Google Forms

Överföring till länder utanför EES bygger på standardavtalsklausuler.
I chatten från Tawk.to ser vi ditt namn och dina meddelanden, och du kan använda den utan konto.

4. Hur vi lagrar

 • Plats
  Filer ligger i OneDrive, trafiken är krypterad och behörighet ges per person.
 • Tid
  Hur länge vi sparar vad beskrivs nedan i samma stycke.
  Deltagarlistor sparas i tio år och allt annat i 2 år.

5. Dina rättigheter

 • Du kan begära en kopia, rättelse eller radering.
 • Du kan återkalla ditt samtycke när du vill.
 • Du kan vända dig till tillsynsmyndigheten.
 • Inga automatiserade beslut fattas om dig.

6. Kontakta oss

Vårt dataskyddsombud svarar på frågor.
"""


@dataclass(frozen=True, slots=True)
class Spoiling:
    """A change to the sound notice after which exactly one finding must appear."""

    code: str
    clause: str
    old: str
    new: str
    where: str | None
    """Part of a line that the finding must point to; None when something is missing."""

    def applied(self) -> str:
        """The notice after the change."""
        assert SOUND.count(self.old) == 1, self.old
        return SOUND.replace(self.old, self.new)


SPOILINGS = (
    Spoiling("PL01", "C28", " • Att ordna", " • .\n • Att ordna", " • ."),
    Spoiling("PL02", "C30", "standardavtalsklausuler", "Privacy Shield", "Privacy Shield"),
    Spoiling("PL03", "C29", "frågar vi separat om du samtycker", "samtycker du", "När du registr"),
    Spoiling(
        "PL04",
        "C55",
        "den utan konto.",
        "den. Du godkänner allt genom att använda chatten.",
        "chatten från",
    ),
    Spoiling(
        "PL05",
        "C29",
        "\n3. Hur vi delar\n\n",
        "\n*Uppgifter lämnas ut för andra ändamål.\n\n3. Hur vi delar\n\n",
        "*Uppgifter",
    ),
    Spoiling(
        "PL06", "C58", "Filer ligger i OneDrive", "Filer ligger i Google Drive", "Filer ligger"
    ),
    Spoiling(
        "PL07", "C60", "  Deltagarlistor sparas i tio år och allt annat i 2 år.\n", "", "Hur länge"
    ),
    Spoiling(
        "PL08",
        "C53",
        "I chatten från",
        "I det som samlas in ingår: Annat på sidan. I chatten från",
        "samlas in ingår",
    ),
    Spoiling(
        "PL09",
        "C50",
        "Vårt dataskyddsombud",
        f"{GROUND}\nVårt dataskyddsombud",
        "Grunden är",
    ),
    Spoiling("PL10", "C57", "\n4. Hur vi lagrar\n\n", "\n.\n\n4. Hur vi lagrar\n\n", "."),
    Spoiling("PL11", "C84", "Version 3, gäller från 2026-02-01.", "Gäller tills vidare.", None),
    Spoiling(
        "PL12",
        "C33",
        "Båda fälten",
        "Vår policy för lagring delas med medlemmar. Båda fälten",
        "Vår policy",
    ),
    Spoiling("PL13", "C85", "tillsynsmyndigheten", "oss", None),
    Spoiling("PL14", "C85", "dataskyddsombud", "kansli", None),
    Spoiling("PL15", "C31", "intresse av att samarbeta", "intresse", "Grunden är"),
    Spoiling("PL16", "C85", "återkalla ditt samtycke", "avregistrera dig", None),
    Spoiling("PL17", "C14", "Båda fälten är obligatoriska när", "Vi frågar när", " • Namn"),
    Spoiling("PL18", "C85", "Inga automatiserade beslut fattas om dig", "Du kan fråga oss", None),
    Spoiling("PL19", "C80", "kopia, rättelse eller", "kopia eller", None),
    Spoiling(
        "PL20",
        "C21",
        "Kakor sätts bara efter ett ja",
        "Du kan avvisa cookies i din webbläsare, inte",
        "Du kan avvisa",
    ),
    Spoiling(
        "PL21",
        "C20",
        "En IP-adress är en personuppgift, också när den pekar på",
        "En IP-adress hör inte till en användare utan till",
        "En IP-adress",
    ),
    Spoiling("PL22", "C59", " och behörighet ges per person", "", "Filer ligger"),
    Spoiling(
        "PL23",
        "C82",
        "svarar på frågor.\n",
        "svarar på frågor.\n\nThe letters of our network\n",
        "The letters",
    ),
    Spoiling("PL24", "C47", " • Google Forms", " • Google formulär", "Google formulär"),
    Spoiling("PL25", "C10", " • E-postadress", " • E-postadress\n • Kön", " • Kön"),
    Spoiling(
        "PL26",
        "C31",
        "skicka vårt nyhetsbrev",
        "skicka vårt nyhetsbrev och vårt veckobrev",
        "veckobrev",
    ),
    Spoiling("PL27", "C56", "utan konto.", "utan konto. Samtalen sparas inte.", "chatten från"),
)


def impel() -> Policy:
    """The policy that comes with the program."""
    return load_packaged("impel-1")


def law() -> Law:
    """The law file that comes with the program."""
    return load_packaged_law()


def findings(text: str) -> tuple[Finding, ...]:
    """What the linter says of a Swedish notice under the packaged policy and law."""
    return lint(impel(), law(), PolicyDocument(text.encode()), "sv")
