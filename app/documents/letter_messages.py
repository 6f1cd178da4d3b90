"""The letters that no request asked for: consent, notices, certificates, announcements."""

from app.documents.blocks import Bullets, Heading, Paragraph, Quotation, Table, Text, Words, plain
from app.documents.languages import Language
from app.documents.letter import Letter, Transfer, Use
from app.documents.letter_pieces import Body, aftermath, concerns, done, kept, reasons, recipients
from app.documents.letter_words import REQUESTS
from app.documents.periods import criteria
from app.documents.policy_changes import change_lines
from app.documents.provisions import provision
from app.documents.standing_texts import complaint_and_remedy, objection_right
from app.documents.vocabulary import BASES
from app.policy.vocabulary import LegalBasis

CHANGES_MAX = 12
"""Of a longer list a letter names the first."""


def restriction_lift(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    assert letter.effective_on is not None, "checked before"
    yield Paragraph(
        say(
            "The use of your data was restricted. The restriction ends on {day}; we tell you before"
            " (Art. 18(3) GDPR).",
            day=spoken.day(letter.effective_on),
        ),
        strong=True,
    )
    yield from concerns(letter, spoken)
    yield from reasons(letter, say("Why it ends"), spoken)
    yield Paragraph(say("From that day on the data are used as before."))
    yield from objection_right(letter.controller, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def recipients_told(letter: Letter, spoken: Language) -> Body:
    asked = spoken.say(REQUESTS.get(letter.right or "other", REQUESTS["other"]))
    yield Paragraph(
        spoken.say(
            "You asked us {asked}. We have told everybody to whom we had given those data.",
            asked=asked,
        )
    )
    yield from recipients(letter, spoken)


def erasure_certificate(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    assert letter.effective_on is not None, "checked before"
    yield Paragraph(
        say(
            "On {day} the data listed here were destroyed. The keys that made them readable are"
            " gone, so that nobody can read them again, not even from a backup once its key has"
            " expired.",
            day=spoken.day(letter.effective_on),
        )
    )
    yield from done(letter, spoken)
    yield from kept(letter, spoken)
    yield from aftermath(letter, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def consent_confirmation(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    assert letter.link_until is not None, "checked before"
    yield Paragraph(say("Somebody, probably you, has asked us for this:"))
    yield Paragraph(spoken.named(letter.purpose or ""), strong=True)
    yield Paragraph(say("You would agree to this text:"))
    yield Quotation(Text(letter.wording or ""))
    yield Paragraph(say("If you want that, confirm it here: {link}", link=letter.link))
    yield Paragraph(
        say(
            "If you do not, do nothing: what we have about this is erased after {day}, and you hear"
            " nothing more of us. You can withdraw your consent at any time, with one click in"
            " every mail. Our privacy policy is version {policy}.",
            day=spoken.day(letter.link_until),
            policy=letter.policy,
        )
    )


def unsubscribe_confirmation(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    assert letter.effective_on is not None, "checked before"
    yield Paragraph(
        say(
            "Since {day} we no longer send you this: {purpose}",
            day=spoken.day(letter.effective_on),
            purpose=plain(spoken.named(letter.purpose or "")),
        ),
        strong=True,
    )
    yield Paragraph(
        say(
            "Your consent is withdrawn (Art. 7(3) GDPR); what was sent before stays lawful. Nothing"
            " else changes for you. This is the last mail about it."
        )
    )
    yield from aftermath(letter, spoken)


def notice(letter: Letter, spoken: Language) -> Body:
    """Art. 14(1) and (2), in the order of the Article."""
    say = spoken.say
    assert letter.source is not None, "checked before"
    yield Paragraph(
        say(
            "We have received personal data about you from somebody else: {source}. The law wants"
            " you to know this (Art. 14 GDPR).",
            source=plain(spoken.named(letter.source)),
        ),
        strong=True,
    )
    yield Heading(say("What we have received"))
    yield Bullets(tuple(spoken.named(title) for title in letter.categories))
    yield Heading(say("What we use it for"))
    yield Table(
        caption=say("Purposes and legal grounds"),
        headers=(say("Purpose"), say("Legal ground"), say("Our interest")),
        rows=tuple(_use(one, spoken) for one in letter.uses),
        widths=(3, 3, 3),
        row_headers=True,
    )
    yield Heading(say("Who may get it"))
    yield Bullets(tuple(spoken.named(one.title) for one in letter.recipients))
    yield from _transfers(letter, spoken)
    yield Heading(say("How long we keep it"))
    yield Table(
        caption=say("Periods"),
        headers=(say("What"), say("How long")),
        rows=tuple(
            (spoken.named(what), criteria(period, spoken)) for what, period in letter.retention
        ),
        widths=(1, 1),
        row_headers=True,
    )
    yield from objection_right(letter.controller, spoken)
    yield from _rights(letter, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def policy_change(letter: Letter, spoken: Language) -> Body:
    """What is new, from when, and the way out for whoever does not agree (C76, C78, C79)."""
    say = spoken.say
    assert letter.effective_on is not None, "checked before"
    yield Paragraph(
        say(
            "Version {policy} of our privacy policy holds from {day}.",
            policy=letter.policy,
            day=spoken.day(letter.effective_on),
        ),
        strong=True,
    )
    yield Heading(say("What is new"))
    yield Bullets(change_lines(letter.changes, spoken, most=CHANGES_MAX))
    yield Paragraph(
        say(
            "You can read all of it, and compare it with earlier versions: {link}", link=letter.link
        )
    )
    yield Heading(say("If you do not agree"))
    yield Paragraph(
        say(
            "You need not do anything to keep things as they are. If you do not agree, you can"
            " object, have your accounts deactivated and your data erased: an answer to {email} is"
            " enough. We do not take silence for consent.",
            email=letter.controller.email,
        )
    )
    yield from objection_right(letter.controller, spoken)
    yield from complaint_and_remedy(letter.authority, spoken)


def _transfers(letter: Letter, spoken: Language) -> Body:
    """Where the data may leave the EEA, on which ground, and how to see it (Art. 14(1)(f))."""
    say = spoken.say
    if not letter.transfers:
        return
    yield Table(
        caption=say("Transfers outside the European Economic Area"),
        headers=(say("Recipient"), say("Country"), say("Safeguard")),
        rows=tuple(_transfer(one, spoken) for one in letter.transfers),
        widths=(3, 3, 4),
        row_headers=True,
    )
    yield Paragraph(
        say("Write to {email} for a copy of a safeguard.", email=letter.controller.email)
    )


def _transfer(one: Transfer, spoken: Language) -> tuple[Words, ...]:
    say, title = spoken.say, spoken.named(one.title)
    if one.country is None:
        allowed = say("only where a decision or a safeguard allows it (Arts. 44 to 49 GDPR)")
        return title, say("in whichever country they are"), allowed
    where = spoken.country(one.country)
    if one.safeguard is None:
        return title, where, say("none at present, so nothing goes there")
    article = provision(one.article, spoken) if one.article else ""
    return title, where, ", ".join(filter(None, (plain(spoken.named(one.safeguard)), article)))


def _use(use: Use, spoken: Language) -> tuple[Words, ...]:
    basis = LegalBasis(use.basis)
    ground = f"{spoken.say(BASES[basis])} ({provision(basis.article, spoken)})"
    return spoken.named(use.title), ground, spoken.named(use.legitimate_interest or "")


def _rights(letter: Letter, spoken: Language) -> Body:
    say = spoken.say
    yield Heading(say("Your rights"))
    yield Paragraph(
        say(
            "You can ask us to see your data, to correct or erase them, to restrict their use, or"
            " to give them to you in an electronic format. Where we rely on your consent, you can"
            " withdraw it at any time. No decision about you is made by a machine alone. You are"
            " not obliged to give us anything. Write to {email}; our privacy policy is version"
            " {policy}.",
            email=letter.controller.email,
            policy=letter.policy,
        )
    )
