"""Statements take many rows at once, and no person's order is lost by it."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert, select

from app.events.notices import NoticeChannel, NoticeShown
from app.projections.projection import LogLine, Projection
from app.projections.statements import Statement, batches, given
from tests.projections.history import Person

SHOWN = NoticeShown(policy="impel-1", language="sv", channel=NoticeChannel.FORM)

scratch = Table(
    "scratch_v1",
    MetaData(schema="projections"),
    Column("subject_id", Uuid, primary_key=True),
    Column("language", Text),
)
GIVEN = given(*scratch.columns)
NOTE = Statement(GIVEN, insert(scratch).from_select(list(scratch.columns), select(GIVEN)))


@forall(
    st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 2), max_size=3)), max_size=20)
)
def test_grouped_writes_keep_each_person_s_order_and_change_a_row_once_an_execution(
    events: list[tuple[int, list[int]]],
) -> None:
    only = given(scratch.c.subject_id)
    statements = [
        Statement(only, insert(scratch).from_select(["subject_id"], select(only))) for _ in range(3)
    ]
    told = [
        tuple((statements[kind], (UUID(int=who + 1), number)) for kind in kinds)
        for number, (who, kinds) in enumerate(events)
    ]

    grouped = batches(told)

    for person in {row[0] for writes in told for _, row in writes}:
        executed = [
            (statement, row[1]) for statement, rows in grouped for row in rows if row[0] == person
        ]
        written = [
            (statement, row[1]) for writes in told for statement, row in writes if row[0] == person
        ]
        assert executed == written
        for _, rows in grouped:
            mine = {row[1] for row in rows if row[0] == person}
            assert len(mine) <= 1


def test_equal_statements_of_many_people_are_one_execution() -> None:
    events = [
        tuple(NOTE.write(subject_id=person, language=language) for language in ("sv", "fr"))
        for person in (uuid4() for _ in range(50))
    ]

    [(statement, rows)] = batches(events)

    assert statement is NOTE
    assert len(rows) == 100


def test_a_statement_is_given_exactly_its_columns() -> None:
    with pytest.raises(TypeError, match=r"missing .* 'language'"):
        NOTE.write(subject_id=uuid4())
    with pytest.raises(TypeError, match=r"unexpected .* 'more'"):
        NOTE.write(subject_id=uuid4(), language="sv", more=1)


def test_a_handler_that_touches_another_person_s_rows_is_a_fault() -> None:
    projection = Projection("scratch", version=1, tables=(scratch,))
    projection.on(NoticeShown)(lambda _: (NOTE.write(subject_id=uuid4(), language="sv"),))
    person = Person()
    event, _ = person.event(SHOWN)

    with pytest.raises(AssertionError, match="a row of somebody else"):
        projection.fold(LogLine(0, person.subject_id, 1, "notice.shown", event.entry))


def test_a_statement_that_is_not_about_one_person_is_refused_when_it_is_declared() -> None:
    rows = given(scratch.c.language)

    with pytest.raises(AssertionError, match="belongs to one person"):
        Statement(rows, insert(scratch).from_select(["language"], select(rows)))
