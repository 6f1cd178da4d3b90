"""The letters that answer a rights request; what the law wants said is in each (Arts. 11, 12)."""

from app.documents.blocks import Bullets, Heading, Paragraph
from app.documents.languages import Language
from app.documents.letter import Letter
from app.documents.letter_pieces import (
    Body,
    aftermath,
    concerns,
    done,
    fetch,
    kept,
    reasons,
    request,
)
from app.documents.letter_words import APART, FULFILLED
from app.documents.standing_texts import complaint_and_remedy


def acknowledgement(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    assert letter.due_on is not None, "checked before"
    yield Paragraph(request(letter, spoken))
    yield from concerns(letter, spoken)
    yield Paragraph(
        say("You will have our answer by {day} at the latest.", day=spoken.day(letter.due_on)),
        strong=True,
    )
    yield Paragraph(
        say(
            "The law gives us one month from the day on which your request reached us. If it takes"
            " longer, we tell you why before that month is over. Our answer costs nothing."
        )
    )


def overdue(letter: Letter, spoken: Language) -> Body:
    # No day is promised that is over, and where to complain cannot be left out (Art. 12(4)).
    say = spoken.say
    assert letter.due_on is not None, "checked before"
    yield Paragraph(request(letter, spoken))
    yield from concerns(letter, spoken)
    yield Paragraph(
        say(
            "We should have answered by {day}. That day is over, and you have no answer from us"
            " yet. We are sorry.",
            day=spoken.day(letter.due_on),
        ),
        strong=True,
    )
    yield Paragraph(
        say(
            "Your request counts from the day on which it reached us, and we answer it as soon as"
            " we can. You need not send it again. Our answer costs nothing. You do not have to wait"
            " for it before you complain."
        )
    )
    yield from complaint_and_remedy(letter.authority, spoken)


def identity_question(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Paragraph(request(letter, spoken))
    yield Paragraph(
        say(
            "We must not give your data to somebody else, so we have to be sure that the request"
            " comes from you (Art. 12(6) GDPR)."
        )
    )
    yield from reasons(letter, say("Why we are not sure yet"), spoken)
    yield Heading(say("What we ask you for"))
    yield Bullets(letter.questions)
    yield Paragraph(
        say(
            "Please send no copy of an identity document unless we ask for one above. We use your"
            " answer for this check only. The time for our answer stands still until we hear from"
            " you, and goes on from there."
        )
    )


def extension(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    assert letter.due_on is not None, "checked before"
    assert letter.extended_until is not None, "checked before"
    yield Paragraph(request(letter, spoken))
    yield Paragraph(
        say(
            "We cannot answer by {first} as planned. You will have our answer by {last} at the"
            " latest.",
            first=spoken.day(letter.due_on),
            last=spoken.day(letter.extended_until),
        ),
        strong=True,
    )
    yield from reasons(letter, say("Why it takes longer"), spoken)
    yield Paragraph(
        say(
            "The law allows two more months where requests are complex or many (Art. 12(3) GDPR)."
            " It allows this once."
        )
    )
    yield from complaint_and_remedy(letter.authority, spoken)


def fulfilled(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Paragraph(request(letter, spoken))
    yield from concerns(letter, spoken)
    apart = None if letter.enclosures or letter.link else APART.get(letter.right or "")
    said = apart or FULFILLED.get(letter.right or "other", FULFILLED["other"])
    yield Paragraph(say(said), strong=True)
    yield from done(letter, spoken)
    yield from aftermath(letter, spoken)
    if letter.link:
        yield from fetch(letter, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def partly_fulfilled(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Paragraph(request(letter, spoken))
    yield from concerns(letter, spoken)
    yield Paragraph(
        say("We have done a part of what you asked for, and not another part."), strong=True
    )
    if letter.link:
        yield from fetch(letter, spoken)
    yield from done(letter, spoken)
    yield from kept(letter, spoken)
    if letter.reasons:
        yield from reasons(letter, say("What we did not do, and why"), spoken)
    yield from aftermath(letter, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def refusal(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Paragraph(request(letter, spoken))
    yield from concerns(letter, spoken)
    yield Paragraph(
        say("We do not do what you asked for. You find our reasons below."), strong=True
    )
    yield from reasons(letter, say("Our reasons"), spoken)
    yield from kept(letter, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def cannot_identify(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Paragraph(request(letter, spoken))
    yield Paragraph(
        say(
            "With what you gave us we cannot find out which data are about you (Art. 11(2) GDPR)."
            " We do not collect more about people only to be able to tell them apart."
        )
    )
    yield Paragraph(say("If you want, help us with this:"), strong=True)
    yield Bullets(letter.questions)
    yield Paragraph(say("As soon as we know which data are about you, we carry on."))
    yield from complaint_and_remedy(letter.authority, spoken)


def nothing_held(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Paragraph(request(letter, spoken))
    yield Paragraph(
        say("We have searched our records and hold no personal data about you."), strong=True
    )
    yield Paragraph(
        say(
            "We searched by what you gave us. If you have used another name, address or number,"
            " tell us and we search again. Your request itself and this letter are kept as proof"
            " that we answered."
        )
    )
    yield from complaint_and_remedy(letter.authority, spoken)


def withdrawn(letter: Letter, spoken: Language) -> Body:
    yield Paragraph(request(letter, spoken))
    yield Paragraph(
        spoken.say(
            "You have taken it back, so we have closed it and done nothing further. You can ask"
            " again at any time."
        )
    )
