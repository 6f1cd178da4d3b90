"""What a person's record says of their other records: where they are, what came from them (L33)."""

from typing import Any, TypeAlias
from uuid import UUID

from app.domain.inheritance import Inherited
from app.domain.subject import SubjectState
from app.events.merges import MergeSide

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def merges_value(state: SubjectState) -> list[Value]:
    """Proposals that wait, merges in force, and what each made the record inherit."""
    waiting = (
        {
            "merge": merge,
            "state": "proposed",
            "side": one.side.value,
            "other": one.other,
            "since": one.since,
            "ground": one.ground.value,
            "finding": one.finding,
            "inherited": None,
        }
        for merge, one in state.merges.proposed.items()
    )
    in_force = (
        {
            "merge": merge,
            "state": "approved",
            "side": one.side.value,
            "other": one.other,
            "since": one.since,
            "inherited": _inherited(state.merges.inherited.get(merge)),
        }
        for merge, one in state.merges.bonds.items()
    )
    left = (
        {"merge": merge, "state": "left", "inherited": _inherited(one)}
        for merge, one in state.merges.inherited.items()
        if merge not in state.merges.bonds
    )
    return [*waiting, *in_force, *left]


def _inherited(one: Inherited | None) -> Value:
    found = one or Inherited()
    return {
        "objections": sorted(map(str, found.objections)),
        "restrictions": sorted(map(str, found.restrictions)),
        "suppressed": sorted(found.closed),
        "withdrawn": sorted(found.refused),
        "consents": sorted({*found.proofs, *(purpose for purpose, *_ in found.transfers)}),
    }


def other_records(state: SubjectState) -> list[Value]:
    """For a report: under which ids more is held about the same person, each with its own report.

    A report is made of one record, so that it can never mix two people (Art. 15(4)).
    """
    return [_record(one.other, one.side, since=one.since) for one in state.merges.bonds.values()]


def other_packages(state: SubjectState) -> list[Value]:
    """For a package: the same, each with its own package."""
    return [
        {**_named(one.other, one.side), "package": f"{_PERSON}/{one.other}/portability-package"}
        for one in state.merges.bonds.values()
    ]


def other_profiles(state: SubjectState) -> list[Value]:
    """For a profile: the same, each with its own profile."""
    return [
        {**_named(one.other, one.side), "profile": f"{_PERSON}/{one.other}"}
        for one in state.merges.bonds.values()
    ]


_PERSON = "/v1/subjects"


def _record(other: UUID, side: MergeSide, **more: Any) -> Value:
    return {**_named(other, side), "report": f"{_PERSON}/{other}/access-report", **more}


def _named(other: UUID, side: MergeSide) -> Value:
    return {"subject_id": other, "stands_for_this_one": side is MergeSide.ABSORBED}
