"""Who read a register: an answer about many people is one event, not one about each (Art. 5(2))."""

from enum import StrEnum

from app.events.declare import event
from app.identifiers import Word


class RegisterForm(StrEnum):
    """In what form a register left the service."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


@event("register.consulted", version=1)
class RegisterConsulted:
    """A register that names people by their ids, and no value of theirs, was read (L3).

    Who was in it follows from the register, the filters and the position, at any later time.
    """

    register: Word
    purpose: Word
    form: RegisterForm
    filters: tuple[Word, ...]
    """The columns that were filtered by."""
    stands_at: int
    """The position of the log that the answer was true at."""
