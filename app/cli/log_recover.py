"""`pdledger log recover`: why nothing is served after a restore, and the ways out."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer

from app.assembly import attestation
from app.cli.answers import ExitCode, Json, answer, refused, unavailable
from app.cli.configuration import read_settings, refuse_migration_url
from app.cli.databases import reached
from app.cli.verify import stamp_certificates
from app.clock import system_clock
from app.domain.log_origins import ReopenLog
from app.main import open_service
from app.propagation.destinations import system_resolve
from app.propagation.witness_memory import examine_witnesses
from app.receipts import Attribution
from app.settings import Settings
from app.store.checkpoint_check import Trust
from app.store.connection import Logins, connect, open_pool
from app.store.cosignatures import Cosignatures
from app.store.identity import read_identity
from app.store.log_origins import OriginTaken, reopen
from app.store.log_standing import Source, TakenBack, examine_log, left_unexamined
from app.store.log_tree import LogTree
from app.store.stamp_check import StampVerification, check_stamps
from app.store.stream_check import Finding
from app.tlog.notes import is_key_name
from app.vault.signed_head import signed_head_file

BY = Attribution(by="recovery")

NewOrigin = Annotated[
    str | None,
    typer.Option(
        help="Go on under this name, as `ledger.example/log-2`; what was signed is given up."
    ),
]
GiveUp = Annotated[
    str | None,
    typer.Option(help="The name that the log has had so far: to confirm that it is meant."),
]


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look at the log found."""

    ledger_id: UUID
    origin: str | None
    """Its name; None where nothing was ever signed."""
    former: str | None
    """The name before that one, if there was another."""
    found: TakenBack | None
    stamps: StampVerification
    wrong: tuple[Finding, ...]
    """Time-stamps that are not what they must be."""


def recover(*, new_origin: NewOrigin = None, give_up: GiveUp = None, as_json: Json = False) -> None:
    """Say whether the log begins with all that was signed of it, and what to do where it does not.

    Asks the file beside the checkpoint key, the trusted checkpoint and the witnesses, as a start
    does, and checks the time-stamps that are stored. Changes nothing, and ends with 1 when the log
    was taken back or a time-stamp is not what it must be, unless it is told to go on
    under a new origin and which one to give up: then the signed entries that are missing are lost
    for good, the log says so in an event, and whoever kept a checkpoint can prove it.
    """
    refuse_migration_url()
    settings = read_settings()
    with reached(settings) as logins:
        examined = asyncio.run(_examine(settings, logins))
        if new_origin is None:
            answer(_document(examined), _explained(examined), as_json=as_json)
            if examined.found is not None or examined.wrong:
                raise typer.Exit(ExitCode.NOT_IN_ORDER)
            return
        found = _confirmed(examined, new_origin, give_up)
        if logins.integrator is None:
            raise unavailable("integrator-url-missing", "set LEDGER_INTEGRATOR_URL to its login")
        told = asyncio.run(_reopen(settings, logins, examined, found, name=new_origin))
    answer({"reopened": told}, _reopened(told), as_json=as_json)


def _confirmed(examined: Examined, new_origin: str, give_up: str | None) -> TakenBack:
    if examined.found is None or examined.origin is None:
        raise refused("log-in-order", "the log begins with all that is remembered of it")
    if not is_key_name(new_origin):
        raise refused("origin-unusable", "a new origin has no space and no plus")
    if give_up != _given_up(examined, new_origin):
        raise refused("not-confirmed", f"confirm what is given up: --give-up {examined.origin}")
    return examined.found


def _given_up(examined: Examined, new_origin: str) -> str | None:
    """The name that the log had before: another recovery may have been stopped half-way."""
    return examined.former if examined.origin == new_origin else examined.origin


@asynccontextmanager
async def _pool(url: str) -> "AsyncIterator[asyncpg.Pool[Any]]":
    pool = await open_pool(url, size_max=2)
    try:
        yield pool
    finally:
        await pool.close()


async def _examine(settings: Settings, logins: Logins) -> Examined:
    async with _pool(logins.application) as pool:
        identity, log = await read_identity(pool), LogTree(pool)
        keys = await log.keys()
        found = await examine_log(
            log, identity.ledger_id, settings.home / "keys", settings.log_trusted_checkpoint
        )
        if found is None and keys:
            named = attestation(settings, pool, system_resolve, system_clock)
            found = await examine_witnesses(
                log,
                Cosignatures(pool),
                named.policy,
                outbound=named.outbound,
                clock=system_clock,
            )
        wrong: list[Finding] = []
        trust = Trust(stamps=stamp_certificates(settings))
        async with pool.acquire() as connection, connection.transaction(readonly=True):
            stamps = await check_stamps(connection, trust, wrong.append)
        names = [*(key.name for key in keys[:2]), None, None]
        return Examined(identity.ledger_id, names[0], names[1], found, stamps, tuple(wrong))


async def _reopen(
    settings: Settings, logins: Logins, examined: Examined, found: TakenBack, *, name: str
) -> dict[str, Any]:
    """Name, event, file, in this order: stopped anywhere, it is done again from the start."""
    former = _given_up(examined, name)
    assert logins.integrator is not None
    assert former is not None, "it was confirmed by its name"
    connection = await connect(logins.integrator, application="pdledger-recovery")
    try:
        key, size = await reopen(connection, name)
    except OriginTaken:
        raise refused("origin-unusable", "the log had that name before") from None
    finally:
        await connection.close()
    command = ReopenLog(
        former_origin=_digest(former),
        origin=_digest(name),
        lost_size=found.remembered,
        lost_root=None if found.root is None else found.root.hex(),
        kept_size=size,
    )
    async with open_service(settings, logins, examine=left_unexamined) as service:
        await service.control.execute(command, BY)
    aside = signed_head_file(settings.home / "keys", examined.ledger_id).set_aside()
    return {
        "former_origin": former,
        "origin": name,
        "verifier_key": str(key),
        "kept_size": size,
        "lost_size": found.remembered,
        "source": found.source.value,
        "set_aside": None if aside is None else str(aside),
    }


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _document(examined: Examined) -> dict[str, Any]:
    found = examined.found
    document: dict[str, Any] = {
        "in_order": found is None and not examined.wrong,
        "origin": examined.origin,
        "time_stamps": {
            "count": examined.stamps.count,
            "newest_size": examined.stamps.newest_size,
            "newest_at": examined.stamps.newest_at,
            "findings": [{"rule": one.rule.value, "place": one.place} for one in examined.wrong],
        },
    }
    if found is not None:
        document |= {
            "reason": found.reason.value,
            "source": found.source.value,
            "remembered_size": found.remembered,
            "size": found.here,
            "witness": found.witness,
        }
    return {"log": document}


def _explained(examined: Examined) -> Iterator[str]:
    found = examined.found
    if examined.stamps.newest_at is not None:
        yield (
            f"The newest checkpoint with a good time-stamp is of {examined.stamps.newest_size}"
            f" entries, at {examined.stamps.newest_at.isoformat()}."
        )
    for one in examined.wrong:
        yield f"NOT AS IT MUST BE: {one.rule.value} at {one.place}"
    if found is None:
        yield "The log begins with all that is remembered of it."
        return
    yield f"Nothing is served: {found}."
    yield ""
    yield "Either of these ends it:"
    yield "  1. Bring the entries back: a newer backup, the write-ahead log since, or the server"
    yield "     that has them. Nothing is lost then, and no erasure comes undone."
    if found.source is Source.TRUSTED_CHECKPOINT:
        yield "  2. If the file of LEDGER_LOG_TRUSTED_CHECKPOINT is of another log, name the right"
        yield "     one."
    elif found.source is Source.WITNESS:
        yield f"  2. If the witness {found.witness} is known to be wrong, take it out of the file"
        yield "     of LEDGER_LOG_WITNESS_POLICY_FILE. Ask the other witnesses first."
    else:
        yield "  2. If this is another database than the keys belong to, name the right one."
    yield "  3. If the entries are gone for good, let the log go on under another name:"
    yield f"     pdledger log recover --new-origin NAME --give-up {examined.origin}"
    yield "     Whoever kept a checkpoint of the old name can prove what is missing. Erasures,"
    yield "     objections and withdrawals among the lost entries have to be repeated."


def _reopened(told: dict[str, Any]) -> Iterator[str]:
    yield f"The log goes on as {told['origin']}, from size {told['kept_size']}."
    yield f"  verifier key  {told['verifier_key']}"
    if told["set_aside"]:
        yield f"  set aside     {told['set_aside']}"
    yield "Hand the verifier key to witnesses and auditors; they know the log by its old name."
    if told["source"] == Source.TRUSTED_CHECKPOINT.value:
        yield "Replace the file of LEDGER_LOG_TRUSTED_CHECKPOINT: it is of the old name."
    yield "Repeat the erasures, objections and withdrawals since the backup before you serve."
