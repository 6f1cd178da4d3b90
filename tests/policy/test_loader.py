"""A policy or law file with a fault is refused, and every fault is named by its key path."""

import hashlib
from datetime import date

import pytest

from app.policy.loader import (
    PolicyInvalid,
    load,
    load_law,
    load_packaged,
    load_packaged_law,
    packaged_law_structure,
    packaged_structure,
    packaged_versions,
)
from app.policy.reading import STRUCTURE_BYTES_MAX

SMALL = """\
version = "club-1"
effective_from = 2026-01-01
effective_from_evidence = "minutes of the board"
minimum_age = 16

[controller]
name = "A club"
legal_form = "association"
seat = "Gent"
address = ["Street 1", "9000 Gent"]
country = "BE"
email = "board@club.example"
contact_role = "board"

[texts.nl]
sha256 = "00"
authoritative = true
fetched_at = 2026-01-01

[relationships.member]
title = "Member"

[sources.form]
title = "Form"
origin = "subject"

[sources.mailer]
title = "Mailer"
origin = "third_party"
operator = "mailer"

[categories."contact.email"]
title = "E-mail"
field_class = "contact"
format = "email"

[retention_classes.membership]
title = "Members"
keep = "P1Y6M"
clock = "membership_end"
nature = "fixed"
generation = "membership"
reason = "arrears"
norm = "Art. 5(1)(e)"

[purposes.letters]
title = "Letters"
legal_basis = "consent"
categories = ["contact.email"]
recipients = ["mailer"]
relationships = ["member"]
retention = "membership"

[uses.jokes]
title = "Jokes"
parent = "letters"
legal_basis = "consent"
categories = ["contact.email"]
retention = "membership"

[mechanisms.shield]
title = "Shield"

[recipients.mailer]
title = "Mailer"
aliases = ["The  Mailer", "Postkorb"]
role = "processor"
countries = ["US"]
mechanisms = ["shield"]
allowed_categories = ["contact.email"]
agreement = "processing"

[prohibited_disclosures.no_sale]
title = "Nothing is sold"
source = "form"
categories = ["contact.email"]
recipients = ["*"]
except_recipients = ["mailer"]

[forbidden_linkings.nothing]
title = "Nothing"
categories = ["contact.email"]

[rights.access]
title = "Access"
how = "Ask"
limits = "None"

[exemptions.law]
title = "The law"
retention_classes = ["membership"]

[activities.members]
title = "Members"
persons = ["member"]
categories = ["contact.email"]
purposes = ["letters", "jokes"]
recipients = ["mailer"]
retention_classes = ["membership"]

[standing_findings.X1]
title = "A conflict"
clauses = []
subject_of = ["membership"]
"""

LAW = """\
version = "law-1"

[authority]
name = "Authority"
address = ["Street 2"]
email = "mail@authority.example"
url = "https://authority.example"
source = "Art. 51"

[[parameters]]
name = "days"
value = 1
valid_from = 2020-01-01
valid_before = 2021-01-01
source = "old"

[[parameters]]
name = "days"
value = 2
valid_from = 2021-01-01
source = "new"

[mechanisms.shield]
title = "Shield"
tool = "adequacy_listed"
article = "Art. 45"
countries = ["US"]
valid_from = 2016-07-12
valid_before = 2020-07-16
source = "decision"

[area]
BE = { valid_from = 1994-01-01 }

[[holidays]]
name = "Easter Monday"
easter_offset = 1
valid_from = 2000-01-01
source = "decree"
"""


def spoiled(text: str, old: str, new: str) -> bytes:
    """The file with one place changed."""
    assert text.count(old) == 1, old
    return text.replace(old, new).encode()


def faults(structure: bytes) -> dict[str, str]:
    """What the reader says, by key path."""
    with pytest.raises(PolicyInvalid) as caught:
        load(structure)
    assert str(caught.value) == "; ".join(str(fault) for fault in caught.value.faults)
    return {fault.where: fault.what for fault in caught.value.faults}


def law_faults(structure: bytes) -> dict[str, str]:
    """What the reader says of a law file, by key path."""
    with pytest.raises(PolicyInvalid) as caught:
        load_law(structure)
    return {fault.where: fault.what for fault in caught.value.faults}


def test_a_small_policy_of_another_controller_is_read() -> None:
    policy = load(SMALL.encode())

    assert policy.version == "club-1"
    assert policy.sha256 == hashlib.sha256(SMALL.encode()).hexdigest()
    assert policy.effective_from == date(2026, 1, 1)
    assert str(policy.retention_classes["membership"].keep) == "P1Y6M"
    assert policy.recipient("the mailer") is policy.recipients["mailer"]
    assert policy.source("Postkorb") is policy.sources["mailer"]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (
            'categories = ["contact.email"]\nrecipients = ["mailer"]\nrelationships',
            'categories = ["contact.fax"]\nrecipients = ["mailer"]\nrelationships',
            "purposes.letters.categories",
        ),
        (
            'recipients = ["mailer"]\nrelationships',
            'recipients = ["sender"]\nrelationships',
            "purposes.letters.recipients",
        ),
        (
            'relationships = ["member"]',
            'relationships = ["guest"]',
            "purposes.letters.relationships",
        ),
        (
            'relationships = ["member"]\nretention = "membership"',
            'relationships = ["member"]\nretention = "ever"',
            "purposes.letters.retention",
        ),
        (
            'relationships = ["member"]\n',
            'relationships = ["member"]\nretention_by_category = {"contact.fax" = "membership"}\n',
            "purposes.letters.retention_by_category",
        ),
        (
            'relationships = ["member"]\n',
            'relationships = ["member"]\nretention_by_category = {"contact.email" = "ever"}\n',
            "purposes.letters.retention_by_category",
        ),
        ('parent = "letters"', 'parent = "songs"', "uses.jokes.parent"),
        ('parent = "letters"', 'parent = "jokes"', "uses.jokes.parent"),
        (
            'parent = "letters"\nlegal_basis = "consent"',
            'parent = "letters"\nlegal_basis = "legal_obligation"',
            "uses.jokes.parent",
        ),
        ('title = "Letters"\n', 'title = "Letters"\nparent = "jokes"\n', "purposes.letters.parent"),
        (
            'legal_basis = "consent"\ncategories = ["contact.email"]\nrecipients',
            (
                'explicit_consent = true\nlegal_basis = "contract"\n'
                'categories = ["contact.email"]\nrecipients'
            ),
            "purposes.letters.explicit_consent",
        ),
        ('mechanisms = ["shield"]', 'mechanisms = ["sword"]', "recipients.mailer.mechanisms"),
        ('countries = ["US"]\n', "", "recipients.mailer.countries"),
        (
            'allowed_categories = ["contact.email"]',
            'allowed_categories = ["contact.fax"]',
            "recipients.mailer.allowed_categories",
        ),
        (
            'allowed_categories = ["contact.email"]',
            "allowed_categories = []",
            "purposes.letters.recipients",
        ),
        ('operator = "mailer"', 'operator = "sender"', "sources.mailer.operator"),
        ('source = "form"', 'source = "fax"', "prohibited_disclosures.no_sale.source"),
        (
            'source = "form"\ncategories = ["contact.email"]',
            'source = "form"\ncategories = ["contact.fax"]',
            "prohibited_disclosures.no_sale.categories",
        ),
        (
            'recipients = ["*"]',
            'recipients = ["sender"]',
            "prohibited_disclosures.no_sale.recipients",
        ),
        (
            'except_recipients = ["mailer"]',
            'except_recipients = ["*"]',
            "prohibited_disclosures.no_sale.except_recipients",
        ),
        (
            'title = "Nothing"\ncategories = ["contact.email"]',
            'title = "Nothing"\ncategories = ["contact.fax"]',
            "forbidden_linkings.nothing.categories",
        ),
        (
            'title = "The law"\nretention_classes = ["membership"]',
            'title = "The law"\nretention_classes = ["ever"]',
            "exemptions.law.retention_classes",
        ),
        ('subject_of = ["membership"]', 'subject_of = ["ever"]', "standing_findings.X1.subject_of"),
        ('persons = ["member"]', 'persons = ["guest"]', "activities.members.persons"),
        (
            'persons = ["member"]\ncategories = ["contact.email"]',
            'persons = ["member"]\ncategories = ["contact.fax"]',
            "activities.members.categories",
        ),
        (
            'purposes = ["letters", "jokes"]',
            'purposes = ["letters", "jokes", "songs"]',
            "activities.members.purposes",
        ),
        (
            'purposes = ["letters", "jokes"]\nrecipients = ["mailer"]',
            'purposes = ["letters", "jokes"]\nrecipients = ["sender"]',
            "activities.members.recipients",
        ),
        (
            'recipients = ["mailer"]\nretention_classes = ["membership"]',
            'recipients = ["mailer"]\nretention_classes = ["ever"]',
            "activities.members.retention_classes",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(old: str, new: str, where: str) -> None:
    assert where in faults(spoiled(SMALL, old, new))


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (
            "[retention_classes.membership]",
            (
                '[categories."contact.fax"]\ntitle = "Fax"\nfield_class = "contact"\n\n'
                "[retention_classes.membership]"
            ),
            "categories.contact.fax",
        ),
        (
            "[mechanisms.shield]",
            '[mechanisms.sword]\ntitle = "Sword"\n\n[mechanisms.shield]',
            "mechanisms.sword",
        ),
        (
            "[sources.form]",
            '[relationships.guest]\ntitle = "Guest"\n\n[sources.form]',
            "relationships.guest",
        ),
        (
            'recipients = ["mailer"]\nrelationships',
            "recipients = []\nrelationships",
            "recipients.mailer",
        ),
        ('purposes = ["letters", "jokes"]', 'purposes = ["letters"]', "purposes.jokes"),
        ('purposes = ["letters", "jokes"]', "purposes = []", "activities.members.purposes"),
        ("authoritative = true", "authoritative = false", "texts"),
    ],
)
def test_an_entry_to_which_nothing_leads_is_refused(old: str, new: str, where: str) -> None:
    assert where in faults(spoiled(SMALL, old, new))


def test_a_retention_class_that_no_category_takes_is_refused() -> None:
    extra = SMALL[SMALL.index("[retention_classes.membership]") : SMALL.index("[purposes.letters]")]
    doubled = SMALL + extra.replace("[retention_classes.membership]", "[retention_classes.spare]")

    assert faults(doubled.encode()) == {"retention_classes.spare": "nothing leads to it"}


@pytest.mark.clause("C28", "PL01")
@pytest.mark.parametrize("title", [".", "", " … ", "—"])
def test_a_purpose_without_a_word_cannot_exist(title: str) -> None:
    structure = spoiled(SMALL, 'title = "Letters"', f'title = "{title}"')

    assert faults(structure) == {"purposes.letters.title": "has neither a letter nor a digit"}


@pytest.mark.clause("C28", "L2")
def test_a_purpose_without_categories_cannot_exist() -> None:
    structure = spoiled(
        SMALL,
        'legal_basis = "consent"\ncategories = ["contact.email"]\nretention',
        'legal_basis = "consent"\ncategories = []\nretention',
    )

    assert faults(structure)["uses.jokes.categories"] == "is empty"


def test_one_key_cannot_be_two_purposes() -> None:
    structure = SMALL.replace("[uses.jokes]", "[uses.letters]").replace(', "jokes"', "")

    assert "uses.letters" in faults(structure.encode())


def test_a_use_of_a_use_of_a_use_is_refused() -> None:
    middle = '[uses.puns]\ntitle = "Puns"\nparent = "jokes"\n'
    rest = 'legal_basis = "consent"\ncategories = ["contact.email"]\nretention = "membership"\n'
    listed = SMALL.replace('"jokes"]', '"jokes", "puns"]')

    assert "uses.puns.parent" in faults((listed + middle + rest).encode())


def test_a_use_that_narrows_itself_is_told_so() -> None:
    itself = spoiled(SMALL, 'parent = "letters"', 'parent = "jokes"')

    assert faults(itself)["uses.jokes.parent"] == "names itself"


@pytest.mark.clause("C47")
def test_one_name_for_two_recipients_is_refused() -> None:
    other = '\n[recipients.post]\ntitle = "postkorb"\nrole = "controller"\ncountries = ["BE"]\n'

    assert faults((SMALL + other).encode()) == {"recipients.post": "has a name that mailer has too"}


@pytest.mark.clause("C47")
def test_one_name_for_a_recipient_and_a_source_of_another_key_is_refused() -> None:
    other = '\n[sources.post]\ntitle = "Postkorb"\norigin = "subject"\n'

    assert faults((SMALL + other).encode())["sources.post"] == "has a name that mailer has too"


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ('version = "club-1"\n', "", "version", "must be given, as str"),
        ("minimum_age = 16", 'minimum_age = "16"', "minimum_age", "must be given, as int"),
        ("minimum_age = 16", "minimum_age = true", "minimum_age", "must be given, as int"),
        (
            "effective_from = 2026-01-01",
            "effective_from = 2026-01-01T00:00:00Z",
            "effective_from",
            "must be given, as date",
        ),
        ("minimum_age = 16", "minimum_age = 16\ncolour = 1", "colour", "is not known here"),
        (
            'role = "processor"',
            'role = "friend"',
            "recipients.mailer",
            "Invalid enum value 'friend' - at `$.role`",
        ),
        (
            'role = "processor"',
            'role = "processor"\nmood = "good"',
            "recipients.mailer.mood",
            "is not known here",
        ),
        (
            'title = "E-mail"\n',
            "",
            'categories."contact.email"',
            "Object missing required field `title`",
        ),
        (
            'keep = "P1Y6M"',
            'keep = "1 year"',
            "retention_classes.membership",
            "not an ISO 8601 duration of years, months, weeks and days",
        ),
        (
            "[relationships.member]",
            '[relationships."A Member"]',
            "relationships.A Member",
            "the key has not the shape of a key",
        ),
        (
            "[standing_findings.X1]",
            "[standing_findings.finding]",
            "standing_findings.finding",
            "the key has not the shape of a key",
        ),
        (
            "[rights.access]",
            "[rights.everything]",
            "rights.everything",
            "Invalid enum value 'everything' - at `$.right`",
        ),
    ],
)
def test_a_fault_of_form_is_named_by_its_key_path(
    old: str, new: str, where: str, what: str
) -> None:
    assert faults(spoiled(SMALL, old, new))[where] == what


def test_a_table_that_is_none_is_refused() -> None:
    without = SMALL[: SMALL.index("[rights.access]")] + SMALL[SMALL.index("[exemptions.law]") :]

    assert faults(("rights = 3\n" + without).encode())["rights"] == "must be a table"
    assert faults(("rights = {access = 3}\n" + without).encode())["rights.access"] == (
        "must be a table"
    )


def test_a_policy_without_a_controller_is_refused() -> None:
    without = SMALL[: SMALL.index("[controller]")] + SMALL[SMALL.index("[texts.nl]") :]

    assert faults(without.encode()) == {"controller": "must be a table"}


@pytest.mark.parametrize(
    ("structure", "what"),
    [
        (b"\xff", "not UTF-8"),
        (b"#" * (STRUCTURE_BYTES_MAX + 1), "longer than 1000000 bytes"),
    ],
    ids=["latin-1", "long"],
)
def test_bytes_that_cannot_be_read_are_refused(structure: bytes, what: str) -> None:
    assert faults(structure) == {"file": what}


def test_a_file_of_the_longest_size_is_read() -> None:
    padding = "#" * (STRUCTURE_BYTES_MAX - len(SMALL.encode()))

    assert load((SMALL + padding).encode()).version == "club-1"


def test_what_is_no_toml_is_refused() -> None:
    assert faults(b"version = ")["file"].startswith("not TOML: ")


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        (
            "valid_before = 2021-01-01",
            "valid_before = 2021-01-02",
            "parameters.days",
            "has two values on one day",
        ),
        ("valid_before = 2021-01-01\n", "", "parameters.days", "has two values on one day"),
        (
            "valid_before = 2021-01-01",
            "valid_before = 2020-01-01",
            "parameters.days",
            "ends before it begins",
        ),
        (
            "valid_before = 2020-07-16",
            "valid_before = 2016-07-12",
            "mechanisms.shield",
            "ends before it begins",
        ),
        (
            "easter_offset = 1\n",
            "",
            "holidays.Easter Monday",
            "needs a month and day, or an Easter offset",
        ),
        (
            "easter_offset = 1\n",
            "easter_offset = 1\nmonth = 1\nday = 1\n",
            "holidays.Easter Monday",
            "needs a month and day, or an Easter offset",
        ),
        (
            "easter_offset = 1\n",
            "month = 1\n",
            "holidays.Easter Monday",
            "needs a month and day, or an Easter offset",
        ),
        ("BE = ", "Belgium = ", "area.Belgium", "the key has not the shape of a key"),
        ("BE = ", "be = ", "area.be", "the key has not the shape of a key"),
        ("BE = ", "BEL = ", "area.BEL", "the key has not the shape of a key"),
        ("BE = ", '"BÉ" = ', "area.BÉ", "the key has not the shape of a key"),
        (
            "value = 1",
            "value = 1.5",
            "parameters[0]",
            "Expected `int | str`, got `float` - at `$.value`",
        ),
    ],
)
def test_a_law_that_contradicts_itself_is_refused(
    old: str, new: str, where: str, what: str
) -> None:
    assert law_faults(spoiled(LAW, old, new))[where] == what


def test_rows_that_are_none_are_refused() -> None:
    rows = LAW.index("[[holidays]]")

    assert law_faults(f"holidays = 3\n{LAW[:rows]}".encode())["holidays"] == (
        "must be an array of tables"
    )


def test_the_packaged_files_are_read_and_hashed_by_their_bytes() -> None:
    structure = packaged_structure("impel-1")

    assert packaged_versions() == ("impel-1",)
    assert load_packaged("impel-1").sha256 == hashlib.sha256(structure).hexdigest()
    assert load_packaged("impel-1") is load_packaged("impel-1")
    assert load_packaged_law().sha256 == hashlib.sha256(packaged_law_structure()).hexdigest()


def test_a_version_that_is_not_packaged_is_a_key_error() -> None:
    for version in ("impel-2", "../law", ""):
        with pytest.raises(KeyError):
            packaged_structure(version)


def test_a_period_is_read_with_its_months_and_its_days() -> None:
    structure = spoiled(SMALL, 'keep = "P1Y6M"', 'keep = "P1Y6M10D"')
    keep = load(structure).retention_classes["membership"].keep

    assert (keep.months, keep.days) == (18, 10)
