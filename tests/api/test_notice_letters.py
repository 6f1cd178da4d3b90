"""What a notice tells and whom it reaches: transfers (Art. 14(1)(f)), paper, no news (Art. 21)."""

import httpx
import pytest

from app.service import Service
from tests.api.mailbox import Mailbox, mailing
from tests.api.test_notices import caught_up, listed, published, registered
from tests.conftest import Database
from tests.rights.people import arrange, post, register

SOURCE = "member_organisation"


@pytest.mark.clause("L29", "L30", "L55", "L59")
async def test_a_notice_names_the_transfers_out_of_the_area_and_what_protects_them(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 14(1)(f): to whom, to which country, on which ground, and how to see it."""
    await arrange(service, "basecamp")
    person = await registered(client)
    notice = {"kind": "obtained", "language": "en"}
    await client.post(f"/v1/subjects/{person}/notices/mail", json=notice)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()

    [(_, message)] = mailbox.received
    body = message.get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    _, _, told = text.partition("Transfers outside the European Economic Area")
    told, _, _ = told.partition("How long we keep it")
    framework = "Country: United States Safeguard: EU-US Data Privacy Framework, Art. 45"
    assert f"Recipient: Basecamp {framework}" in told
    assert "none at present, so nothing goes there" in told  # Google's is not arranged
    assert "Recipient: Members of the network Country: in whichever country they are" in told
    assert "Write to info@impel.eu for a copy of a safeguard." in told
    assert "Contact database" not in told  # it does not leave


@pytest.mark.clause("L29", "C15", "C80")
async def test_who_has_no_address_for_mails_is_sent_the_notice_on_paper(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """The month of Art. 14 runs for them as well: a human prints it, and they count as informed."""
    details = {"contact.name": "Tore Utan", "contact.phone": "+46701234567"}
    person = await register(client, "network_exchange", contact=details, source=SOURCE)

    posted = await client.post(f"{person}/notices/mail", json={"kind": "obtained"})
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    await caught_up(database)
    [task] = (await client.get("/v1/mail-tasks")).json()["items"]
    letter = await client.get(f"{person}/mails/{task['mail']}/letter")
    outcome = f"{person}/mails/{task['mail']}/outcome"
    before = await listed(client, "/v1/deadlines?kind=notice")
    await post(client, outcome, {"outcome": "posted"})
    await caught_up(database)

    assert (posted.status_code, mailbox.received) == (201, [])
    assert task["reason"] == "to_be_printed"
    assert letter.content.startswith(b"%PDF")
    assert len(before) == 1
    assert await listed(client, "/v1/deadlines?kind=notice") == []
    [shown] = await listed(client, "/v1/notices")
    assert shown["channel"] == "post"


@pytest.mark.clause("C65", "C78", "L43")
async def test_who_objected_to_news_is_sent_none_about_a_new_policy(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The letter would be part of the mailing that the person was told is over (Art. 21(3))."""
    person = await registered(client, "registration_form")
    shown = {"policy": "impel-1", "language": "sv", "channel": "form"}
    await client.post(f"/v1/subjects/{person}/notices", json=shown)
    no = {"purpose": "information", "source": "secretariat"}
    await client.post(f"/v1/subjects/{person}/objections", json=no)
    await mailing(service, Mailbox()).turn()
    await published(
        service, (b'title = "Sending the newsletter"', b'title = "Sending news"'), version="impel-2"
    )

    notice = {"kind": "policy_change"}
    refused = await client.post(f"/v1/subjects/{person}/notices/mail", json=notice)

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/subject-suppressed")
    assert refused.json()["purpose"] == "information"
