"""The register of findings: what is wrong, where that shows, and who decided or cleared it.

X1 to X13 (conflicts of the policy), PL00 to PL27 (defects of its text), what the policy file leaves
open, what happens and is not declared, and what events raised about people.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import asyncpg

from app.domain.interests import InterestState, interests
from app.domain.standing_findings import ungrounded
from app.events.policies import StandingOutcome
from app.policy.check import check
from app.policy.linter import Finding
from app.policy.vocabulary import FindingState, RecipientRole
from app.projections.findings import FINDINGS, findings
from app.registers.listing import EVERYTHING, Listing, ending
from app.registers.observed import Observed
from app.registers.processing_records import drift
from app.registers.recipients import rows as recipient_rows
from app.registers.rules import Ruled
from app.registers.table import Part, Question, Row, columns

COLUMNS = columns(
    code="X1 to X13, PL00 to PL27, or a word for what was noticed.",
    kind="`standing`, `text`, `policy`, `observed` or `person`.",
    title="What is wrong.",
    severity="How much a defect of the text weighs.",
    clauses="Clauses of the policy, and rules of law.",
    state="`open` or `cleared`.",
    evidence="Where it shows: keys of the policy, lines of the text, recipients, activities.",
    people="How many people it concerns, where that was counted.",
    since="Since when; empty: as long as the policy.",
    cleared_at="When a human decided it or cleared it.",
    cleared_by="Who did: a caller id.",
    resolution="How it was decided or cleared.",
    subject_id="Whom it is about, where it is about a person.",
    source="The system in which it was noticed.",
    occasion="What findings about several people have in common.",
    position="Position of the event that raised it.",
)
PEOPLE = "p"
"""Where in the register findings about people begin; before it places are counted."""

_ABOUT_PEOPLE = Listing(FINDINGS, findings, EVERYTHING)

_INTERESTS = {
    InterestState.MISSING: "No assessment weighed the legitimate interest that it rests on",
    InterestState.OVERDUE: "The assessment of its legitimate interest is too old",
    InterestState.FAILED: "The assessment came out against its legitimate interest",
}

_DRIFT = {
    "undeclared-purpose": ("Data are used for a purpose that is not declared", ("L48", "L2")),
    "undeclared-category": ("A category is held that the record does not declare", ("L48", "L4")),
    "undeclared-recipient": ("Data go to somebody the record does not declare", ("L48", "C35")),
    "transfer-without-mechanism": ("A transfer rests on no valid mechanism", ("C30", "L55")),
}


def of_the_policy(
    ruled: Ruled, text: Iterable[Finding], seen: Mapping[str | None, Observed]
) -> Iterator[Row]:
    """Everything that is about no single person, in a fixed order."""
    people = _people_by_recipient(seen)
    yield from _standing(ruled, people)
    yield from (_of_text(one, ruled) for one in text)
    yield from _left_open(ruled)
    yield from _of_recipients(ruled)
    yield from _of_interests(ruled)
    yield from _observed(ruled, seen)


def _people_by_recipient(seen: Mapping[str | None, Observed]) -> dict[str, int]:
    """At least so many: one flow may have others than the next."""
    counted: dict[str, int] = {}
    for one in seen.values():
        for flow in one.flows:
            counted[flow.recipient] = max(counted.get(flow.recipient, 0), flow.people)
    return counted


def _standing(ruled: Ruled, people: Mapping[str, int]) -> Iterator[Row]:
    for finding in ruled.given.policy.standing_findings.values():
        left = ungrounded(finding, ruled.given)
        counted = [people[key] for key in left if key in people]
        yield {
            "code": finding.key,
            "kind": "standing",
            "title": finding.title,
            "clauses": list(finding.clauses),
            "evidence": list(left) or sorted(finding.subject_of),
            "people": max(counted, default=None),
            **_decision(finding.key, ruled, by_policy=finding.state is FindingState.DECIDED),
        }


def _of_text(finding: Finding, ruled: Ruled) -> Row:
    lines = [f"line {line}" for line in finding.lines]
    return {
        "code": finding.code,
        "kind": "text",
        "title": f"{finding.title}: {finding.detail}",
        "severity": finding.severity.value,
        "clauses": list(finding.clauses),
        "evidence": [*finding.keys, *lines],
        **_decision(finding.code, ruled, by_policy=False),
    }


def _decision(code: str, ruled: Ruled, *, by_policy: bool) -> dict[str, Any]:
    """Whoever published a policy version that calls it decided, decided it."""
    decision = ruled.given.control.decisions.get(code.lower())
    if decision is not None:
        closed = decision.outcome is not StandingOutcome.REOPENED
        return {
            "state": "cleared" if closed else "open",
            "resolution": decision.outcome.value,
            "cleared_by": decision.by if closed else None,
            "cleared_at": decision.at if closed else None,
        }
    if not by_policy:
        return {"state": "open"}
    policy = ruled.given.control.policies[ruled.given.policy.version]
    return {
        "state": "cleared",
        "resolution": "decided",
        "cleared_by": ruled.published_by,
        "cleared_at": policy.published_at,
    }


def _left_open(ruled: Ruled) -> Iterator[Row]:
    """What the file itself leaves open and events do not settle.

    Mechanisms and statements are told by recipient, assessments by interest.
    """
    given = ruled.given
    for remark in check(given.policy, given.law, ruled.on):
        if not (remark.where.startswith("recipients.") or remark.where.endswith(".assessment")):
            told = f"{remark.where} {remark.what}"
            yield _open("policy-incomplete", told, remark.clauses, [remark.where])


def _of_recipients(ruled: Ruled) -> Iterator[Row]:
    for row in recipient_rows(ruled):
        yield from _of_recipient(row)


def _of_recipient(row: Row) -> Iterator[Row]:
    key = [row["key"]]
    if row["service_types"] == ["other"]:
        yield _open("service-unnamed", "Only `other` is named", ("C39",), key)
    if row["agreement_state"] in {"missing", "expired"}:
        told = f"The contract or memorandum is {row['agreement_state']}"
        yield _open("contract-missing", told, ("C40", "L50"), key)
    if row["privacy_notice_state"] in {"missing", "overdue"}:
        told = f"Its own privacy statement is {row['privacy_notice_state']}"
        yield _open("vendor-statement-unchecked", told, ("C48",), key)
    if row["evidence_state"] == "missing":
        yield _open("mechanism-missing", "No mechanism carries a transfer", ("C30", "L55"), key)
    if row["evidence_state"] == "overdue":
        told = "The proof that it is covered was not looked up in time"
        yield _open("mechanism-unchecked", told, ("L58",), key)
    if row.get("mechanism_at_risk"):
        told = "An action against its mechanism is pending"
        yield _open("mechanism-at-risk", told, ("L57",), key)
    if row["role"] == RecipientRole.JOINT_CONTROLLER.value:
        told = "Its button makes us joint controllers: consent and a notice come first"
        yield _open("joint-controller", told, ("C51",), key)


def _of_interests(ruled: Ruled) -> Iterator[Row]:
    """A purpose whose interest nobody weighed, not lately, or not in its favour."""
    for one in interests(ruled.given, ruled.on):
        if one.state in _INTERESTS:
            yield _open(
                f"interest-{one.state}", _INTERESTS[one.state], ("C31", "L9", "L44"), [one.purpose]
            )


def _observed(ruled: Ruled, seen: Mapping[str | None, Observed]) -> Iterator[Row]:
    for activity, one in seen.items():
        declared = None if activity is None else ruled.given.policy.activities[activity]
        for kind, key in drift(declared, one, ruled.given):
            title, rules = _DRIFT[kind]
            flows = [flow.people for flow in one.flows if flow.recipient == key]
            evidence = [key] if activity is None else [key, f"activities.{activity}"]
            yield {
                **_open(kind, title, rules, evidence),
                "kind": "observed",
                "people": max(flows, default=None),
            }


def _open(code: str, title: str, clauses: Iterable[str], evidence: list[str]) -> dict[str, Any]:
    return {
        "code": code,
        "kind": "policy",
        "title": title,
        "clauses": list(clauses),
        "evidence": evidence,
        "state": "open",
    }


async def about_people(pool: "asyncpg.Pool[Any]", question: Question) -> Part:
    """One page of what events raised; ``after`` is the position of the page before."""
    found = await _ABOUT_PEOPLE.part(pool, replace(question, filters={}))
    rows = tuple(_of_person(ending(row, question.as_of)) for row in found.rows)
    return replace(found, rows=rows)


def _of_person(row: Row) -> Row:
    cleared = row["until"] is not None
    return {
        **row,
        "kind": "person",
        "title": row["code"].replace("-", " "),
        "clauses": ["C75"] if row["code"] == "child-data" else ["L9"],
        "state": "cleared" if cleared else "open",
        "evidence": [],
        "people": 1,
        "cleared_at": row["until"],
        "cleared_by": row["until_by"],
        "resolution": row["resolution"] if cleared else None,
    }
