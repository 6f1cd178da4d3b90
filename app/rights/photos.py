"""Photographs and their tasks as they are shown, across records that stand for each other (L39)."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

from app.domain.photo_duties import Duty, duties
from app.domain.subject import SubjectState
from app.ledger import Ledger

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


async def duties_of(
    ledger: Ledger, subject_ids: Sequence[UUID]
) -> list[tuple[UUID, tuple[Duty, ...]]]:
    """The tasks of each person; what is objected to on a record that stands for theirs counts."""
    _, rules, states = await ledger.current_states(subject_ids)
    given = rules.at(ledger.clock())
    found = []
    for one in subject_ids:
        standing_for = await _standing_for(ledger, states[one])
        found.append((one, duties(states[one], given, standing_for)))
    return found


async def _standing_for(ledger: Ledger, state: SubjectState) -> list[SubjectState]:
    above: list[SubjectState] = []
    absorbed = state.merges.absorbed
    while absorbed is not None:
        _, _, states = await ledger.current_states([absorbed.other])
        above.append(states[absorbed.other])
        absorbed = states[absorbed.other].merges.absorbed
    return above


def photos_value(state: SubjectState, tasks: Iterable[Duty]) -> list[Value]:
    """Every photograph of a record with its places and its tasks."""
    due = tuple(tasks)
    return [
        {
            "photo": key,
            "system": photo.system,
            "occasion": photo.occasion,
            "taken_at": photo.taken_at,
            "places": [
                {
                    "purpose": purpose,
                    "recipient": recipient,
                    "since": shown.since,
                    "taken_down_at": shown.taken_down_at,
                    "told": sorted(one.value for one in shown.told),
                }
                for (purpose, recipient), shown in photo.published.items()
            ],
            "objections": [
                {"objection": objection, "purpose": one.purpose, "since": one.since}
                for objection, one in photo.objections.items()
            ],
            "duties": [duty_value(one) for one in due if one.photo == key],
        }
        for key, photo in state.photos.by_id.items()
    ]


def duty_value(duty: Duty, subject_id: UUID | None = None) -> Value:
    """One task; of whom, where people are listed."""
    told = {
        "kind": duty.kind.value,
        "cause": duty.cause.value,
        "photo": duty.photo,
        "purpose": duty.purpose,
        "recipient": duty.recipient,
        "audience": None if duty.audience is None else duty.audience.value,
        "since": duty.since,
        "due": duty.due,
    }
    return told if subject_id is None else {"subject_id": subject_id, **told}
