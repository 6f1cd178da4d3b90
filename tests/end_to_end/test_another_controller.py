"""A controller that is not the first one: its own policy file, and no change of code.

The choir of `samples/` has other purposes, recipients, periods, ages and sentences. Whatever the
program said or did of its own accord that only the first policy says would show here.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.service import Service
from app.settings import Settings
from tests.api.mailbox import Mailbox, mailing
from tests.conftest import ROOT, Database
from tests.rights.people import get, post
from tests.serving import Api, serving

SAMPLE = ROOT / "samples" / "choir-1.toml"
EMAIL = "lieve@koorlid.example"
SINGER = {
    "contact.name": "Lieve Voorbeeld",
    "contact.email": EMAIL,
    "profile.language": "nl",
    "voice.part": "alto",
}
BOARD = {"source": "board"}
PRINTED = {"recipients": ["printer"], "purpose": "programme", "categories": ["contact.name"]}


@pytest_asyncio.fixture
async def choir(database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """A service that has never known another policy."""
    async with serving(database, tmp_path, structure=SAMPLE.read_bytes()) as service:
        text = SAMPLE.with_suffix(".nl.txt").read_bytes()
        await service.pool.execute(
            "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)",
            "choir-1",
            SAMPLE.read_bytes(),
            ["nl"],
            [text],
        )
        yield service


@pytest_asyncio.fixture
async def api(choir: Service, tmp_path: Path) -> Api:
    return Api(choir, Settings(home=tmp_path))


@pytest_asyncio.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with await api.client() as client:
        yield client


async def singer(client: httpx.AsyncClient, **data: str) -> str:
    """Somebody who joined by the website's form."""
    form = {
        "source": "registration_form",
        "verification": "link",
        "obtained": [{"purpose": "rehearsals", "data": SINGER | data}],
        "relationships": [{"kind": "singer"}],
        "notice": {"policy": "choir-1", "language": "nl", "channel": "form"},
    }
    receipt = await post(client, "/v1/subjects", form)
    return f"/v1/subjects/{receipt['subject_id']}"


@pytest.mark.clause("C65", "C70", "L31", "L41", "L44")
async def test_a_singer_is_printed_objects_is_told_and_is_forgotten(
    client: httpx.AsyncClient,
) -> None:
    person = await singer(client)
    name = {"contact.name": SINGER["contact.name"]}
    await post(client, f"{person}/collections", {"purpose": "programme", "data": name, **BOARD})
    dues = {"purpose": "bookkeeping", "data": {"dues.paid": "2026: 60 EUR"}, **BOARD}
    await post(client, f"{person}/collections", dues)
    unsigned = await post(client, f"{person}/disclosures", {**PRINTED, **BOARD}, status=409)
    paper = {"kind": "processing", "since": "2026-01-01"}
    await post(client, "/v1/recipients/printer/contracts", paper)
    await post(client, f"{person}/disclosures", {**PRINTED, **BOARD})
    await post(client, f"{person}/objections", {"purpose": "programme", **BOARD})
    resting = await post(client, f"{person}/disclosures", {**PRINTED, **BOARD}, status=409)

    report = await get(client, f"{person}/access-report")
    package = await get(client, f"{person}/portability-package", format="json")
    page = await client.get(f"{person}/access-report", params={"format": "html"})
    plan = await get(client, f"{person}/erasure/preview")
    status = (await post(client, f"{person}/erasure", BOARD))["erasure"]

    assert unsigned["type"] == "/problems/contract-missing"
    assert resting["type"] == "/problems/objected"
    named = {one["title"] for one in report["parts"]["sharing"]["recipients"]}
    assert named == {"Printer of the programme"}
    assert set(SINGER.values()) <= {one["value"] for one in package["data"]}
    assert "Koor Zomerwind" in page.text
    assert "impel" not in (page.text + str(report) + str(package)).lower()
    assert {one["retention_class"] for one in plan["retained"]} == {"books"}
    assert status["untold"] == ["printer"]


@pytest.mark.clause("C74", "C75", "L19")
@pytest.mark.parametrize(("born", "status"), [("2013-01-01", 201), ("2020-01-01", 422)])
async def test_the_choir_takes_singers_from_its_own_age_on(
    client: httpx.AsyncClient, born: str, status: int
) -> None:
    """Thirteen here, whatever the first policy promises."""
    form = {
        "source": "registration_form",
        "obtained": [{"purpose": "rehearsals", "data": SINGER | {"identity.birth_date": born}}],
    }
    answered = await client.post("/v1/subjects", json=form)
    assert answered.status_code == status


@pytest.mark.clause("C25", "C82", "L12")
async def test_its_public_form_asks_in_its_own_words_for_its_own_letter(
    api: Api, choir: Service
) -> None:
    mailbox = Mailbox()
    async with api.anonymous() as anonymous:
        wording = (await anonymous.get("/v1/newsletter/wording?language=nl")).json()
        fallen_back = (await anonymous.get("/v1/newsletter/wording?language=fi")).json()
        form = await anonymous.get("/newsletter", params={"language": "nl"})
        wish = {"email": EMAIL, "wording_sha256": wording["sha256"]}
        await anonymous.post("/v1/newsletter/sign-ups", json=wish)
        await mailing(choir, mailbox).turn()
        [link] = mailbox.links("confirm")
        confirmed = await anonymous.post(link)
    held = await choir.lookups.subject_of("email", EMAIL)

    assert (wording["purpose"], fallen_back["language"]) == ("friends_letter", "en")
    assert wording["text"] in form.text
    assert "IMPEL" not in form.text + str(mailbox.received)
    assert confirmed.status_code == 200
    assert held is not None
    state = await choir.ledger.state(held)
    assert state.consents.of("friends_letter").proof is not None


@pytest.mark.clause("C82")
async def test_where_nothing_can_be_signed_up_for_the_form_says_so(
    database: Database, tmp_path: Path
) -> None:
    silent = SAMPLE.read_text().partition("[[wordings]]")[0].encode()
    async with (
        serving(database, tmp_path, structure=silent) as service,
        Api(service, Settings(home=tmp_path)).anonymous() as anonymous,
    ):
        wording = await anonymous.get("/v1/newsletter/wording")
        form = await anonymous.get("/newsletter", params={"language": "nl"})

    assert (wording.status_code, form.status_code) == (404, 404)
    assert wording.json()["type"] == "/problems/not-found"
    assert "bestuur@koor-zomerwind.example" in form.text


REGISTERS = (
    "consents",
    "deadlines",
    "disclosures",
    "findings",
    "impact-assessments",
    "notices",
    "objections",
    "processing-records",
    "recipients",
    "retention-due",
    "suppressions",
    "policies/choir-1/findings",
)


@pytest.mark.clause("L30", "L48")
@pytest.mark.parametrize("register", REGISTERS)
async def test_every_register_answers_without_a_word_of_another_policy(
    client: httpx.AsyncClient, register: str
) -> None:
    """In a language of which the linter knows no words, too."""
    await singer(client)
    answered = await client.get(f"/v1/{register}", headers={"purpose": "rights_requests"})
    body: dict[str, Any] = answered.json()

    assert answered.status_code == 200, body
    assert "impel" not in answered.text.lower()
