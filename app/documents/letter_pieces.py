"""What several letters say: which request, for what reasons, what was done, kept, and told whom."""

from collections.abc import Iterator
from typing import TypeAlias

from app.documents.blocks import Block, Bullets, Heading, Paragraph, Table, plain
from app.documents.languages import Language
from app.documents.letter import Letter
from app.documents.letter_words import FETCHED, OUTCOMES, REQUESTS
from app.documents.periods import criteria
from app.documents.provisions import provision
from app.documents.standing_texts import kept_table

Body: TypeAlias = Iterator[Block]


def request(letter: Letter, spoken: Language) -> str:
    asked = spoken.say(REQUESTS.get(letter.right or "other", REQUESTS["other"]))
    assert letter.received_on is not None, "checked before"
    return spoken.say(
        "This is about your request of {day} {asked}.",
        day=spoken.day(letter.received_on),
        asked=asked,
    )


def concerns(letter: Letter, spoken: Language) -> Body:
    """Which of the uses it is about: of several wishes a person has to know which is meant."""
    if letter.concerns:
        yield Paragraph(spoken.say("It concerns:"))
        named = ("; ".join(plain(spoken.named(one)) for one in all_) for all_ in letter.concerns)
        yield Bullets(tuple(one or spoken.say("every use of your data") for one in named))


def reasons(letter: Letter, title: str, spoken: Language) -> Body:
    yield Heading(title)
    for reason in letter.reasons:
        yield Paragraph(reason)
    if letter.ground:
        yield Paragraph(
            spoken.say("Legal ground: {ground} GDPR.", ground=provision(letter.ground, spoken))
        )


def done(letter: Letter, spoken: Language) -> Body:
    if letter.done:
        yield Paragraph(spoken.say("What we have done:"))
        yield Bullets(letter.done)
    if letter.erased:
        yield Paragraph(spoken.say("What is erased:"))
        yield Bullets(tuple(spoken.named(title) for title in letter.erased))
    if letter.beyond_backups_on:
        day = spoken.day(letter.beyond_backups_on)
        yield Paragraph(
            spoken.say("Since {day} this cannot be read in any backup either.", day=day)
        )


def fetch(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    said = FETCHED.get(letter.right or "", FETCHED["access"])
    yield Paragraph(say(said, link=letter.link))
    if letter.link_until:
        yield Paragraph(say("The link works until {day}.", day=spoken.day(letter.link_until)))


def kept(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    if not letter.kept:
        return
    yield Heading(say("What we keep, and until when"))
    yield Paragraph(
        say(
            "These parts are kept apart from everything else and used for nothing but the purpose"
            " that the law names. They are erased on the day after the last, without a new request."
        )
    )
    rows = tuple(
        (
            plain(spoken.named(one.title)),
            provision(one.ground, spoken),
            plain(spoken.named(one.norm)),
            spoken.day(one.until) if one.until else plain(criteria(one.criteria or "", spoken)),
        )
        for one in letter.kept
    )
    yield kept_table(rows, spoken, caption=say("What is kept"))


def aftermath(letter: Letter, spoken: Language) -> Body:
    """Who was told, and what stays so that the wish is honoured (Art. 19; L41)."""
    say = spoken.say
    if letter.recipients:
        yield from recipients(letter, spoken)
    if letter.suppressed:
        yield Paragraph(
            say(
                "So that nobody puts you on a mailing list again by mistake, we keep a coded form"
                " of your address. It can only be compared with an address, not read."
            )
        )


def recipients(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Heading(say("Whom we have told"))
    yield Table(
        caption=say("Those who had received the data (Art. 19 GDPR)"),
        headers=(say("Recipient"), say("Result")),
        rows=tuple(
            (spoken.named(one.title), say(OUTCOMES.get(one.outcome, OUTCOMES["cannot_verify"])))
            for one in letter.recipients
        ),
        widths=(1, 1),
        row_headers=True,
    )
