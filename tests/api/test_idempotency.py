"""One key, one request: repeated it changes nothing, and tells nothing it did not tell (A6-A8)."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.service import Service
from tests.rights.people import CONTACT, arrange, collect, consent, post, register, share
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARALLEL = 100
Body = dict[str, Any]


async def written(service: Service) -> int:
    """How many events the log holds."""
    return int(await service.pool.fetchval("SELECT count(*) FROM ledger.events"))


async def keys_kept(service: Service) -> int:
    """How many requests the register remembers."""
    return int(await service.pool.fetchval("SELECT count(*) FROM ledger.idempotency"))


def key(text: str) -> dict[str, str]:
    """The header."""
    return {"idempotency-key": text}


def registration(*purposes: str, email: str = "", **more: Any) -> Body:
    """A person with an address of their own, for some purposes."""
    personal = CONTACT | {"contact.email": email or f"{uuid4().hex}@stad.example"}
    personal.pop("contact.phone")
    return {
        "source": "registration_form",
        "verification": "link",
        "obtained": [{"purpose": one, "data": personal} for one in purposes or ("information",)],
        **more,
    }


def replayed(answer: httpx.Response) -> bool:
    """Whether the answer says that it repeats an earlier one."""
    return bool(answer.headers.get("idempotent-replayed") == "true")


async def test_a_write_without_a_key_is_refused_and_so_is_a_malformed_key(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    before = await written(shared_service), await keys_kept(shared_service)
    bare = httpx.AsyncClient(
        transport=caller._transport, base_url=caller.base_url, headers=caller.headers
    )

    missing = await bare.post(f"{person}/consents", json=consent())
    wrong = [
        await caller.post(f"{person}/consents", json=consent(), headers=key(text))
        for text in ("", '"', '""', "two words", "k" * 256, '"unclosed', 'a"b', "tab\there")
    ]

    assert (missing.status_code, missing.json()["type"]) == (
        400,
        "/problems/idempotency-key-missing",
    )
    assert {(one.status_code, one.json()["type"]) for one in wrong} == {
        (400, "/problems/idempotency-key-invalid")
    }
    assert (await written(shared_service), await keys_kept(shared_service)) == before


async def test_a_quoted_key_is_the_bare_one_and_a_body_is_what_it_says_not_how(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """A6: a structured-field string or bare; blanks and order of members are no other body."""
    body = registration()
    first = await caller.post("/v1/subjects", json=body, headers=key('"one key"'))
    before = await written(shared_service)
    turned = dict(reversed(body.items()))

    again = await caller.post("/v1/subjects", json=turned, headers=key('"one key"'))
    untouched = await written(shared_service)
    plain = await caller.post("/v1/subjects", json=registration(), headers=key("a-bare-key"))
    quoted = await caller.post("/v1/subjects", json=registration(), headers=key('"a-bare-key"'))

    assert first.status_code == again.status_code == plain.status_code == 201
    assert (replayed(first), replayed(again), replayed(plain)) == (False, True, False)
    assert again.json() == first.json()
    assert quoted.json()["type"] == "/problems/idempotency-key-reused"
    assert untouched == before < await written(shared_service)


async def test_the_same_key_with_another_body_is_refused_and_the_first_stands(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, "newsletter", verification=None)
    name = key(str(uuid4()))
    first = await caller.post(f"{person}/consents", json=consent(), headers=name)
    before = await written(shared_service)

    other = await caller.post(
        f"{person}/consents", json=consent(evidence="another entry"), headers=name
    )
    elsewhere = await caller.post(
        f"{await register(caller, verification=None)}/consents", json=consent(), headers=name
    )

    assert first.status_code == 201
    for answer in (other, elsewhere):
        assert answer.status_code == 422
        assert answer.json()["type"] == "/problems/idempotency-key-reused"
        assert "another entry" not in answer.text
        assert first.json()["subject_id"] not in answer.text
    assert await written(shared_service) > before  # the second person, and nothing of the consent


async def test_a_hundred_at_once_are_one_event_group_and_the_same_answer(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, "newsletter", verification=None)
    before = await written(shared_service)
    name, body = key(str(uuid4())), consent()

    answers = await asyncio.gather(
        *(caller.post(f"{person}/consents", json=body, headers=name) for _ in range(PARALLEL))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert sum(not replayed(answer) for answer in answers) == 1
    assert await written(shared_service) == before + len(answers[0].json()["events"])


async def recorded(service: Service, subject_id: str) -> int:
    """How many events the person's stream holds."""
    return int(
        await service.pool.fetchval(
            "SELECT count(*) FROM ledger.events WHERE stream_id = $1", UUID(subject_id)
        )
    )


async def test_a_hundred_registrations_at_once_are_one_person(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """No stream to take turns on yet: the database alone decides."""
    before = await written(shared_service)
    name, body = key(str(uuid4())), registration("information", "network_exchange")

    answers = await asyncio.gather(
        *(caller.post("/v1/subjects", json=body, headers=name) for _ in range(PARALLEL))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["subject_id"] for answer in answers}) == 1
    assert len({answer.text for answer in answers}) == 1
    assert sum(not replayed(answer) for answer in answers) == 1
    assert await written(shared_service) == before + await recorded(
        shared_service, answers[0].json()["subject_id"]
    )


async def test_a_registration_that_joined_a_known_person_repeats_as_a_whole(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """Several purposes are several commands then: none of them happens a second time."""
    email = f"{uuid4().hex}@stad.example"
    known = await caller.post("/v1/subjects", json=registration(email=email))
    joining = registration("network_exchange", "event_logistics", email=email)
    name = key(str(uuid4()))
    first = await caller.post("/v1/subjects", json=joining, headers=name)
    before = await written(shared_service)

    again = await caller.post("/v1/subjects", json=joining, headers=name)

    assert first.json()["subject_id"] == known.json()["subject_id"]
    assert (again.status_code, replayed(again)) == (201, True)
    assert again.json() == first.json()
    assert await written(shared_service) == before


async def test_the_key_of_one_client_says_nothing_to_another(
    shared_api: Api, caller: httpx.AsyncClient, shared_service: Service
) -> None:
    name, body = key(str(uuid4())), registration(verification=None)
    first = await caller.post("/v1/subjects", json=body, headers=name)
    before = await written(shared_service)

    async with await shared_api.client() as other:
        second = await other.post("/v1/subjects", json=body, headers=name)

    assert (second.status_code, replayed(second)) == (201, False)
    assert second.json()["subject_id"] != first.json()["subject_id"]
    assert await written(shared_service) > before


async def test_the_same_key_on_another_operation_is_another_request(
    caller: httpx.AsyncClient,
) -> None:
    person = await register(caller, verification=None)
    name, body = key(str(uuid4())), {"kind": "event_attendee"}

    started = await caller.post(f"{person}/relationships", json=body, headers=name)
    ended = await caller.post(f"{person}/relationships/end", json=body, headers=name)

    assert (started.status_code, ended.status_code) == (201, 201)
    assert not replayed(ended)
    assert started.json()["events"] != ended.json()["events"]


async def test_an_id_that_we_drew_is_the_same_when_the_request_is_repeated(
    caller: httpx.AsyncClient,
) -> None:
    person = await register(caller, "newsletter", verification=None)
    members = ("purpose", "wording_sha256", "language", "policy", "source")
    body = {one: consent()[one] for one in members}
    name = key(str(uuid4()))

    first, again = [
        await caller.post(f"{person}/consents/requests", json=body, headers=name) for _ in range(2)
    ]

    assert first.json()["request"]
    assert again.json() == first.json()


async def test_a_repetition_after_the_erasure_tells_and_does_nothing(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """A8: the register keeps positions alone; neither person nor body come back out of it."""
    email = f"{uuid4().hex}@stad.example"
    registered, collected = (
        registration("event_logistics", email=email),
        {
            "purpose": "event_logistics",
            "source": "registration_form",
            "data": {"work.title": "Miljöstrateg"},
        },
    )
    names = key(str(uuid4())), key(str(uuid4()))
    first = await caller.post("/v1/subjects", json=registered, headers=names[0])
    person = f"/v1/subjects/{first.json()['subject_id']}"
    joined = await caller.post(f"{person}/collections", json=collected, headers=names[1])
    await post(caller, f"{person}/erasure", {"source": "secretariat"})
    before = await written(shared_service)

    again = await caller.post("/v1/subjects", json=registered, headers=names[0])
    more = await caller.post(f"{person}/collections", json=collected, headers=names[1])
    unknown = await caller.post(f"{person}/collections", json=collected)

    assert (again.status_code, more.status_code) == (201, 201)
    assert (again.json(), more.json()) == (first.json(), joined.json())
    assert replayed(again)
    assert replayed(more)
    assert (unknown.status_code, unknown.json()["type"]) == (410, "/problems/subject-erased")
    for answer in (again, more, unknown):
        assert not any(value in answer.text for value in (email, *CONTACT.values(), "Miljö"))
    assert await written(shared_service) == before


@pytest.mark.clause("C38", "L50")
async def test_a_refused_request_is_not_remembered_and_holds_once_its_cause_is_gone(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    name, body = key(str(uuid4())), share("azavista")
    before = await written(shared_service), await keys_kept(shared_service)

    refused = await caller.post(f"{person}/disclosures", json=body, headers=name)
    after = await written(shared_service), await keys_kept(shared_service)
    await arrange(shared_service, "azavista", mechanism=None)
    allowed = await caller.post(f"{person}/disclosures", json=body, headers=name)
    again = await caller.post(f"{person}/disclosures", json=body, headers=name)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/contract-missing")
    assert after == before
    assert (allowed.status_code, replayed(allowed)) == (201, False)
    assert (again.json(), replayed(again)) == (allowed.json(), True)


async def test_what_had_nothing_to_do_is_repeated_as_such(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    data = {"work.title": "Miljöstrateg"}
    await collect(caller, person, "event_logistics", data)
    body = {"kind": "event_attendee"}
    await post(caller, f"{person}/relationships", body)
    before = await written(shared_service)
    name = key(str(uuid4()))

    first, again = [
        await caller.post(f"{person}/relationships", json=body, headers=name) for _ in range(2)
    ]

    assert first.json()["events"] == again.json()["events"] == []
    assert first.status_code == again.status_code == 200
    assert (replayed(first), replayed(again)) == (False, True)
    assert await written(shared_service) == before
