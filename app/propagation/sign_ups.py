"""Public sign-ups: taken without looking anybody up, and confirmed from the mailbox (C82; L12).

Known and unknown addresses get the same work by construction: a sign-up has a stream of its own,
and only its confirmation, which nobody but the owner of the mailbox can make, asks who that is.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from app.clock import random_id
from app.documents.letters import Letter, LetterKind, compose
from app.domain.days import day_of
from app.domain.evidence import Wording
from app.domain.merges import SubjectAbsorbed
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import category_named, purpose_named
from app.domain.relationships import StartRelationship
from app.domain.sign_ups import (
    ADDRESS,
    LANGUAGE,
    ConfirmSignUp,
    ReceiveSignUp,
    SignUp,
    SignUpUnknown,
    Subscribe,
    in_time,
)
from app.domain.subjects import RegisterSubject
from app.domain.values import normalise
from app.events.identifiers import Verification
from app.events.mails import MailKind
from app.ledger import Ledger
from app.policy.own_names import SIGN_UP_SOURCE
from app.policy.records import ConsentWording
from app.policy.vocabulary import IdentifierKind
from app.propagation.mail import Posting, PostOffice
from app.propagation.registration import Registrar, verified_holder
from app.propagation.sign_up_limits import SignUpLimits
from app.propagation.survivors import survivor_of
from app.receipts import Attribution, IdentifierTaken, Receipt
from app.store.lookups import Lookups
from app.vault.link_tokens import Link, LinkKind
from app.vault.sealing import Sealed

BY: Final = Attribution(by="newsletter-form")
TRIES_MAX: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody entered."""

    address: str = field(repr=False)
    wording: ConsentWording


class SigningUp:
    """Takes sign-ups and confirms them."""

    def __init__(self, ledger: Ledger, lookups: Lookups, post_office: PostOffice) -> None:
        self._ledger = ledger
        self._lookups = lookups
        self._post_office = post_office

    async def receive(self, wish: Wish, limits: SignUpLimits) -> None:
        """Takes a sign-up and asks at its address whether it was meant. ValueInvalid.

        Who enters one address again and again gets the same answer, and its owner no more mails.
        """
        rules = await self._ledger.rules()
        now = self._ledger.clock()
        given = rules.at(now)
        address = normalise(category_named(ADDRESS, rules.policy), wish.address)
        if not limits.admits_address(address, now):
            return
        stream, sign_up = random_id(), random_id()
        wording = wish.wording
        command = ReceiveSignUp(
            sign_up=sign_up,
            purpose=wording.purpose,
            address=address,
            wording=Wording(
                digest=wording.digest, language=wording.language, policy=rules.policy.version
            ),
            source=SIGN_UP_SOURCE,
        )
        await self._ledger.execute(stream, command, BY, new=True)
        link = self._post_office.url(Link(LinkKind.CONFIRM, stream, 0, str(sign_up)))
        days = rules.law.number("consent.confirmation_days", day_of(now, given))
        letter = Letter(
            kind=LetterKind.CONSENT_CONFIRMATION,
            controller=rules.policy.controller,
            authority=rules.law.authority,
            on=day_of(now, given),
            purpose=purpose_named(wording.purpose, rules.policy).title,
            wording=wording.text,
            link=link,
            link_until=day_of(now + timedelta(days=days), given),
            policy=rules.policy.version,
        )
        posting = Posting(
            letter=compose(letter, wording.language),
            kind=MailKind.CONSENT_CONFIRMATION,
            matter=sign_up,
            to=address,
        )
        await self._post_office.post(stream, posting, BY)

    async def pending(self, link: Link) -> SignUp:
        """The sign-up that a link confirms, confirmed or not; SignUpUnknown when it is over."""
        given = (await self._ledger.rules()).at(self._ledger.clock())
        one = in_time(await self._ledger.state(link.stream_id), given)
        if str(one.sign_up) != link.about:
            raise SignUpUnknown
        return one

    async def confirm(self, link: Link) -> Receipt | None:
        """The consent on the record of the person, new or known; None when it is there already.

        Interrupted, it is taken up by the next use of the same link.
        """
        one = await self.pending(link)
        if one.confirmed_at is not None:
            return None
        address, language = await self._entered(link.stream_id, one)
        receipt: Receipt | None = None
        for _ in range(TRIES_MAX):
            try:
                receipt = await self._subscribe(one, address, language)
                break
            except (IdentifierTaken, SubjectAbsorbed):
                continue  # somebody registered, or was merged, meanwhile: look again
        if receipt is None:
            raise IdentifierTaken
        # The person's word opens the newsletter; what else was closed to the address stays so.
        policy = (await self._ledger.rules()).policy
        registrar = Registrar(self._ledger, self._lookups)
        await registrar.settle(receipt.stream_id, (address,), one.source, policy)
        await self._ledger.execute(link.stream_id, ConfirmSignUp(sign_up=one.sign_up), BY)
        return receipt

    async def _entered(self, stream_id: UUID, one: SignUp) -> tuple[str, str]:
        stream = await self._ledger.store.read_stream(stream_id, with_blobs=True)
        opened = self._ledger.store.open_section(stream, one.version, one.retention_class)
        if not isinstance(opened, Sealed):
            raise SignUpUnknown
        return opened.personal[ADDRESS], opened.personal[LANGUAGE]

    async def _subscribe(self, one: SignUp, address: str, language: str) -> Receipt:
        held = await self._lookups.subject_of(IdentifierKind.EMAIL.value, address)
        known = held is not None and await verified_holder(
            self._ledger.store, held, IdentifierKind.EMAIL, address
        )
        suspected = held is not None and not known
        policy = (await self._ledger.rules()).policy
        purpose = purpose_named(one.purpose, policy)
        registration = RegisterSubject(
            source=one.source,
            obtained=(
                Obtained(purpose=one.purpose, personal={ADDRESS: address, LANGUAGE: language}),
            ),
            relationships=tuple(
                StartRelationship(kind=kind) for kind in sorted(purpose.relationships)
            ),
            verification=Verification.LINK,
            identified=frozenset({ADDRESS}) if suspected else frozenset(),
            suspicion=random_id() if suspected else None,
        )
        command = Subscribe(
            registration=registration,
            sign_up=one.sign_up,
            purpose=one.purpose,
            wording=one.wording,
            source=one.source,
            asked_at=one.since,
            reference=f"sign-up {one.sign_up}, confirmed by the link sent to the address",
        )
        person = (
            await survivor_of(self._ledger, held) if known and held is not None else random_id()
        )
        return await self._ledger.execute(person, command, BY, new=not known)
