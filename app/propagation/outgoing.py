"""Letters that the ledger can write by itself: a question to confirm, a notice, a new policy.

Each is put together from the person's own state and the published policy, and goes into the post.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from app.documents.letter import Letter, LetterKind, Told, Transfer, Use
from app.documents.letters import compose
from app.domain.consents import ConsentRequestUnknown
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.purpose_limitation import purpose_named
from app.domain.recipients import transfer_ground
from app.domain.sign_ups import LANGUAGE
from app.domain.subject import SubjectState
from app.events.mails import MailKind
from app.ledger import Ledger
from app.policy.changes import EntryChange
from app.policy.model import EEA_GROUND, Policy, RetentionClass
from app.policy.vocabulary import IdentifierKind, LegalBasis, SourceOrigin
from app.policy.wordings import wording_of
from app.propagation.mail import Posted, Posting, PostOffice
from app.propagation.public_texts import SOURCE
from app.receipts import Attribution
from app.store.on_file import address_for_mail, value_on_file
from app.store.rulebook import Rules
from app.vault.link_tokens import LinkKind


class NoticeNotOwed(Refusal):
    """Nothing about the person came from somebody else: there is nothing of Art. 14 to tell."""

    code = "notice-not-owed"
    rules = ("L29",)


class Outgoing:
    """Writes and posts such letters."""

    def __init__(self, ledger: Ledger, post_office: PostOffice) -> None:
        self._ledger = ledger
        self._post_office = post_office

    async def ask_to_confirm(
        self, subject_id: UUID, request: UUID, language: str | None, attribution: Attribution
    ) -> Posted:
        """The second step of a double opt-in, put into somebody's mailbox (L12, L16).

        ConsentRequestUnknown where nothing was asked, or it is confirmed already.
        """
        rules, state = await self._ledger.rules(), await self._ledger.state(subject_id)
        now = self._ledger.clock()
        given = rules.at(now)
        purpose, asked = next(
            (
                (key, one.asked)
                for key, one in state.consents.by_purpose.items()
                if one.asked is not None and one.asked.request == request
            ),
            (None, None),
        )
        if purpose is None or asked is None:
            raise ConsentRequestUnknown
        shown = wording_of(rules.policy, asked.wording.digest)
        days = rules.law.term("consent.confirmation_days", day_of(asked.since, given))
        letter = _letter(
            LetterKind.CONSENT_CONFIRMATION,
            rules,
            now,
            purpose=purpose_named(purpose, rules.policy).title,
            wording=asked.wording.digest if shown is None else shown.text,
            link=await self._post_office.link(LinkKind.CONFIRM, subject_id, str(request)),
            link_until=day_of(asked.since + timedelta(days=days), given),
            policy=asked.wording.policy,
        )
        spoken = language or asked.wording.language
        posting = Posting(
            letter=compose(letter, spoken), kind=MailKind.CONSENT_CONFIRMATION, matter=request
        )
        return await self._post_office.post(subject_id, posting, attribution)

    async def notify(
        self, subject_id: UUID, language: str | None, attribution: Attribution
    ) -> Posted:
        """What Art. 14 wants told of data that came from others; NoticeNotOwed where none did."""
        rules, state = await self._ledger.rules(), await self._ledger.state(subject_id)
        policy = rules.policy
        obtained = [
            one
            for one in state.collections.current()
            if (source := policy.source(one.source)) and source.origin is SourceOrigin.THIRD_PARTY
        ]
        if not obtained:
            raise NoticeNotOwed
        purposes = [purpose_named(key, policy) for key in sorted({one.purpose for one in obtained})]
        sources = sorted({one.source for one in obtained})
        classes = sorted({one.retention_class for one in obtained})
        recipients = sorted({key for purpose in purposes for key in purpose.recipients})
        letter = _letter(
            LetterKind.NOTICE,
            rules,
            self._ledger.clock(),
            uses=tuple(
                Use(
                    title=one.title,
                    basis=one.legal_basis.value,
                    legitimate_interest=one.legitimate_interest,
                )
                for one in purposes
            ),
            categories=tuple(
                policy.categories[key].title for key in sorted({one.category for one in obtained})
            ),
            source=", ".join(policy.sources[key].title for key in sources),
            recipients=tuple(Told(title=policy.recipients[key].title) for key in recipients),
            transfers=tuple(_transfers(recipients, rules.at(self._ledger.clock()))),
            retention=tuple(_period(policy.retention_classes[key]) for key in classes),
            policy=policy.version,
        )
        spoken = language or await self._language(subject_id)
        # Its month runs for whoever has no mailbox as well: then a human prints the letter (L29).
        emails = policy.identifying(IdentifierKind.EMAIL)
        paper = await address_for_mail(self._ledger.store, subject_id, emails) is None
        posting = Posting(
            letter=compose(letter, spoken), kind=MailKind.NOTICE, attached=paper, printed=paper
        )
        return await self._post_office.post(subject_id, posting, attribution)

    async def tell_of_change(
        self,
        subject_id: UUID,
        changes: tuple[EntryChange, ...],
        language: str | None,
        attribution: Attribution,
    ) -> Posted:
        """That there is a new policy, what is new in it, and how to say no to it (C78, C79)."""
        rules = await self._ledger.rules()
        policy = rules.policy
        spoken = language or await self._language(subject_id)
        letter = _letter(
            LetterKind.POLICY_CHANGE,
            rules,
            self._ledger.clock(),
            policy=policy.version,
            effective_on=policy.effective_from,
            changes=changes,
            link=await self._post_office.link(LinkKind.POLICY, subject_id, policy.version),
        )
        posting = Posting(
            letter=compose(letter, spoken),
            kind=MailKind.POLICY_CHANGE,
            mailing=_news(policy),
        )
        return await self._post_office.post(subject_id, posting, attribution)

    async def _language(self, subject_id: UUID) -> str:
        return await value_on_file(self._ledger.store, subject_id, LANGUAGE) or SOURCE


def outdated(state: SubjectState, policy: Policy) -> str | None:
    """The version that a person was last told of, where it is not the one in force; else None."""
    shown = [version for version, _ in state.notices.shown]
    if not shown or policy.version in shown:
        return None
    return shown[-1]


def _letter(kind: LetterKind, rules: Rules, now: datetime, **facts: object) -> Letter:
    return Letter(
        kind=kind,
        controller=rules.policy.controller,
        authority=rules.law.authority,
        on=day_of(now, rules.at(now)),
        **facts,  # type: ignore[arg-type]  # each kind has parts of its own
    )


def _transfers(recipients: Iterable[str], given: Circumstances) -> Iterator[Transfer]:
    """Those outside the EEA as they stand today; members of a group may be anywhere (L59)."""
    today = day_of(given.now, given)
    for key in recipients:
        one = given.policy.recipients[key]
        if one.group:
            yield Transfer(title=one.title, country=None)
            continue
        ground = transfer_ground(one, None, today, given)
        if ground == EEA_GROUND or one.country is None:
            continue
        found = given.law.mechanisms.get(ground or "")
        yield Transfer(
            title=one.title,
            country=one.country,
            safeguard=found.title if found else None,
            article=found.article if found else None,
        )


def _period(kind: RetentionClass) -> tuple[str, str]:
    return kind.title, f"{kind.keep} after {kind.clock.value}"


def _news(policy: Policy) -> str | None:
    """The direct marketing that a mail about a new policy is part of: it is not owed (C78).

    None where every mailing needs consent (X5): the mail is then news of no mailing.
    """
    news = (
        one.key
        for one in policy.purposes.values()
        if one.direct_marketing and one.legal_basis is not LegalBasis.CONSENT
    )
    return next(news, None)
