"""The copy that answers a request is fetched by the link in its letter, and lies in no mail."""

import io
import json
import zipfile
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import httpx
import pikepdf
import pytest

from app.clock import system_clock
from app.propagation.answer_links import FETCHED_MAX, LINK_DAYS, AnswerLinks
from app.propagation.linked import LinkUnknown
from app.service import Service
from tests.api.mailbox import Mailbox, mailing
from tests.api.test_rights_requests import BY_MAIL, DECIDED, ask
from tests.rights.people import CONTACT, collect, post, register
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def service(shared_service: Service) -> Service:
    """The module's service: nobody here asks about anybody else."""
    return shared_service


@pytest.fixture
def client(caller: httpx.AsyncClient) -> httpx.AsyncClient:
    """The module's caller."""
    return caller


@pytest.fixture
def anybody(shared_api: Api) -> httpx.AsyncClient:
    """Somebody without a key."""
    return shared_api.anonymous()


def contact(name: str) -> dict[str, str]:
    """Contact details of somebody of their own."""
    return {"contact.name": CONTACT["contact.name"], "contact.email": f"{name}@stad.example"}


async def answered(
    client: httpx.AsyncClient, service: Service, person: str, right: str, **more: Any
) -> Mailbox:
    """A request that was fulfilled, and the mails about it."""
    path = await ask(client, right, person, proof="login", **more)
    await post(client, f"{path}/approve", DECIDED)
    form = "portability-package" if right == "portability" else "access-report"
    await client.get(f"{person}/{form}")
    await post(client, f"{path}/fulfil", BY_MAIL)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    return mailbox


def said(mailbox: Mailbox) -> str:
    """All mails as text."""
    parts = [message.get_body(("plain",)) for _, message in mailbox.received]
    return " ".join(" ".join(part.get_content().split()) for part in parts if part is not None)


async def readings(service: Service, person: str) -> int:
    """How often the person's data were read by a link."""
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]))
    return sum(one.by == "mail-link" for one in stream.events)


@pytest.mark.clause("C64", "L27", "L31", "L9")
async def test_the_report_is_fetched_by_its_person_and_looking_is_no_fetching(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, service: Service
) -> None:
    """A scanner that follows the link changes nothing; each fetching is on record (S12)."""
    person = await register(client, contact=contact("reader"))
    mailbox = await answered(client, service, person, "access", language="sv")
    [link] = mailbox.links("answers")
    shown, *again = [await anybody.get(link) for _ in range(3)]
    assert (await anybody.head(link)).status_code in (200, 405)
    looked = await readings(service, person)
    paper = await anybody.post(link, content="form=paper", headers=FORM)
    html = await anybody.post(link, content="form=page", headers=FORM)

    assert {one.status_code for one in (shown, *again)} == {200}
    assert looked == 0
    assert CONTACT["contact.name"] not in shown.text
    assert str(person.rpartition("/")[2]) not in shown.text
    assert paper.headers["content-type"] == "application/pdf"
    assert paper.headers["cache-control"] == "no-store"
    assert pikepdf.open(io.BytesIO(paper.content)).Root.Lang == "sv"
    assert CONTACT["contact.name"] in unescape(html.text)
    assert "reader@stad.example" in html.text
    assert await readings(service, person) == 2
    assert not [part for _, mail in mailbox.received for part in mail.iter_attachments()]


@pytest.mark.clause("C68", "L35")
async def test_the_package_is_fetched_in_the_same_way(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, contact=contact("carrier"))
    [link] = (await answered(client, service, person, "portability")).links("answers")

    fetched = await anybody.post(link)
    package = zipfile.ZipFile(io.BytesIO(fetched.content))

    assert fetched.headers["content-type"] == "application/zip"
    assert package.namelist()[0] == "README.html"
    assert json.loads(package.read("data.json"))["subject_id"] == person.rpartition("/")[2]


@pytest.mark.clause("L27", "L9")
async def test_a_link_ends_after_some_fetchings_after_its_days_and_when_it_is_revoked(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, service: Service
) -> None:
    """And what it is not for, it does not do."""
    person = await register(client, contact=contact("often"))
    [link] = (await answered(client, service, person, "portability")).links("answers")
    statuses = [(await anybody.post(link)).status_code for _ in range(FETCHED_MAX + 1)]
    other = await register(client, contact=contact("revoking"))
    [theirs] = (await answered(client, service, other, "portability")).links("answers")
    token = theirs.rpartition("/")[2]
    altered = theirs[:-1] + ("A" if theirs[-1] != "A" else "B")
    wrong = [await anybody.get(altered), await anybody.post(f"/unsubscribe/{token}")]
    fresh = await opens(service, token, days=LINK_DAYS)
    stale = await opens(service, token, days=LINK_DAYS + 1)
    await post(client, f"{other}/links/revocation")
    revoked = await anybody.post(theirs)

    assert statuses == [200] * FETCHED_MAX + [404]
    assert [one.status_code for one in wrong] == [404, 404]
    assert (fresh, stale) == (True, False)
    assert revoked.status_code == 404


async def opens(service: Service, token: str, *, days: int) -> bool:
    """Whether a link leads somewhere so many days from now."""
    ledger = service.ledger
    now = ledger.clock
    ledger.clock = lambda: system_clock() + timedelta(days=days)
    try:
        await AnswerLinks(ledger, service.correspondence.links).read(token)
    except LinkUnknown:
        return False
    finally:
        ledger.clock = now
    return True


@pytest.mark.clause("L27", "L31")
async def test_what_a_mailbox_is_too_little_for_is_handed_over_apart(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, service: Service
) -> None:
    """Bank data, or an address that nobody knew: the letter says that it comes apart (S9)."""
    claimant = await register(client, contact=contact("claimant"))
    await collect(client, claimant, "payments", {"financial.claim": "travel, 120.00"})
    with_bank_data = await answered(client, service, claimant, "access")
    elsewhere = await register(client, contact=contact("elsewhere"))
    unknown = await answered(
        client, service, elsewhere, "access", reply_address="new@other.example"
    )
    later = await register(client, contact=contact("later"))
    [link] = (await answered(client, service, later, "access")).links("answers")
    await collect(client, later, "payments", {"financial.claim": "travel, 120.00"})
    since = await anybody.post(link)

    for mailbox in (with_bank_data, unknown):
        assert mailbox.links("answers") == []
        assert "apart from this letter" in said(mailbox)
    assert since.status_code == 404


@pytest.mark.clause("L41", "L28")
async def test_after_an_erasure_and_for_strangers_there_is_nothing_to_fetch(
    client: httpx.AsyncClient, anybody: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, contact=contact("gone"))
    [link] = (await answered(client, service, person, "access")).links("answers")
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    erased = await anybody.post(link)
    path = await ask(client, "access", reply_address="stranger@other.example")
    await post(client, f"{path}/fulfil", {**BY_MAIL, "outcome": "nothing_held"})
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()

    assert erased.status_code == 404
    assert mailbox.links("answers") == []
    assert (await anybody.get(f"/answers/{uuid4().hex}")).status_code == 404
