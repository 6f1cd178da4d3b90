"""`pdledger import`: a file of people, one a line, into the running service, in constant memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.answers import ExitCode, Json, answer
from app.cli.configuration import read_settings
from app.cli.import_batches import Tally, batches_of, fingerprint, send
from app.cli.policy_files import readable
from app.cli.private_files import private_lines
from app.cli.progress import progress
from app.cli.service_client import KeyFile, Url, connected, target

app = typer.Typer()

File = Annotated[
    Path, typer.Argument(help="NDJSON: one person a line, as in the body of POST /v1/subjects.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Decide everything, and record nothing at all.")
]
Results = Annotated[
    Path | None,
    typer.Option(help="A file for the result of every line; it will hold subject ids."),
]


@app.command()
def import_people(
    file: File,
    *,
    dry_run: DryRun = False,
    results: Results = None,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Import people from a file. Every line is recorded or refused on its own, with the reason.

    Repeating an import of the same file within a week records nothing twice, so one that was
    interrupted is simply started again. Ends with 1 when a line was refused.
    """
    settings = read_settings()
    size, tally = readable(file), Tally()
    key = fingerprint(file)
    with (
        connected(target(settings, url, key_file)) as client,
        private_lines(results) as write,
        progress(file.name, as_json=as_json) as report,
        file.open("rb") as stream,
    ):
        for batch in batches_of(stream, line_size_max=settings.import_line_size_max_bytes):
            for result in send(client, batch, key=key, dry_run=dry_run):
                tally.count(result)
                write(result)
            report(stream.tell(), size)
    document = {"file": file.name, "dry_run": dry_run, **tally.document()}
    answer({"import": document}, _lines(document), as_json=as_json)
    if tally.refused:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


def _lines(document: dict[str, Any]) -> Iterable[str]:
    counted = ", ".join(f"{count} {status}" for status, count in document["statuses"].items())
    yield f"{document['file']}: {document['lines']} lines; {counted or 'nothing in it'}"
    if document["dry_run"]:
        yield "This was a dry run: nothing was recorded."
    for problem, found in document["problems"].items():
        shown = ", ".join(map(str, found["lines"]))
        more = ", ..." if found["count"] > len(found["lines"]) else ""
        yield f"  {problem}: {found['count']} (line {shown}{more})"
