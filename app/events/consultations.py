"""Who read which class of a person's data and why; the reader is the entry's `by` (C-579/21)."""

from app.events.declare import event
from app.identifiers import Word
from app.policy.vocabulary import FieldClass


@event("consultation.recorded", version=1)
class ConsultationRecorded:
    """Somebody read data of this person for a stated purpose (Art. 5(1)(b), Art. 5(2))."""

    purpose: Word
    field_classes: tuple[FieldClass, ...]
    categories: tuple[Word, ...]


@event("consultation.refused", version=1)
class ConsultationRefused:
    """Somebody asked to read data for a purpose that does not allow it (L3)."""

    purpose: Word
    field_classes: tuple[FieldClass, ...]
    categories: tuple[Word, ...]
