"""The register of findings: conflicts, defects, omissions, drift, people; open until put right."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.domain.control import SupplyPolicyText
from app.domain.findings import ClearFinding, RaiseFinding
from app.domain.standing_findings import FindingStands, StandingFindingUnknown
from app.events.findings import FindingCode, FindingResolution
from app.policy.linter import Finding
from app.policy.loader import load_packaged
from app.policy.vocabulary import Severity
from app.receipts import Attribution
from app.registers.findings import of_the_policy
from app.registers.rules import ruled
from app.service import Service
from tests.days import today_in_brussels
from tests.registers.reading import page, refused, rows, sheet, table
from tests.rights.people import arrange, collect, post, register, share

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/findings"
TODAY = today_in_brussels()
CONFLICTS = {f"X{number}" for number in range(1, 14)}


async def coded(
    caller: httpx.AsyncClient, service: Service, **query: Any
) -> dict[str, list[dict[str, Any]]]:
    """Code -> the findings that have it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in await rows(caller, service, PATH, **query):
        found.setdefault(one["code"], []).append(one)
    return found


@pytest.mark.clause(
    *("X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "X11", "X12", "X13"),
)
async def test_every_conflict_is_listed_open_with_what_it_is_about(
    caller: httpx.AsyncClient, service: Service
) -> None:
    found = await coded(caller, service, kind="standing")

    assert found.keys() == CONFLICTS
    assert all(one["clauses"] for [one] in found.values())
    assert {code for code, [one] in found.items() if one["state"] == "open"} >= CONFLICTS - {"X4"}
    evidence = {code: one["evidence"] for code, [one] in found.items()}
    assert "mailchimp" in evidence["X1"]
    assert evidence["X2"] == ["fiscal", "grant"]
    assert evidence["X6"] == ["tawk"]
    assert evidence["X8"] == ["members"]


@pytest.mark.clause("X1", "C30", "L56", "L57")
async def test_what_a_mechanism_alone_puts_right_cannot_be_decided_away(
    caller: httpx.AsyncClient, service: Service
) -> None:
    body = {"outcome": "accepted"}
    before = await coded(caller, service, code="X1")
    early = await caller.post(f"{PATH}/X1/decision", json=body)
    vendors = before["X1"][0]["evidence"]
    await arrange(service, *vendors)
    person = await register(caller, verification=None)
    await post(caller, f"{person}/disclosures", share("google_forms"))
    after = await coded(caller, service, code="X1")
    await post(caller, f"{PATH}/x1/decision", body)
    decided = await coded(caller, service, code="X1")
    await post(caller, "/v1/transfer-mechanisms/lapses", {"mechanism": "dpf", "on": str(TODAY)})
    fallen = await coded(caller, service)
    await post(caller, f"{PATH}/X1/decision", {"outcome": "reopened"})
    reopened = await coded(caller, service, code="X1")
    cleared_by = decided["X1"][0]["cleared_by"]

    assert {"basecamp", "onedrive", "mailchimp", "tawk", "x_twitter", "meta"} <= set(vendors)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/finding-stands")
    assert early.json()["recipients"] == vendors
    assert after["X1"][0]["state"] == "open"
    assert (decided["X1"][0]["state"], decided["X1"][0]["resolution"]) == ("cleared", "accepted")
    assert cleared_by
    assert decided["X1"][0]["cleared_at"]
    assert reopened["X1"][0]["state"] == "open"
    lost = {one["evidence"][0] for one in fallen["mechanism-missing"]}
    assert lost == set(vendors), "DPF falls: every recipient that rested on it"
    drifted = fallen["transfer-without-mechanism"]
    assert {tuple(one["evidence"]) for one in drifted} == {("google_forms", "activities.events")}
    assert drifted[0]["people"] == 1
    assert fallen["X1"][0]["people"] == 1


@pytest.mark.clause("X4", "L9")
async def test_a_decision_says_who_took_it_when_and_can_be_asked_for_as_of_a_day(
    caller: httpx.AsyncClient, service: Service
) -> None:
    before = await service.store.head_position()
    await post(caller, f"{PATH}/X4/decision", {"outcome": "remedied"})
    again = await caller.post(f"{PATH}/X4/decision", json={"outcome": "remedied"})

    [now] = (await coded(caller, service, code="X4"))["X4"]
    [then] = (await coded(caller, service, code="X4", as_of=str(before)))["X4"]

    assert (now["state"], now["resolution"]) == ("cleared", "remedied")
    assert (then["state"], then["cleared_by"]) == ("open", None)
    assert again.json()["events"] == []
    unknown = await caller.post(f"{PATH}/X99/decision", json={"outcome": "remedied"})
    assert unknown.json()["type"] == "/problems/standing-finding-unknown"
    assert {FindingStands.code, StandingFindingUnknown.code} == {
        "finding-stands",
        "standing-finding-unknown",
    }


@pytest.mark.clause("C39", "C40", "C48", "C51", "C52", "C57", "L50", "L58")
async def test_what_is_missing_about_a_recipient_is_a_finding_until_it_is_there(
    caller: httpx.AsyncClient, service: Service
) -> None:
    stale = {"mechanism": "scc_2021", "since": "2024-01-01"}
    before = await coded(caller, service, kind="policy")
    await post(
        caller, "/v1/recipients/accountant/contracts", {"kind": "processing", "since": "2020-01-01"}
    )
    await post(
        caller,
        "/v1/recipients/surveymonkey/transfer-mechanisms",
        {**stale, "mechanism": "scc_2021", "evidence_on": str(TODAY - timedelta(days=200))},
    )
    after = await coded(caller, service, kind="policy")

    def about(found: dict[str, Any], code: str) -> set[str]:
        return {one["evidence"][0] for one in found.get(code, [])}

    assert "accountant" in about(before, "contract-missing")
    assert "accountant" not in about(after, "contract-missing")
    assert {"azavista", "mailchimp"} <= about(after, "service-unnamed")
    assert {"azavista", "tawk"} <= about(after, "vendor-statement-unchecked")
    assert about(after, "joint-controller") == {"meta", "x_twitter"}
    assert "surveymonkey" not in about(after, "mechanism-missing")
    assert any("C31" in one["clauses"] for one in after["policy-incomplete"])


@pytest.mark.clause("L48", "L4")
async def test_what_happens_and_is_not_declared_is_a_finding(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, verification=None)
    await collect(caller, person, "event_logistics", {"profile.language": "sv"})

    found = await coded(caller, service, kind="observed")

    told = {tuple(one["evidence"]) for one in found["undeclared-category"]}
    assert ("profile.language", "activities.events") in told


@pytest.mark.clause("C75", "L9")
async def test_what_was_noticed_about_a_person_is_listed_with_who_cleared_it(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, verification=None)
    subject_id, finding = UUID(person.rpartition("/")[2]), uuid4()
    raising = RaiseFinding(
        finding=finding, code=FindingCode.POSSIBLE_DUPLICATE, source="secretariat"
    )

    async def about(**query: Any) -> dict[str, Any]:
        found = (await coded(caller, service, **query))["possible-duplicate"]
        [mine] = [one for one in found if one["source"] == "secretariat"]
        return mine

    await service.ledger.execute(subject_id, raising, Attribution(by="intake"))
    before = await service.store.head_position()
    open_ = await about(kind="person")
    clearing = ClearFinding(finding=finding, resolution=FindingResolution.UNFOUNDED)
    await service.ledger.execute(subject_id, clearing, Attribution(by="desk-7"))

    cleared = await about(kind="person", state="cleared")
    then = await about(kind="person", as_of=str(before))

    assert (open_["subject_id"], open_["state"]) == (str(subject_id), "open")
    assert (cleared["cleared_by"], cleared["resolution"]) == ("desk-7", "unfounded")
    assert cleared["cleared_at"]
    assert (then["state"], then["cleared_by"]) == ("open", None)


@pytest.mark.clause("C33", "C50", "C53", "C60", "L30")
async def test_defects_of_the_text_are_findings_with_their_lines(service: Service) -> None:
    found = await ruled(service.rulebook, service.store, None, service.ledger.clock())
    defects = [
        Finding(
            code=code,
            clauses=(clause,),
            title="Title",
            detail="Detail",
            severity=Severity.INCOMPLETE,
            lines=(7,),
            keys=("retention_classes",),
        )
        for code, clause in (("PL09", "C50"), ("PL08", "C53"), ("PL07", "C60"), ("PL12", "C33"))
    ]

    told = [row for row in of_the_policy(found, defects, {}) if row["kind"] == "text"]

    assert [one["code"] for one in told] == ["PL09", "PL08", "PL07", "PL12"]
    assert all(one["state"] == "open" for one in told)
    assert told[0]["evidence"] == ["retention_classes", "line 7"]


async def test_pages_go_on_from_the_policy_to_people_and_tables_have_them_all(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, verification=None)
    raising = RaiseFinding(finding=uuid4(), code=FindingCode.POSSIBLE_DUPLICATE, source="email")
    await service.ledger.execute(UUID(person.rpartition("/")[2]), raising, Attribution(by="intake"))
    found = await rows(caller, service, PATH, columns=["code", "kind", "state"])
    small = await rows(caller, service, PATH, columns=["code", "kind", "state"], limit=4)
    first = await page(caller, PATH, limit=4)
    as_csv = await table(caller, PATH, columns=["code", "kind", "state"])
    as_sheet = await sheet(caller, PATH, columns=["code", "kind", "state"])
    told = [[one[name] for name in ("code", "kind", "state")] for one in found]

    assert small == found
    assert found[-1]["kind"] == "person"
    assert as_csv[1:] == as_sheet[1:] == told
    assert await refused(caller, PATH, cursor=first["next"], kind="text") == (400, "cursor-invalid")


GIVEN = Path(os.environ.get("LEDGER_SHARED", "../shared")) / "policy/impel-privacy-policy.sv.txt"


@pytest.mark.skipif(not GIVEN.is_file(), reason="not given: policy/impel-privacy-policy.sv.txt")
@pytest.mark.clause("C33", "C50", "C53", "C54", "C56", "C58", "C59", "C60")
async def test_all_27_defects_of_the_given_text_are_listed(
    caller: httpx.AsyncClient, service: Service
) -> None:
    text = GIVEN.read_bytes()
    digest = load_packaged("impel-1").texts["sv"].sha256
    archived = "SELECT ledger.ledger_policy_text($1, $2, $3)"
    await service.pool.execute(archived, "impel-1", "sv", text)
    command = SupplyPolicyText(version="impel-1", language="sv", digest=digest)
    await service.control.execute(command, Attribution(by="tests"))

    found = await coded(caller, service, kind="text")

    assert found.keys() == {f"PL{number:02}" for number in range(1, 28)}
