"""What letters and reports say alike: address, contact, complaint, court (C81, Arts. 77, 79)."""

from typing import Final

from app.documents.blocks import Block, Heading, Lines, Paragraph, Table, plain
from app.documents.languages import Language, marked
from app.policy.model import Authority, Controller

COMPLAINT: Final = marked(
    "If you think that we handle your personal data wrongly, you can complain to the supervisory"
    " authority (Art. 77 GDPR). It costs nothing."
)
ELSEWHERE: Final = marked(
    "You may instead complain to the authority of the country where you live or work, or where you"
    " think the rules were broken."
)
COURT: Final = marked(
    "You can also bring the matter before a court (Art. 79 GDPR): in Belgium, where we are"
    " established, or in the country where you live. You need not complain to the authority first."
)


def address_of(controller: Controller, spoken: Language) -> tuple[str, ...]:
    """The controller's address block, town and country as the language writes them (C81)."""
    named = (plain(spoken.named(line)) for line in controller.address)
    return (controller.name, *named, controller.email)


def contact_line(controller: Controller, spoken: Language) -> str:
    """The last line of every page of paper."""
    return spoken.say(
        "{controller}, controller of your personal data. Questions: {email}",
        controller=controller.name,
        email=controller.email,
    )


def page_numbers(spoken: Language) -> str:
    """`{page}` and `{pages}` are put in by the form that has pages."""
    return spoken.say("Page {page} of {pages}", page="{page}", pages="{pages}")


def fallback_note(spoken: Language) -> tuple[Block, ...]:
    """What stands first where there is no document in the language of the person (L27)."""
    if not spoken.fell_back:
        return ()
    told = spoken.say(
        "We have no texts in your language ({language}) yet; this is the English version. Tell us"
        " if you need help with it.",
        language=spoken.language(spoken.wanted),
    )
    return (Paragraph(told, strong=True),)


def complaint_and_remedy(authority: Authority, spoken: Language) -> tuple[Block, ...]:
    """The locked part of Art. 12(4): nobody can write a refusal without it (L25)."""
    say = spoken.say
    return (
        Heading(say("You can complain"), anchor="complaint"),
        Paragraph(say(COMPLAINT)),
        Lines(
            (
                spoken.named(authority.name),
                *(spoken.named(line) for line in authority.address),
                authority.email,
                authority.url,
            )
        ),
        Paragraph(say(ELSEWHERE)),
        Heading(say("You can go to court"), anchor="court"),
        Paragraph(say(COURT)),
    )


def objection_right(controller: Controller, spoken: Language) -> tuple[Block, ...]:
    """Brought forward explicitly, clearly and apart from everything else (Art. 21(4); L45)."""
    say = spoken.say
    return (
        Heading(say("Your right to object"), anchor="objection"),
        Paragraph(
            say(
                "You can object at any time to uses that rest on our legitimate interest. Against"
                " news and newsletters you need no reason: we stop at once. Write to {email}.",
                email=controller.email,
            ),
            strong=True,
        ),
    )


def kept_table(
    rows: tuple[tuple[str, str, str, str], ...], spoken: Language, *, caption: str
) -> Table:
    """What stays, on which ground, by which norm, until when (C71, L37)."""
    say = spoken.say
    return Table(
        caption=caption,
        headers=(say("What"), say("Ground"), say("Norm"), say("Kept until")),
        rows=rows,
        widths=(3, 2, 4, 3),
        row_headers=True,
    )
