"""What stands between date and footer of each kind of letter, in one language."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from app.documents import letter_answers as answers
from app.documents import letter_messages as messages
from app.documents.blocks import Block, Bullets, Paragraph
from app.documents.languages import Language
from app.documents.letter import Letter, LetterKind
from app.documents.letter_pieces import Body
from app.documents.letter_words import SUBJECTS
from app.documents.standing_texts import fallback_note

BODIES: Final = MappingProxyType[LetterKind, Callable[[Letter, Language], Body]](
    {
        LetterKind.ACKNOWLEDGEMENT: answers.acknowledgement,
        LetterKind.OVERDUE: answers.overdue,
        LetterKind.IDENTITY_QUESTION: answers.identity_question,
        LetterKind.EXTENSION: answers.extension,
        LetterKind.FULFILLED: answers.fulfilled,
        LetterKind.PARTLY_FULFILLED: answers.partly_fulfilled,
        LetterKind.REFUSAL: answers.refusal,
        LetterKind.CANNOT_IDENTIFY: answers.cannot_identify,
        LetterKind.NOTHING_HELD: answers.nothing_held,
        LetterKind.WITHDRAWN: answers.withdrawn,
        LetterKind.RESTRICTION_LIFT: messages.restriction_lift,
        LetterKind.RECIPIENTS_TOLD: messages.recipients_told,
        LetterKind.ERASURE_CERTIFICATE: messages.erasure_certificate,
        LetterKind.CONSENT_CONFIRMATION: messages.consent_confirmation,
        LetterKind.UNSUBSCRIBE_CONFIRMATION: messages.unsubscribe_confirmation,
        LetterKind.NOTICE: messages.notice,
        LetterKind.POLICY_CHANGE: messages.policy_change,
    }
)


def subject_of(letter: Letter, spoken: Language) -> str:
    """The subject of the mail and the title of the page."""
    said = spoken.say(SUBJECTS[letter.kind])
    return spoken.say("{name}: {subject}", name=letter.controller.name, subject=said)


def body_of(letter: Letter, spoken: Language) -> tuple[Block, ...]:
    """Everything between date and signature."""
    say = spoken.say
    name = letter.addressee.name
    blocks: list[Block] = list(fallback_note(spoken))
    blocks.append(Paragraph(say("Dear {name},", name=name) if name else say("Dear reader,")))
    blocks += BODIES[letter.kind](letter, spoken)
    if letter.enclosures:
        blocks.append(Paragraph(say("Enclosed:")))
        blocks.append(Bullets(letter.enclosures))
    if letter.reference:
        blocks.append(Paragraph(say("Our reference: {reference}", reference=letter.reference)))
    blocks.append(Paragraph(say("Kind regards,\n{name}", name=letter.controller.name)))
    return tuple(blocks)
