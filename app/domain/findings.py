"""What the ledger noticed about one person and a human has to judge (DESIGN 6: identity; C75)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.events.findings import FindingCleared, FindingCode, FindingRaised, FindingResolution
from app.events.recorded import Record, Recorded

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class FindingUnknown(Refusal):
    """Nothing was noticed under this id."""

    code = "finding-unknown"
    rules = ("L9",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding that waits for a human."""

    code: FindingCode
    source: str
    occasion: UUID | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings about a person."""

    open: Mapping[UUID, Finding] = field(default_factory=dict)
    cleared: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseFinding:
    """Something was noticed. ``occasion`` is the id in common when two people are concerned."""

    finding: UUID
    code: FindingCode
    source: str
    occasion: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearFinding:
    """A human judged it."""

    finding: UUID
    resolution: FindingResolution


Command: TypeAlias = RaiseFinding | ClearFinding


def decide(command: Command, state: "SubjectState", _given: Circumstances) -> tuple[Record, ...]:
    """The records that a finding makes; the same thing noticed again makes none."""
    findings = state.findings
    match command:
        case RaiseFinding():
            return () if _known(command, findings) else (_raised(command),)
        case ClearFinding(finding=finding) if finding in findings.cleared:
            return ()
        case ClearFinding(finding=finding) if finding not in findings.open:
            raise FindingUnknown
        case ClearFinding(finding=finding, resolution=resolution):
            return (Record(FindingCleared(finding=finding, resolution=resolution)),)
        case _:
            assert_never(command)


def _known(command: RaiseFinding, findings: Findings) -> bool:
    same = (command.code, command.source, command.occasion)
    return (
        command.finding in findings.open
        or command.finding in findings.cleared
        or any((one.code, one.source, one.occasion) == same for one in findings.open.values())
    )


def _raised(command: RaiseFinding) -> Record:
    return Record(
        FindingRaised(
            finding=command.finding,
            code=command.code,
            source=command.source,
            occasion=command.occasion,
        )
    )


def evolve(slice_: Findings, recorded: Recorded[Any]) -> Findings:
    """The findings after one more event."""
    match recorded.event:
        case FindingRaised() as event:
            finding = Finding(
                code=event.code,
                source=event.source,
                occasion=event.occasion,
                since=recorded.recorded_at,
            )
            return Findings({**slice_.open, event.finding: finding}, slice_.cleared)
        case FindingCleared(finding=cleared):
            still_open = {key: one for key, one in slice_.open.items() if key != cleared}
            return Findings(still_open, slice_.cleared | {cleared})
        case _:
            return slice_


FINDINGS = Concern(
    "findings",
    commands=(RaiseFinding, ClearFinding),
    folds=(FindingRaised, FindingCleared),
    initial=Findings(),
    decide=decide,
    evolve=evolve,
)
