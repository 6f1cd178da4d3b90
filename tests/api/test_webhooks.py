"""Mailchimp's messages: obeyed for known, unknown, erased and not yet known people alike (C73)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from app.service import Service
from app.settings import Settings
from samples import mailchimp
from samples.people import Person, people
from tests.api.test_subjects import registered, registration
from tests.conftest import Database
from tests.serving import WEBHOOK_SECRET, Api, count_events, serving

ASA = people()[0]
PIA = people()[1]
PATH = f"/webhooks/mailchimp/{WEBHOOK_SECRET}"
FORM = {"content-type": "application/x-www-form-urlencoded"}
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


async def told(client: httpx.AsyncClient, body: bytes, path: str = PATH) -> httpx.Response:
    """Posts one message as Mailchimp does."""
    return await client.post(path, content=body, headers=FORM)


async def known(client: httpx.AsyncClient, person: Person, *, consent: bool = True) -> str:
    """Registers a person with a consent to the newsletter."""
    data = {"contact.name": person.name, "contact.email": person.email}
    subject_id = await registered(client, obtained=[{"purpose": "network_exchange", "data": data}])
    if consent:
        answer = await client.post(f"/v1/subjects/{subject_id}/consents", json=consent_body())
        assert answer.status_code == 201, answer.text
    return subject_id


def consent_body(occurred_at: str = "2026-11-01T10:00:00Z") -> dict[str, str]:
    """A consent with its whole evidence."""
    return {
        "purpose": "newsletter",
        "wording_sha256": "ab" * 32,
        "language": "sv",
        "policy": "impel-1",
        "method": "form",
        "source": "registration_form",
        "occurred_at": occurred_at,
        "evidence": "entry 12 of the sign-up form",
    }


async def test_the_probe_is_answered_and_a_wrong_secret_is_nobody_s(
    api: Api,
) -> None:
    async with api.anonymous() as mail:
        probe = await mail.get(PATH)
        wrong = await mail.get(PATH[:-1] + "x")
        other = await told(mail, mailchimp.unsubscribe(ASA, fired_at=AT), PATH[:-1] + "x")
        nowhere = await told(mail, b"", f"/webhooks/basecamp/{WEBHOOK_SECRET}")

    assert probe.status_code == 200
    assert {wrong.status_code, other.status_code, nowhere.status_code} == {404}
    assert wrong.json()["type"] == "/problems/not-found"


@pytest.mark.clause("C73", "C25", "L14", "L43")
async def test_an_unsubscribe_withdraws_the_consent_and_suppresses_at_once(
    api: Api, client: httpx.AsyncClient, service: Service
) -> None:
    subject_id = await known(client, ASA)

    async with api.anonymous() as mail:
        answer = await told(mail, mailchimp.unsubscribe(ASA, fired_at=AT))

    state = await service.ledger.state(UUID(subject_id))
    assert answer.status_code == 200
    assert not state.consents.of("newsletter").open
    assert "newsletter" in state.suppressions.purposes


@pytest.mark.clause("L41", "C73")
async def test_an_unsubscribe_of_an_unknown_person_registers_nobody_and_is_remembered(
    api: Api, client: httpx.AsyncClient, service: Service
) -> None:
    """Reversed order: the message comes before the person does."""
    async with api.anonymous() as mail:
        answer = await told(mail, mailchimp.unsubscribe(PIA, fired_at=AT))
    people_known = await service.pool.fetchval("SELECT count(*) FROM ledger.identifiers")
    subject_id = await known(client, PIA, consent=False)
    data = {"contact.email": PIA.email}
    newsletter = await client.post(
        "/v1/subjects",
        json=registration(obtained=[{"purpose": "newsletter", "data": data}]),
    )

    state = await service.ledger.state(UUID(subject_id))
    assert answer.status_code == 200
    assert people_known == 0
    assert newsletter.status_code == 202
    assert newsletter.json() == {"status": "suppressed"}
    assert state.registered


@pytest.mark.clause("C73", "L14")
async def test_a_repeated_message_appends_nothing(
    api: Api, client: httpx.AsyncClient, database: Database
) -> None:
    await known(client, ASA)
    body = mailchimp.unsubscribe(ASA, fired_at=AT)

    async with api.anonymous() as mail:
        await told(mail, body)
        before = await count_events(database)
        again = [await told(mail, body) for _ in range(3)]

    assert {answer.status_code for answer in again} == {200}
    assert await count_events(database) == before


@pytest.mark.clause("L16", "L13")
async def test_a_subscribe_creates_no_consent(
    api: Api, client: httpx.AsyncClient, service: Service
) -> None:
    subject_id = await known(client, ASA, consent=False)

    async with api.anonymous() as mail:
        answer = await told(mail, mailchimp.subscribe(ASA, fired_at=AT))
        nobody = await told(mail, mailchimp.subscribe(PIA, fired_at=AT))

    state = await service.ledger.state(UUID(subject_id))
    assert answer.status_code == nobody.status_code == 200
    assert state.consents.of("newsletter").unproven
    assert not state.consents.of("newsletter").proof
    assert await service.lookups.subject_of("email", PIA.email) is None


@pytest.mark.clause("C7")
async def test_an_address_change_rectifies(
    api: Api, client: httpx.AsyncClient, service: Service
) -> None:
    subject_id = await known(client, ASA)

    async with api.anonymous() as mail:
        answer = await told(mail, mailchimp.upemail(ASA, "asa.ny@forvaltning.example", fired_at=AT))

    assert answer.status_code == 200
    found = await service.lookups.subject_of("email", "asa.ny@forvaltning.example")
    assert str(found) == subject_id
    assert await service.lookups.subject_of("email", ASA.email) is None


async def test_an_address_that_is_somebody_else_s_moves_nothing_and_is_a_finding(
    api: Api, client: httpx.AsyncClient, service: Service
) -> None:
    """DESIGN 6: `identity-collision` on both records, with one occasion; the answer is 2xx."""
    asa, pia = await known(client, ASA), await known(client, PIA)

    async with api.anonymous() as mail:
        answer = await told(mail, mailchimp.upemail(ASA, PIA.email, fired_at=AT))

    findings = [
        finding
        for subject_id in (asa, pia)
        for finding in (await service.ledger.state(UUID(subject_id))).findings.open.values()
    ]
    assert answer.status_code == 200
    assert [finding.code.value for finding in findings] == ["identity-collision"] * 2
    assert len({finding.occasion for finding in findings}) == 1
    assert str(await service.lookups.subject_of("email", PIA.email)) == pia
    assert str(await service.lookups.subject_of("email", ASA.email)) == asa


@pytest.mark.clause("L43", "C73")
@pytest.mark.parametrize("reason", ["hard", "abuse"])
async def test_a_cleaned_address_is_an_objection(
    api: Api, client: httpx.AsyncClient, service: Service, reason: str
) -> None:
    subject_id = await known(client, ASA)

    async with api.anonymous() as mail:
        answer = await told(mail, mailchimp.cleaned(ASA, fired_at=AT, reason=reason))

    state = await service.ledger.state(UUID(subject_id))
    assert answer.status_code == 200
    assert state.objections.by_id
    assert "newsletter" in state.suppressions.purposes


async def test_a_campaign_changes_nothing_and_a_broken_body_is_refused(
    api: Api, database: Database
) -> None:
    async with api.anonymous() as mail:
        before = await count_events(database)
        sent = await told(mail, mailchimp.campaign(fired_at=AT))
        unknown = await told(mail, b"type=invented&fired_at=2026-11-20+09:30:00")
        broken = await told(mail, b"type=unsubscribe&data%5Bemail%5D=%FF")
        wrong = await mail.post(PATH, content=b"{}", headers={"content-type": "application/json"})
        large = await told(mail, b"a" * 70_000)

    assert sent.status_code == unknown.status_code == 200
    assert (broken.status_code, broken.json()["type"]) == (400, "/problems/webhook-malformed")
    assert wrong.status_code == 415
    assert large.status_code == 413
    assert await count_events(database) == before


async def test_a_configured_signature_is_demanded_fresh_and_right(
    database: Database, tmp_path: Path
) -> None:
    """S14: HMAC-SHA256 over time and raw body, 300 s tolerance; the path secret stays."""
    signing = tmp_path / "signing"
    signing.write_text("whsec-of-the-tests")
    settings = Settings(home=tmp_path, webhook_mailchimp_signing_secret_file=signing)
    body = mailchimp.campaign(fired_at=AT)
    async with serving(database, tmp_path, settings) as service:
        now = service.ledger.clock()
        async with Api(service, settings).anonymous() as mail:

            async def signed(at: datetime, secret: str) -> httpx.Response:
                header = mailchimp.signature(body, secret=secret, at=at)
                return await mail.post(
                    PATH, content=body, headers=FORM | {"x-mailchimp-signature": header}
                )

            answers = [
                await signed(now, "whsec-of-the-tests"),
                await signed(now - timedelta(seconds=301), "whsec-of-the-tests"),
                await signed(now, "another secret"),
                await told(mail, body),
            ]

    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    assert [answer.json()["type"] for answer in answers[1:]] == [
        "/problems/webhook-signature-stale",
        "/problems/webhook-signature-wrong",
        "/problems/webhook-signature-missing",
    ]
