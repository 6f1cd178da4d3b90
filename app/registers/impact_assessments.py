"""What an assessment of the impact on data protection can be filled in with (Art. 35 GDPR; L54).

One row a question and activity, in the order of Art. 35(7): what the policy declares, what the log
shows, and what only the controller can answer, which stays empty and says so. Whether an assessment
is needed at all, and what it concludes, is for people to decide.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

from app.domain.interests import interests
from app.policy.model import ProcessingActivity
from app.registers.belgian_model import Language, headings
from app.registers.observed import Observed
from app.registers.processing_records import UNDECLARED, records
from app.registers.rules import Ruled
from app.registers.table import Row, columns


class Origin(StrEnum):
    """Where an answer comes from."""

    DECLARED = "declared"
    """From the policy and what the controller arranged."""
    OBSERVED = "observed"
    """From the log."""
    OPEN = "open"
    """From nowhere yet: the controller answers it."""


COLUMNS = columns(
    activity="Key of the processing activity, or `undeclared`.",
    element="`description`, `necessity`, `risks`, `measures` or `consultation`.",
    provision="What asks for it: an article of the GDPR.",
    question="What is to be said, in the language that was asked for.",
    answer="What is known of it; nothing where there is nothing to tell.",
    origin="`declared`, `observed`, or `open`: the controller's to answer.",
)

_FIELDS: Final[tuple[Mapping[str, str], ...]] = tuple(
    tomllib.loads(
        files("app.registers").joinpath("impact_assessments.toml").read_text(encoding="utf-8")
    )["fields"]
)
_OF_THE_LOG: Final = ("observed_", "drift")


def impact_assessments(
    ruled: Ruled,
    seen: dict[str | None, Observed],
    findings: Iterable[Row],
    language: Language,
) -> Iterator[Row]:
    """The questions of every activity with their answers; ``findings`` are of the policy."""
    still_open = [one for one in findings if one["state"] == "open"]
    told = headings(language)
    declared = ruled.given.policy.activities.values()
    for record, activity in zip(
        records(ruled.given, seen, language), [*declared, None], strict=False
    ):
        reckoned = {} if activity is None else _reckoned(activity, ruled, still_open)
        for field in _FIELDS:
            column = field.get("column")
            known = record.get(column) if column else reckoned.get(field.get("reckoned", ""))
            yield {
                "activity": UNDECLARED if activity is None else activity.key,
                "element": field["element"],
                "provision": f"Art. {field['provision']}",
                "question": told[column] if column else field[language.value],
                "answer": _listed(known),
                "origin": _origin(field),
            }


def _origin(field: Mapping[str, str]) -> Origin:
    column = field.get("column")
    if column is None:
        return Origin.DECLARED if "reckoned" in field else Origin.OPEN
    return Origin.OBSERVED if column.startswith(_OF_THE_LOG) else Origin.DECLARED


def _listed(known: Any) -> list[str]:
    if known is None:
        return []
    return [str(one) for one in known] if isinstance(known, list) else [str(known)]


def _reckoned(
    activity: ProcessingActivity, ruled: Ruled, still_open: Iterable[Row]
) -> dict[str, list[str]]:
    weighed = {one.purpose: one for one in interests(ruled.given, ruled.on)}
    mine = {
        activity.key,
        *activity.purposes,
        *activity.recipients,
        *activity.categories,
        *activity.retention_classes,
    }
    return {
        "interests": [
            f"{key}: {weighed[key].state.value}"
            for key in sorted(activity.purposes & weighed.keys())
        ],
        "findings": [
            f"{one['code']}: {one['title']}"
            for one in still_open
            if not mine.isdisjoint(_keys(one["evidence"]))
        ],
    }


def _keys(evidence: Iterable[str]) -> Iterator[str]:
    """The keys of the policy in where a finding shows: alone, or behind the name of their table."""
    for place in evidence:
        yield place
        table, _, key = place.partition(".")
        if table in ("activities", "purposes", "recipients", "categories", "retention_classes"):
            yield key
