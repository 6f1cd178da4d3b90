"""What mail servers tell of our mails, recorded as if a human had entered it (RFC 3464; L29)."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.auth import Scope
from app.domain.mails import MailState
from app.propagation.delivery_reports import SIZE_MAX
from app.service import Service
from tests.api.mailbox import Mailbox, mailing
from tests.api.test_mails import EMAIL, posted, registered, stands
from tests.api.test_notices import caught_up, events_of, kinds, listed
from tests.api.test_notices import registered as told_of
from tests.conftest import Database
from tests.propagation.relay import ReportingRelay, relaying, sender_to
from tests.propagation.reports import EXIM, OURS, SAID, on_the_wire, returned, written
from tests.serving import Api, count_events, event_types

PATH = "/v1/mails/delivery-reports"
RFC822 = {"content-type": "message/rfc822"}


async def tell(client: httpx.AsyncClient, report: bytes, **headers: str) -> httpx.Response:
    """A report is handed in; nothing of it is ever in the answer."""
    answer = await client.post(PATH, content=report, headers={**RFC822, **headers})
    assert EMAIL not in answer.text
    assert SAID not in answer.text
    return answer


async def left(client: httpx.AsyncClient, service: Service, database: Database) -> Any:
    """A person, a mail to them that left, its bytes, and the worker that sent it."""
    person = await registered(client)
    mail = await posted(service, person)
    mailbox = Mailbox()
    worker = mailing(service, mailbox)
    await worker.turn()
    await caught_up(database)
    return person, mail, mailbox.raw[0], worker


@pytest.mark.clause("C80", "L9", "L27")
async def test_a_mail_that_a_server_returns_is_a_task_to_print(
    client: httpx.AsyncClient, service: Service, database: Database, tmp_path: Path
) -> None:
    """Over a real relay and back: found by what it received, delayed first, then given up."""
    person = await registered(client)
    mail = await posted(service, person, attached=True)
    async with relaying(tmp_path) as relay:
        worker = mailing(service, sender_to(relay))
        await worker.turn()
    await caught_up(database)
    [arrived] = relay.arrived

    delayed = await tell(client, returned(arrived.raw, action="delayed", status="4.4.1"))
    assert await stands(service, person, mail) is MailState.DELAYED
    bounced = await tell(client, returned(arrived.raw))
    await worker.turn()
    [task] = (await client.get("/v1/mail-tasks")).json()["items"]

    assert (delayed.status_code, bounced.status_code) == (201, 201)
    assert (delayed.json()["outcome"], delayed.json()["status_code"]) == ("delayed", "4.4.1")
    told = bounced.json()
    assert (told["mail"], told["outcome"], told["status_code"]) == (str(mail), "bounced", "5.1.1")
    assert [one["type"] for one in told["events"]] == ["mail.bounced"]
    assert told["subject_id"] == str(person)
    assert await stands(service, person, mail) is MailState.BOUNCED
    assert (task["mail"], task["reason"]) == (str(mail), "returned")
    paper = await client.get(f"/v1/subjects/{person}/mails/{mail}/letter")
    assert paper.content.startswith(b"%PDF")


@pytest.mark.clause("L9")
async def test_a_relay_that_was_asked_to_tell_names_the_mail_by_our_envelope_id(
    client: httpx.AsyncClient, service: Service, database: Database, tmp_path: Path
) -> None:
    """RFC 3461: also where it has put a Message-ID of its own in the place of ours."""
    person = await registered(client)
    mail = await posted(service, person)
    async with relaying(tmp_path, kind=ReportingRelay) as relay:
        await mailing(service, sender_to(relay)).turn()
    await caught_up(database)
    [arrived] = relay.arrived
    [envelope_id] = [one[6:] for one in arrived.asked if one.startswith("ENVID=")]
    report = returned(arrived.raw.replace(mail.hex.encode(), b"its-own"))

    assert (await tell(client, report)).json()["type"] == "/problems/delivery-report-foreign"
    named = report.replace(
        b"Reporting-MTA:", f"Original-Envelope-Id: {envelope_id}\r\nReporting-MTA:".encode()
    )
    assert (await tell(client, named)).status_code == 201
    assert await stands(service, person, mail) is MailState.BOUNCED


@pytest.mark.clause("L29", "L45")
async def test_a_notice_that_a_server_returns_is_owed_again(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    person = await told_of(client)
    await client.post(f"/v1/subjects/{person}/notices/mail", json={"kind": "obtained"})
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    await caught_up(database)
    assert (await service.ledger.state(person)).notices.informed

    assert (await tell(client, returned(mailbox.raw[0]))).status_code == 201
    await caught_up(database)
    state = await service.ledger.state(person)

    assert kinds(await events_of(service, person))[-2:] == ["mail.bounced", "notice.returned"]
    assert not state.notices.informed
    assert not state.mails.objection_told
    [due] = await listed(client, "/v1/notices-due")
    assert due["subject_id"] == str(person)


@pytest.mark.clause("L9")
async def test_what_is_told_twice_or_too_late_changes_nothing(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """Under the same key it is the first answer again; under another one nothing is left to do."""
    person, mail, raw, _ = await left(client, service, database)
    delayed = returned(raw, action="delayed", status="4.4.1")
    bounced = returned(raw)
    key = {"idempotency-key": str(uuid4())}

    first = await tell(client, bounced, **key)
    count = await count_events(database)
    again, anew, late = (
        await tell(client, bounced, **key),
        await tell(client, bounced),
        await tell(client, delayed),
    )
    arrived = await tell(client, returned(raw, action="delivered", status="2.0.0"))
    other = await tell(client, delayed, **key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["events"] == first.json()["events"]
    assert again.headers["idempotent-replayed"] == "true"
    for one in (anew, late, arrived):
        assert (one.status_code, one.json()["events"]) == (200, [])
    assert late.json()["outcome"] == "delayed"
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    assert await count_events(database) == count
    assert await stands(service, person, mail) is MailState.BOUNCED


@pytest.mark.clause("L9")
async def test_a_late_report_undoes_neither_an_arrival_nor_a_letter(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    person, mail, raw, worker = await left(client, service, database)
    delayed = returned(raw, action="delayed", status="4.4.1")
    arrived = returned(raw, action="delivered", status="2.0.0")

    statuses = [(await tell(client, one)).status_code for one in (delayed, arrived, delayed)]
    assert statuses == [201, 201, 200]
    assert await stands(service, person, mail) is MailState.SENT

    assert (await tell(client, returned(raw))).status_code == 201
    outcome = f"/v1/subjects/{person}/mails/{mail}/outcome"
    assert (await client.post(outcome, json={"outcome": "posted"})).status_code == 201
    assert (await tell(client, returned(raw))).status_code == 200
    await worker.turn()
    assert (await client.get("/v1/mail-tasks")).json()["items"] == []
    assert (await event_types(database))[-4:] == [
        *("mail.bounced", "mail.delivered"),
        *("mail.bounced", "mail.sent"),
    ]


@pytest.mark.clause("L9")
async def test_a_report_of_an_earlier_attempt_is_none_of_the_later_one(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """A folder of reports is read again from its beginning, after a human had the mail retried."""
    person, mail, raw, worker = await left(client, service, database)
    old = returned(raw).replace(
        b"X-Postfix", b"Arrival-Date: Mon, 01 Jan 2024 10:00 +0000\r\nX-P", 1
    )
    assert (await tell(client, old)).status_code == 201
    await client.post(f"/v1/subjects/{person}/mails/{mail}/outcome", json={"outcome": "retry"})

    early = await tell(client, returned(raw))
    await worker.turn()
    repeated = await tell(client, old)
    assert (early.status_code, early.json()["type"]) == (409, "/problems/mail-not-left")
    assert (repeated.status_code, repeated.json()["events"]) == (200, [])
    assert await stands(service, person, mail) is MailState.SENT
    assert (await tell(client, returned(raw))).status_code == 201
    assert await stands(service, person, mail) is MailState.BOUNCED


async def test_what_is_no_report_of_a_mail_of_ours_is_told_as_such(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """Nobody is told that a mail is unknown before the register has read the whole log."""
    person = await registered(client)
    mail = await posted(service, person)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    behind = await tell(client, returned(mailbox.raw[0]))
    await caught_up(database)
    count = await count_events(database)
    unknown = on_the_wire(written(EXIM, ours=OURS))
    wrong = {
        b"": "delivery-report-unreadable",
        b"Subject: Away\r\n\r\nI am back in May.": "delivery-report-unreadable",
        unknown: "delivery-report-foreign",
        on_the_wire(written(EXIM, ours="<1@stad.example>")): "delivery-report-foreign",
        b"x" * (SIZE_MAX + 1): "body-too-large",
    }

    assert behind.json()["type"] == "/problems/projection-lagging"
    for content, slug in wrong.items():
        assert (await tell(client, content)).json()["type"] == f"/problems/{slug}"
    for kind in ("application/json", "multipart/form-data; boundary=b", "text/plain"):
        answer = await tell(client, unknown, **{"content-type": kind})
        assert answer.status_code == 415
    unnamed = await tell(client, unknown, **{"idempotency-key": " "})
    assert unnamed.json()["type"] == "/problems/idempotency-key-invalid"
    assert await count_events(database) == count
    assert await stands(service, person, mail) is MailState.SENT


async def test_a_key_that_lies_on_a_mail_server_reports_and_reads_nothing(
    api: Api, client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """And whoever may read and settle letters hands in no report without the scope for it."""
    person, mail, raw, _ = await left(client, service, database)
    report = returned(raw)

    async with await api.client([Scope.MAILS_REPORT]) as server:
        message = await server.get(f"/v1/subjects/{person}/mails/{mail}/message")
        outcome = f"/v1/subjects/{person}/mails/{mail}/outcome"
        settled = await server.post(outcome, json={"outcome": "posted"})
        assert (message.status_code, settled.status_code) == (403, 403)
        assert (await tell(server, report)).status_code == 201
    async with await api.client([Scope.MAILS_SEND]) as desk:
        assert (await tell(desk, report)).status_code == 403
    async with api.anonymous() as nobody:
        assert (await tell(nobody, report)).status_code == 401


async def test_of_many_reports_at_once_one_is_recorded(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """Each is decided on what the others have recorded."""
    person, mail, raw, _ = await left(client, service, database)
    other = UUID(int=mail.int ^ 1)
    report = returned(raw)

    answers = await asyncio.gather(*(tell(client, report) for _ in range(4)))
    await caught_up(database)
    foreign = report.replace(mail.hex.encode(), other.hex.encode())

    assert sorted(one.status_code for one in answers) == [200, 200, 200, 201]
    assert (await tell(client, foreign)).json()["type"] == "/problems/delivery-report-foreign"
    assert (await event_types(database)).count("mail.bounced") == 1
    assert await stands(service, person, mail) is MailState.BOUNCED
