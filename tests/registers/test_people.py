"""Relationships, consents, objections, restrictions, suppressions: in force, history, cuts."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.service import Service
from tests.registers.reading import rows, sheet, table
from tests.rights.people import WORDING, consent, post, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

Listed = Callable[..., Awaitable[list[dict[str, Any]]]]


async def of(
    caller: httpx.AsyncClient, service: Service, path: str, person: str, **query: Any
) -> list[dict[str, Any]]:
    """The rows of one person."""
    found = await rows(caller, service, path, **query)
    return [one for one in found if person.endswith(one["subject_id"])]


@pytest.mark.clause("C2", "C3", "L40", "L48")
async def test_a_relationship_is_listed_while_it_lasts_and_in_the_history_after(
    caller: httpx.AsyncClient, service: Service
) -> None:
    path = "/v1/relationships"
    person, organisation = await register(caller, verification=None), str(uuid4())
    body = {"kind": "project_participant", "organisation": organisation}
    await post(caller, f"{person}/relationships", {"kind": "member"})
    await post(caller, f"{person}/relationships", body)
    before = await service.store.head_position()
    lasting = await of(caller, service, path, person, organisation=organisation)
    ended = {**body, "occurred_at": "2026-01-31T10:00:00Z"}
    await post(caller, f"{person}/relationships/end", ended)

    now = await of(caller, service, path, person)
    history = await of(caller, service, path, person, history=True)
    then = await of(caller, service, path, person, as_of=str(before))

    assert [(one["kind"], one["until"]) for one in lasting] == [("project_participant", None)]
    assert [one["kind"] for one in now] == ["member"]
    assert [(one["kind"], bool(one["until"])) for one in history] == [
        ("member", False),
        ("project_participant", True),
    ]
    assert history[1]["ended_at"] == "2026-01-31T10:00:00Z"
    assert [(one["kind"], one["until"], one["ended_at"]) for one in then] == [
        ("member", None, None),
        ("project_participant", None, None),
    ]


@pytest.mark.clause("L12", "L14", "L16", "C25", "C82")
async def test_consents_are_listed_act_by_act_with_their_evidence(
    caller: httpx.AsyncClient, service: Service
) -> None:
    path = "/v1/consents"
    person = await register(caller, verification=None)
    await post(caller, f"{person}/consents", consent())
    before = await service.store.head_position()
    in_force = await of(caller, service, path, person, in_force=True)
    await post(caller, f"{person}/consents/newsletter/withdrawal", {"source": "mailchimp"})

    history = await of(caller, service, path, person)
    carrying = await of(caller, service, path, person, in_force=True)
    then = await of(caller, service, path, person, as_of=str(before))
    withdrawn = await of(caller, service, path, person, act="withdrawn", purpose="newsletter")

    assert [(one["act"], one["in_force"], one["evidence"]) for one in in_force] == [
        ("given", True, "sealed")
    ]
    assert (in_force[0]["wording"], in_force[0]["language"]) == (WORDING, "sv")
    assert (in_force[0]["method"], in_force[0]["source"]) == ("form", "registration_form")
    assert [(one["act"], one["in_force"]) for one in history] == [
        ("given", False),
        ("withdrawn", False),
    ]
    assert history[0]["until"] == history[1]["since"]
    assert carrying == []
    assert then == in_force
    assert len(withdrawn) == 1


@pytest.mark.clause("L12", "L41")
async def test_an_act_outlives_the_person_and_names_nobody(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, verification=None)
    await post(caller, f"{person}/consents", consent())
    await post(caller, f"{person}/relationships", {"kind": "member"})
    order = {"trigger": "request", "source": "secretariat"}
    before = await service.store.head_position()
    await post(caller, f"{person}/erasure", order)

    acts = await of(caller, service, "/v1/consents", person)
    lasting = await of(caller, service, "/v1/relationships", person, history=True)
    then = await of(caller, service, "/v1/relationships", person, as_of=str(before))

    assert acts[0]["act"] == "given"
    assert acts[0]["evidence"] == "sealed", "the proof survives an erasure for its own period"
    assert lasting == then == [], "an erasure redacts the past"


@pytest.mark.clause("L42", "L43", "L44", "C65", "C67")
async def test_objections_and_restrictions_are_listed_while_they_stop_anything(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, "event_logistics", "newsletter", verification=None)
    source = {"source": "secretariat"}
    news = await post(caller, f"{person}/objections", {**source, "purpose": "newsletter"})
    other = {**source, "purpose": "event_logistics", "statement": "qxzj my reasons"}
    await post(caller, f"{person}/objections", other)
    set_ = {**source, "ground": "legal_claims"}
    await post(caller, f"{person}/restrictions", set_)
    before = await service.store.head_position()

    objections = await of(caller, service, "/v1/objections", person)
    restrictions = await of(caller, service, "/v1/restrictions", person)
    claims = await of(caller, service, "/v1/restrictions", person, ground="legal_claims")
    key = claims[0]["restriction"]
    announced = {"restriction": key, "channel": "email"}
    await post(caller, f"{person}/restrictions/lift/announcement", announced)
    told = await of(caller, service, "/v1/restrictions", person, ground="legal_claims")
    await post(caller, f"{person}/restrictions/lift", {"restriction": key})
    lifted = await of(caller, service, "/v1/restrictions", person)
    then = await of(caller, service, "/v1/restrictions", person, as_of=str(before))

    assert news["events"]
    assert [(one["purpose"], one["ground"], one["state"]) for one in objections] == [
        ("newsletter", "direct_marketing", "granted"),
        ("event_logistics", "own_situation", "open"),
    ]
    assert [(one["ground"], one["purpose"]) for one in restrictions] == [
        ("objection", "event_logistics"),
        ("legal_claims", None),
    ]
    assert restrictions[0]["restriction"] == objections[1]["objection"]
    assert [bool(one["announced_at"]) for one in told] == [True]
    assert [one["ground"] for one in lifted] == ["objection"]
    assert then == restrictions
    assert "qxzj" not in str(objections)


@pytest.mark.clause("L41", "C73")
async def test_suppressions_are_counted_and_name_nobody(
    caller: httpx.AsyncClient, service: Service
) -> None:
    async def counted(**query: Any) -> dict[Any, Any]:
        found = await rows(caller, service, "/v1/suppressions", purpose="newsletter", **query)
        return {one["cause"]: (one["recorded"], one["lifted"]) for one in found}

    before = await counted()
    contact = {"contact.name": "Åsa", "contact.email": "asa.suppressed@stad.example"}
    person = await register(caller, contact=contact, verification=None)
    position = await service.store.head_position()
    await post(caller, f"{person}/consents", consent())
    await post(caller, f"{person}/consents/newsletter/withdrawal", {"source": "mailchimp"})

    after = await counted()
    then = await counted(as_of=str(position))
    [whole] = [
        one
        for one in await rows(caller, service, "/v1/suppressions", purpose="newsletter")
        if one["cause"] is None
    ]

    assert after["withdrawal"][0] == before.get("withdrawal", (0, 0))[0] + 1
    assert after[None][0] == before.get(None, (0, 0))[0] + 1
    assert then == before
    assert whole["addresses"] >= 1
    assert "asa" not in str(after)


@pytest.mark.clause("L49")
@pytest.mark.parametrize(
    "path", ["/v1/relationships", "/v1/consents", "/v1/objections", "/v1/restrictions"]
)
async def test_tables_hold_what_pages_hold(
    caller: httpx.AsyncClient, service: Service, path: str
) -> None:
    names = ["position", "subject_id", "since"]
    found = await rows(caller, service, path, columns=names)

    as_csv = await table(caller, path, columns=names)
    as_sheet = await sheet(caller, path, columns=names)

    told = [[one[name] for name in names] for one in found]
    assert as_csv[0] == as_sheet[0] == names
    assert [[line[0], line[1]] for line in as_sheet[1:]] == [line[:2] for line in told]
    assert [line[1] for line in as_csv[1:]] == [line[1] for line in told]
