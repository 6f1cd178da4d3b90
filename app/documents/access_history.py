"""The history of an access report: when data were read, and every entry with its fingerprint."""

from typing import Any, TypeAlias

from app.documents.access_words import Reader
from app.documents.blocks import Block, Paragraph, Table

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def consultations_table(consultations: list[Value], reader: Reader) -> Block:
    """Dates and purposes, never who (C-579/21)."""
    say = reader.say
    rows = tuple(
        (
            reader.moment(one["at"]),
            reader.title(one["purpose"]),
            reader.titles(one["categories"]),
            say("refused") if one["refused"] else say("shown"),
        )
        for one in consultations
    )
    return Table(
        say("Readings of your data"),
        (say("When"), say("For what"), say("Which data"), say("Result")),
        rows,
        widths=(3, 4, 6, 2),
    )


def history(report: Value, reader: Reader) -> list[Block]:
    """Every entry of the stream, and how to check that none is missing (L9)."""
    say, chain = reader.say, report["chain"]
    head = say(
        "The history ends with entry {version}, at place {position} of the log. Its fingerprint is"
        " {fingerprint}.",
        version=chain["version"],
        position=chain["position"],
        fingerprint=chain["leaf_hash"],
    )
    rows = tuple(_row(one, reader) for one in report["timeline"])
    return [
        Paragraph(head),
        Paragraph(reader.named(chain, "how")),
        Table(
            say("All entries, oldest first"),
            (say("No."), say("When"), say("What happened"), say("Facts"), say("Fingerprint")),
            rows,
            widths=(2, 5, 7, 11, 9),
        ),
    ]


def _row(one: Value, reader: Reader) -> tuple[str, ...]:
    recorded, occurred = reader.moment(one["recorded_at"]), reader.moment(one["occurred_at"])
    when = recorded
    if occurred != recorded:
        when = reader.say("{recorded}\noccurred {occurred}", recorded=recorded, occurred=occurred)
    what = one["event"]["title"]
    sealed = "\n".join(
        f"{reader.called(seal['retention_class'])}: {reader.word(seal['state'])}"
        for seal in one["sealed"]
    )
    return (
        str(one["version"]),
        when,
        f"{what}\n{sealed}" if sealed else what,
        reader.facts(one["facts"]),
        f"{one['leaf_hash']}\n{one['event_id']}",
    )
