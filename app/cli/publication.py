"""Publishes a policy: structure and texts into the archive, the fact onto the control stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import asyncpg

from app.cli.answers import CommandFailed, refused, unavailable
from app.cli.policy_files import read_policy
from app.domain.control import Command as ControlCommand
from app.domain.control import PublishLaw, PublishPolicy, SupplyPolicyText
from app.domain.decider import Refusal
from app.policy.model import Policy
from app.receipts import Attribution, LedgerContended
from app.service import Service
from app.store.group_commit import LedgerBusy, LedgerUnavailable

ACTOR: Final = "pdledger"
ARCHIVE_SQL: Final = "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class Publication:
    """What publishing changed: nothing, when all of it was published before."""

    version: str
    published: bool
    texts: tuple[str, ...]
    """Languages whose text is new in the archive."""


async def publish(service: Service, structure: bytes, texts: Mapping[str, bytes]) -> Publication:
    """Publishes a version with the texts at hand. Done twice, or after a crash, it adds the rest.

    The archive comes first: whoever reads of the version on the control stream finds it there.
    """
    policy = read_policy(structure)
    languages = sorted(texts)
    try:
        await service.pool.execute(
            ARCHIVE_SQL, policy.version, structure, languages, [texts[one] for one in languages]
        )
    except asyncpg.UniqueViolationError:
        raise refused(
            "policy-version-taken",
            f"{policy.version} was published with other bytes, and a published version is never"
            " edited: give the changed file a new version",
        ) from None
    await publish_law(service, policy)
    named = {language: text.sha256 for language, text in policy.texts.items()}
    command = PublishPolicy(
        version=policy.version,
        structure=policy.sha256,
        texts=named,
        effective_from=policy.effective_from,
    )
    # A text may come after a later version: that does not put this one in force again.
    known = policy.version in (await service.rulebook.refresh_control()).policies
    published = not known and await _execute(service, command, policy)
    supplied = [
        language
        for language in languages
        if await _execute(
            service,
            SupplyPolicyText(version=policy.version, language=language, digest=named[language]),
            policy,
        )
    ]
    return Publication(policy.version, published, tuple(supplied))


async def publish_law(service: Service, policy: Policy | None = None) -> bool:
    """Puts the law file of this program on record, under a policy that is published with it."""
    law = service.rulebook.law
    return await _execute(service, PublishLaw(version=law.version, digest=law.sha256), policy)


async def _execute(service: Service, command: ControlCommand, policy: Policy | None) -> bool:
    """Whether the command changed anything."""
    try:
        receipt = await service.control.execute(command, Attribution(by=ACTOR), policy=policy)
    except Refusal as refusal:
        raise _explained(refusal) from None
    except (LedgerBusy, LedgerContended, LedgerUnavailable):
        raise unavailable("ledger-contended", "the ledger is busy; try again") from None
    return bool(receipt.lines)


def _explained(refusal: Refusal) -> CommandFailed:
    """A refusal of the rules with its clauses; its facts are words of the policy, ids and dates."""
    facts = [f"{name}: {fact}" for name, fact in refusal.facts.items()]
    rules = f" ({', '.join(refusal.rules)})" if refusal.rules else ""
    reason = cast(str, type(refusal).__doc__).partition("\n")[0]
    return refused(refusal.code, f"{reason}{rules}", details=facts)
