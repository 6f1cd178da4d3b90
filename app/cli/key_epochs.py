"""What `pdledger keys rotate`, `destroy-epoch` and `approve-end` do, by the deploying login."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.auth import Callers, NotAuthenticated, Scope
from app.cli.answers import CommandFailed, refused, unavailable
from app.cli.progress import Report
from app.clock import system_clock
from app.domain.decider import Refusal
from app.main import open_service
from app.receipts import Attribution
from app.rights.key_epochs import BY, KeyEpochs
from app.rights.last_copies import LastCopies
from app.service import Service
from app.settings import Settings
from app.store.connection import Logins, connect
from app.vault.custody import FileCustody


@dataclass(frozen=True, slots=True)
class Deploying:
    """The logins of a command that changes keys."""

    settings: Settings
    logins: Logins
    owner: str
    """The URL of the login that is a member of the owner."""


async def rotate(how: Deploying, told: Report) -> dict[str, Any]:
    """Opens the next epoch and moves everything to it, or goes on with that."""
    async with _opened(how) as (_, epochs):
        done = await epochs.rotate(told)
    left = {name: rows for name, rows in done.holds.items() if rows}
    return {
        "epoch": done.epoch,
        "leaving": done.leaving,
        "opened": done.opened,
        "moved": done.moved,
        "unreadable": done.shut,
        "left": left,
    }


async def destroy(how: Deploying, epoch: int, key: str | None) -> dict[str, Any]:
    """Ends an epoch and states what is in no backup any more, or waits for a second person."""
    async with _opened(how) as (service, epochs):
        by = BY if key is None else await _caller(service, key)
        done = await epochs.destroy(epoch, by)
        reached = await LastCopies(service.ledger, service.pool).run()
    return {
        "epoch": done.epoch,
        "state": done.state,
        "waits_for_approval": done.waits_for_approval,
        "root": done.root,
        "erasures_reached_e3": reached,
    }


async def approve(how: Deploying, epoch: int, key: str) -> dict[str, Any]:
    """Records the second person's word."""
    async with _opened(how) as (service, epochs):
        await epochs.approve(epoch, await _caller(service, key))
    return {"epoch": epoch, "approved": True}


@asynccontextmanager
async def _opened(how: Deploying) -> AsyncIterator[tuple[Service, KeyEpochs]]:
    custody = FileCustody(how.settings.home / "keys")
    async with open_service(how.settings, how.logins) as service:
        owner = await connect(how.owner, application="pdledger-keys")
        try:
            await owner.execute("SET ROLE ledger_owner")
            yield (
                service,
                KeyEpochs(service.ledger, service.control, service.pool, owner, custody=custody),
            )
        except Refusal as refusal:
            raise _explained(refusal) from None
        finally:
            await owner.close()


def key_in(file: Path) -> str:
    """The API key in a file."""
    try:
        return file.read_text().strip()
    except OSError:
        raise unavailable("key-file-missing", f"{file} cannot be read") from None


async def _caller(service: Service, key: str) -> Attribution:
    """Who holds a key that may erase: two keys are two people, as for an erasure."""
    try:
        caller = await Callers(service.pool, system_clock, 0).caller(key)
    except NotAuthenticated:
        raise refused("not-authenticated", "the key in that file is not valid") from None
    if Scope.ERASURE_EXECUTE not in caller.scopes:
        raise refused("scope-missing", f"the key lacks {Scope.ERASURE_EXECUTE.value}")
    return Attribution(by=caller.client_id)


def _explained(refusal: Refusal) -> CommandFailed:
    facts = [f"{name}: {fact}" for name, fact in refusal.facts.items()]
    reason = (type(refusal).__doc__ or "").partition("\n")[0]
    return refused(refusal.code, f"{reason} ({', '.join(refusal.rules)})", details=facts)
