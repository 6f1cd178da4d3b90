"""The register of findings, and the decision on one that only a human can take (X1 to X13)."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Path, Query, Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import Body, ReceiptBody
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.registers.activities import ruled_and_observed
from app.api.registers.answering import Asked, Register, answered, offered
from app.auth import Scope
from app.domain.standing_findings import DecideStandingFinding
from app.events.policies import StandingOutcome
from app.policy.linter import Finding, lint
from app.policy.text import PolicyDocument
from app.projections import FINDINGS, PROFILES, SHARING_REGISTER
from app.projections.positions import position_of
from app.registers import findings
from app.registers.findings import PEOPLE
from app.registers.rules import Ruled
from app.registers.table import Part, Question, whole

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "code": "X1",
            "kind": "standing",
            "title": "The declared transfer mechanism ended in 2020",
            "clauses": ["C30"],
            "state": "open",
            "evidence": ["basecamp", "mailchimp"],
            "people": 512,
        }
    ],
    "next": None,
    "self": "/v1/findings?state=open",
    "stands_at": 8124,
    "as_of": None,
}

CodePath = Annotated[str, Path(max_length=8, pattern=r"^([Xx][0-9]{1,2}|[Pp][Ll][0-9]{2})$")]


class FindingsAsked(Asked):
    """The register narrowed by what kind of thing is wrong, and whether it still is."""

    code: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = None
    kind: Literal["standing", "text", "policy", "observed", "person"] | None = None
    state: Literal["open", "cleared"] | None = None
    clauses: Annotated[str, Field(max_length=8, pattern=r"^[CLX][0-9]{1,2}$")] | None = None


class DecisionBody(Body):
    """How the conflict was decided; the grounds are kept where the desk keeps its papers."""

    outcome: StandingOutcome


async def _read(call: Call, question: Question) -> Part:
    after = question.after or ""
    if after.startswith(PEOPLE):
        return await _of_people(call, question, after.removeprefix(PEOPLE) or None)
    first = await _of_the_policy(call, question)
    if first.following is not None or question.filters.get("kind") not in {None, "person"}:
        return first
    if first.rows:
        return replace(first, following=PEOPLE)
    return await _of_people(call, question, None)


async def _of_people(call: Call, question: Question, after: str | None) -> Part:
    found = await findings.about_people(call.service.pool, replace(question, after=after))
    kept = whole(found.rows, replace(question, after=None), found.stands_at)
    following = None if found.following is None else f"{PEOPLE}{found.following}"
    return replace(kept, following=following)


async def _of_the_policy(call: Call, question: Question) -> Part:
    service = call.service
    about_people = await position_of(service.pool, FINDINGS)
    found, seen = await ruled_and_observed(service, question.as_of)
    rows = findings.of_the_policy(found, await findings_of_the_text(call, found), seen.by_activity)
    return whole(rows, question, min(about_people, seen.stands_at))


async def findings_of_the_text(call: Call, found: Ruled) -> list[Finding]:
    """What the linter finds in every text that was supplied."""
    policy, told = found.given.policy, list[Finding]()
    for language in policy.texts:
        text = await call.service.rulebook.policy_text(policy.version, language)
        if text is not None:
            document = PolicyDocument(text)
            told += lint(policy, found.given.law, document, language)
    return told


REGISTER = Register(
    name="findings",
    path="/v1/findings",
    columns=findings.COLUMNS,
    read=_read,
    about_people=True,
    projections=(FINDINGS, PROFILES, SHARING_REGISTER),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List the findings",
    clauses=("C30", "C33", "C39", "C40", "C48", "C50", "C51", "C53", "C60", "C75", "C84", "C85"),
    law=("L30", "L48", "L50", "L55", "L56", "L57", "L58"),
    example=EXAMPLE,
)
async def list_findings(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[FindingsAsked, Query()],
) -> Response:
    """Lists what is wrong: in the policy, its text, the arrangements, what happens, about people.

    Each with where it shows, whether it is open, and who decided or cleared it. Findings of the
    text are there once the text is supplied; what is put right is gone from the next answer.
    """
    return await answered(REGISTER, call, asked)


@operation(
    ROUTES,
    "POST",
    "/v1/findings/{code}/decision",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Decide a standing finding",
    problems=("standing-finding-unknown", "finding-stands"),
    clauses=("C30",),
    law=("L9", "L56"),
    writes=True,
)
async def decide_finding(
    code: CodePath,
    body: DecisionBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.POLICY_PUBLISH])],
) -> Response:
    """Records that a human decided a conflict of the policy, or opened it again.

    One about transfers without a mechanism is cleared by a mechanism alone.
    """
    command = DecideStandingFinding(finding=code, outcome=body.outcome)
    return receipted(await call.service.control.execute(command, await call.attribution()))
