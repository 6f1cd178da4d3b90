"""People of the tests of rights, and what is done to them over HTTP."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import httpx

from app.domain.arrangements import SetTransferMechanism
from app.domain.control import RegisterContract
from app.domain.safeguards import SwitchSafeguard
from app.events.policies import Safeguard
from app.policy.vocabulary import AgreementKind
from app.receipts import Attribution
from app.service import Service
from tests.days import today_in_brussels

Value = dict[str, Any]

CONTACT = {
    "contact.name": "Zoë Ångström-O'Brien",
    "contact.email": "zoe.angstrom@stad.example",
    "contact.phone": "+32470123456",
    "work.organisation": "Miljöförvaltningen",
}
NEWSLETTER = {"contact.name": CONTACT["contact.name"], "contact.email": CONTACT["contact.email"]}
WORDING = "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"


async def post(
    client: httpx.AsyncClient, path: str, body: Value | None = None, *, status: int = 201
) -> Value:
    """What a POST answers; the status must be the one expected."""
    answer = await client.post(path, json={} if body is None else body)
    assert answer.status_code == status, answer.text
    found: Value = answer.json()
    return found


async def get(client: httpx.AsyncClient, path: str, *, status: int = 200, **query: Any) -> Value:
    """What a GET answers; the status must be the one expected."""
    answer = await client.get(path, params=query)
    assert answer.status_code == status, answer.text
    found: Value = answer.json()
    return found


async def register(
    client: httpx.AsyncClient,
    *purposes: str,
    contact: dict[str, str] | None = None,
    source: str = "registration_form",
    **more: Any,
) -> str:
    """Somebody who registered with contact details; the path of their record."""
    personal = CONTACT if contact is None else contact
    obtained = [
        {"purpose": purpose, "data": NEWSLETTER if purpose == "newsletter" else personal}
        for purpose in purposes or ("event_logistics",)
    ]
    body = {"source": source, "verification": "link", "obtained": obtained, **more}
    return f"/v1/subjects/{(await post(client, '/v1/subjects', body))['subject_id']}"


async def collect(
    client: httpx.AsyncClient, person: str, purpose: str, data: dict[str, str], **more: Any
) -> Value:
    """More data for one purpose."""
    body = {"purpose": purpose, "data": data, "source": "registration_form", **more}
    return await post(client, f"{person}/collections", body)


def consent(purpose: str = "newsletter", **more: Any) -> Value:
    """The body of a consent with its whole evidence, expressed just now."""
    return {
        "purpose": purpose,
        "wording_sha256": WORDING,
        "language": "sv",
        "policy": "impel-1",
        "method": "form",
        "source": "registration_form",
        "occurred_at": datetime.now(UTC).isoformat(),
        "evidence": "form entry 4711",
        **more,
    }


def share(*recipients: str, purpose: str = "event_logistics", **more: Any) -> Value:
    """The body of a disclosure of name and e-mail address."""
    return {
        "recipients": list(recipients),
        "purpose": purpose,
        "categories": ["contact.name", "contact.email"],
        **more,
    }


async def arrange(service: Service, *recipients: str, mechanism: str | None = "dpf") -> None:
    """Registers the processor contracts and the transfer mechanism of some recipients."""
    by = Attribution(by="tests")
    for recipient in recipients:
        await service.control.execute(
            RegisterContract(
                recipient=recipient, kind=AgreementKind.PROCESSING, since=date(2020, 1, 1)
            ),
            by,
        )
        if mechanism is not None:
            await service.control.execute(
                SetTransferMechanism(
                    recipient=recipient,
                    mechanism=mechanism,
                    since=date(2024, 1, 1),
                    evidence_on=today_in_brussels(),
                ),
                by,
            )


async def need_two_people(service: Service) -> None:
    """From now on a second person has to approve what destroys."""
    command = SwitchSafeguard(safeguard=Safeguard.TWO_PERSON_ERASURE, on=True)
    await service.control.execute(command, Attribution(by="tests"))


def stranger() -> str:
    """The path of nobody's record."""
    return f"/v1/subjects/{uuid4()}"
