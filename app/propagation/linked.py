"""What a link in a mail does when its button is pressed; following it alone does nothing (S12)."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from app.clock import random_id
from app.domain.collections import CollectData
from app.domain.consents import ConfirmConsent, ConsentRequestUnknown
from app.domain.decider import Refusal
from app.domain.erasure_steps import RequestErasure
from app.domain.letters_owed import OWN_PAGES
from app.domain.objections import RaiseObjection
from app.domain.obtaining import Obtained
from app.domain.proofs import Consent
from app.domain.rights_request_steps import ReceiveOnce, ReceiveRequest
from app.domain.sign_ups import LANGUAGE
from app.domain.subject import InTurn, SubjectState
from app.domain.suppressions import Unsubscribe
from app.domain.system_accounts import AccountState
from app.events.erasures import ErasureTrigger
from app.events.rights_requests import (
    IdentityProof,
    RequestChannel,
    RequestedRight,
    RequestTrigger,
)
from app.ledger import Ledger
from app.policy.model import Policy
from app.policy.vocabulary import IdentifierKind
from app.propagation.public_texts import said
from app.propagation.survivors import records_of, survivor_of
from app.receipts import Attribution
from app.store.on_file import addresses_on_file
from app.values import replace
from app.vault.link_tokens import Link, LinkKind, LinkTokens

SOURCE = OWN_PAGES

BY = Attribution(by="mail-link")

POLICY_LINK = timedelta(days=365)
"""How long after its publication a new policy can be refused with one button."""
DAY = timedelta(days=1)
LANGUAGES_DAILY_MAX = 5
"""Changes of language by links of one person in a day."""


class LinkUnknown(Refusal):
    """The link was not made here, was revoked, or is for something else; it does nothing."""

    code = "link-unknown"
    rules = ("C73",)


class Linked:
    """Does what links are for. Which person a link is of, no answer tells."""

    def __init__(self, ledger: Ledger, tokens: LinkTokens) -> None:
        self._ledger = ledger
        self._tokens = tokens

    async def read(self, token: str, kind: LinkKind) -> Link:
        """What a link says, of the record that stands for the person now.

        Raises LinkUnknown for whatever does nothing any more.
        """
        link = self._tokens.link(token)
        if link is None or link.kind is not kind:
            raise LinkUnknown
        state = await self._ledger.state(link.stream_id)
        if state.version == 0 or link.serial < state.links.serial:
            raise LinkUnknown
        if kind is LinkKind.POLICY:
            await self._check_fresh(link)
        if kind is LinkKind.CONFIRM:  # what it confirms was asked on this very stream
            return link
        link = replace(link, stream_id=await survivor_of(self._ledger, link.stream_id))
        if kind is LinkKind.POLICY and (await self._ledger.state(link.stream_id)).erased:
            raise LinkUnknown  # there is nothing left to refuse anything for
        return link

    async def _check_fresh(self, link: Link) -> None:
        """A refusal is one of the version in force, and for a year: then the mail is an old one."""
        rules = await self._ledger.rules()
        published = rules.control.policies.get(link.about)
        if published is None or link.about != rules.policy.version:
            raise LinkUnknown
        if self._ledger.clock() > published.published_at + POLICY_LINK:
            raise LinkUnknown

    async def end_mailing(self, link: Link, *, everything: bool = False) -> None:
        """Ends one mailing, or all direct marketing, at once; twice is once."""
        policy = (await self._ledger.rules()).policy
        await self._end(link, mailings(policy) if everything else (link.about,), policy)

    async def end_mailings(self, link: Link, wanted: Collection[str]) -> None:
        """Ends those of the policy's mailings that the person chose; the others stay (C73)."""
        policy = (await self._ledger.rules()).policy
        await self._end(link, tuple(key for key in mailings(policy) if key in wanted), policy)

    async def _end(self, link: Link, purposes: tuple[str, ...], policy: Policy) -> None:
        # Of an erased person there is nothing left to end.
        if not purposes or (await self._ledger.state(link.stream_id)).erased:
            return
        addresses = await self._addresses(link.stream_id, policy)
        commands = tuple(
            Unsubscribe(purpose=purpose, source=SOURCE, addresses=addresses) for purpose in purposes
        )
        await self._ledger.execute(link.stream_id, InTurn(commands), BY)

    async def speak(self, link: Link, language: str) -> None:
        """The person wants to be written to in another language; refused as any collection is.

        LinkUnknown after some changes of a day: whoever got hold of a link fills no log by it.
        """
        state, now = await self._ledger.state(link.stream_id), self._ledger.clock()
        changes = [
            one
            for slot in state.collections.held.values()
            if slot.category == LANGUAGE
            for one in slot.history()
            if one.source == SOURCE and one.since > now - DAY
        ]
        if len(changes) >= LANGUAGES_DAILY_MAX:
            raise LinkUnknown
        personal = {LANGUAGE: language}
        obtained = Obtained(purpose=link.about, personal=personal)
        await self._ledger.execute(
            link.stream_id, CollectData(obtained=obtained, source=SOURCE), BY
        )

    async def asked(self, link: Link) -> tuple[str, Consent]:
        """The purpose and the consent that a link confirms, asked for or confirmed already."""
        state = await self._ledger.state(link.stream_id)
        for purpose, consent in state.consents.by_purpose.items():
            requests = (consent.asked and consent.asked.request, _confirmed(consent))
            if link.about in map(str, requests):
                return purpose, consent
        raise ConsentRequestUnknown

    async def confirm(self, link: Link) -> None:
        """The second step of a double opt-in of somebody who is known."""
        await self.asked(link)
        command = ConfirmConsent(
            request=UUID(link.about),
            occurred_at=self._ledger.clock(),
            reference="confirmed by the link sent to the address on file",
        )
        await self._ledger.execute(link.stream_id, command, BY)

    async def leave(self, link: Link, language: str) -> None:
        """Whoever does not accept a new policy asks to be erased; nobody is taken to agree (C79).

        Nothing is destroyed by a click: a rights request begins, with its clock, and is answered as
        any other. Pressed again while it is open, the button begins no second one.
        """
        erase = RequestErasure(
            erasure=random_id(), source=SOURCE, trigger=ErasureTrigger.POLICY_CHANGE
        )
        ask = _asking(RequestedRight.ERASURE, language)
        await self._ledger.execute(link.stream_id, InTurn((ask, erase)), BY)

    async def close_accounts(self, link: Link, language: str) -> None:
        """The same person asks for no more than that their accounts are closed (C72, C79).

        One request for each system in which an account is on record; where none is, one that the
        desk finds the systems for (C69). The data stay, and so does what the person wrote (C62).
        """
        systems = sorted(
            {
                account.system
                for record in await records_of(self._ledger, link.stream_id)
                for account in (await self._ledger.state(record)).system_accounts.by_id.values()
                if account.state is not AccountState.DEACTIVATED
            }
        )
        asked = tuple(
            _asking(RequestedRight.DEACTIVATE_ACCOUNT, language, system=system)
            for system in systems
        )
        words = said(language)["refusal_close_button"]
        unknown = _asking(RequestedRight.OTHER, language, text=words)
        await self._ledger.execute(link.stream_id, InTurn(asked or (unknown,)), BY)

    async def object(self, link: Link) -> None:
        """The same person objects to everything that may be objected to (C79; Art. 21)."""
        policy = (await self._ledger.rules()).policy
        addresses = await self._addresses(link.stream_id, policy)
        command = RaiseObjection(objection=random_id(), source=SOURCE, addresses=addresses)
        await self._ledger.execute(link.stream_id, command, BY)

    async def _addresses(self, subject_id: UUID, policy: Policy) -> tuple[str, ...]:
        """The person's addresses on all their records (C7, L41)."""
        emails = policy.identifying(IdentifierKind.EMAIL)
        found = [
            await addresses_on_file(self._ledger.store, record, emails)
            for record in await records_of(self._ledger, subject_id)
        ]
        return tuple(dict.fromkeys(address for addresses in found for address in addresses))

    async def state(self, link: Link) -> SubjectState:
        """The state of the stream that a link is of."""
        return await self._ledger.state(link.stream_id)


def _asking(
    right: RequestedRight, language: str, *, system: str | None = None, text: str = ""
) -> ReceiveOnce:
    """What a button about a new policy asks for; the decider knows whether it was pressed before.

    So two clicks at once begin one request: the second is decided on what the first made.
    """
    asked = ReceiveRequest(
        file=random_id(),
        right=right,
        channel=RequestChannel.WEB,
        trigger=RequestTrigger.POLICY_CHANGE,
        language=language,
        proof=IdentityProof.LINK,
        system=system,
        text=text,
    )
    return ReceiveOnce(asked=asked)


def mailings(policy: Policy) -> tuple[str, ...]:
    """What the policy lets people be mailed as news: each can be ended by itself."""
    return tuple(one.key for one in policy.all_purposes() if one.direct_marketing)


def _confirmed(consent: Consent) -> UUID | None:
    return None if consent.proof is None else consent.proof.request
