"""What the commands of `pdledger keys` that change something do, by the deploying login."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg

from app.auth import Callers, NotAuthenticated, Scope
from app.cli.answers import CommandFailed, refused, unavailable
from app.cli.private_files import private_file
from app.cli.progress import Report
from app.clock import system_clock
from app.domain.decider import Refusal
from app.main import open_service
from app.receipts import Attribution
from app.rights.key_epochs import BY, KeyEpochs
from app.rights.key_losses import KeyLosses
from app.rights.keyring_mending import KeyringMending
from app.rights.keyring_restoring import KeyringRestoring
from app.rights.last_copies import LastCopies
from app.service import Service
from app.settings import Settings
from app.store.connection import Logins, connect
from app.store.event_store import EventStore
from app.store.keyring_file import KeyringFile, KeyringFileUnusable, write_keyring
from app.store.log_standing import left_unexamined
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


async def export(how: Deploying, file: Path) -> dict[str, Any]:
    """Writes the keyring into a file, whole or not at all."""
    async with _owner(how) as owner:
        custody = FileCustody(how.settings.home / "keys")
        with private_file(file) as stream:
            head, count = await write_keyring(owner, custody, stream, written_at=system_clock())
    return {"epoch": head.active, "keys": count, "log_size": head.log_size, "file": str(file)}


async def restore(how: Deploying, file: Path) -> dict[str, Any]:
    """Puts the keyring of a file over the database, and forgets what that knows as destroyed."""
    with _keyring(file) as kept:
        head = kept.head

        async def opened(store: EventStore) -> None:
            if store.vault.ledger_id != head.ledger_id:
                raise refused("keyring-foreign", f"{file} is of another ledger")
            store.vault.open_epochs(head.wrapped, active=head.active)

        async with _opened(how, examine=left_unexamined, open_epochs=opened) as (service, epochs):
            if service.eraser is None:
                raise unavailable("eraser-url-missing", "set LEDGER_ERASER_URL to its login")
            async with _owner(how) as owner:
                restoring = KeyringRestoring(
                    service.ledger,
                    service.control,
                    owner=owner,
                    eraser=service.eraser,
                    epochs=epochs,
                    file=kept,
                )
                done = await restoring.run()
            reached = await LastCopies(service.ledger, service.pool).run()
    return asdict(done) | {"erasures_reached_e3": reached}


async def mend(how: Deploying, file: Path | None) -> dict[str, Any]:
    """Puts rows right by the log, and wrapped keys that nothing opens by an exported keyring."""
    with nullcontext() if file is None else _keyring(file) as kept:
        async with _opened(how) as (service, _), _owner(how) as owner:
            if kept is not None:
                if service.store.vault.ledger_id != kept.head.ledger_id:
                    raise refused("keyring-foreign", f"{file} is of another ledger")
                kept.check(service.store.vault)
            mending = KeyringMending(
                service.ledger, service.control, pool=service.pool, owner=owner
            )
            rows = await mending.by_log()
            keys = 0 if kept is None else await mending.by_keyring(kept)
            left, unopened = await mending.left()
    return {"keys": keys, "rows": rows, "left": left, "unopened": unopened}


async def losses(how: Deploying, epoch: int) -> dict[str, Any]:
    """What nothing opens and what would be given up with it; nothing is changed."""
    async with _losing(how) as (_, losing):
        return asdict(await losing.found(epoch))


async def give_up(how: Deploying, epoch: int, key: str | None) -> dict[str, Any]:
    """Gives up what nothing opens, or waits for a second person."""
    async with _losing(how) as (service, losing):
        by = BY if key is None else await _caller(service, key)
        return asdict(await losing.give_up(epoch, by))


async def approve_give_up(how: Deploying, epoch: int, key: str) -> dict[str, Any]:
    """Records the second person's word, if nothing else is lost than the first one asked for."""
    async with _losing(how) as (service, losing):
        loss = await losing.approve(epoch, await _caller(service, key))
    return {
        "epoch": epoch,
        "approved": True,
        "keys": loss.keys,
        "tokens": loss.tokens,
        "register_keys": loss.register_keys,
        "lost": loss.lost,
    }


@asynccontextmanager
async def _losing(how: Deploying) -> AsyncIterator[tuple[Service, KeyLosses]]:
    async with _opened(how) as (service, _), _owner(how) as owner:
        if service.eraser is None:
            raise unavailable("eraser-url-missing", "set LEDGER_ERASER_URL to its login")
        losing = KeyLosses(
            service.ledger,
            service.control,
            pool=service.pool,
            owner=owner,
            eraser=service.eraser,
        )
        yield service, losing


@contextmanager
def _keyring(file: Path) -> Iterator[KeyringFile]:
    try:
        with file.open("rb") as stream:
            yield KeyringFile(stream)
    except OSError as failure:
        raise unavailable("file-unreadable", f"{file}: {failure.strerror}") from None
    except KeyringFileUnusable as failure:
        raise refused(failure.code, f"{file}: {failure}") from None


async def approve(how: Deploying, epoch: int, key: str) -> dict[str, Any]:
    """Records the second person's word."""
    async with _opened(how) as (service, epochs):
        await epochs.approve(epoch, await _caller(service, key))
    return {"epoch": epoch, "approved": True}


@asynccontextmanager
async def _opened(
    how: Deploying, **opening: Any
) -> AsyncIterator[tuple[Service, KeyEpochs]]:  # Any: what open_service takes
    custody = FileCustody(how.settings.home / "keys")
    async with open_service(how.settings, how.logins, **opening) as service, _owner(how) as owner:
        try:
            yield (
                service,
                KeyEpochs(service.ledger, service.control, service.pool, owner, custody=custody),
            )
        except Refusal as refusal:
            raise _explained(refusal) from None


@asynccontextmanager
async def _owner(how: Deploying) -> "AsyncIterator[asyncpg.Connection[Any]]":
    owner = await connect(how.owner, application="pdledger-keys")
    try:
        await owner.execute("SET ROLE ledger_owner")
        yield owner
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
