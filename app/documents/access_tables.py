"""The tables of an access report: data, sharing, periods, rights (Art. 15(1), L31 to L33)."""

from typing import Any, TypeAlias

from app.documents.access_words import Reader, add
from app.documents.blocks import Block, Bullets, Heading, Paragraph, Table, Words
from app.documents.periods import period
from app.documents.sent_mails import mail_blocks, subject_of

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def data_blocks(part: Value, reader: Reader) -> list[Block]:
    """The copy itself (Art. 15(3)), and what is left out of it."""
    say = reader.say
    blocks: list[Block] = [
        Table(
            say("Values"),
            (say("Kind"), say("Value"), say("State"), say("Used for, on which ground, from whom")),
            tuple(_value(one, reader) for one in sorted(part["held"], key=_rank)),
            widths=(4, 6, 3, 9),
            row_headers=True,
        )
    ]
    blocks += mail_blocks(part["held"], reader)
    identifiers = tuple(
        (reader.title(one["category"]), reader.word(one["kind"]), reader.moment(one["since"]))
        for one in part["identifiers"]
    )
    add(
        blocks,
        Table(
            say("How you can be found in our records"),
            (say("Kind of data"), say("Kind"), say("Since")),
            identifiers,
        ),
    )
    add(
        blocks,
        Table(
            say("What you are to us"),
            (say("Relationship"), say("Since"), say("Ended")),
            tuple(
                (
                    reader.title(one),
                    reader.moment(one.get("since")),
                    reader.moment(one.get("ended")),
                )
                for one in part["relationships"]
            ),
        ),
    )
    add(
        blocks,
        Table(
            say("Files kept elsewhere"),
            (say("Where"), say("Title"), say("Date"), say("What it holds"), say("Used for")),
            tuple(
                (
                    reader.title(one["system"]),
                    reader.named(one, "title"),
                    reader.moment(one["date"]),
                    reader.title(one["holds"]),
                    reader.title(one["purpose"]),
                )
                for one in part["files"]
            ),
        ),
    )
    blocks += _left_out(part, reader)
    return blocks


def _rank(one: Value) -> tuple[int, str, int]:
    """What is in use first, then letters and proofs, then history; alike beside alike."""
    rank = ("in_use", "resting", "on_record", "superseded").index(one["status"])
    return rank, one["category"]["title"], one["recorded"]["version"]


def _value(one: Value, reader: Reader) -> tuple[Words, ...]:
    status = reader.word(one["status"])
    if one["completes"]:
        told = reader.say("completes: {titles}", titles=reader.titles(one["completes"]))
        status = f"{status}\n{told}"
    subject = subject_of(one["value"])
    return (
        reader.title(one["category"]),
        one["value"]
        if subject is None
        else reader.say("{subject}\nin full below", subject=subject),
        status,
        "\n".join(_use(use, reader) for use in one["held_for"]),
    )


def _use(use: Value, reader: Reader) -> str:
    """One line: purpose; ground; source; since, and until when it was replaced."""
    source = use["source"]
    said = [] if use["purpose"] is None else [use["purpose"]["title"]]
    if use["basis"]:
        said.append(reader.basis(use["basis"]))
    if source:
        origin = f" ({reader.word(source['origin'])})" if source["origin"] else ""
        said.append(reader.say("from: {source}", source=f"{source['title']}{origin}"))
    said.append(reader.moment(use["since"]))
    if use.get("superseded_at"):
        said.append(reader.say("replaced {moment}", moment=reader.moment(use["superseded_at"])))
    return "; ".join(said)


def _left_out(part: Value, reader: Reader) -> list[Block]:
    say = reader.say
    blocks: list[Block] = [
        Heading(say("What is not in this copy"), level=3),
        Table(
            say("Left out to protect others"),
            (say("What"), say("Why"), say("Ground")),
            tuple(
                (
                    reader.named(one, "what"),
                    reader.named(one, "why"),
                    reader.provision(one["ground"]),
                )
                for one in part["redactions"]
            ),
            row_headers=True,
        ),
    ]
    for key, told in (
        ("erased", say("Erased parts, by entry of the history")),
        ("lost", say("Parts that nobody can read any more, by entry of the history")),
        ("unreadable", say("Parts that cannot be read now, by entry of the history")),
    ):
        if part[key]:
            blocks += [Paragraph(told), Bullets(tuple(_entry(one, reader) for one in part[key]))]
    return blocks


def _entry(one: Value, reader: Reader) -> str:
    """A part by the entry of the history that it came with; a lost one with what is known of it."""
    entry = reader.say(
        "Entry {version}: {kind}",
        version=one["version"],
        kind=reader.called(one["retention_class"]),
    )
    if "since" not in one:
        return entry
    since = reader.say("known since {day}", day=reader.day(one["since"]))
    what = f" ({reader.titles(one['categories'])})" if one["categories"] else ""
    return f"{entry}{what}, {since}"


def sharing_blocks(part: Value, reader: Reader) -> list[Block]:
    """Every recipient by name (C-154/21), the safeguards of transfers, and each share."""
    say = reader.say
    recipients = tuple(
        (
            _whom(one, reader),
            reader.role(one["role"]),
            ", ".join(map(reader.country, one["countries"])),
            reader.titles(one["categories"]),
            reader.titles(one["purposes"]),
            f"{one['count']}\n{reader.moment(one['first_at'])}\n{reader.moment(one['last_at'])}",
        )
        for one in part["recipients"]
    )
    transfers = tuple(
        (
            reader.title(one["recipient"]),
            ", ".join(map(reader.country, one["countries"])),
            _safeguard(one["safeguard"], reader),
            f"{one['how']}: {one['contact']}",
        )
        for one in part["transfers"]
    )
    shares = tuple(
        (
            str(one["version"]),
            reader.moment(one["occurred_at"]),
            reader.title(one["recipient"]),
            reader.titles(one["categories"]),
            reader.title(one["purpose"]),
        )
        for one in part["disclosures"]
    )
    headers = (
        say("Recipient"),
        say("Role"),
        say("Country"),
        say("Data"),
        say("Purposes"),
        say("How often, first and last"),
    )
    blocks: list[Block] = []
    if not recipients:
        blocks.append(Paragraph(say("Nobody was given your data.")))
    add(
        blocks,
        Table(say("Recipients"), headers, recipients, widths=(4, 3, 3, 5, 5, 4), row_headers=True),
    )
    where = (say("Recipient"), say("Country"), say("Safeguard"), say("Copy of the safeguard"))
    add(
        blocks,
        Table(say("Transfers outside the European Economic Area"), where, transfers),
    )
    each = (say("No."), say("When"), say("Recipient"), say("Data"), say("Purpose"))
    add(blocks, Table(say("Each share"), each, shares, widths=(1, 3, 3, 5, 5)))
    blocks.append(Paragraph(reader.named(part, "links")))
    return blocks


def _whom(one: Value, reader: Reader) -> Words:
    title = reader.title(one)
    if one["member"] is None:
        return title
    return f"{one['title']}\n{one['member']}"


def _safeguard(one: Value, reader: Reader) -> str:
    return ", ".join(filter(None, (one["title"], reader.provision(one["article"]))))


def retention_blocks(part: Value, reader: Reader) -> list[Block]:
    """Periods with norm and end (Art. 15(1)(d)), and security in general."""
    say = reader.say
    rows = tuple(
        (
            reader.title(one),
            say(
                "{period}, counted from {clock}",
                period=period(one["keep"], reader.spoken),
                clock=reader.word(one["counted_from"]),
            ),
            reader.day(one["until"]) or say("not known yet"),
            reader.named(one, "reason"),
            reader.named(one, "norm"),
        )
        for one in part["retention"]
    )
    headers = (say("Retention class"), say("Period"), say("Last day"), say("Why"), say("Norm"))
    return [
        Table(say("Periods"), headers, rows, widths=(4, 4, 3, 5, 5), row_headers=True),
        Heading(say("How your data are kept safe"), level=3),
        Bullets(tuple(part["security"])),
    ]
