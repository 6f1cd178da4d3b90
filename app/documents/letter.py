"""A letter to a person as a value: its kind, its facts, and what each kind cannot be without."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.domain.decider import Refusal
from app.policy.changes import EntryChange
from app.policy.model import Authority, Controller
from app.policy.vocabulary import Right


class LetterIncomplete(Refusal):
    """A letter without a part that the law demands is not written: ``part`` says which."""

    code = "letter-incomplete"
    rules = ("L25", "C71", "C81")


class LetterKind(StrEnum):
    """What a letter says, whatever right it is about."""

    ACKNOWLEDGEMENT = "acknowledgement"
    """The request has arrived, and until when it is answered (Art. 12(3))."""
    OVERDUE = "overdue"
    """The request has arrived, and the day of its answer is over (Art. 12(3), (4))."""
    IDENTITY_QUESTION = "identity_question"
    """There are reasonable doubts about who asks (Art. 12(6))."""
    EXTENSION = "extension"
    """It takes up to two months longer, and why (Art. 12(3))."""
    FULFILLED = "fulfilled"
    PARTLY_FULFILLED = "partly_fulfilled"
    """Done but for a part, each part named with its ground (C71, Art. 12(4))."""
    REFUSAL = "refusal"
    """Not done, with reasons, complaint and remedy (Art. 12(4))."""
    CANNOT_IDENTIFY = "cannot_identify"
    """Nobody can be found by what was given; more may be given (Art. 11(2), 12(2))."""
    NOTHING_HELD = "nothing_held"
    """There is nothing about this person (Art. 15(1))."""
    WITHDRAWN = "withdrawn"
    """The person took the request back."""
    RESTRICTION_LIFT = "restriction_lift"
    """A restriction will be lifted (Art. 18(3))."""
    RECIPIENTS_TOLD = "recipients_told"
    """Who was told of a correction, an erasure or a restriction (Art. 19)."""
    ERASURE_CERTIFICATE = "erasure_certificate"
    """What was destroyed and what is kept until when (Art. 17, 5(2))."""
    CONSENT_CONFIRMATION = "consent_confirmation"
    """The second step of a double opt-in (Art. 7(1))."""
    UNSUBSCRIBE_CONFIRMATION = "unsubscribe_confirmation"
    """Consent is withdrawn (Art. 7(3))."""
    NOTICE = "notice"
    """What a person must be told of data that came from others (Art. 14)."""
    POLICY_CHANGE = "policy_change"
    """A new version of the policy, and what to do against it (C76, C79)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """To whom: both parts may be unknown, as for a mail without a name."""

    name: str | None = field(default=None, repr=False)
    address: tuple[str, ...] = field(default=(), repr=False)
    """Lines under the name, where the letter goes by post."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Something that stays after an erasure; all texts are those of the policy, in English."""

    title: str
    ground: str
    """The provision that allows to keep it, `Art. 17(3)(b)`."""
    norm: str
    """The law that orders to."""
    until: date | None = None
    criteria: str | None = None
    """How the last day is reckoned, where it is not known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A recipient and what came of telling it: a value of `InformOutcome`, None when open."""

    title: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One purpose in a notice, with its basis (a value of `LegalBasis`)."""

    title: str
    basis: str
    legitimate_interest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A recipient outside the European Economic Area, and what protects the data there."""

    title: str
    country: str | None
    """None for a group, whose members are in different countries."""
    safeguard: str | None = None
    """The title of the mechanism; None where none holds, so that nothing may go there."""
    article: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Everything that a letter is made of. What a kind needs is in `MANDATORY`; the rest may stay.

    Titles are those of the policy, in English; they are translated. ``reasons`` and ``questions``
    are somebody's own words in the language of the letter, and stay as they are.
    """

    kind: LetterKind
    controller: Controller
    authority: Authority
    on: date
    """The day of the letter."""
    addressee: Addressee = field(default=Addressee(), repr=False)
    right: str | None = None
    """A value of `Right`, or `account_deactivation`, or `other`; None for none of them."""
    reference: str | None = None
    """Id of the request, the erasure or the consent: for questions about the letter."""
    received_on: date | None = None
    concerns: tuple[tuple[str, ...], ...] = ()
    """What an objection or a restriction is about, or which account: the titles of each, none of
    them where it is about every use."""
    due_on: date | None = None
    """Last day of the answer, before an extension."""
    extended_until: date | None = None
    reasons: tuple[str, ...] = field(default=(), repr=False)
    questions: tuple[str, ...] = field(default=(), repr=False)
    """What the person should tell or show."""
    ground: str | None = None
    """The provision on which something is refused, `Art. 12(5)(b)`."""
    done: tuple[str, ...] = field(default=(), repr=False)
    """What was done, in words of the letter's language."""
    erased: tuple[str, ...] = ()
    """Titles of retention classes or categories."""
    beyond_backups_on: date | None = None
    """Since when all of that is in no backup that can be read; None while it may be in one."""
    kept: tuple[Kept, ...] = ()
    recipients: tuple[Told, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    """Of those recipients, who is outside the European Economic Area (Art. 14(1)(f))."""
    suppressed: bool = False
    """A keyed entry keeps the address off mailing lists (L41)."""
    effective_on: date | None = None
    """The day on which a restriction is lifted, a policy holds, or an erasure was executed."""
    purpose: str | None = None
    """Title of the purpose that a consent is for."""
    link: str | None = field(default=None, repr=False)
    """Where to confirm, to read or to fetch; it may hold a secret."""
    link_until: date | None = None
    wording: str | None = None
    """The statement of consent as it was shown."""
    uses: tuple[Use, ...] = ()
    categories: tuple[str, ...] = ()
    source: str | None = None
    retention: tuple[tuple[str, str], ...] = ()
    """What, and how long or by which criteria."""
    policy: str | None = None
    """The version of the policy."""
    changes: tuple[EntryChange, ...] = ()
    """What is new in the policy; none where its text alone is."""
    enclosures: tuple[str, ...] = ()
    """Names of files that go with it."""


MANDATORY: Final[Mapping[LetterKind, tuple[str, ...]]] = MappingProxyType(
    {
        LetterKind.ACKNOWLEDGEMENT: ("right", "received_on", "due_on"),
        LetterKind.OVERDUE: ("right", "received_on", "due_on"),
        LetterKind.IDENTITY_QUESTION: ("right", "received_on", "reasons", "questions"),
        LetterKind.EXTENSION: ("right", "received_on", "due_on", "extended_until", "reasons"),
        LetterKind.FULFILLED: ("right", "received_on"),
        LetterKind.PARTLY_FULFILLED: ("right", "received_on"),
        LetterKind.REFUSAL: ("right", "received_on", "reasons", "ground"),
        LetterKind.CANNOT_IDENTIFY: ("received_on", "questions"),
        LetterKind.NOTHING_HELD: ("received_on",),
        LetterKind.WITHDRAWN: ("right", "received_on"),
        LetterKind.RESTRICTION_LIFT: ("effective_on", "reasons"),
        LetterKind.RECIPIENTS_TOLD: ("right", "recipients"),
        LetterKind.ERASURE_CERTIFICATE: ("reference", "effective_on", "erased"),
        LetterKind.CONSENT_CONFIRMATION: ("purpose", "wording", "link", "link_until", "policy"),
        LetterKind.UNSUBSCRIBE_CONFIRMATION: ("purpose", "effective_on"),
        LetterKind.NOTICE: ("uses", "categories", "source", "recipients", "retention", "policy"),
        LetterKind.POLICY_CHANGE: ("policy", "effective_on", "link"),
    }
)
"""What each kind cannot be without; the texts on complaint and remedy are locked into the kinds."""


def check(letter: Letter) -> None:
    """LetterIncomplete, naming the first part that is missing."""
    for part in (*_ALWAYS, *MANDATORY[letter.kind]):
        if not _given(letter, part):
            raise LetterIncomplete(kind=letter.kind.value, part=part)
    if letter.kind is LetterKind.PARTLY_FULFILLED:
        _check_partly(letter)
    for one in letter.kept:
        if not (one.ground.strip() and one.norm.strip() and (one.until or one.criteria)):
            missing = "kept.until" if one.ground.strip() and one.norm.strip() else "kept.norm"
            raise LetterIncomplete(kind=letter.kind.value, part=missing)


_ALWAYS: Final = ("controller", "authority")


def _check_partly(letter: Letter) -> None:
    """What was not done is named, with its ground: by its own norm and end, or by reasons."""
    if letter.right == Right.ERASURE:
        if not letter.kept:
            raise LetterIncomplete(kind=letter.kind.value, part="kept")
        return
    for part in ("reasons", "ground"):
        if not _given(letter, part):
            raise LetterIncomplete(kind=letter.kind.value, part=part)


def _given(letter: Letter, part: str) -> bool:
    value = getattr(letter, part)
    match value:
        case str():
            return bool(value.strip())
        case tuple():
            return any(not isinstance(one, str) or one.strip() for one in value)
        case Controller():
            return bool(value.name.strip() and value.email.strip() and any(value.address))
        case Authority():
            return bool(value.name.strip() and any(value.address))
        case _:
            return value is not None
