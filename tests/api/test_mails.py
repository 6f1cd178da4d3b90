"""Mails on their way: tried, given up, taken over by a human, sent again after a crash (C80)."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.clock import system_clock
from app.documents.letters import Letter, LetterKind, compose
from app.domain.erasure_plan import EVERYTHING
from app.domain.mails import MailState, ObjectionRightUntold, QueueMail
from app.events.mails import MailFailure, MailKind
from app.propagation.linked import Linked
from app.propagation.mail import AddressMissing, Posting
from app.propagation.mailing import WAITS_S, Mailing
from app.propagation.smtp import Attempt, Handed
from app.receipts import Attribution
from app.rights.erasure import Erasing, ErasureOrder
from app.rights.retention import Retaining
from app.service import Service
from app.vault.link_tokens import Link, LinkKind
from tests.api.mailbox import Mailbox, mailing
from tests.conftest import Database
from tests.documents.paper import squeezed, text_of
from tests.propagation.relay import relaying, sender_to
from tests.serving import event_types

BY = Attribution(by="tests")
EMAIL = "asa.oberg@forvaltning.example"
TEMPORARY = Attempt(Handed.TEMPORARY, "address_refused", 451)
REFUSED = Attempt(Handed.PERMANENT, "address_refused", 550, MailFailure.ADDRESS_REFUSED)


async def registered(client: httpx.AsyncClient, *, email: str | None = EMAIL) -> UUID:
    """Somebody who may be written to."""
    data = {"contact.name": "Åsa Öberg", **({} if email is None else {"contact.email": email})}
    body = {
        "source": "registration_form",
        "verification": "link",
        "obtained": [{"purpose": "network_exchange", "data": data}],
    }
    return UUID((await client.post("/v1/subjects", json=body)).json()["subject_id"])


async def posted(service: Service, person: UUID, **more: Any) -> UUID:
    """A letter that is queued."""
    rules = await service.ledger.rules()
    letter = Letter(
        kind=LetterKind.WITHDRAWN,
        controller=rules.policy.controller,
        authority=rules.law.authority,
        on=service.ledger.clock().date(),
        right="access",
        received_on=service.ledger.clock().date(),
    )
    posting = Posting(letter=compose(letter, "sv"), kind=MailKind.ANSWER, **more)
    return (await service.correspondence.post_office.post(person, posting, BY)).mail


async def stands(service: Service, person: UUID, mail: UUID) -> MailState:
    """Where the mail stands by the log."""
    service.ledger.forget(person)
    return (await service.ledger.state(person)).mails.by_id[mail].state


async def hurried(database: Database) -> None:
    """Makes what waits due now."""
    connection: Any = await asyncpg.connect(database.dsn("ledger_app"))
    try:
        await connection.execute(
            "UPDATE ledger.mail_queue SET due_at = clock_timestamp(), claimed_until = NULL"
        )
    finally:
        await connection.close()


@pytest.mark.clause("C80", "L9", "L45")
async def test_a_mail_leaves_over_a_real_relay_and_its_hash_is_in_the_log(
    client: httpx.AsyncClient, service: Service, tmp_path: Path, database: Database
) -> None:
    """The bytes that arrived have the hash of the event; nothing of them lies anywhere in clear."""
    person = await registered(client)
    mail = await posted(service, person, attached=True)
    async with relaying(tmp_path) as relay:
        await mailing(service, sender_to(relay)).turn()

    [arrived] = relay.arrived
    known = (await service.ledger.state(person)).mails.by_id[mail]
    assert arrived.recipients == (EMAIL,)
    assert arrived.secured
    assert hashlib.sha256(arrived.raw).hexdigest() == known.message
    assert arrived.message["Message-ID"] == f"<{mail.hex}@impel.eu>"
    assert [one.get_content_type() for one in arrived.message.iter_attachments()] == [
        "application/pdf"
    ]
    assert "Din rätt att göra invändningar" in arrived.message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # it has one
    assert await stands(service, person, mail) is MailState.SENT
    assert (await event_types(database))[-1] == "mail.sent"


@pytest.mark.clause("L45")
async def test_the_first_message_tells_of_the_right_to_object(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    silent = QueueMail(
        mail=uuid4(),
        kind=MailKind.ANSWER,
        purpose="correspondence",
        address=EMAIL,
        text="x",
        message="ab" * 32,
        letter="ab" * 32,
        language="sv",
    )
    with pytest.raises(ObjectionRightUntold):
        await service.ledger.execute(person, silent, BY)

    mailbox = Mailbox()
    await posted(service, person)
    await posted(service, person)
    await mailing(service, mailbox).turn()
    told = ["Din rätt att göra invändningar" in str(one) for _, one in mailbox.received]
    assert len(told) == 2
    assert (await service.ledger.execute(person, silent, BY)).lines


async def test_what_is_put_off_is_tried_again_and_given_up_after_days(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    person = await registered(client)
    mail = await posted(service, person)
    mailbox = Mailbox(answers=[TEMPORARY] * (len(WAITS_S) + 1))
    worker = mailing(service, mailbox)

    await worker.turn()
    [task] = (await client.get("/v1/mail-tasks")).json()["items"]
    assert (task["attempts"], task["reason"], task["code"]) == (1, "address_refused", 451)
    assert await worker.turn() == 0
    for _ in range(len(WAITS_S)):
        await hurried(database)
        assert await worker.turn() == 1

    assert len(set(mailbox.raw)) == 1
    assert await stands(service, person, mail) is MailState.FAILED
    await worker.turn()
    [task] = (await client.get("/v1/mail-tasks")).json()["items"]
    assert (task["mail"], task["reason"]) == (str(mail), "given_up")
    await client.post(f"/v1/subjects/{person}/mails/{mail}/outcome", json={"outcome": "withdrawn"})
    await worker.turn()
    assert (await client.get("/v1/mail-tasks")).json()["items"] == []


@pytest.mark.clause("C80", "L9", "L27")
async def test_a_mail_that_comes_back_is_a_task_to_print_until_it_was_posted(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """Delayed first, then returned: each is an event, and what told nobody is nobody's log line."""
    person = await registered(client)
    mail = await posted(service, person)
    mailbox = Mailbox()
    worker = mailing(service, mailbox)
    await worker.turn()
    outcome = f"/v1/subjects/{person}/mails/{mail}/outcome"

    for word, stood in (("delayed", MailState.DELAYED), ("bounced", MailState.BOUNCED)):
        assert (await client.post(outcome, json={"outcome": word})).status_code == 201
        assert await stands(service, person, mail) is stood
    late = await client.post(outcome, json={"outcome": "delivered"})
    for _ in range(2):
        await worker.turn()
    [task] = (await client.get("/v1/mail-tasks")).json()["items"]
    reading = {"Purpose": "rights_requests"}
    paper = await client.get(f"/v1/subjects/{person}/mails/{mail}/letter", headers=reading)

    assert late.json()["type"] == "/problems/mail-settled"
    assert (task["mail"], task["reason"]) == (str(mail), "returned")
    body = mailbox.received[0][1].get_body(("plain",))
    assert body is not None
    said = [word for word in body.get_content().split() if word.strip("=-")]
    printed = squeezed(text_of(paper.content))
    assert all(squeezed(word) in printed for word in said)
    assert "==" not in printed, "it is typeset, and not a print of a mail"
    assert len(mailbox.received) == 1, "what came back is not sent again by itself"
    assert (await client.post(outcome, json={"outcome": "posted"})).status_code == 201
    await worker.turn()
    assert (await client.get("/v1/mail-tasks")).json()["items"] == []
    assert (await event_types(database))[-4:] == [
        *("mail.bounced", "mail.bounced"),
        *("consultation.recorded", "mail.sent"),
    ]


@pytest.mark.clause("L9")
async def test_a_mail_that_was_delayed_and_arrived_is_no_task(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    mail = await posted(service, person)
    worker = mailing(service, Mailbox())
    await worker.turn()
    for word in ("delayed", "delivered"):
        await client.post(f"/v1/subjects/{person}/mails/{mail}/outcome", json={"outcome": word})
    await worker.turn()

    assert await stands(service, person, mail) is MailState.SENT
    assert (await client.get("/v1/mail-tasks")).json()["items"] == []


async def test_what_is_refused_for_good_is_a_humans_task_and_can_be_tried_again(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    mail = await posted(service, person)
    mailbox = Mailbox(answers=[REFUSED])
    await mailing(service, mailbox).turn()
    assert await stands(service, person, mail) is MailState.FAILED

    outcome = f"/v1/subjects/{person}/mails/{mail}/outcome"
    assert (await client.post(outcome, json={"outcome": "retry"})).status_code == 201
    await mailing(service, mailbox).turn()

    assert await stands(service, person, mail) is MailState.SENT
    assert (await client.post(outcome, json={"outcome": "bounced"})).status_code == 201
    assert await stands(service, person, mail) is MailState.BOUNCED


@pytest.mark.clause("C80", "L27")
async def test_without_a_relay_a_human_sends_what_is_listed(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    person = await registered(client)
    mail = await posted(service, person)
    assert await mailing(service, None).turn() == 0
    tasks = (await client.get("/v1/mail-tasks")).json()
    message = await client.get(f"/v1/subjects/{person}/mails/{mail}/message")

    known = (await service.ledger.state(person)).mails.by_id[mail]
    assert tasks["relay"] is False
    assert [one["mail"] for one in tasks["items"]] == [str(mail)]
    assert hashlib.sha256(message.content).hexdigest() == known.message
    assert message.headers["content-type"] == "message/rfc822"
    assert "consultation.recorded" in await event_types(database)

    outcome = f"/v1/subjects/{person}/mails/{mail}/outcome"
    done = await client.post(outcome, json={"outcome": "posted"})
    withdrawn = await client.post(outcome, json={"outcome": "withdrawn"})
    await mailing(service, Mailbox()).turn()
    assert done.status_code == 201
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (409, "sent")
    assert (await client.get("/v1/mail-tasks")).json()["items"] == []


async def test_a_mail_that_left_without_being_recorded_is_sent_again_the_same(
    client: httpx.AsyncClient, service: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: a crash between the relay's word and ours; the Message-ID is the same."""
    person = await registered(client)
    mail = await posted(service, person)
    mailbox = Mailbox()

    async def dying(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as crash:
        crash.setattr(Mailing, "_conclude", dying)
        await mailing(service, mailbox).turn()
    assert await stands(service, person, mail) is MailState.QUEUED
    await hurried(database)
    await mailing(service, mailbox).turn()

    assert len(mailbox.raw) == 2
    assert len(set(mailbox.raw)) == 1
    assert await stands(service, person, mail) is MailState.SENT


async def test_many_workers_send_each_mail_once(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    mails = [await posted(service, person) for _ in range(12)]
    mailbox = Mailbox()

    await asyncio.gather(*(mailing(service, mailbox).turn() for _ in range(4)))

    assert len(mailbox.received) == len(mails)
    assert {one["Message-ID"] for _, one in mailbox.received} == {
        f"<{mail.hex}@impel.eu>" for mail in mails
    }


async def test_the_queue_is_made_again_from_the_log(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """A lost queue loses no mail, and what was settled stays settled."""
    person = await registered(client)
    sent, waiting = await posted(service, person), await posted(service, person)
    await mailing(service, Mailbox(answers=[])).turn()
    again = await posted(service, person)
    await mailing(service, None).turn()
    connection: Any = await asyncpg.connect(database.dsn("ledger_app"))
    try:
        await connection.execute("DELETE FROM ledger.mail_queue")
        await connection.execute("UPDATE ledger.mail_cursor SET position = -1")
    finally:
        await connection.close()
    mailbox = Mailbox()

    await mailing(service, mailbox).turn()

    assert [one["Message-ID"] for _, one in mailbox.received] == [f"<{again.hex}@impel.eu>"]
    assert {await stands(service, person, one) for one in (sent, waiting)} == {MailState.SENT}


@pytest.mark.clause("L37", "L1")
async def test_what_was_erased_before_it_left_is_given_up(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    mail = await posted(service, person)
    assert service.eraser is not None
    order = ErasureOrder(source="secretariat", extent=EVERYTHING)
    await Erasing(service.ledger, service.eraser).erase(person, order, BY)
    mailbox = Mailbox()

    await mailing(service, mailbox).turn()

    # What leaves is the certificate of the erasure alone.
    assert ["radering" in str(one["Subject"]) for _, one in mailbox.received] == [True]
    assert await stands(service, person, mail) is MailState.FAILED


@pytest.mark.clause("L7")
async def test_address_and_message_are_gone_a_month_after_the_last_of_the_month(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    mail = await posted(service, person)
    await mailing(service, Mailbox()).turn()
    now = system_clock()

    async def kept(days: int) -> bool:
        clock = lambda: now + timedelta(days=days)  # noqa: E731  # a clock is a function
        await Retaining(service.ledger, service.pool, service.eraser, clock=clock).carry_out()
        message = await client.get(f"/v1/subjects/{person}/mails/{mail}/message")
        return message.status_code == 200

    assert await kept(30)
    assert not await kept(31)
    assert await stands(service, person, mail) is MailState.SENT


async def test_who_has_no_address_is_written_to_on_paper(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client, email=None)

    with pytest.raises(AddressMissing):
        await posted(service, person)


@pytest.mark.clause("C73", "L14")
async def test_a_mailing_that_was_ended_meanwhile_does_not_leave(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await registered(client)
    mail = await posted(service, person, mailing="information")

    linked = Linked(service.ledger, service.correspondence.links)
    await linked.end_mailing(Link(LinkKind.MAILING, person, 0, "information"))
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()

    assert not mailbox.raw
    assert await stands(service, person, mail) is MailState.WITHDRAWN


async def test_nobody_elses_mail_and_no_mail_of_nobody(
    client: httpx.AsyncClient, service: Service
) -> None:
    person, other = await registered(client), await registered(client, email="b@stad.example")
    mail = await posted(service, person)

    for subject in (other, uuid4()):
        path = f"/v1/subjects/{subject}/mails/{mail}"
        assert (await client.get(f"{path}/message")).status_code == 404
        told = await client.post(f"{path}/outcome", json={"outcome": "sent"})
        assert told.status_code == 404
