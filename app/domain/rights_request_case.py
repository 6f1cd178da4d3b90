"""What a step of a rights request is decided on beside the request itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from app.domain.decider import Circumstances
from app.domain.letters import DECISION, STATEMENT, letters
from app.domain.mails import MESSAGE
from app.domain.rights_request_progress import RightsRequest
from app.domain.rights_request_refusals import RightsRequestClosed
from app.domain.rights_request_steps import Step
from app.events.recorded import Record

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

Records: TypeAlias = tuple[Record, ...]

_CATEGORIES: Final[Mapping[str, str]] = {
    "decision": DECISION,
    "statement": STATEMENT,
    "told": MESSAGE,
}


class Case:
    """What a step is decided on beside the request itself."""

    __slots__ = ("at", "given", "state")

    def __init__(self, state: "SubjectState", given: Circumstances, at: datetime) -> None:
        self.state, self.given, self.at = state, given, at

    def record(self, event: Any, step: Step, request: RightsRequest, **texts: str) -> Record:
        """The record of an event, with what was written beside it.

        What shows the day of the step lies with the decision, and is no part of what is told.
        """
        shown = getattr(step, "evidence_note", "").strip()
        if shown:
            decision = texts.get("decision", "").strip()
            texts["told"] = texts.get("told") or self.sealable(decision)
            texts["decision"] = f"{decision}\n\n{shown}" if decision else shown
        named = {_CATEGORIES[name]: text for name, text in texts.items()}
        sections = letters(named, request.file, self.given)
        occurred_at = getattr(step, "occurred_at", None)
        return Record(event, sections=sections, occurred_at=occurred_at)

    def sealable(self, words: str) -> str:
        """What is told in a letter, for as long as letters are kept; nothing after an erasure.

        Then the class of letters is closed to the person, and the letter quotes the decision.
        """
        return "" if self.state.erased else words

    def late(self, request: RightsRequest) -> bool:
        """Whether the answer comes after its day."""
        return request.due(self.given.law, self.at).over(self.at)


def check_open(request: RightsRequest) -> None:
    """Refuses every step after the last."""
    if not request.status.open:
        raise RightsRequestClosed(state=request.status.value)
