"""People become known, are found, shown and corrected over HTTP; nobody is guessed (DESIGN 6)."""

import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.domain.register import SuppressUnknown
from app.receipts import Attribution
from app.service import Service
from tests.conftest import Database
from tests.serving import Api, count_events, event_types

ASA = {"contact.name": "Åsa Öberg", "contact.email": "asa.oberg@forvaltning.example"}


def registration(**members: Any) -> dict[str, Any]:
    """A registration of one person for one purpose, changed as the test wants."""
    body: dict[str, Any] = {
        "source": "registration_form",
        "obtained": [{"purpose": "network_exchange", "data": dict(ASA)}],
        "verification": "link",
    }
    return body | members


async def registered(client: httpx.AsyncClient, **members: Any) -> str:
    """Registers a person and answers the subject id."""
    answer = await client.post("/v1/subjects", json=registration(**members))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["subject_id"])


async def shown(
    client: httpx.AsyncClient, subject_id: str, purpose: str = "network_exchange", **query: Any
) -> httpx.Response:
    """The person's profile, read for a purpose."""
    return await client.get(
        f"/v1/subjects/{subject_id}", headers={"Purpose": purpose}, params=query
    )


def values(answer: httpx.Response) -> dict[str, str]:
    """Category -> value of a profile."""
    return {one["category"]: one["value"] for one in answer.json()["fields"]}


@pytest.mark.clause("C2", "C6", "C7", "L2")
async def test_a_person_is_registered_and_shown_with_the_why_of_every_value(
    client: httpx.AsyncClient,
) -> None:
    subject_id = await registered(client, relationships=[{"kind": "event_attendee"}])

    answer = await shown(client, subject_id)

    assert answer.status_code == 200
    assert values(answer) == ASA
    for field in answer.json()["fields"]:
        assert field["purpose"] == "network_exchange"
        assert field["basis"] == "legitimate_interest"
        assert field["source"] == "registration_form"
        assert field["since"]


@pytest.mark.clause("C7")
async def test_an_address_is_found_by_post_only_when_its_person_showed_control(
    client: httpx.AsyncClient,
) -> None:
    subject_id = await registered(client)
    other = {"contact.email": "pia@forvaltning.example"}
    await registered(
        client,
        verification=None,
        obtained=[{"purpose": "network_exchange", "data": other}],
    )

    found = await client.post(
        "/v1/subjects:lookup", json={"kind": "email", "value": "ASA.OBERG@Forvaltning.example"}
    )
    unverified = await client.post(
        "/v1/subjects:lookup", json={"kind": "email", "value": other["contact.email"]}
    )
    unknown = await client.post(
        "/v1/subjects:lookup", json={"kind": "email", "value": "nobody@forvaltning.example"}
    )

    assert found.json() == {"subject_id": subject_id}
    assert unverified.status_code == unknown.status_code == 404
    assert unverified.json()["type"] == unknown.json()["type"] == "/problems/subject-unknown"


async def test_a_verified_person_is_found_again_and_gets_no_second_record(
    client: httpx.AsyncClient,
) -> None:
    """DESIGN 6: the data join the one person that is meant; the answer looks the same."""
    first = await client.post("/v1/subjects", json=registration())
    obtained = [{"purpose": "network_exchange", "data": {**ASA, "work.title": "Miljöinspektör"}}]

    again = await client.post("/v1/subjects", json=registration(obtained=obtained))

    assert again.status_code == first.status_code == 201
    kept = {"subject_id", "position", "leaf_hash", "signed"}
    assert again.json().keys() == first.json().keys() == kept
    assert again.json()["signed"].keys() == first.json()["signed"].keys()
    assert again.headers.keys() == first.headers.keys()
    assert again.json()["subject_id"] == first.json()["subject_id"]
    assert values(await shown(client, first.json()["subject_id"]))["work.title"] == "Miljöinspektör"


@pytest.mark.clause("C8", "L33")
async def test_colleagues_who_share_the_number_of_their_office_are_two_people(
    client: httpx.AsyncClient,
) -> None:
    """Or one would get the letters of the other, and their data in the report."""
    office = {"contact.phone": "+4681234567"}
    marta = {"contact.name": "Márta Őrsi", "contact.email": "marta.orsi@forvaltning.example"}
    called = {"contact.name": ASA["contact.name"], **office}

    first, second, again = [
        await registered(client, obtained=[{"purpose": "network_exchange", "data": data}])
        for data in (ASA | office, marta | office, called)
    ]

    assert values(await shown(client, first)) == ASA | office
    assert values(await shown(client, second)) == marta | office
    assert again == first, "who gives nothing but the number is found by it"
    purpose = {"Purpose": "network_exchange"}
    timeline = await client.get(f"/v1/subjects/{second}/events", headers=purpose)
    assert "possible-duplicate" in timeline.text


async def test_an_unverified_claim_of_a_known_address_moves_nothing(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Somebody who types another's address gets a record of their own, and the desk a finding."""
    first = await registered(client, verification=None)
    second = await registered(client, verification=None)

    state = await service.ledger.state(UUID(second))

    assert first != second
    assert [finding.code.value for finding in state.findings.open.values()] == [
        "possible-duplicate"
    ]
    assert not state.identifiers.active


@pytest.mark.clause("C7")
async def test_a_function_s_address_identifies_nobody(
    client: httpx.AsyncClient, service: Service
) -> None:
    obtained = [{"purpose": "network_exchange", "data": {"contact.email": "info@org.example"}}]

    first = await registered(client, obtained=obtained)
    second = await registered(client, obtained=obtained)

    assert first != second
    assert not (await service.ledger.state(UUID(first))).identifiers.active


@pytest.mark.clause("C7", "L41")
async def test_an_address_that_is_suppressed_closes_to_the_person_who_adds_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    """An unsubscribe that came before the address was claimed looked for the person in vain."""
    left = SuppressUnknown(purpose="newsletter", source="mailchimp", addresses=("asa@hem.example",))
    await service.control.register(left, Attribution(by="tests"))
    subject_id = await registered(client)
    body = {
        "category": "contact.email",
        "value": "Asa@hem.example",
        "purpose": "newsletter",
        "source": "self_service",
        "verification": "link",
    }

    answer = await client.post(f"/v1/subjects/{subject_id}/identifiers", json=body)

    assert answer.status_code == 201, answer.text
    state = await service.ledger.state(UUID(subject_id))
    assert set(state.suppressions.purposes) == {"newsletter"}


@pytest.mark.clause("C43", "L1")
async def test_the_id_of_a_file_is_kept_under_a_key_and_still_found_again(
    client: httpx.AsyncClient, service: Service
) -> None:
    """An id elsewhere can be a name: its plain digest could be guessed from the log."""
    subject_id = await registered(client)
    digest = hashlib.sha256(b"Attendance Asa Oberg.pdf").hexdigest()
    body = {
        "system": "onedrive",
        "title": "Attendance list",
        "category": "signature.attendance",
        "purpose": "accounting",
        "source": "secretariat",
        "digest": digest,
    }

    first = await client.post(f"/v1/subjects/{subject_id}/files", json=body)
    again = await client.post(f"/v1/subjects/{subject_id}/files", json=body)

    stream = await service.store.read_stream(UUID(subject_id))
    assert first.status_code == 201, first.text
    assert again.json()["events"] == []
    assert not [entry for entry in stream.entries if digest.encode() in entry]
    [file] = (await service.ledger.state(UUID(subject_id))).files.references.values()
    assert file.digest is not None
    assert len(file.digest) == len(digest)


@pytest.mark.clause("L3", "C12")
async def test_bank_data_are_not_read_for_the_newsletter_and_the_attempt_is_on_record(
    client: httpx.AsyncClient,
) -> None:
    subject_id = await registered(client)
    collected = await client.post(
        f"/v1/subjects/{subject_id}/collections",
        json={
            "source": "secretariat",
            "purpose": "payments",
            "data": {"financial.account": "BE71 0961 2345 6769"},
        },
    )
    assert collected.status_code == 201, collected.text

    refused = await shown(client, subject_id, "newsletter", reveal="financial.account")
    masked = await shown(client, subject_id, "payments")
    revealed = await shown(client, subject_id, "payments", reveal="financial.account")
    timeline = await client.get(f"/v1/subjects/{subject_id}/events")

    assert refused.status_code == 403
    assert refused.json()["type"] == "/problems/purpose-not-allowed"
    assert values(masked)["financial.account"].endswith("6769")
    assert "0961" not in values(masked)["financial.account"]
    assert values(revealed)["financial.account"] == "BE71096123456769"
    kinds = [event["type"] for event in timeline.json()["items"]]
    assert kinds.count("consultation.refused") == 1
    assert kinds.count("consultation.recorded") == 2


@pytest.mark.clause("L3")
async def test_nothing_is_read_without_a_purpose(client: httpx.AsyncClient) -> None:
    subject_id = await registered(client)

    answer = await client.get(f"/v1/subjects/{subject_id}")

    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/purpose-header-missing"


@pytest.mark.clause("L6", "C80")
async def test_a_corrected_value_is_the_one_shown_and_the_former_can_be_seen_as_of_then(
    client: httpx.AsyncClient,
) -> None:
    subject_id = await registered(client)
    before = (await client.get(f"/v1/subjects/{subject_id}/events")).json()["items"][-1]["position"]

    corrected = await client.post(
        f"/v1/subjects/{subject_id}/rectifications",
        json={"source": "secretariat", "data": {"contact.name": "Åsa Berg"}},
    )

    assert corrected.status_code == 201, corrected.text
    assert values(await shown(client, subject_id))["contact.name"] == "Åsa Berg"
    assert values(await shown(client, subject_id, as_of=before))["contact.name"] == "Åsa Öberg"


@pytest.mark.clause("C7")
async def test_a_corrected_address_leads_to_the_person_and_the_former_to_nobody(
    client: httpx.AsyncClient,
) -> None:
    subject_id = await registered(client)

    corrected = await client.post(
        f"/v1/subjects/{subject_id}/rectifications",
        json={
            "source": "secretariat",
            "data": {"contact.email": "asa.berg@forvaltning.example"},
            "verification": "link",
        },
    )
    new, old = [
        await client.post("/v1/subjects:lookup", json={"kind": "email", "value": value})
        for value in ("asa.berg@forvaltning.example", ASA["contact.email"])
    ]

    assert corrected.status_code == 201, corrected.text
    assert new.json() == {"subject_id": subject_id}
    assert old.status_code == 404


@pytest.mark.clause("L4", "C13")
async def test_passport_data_are_refused_for_payments(
    client: httpx.AsyncClient, database: Database
) -> None:
    subject_id = await registered(client)
    before = await count_events(database)

    answer = await client.post(
        f"/v1/subjects/{subject_id}/collections",
        json={
            "source": "secretariat",
            "purpose": "payments",
            "data": {"identity.document": "P1234567"},
        },
    )

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/category-not-allowed-for-purpose"
    assert "P1234567" not in answer.text
    assert await count_events(database) == before


async def test_the_timeline_is_paged_by_sealed_cursors(client: httpx.AsyncClient) -> None:
    """A11: items, next and self; a cursor of another list or of one's own making is refused."""
    subject_id, other = await registered(client), await registered(client)
    path = f"/v1/subjects/{subject_id}/events"

    first = (await client.get(path, params={"limit": 2})).json()
    second = (await client.get(path, params={"limit": 2, "cursor": first["next"]})).json()
    stolen = await client.get(f"/v1/subjects/{uuid4()}/events", params={"cursor": first["next"]})

    versions = [event["version"] for event in (*first["items"], *second["items"])]
    assert versions == sorted(set(versions))
    assert versions[0] == 1
    assert stolen.json()["type"] == "/problems/cursor-invalid"
    assert other


async def test_a_key_bound_to_a_system_records_data_of_that_system_only(api: Api) -> None:
    """S7: an integrator's key writes with its own source."""
    async with await api.client(system="azavista") as bound:
        answer = await bound.post("/v1/subjects", json=registration())

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/source-not-yours"


async def test_a_key_without_the_scope_is_told_which_one_it_lacks(api: Api) -> None:
    async with await api.client(scopes=["subjects:read"]) as reader:
        answer = await reader.post("/v1/subjects", json=registration())

    assert answer.status_code == 403
    assert answer.json()["scope"] == "subjects:write"


@pytest.mark.clause("L42")
async def test_restricted_data_are_read_for_no_purpose_of_the_controller_s_own(
    client: httpx.AsyncClient,
) -> None:
    """Art. 18(2): what is left is storage; the attempt is on record."""
    subject_id = await registered(client)
    restricted = await client.post(
        f"/v1/subjects/{subject_id}/restrictions",
        json={"ground": "unlawful", "source": "secretariat"},
    )
    assert restricted.status_code == 201, restricted.text

    refused = await shown(client, subject_id)
    report = await client.get(f"/v1/subjects/{subject_id}/access-report")

    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/subject-restricted"
    assert ASA["contact.name"] not in refused.text
    assert report.status_code == 200


@pytest.mark.clause("C7", "L41")
async def test_who_moves_to_a_suppressed_address_is_suppressed(
    client: httpx.AsyncClient, service: Service
) -> None:
    former = await registered(
        client,
        obtained=[{"purpose": "network_exchange", "data": {"contact.email": "pia@x.example"}}],
    )
    await client.post(f"/v1/subjects/{former}/erasure", json={"source": "secretariat"})
    subject_id = await registered(client)

    moved = await client.post(
        f"/v1/subjects/{subject_id}/rectifications",
        json={
            "source": "secretariat",
            "data": {"contact.email": "pia@x.example"},
            "verification": "link",
        },
    )

    state = await service.ledger.state(UUID(subject_id))
    assert moved.status_code == 201, moved.text
    assert "newsletter" in state.suppressions.purposes


@pytest.mark.clause("L2", "L29")
async def test_what_joins_a_known_person_joins_whole_or_not_at_all(
    client: httpx.AsyncClient, database: Database
) -> None:
    """One purpose refused refuses all; notice and relationships are kept with the data."""
    subject_id = await registered(client)
    before = await count_events(database)
    passport = {"purpose": "payments", "data": {"identity.document": "P1234567"}}
    title = {"purpose": "network_exchange", "data": {**ASA, "work.title": "Inspektör"}}

    refused = await client.post("/v1/subjects", json=registration(obtained=[title, passport]))
    untouched = await count_events(database)
    joined = await client.post(
        "/v1/subjects",
        json=registration(
            obtained=[title],
            notice={"policy": "impel-1", "language": "sv", "channel": "form"},
            relationships=[{"kind": "event_attendee"}],
        ),
    )

    assert refused.status_code == 422
    assert untouched == before
    assert joined.json()["subject_id"] == subject_id
    added = await event_types(database, untouched)
    assert added == ["notice.shown", "relationship.started", "data.collected"]


@pytest.mark.clause("C74", "C75", "L19", "L28")
async def test_which_children_are_known_no_registration_tells(
    client: httpx.AsyncClient, service: Service
) -> None:
    """A known one is marked for erasure all the same; whoever calls gets the answer for unknown."""
    known = await registered(client)
    line = {**registration(), "obtained": [travelling(ASA["contact.email"])]}
    other = {**registration(), "obtained": [travelling("nobody@forvaltning.example")]}
    key = {"Idempotency-Key": str(uuid4())}

    rehearsed = await client.post(
        "/v1/imports?dry_run=true",
        content=json.dumps(line).encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert not (await service.ledger.state(UUID(known))).child
    answers = [
        await client.post("/v1/subjects", json=line, headers=key),
        await client.post("/v1/subjects", json=line, headers=key),
        await client.post("/v1/subjects", json=other),
    ]

    told = [(one.status_code, {**one.json(), "instance": ""}) for one in answers]
    assert told[0] == told[1] == told[2]
    assert (told[0][0], told[0][1]["type"]) == (422, "/problems/under-age")
    assert json.loads(rehearsed.text)["problem"]["type"] == "/problems/under-age"
    assert (await service.ledger.state(UUID(known))).child


def travelling(email: str) -> dict[str, Any]:
    """What a travel desk sends of somebody born in 2020."""
    data = {"contact.name": "Bo", "contact.email": email, "identity.birth_date": "2020-01-01"}
    return {"purpose": "travel_booking", "data": data}
