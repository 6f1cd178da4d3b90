"""What policy and law refuse has a type of its own each, and nothing that came in is told."""

from typing import Any

import httpx
import pytest

from app.service import Service
from tests.api.test_bad_input import MARKER, told, written
from tests.rights.people import arrange, consent, post, register, share, stranger

pytestmark = pytest.mark.asyncio(loop_scope="module")

Body = dict[str, Any]
COLLECTED: Body = {
    "purpose": "payments",
    "source": "secretariat",
    "data": {"financial.account": "BE71096123456769"},
}
REFUSED = [
    pytest.param(
        "collections",
        COLLECTED | {"data": {f"contact.{MARKER}": MARKER}},
        (422, "category-unknown"),
        marks=pytest.mark.clause("L2"),
        id="unknown category",
    ),
    pytest.param(
        "collections",
        COLLECTED | {"purpose": MARKER},
        (422, "purpose-unknown"),
        marks=pytest.mark.clause("L2"),
        id="unknown purpose",
    ),
    pytest.param(
        "collections",
        COLLECTED | {"source": MARKER},
        (422, "source-unknown"),
        id="unknown source",
    ),
    pytest.param(
        "collections",
        COLLECTED | {"data": {"identity.document": MARKER}},
        (422, "category-not-allowed-for-purpose"),
        marks=pytest.mark.clause("L4", "C13"),
        id="passport for payments",
    ),
    pytest.param(
        "collections",
        COLLECTED | {"data": {"financial.account": f"BE68 {MARKER}"}},
        (422, "value-invalid"),
        marks=pytest.mark.clause("C12"),
        id="no IBAN",
    ),
    pytest.param(
        "disclosures",
        share(MARKER),
        (409, "recipient-not-listed"),
        marks=pytest.mark.clause("C35"),
        id="unknown recipient",
    ),
    pytest.param(
        "disclosures",
        share("azavista", purpose=MARKER),
        (422, "purpose-unknown"),
        id="share for an unknown purpose",
    ),
    pytest.param(
        "disclosures",
        share("azavista", categories=[MARKER]),
        (422, "category-unknown"),
        id="share of an unknown category",
    ),
    pytest.param(
        "consents",
        consent(evidence=" ", method="form"),
        (422, "consent-evidence-invalid"),
        marks=pytest.mark.clause("L12", "L16"),
        id="consent without evidence",
    ),
    pytest.param(
        "consents",
        consent(method=MARKER),
        (422, "consent-evidence-invalid"),
        marks=pytest.mark.clause("L12"),
        id="consent by unknown method",
    ),
    pytest.param(
        "consents",
        consent(MARKER),
        (422, "purpose-unknown"),
        id="consent to an unknown purpose",
    ),
    pytest.param(
        "consents",
        consent(policy=MARKER),
        (422, "consent-evidence-invalid"),
        id="consent under an unknown policy",
    ),
    pytest.param(
        "identifiers",
        {
            "category": "contact.email",
            "value": f"{MARKER}@",
            "purpose": "network_exchange",
            "source": "secretariat",
            "verification": "link",
        },
        (422, "value-invalid"),
        marks=pytest.mark.clause("C7"),
        id="no address",
    ),
]


@pytest.mark.parametrize(("path", "body", "problem"), REFUSED)
async def test_what_policy_and_law_refuse_is_told_by_its_own_type_alone(
    caller: httpx.AsyncClient,
    shared_service: Service,
    path: str,
    body: Body,
    problem: tuple[int, str],
) -> None:
    person = await register(caller, verification=None)
    before = await written(shared_service)

    answer = await caller.post(f"{person}/{path}", json=body)

    told(answer, *problem)
    assert await written(shared_service) == before


async def test_nobody_erased_and_restricted_people_are_three_problems(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    await arrange(shared_service, "azavista", mechanism=None)
    erased, restricted = [await register(caller, verification=None) for _ in range(2)]
    await post(caller, f"{erased}/erasure", {"source": "secretariat"})
    await post(
        caller, f"{restricted}/restrictions", {"ground": "unlawful", "source": "secretariat"}
    )
    before = await written(shared_service)

    answers = {
        (404, "subject-unknown"): await caller.post(f"{stranger()}/collections", json=COLLECTED),
        (410, "subject-erased"): await caller.post(f"{erased}/collections", json=COLLECTED),
        (409, "subject-restricted"): await caller.post(
            f"{restricted}/disclosures", json=share("azavista")
        ),
    }

    for problem, answer in answers.items():
        told(answer, *problem)
    assert await written(shared_service) == before
