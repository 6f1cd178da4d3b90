"""Rights and choices in an access report: limits, consents, objections, erasures (C63, L37)."""

from typing import Any, TypeAlias

from app.documents.access_words import Reader, add
from app.documents.blocks import Block, Heading, Lines, Paragraph, Table
from app.documents.periods import criteria
from app.documents.standing_texts import COMPLAINT, COURT, ELSEWHERE

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def choices_blocks(part: Value, reader: Reader) -> list[Block]:
    """Rights with their limits (C63), choices made, erasures, complaint and court."""
    say = reader.say
    rights = tuple(
        (
            reader.named(one, "title"),
            reader.provision(one["article"]),
            reader.named(one, "how"),
            reader.named(one, "limits"),
        )
        for one in part["rights"]
    )
    blocks: list[Block] = [
        Table(
            say("Your rights"),
            (say("You have the right"), say("GDPR"), say("How"), say("Limits")),
            rights,
            widths=(5, 2, 6, 6),
            row_headers=True,
        )
    ]
    add(blocks, _consents(part, reader))
    add(blocks, _objections(part, reader))
    add(blocks, _restrictions(part, reader))
    add(
        blocks,
        Table(
            say("Uses that your address is closed to"),
            (say("Purpose"), say("Since")),
            tuple(
                (reader.title(one["purpose"]), reader.moment(one["since"]))
                for one in part["suppressions"]
            ),
        ),
    )
    for erasure in part["erasures"]:
        blocks += _erasure(erasure, reader)
    complaint = part["complaint"]
    blocks += [
        Heading(say("You can complain"), level=3),
        Paragraph(say(COMPLAINT)),
        Lines(
            (
                complaint["authority"],
                *complaint["address"],
                complaint["email"],
                complaint["url"],
            )
        ),
        Paragraph(say(ELSEWHERE)),
        Paragraph(say(COURT)),
        Heading(say("Automated decisions"), level=3),
        Paragraph(say("No decision about you is made by a machine alone (Art. 22 GDPR).")),
    ]
    return blocks


def _consents(part: Value, reader: Reader) -> Table:
    say = reader.say
    rows = tuple(
        (
            reader.named(one, "title"),
            reader.word(one["status"]),
            "\n".join(
                f"{reader.moment(step['occurred_at'])}: {step['event']['title']}"
                for step in one["history"]
            ),
        )
        for one in part["consents"]
    )
    headers = (say("Purpose"), say("State"), say("Steps"))
    return Table(say("Your consents"), headers, rows, widths=(4, 2, 6), row_headers=True)


def _objections(part: Value, reader: Reader) -> Table:
    say = reader.say
    rows = tuple(
        (
            reader.scope(one),
            reader.word(one["status"]),
            reader.moment(one["since"]),
            reader.day(one["due"]),
        )
        for one in part["objections"]
    )
    headers = (say("Against"), say("State"), say("Since"), say("Decided by"))
    return Table(say("Your objections"), headers, rows)


def _restrictions(part: Value, reader: Reader) -> Table:
    say = reader.say
    rows = tuple(
        (reader.scope(one), reader.word(one["ground"]), reader.moment(one["since"]))
        for one in part["restrictions"]["active"]
    )
    headers = (say("What"), say("Ground"), say("Since"))
    return Table(say("Restrictions in force"), headers, rows)


def _erasure(erasure: Value, reader: Reader) -> list[Block]:
    """What was erased, what is kept on which ground until when, who was told (L37, C71)."""
    say = reader.say
    state = reader.word(erasure["stage"])
    blocks: list[Block] = [
        Heading(say("Erasure of {moment}", moment=reader.moment(erasure["requested_at"])), level=3),
        Paragraph(say("State: {state}", state=state)),
    ]
    erased = tuple(
        (
            reader.title(one),
            "\n".join(
                f"{reader.word(level)}: {reader.moment(at)}"
                for level, at in one["levels"].items()
                if at
            ),
        )
        for one in erasure["erased"]
    )
    add(blocks, Table(say("What was erased"), (say("What"), say("How far, and when")), erased))
    kept = tuple(
        (
            reader.title(one),
            reader.provision(one["ground"]),
            reader.named(one, "norm"),
            reader.day(one["until"]) or criteria(one["criteria"] or "", reader.spoken),
        )
        for one in erasure["retained"]
    )
    headers = (say("What"), say("Ground"), say("Norm"), say("Kept until"))
    add(blocks, Table(say("What is kept"), headers, kept, widths=(3, 2, 4, 3), row_headers=True))
    told = tuple(
        (reader.title(one), reader.word(one["outcome"]) or say("not told yet"))
        for one in erasure["recipients"]
    )
    whom = say("Those who had received the data (Art. 19 GDPR)")
    add(blocks, Table(whom, (say("Recipient"), say("Result")), told))
    return blocks
