"""The rules in force: the control stream folded, with the policy and the law that it names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from app.domain.control import CONTROL, ControlState
from app.domain.decider import Circumstances
from app.identifiers import StreamId
from app.policy.loader import load, load_packaged_law
from app.policy.model import Law, Policy
from app.store.event_store import EventStore

TEXTS_MAX = 64
"""How many texts of the policy are kept: a few versions in a few languages."""


class PolicyUnpublished(Exception):
    """No policy is published, so nothing may be recorded: run `pdledger policy publish` first."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Policy, law and control state at one version of the control stream."""

    policy: Policy
    law: Law
    control: ControlState

    def at(self, now: datetime) -> Circumstances:
        """What a decision made at ``now`` depends on."""
        return Circumstances(self.policy, self.law, self.control, now)


class Rulebook:
    """Keeps the rules of one process; the database refuses what was decided under older ones."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", store: EventStore, control_stream: StreamId
    ) -> None:
        self._pool = pool
        self._store = store
        self.control_stream = control_stream
        self._control: ControlState = CONTROL.initial
        self._law = load_packaged_law()
        self._policy: Policy | None = None
        self._texts: dict[tuple[str, str], bytes] = {}

    @property
    def control(self) -> ControlState:
        """The control stream as last folded here."""
        return self._control

    @property
    def law(self) -> Law:
        """The legal parameters that came with this program."""
        return self._law

    async def current(self) -> Rules:
        """The rules as last read; PolicyUnpublished before there is a policy."""
        if self._policy is None:
            return await self.refresh()
        return Rules(self._policy, self._law, self._control)

    async def refresh(self) -> Rules:
        """Reads what came since; loads the policy when another version is in force."""
        await self.refresh_control()
        if self._policy is None:
            raise PolicyUnpublished("no privacy policy is published")
        return Rules(self._policy, self._law, self._control)

    async def refresh_control(self) -> ControlState:
        """Reads what came on the control stream since; there need not be a policy."""
        news = await self._store.read_stream(
            self.control_stream, after_version=self._control.version
        )
        state = self._control
        for recorded in news.events:
            state = CONTROL.evolve(state, recorded)
        if state.policy is not None and state.policy != self._control.policy:
            self._policy = await self.policy(state.policy)
        self._control = state
        return state

    async def policy(self, version: str) -> Policy:
        """A published version from the archive; KeyError when there is none of that name."""
        structure = await self._pool.fetchval(
            "SELECT structure FROM ledger.policies WHERE version = $1", version
        )
        if structure is None:
            raise KeyError(version)
        return load(structure)

    async def policy_text(self, version: str, language: str) -> bytes | None:
        """A text as it was supplied, byte for byte; None while it has not been."""
        known = self._texts.get((version, language))
        if known is not None:
            return known
        text: bytes | None = await self._pool.fetchval(
            "SELECT text FROM ledger.policy_texts WHERE version = $1 AND language = $2",
            version,
            language,
        )
        # Nobody can change a text that was supplied: the table takes no update.
        if text is not None and len(self._texts) < TEXTS_MAX:
            self._texts[version, language] = text
        return text
