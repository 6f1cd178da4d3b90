"""The access report as a document: its first page, then the policy's six topics and the history.

It is made of the report's JSON alone, so that page and paper tell exactly what the JSON tells.
"""

from datetime import datetime
from typing import Any, Final, TypeAlias

from app.documents.access_choices import choices_blocks
from app.documents.access_history import consultations_table, history
from app.documents.access_tables import (
    data_blocks,
    retention_blocks,
    sharing_blocks,
)
from app.documents.access_words import Reader, names_in
from app.documents.blocks import (
    Block,
    Bullets,
    Contents,
    Document,
    Heading,
    Lines,
    Paragraph,
    Quotation,
    Table,
    Text,
)
from app.documents.languages import Language, marked
from app.documents.standing_texts import fallback_note, page_numbers

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

SECTIONS: Final = (
    ("data", marked("1. The data that we hold about you")),
    ("purposes", marked("2. What we use them for")),
    ("sharing", marked("3. Who got them")),
    ("storage", marked("4. How long we keep them, and how safely")),
    ("choices", marked("5. Your rights and choices")),
    ("contact", marked("6. Who answers for your data")),
    ("readings", marked("7. When your data were read")),
    ("history", marked("8. Everything that happened")),
    ("policy", marked("9. The privacy policy that you were shown")),
    ("glossary", marked("10. What the words mean")),
)


def access_document(report: Value, spoken: Language) -> Document:
    """The whole report; ``report`` is its JSON as values."""
    named = {key: report[key] for key in ("parts", "consultations")}
    reader = Reader(spoken, names_in(named))
    titles = {anchor: spoken.say(title) for anchor, title in SECTIONS}
    parts = report["parts"]
    bodies: dict[str, list[Block]] = {
        "data": data_blocks(parts["data"], reader),
        "purposes": [_purposes(parts["purposes"], reader)],
        "sharing": sharing_blocks(parts["sharing"], reader),
        "storage": retention_blocks(parts["storage"], reader),
        "choices": choices_blocks(parts["choices"], reader),
        "contact": _contact(parts["contact"], reader),
        "readings": [consultations_table(report["consultations"], reader)],
        "history": history(report, reader),
        "policy": _policy(report["policy_texts"], reader),
        "glossary": [_glossary(report["glossary"], reader)],
    }
    blocks: list[Block] = [*fallback_note(spoken), *_first_page(report, reader)]
    blocks.append(Contents(spoken.say("Contents"), tuple(titles.items())))
    for anchor, title in titles.items():
        blocks.append(Heading(title, anchor=anchor))
        blocks += bodies[anchor]
    controller = parts["contact"]["controller"]
    return Document(
        language=spoken.code,
        title=spoken.say("Your personal data at {name}", name=controller["name"]),
        blocks=tuple(blocks),
        footer=spoken.say("{name} · {email}", name=controller["name"], email=controller["email"]),
        page=page_numbers(spoken),
        made_at=int(datetime.fromisoformat(report["generated_at"]).timestamp()),
    )


def _first_page(report: Value, reader: Reader) -> list[Block]:
    say, cut, unreadable = reader.say, report["as_of"], report["summary"]["unreadable"]
    intro = say(
        "This is the answer to your right of access (Art. 15 GDPR), made on {moment}. It shows"
        " everything that our records hold about you. Details follow after the summary.",
        moment=reader.moment(report["generated_at"]),
    )
    blocks: list[Block] = [Paragraph(f"{report['confirmation']} {intro}")]
    if cut is not None:
        then = (
            reader.moment(cut["recorded_at"])
            if cut["recorded_at"]
            else say("entry {position} of the log", position=cut["position"])
        )
        blocks.append(
            Paragraph(
                say(
                    "It shows what we held at an earlier time: {then}. What was erased since is not"
                    " in it.",
                    then=then,
                ),
                strong=True,
            )
        )
    if lost := report["summary"]["lost"]:
        blocks.append(
            Paragraph(
                say(
                    "Some of your data can no longer be read by anybody (number of parts: {count}):"
                    " their key was lost or damaged. Further below you find which they are, and"
                    " since when we know it. They were not erased by a rule or at a request; ask us"
                    " what that means for you.",
                    count=lost,
                ),
                strong=True,
            )
        )
    if unreadable:
        blocks.append(
            Paragraph(
                say(
                    "Some of your data cannot be read at this moment (number of parts: {count})."
                    " They are not erased: ask us for a new report.",
                    count=unreadable,
                ),
                strong=True,
            )
        )
    table = Table(
        say("In short"),
        (say("Question"), say("Answer")),
        _in_short(report, reader),
        widths=(2, 5),
        row_headers=True,
    )
    return [*blocks, table]


def _in_short(report: Value, reader: Reader) -> tuple[tuple[str, str], ...]:
    say, told = reader.say, report["summary"]
    complaint = report["parts"]["choices"]["complaint"]
    return (
        (say("We hold"), say("{count} values", count=told["values"])),
        (say("Kinds of data"), reader.titles(told["categories"])),
        (say("Used for"), reader.titles(told["purposes"])),
        (say("Given to"), reader.titles(told["recipients"])),
        (
            say("Outside the European Economic Area"),
            say("see part 3 (recipients: {count})", count=told["transfers"])
            if told["transfers"]
            else say("nobody"),
        ),
        (say("Your consent is in force for"), reader.titles(told["consents_in_force"])),
        (say("Restrictions in force"), str(told["restrictions"])),
        (say("Objections being weighed"), str(told["objections_open"])),
        (say("Parts erased"), str(told["erased"])),
        (say("Times your data were read"), str(told["consultations"])),
        (say("Entries in the history"), str(told["events"])),
        (say("Decisions by a machine alone"), say("none")),
        (
            say("You can complain to"),
            f"{complaint['authority']}, {complaint['email']}",
        ),
    )


def _purposes(part: Value, reader: Reader) -> Block:
    say = reader.say
    rows = tuple(
        (
            reader.title(one),
            reader.basis(one["basis"]),
            reader.named(one, "legitimate_interest"),
            reader.titles(one["categories"]),
            reader.titles(one["may_be_shared_with"]),
            say("yes") if one["objectable"] else say("no"),
        )
        for one in part["purposes"]
    )
    headers = (
        say("Purpose"),
        say("Legal ground"),
        say("Our interest"),
        say("Data"),
        say("May be shared with"),
        say("You can object"),
    )
    return Table(
        say("Purposes and legal grounds"),
        headers,
        rows,
        widths=(4, 3, 4, 4, 4, 2),
        row_headers=True,
    )


def _contact(part: Value, reader: Reader) -> list[Block]:
    say, controller = reader.say, part["controller"]
    lines = (controller["name"], *controller["address"], controller["email"])
    policy = part["policy"]
    facts = say(
        "Our privacy policy is version {version}, in force since {day}. The fingerprint of its"
        " structure is {digest}.",
        version=policy["version"],
        day=reader.day(policy["effective_from"]),
        digest=policy["structure_sha256"],
    )
    texts = tuple(
        say(
            "Text in {language}: fingerprint {digest}",
            language=reader.spoken.language(code),
            digest=digest,
        )
        for code, digest in policy["texts"].items()
    )
    shown = tuple(
        (
            one["policy"],
            reader.spoken.language(one["language"]),
            reader.word(one["channel"]),
            reader.moment(one["shown_at"]),
        )
        for one in part["notices_shown"]
    )
    return [
        Paragraph(
            say(
                "The controller is {name}, {form}, seated in {seat}. Write to the {role}:",
                name=controller["name"],
                form=controller["legal_form"],
                seat=controller["seat"],
                role=controller["contact_role"],
            )
        ),
        Lines(lines),
        Paragraph(facts),
        Bullets(texts),
        Table(
            say("Privacy notices that you were shown"),
            (say("Version"), say("Language"), say("How"), say("When")),
            shown,
            widths=(2, 2, 2, 3),
        ),
    ]


def _policy(texts: list[Value], reader: Reader) -> list[Block]:
    say = reader.say
    blocks: list[Block] = []
    for one in texts:
        language = reader.spoken.language(one["language"])
        told = (
            say("Version {policy} in {language}, as you were shown it:")
            if one["shown"]
            else say("Nobody has shown you the policy yet. Version {policy} in {language} says:")
        )
        blocks.append(Paragraph(told.format(policy=one["policy"], language=language)))
        if one["text"] is None:
            blocks.append(Paragraph(say("The text is not in our archive; ask us for it.")))
        else:
            paragraphs = (part.strip() for part in one["text"].splitlines())
            blocks += [
                Quotation(Text(part, one["language"])) for part in paragraphs if part.strip(". ")
            ]
    return blocks


def _glossary(terms: list[Value], reader: Reader) -> Block:
    return Table(
        reader.say("Words used in this report"),
        (reader.say("Word"), reader.say("Meaning")),
        tuple((one["term"], one["meaning"]) for one in terms),
        widths=(2, 5),
        row_headers=True,
    )
