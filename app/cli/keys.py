"""`pdledger keys`: where the keys stand, how their epochs turn and end; no key is ever shown."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.cli import key_epochs
from app.cli.answers import CommandFailed, ExitCode, Json, answer
from app.cli.configuration import read_settings
from app.cli.databases import deploying_url, reached
from app.cli.key_epochs import Deploying
from app.cli.progress import progress
from app.cli.state import reach
from app.cli.welcome import custody_label
from app.store.epochs import epoch_standings
from app.vault.custody import FileCustody, KeyFileUnsafe

app = typer.Typer(no_args_is_help=True)

DATA_KEYS_SQL: Final = """
SELECT epoch, state, count(*) AS keys FROM ledger.keyring GROUP BY epoch, state ORDER BY 1, 2
"""
Epoch = Annotated[int, typer.Argument(help="The number of the epoch, as `keys status` shows it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what it would be, and stop.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking: for programs.")]
CallerKey = Annotated[
    Path | None,
    typer.Option(help="A file with the API key of whoever asks, where two people are needed."),
]
Kept = Annotated[Path, typer.Argument(help="The file of the keyring.")]
KeptIfAny = Annotated[Path | None, typer.Argument(help="The file of the keyring, if there is one.")]
ApproverKey = Annotated[Path, typer.Option(help="A file with the API key of the second person.")]


@app.callback()
def keys() -> None:
    """The encryption keys: their epochs, and where their roots are kept."""


@app.command("status")
def status(*, as_json: Json = False) -> None:
    """Show every key epoch, whether its root is in custody, and what hangs on it.

    Ends with 1 when the root of an epoch in use is missing or readable by others: what was sealed
    under it cannot be read, or not only by us. And when the root of a destroyed one is back.
    """
    settings = read_settings()
    folder = settings.home / "keys"
    with reached(settings) as logins:
        epochs = asyncio.run(_epochs(logins.application, folder))
    document = {"custody": custody_label(folder), "epochs": epochs}
    answer({"keys": document}, _lines(document), as_json=as_json)
    if not all(map(in_order, epochs)):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("rotate")
def rotate(*, as_json: Json = False) -> None:
    """Open the next key epoch, and move every key and token to it.

    Beside a service that runs: people are read and written all the time. Broken off anywhere, it
    is gone on with by the same command. What was erased before becomes unreadable in backups when
    the former epoch is destroyed. Ends with 1 when something could not be moved.
    """
    with _deploying() as how, progress("keys and tokens", as_json=as_json) as told:
        done = asyncio.run(key_epochs.rotate(how, told))
    answer({"rotated": done}, _rotated(done), as_json=as_json)
    if done["left"]:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("destroy-epoch")
def destroy_epoch(
    epoch: Epoch, *, key_file: CallerKey = None, yes: Yes = False, as_json: Json = False
) -> None:
    """Destroy the root of an epoch on which nothing hangs any more, for good.

    Where two people are needed for an erasure they are needed here: this records who asked, a
    second one approves it with `approve-end`, and the same command again destroys. Broken off
    anywhere, it is gone on with by the same command.
    """
    _confirm(f"Destroy the root of epoch {epoch} for good?", yes=yes, as_json=as_json)
    key = None if key_file is None else key_epochs.key_in(key_file)
    with _deploying() as how:
        done = asyncio.run(key_epochs.destroy(how, epoch, key))
    answer({"ended": done}, _ended(done), as_json=as_json)


@app.command("approve-end")
def approve_end(epoch: Epoch, *, key_file: ApproverKey, as_json: Json = False) -> None:
    """Approve, as a second person, that an epoch is destroyed."""
    key = key_epochs.key_in(key_file)
    with _deploying() as how:
        done = asyncio.run(key_epochs.approve(how, epoch, key))
    lines = [f"Approved. Now: pdledger keys destroy-epoch {epoch}"]
    answer({"approved": done}, lines, as_json=as_json)


@app.command("mend")
def mend(file: KeptIfAny = None, *, as_json: Json = False) -> None:
    """Put rows of the keyring right by the log, and wrapped keys from an exported keyring.

    Beside a service that runs, each on record. A row that was altered gets the person, the class
    and the epoch that are its own; with a file, a key that nothing opens gets its wrapping there.
    What opens, or was destroyed since, is left as it is. Ends with 1 when something is left that
    nothing opens.
    """
    with _deploying() as how:
        done = asyncio.run(key_epochs.mend(how, file))
    lines = [
        f"{done['rows']} rows say again what the log says of them.",
        f"{done['keys']} keys open again; {done['left']} are left that nothing opens.",
        f"  No entry ever named {done['unopened']} of them: nothing was sealed under these.",
    ]
    answer({"mended": done}, lines, as_json=as_json)
    if done["left"]:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("give-up")
def give_up(
    epoch: Epoch,
    *,
    dry_run: DryRun = False,
    key_file: CallerKey = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Give up, for good, what keeps an epoch from ending because nothing opens it any more.

    Every key is tried with every root there is; one that opens stays. Bring back first what may be
    in a backup or in an exported keyring. Where two people are needed for an erasure they are
    needed here, with `approve-give-up`. Broken off anywhere, it is gone on with by the same
    command. Ends with 1 when something is left that was not given up.
    """
    with _deploying() as how:
        if dry_run:
            found = asyncio.run(key_epochs.losses(how, epoch))
            answer({"losses": found}, _losses(found), as_json=as_json)
            return
    _confirm(
        f"Give up what hangs on epoch {epoch} and opens with nothing?", yes=yes, as_json=as_json
    )
    key = None if key_file is None else key_epochs.key_in(key_file)
    with _deploying() as how:
        done = asyncio.run(key_epochs.give_up(how, epoch, key))
    answer({"given_up": done}, _given_up(done), as_json=as_json)
    if done["left"]:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("approve-give-up")
def approve_give_up(epoch: Epoch, *, key_file: ApproverKey, as_json: Json = False) -> None:
    """Approve, as a second person, that what nothing opens is given up.

    All of it is tried again: it is refused when that is not exactly what the first one asked for.
    What it is, and its digest, is shown by `give-up --dry-run`.
    """
    key = key_epochs.key_in(key_file)
    with _deploying() as how:
        done = asyncio.run(key_epochs.approve_give_up(how, epoch, key))
    counted = f"{done['keys']} keys, {done['tokens']} tokens, {done['register_keys']} of registers"
    lines = [f"Approved: {counted}. Now: pdledger keys give-up {epoch}"]
    answer({"approved": done}, lines, as_json=as_json)


@app.command("export")
def export(file: Kept, *, as_json: Json = False) -> None:
    """Write the keyring into a file: wrapped keys and the tombs of destroyed ones, no root.

    For the day on which an older backup of the database is restored. Replaces the file in one step,
    readable by its owner alone.
    """
    with _deploying() as how:
        done = asyncio.run(key_epochs.export(how, file))
    lines = [f"{done['keys']} keys of epoch {done['epoch']} and before, in {file}"]
    answer({"exported": done}, lines, as_json=as_json)


@app.command("restore")
def restore(file: Kept, *, as_json: Json = False) -> None:
    """Put the newest keyring over a backup of the database that was restored; stop the service.

    The living can be read again, and what was destroyed after the backup is destroyed in it, each
    key by an entry of the log. Broken off anywhere, it is gone on with by the same command. Ends
    with 1 when something hangs on a destroyed epoch that the keyring does not know.
    """
    with _deploying() as how:
        done = asyncio.run(key_epochs.restore(how, file))
    answer({"restored": done}, _restored(done), as_json=as_json)
    if done["left"]:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@contextmanager
def _deploying() -> Iterator[Deploying]:
    settings = read_settings()
    with deploying_url(settings) as owner, reached(settings) as logins:
        yield Deploying(settings, logins, owner)


def _confirm(question: str, *, yes: bool, as_json: bool) -> None:
    if yes:
        return
    if as_json:
        raise CommandFailed(ExitCode.USAGE, "not-confirmed", "without a question it needs --yes")
    if not typer.confirm(question):
        raise CommandFailed(ExitCode.REFUSED, "not-confirmed", "nothing was destroyed")


async def _epochs(url: str, folder: Path) -> list[dict[str, Any]]:
    connection = await reach(url)
    try:
        epochs = await epoch_standings(connection)
        counts = await connection.fetch(DATA_KEYS_SQL)
    finally:
        await connection.close()
    return [
        {
            "epoch": one.epoch,
            "state": one.state,
            "root": root_state(one.epoch, folder),
            "data_keys": {row["state"]: row["keys"] for row in counts if row["epoch"] == one.epoch},
            "holds": one.holds,
        }
        for one in epochs
    ]


def root_state(epoch: int, folder: Path) -> str:
    """Whether the root of an epoch is where it must be, and nobody else can read it."""
    try:
        return "in custody" if FileCustody(folder).root(epoch) else "missing"
    except KeyFileUnsafe:
        return "readable by others"


def in_order(epoch: dict[str, Any]) -> bool:
    """Whether its root is where its state wants it; one that is being destroyed may be gone."""
    wanted = {"destroyed": ("missing",), "destroying": ("in custody", "missing")}
    return epoch["root"] in wanted.get(epoch["state"], ("in custody",))


def _lines(document: dict[str, Any]) -> Iterable[str]:
    yield f"custody: {document['custody']}"
    for one in document["epochs"]:
        counted = ", ".join(f"{count} {state}" for state, count in one["data_keys"].items())
        yield (
            f"epoch {one['epoch']}: {one['state']}, root {one['root']},"
            f" data keys: {counted or 'none'}"
        )
        if one["state"] == "draining":
            hangs = [f"{rows} of {name}" for name, rows in one["holds"].items() if rows]
            yield f"  still hangs on it: {', '.join(hangs) or 'nothing; it can be destroyed'}"


def _rotated(done: dict[str, Any]) -> Iterable[str]:
    yield f"Epoch {done['epoch']} is active; {done['moved']} keys and tokens moved to it."
    if done["left"]:
        hangs = ", ".join(f"{rows} of {name}" for name, rows in done["left"].items())
        yield f"  still on epoch {done['leaving']}: {hangs}"
        yield f"  of these nothing here opens {done['unreadable']}; what it is is shown by"
        yield f"  pdledger keys give-up {done['leaving']} --dry-run"
        return
    yield f"  nothing hangs on epoch {done['leaving']} any more."
    yield "  Keep a copy of the key folder, without that root, before it is destroyed:"
    yield f"  pdledger keys destroy-epoch {done['leaving']}"


def _ended(done: dict[str, Any]) -> Iterable[str]:
    if done["waits_for_approval"]:
        yield "Two people are needed: a second one approves it with another key:"
        yield f"  pdledger keys approve-end {done['epoch']} --key-file FILE"
        return
    yield f"Epoch {done['epoch']} is destroyed."
    if done["root"] is not None:
        yield f"  root: {str(done['root']).replace('_', ' ')} (a file on this machine)"
        yield "  A file system may keep what was written over, and so does every copy of the key"
        yield "  folder: destroy the root in those, too."
    yield f"  {done['erasures_reached_e3']} erasures are unreadable in every backup from now on."


def _losses(found: dict[str, Any]) -> Iterable[str]:
    rows = [f"{rows} of {name}" for name, rows in found["tables"].items() if rows]
    yield f"Nothing opens: {', '.join(rows) or 'none'}; of {found['people']} people."
    for epoch in found["roots_missing"]:
        yield f"  NO ROOT HERE for epoch {epoch}: with it all this may open. Is it elsewhere?"
    if found["altered"]:
        yield f"  {found['altered']} keys open, but not as their row says: pdledger keys mend"
    if found["unopened"]:
        yield f"  {found['unopened']} rows of the keyring were never in use: no entry names them."
    yield f"  All that would be lost has the digest {found['lost']}"
    yield from (f"  key {one}" for one in found["keys"])
    if found["tables"]["keyring"] > len(found["keys"]):
        yield f"  and {found['tables']['keyring'] - len(found['keys'])} more"


def _given_up(done: dict[str, Any]) -> Iterable[str]:
    if done["waits_for_approval"]:
        yield "Two people are needed: a second one approves it with another key:"
        yield f"  pdledger keys approve-give-up {done['epoch']} --key-file FILE"
        yield f"  What it is has the digest {done['lost']}:"
        yield f"  pdledger keys give-up {done['epoch']} --dry-run"
        return
    yield (
        f"Given up: {done['keys']} keys of people, {done['register_keys']} keys of registers,"
        f" {done['tokens']} tokens and {done['identifiers']} ways to find somebody."
    )
    if done["unopened"]:
        yield f"  {done['unopened']} rows of the keyring that no entry ever named."
    if done["held"]:
        yield f"  {done['held']} keys stay: a legal hold stands on what lies under them."
    for name, rows in done["left"].items():
        yield f"  NOT GIVEN UP: {rows} of {name}"
    if done["keys"] or done["identifiers"]:
        yield "Data of people were lost. Record it as a breach (Art. 4(12), 33 GDPR), and tell them"
        yield "  where it matters to them: POST /v1/breaches"


def _restored(done: dict[str, Any]) -> Iterable[str]:
    yield f"Epoch {done['epoch']} is active; {done['keys']} keys have the keyring's wrapping."
    yield f"  {done['forgotten']} keys had been destroyed after the backup, and are now."
    yield f"  {done['tokens']} tokens of the blind index were made anew."
    for epoch in done["left"]:
        yield f"  NOT ENDED: something that the keyring does not know hangs on epoch {epoch}."
    yield "Now: pdledger log recover"
