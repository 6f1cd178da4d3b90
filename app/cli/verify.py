"""`pdledger verify`: the whole log against itself, its sealed sections and its keys."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from app.cli.answers import ExitCode, Json, answer
from app.cli.configuration import read_settings
from app.cli.databases import reached_by_auditor
from app.cli.progress import Report, progress
from app.cli.state import reach
from app.settings import Settings
from app.store.integrity import Verification, verify

app = typer.Typer()

WithIds = Annotated[
    bool, typer.Option("--with-ids", help="Name the records too, not only places in the log.")
]


@app.command()
def verify_ledger(*, with_ids: WithIds = False, as_json: Json = False) -> None:
    """Prove from the database alone that nobody changed the log.

    Checks every chain, every hash, every sealed section and every key, and that each thing that is
    missing was erased by an entry of the log. It opens nothing and needs no key. Ends with 1 when
    something is not as it must be.
    """
    with progress("verify", as_json=as_json) as report:
        found = verified(read_settings(), report)
    document = outcome(found, with_ids=with_ids)
    answer({"verification": document}, _lines(document), as_json=as_json)
    if not found.sound:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


def verified(settings: Settings, report: Report) -> Verification:
    """What was read, and what is not in order."""
    with reached_by_auditor(settings) as url:
        return asyncio.run(_verify(url, report))


def outcome(found: Verification, *, with_ids: bool = False) -> dict[str, Any]:
    """The outcome as JSON knows it; whose record it is only where that was asked for."""
    return {
        "sound": found.sound,
        "events": found.events,
        "streams": found.streams,
        "blobs": found.blobs,
        "keys": found.keys,
        "findings_count": found.findings_count,
        "findings": [
            {
                "rule": one.rule.value,
                "position": one.position,
                "version": one.version,
                **({"stream_id": one.stream_id, "key_id": one.key_id} if with_ids else {}),
            }
            for one in found.findings
        ],
    }


async def _verify(url: str, report: Report) -> Verification:
    connection = await reach(url)
    try:
        return await verify(connection, report)
    finally:
        await connection.close()


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{document['events']} events of {document['streams']} records,"
        f" {document['blobs']} sealed sections, {document['keys']} keys"
    )
    if document["sound"]:
        yield "Everything is as it was written."
        return
    yield f"{document['findings_count']} THINGS ARE NOT AS THEY MUST BE:"
    counted = Counter(one["rule"] for one in document["findings"])
    for rule, count in counted.most_common():
        yield f"  {rule}: {count}"
    for one in document["findings"]:
        place = "nowhere in the log" if one["position"] is None else f"position {one['position']}"
        whose = f" of {one['stream_id']}" if "stream_id" in one else ""
        yield f"  {one['rule']} at {place}, version {one['version']}{whose}"
