"""Letters of rights requests go out by themselves: none is left to a log line (Art. 12; L25)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.domain.mails import MailState
from app.service import Service
from tests.api.mailbox import Mailbox, mailing
from tests.api.test_rights_requests import BY_MAIL, DECIDED, PATH, REMEDIES, ask, asked
from tests.conftest import Database
from tests.days import today_in_brussels
from tests.rights.people import CONTACT, arrange, collect, post, register, share
from tests.serving import Api, event_types

pytestmark = pytest.mark.asyncio(loop_scope="module")

READING = {"Purpose": "rights_requests"}


@pytest.fixture
def service(shared_service: Service) -> Service:
    """The module's service: nobody here asks about anybody else."""
    return shared_service


@pytest.fixture
def client(caller: httpx.AsyncClient) -> httpx.AsyncClient:
    """The module's caller."""
    return caller


def subject(person: str) -> UUID:
    """The id in the path of a record."""
    return UUID(person.rpartition("/")[2])


async def sent(service: Service) -> Mailbox:
    """What leaves now."""
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    return mailbox


def texts(mailbox: Mailbox, to: str) -> list[str]:
    """What the mails to an address say, in the order in which they left."""
    found = []
    for recipient, message in mailbox.received:
        body = message.get_body(("plain",))
        assert body is not None
        if recipient == to:
            found.append(" ".join(body.get_content().split()))
    return found


def said(mailbox: Mailbox, to: str) -> str:
    """All of it."""
    return " ".join(texts(mailbox, to))


async def tasks(client: httpx.AsyncClient, person: UUID) -> list[dict[str, Any]]:
    """What a human is to do for somebody."""
    items = (await client.get("/v1/mail-tasks", params={"limit": 200})).json()["items"]
    return [one for one in items if one["subject_id"] == str(person)]


def address(number: str) -> dict[str, str]:
    """Contact details of somebody of their own."""
    return {"contact.name": CONTACT["contact.name"], "contact.email": f"{number}@stad.example"}


@pytest.mark.clause("C80", "L20", "L22", "L24", "L25", "L27")
async def test_each_step_of_a_request_is_told_in_the_persons_language(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Receipt, doubt, extension, refusal: each mail names its event, and what the law wants."""
    to = "steps@stad.example"
    person = await register(client, contact=address("steps"))
    path = await ask(client, "rectification", person, language="sv", reply_address=to)
    mailbox = await sent(service)
    assert "Vi har tagit emot din begäran" in mailbox.received[-1][1]["Subject"]
    assert "senast den" in said(mailbox, to)

    await post(client, f"{path}/doubt", {**BY_MAIL, "grounds": "Okänd adress."})
    asked_back = said(await sent(service), to)
    assert "Okänd adress." in asked_back
    assert "Svara från en adress som vi känner till" in asked_back

    await post(client, f"{path}/verify", {"proof": "callback"})
    extension = {**BY_MAIL, "ground": "a12_complexity", "reasons": "Många system."}
    await post(client, f"{path}/extend", extension)
    extended = said(await sent(service), to)
    assert "Många system." in extended
    assert "Gegevensbeschermingsautoriteit" in extended

    refusal = {**BY_MAIL, **REMEDIES, "ground": "contest_accuracy"}
    await post(client, f"{path}/refuse", refusal)
    refused = said(await sent(service), to)
    assert REMEDIES["reasons"] in refused
    assert REMEDIES["complaint"] not in refused  # the letter has words of its own for it
    assert "Gegevensbeschermingsautoriteit" in refused
    assert "domstol" in refused

    mails = (await service.ledger.state(subject(person))).mails.by_id
    assert {one.state for one in mails.values()} == {MailState.SENT}
    assert [one.matter for one in mails.values()] == [UUID(path.rpartition("/")[2])] * 4


@pytest.mark.clause("C80", "L20", "L25", "L27")
@pytest.mark.parametrize(
    ("language", "late", "promise"),
    [
        ("en", "That day is over", "at the latest"),
        ("sv", "Den dagen har passerat", "Du får vårt svar senast"),
        ("fr", "Ce jour est passé", "Vous aurez notre réponse"),
        ("nl", "Die dag is voorbij", "U krijgt ons antwoord"),
    ],
)
async def test_a_request_that_was_entered_after_its_day_is_promised_no_day(
    client: httpx.AsyncClient, service: Service, language: str, late: str, promise: str
) -> None:
    """What is true: it is late, it goes on, and one can complain; it is overdue from the start."""
    to = f"late-{language}@stad.example"
    person = await register(client, contact=address(f"late-{language}"))
    path = await ask(
        client,
        "access",
        person,
        language=language,
        reply_address=to,
        received_at="2026-03-05T09:00:00Z",
        evidence_note="Stamp of the post office",
    )
    shown = (await client.get(path, headers=READING)).json()

    letter = said(await sent(service), to)
    assert late in letter
    assert "2026" in letter
    assert "contact@apd-gba.be" in letter
    assert promise not in letter
    assert shown["deadline"]["due_on"] == "2026-04-07"
    assert shown["deadline"]["days_left"] < 0


@pytest.mark.clause("L26", "L25")
async def test_what_is_held_against_somebody_is_no_part_of_their_letter(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, contact=address("excess"))
    path = await ask(client, "access", person)
    refusal = {
        **BY_MAIL,
        **REMEDIES,
        "ground": "a12_manifestly_excessive",
        "evidence": ["Forty requests in a week, says Anna."],
        "approved_by": str(uuid4()),
    }
    await post(client, f"{path}/refuse", refusal)

    letter = said(await sent(service), "excess@stad.example")
    assert REMEDIES["reasons"] in letter
    assert "12(5)(b)" in letter
    assert "Anna" not in letter


async def test_a_letter_that_the_desk_keeps_is_not_written_again(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, contact=address("desk"))
    path = await ask(client, "rectification", person)
    await sent(service)
    refusal = {**BY_MAIL, **REMEDIES, "ground": "contest_accuracy", "letter": str(uuid4())}
    await post(client, f"{path}/refuse", refusal)

    assert not (await sent(service)).received
    assert await tasks(client, subject(person)) == []


@pytest.mark.clause("L28", "C80")
async def test_a_stranger_is_written_to_where_they_asked_from(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Arts. 11, 12(3): who is not known gets an answer too."""
    to = "stranger@elsewhere.example"
    path = await ask(client, "access", reply_address=to, language="fr")
    await post(client, f"{path}/fulfil", {**BY_MAIL, "outcome": "nothing_held"})

    mailbox = await sent(service)
    assert len(mailbox.received) == 2
    assert "aucune donnée" in said(mailbox, to)


@pytest.mark.clause("C80", "L27")
async def test_who_has_no_address_for_mails_gets_a_letter_that_a_human_prints(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Never lost: it stands in the queue until somebody says that it was posted."""
    where = "Zoë Ångström\nStorgatan 1\n111 22 Stockholm"
    path = await ask(client, "access", channel="post", reply_address=where, language="sv")
    request = path.rpartition("/")[2]
    for mailbox in (None, Mailbox()):
        await mailing(service, mailbox).turn()
    shown = (await client.get(path, headers=READING)).json()
    # A stranger's stream is told by nothing that is shown of the request but the queue.
    [task] = [
        one
        for one in (await client.get("/v1/mail-tasks", params={"limit": 200})).json()["items"]
        if one["mail"] == request
    ]
    stream = task["subject_id"]
    assert (task["reason"], shown["subject_id"]) == ("to_be_printed", None)

    printed = await client.get(f"/v1/subjects/{stream}/mails/{request}/letter", headers=READING)
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")
    message = await client.get(f"/v1/subjects/{stream}/mails/{request}/message", headers=READING)
    assert b"Storgatan 1" in message.content
    assert b"\nTo:" not in message.content
    outcome = f"/v1/subjects/{stream}/mails/{request}/outcome"
    await post(client, outcome, {"outcome": "posted"})
    await mailing(service, Mailbox()).turn()
    assert await tasks(client, UUID(stream)) == []


async def test_what_the_desk_says_by_post_goes_by_post(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, contact=address("paper"))
    path = await ask(client, "rectification", person)
    by_post = {**DECIDED, "told_by": "post"}
    await post(client, f"{path}/refuse", {**by_post, **REMEDIES, "ground": "contest_accuracy"})
    mailbox = await sent(service)

    assert len(mailbox.received) == 1  # the receipt alone was confirmed by mail
    assert [one["reason"] for one in await tasks(client, subject(person))] == ["to_be_printed"]


@pytest.mark.clause("L36", "L37", "L41", "C66")
async def test_an_erased_person_gets_the_certificate_at_the_address_that_was_set_aside(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The letter keeps its address when the erasure is closed, and goes a month later by itself."""
    to = "gone@stad.example"
    await arrange(service, "azavista")
    person = await register(client, contact=address("gone"))
    await post(client, f"{person}/disclosures", share("azavista"))
    path = await ask(client, "erasure", person, language="nl", proof="login")
    await post(client, f"{path}/approve", DECIDED)
    await sent(service)
    carried = await post(client, f"{person}/erasure", {"source": "secretariat"})
    erasure = f"{person}/erasure/{carried['erasure']['erasure']}"
    told = {"recipient": "azavista", "outcome": "verified_gone"}
    await post(client, f"{erasure}/recipients", told)
    await post(client, f"{path}/fulfil", BY_MAIL)
    await post(client, f"{erasure}/closing")

    mailbox = await sent(service)
    assert [recipient for recipient, _ in mailbox.received] == [to, to]
    letters = texts(mailbox, to)
    subjects = {one["Subject"].partition(": ")[2] for _, one in mailbox.received}
    assert subjects == {"Certificaat van wissing", "Uw verzoek is uitgevoerd"}
    assert all("Azavista" in one and "gecontroleerd dat het weg is" in one for one in letters)
    assert (await service.ledger.state(subject(person))).erased


@pytest.mark.clause("L27", "L36", "L37", "C66")
async def test_a_person_with_two_records_gets_one_certificate_in_the_language_that_went(
    client: httpx.AsyncClient, service: Service, shared_api: Api
) -> None:
    """The address may be known of the other record alone; what went there is told as well."""
    await arrange(service, "azavista", "google_forms")
    name = {"contact.name": "Zoë Ångström"}
    kept = await register(client, contact=name)
    await collect(client, kept, "network_exchange", {"profile.language": "sv"})
    other = await register(client, contact=name | {"contact.email": "zoe@stad.example"})
    await post(client, f"{kept}/disclosures", share("azavista", categories=["contact.name"]))
    await post(client, f"{other}/disclosures", share("google_forms", categories=["contact.name"]))
    pair = {"survivor": str(subject(kept)), "absorbed": str(subject(other))}
    merge = (await post(client, "/v1/merges", {**pair, "ground": "statement"}))["merge"]
    async with await shared_api.client() as officer:
        await post(officer, f"/v1/merges/{merge}/approve", pair)

    await post(client, f"{kept}/erasure", {"source": "secretariat"})

    mailbox = await sent(service)
    [letter] = texts(mailbox, "zoe@stad.example")
    [(_, message)] = mailbox.received
    assert message["Content-Language"] == "sv"
    assert "Azavista" in letter
    assert "Google Forms" in letter
    [erasure] = (await client.get(f"{other}/erasure", headers=READING)).json()["erasures"]
    told = {"recipient": "google_forms", "outcome": "verified_gone"}
    await post(client, f"{other}/erasure/{erasure['erasure']}/recipients", told)
    [later] = texts(await sent(service), "zoe@stad.example")
    assert "Google Forms" in later
    assert not await tasks(client, subject(kept))
    assert not await tasks(client, subject(other))


@pytest.mark.clause("L43", "L44")
async def test_an_objection_is_confirmed_and_its_decision_told(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Granted, overridden with the grounds; news at once. What a request asks is told by it."""
    to = "objects@stad.example"
    person = await register(client, contact=address("objects"))
    granted = await post(
        client, f"{person}/objections", {"purpose": "network_exchange", "source": "secretariat"}
    )
    overridden = await post(
        client, f"{person}/objections", {"purpose": "payments", "source": "secretariat"}
    )
    await post(client, f"{person}/objections/{granted['objection']}/upholding")
    grounds = {"grounds": "A court asked for it."}
    await post(client, f"{person}/objections/{overridden['objection']}/overriding", grounds)
    mailbox = await sent(service)

    subjects = [one["Subject"].partition(": ")[2] for _, one in mailbox.received]
    assert sorted(subjects) == [
        "We cannot do what you asked for",
        *["We have received your request"] * 2,
        "Your request is fulfilled",
    ]
    bodies = texts(mailbox, to)
    assert not any("None" in one for one in bodies), "each has its reference"
    assert sum("A court asked for it." in one for one in bodies) == 1
    exchange = "Exchange of information between members and partner organisations"
    for title in (exchange, "Payments and reimbursements"):  # each with its receipt
        assert sum(f"It concerns: - {title}" in one for one in bodies) == 2

    news = {"purpose": "newsletter", "source": "secretariat"}
    await post(client, f"{person}/objections", news)
    assert "We have stopped the use" in said(await sent(service), to)
    elsewhere = {"purpose": "information", "source": "self_service"}
    await post(client, f"{person}/objections", elsewhere)
    assert not (await sent(service)).received


@pytest.mark.clause("L27", "L42", "C67", "C72")
async def test_the_answer_to_a_request_names_which_use_or_account_it_is_about(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Of several wishes a person has to know which one was done."""
    to = "which@stad.example"
    person = await register(client, "event_logistics", "network_exchange", contact=address("which"))
    path = await ask(client, "objection", person, proof="login", reply_address=to)
    body = {"source": "secretariat", "recipient": "basecamp", "purpose": "network_exchange"}
    raised = await post(client, f"{person}/objections", body)
    await post(client, f"{person}/objections/{raised['objection']}/upholding")
    await post(client, f"{path}/approve", DECIDED)
    await post(client, f"{path}/fulfil", BY_MAIL)
    letter = said(await sent(service), to)
    account = await ask(
        client, "deactivate_account", person, system="basecamp", language="fr", reply_address=to
    )
    receipt = said(await sent(service), to)
    whole = {"ground": "unlawful", "source": "secretariat"}
    await post(client, f"{person}/restrictions", whole)
    resting = said(await sent(service), to)

    exchange = "Exchange of information between members and partner organisations"
    assert f"It concerns: - {exchange}; Basecamp" in letter
    assert "Cela concerne : - Basecamp" in receipt, account
    assert "Cela concerne : - toute utilisation de vos données" in resting


@pytest.mark.clause("L25", "L27")
async def test_the_answer_to_a_part_says_what_can_be_fetched_before_what_was_not_done(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Under the reasons a link would look like the part that was refused."""
    to = "part@stad.example"
    person = await register(client, contact=address("part"))
    path = await ask(client, "access", person, proof="login", reply_address=to)
    await client.get(f"{person}/access-report")
    await post(client, f"{path}/approve", DECIDED)
    partly = {"outcome": "partly_fulfilled", "ground": "third_party_rights_impaired"}
    await post(client, f"{path}/fulfil", {**BY_MAIL, **partly, "refused": REMEDIES})
    letter = said(await sent(service), to)

    before, refused, _ = letter.partition("What we did not do, and why")
    assert refused
    assert "You can fetch the report here: " in before


@pytest.mark.clause("L42")
async def test_a_restriction_is_lifted_after_the_letter_that_says_so(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 18(3): prior notice is a letter that has left, not a note that one was due."""
    to = "rests@stad.example"
    person = await register(client, contact=address("rests"))
    body = {"ground": "accuracy", "source": "secretariat", "categories": ["contact.name"]}
    named = {"restriction": (await post(client, f"{person}/restrictions", body))["restriction"]}
    today = today_in_brussels()
    over = {**named, "channel": "email", "ends_on": str(today - timedelta(days=2))}
    announcement = f"{person}/restrictions/lift/announcement"
    late = await post(client, announcement, over, status=409)
    await post(client, announcement, {**over, "ends_on": str(today + timedelta(days=1))})
    early = await post(client, f"{person}/restrictions/lift", named, status=409)

    letter = said(await sent(service), to)
    assert "We have checked the data that you contested." in letter
    assert letter.count("It concerns: - Full name") == 2, "what is restricted, and what ends"
    before = await post(client, f"{person}/restrictions/lift", named, status=409)
    for one in (late, early, before):
        assert one["type"] == "/problems/restriction-lift-unannounced"


async def test_a_letter_is_written_once_whoever_comes_and_after_every_crash(
    client: httpx.AsyncClient,
    service: Service,
    module_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log says what is owed: a queue that was lost on the way is made again from it."""
    person = await register(client, contact=address("crash"))
    worker, other = mailing(service, Mailbox()), mailing(service, Mailbox())

    async def dying(*_: Any) -> None:
        raise RuntimeError

    await post(client, PATH, asked("access", person))
    with monkeypatch.context() as crash:
        crash.setattr(type(service.correspondence.post_office), "post", dying)
        await worker.turn()
    assert [one["reason"] for one in await tasks(client, subject(person))] == ["fault"]
    await service.pool.execute("DELETE FROM ledger.mail_queue")
    await service.pool.execute("UPDATE ledger.mail_cursor SET position = -1")
    for one in (worker, other):
        await one.turn()

    known = (await service.ledger.state(subject(person))).mails.by_id
    assert [one.state for one in known.values()] == [MailState.SENT]
    assert (await event_types(module_database)).count("mail.queued") == len(
        set(await service.pool.fetch("SELECT event_id FROM ledger.events WHERE type='mail.queued'"))
    )
