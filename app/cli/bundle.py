"""`pdledger log bundle`: what an auditor takes along, in one zip, to be verified without us."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import uvloop

from app.audit.bundle import (
    LogMalformed,
    LogUnsigned,
    Order,
    RecordUnknown,
    write_log,
    write_record,
)
from app.audit.members import members
from app.audit.report import Figures
from app.cli.answers import CommandFailed, ExitCode, Json, answer, refused, unavailable
from app.cli.configuration import read_settings
from app.cli.databases import reached_by_auditor
from app.cli.progress import Report, progress
from app.cli.state import reach
from app.clock import system_clock
from app.events.declare import moment_text
from app.settings import Settings
from app.tlog.trust_policies import TrustPolicy, TrustPolicyMalformed, trust_policy

Out = Annotated[Path, typer.Argument(metavar="OUT.zip", help="The file to write.")]
Subject = Annotated[
    UUID | None, typer.Option(help="Only the events of this record, each with its proof.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]


def write_bundle(
    out: Out, *, subject: Subject = None, overwrite: Overwrite = False, as_json: Json = False
) -> None:
    """Write what an auditor takes along, in one zip that is verified without the ledger.

    The signed head with its cosignatures, all tiles and entries, public keys and policy, an index
    of the control events, a report in plain words, and `verify.py`, which needs Python and
    `cryptography` alone. With --subject only one record, each event with its proof. No personal
    data and no key is in it; what it says of a record under an opaque id is for auditors alone.
    """
    settings = read_settings()
    if out.exists() and not overwrite:
        raise refused("file-exists", f"{out} exists already; --overwrite replaces it")
    if not out.absolute().parent.is_dir() or out.is_dir():
        raise CommandFailed(ExitCode.USAGE, "folder-missing", f"{out} is no file in a folder")
    order = Order(moment_text(system_clock()), _witnesses(settings))
    with (
        progress("bundle", as_json=as_json) as report,
        reached_by_auditor(settings) as url,
    ):
        figures = uvloop.run(_write(url, out, order, subject=subject, report=report))
    document = {
        "file": str(out),
        "size_bytes": out.stat().st_size,
        **{name: figures.about[name] for name in ("kind", "origin", "size", "root")},
        "events": figures.events,
        "cosigned_by": figures.cosigned_by,
        "verifier_keys": figures.keys,
    }
    answer({"bundle": document}, _lines(document), as_json=as_json)


async def _write(
    url: str, out: Path, order: Order, *, subject: UUID | None, report: Report
) -> Figures:
    connection = await reach(url)
    try:
        with members(out) as made:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                if subject is None:
                    return await write_log(connection, made, order, report)
                return await write_record(
                    connection, made, order, stream_id=subject, progress=report
                )
    except OSError as failure:
        # Of the connection, too: what asyncpg raises for one has no number.
        if failure.errno is None:
            raise
        raise unavailable(
            "file-unwritable", f"{out} cannot be written: {failure.strerror}"
        ) from None
    except LogUnsigned:
        raise unavailable("log-unsigned", "no integrator has signed the log so far") from None
    except RecordUnknown:
        raise refused("record-unknown", "the signed log has nothing of that record") from None
    except LogMalformed:
        raise CommandFailed(
            ExitCode.NOT_IN_ORDER, "log-malformed", "an entry is none: `pdledger log verify`"
        ) from None
    finally:
        await connection.close()


def _witnesses(settings: Settings) -> TrustPolicy:
    """Whose cosignatures the bundle's policy asks for: those of the ledger's own."""
    file = settings.log_witness_policy_file
    if file is None:
        return TrustPolicy()
    try:
        return trust_policy(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, TrustPolicyMalformed):
        raise CommandFailed(
            ExitCode.USAGE, "policy-unusable", f"{file} is no policy of witnesses"
        ) from None


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['file']}: {document['events']} events, {document['size_bytes']:,} bytes"
    yield f"signed as {document['origin']} at {document['size']} entries"
    for key in document["verifier_keys"]:
        yield f"give the auditor this key by another way: {key}"
    yield "unpack it, and run: python3 verify.py"
