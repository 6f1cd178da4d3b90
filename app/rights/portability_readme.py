"""The page of a portability package that is opened first: what is in it, and how to check it."""

from app.documents.blocks import Block, Bullets, Document, Heading, Paragraph, Table, Words
from app.documents.languages import Language
from app.documents.standing_texts import contact_line, fallback_note
from app.domain.days import day_of
from app.events.transmissions import Profile
from app.rights.portability import Portable, Value

KEY_FILE = "verification-key.pem"
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
COMMAND = (
    f"openssl pkeyutl -verify -pubin -inkey {KEY_FILE} -rawin"
    f" -in {MANIFEST_FILE} -sigfile {SIGNATURE_FILE}"
)


def readme(
    portable: Portable, spoken: Language, *, files: tuple[str, ...], key_id: str
) -> Document:
    """The page, in the language of the person; ``files`` are the others, in their order."""
    controller = portable.given.policy.controller
    return Document(
        language=spoken.code,
        title=spoken.say("Your data to take along"),
        blocks=(
            *fallback_note(spoken),
            *_opening(portable, spoken),
            *_glance(portable, spoken),
            *_consents(portable, spoken),
            *_files(files, spoken),
            *_checking(portable, spoken, key_id),
        ),
        footer=contact_line(controller, spoken),
    )


def _opening(portable: Portable, spoken: Language) -> tuple[Block, ...]:
    say, value = spoken.say, portable.value
    legal = say(
        "It holds what Art. 20 GDPR grants: what you provided yourself, on your consent or for a"
        " contract."
    )
    promised = say(
        "It holds everything that is in use about you, as the privacy policy promises. The law"
        " itself grants less."
    )
    return (
        Paragraph(
            say(
                "{controller} has put together this package for you (Art. 20 GDPR). It shows the"
                " state of {moment}.",
                controller=value["controller"]["name"],
                moment=spoken.moment(value["as_of"]),
            )
        ),
        Paragraph(legal if portable.profile is Profile.LEGAL else promised),
        Paragraph(
            say(
                "You may keep it, use it and give it to whomever you like. Nothing ends by it:"
                " your data stay with us as before, and so do your other rights (Art. 20(3) GDPR)."
            )
        ),
        Paragraph(
            say("It holds personal data and is not encrypted: keep it in a safe place."),
            strong=True,
        ),
    )


def _glance(portable: Portable, spoken: Language) -> tuple[Block, ...]:
    say, policy = spoken.say, portable.given.policy
    rows = []
    for one in portable.value["data"]:
        category, purpose = policy.category(one["category"]), policy.purpose(one["purpose"])
        source = policy.source(one["source"])
        rows.append(
            (
                one["category"] if category is None else spoken.named(category.title),
                str(one["value"]),
                one["purpose"] if purpose is None else spoken.named(purpose.title),
                one["source"] if source is None else spoken.named(source.title),
                spoken.day(day_of(one["since"], portable.given)),
            )
        )
    elsewhere = (
        (
            Paragraph(
                say(
                    "We hold more about you under another record, which has a package of its own."
                    " Ask us for it."
                ),
                strong=True,
            ),
        )
        if portable.value["other_records"]
        else ()
    )
    if not rows:
        nothing = Paragraph(say("This package holds no values."))
        return (Heading(say("Your data")), nothing, *elsewhere)
    headers = (say("What"), say("Value"), say("Used for"), say("Source"), say("Since"))
    return (
        Heading(say("Your data")),
        Table(
            caption=say("The values in this package"),
            headers=headers,
            rows=rows,
            widths=(3, 4, 4, 3, 2),
            row_headers=True,
        ),
        *elsewhere,
    )


def _consents(portable: Portable, spoken: Language) -> tuple[Block, ...]:
    say = spoken.say
    words = {
        "given": say("given"),
        "requested": say("asked for"),
        "unproven": say("not proven"),
        "withdrawn": say("withdrawn"),
        "expired": say("expired"),
    }
    rows = [
        (_purpose(one, spoken, portable), words.get(one["status"], one["status"]))
        for one in portable.value["consents"]
    ]
    if not rows:
        return ()
    return (
        Heading(say("Your consents")),
        Table(
            caption=say("Each consent and where it stands"),
            headers=(say("Used for"), say("Where it stands")),
            rows=rows,
            row_headers=True,
        ),
    )


def _purpose(one: Value, spoken: Language, portable: Portable) -> Words:
    purpose = portable.given.policy.purpose(one["purpose"])
    return str(one["purpose"]) if purpose is None else spoken.named(purpose.title)


def _files(files: tuple[str, ...], spoken: Language) -> tuple[Block, ...]:
    say = spoken.say
    told = {
        "data.json": say("Everything in this package, exactly, for other programs (JSON)."),
        "data.schema.json": say("What the members of data.json mean (JSON Schema)."),
        "data.csv": say("The values as a table, for a spreadsheet."),
        "files.csv": say("Files about you in other systems, as a table."),
        "statements.csv": say("Your supplementary statements, as a table."),
        "consents.csv": say("Your consents, as a table."),
        "contact.vcf": say("Your contact details for an address book (vCard 4.0)."),
        "contact.jscontact.json": say("The same for newer programs (JSContact)."),
        "consents.jsonld": say("Your consents as records (ISO/IEC TS 27560, W3C DPV)."),
        MANIFEST_FILE: say("The size and the SHA-256 of every file."),
        SIGNATURE_FILE: say("The signature of manifest.json (Ed25519)."),
        KEY_FILE: say("The key by which the signature is checked."),
    }
    return (
        Heading(say("What is in which file")),
        Table(
            caption=say("The files of this package"),
            headers=(say("File"), say("What it holds")),
            rows=[(name, told[name]) for name in files],
            widths=(1, 3),
            row_headers=True,
        ),
        Paragraph(
            say(
                "In the tables an apostrophe stands before a value that a spreadsheet would take"
                " for a formula; data.json has it unchanged."
            )
        ),
    )


def _checking(portable: Portable, spoken: Language, key_id: str) -> tuple[Block, ...]:
    say = spoken.say
    return (
        Heading(say("How to check that nothing was changed")),
        Paragraph(
            say(
                "Whoever gets this package can check it without asking us, with OpenSSL 3, in the"
                " folder into which it was unpacked:"
            )
        ),
        Bullets(
            (
                COMMAND,
                say("sha256sum of each file; {file} says what it must be.", file=MANIFEST_FILE),
                say(
                    "The key has the name {key}. A key that came with the package proves nothing by"
                    " itself: compare it with the one that {controller} publishes at"
                    " /v1/signing-keys, or ask {email}.",
                    key=key_id,
                    controller=portable.value["controller"]["name"],
                    email=portable.value["controller"]["email"],
                ),
            )
        ),
    )
