"""The breaches there are, in the order in which they were recorded (Art. 33(5); L52).

A row says that a stream is a breach's. What became of it is folded from the stream itself: breaches
are few, and their clocks wait for no projection.
"""

from sqlalchemy import BigInteger, Column, DateTime, Table, Uuid, insert, select

from app.events.breaches import BreachDetected
from app.events.recorded import Recorded
from app.projections.projection import Projection, Writes
from app.projections.statements import Statement, given
from app.store.tables import READ_MODELS

breaches = Table(
    "breaches_v1",
    READ_MODELS,
    Column("subject_id", Uuid, primary_key=True),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    comment="Breaches: one row each; the subject is the breach, whose stream it is.",
)

BREACHES = Projection("breaches", version=1, tables=(breaches,))


def _recording() -> Statement:
    rows = given(*breaches.columns)
    return Statement(rows, insert(breaches).from_select(list(breaches.columns), select(rows)))


RECORD = _recording()


@BREACHES.on(BreachDetected)
def detected(recorded: Recorded[BreachDetected]) -> Writes:
    """A breach is on the list from its detection on, and for good."""
    return (
        RECORD.write(
            subject_id=recorded.stream_id,
            position=recorded.position,
            recorded_at=recorded.recorded_at,
        ),
    )
