"""A projection of notices, made to fail where a test wants it to."""

from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid, insert, select

from app.events.notices import NoticeChannel, NoticeShown
from app.events.recorded import Recorded
from app.projections.pages import Connection
from app.projections.projection import LogLine, Projection, Writes
from app.projections.statements import Statement, given

SHOWN = NoticeShown(policy="impel-1", language="sv", channel=NoticeChannel.FORM)
POISON = NoticeShown(policy="impel-1", language="fr", channel=NoticeChannel.FORM)

scratch = Table(
    "scratch_v1",
    MetaData(schema="projections"),
    Column("subject_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("language", Text, nullable=False),
)
GIVEN = given(*scratch.columns)
NOTE = Statement(GIVEN, insert(scratch).from_select(list(scratch.columns), select(GIVEN)))


class Unwell(Exception):
    """What a faulty handler raises."""


def scratch_projection(
    *,
    version: int = 1,
    poison: str | None = None,
    refused: str | None = None,
    page_poison: str | None = None,
    same_key: bool = False,
    forgiving: list[int] | None = None,
) -> Projection:
    """A projection that cannot stomach one language, or whose database cannot.

    ``forgiving`` collects versions: the first poison of all is let through.
    """
    made = Projection("scratch", version=version, tables=(scratch,))

    @made.on(NoticeShown)
    def shown(recorded: Recorded[NoticeShown]) -> Writes:
        language: str | None = recorded.event.language
        if language == poison:
            if forgiving is None or forgiving not in ([], [recorded.version]):
                raise Unwell("words that no log may show")
            forgiving[:] = [recorded.version]
        if language == refused:
            language = None
        key = 1 if same_key else recorded.version
        return (NOTE.write(subject_id=recorded.stream_id, version=key, language=language),)

    if page_poison is not None:

        @made.on_page
        def page(lines: tuple[LogLine, ...]) -> Writes:
            if any(line.recorded.event.language == page_poison for line in lines):
                raise Unwell("words that no log may show")
            return ()

    return made


async def languages(connection: Connection) -> list[str]:
    """What serves, in order."""
    rows = await connection.fetch("SELECT language FROM projections.scratch_v1 ORDER BY language")
    return [row["language"] for row in rows]


async def parked(connection: Connection) -> list[tuple[Any, ...]]:
    """Subject, version, position, error class and attempts of everybody who is parked."""
    rows = await connection.fetch(
        "SELECT subject_id, stream_version, position, error_class, attempts"
        " FROM ledger.parked_subjects ORDER BY build, position"
    )
    return [tuple(row) for row in rows]
