"""`pdledger import`: a file of people, one a line, into the running service, in constant memory."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.answers import ExitCode, Json, answer, refused
from app.cli.configuration import read_settings
from app.cli.import_batches import Batch, Form, Limits, MappingRefused, batches_of, rows_of, send
from app.cli.import_progress import ProgressFile, Reached, key_named, key_of
from app.cli.import_tables import MappedTable, mapped, mapping_invalid, read_mapping, told_flaws
from app.cli.policy_files import readable
from app.cli.private_files import private_lines
from app.cli.progress import Report, progress
from app.cli.service_client import KeyFile, Url, connected, target

app = typer.Typer()

File = Annotated[
    Path,
    typer.Argument(
        help="NDJSON, one person a line as in the body of POST /v1/subjects; or CSV with --mapping."
    ),
]
MappingFile = Annotated[
    Path | None,
    typer.Option("--mapping", help="TOML or JSON that says what the columns of a CSV file mean."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Decide everything, and record nothing at all.")
]
Results = Annotated[
    Path | None,
    typer.Option(help="A file for the result of every line; it will hold subject ids."),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        help="What this import is called. A file whose refused lines were mended in their places"
        " goes on under the same name; without one, another file is another import.",
    ),
]


@app.command()
def import_people(
    file: File,
    *,
    mapping: MappingFile = None,
    dry_run: DryRun = False,
    name: Name = None,
    results: Results = None,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Import people from a file. Every line is recorded or refused on its own, with the reason.

    Repeating an import of the same file within a week records nothing twice, and one that was
    broken off goes on where it stood. Ends with 1 when a line was refused.
    """
    settings = read_settings()
    limits = Limits(settings.import_line_size_max_bytes, settings.import_batch_lines_max)
    size, aim = readable(file), target(settings, url, key_file)
    table = _table(file, mapping, limits)
    with (
        connected(aim) as client,
        private_lines(results) as write,
        progress(file.name, as_json=as_json) as report,
    ):
        secret = client.headers["authorization"]
        key = key_named(name, secret) if name else key_of(file, _settled(table), secret)
        # A file for all results has to hold all of them, and a mended file may have other places.
        keeps = not (dry_run or results or name)
        kept = ProgressFile(settings.home / "imports" if keeps else None, key)
        start = Reached(1, 0) if table is None else Reached(2, table.end)
        reached = kept.read(start)
        resumed, clock = reached.line, _Clock(reached, size, report)
        form = Form() if table is None else table.form
        for batch in _batches(file, table, reached, limits):
            with _in_our_words(table):
                for result in send(client, batch, key=key, dry_run=dry_run, form=form):
                    reached.tally.count(result)
                    write(result)
            reached.line, reached.end = batch.next, batch.end
            kept.write(reached)
            clock.tell(reached)
        kept.forget()
    document = {
        "file": file.name,
        "dry_run": dry_run,
        **reached.tally.document(),
        "resumed_at": resumed if resumed > start.line else None,
        **clock.document(reached),
    }
    answer({"import": document}, _lines(document), as_json=as_json)
    if reached.tally.refused:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


class _Clock:
    """How fast an import goes, since this process took it up."""

    def __init__(self, start: Reached, size: int, report: Report) -> None:
        self._began = time.monotonic()
        self._line = start.line
        self._size = size
        self._report = report

    def tell(self, reached: Reached) -> None:
        """Lines that are done, and how many there will be if the rest are as long as these."""
        total = round((reached.line - 1) * self._size / max(reached.end, 1))
        self._report(reached.line - 1, max(total, reached.line - 1))

    def document(self, reached: Reached) -> dict[str, float]:
        """As JSON knows it."""
        seconds = max(time.monotonic() - self._began, 1e-6)
        rate = (reached.line - self._line) / seconds
        return {"seconds": round(seconds, 1), "lines_per_second": round(rate, 1)}


def _table(file: Path, mapping: Path | None, limits: Limits) -> MappedTable | None:
    if mapping is not None:
        return mapped(file, read_mapping(mapping), line_size_max=limits.line_size_bytes)
    if file.suffix.lower() in {".csv", ".tsv"}:
        raise refused("mapping-missing", "a table needs --mapping: what its columns mean")
    return None


def _settled(table: MappedTable | None) -> bytes:
    return b"" if table is None else table.form.headers["import-mapping"].encode()


def _batches(
    file: Path, table: MappedTable | None, reached: Reached, limits: Limits
) -> Iterator[Batch]:
    cut = batches_of if table is None else rows_of
    with file.open("rb") as stream:
        stream.seek(reached.end)
        yield from cut(stream, limits, first=reached.line, end=reached.end)


@contextmanager
def _in_our_words(table: MappedTable | None) -> Iterator[None]:
    """What the policy has against the mapping, told by the names in the operator's file."""
    try:
        yield
    except MappingRefused as told:
        assert table is not None, "only a table is sent with a mapping"
        raise mapping_invalid(told_flaws(told.errors), table) from None


def _lines(document: dict[str, Any]) -> Iterable[str]:
    counted = ", ".join(f"{count} {status}" for status, count in document["statuses"].items())
    yield f"{document['file']}: {document['lines']} lines; {counted or 'nothing in it'}"
    if document["resumed_at"]:
        yield f"Taken up again at line {document['resumed_at']}."
    if document["dry_run"]:
        yield "This was a dry run: nothing was recorded."
    for problem, found in document["problems"].items():
        shown = ", ".join(map(str, found["lines"]))
        more = ", ..." if found["count"] > len(found["lines"]) else ""
        yield f"  {problem}: {found['count']} (line {shown}{more})"
