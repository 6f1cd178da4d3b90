"""Many people, one question: every answer true at the position stated, none from a stale cache."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.service import Service
from app.settings import Settings
from tests.conftest import Database
from tests.rights.people import arrange, consent, get, post, register, share
from tests.serving import Api, count_events, serving

NEWSLETTER = {"purpose": "newsletter", "recipient": "mailchimp"}


async def caller(service: Service, home: Path) -> httpx.AsyncClient:
    """A caller of one process of several."""
    return await Api(service, Settings(home=home)).client()


def ids(*people: str) -> list[str]:
    """Subject ids of the paths of records."""
    return [person.rpartition("/")[2] for person in people]


async def ask(client: httpx.AsyncClient, people: list[str], **question: Any) -> dict[str, Any]:
    """What the check answers: position and one word a person."""
    told = await post(client, "/v1/permissions:check", {"subjects": people, **question}, status=200)
    assert [one["subject_id"] for one in told["answers"]] == people
    return told


def reasons(told: dict[str, Any]) -> list[str | None]:
    """The reasons of the answers, None where it is allowed."""
    assert all(one["allowed"] is ("reason" not in one) for one in told["answers"])
    return [one.get("reason") for one in told["answers"]]


@pytest.mark.clause("C36", "C38", "C65", "C73", "L42", "L43")
async def test_each_person_gets_their_own_answer_in_the_order_asked(
    client: httpx.AsyncClient, service: Service
) -> None:
    await arrange(service, "mailchimp")
    willing, silent, left, resting = [
        await register(client, "newsletter", verification=None) for _ in range(4)
    ]
    for person in (willing, left, resting):
        await post(client, f"{person}/consents", consent())
    await post(client, f"{left}/objections", {"purpose": "newsletter", "source": "secretariat"})
    await post(client, f"{resting}/restrictions", {"ground": "unlawful", "source": "secretariat"})
    unknown = str(uuid4())

    told = await ask(
        client,
        [*ids(resting, willing, left, silent), unknown],
        **NEWSLETTER,
        categories=["contact.email"],
    )

    assert reasons(told) == [
        "subject-restricted",
        None,
        "objected",
        "consent-missing",
        "subject-unknown",
    ]
    assert told["answers"][1]["mechanism"] == "dpf"
    assert told["answers"][3]["rules"] == ["C25", "L11", "L14", "L16", "L17"]
    assert told["policy"] == "impel-1"


@pytest.mark.clause("C35", "L55", "L56")
async def test_a_use_that_nobody_may_make_is_refused_for_everybody(
    client: httpx.AsyncClient,
) -> None:
    people = ids(await register(client), await register(client, verification=None))
    logistics = {"purpose": "event_logistics"}
    questions: list[tuple[dict[str, Any], str]] = [
        ({**logistics, "recipient": "acme"}, "recipient-not-listed"),
        ({**logistics, "recipient": "azavista"}, "contract-missing"),
        ({**logistics, "recipient": "hotels", "country": "US"}, "transfer-no-basis"),
        (
            {
                **logistics,
                "recipient": "hotels",
                "country": "BE",
                "categories": ["financial.account"],
            },
            "category-not-allowed-for-purpose",
        ),
        (
            {**logistics, "recipient": "hotels", "country": "BE", "source": "tawk"},
            "disclosure-prohibited",
        ),
    ]
    for question, reason in questions:
        assert reasons(await ask(client, people, **question)) == [reason, reason]


async def test_a_question_in_words_that_do_not_exist_is_a_problem(
    client: httpx.AsyncClient,
) -> None:
    people = ids(await register(client))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"purpose": "holidays", "recipient": "hotels"}, "purpose-unknown"),
        (
            {"purpose": "event_logistics", "recipient": "hotels", "categories": ["diet"]},
            "category-unknown",
        ),
        (
            {"purpose": "event_logistics", "recipient": "hotels", "source": "nowhere"},
            "source-unknown",
        ),
    ]
    for question, code in wrong:
        body = {"subjects": people, **question}
        refused = await post(client, "/v1/permissions:check", body, status=422)
        assert refused["type"] == f"/problems/{code}"


async def test_the_answer_stands_at_the_head_and_writes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    person = await register(client)
    receipt = await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    before = await count_events(database)

    told = await ask(client, ids(person), purpose="event_logistics", recipient="contact_db")

    assert told["position"] == receipt["position"]
    assert await count_events(database) == before


async def test_the_advice_agrees_with_the_record(
    client: httpx.AsyncClient, service: Service
) -> None:
    """What is allowed here is recorded there; what is refused is refused for the same reason."""
    await arrange(service, "mailchimp", "azavista", mechanism=None)
    person = await register(client, "newsletter", "event_logistics", "network_exchange")
    uses = [
        ("event_logistics", "azavista", "BE"),
        ("event_logistics", "hotels", "US"),
        ("network_exchange", "members", "BE"),
        ("newsletter", "mailchimp", None),
        ("network_exchange", "basecamp", None),
    ]
    for purpose, recipient, country in uses:
        body = share(recipient, purpose=purpose, country=country)
        told = await ask(
            client,
            ids(person),
            purpose=purpose,
            recipient=recipient,
            country=country,
            categories=body["categories"],
        )
        recorded = await client.post(f"{person}/disclosures", json=body)

        [reason] = reasons(told)
        expected = "201" if reason is None else f"/problems/{reason}"
        found = "201" if recorded.status_code == 201 else recorded.json()["type"]
        assert found == expected


@pytest.mark.clause("C73", "L43")
async def test_no_withdrawal_is_lost_to_the_cache_of_another_process(
    database: Database, tmp_path: Path
) -> None:
    """DESIGN 7: a withdrawal acknowledged by one process is known to every answer given after."""
    async with serving(database, tmp_path) as first, serving(database, tmp_path) as second:
        await arrange(first, "mailchimp")
        one, other = [await caller(each, tmp_path) for each in (first, second)]
        async with one, other:
            people = [await register(one, "newsletter", verification=None) for _ in range(8)]
            for person in people:
                await post(one, f"{person}/consents", consent())
                for warm in (one, other):
                    assert reasons(await ask(warm, ids(person), **NEWSLETTER)) == [None]
                await get(other, f"{person}/consents")

                withdrawal = {"source": "self_service"}
                await post(one, f"{person}/consents/newsletter/withdrawal", withdrawal)

                assert reasons(await ask(other, ids(person), **NEWSLETTER)) == [
                    "subject-suppressed"
                ]


@pytest.mark.clause("C73", "L43")
async def test_no_answer_is_older_than_the_position_it_states(
    database: Database, tmp_path: Path
) -> None:
    """While one process gives and withdraws, each answer of another fits the log as it says."""
    async with serving(database, tmp_path) as first, serving(database, tmp_path) as second:
        await arrange(first, "mailchimp")
        one, other = [await caller(each, tmp_path) for each in (first, second)]
        async with one, other:
            person = await register(one, "newsletter")
            history: list[tuple[int, bool]] = []

            async def write() -> None:
                for number in range(12):
                    if number % 2:
                        path = f"{person}/consents/newsletter/withdrawal"
                        told = await post(one, path, {"source": "self_service"})
                    else:
                        told = await post(one, f"{person}/consents", consent())
                    history.append((told["position"], number % 2 == 0))

            writing = asyncio.create_task(write())
            answers: list[tuple[int, bool]] = []
            while not writing.done():
                acknowledged = history[-1][0] if history else -1
                told = await ask(other, ids(person), **NEWSLETTER)
                assert told["position"] >= acknowledged
                answers.append((told["position"], told["answers"][0]["allowed"]))
            await writing

        assert answers
        for position, allowed in answers:
            before = [state for at, state in history if at <= position]
            assert allowed is (before[-1] if before else False)


async def test_ten_thousand_people_are_answered_at_once(client: httpx.AsyncClient) -> None:
    people = ids(await register(client)) + [str(uuid4()) for _ in range(9_999)]
    question = {"purpose": "event_logistics", "recipient": "contact_db"}

    told = await ask(client, people, **question)
    too_many = await post(
        client, "/v1/permissions:check", {"subjects": [*people, people[0]], **question}, status=422
    )

    assert reasons(told) == [None] + ["subject-unknown"] * 9_999
    assert too_many["type"] == "/problems/validation"
