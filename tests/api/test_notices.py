"""Notices and versions: what people are told, by when, what changed, and how to say no (C79)."""

import asyncio
import base64
import json
from datetime import datetime, timedelta
from html import escape
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.clock import Clock, system_clock
from app.domain.consents import ImportUnprovenConsent
from app.domain.control import PublishPolicy
from app.domain.permissions import permission
from app.domain.subject import SUBJECT, fold
from app.events.declare import type_of
from app.events.mails import MailQueued
from app.policy.loader import load, load_packaged, packaged_structure
from app.policy.wordings import wording_shown
from app.projections import PROJECTIONS
from app.propagation.linked import Linked, LinkUnknown
from app.propagation.public_texts import languages, said
from app.receipts import Attribution
from app.rights.consent_expiry import ExpiringConsents
from app.service import Service
from app.store.connection import connect
from app.vault.link_tokens import LinkKind
from tests.api.mailbox import Mailbox, mailing
from tests.conftest import Database
from tests.projections.catching_up import catch_up
from tests.serving import Api, event_types

BY = Attribution(by="tests")
EMAIL = "asa.oberg@forvaltning.example"
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def published(service: Service, *changes: tuple[bytes, bytes], version: str) -> None:
    """A later version of the packaged policy, changed in some places."""
    structure = packaged_structure("impel-1")
    named = f'version = "{version}"'.encode()
    for before, after in ((b'version = "impel-1"', named), *changes):
        assert before in structure
        structure = structure.replace(before, after, 1)
    policy = load(structure)
    await service.pool.execute(
        "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)", policy.version, structure, [], []
    )
    command = PublishPolicy(
        version=policy.version,
        structure=policy.sha256,
        texts={language: text.sha256 for language, text in policy.texts.items()},
        effective_from=policy.effective_from,
    )
    await service.control.execute(command, BY, policy=policy)


async def registered(client: httpx.AsyncClient, source: str = "member_organisation") -> UUID:
    """Somebody of whom another told us."""
    body: dict[str, Any] = {
        "source": source,
        "verification": "link",
        "obtained": [
            {
                "purpose": "network_exchange",
                "data": {
                    "contact.name": "Åsa Öberg",
                    "contact.email": EMAIL,
                    "profile.language": "sv",
                },
            }
        ],
    }
    return UUID((await client.post("/v1/subjects", json=body)).json()["subject_id"])


def kinds(events: Any) -> list[str]:
    """The wire names of events."""
    return [type_of(one.event).name for one in events]


async def events_of(service: Service, person: UUID) -> Any:
    """The person's stream."""
    return (await service.store.read_stream(person)).events


async def listed(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """The rows of a register."""
    answer = await client.get(path, headers={"purpose": "rights_requests"})
    assert answer.status_code == 200
    rows: list[dict[str, Any]] = answer.json()["items"]
    return rows


async def caught_up(database: Database) -> None:
    """The read models hold everything."""
    connection = await connect(database.dsn("ledger_projector"))
    try:
        for projection in PROJECTIONS:
            await catch_up(connection, projection)
    finally:
        await connection.close()


@pytest.mark.clause("L29", "L45", "C15")
async def test_who_was_told_of_by_others_is_told_within_a_month(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """Listed with the last day, told by a mail with the right to object, and listed no more."""
    person = await registered(client)
    await caught_up(database)
    [due] = await listed(client, "/v1/notices-due")
    shared = {
        "recipients": ["members"],
        "purpose": "network_exchange",
        "categories": ["contact.name"],
        "country": "BE",
    }
    refused = await client.post(f"/v1/subjects/{person}/disclosures", json=shared)

    assert due["subject_id"] == str(person)
    assert due["sources"] == ["member_organisation"]
    assert (due["overdue"], refused.json()["type"]) == (False, "/problems/notice-missing")

    posted = await client.post(f"/v1/subjects/{person}/notices/mail", json={"kind": "obtained"})
    assert posted.status_code == 201
    assert "notice.shown" not in kinds(await events_of(service, person))
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    await caught_up(database)

    [(to, message)] = mailbox.received
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert to == EMAIL
    assert message["Content-Language"] == "sv"
    assert "Din rätt att göra invändningar" in text
    [queued] = [
        one.event for one in await events_of(service, person) if isinstance(one.event, MailQueued)
    ]
    assert queued.objection is not None
    assert kinds(await events_of(service, person))[-2:] == ["mail.sent", "notice.shown"]
    assert await listed(client, "/v1/notices-due") == []
    [shown] = await listed(client, "/v1/notices")
    assert (shown["policy"], shown["language"], shown["channel"]) == ("impel-1", "sv", "email")
    [mail] = await listed(client, "/v1/mails?state=sent")
    assert (mail["kind"], mail["channel"], mail["message"]) == ("notice", "smtp", queued.message)


@pytest.mark.clause("L29", "L45")
async def test_who_was_not_reached_by_a_notice_is_owed_it_again(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """A mail that came back told nobody: neither of the data nor of the right to object."""
    person = await registered(client)
    owed = {"kind": "obtained"}
    await client.post(f"/v1/subjects/{person}/notices/mail", json=owed)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    await caught_up(database)
    then = await service.store.head_position()
    [mail] = await listed(client, "/v1/mails?state=sent")
    outcome = f"/v1/subjects/{person}/mails/{mail['mail']}/outcome"

    delayed = await client.post(outcome, json={"outcome": "delayed"})
    assert delayed.status_code == 201
    assert (await service.ledger.state(person)).notices.informed
    for _ in range(2):
        await client.post(outcome, json={"outcome": "bounced"})
    state = await service.ledger.state(person)
    await caught_up(database)

    assert kinds(await events_of(service, person))[-1] == "notice.returned"
    assert not state.notices.informed
    assert not state.mails.objection_told
    [due] = await listed(client, "/v1/notices-due")
    [clock] = await listed(client, "/v1/deadlines?kind=notice")
    assert due["subject_id"] == clock["subject_id"] == str(person)
    await caught_up(database)
    assert await listed(client, f"/v1/deadlines?kind=notice&as_of={then}") == []
    [returned] = await listed(client, "/v1/notices")
    assert (returned["returned"], returned["until"] is None) == (True, False)

    await client.post(outcome, json={"outcome": "retry"})
    await mailing(service, mailbox).turn()
    await caught_up(database)
    assert kinds(await events_of(service, person))[-2:] == ["mail.sent", "notice.shown"]
    assert await listed(client, "/v1/deadlines?kind=notice") == []


@pytest.mark.clause("L29")
async def test_who_gave_the_data_themselves_is_owed_no_notice_of_article_14(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    person = await registered(client, "registration_form")
    await caught_up(database)

    posted = await client.post(f"/v1/subjects/{person}/notices/mail", json={"kind": "obtained"})

    assert await listed(client, "/v1/notices-due") == []
    assert posted.status_code == 409
    assert posted.json()["type"] == "/problems/notice-not-owed"


@pytest.mark.clause("C76", "C77", "C4", "L77")
async def test_the_archive_is_public_and_says_what_changed(api: Api, service: Service) -> None:
    await published(
        service,
        (b'title = "Sending the newsletter"', b'title = "Sending the monthly newsletter"'),
        version="impel-2",
    )
    anybody = api.anonymous()

    page = await anybody.get("/privacy", headers={"accept-language": "sv"})
    changes = await anybody.get("/privacy/impel-2/changes/impel-1?language=fr")
    told = (await anybody.get("/v1/policies/impel-2/diff/impel-1")).json()
    older = (await anybody.get("/v1/policies/impel-1")).json()

    assert page.status_code == changes.status_code == 200
    assert 'lang="sv"' in page.text
    assert "/privacy/impel-2/changes/impel-1" in page.text
    assert page.text.index("impel-2") < page.text.index(">impel-1<")
    assert "Sending the monthly newsletter" in changes.text
    assert "Modifié" in changes.text
    assert {
        "where": "purposes.newsletter.title",
        "kind": "changed",
        "before": "Sending the newsletter",
        "after": "Sending the monthly newsletter",
    } in told["changes"]
    assert told["texts"] == [{"language": "sv", "same": True, "lines": None}]
    assert older["version"] == "impel-1"
    for place in (
        "/v1/policies/impel-2/diff/impel-9",
        "/privacy/impel-9/sv",
        "/privacy/x/changes/y",
    ):
        assert (await anybody.get(place)).status_code == 404


@pytest.mark.clause("C78", "C79", "L37", "L45")
async def test_a_new_policy_is_told_and_refused_with_one_button(
    client: httpx.AsyncClient, api: Api, service: Service, database: Database
) -> None:
    """Nothing is taken for acceptance; a refusal is a request with the trigger `policy_change`."""
    person = await registered(client, "registration_form")
    shown = {"policy": "impel-1", "language": "sv", "channel": "form"}
    await client.post(f"/v1/subjects/{person}/notices", json=shown)
    await published(
        service, (b'title = "Sending the newsletter"', b'title = "Sending news"'), version="impel-2"
    )
    before = len(await event_types(database))
    notice = {"kind": "policy_change"}
    posted = await client.post(f"/v1/subjects/{person}/notices/mail", json=notice)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    [(_, message)] = mailbox.received
    [link] = mailbox.links("policy-change")
    again = await client.post(f"/v1/subjects/{person}/notices/mail", json=notice)

    assert (posted.status_code, again.status_code) == (201, 409)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (await event_types(database))[before:] == ["mail.queued", "mail.sent", "notice.shown"]

    anybody = api.anonymous()
    for _ in range(3):
        assert (await anybody.get(link)).status_code == 200
    assert (await anybody.post(link)).status_code == 200
    assert len(await event_types(database)) == before + 3

    left = await anybody.post(link, content="choice=erase", headers=FORM)
    state = fold(SUBJECT.initial, await events_of(service, person))
    [erasure] = state.erasures.by_id.values()
    assert left.status_code == 200
    assert (erasure.trigger, erasure.stage) == ("policy_change", "requested")
    assert state.collections.held
    await anybody.post(link, content="choice=erase", headers=FORM)
    await caught_up(database)
    [due] = await listed(client, "/v1/deadlines?kind=rights_request")
    [request] = (await service.ledger.state(person)).rights_requests.by_id.values()
    asked = (request.right, request.trigger, request.channel, request.verified)
    assert asked == ("erasure", "policy_change", "web", True)
    assert due["subject_id"] == str(person), "somebody has to see to it, until a day that is told"
    await mailing(service, mailbox).turn()
    [(_, confirmed)] = mailbox.received[1:]
    assert confirmed["Content-Language"] == "en"

    await anybody.post(link, content="choice=object", headers=FORM)
    objections = (await service.ledger.state(person)).objections.by_id
    assert len(objections) == 1

    token = link.rpartition("/")[2]
    linked = Linked(service.ledger, service.correspondence.links)
    now = service.ledger.clock()
    for days, expected in ((364, True), (366, False)):
        service.ledger.clock = standing_at(now + timedelta(days=days))
        assert await works(linked, token) is expected, "a year, and no longer"
    service.ledger.clock = standing_at(now)
    await published(
        service, (b'title = "Sending the newsletter"', b'title = "Post"'), version="impel-3"
    )
    assert not await works(linked, token), "another version is in force"


@pytest.mark.clause("C76", "C78")
async def test_the_mail_says_what_is_new_in_words(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Nobody but us knows the keys of the policy file."""
    _, _, mailbox = await refusing(client, service)
    [(_, message)] = mailbox.received
    body = message.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())

    assert "Ändrat: Ändamål: Sending news" in text
    assert "purposes." not in text


@pytest.mark.clause("C79", "C62")
async def test_the_link_of_somebody_erased_has_no_buttons_any_more(
    client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    person, link, _ = await refusing(client, service)
    assert "<button" in (await api.anonymous().get(link)).text
    path = f"/v1/subjects/{person}/erasure"
    erased = await client.post(path, json={"source": "secretariat"})
    assert erased.status_code in (200, 201), erased.text

    for answer in (
        await api.anonymous().get(link),
        await api.anonymous().post(link, content="choice=object", headers=FORM),
    ):
        assert answer.status_code == 404
        assert "<button" not in answer.text


async def refusing(
    client: httpx.AsyncClient, service: Service, *, accounts: tuple[str, ...] = ()
) -> tuple[UUID, str, Mailbox]:
    """Somebody who was told of a new policy by mail, the link in it, and their mailbox."""
    person = await registered(client, "registration_form")
    shown = {"policy": "impel-1", "language": "sv", "channel": "form"}
    await client.post(f"/v1/subjects/{person}/notices", json=shown)
    for system in accounts:
        account = {"account": str(uuid4()), "system": system, "source": "secretariat"}
        opened = await client.post(f"/v1/subjects/{person}/accounts", json=account)
        assert opened.status_code == 201, opened.text
    await published(
        service, (b'title = "Sending the newsletter"', b'title = "Sending news"'), version="impel-2"
    )
    await client.post(f"/v1/subjects/{person}/notices/mail", json={"kind": "policy_change"})
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("policy-change")
    return person, link, mailbox


@pytest.mark.clause("C79")
async def test_clicks_at_once_begin_one_request(
    client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    """Each is decided on what the others made, not on what was there when it was pressed."""
    person, link, _ = await refusing(client, service, accounts=("basecamp",))
    anybody = api.anonymous()
    clicks = [
        anybody.post(link, content=f"choice={choice}", headers=FORM)
        for choice in ["erase", "close", "object"] * 6
    ]

    answers = await asyncio.gather(*clicks)

    assert {one.status_code for one in answers} == {200}
    state = await service.ledger.state(person)
    rights = [one.right for one in state.rights_requests.by_id.values()]
    assert sorted(rights) == ["deactivate_account", "erasure"]
    assert (len(state.erasures.by_id), len(state.objections.by_id)) == (1, 1)


@pytest.mark.clause("C62", "C72", "C79")
async def test_accounts_alone_are_closed_with_one_button(
    client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    """One request a system, with its letter; nothing is erased, nothing is objected to."""
    person, link, mailbox = await refusing(client, service, accounts=("basecamp", "travelperk"))
    anybody = api.anonymous()
    for code in languages():
        page = await anybody.get(link, params={"language": code})
        assert escape(said(code)["refusal_close_text"]) in page.text
        assert 'value="close"' in page.text
    mailbox.received.clear()

    done = await anybody.post(f"{link}?language=fr", content="choice=close", headers=FORM)
    await mailing(service, mailbox).turn()
    state = await service.ledger.state(person)
    asked = state.rights_requests.by_id.values()

    assert done.status_code == 200
    assert [(one.right, one.system, one.trigger, one.verified) for one in asked] == [
        ("deactivate_account", "basecamp", "policy_change", True),
        ("deactivate_account", "travelperk", "policy_change", True),
    ]
    assert not state.erasures.by_id
    assert not state.objections.by_id
    letters = [message for _, message in mailbox.received]
    assert [one["Content-Language"] for one in letters] == ["fr", "fr"]
    assert all("compte" in str(one.get_body(("plain",))) for one in letters)


@pytest.mark.clause("C69", "C79")
async def test_where_no_account_is_on_record_the_desk_finds_the_systems(
    client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    """What somebody asks for is never dropped because the ledger does not know of it."""
    person, link, _ = await refusing(client, service)

    await api.anonymous().post(f"{link}?language=sv", content="choice=close", headers=FORM)
    [key] = (await service.ledger.state(person)).rights_requests.by_id
    headers = {"Purpose": "rights_requests"}
    shown = (await client.get(f"/v1/rights-requests/{key}", headers=headers)).json()

    assert (shown["right"], shown["trigger"]) == ("other", "policy_change")
    assert said("sv")["refusal_close_button"] in str(shown)


def standing_at(moment: datetime) -> Clock:
    """A clock that shows one moment."""
    return lambda: moment


async def works(linked: Linked, token: str) -> bool:
    """Whether a link about a policy still does anything."""
    try:
        await linked.read(token, LinkKind.POLICY)
    except LinkUnknown:
        return False
    return True


@pytest.mark.clause("L16", "L12", "C25")
async def test_an_unproven_subscriber_is_mailed_only_after_confirming(
    client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    person = await registered(client, "registration_form")
    collected = {
        "purpose": "newsletter",
        "data": {"contact.email": EMAIL},
        "source": "mailchimp",
    }
    await client.post(f"/v1/subjects/{person}/collections", json=collected)
    old = ImportUnprovenConsent(purpose="newsletter", source="mailchimp")
    await service.ledger.execute(person, old, BY)

    async def mailable() -> bool:
        state = await service.ledger.state(person)
        given = (await service.ledger.rules()).at(service.ledger.clock())
        answer = permission(state, "newsletter", "contact_db", ["contact.email"], given)
        return getattr(answer, "code", None) is None

    assert not await mailable()
    wording = wording_shown(load_packaged("impel-1"), "sv", system_clock().date())
    assert wording is not None
    asked = await client.post(
        f"/v1/subjects/{person}/consents/requests",
        json={
            "purpose": "newsletter",
            "wording_sha256": wording.digest,
            "language": "sv",
            "policy": "impel-1",
            "source": "secretariat",
        },
    )
    request = asked.json()["request"]
    place = f"/v1/subjects/{person}/consents/requests"
    assert (await client.post(f"{place}/{uuid4()}/mail", json={})).status_code == 409
    assert (await client.post(f"{place}/{request}/mail", json={})).status_code == 201
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("confirm")
    page = await api.anonymous().get(link)

    assert wording.text in page.text
    assert not await mailable()
    assert (await api.anonymous().post(link)).status_code == 200
    assert await mailable()
    assert (await api.anonymous().post(link)).status_code == 200


@pytest.mark.clause("L12", "C25")
async def test_a_signed_receipt_verifies_offline(client: httpx.AsyncClient) -> None:
    """With nothing but the public key: RFC 7515 by hand, and a changed byte is noticed."""
    person = await registered(client, "registration_form")
    consent = {
        "purpose": "newsletter",
        "wording_sha256": "ab" * 32,
        "language": "sv",
        "policy": "impel-1",
        "source": "registration_form",
        "method": "form",
        "occurred_at": "2026-11-22T10:00:00Z",
        "evidence": "form 7",
    }
    await client.post(f"/v1/subjects/{person}/consents", json=consent)
    signed = await client.get(
        f"/v1/subjects/{person}/consents/newsletter/receipt", params={"form": "signed"}
    )
    [key] = (await client.get("/v1/signing-keys")).json()["items"]

    def decoded(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    header, payload, signature = signed.text.split(".")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"]))
    public.verify(decoded(signature), f"{header}.{payload}".encode())
    told, receipt = json.loads(decoded(header)), json.loads(decoded(payload))
    assert signed.headers["content-type"] == "application/jose"
    assert (told["alg"], told["kid"]) == ("Ed25519", key["key_id"])
    assert told["cty"] == "application/ld+json"
    [record] = receipt["dpv:hasRecordOfActivity"]
    assert record["dpv:hasNotice"][0]["@id"] == f"urn:sha256:{'ab' * 32}"
    with pytest.raises(InvalidSignature):
        public.verify(decoded(signature), f"{header}.{payload}x".encode())


@pytest.mark.clause("L16", "C25")
async def test_a_consent_ends_on_the_day_after_the_last_that_the_policy_allows(
    client: httpx.AsyncClient, service: Service, database: Database, api: Api
) -> None:
    await published(
        service,
        (b'title = "Sending the newsletter"', b'title = "News"\nconsent_keep = "P1M"'),
        version="impel-2",
    )
    now = system_clock()
    last_day = now.date() - timedelta(days=1)
    over = last_day - timedelta(days=31)
    given = {"absorbed": over, "early": over, "late": now.date() - timedelta(days=20)}
    people: dict[str, UUID] = {}
    for number, (name, day) in enumerate(given.items()):
        body: dict[str, Any] = {
            "source": "registration_form",
            "obtained": [{"purpose": "network_exchange", "data": {"contact.name": f"P {number}"}}],
        }
        people[name] = UUID((await client.post("/v1/subjects", json=body)).json()["subject_id"])
        consent = {
            "purpose": "newsletter",
            "wording_sha256": "ab" * 32,
            "language": "sv",
            "policy": "impel-2",
            "source": "registration_form",
            "method": "form",
            "occurred_at": f"{day.isoformat()}T10:00:00Z",
            "evidence": "form 7",
        }
        path = f"/v1/subjects/{people[name]}/consents"
        assert (await client.post(path, json=consent)).status_code == 201
    pair = {"survivor": str(people["late"]), "absorbed": str(people["absorbed"])}
    merge = (await client.post("/v1/merges", json={**pair, "ground": "control"})).json()["merge"]
    async with await api.client() as approver:
        merged = await approver.post(f"/v1/merges/{merge}/approve", json=pair)
    assert merged.status_code == 201
    await caught_up(database)
    for _ in range(2):
        assert await ExpiringConsents(service.ledger, service.pool).carry_out()

    assert kinds(await events_of(service, people["early"])).count("consent.expired") == 1
    assert "consent.expired" not in kinds(await events_of(service, people["late"]))
    told = await client.get(f"/v1/subjects/{people['early']}/consents")
    [consent_told] = told.json()["consents"]
    assert (consent_told["status"], consent_told["in_force"]) == ("expired", False)
    receipt = await client.get(f"/v1/subjects/{people['early']}/consents/newsletter/receipt")
    [record] = receipt.json()["dpv:hasRecordOfActivity"]
    states = [one["@type"][0] for one in record["dpv:hasConsentStatus"]]
    assert states == ["dpv:ConsentGiven", "dpv:ConsentExpired"]
    lasting = record["dpv:hasConsentStatus"][0]["dpv:hasDuration"]
    assert lasting["@type"] == "dpv:TemporalDuration"
    await caught_up(database)
    rows = await listed(client, "/v1/consents?act=expired")
    assert [row["subject_id"] for row in rows] == [str(people["early"])]
