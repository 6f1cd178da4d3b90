"""Public sign-up to one click: nothing without the mailbox, nothing told, nothing left (C82)."""

import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.clock import system_clock
from app.domain.permissions import permission
from app.domain.subject import SUBJECT, fold
from app.events.declare import type_of
from app.policy.loader import load_packaged
from app.policy.wordings import wording_of
from app.propagation.linked import LANGUAGES_DAILY_MAX
from app.propagation.public_texts import languages, said
from app.propagation.sign_up_limits import SignUpLimits
from app.rights.retention import Retaining
from app.service import Service
from app.vault.link_tokens import Link, LinkKind
from tests.api.mailbox import Mailbox, mailing
from tests.conftest import Database
from tests.rights.people import post, register
from tests.serving import Api, event_types

IMPEL = load_packaged("impel-1")
EMAIL = "asa.oberg@forvaltning.example"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def anonymous(api: Api) -> httpx.AsyncClient:
    """Somebody without a key."""
    return api.anonymous()


async def signed_up(http: httpx.AsyncClient, email: str = EMAIL) -> httpx.Response:
    """A sign-up in Swedish."""
    wording = (await http.get("/v1/newsletter/wording", params={"language": "sv"})).json()
    body = {"email": email, "wording_sha256": wording["sha256"]}
    return await http.post("/v1/newsletter/sign-ups", json=body)


async def subscribed(http: httpx.AsyncClient, service: Service, email: str = EMAIL) -> UUID:
    """A subscriber, by the whole way."""
    mailbox = Mailbox()
    await signed_up(http, email)
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("confirm")
    assert (await http.post(link)).status_code == 200
    found = await service.lookups.subject_of("email", email)
    assert found is not None
    return found


async def newsletter_allowed(service: Service, subject_id: UUID) -> bool:
    """Whether the newsletter may be sent by its tool, contracts aside."""
    state = await service.ledger.state(subject_id)
    given = (await service.ledger.rules()).at(service.ledger.clock())
    answer = permission(state, "newsletter", "contact_db", ["contact.email"], given)
    return getattr(answer, "code", None) is None


def kinds(events: Any) -> list[str]:
    """The wire names of events."""
    return [type_of(one.event).name for one in events]


@pytest.mark.clause("C82", "C25", "L12")
async def test_a_sign_up_is_a_consent_only_after_its_confirmation(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    mailbox = Mailbox()
    answered = await signed_up(anonymous)
    sent = await mailing(service, mailbox).turn()
    [(to, message)] = mailbox.received
    [link] = mailbox.links("confirm")

    assert (answered.status_code, answered.json()) == (202, {"status": "confirmation-sent"})
    assert sent == 1
    assert to == EMAIL
    assert "List-Unsubscribe" not in message
    assert await service.lookups.subject_of("email", EMAIL) is None

    page = await anonymous.get(link)
    assert page.status_code == 200
    assert await service.lookups.subject_of("email", EMAIL) is None

    done = await anonymous.post(link)
    person = await service.lookups.subject_of("email", EMAIL)
    assert done.status_code == 200
    assert person is not None
    stream = await service.store.read_stream(person)
    state = fold(SUBJECT.initial, stream.events)
    proof = state.consents.of("newsletter").proof
    assert proof is not None
    assert (proof.method, proof.wording.language, proof.wording.policy) == (
        "double_opt_in",
        "sv",
        "impel-1",
    )
    shown = wording_of(IMPEL, proof.wording.digest)
    assert shown is not None
    assert shown.text in page.text
    assert kinds(stream.events) == [
        "subject.registered",
        "relationship.started",
        "data.collected",
        "identifier.claimed",
        "consent.requested",
        "consent.confirmed",
    ]
    assert await newsletter_allowed(service, person)


@pytest.mark.clause("C82")
async def test_confirming_twice_is_confirming_once(
    anonymous: httpx.AsyncClient, service: Service, database: Database
) -> None:
    mailbox = Mailbox()
    await signed_up(anonymous)
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("confirm")
    await anonymous.post(link)
    before = await event_types(database)

    again = await anonymous.post(link)

    assert again.status_code == 200
    assert await event_types(database) == before


@pytest.mark.clause("C82")
async def test_a_confirmation_that_was_interrupted_is_taken_up(
    anonymous: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consent is on record, the sign-up not yet settled: the same link finishes it."""
    mailbox = Mailbox()
    await signed_up(anonymous)
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("confirm")
    with monkeypatch.context() as broken:
        broken.setattr("app.propagation.sign_ups.ConfirmSignUp", None)
        assert (await anonymous.post(link)).status_code == 500
    person = await service.lookups.subject_of("email", EMAIL)
    assert person is not None

    assert (await anonymous.post(link)).status_code == 200
    stream = await service.store.read_stream(person)
    assert kinds(stream.events).count("consent.confirmed") == 1
    assert await service.lookups.subject_of("email", EMAIL) == person


@pytest.mark.clause("C82", "L16")
async def test_a_known_address_and_an_unknown_one_get_the_same(
    anonymous: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """Answer, events and mails are the same; the known person's record is not even read."""
    person = await subscribed(anonymous, service)
    version = (await service.ledger.state(person)).version
    seen = len(await event_types(database))
    mailbox = Mailbox()

    known = await signed_up(anonymous)
    first = await event_types(database, seen)
    unknown = await signed_up(anonymous, "somebody.else@stad.example")
    second = await event_types(database, seen + len(first))
    await mailing(service, mailbox).turn()

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    told = [
        {k: v for k, v in one.headers.items() if k != "x-request-id"} for one in (known, unknown)
    ]
    assert told[0] == told[1]
    assert first == second == ["sign-up.received", "mail.queued"]
    assert {to for to, _ in mailbox.received} == {EMAIL, "somebody.else@stad.example"}
    assert (await service.ledger.state(person)).version == version


@pytest.mark.clause("C82")
async def test_who_is_known_and_confirms_keeps_one_record(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    await service.ledger.state(person)

    again = await subscribed(anonymous, service)

    assert again == person
    events = (await service.store.read_stream(person)).events
    assert kinds(events).count("consent.confirmed") == 2
    assert kinds(events).count("subject.registered") == 1


@pytest.mark.clause("C73", "C82", "L14", "L41")
async def test_who_left_and_confirms_again_is_back(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")
    await anonymous.post(url)
    assert not await newsletter_allowed(service, person)

    assert await subscribed(anonymous, service) == person
    assert await newsletter_allowed(service, person)


@pytest.mark.clause("C82", "L7")
async def test_what_nobody_confirms_is_gone_after_seven_days(
    anonymous: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """On the last day it can still be confirmed; on the day after its key is destroyed."""
    await signed_up(anonymous)
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("confirm")
    now = system_clock()

    async def retained(days: int) -> None:
        clock = lambda: now + timedelta(days=days)  # noqa: E731  # a clock is a function
        await Retaining(service.ledger, service.pool, service.eraser, clock=clock).carry_out()

    await retained(7)
    assert "retention.executed" not in await event_types(database)
    await retained(8)
    gone = await anonymous.post(link)

    assert (await event_types(database)).count("retention.executed") == 1
    assert gone.status_code == 404
    connection: Any = await asyncpg.connect(database.dsn("ledger_app"))
    try:
        kept = await connection.fetch(
            "SELECT class FROM ledger.keyring WHERE state <> 'erased' AND class = 'sign-up'"
        )
        blobs = await connection.fetchval(
            "SELECT count(*) FROM ledger.sealed s JOIN ledger.keyring k USING (key_id)"
            " WHERE k.class = 'sign-up'"
        )
    finally:
        await connection.close()
    assert (kept, blobs) == ([], 0)


@pytest.mark.clause("C82")
async def test_a_link_that_is_too_late_or_wrong_does_nothing(
    anonymous: httpx.AsyncClient, service: Service, database: Database
) -> None:
    person = await subscribed(anonymous, service)
    before = await event_types(database)
    links = service.correspondence.links
    other = links.token(Link(LinkKind.MAILING, person, 0, "newsletter"))
    nobody = links.token(Link(LinkKind.CONFIRM, UUID(int=7), 0, str(UUID(int=8))))
    altered = f"{other[:-4]}AAAA"

    for token in (other, nobody, altered, "x", "A" * 66):
        for method in ("GET", "POST"):
            answer = await anonymous.request(method, f"/confirm/{token}")
            assert (answer.status_code, "<h1>" in answer.text) == (404, True)
    assert await event_types(database) == before


@pytest.mark.clause("C82")
@pytest.mark.parametrize("email", ["nobody", "a@b", "two@at@signs.example", "x" * 250 + "@a.eu"])
async def test_what_is_no_address_is_refused_without_being_repeated(
    anonymous: httpx.AsyncClient, email: str
) -> None:
    answer = await signed_up(anonymous, email)

    assert answer.status_code == 422
    assert email not in answer.text


@pytest.mark.clause("L12", "C82")
async def test_a_sentence_that_was_never_ours_proves_nothing(
    anonymous: httpx.AsyncClient,
) -> None:
    body = {"email": EMAIL, "wording_sha256": "ab" * 32}

    answer = await anonymous.post("/v1/newsletter/sign-ups", json=body)

    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/consent-evidence-invalid"


@pytest.mark.clause("C82")
async def test_an_address_is_not_flooded_and_its_owner_alone_notices(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    answers = [await signed_up(anonymous) for _ in range(6)]
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()

    assert {(one.status_code, one.content) for one in answers} == {
        (202, b'{"status":"confirmation-sent"}')
    }
    assert len(mailbox.received) == 3


@pytest.mark.clause("C82")
async def test_one_network_cannot_sign_up_the_world(anonymous: httpx.AsyncClient) -> None:
    answers = [await signed_up(anonymous, f"p{n}@stad.example") for n in range(31)]

    assert [one.status_code for one in answers] == [202] * 30 + [429]
    assert answers[-1].json()["type"] == "/problems/rate-limited"
    assert int(answers[-1].headers["retry-after"]) > 0


class Markup(HTMLParser):
    """What a page is made of: elements with their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps an element."""
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.clause("C82", "L27", "L12")
@pytest.mark.parametrize("language", languages())
async def test_the_form_works_without_script_in_every_language(
    anonymous: httpx.AsyncClient, service: Service, language: str
) -> None:
    page = await anonymous.get("/newsletter", headers={"accept-language": language})
    markup, texts = Markup(page.text), said(language)
    digest = next(one["value"] for one in markup.all("input") if one["name"] == "wording")
    shown = wording_of(IMPEL, str(digest))

    assert page.status_code == 200
    assert markup.all("html") == [{"lang": language}]
    assert len(markup.all("h1")) == 1
    assert [one["for"] for one in markup.all("label")] == ["email"]
    [email] = [one for one in markup.all("input") if one["type"] == "email"]
    assert (email["id"], email["autocomplete"]) == ("email", "email")
    assert not markup.all("script") + markup.all("link") + markup.all("img")
    policy = page.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)
    assert "default-src 'none'" in policy
    assert style is not None
    assert shown is not None
    assert shown.language == language
    assert shown.text.replace("'", "&#39;") in page.text

    sent = await anonymous.post(
        "/newsletter", content=f"email=a%40stad.example&wording={digest}", headers=FORM
    )
    wrong = await anonymous.post("/newsletter", content=f"email=a&wording={digest}", headers=FORM)
    assert (sent.status_code, texts["sign_up_done_title"] in sent.text) == (200, True)
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (422, True)
    assert "set-cookie" not in (*page.headers, *sent.headers)


@pytest.mark.clause("C73", "L14", "L15", "L43")
async def test_one_click_ends_the_mailing_and_nothing_else(
    anonymous: httpx.AsyncClient, service: Service, database: Database
) -> None:
    """RFC 8058: a POST without cookies, in either form encoding; a GET, however often, is idle."""
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")
    before = await event_types(database)
    for _ in range(5):
        assert (await anonymous.get(url)).status_code == 200
    assert (await anonymous.head(url)).status_code in (200, 405)
    assert await event_types(database) == before
    assert await newsletter_allowed(service, person)
    assert (EMAIL in url, str(person) in url) == (False, False)

    clicked = await anonymous.post(url, files={"List-Unsubscribe": (None, "One-Click")})

    assert clicked.status_code == 200
    assert not await newsletter_allowed(service, person)
    state = await service.ledger.state(person)
    assert state.consents.of("newsletter").proof is None
    assert "newsletter" in await service.lookups.suppressed_purposes([EMAIL], ["newsletter"])
    assert state.relationships.ongoing
    ended = (await event_types(database))[len(before) :]
    assert ended == ["consent.withdrawn", "suppression.recorded"]

    again = await anonymous.post(url, content="List-Unsubscribe=One-Click", headers=FORM)
    assert again.status_code == 200
    assert len(await event_types(database)) == len(before) + 2


@pytest.mark.clause("C73", "L43")
async def test_all_news_end_with_the_other_button(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")

    await anonymous.post(url, content="scope=everything", headers=FORM)

    closed = (await service.ledger.state(person)).suppressions.purposes
    policy = (await service.ledger.rules()).policy
    marketing = {one.key for one in policy.all_purposes() if one.direct_marketing}
    assert {"newsletter", "information"} <= marketing == closed.keys()


@pytest.mark.clause("C73")
async def test_a_preference_is_kept_in_the_record(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")
    place = url.replace("/unsubscribe/", "/preferences/")
    before = (await service.ledger.state(person)).version

    saved = await anonymous.post(place, content="language=fr", headers=FORM)
    other = await anonymous.post(place, content="language=xx", headers=FORM)

    assert (saved.status_code, 'lang="fr"' in saved.text) == (200, True)
    assert other.status_code == 200
    events = (await service.store.read_stream(person)).events
    assert kinds(events)[before:] == ["data.collected"]


@pytest.mark.clause("C73", "L43")
async def test_each_mailing_of_the_policy_is_ended_by_itself(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    """What is ticked ends at once and for good; the newsletter, which is not, goes on."""
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")
    place = url.replace("/unsubscribe/", "/preferences/")
    before = (await service.ledger.state(person)).version
    policy = (await service.ledger.rules()).policy
    for code in languages():
        page = await anonymous.get(url, params={"language": code})
        for one in policy.all_purposes():
            assert (f'name="end-{one.key}"' in page.text) is one.direct_marketing
        assert "checked" not in page.text

    ticked = "end-partner_news=1&end-information=1&end-event_logistics=1&end-x=1"
    for _ in range(2):
        done = await anonymous.post(place, content=ticked, headers=FORM)
        assert done.status_code == 200
    nothing = await anonymous.post(place, content="", headers=FORM)

    state = await service.ledger.state(person)
    events = (await service.store.read_stream(person)).events
    assert nothing.status_code == 200
    assert state.suppressions.purposes.keys() == {"information", "partner_news"}
    assert kinds(events)[before:] == ["suppression.recorded"] * 2
    assert await newsletter_allowed(service, person)
    await anonymous.post(place, content="end-newsletter=1", headers=FORM)
    assert not await newsletter_allowed(service, person)


@pytest.mark.clause("C73")
async def test_a_link_fills_no_log_by_changing_the_language_to_and_fro(
    anonymous: httpx.AsyncClient, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")
    place = url.replace("/unsubscribe/", "/preferences/")
    before = (await service.ledger.state(person)).version

    told = [
        (await anonymous.post(place, content=f"language={wanted}", headers=FORM)).status_code
        for wanted in ("fr", "sv", "nl", "en") * 3
    ]

    assert set(told[-4:]) == {404}
    assert 3 <= (await service.ledger.state(person)).version - before <= LANGUAGES_DAILY_MAX


@pytest.mark.clause("C73")
async def test_revoked_links_do_nothing_and_new_ones_work(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    office = service.correspondence.post_office
    old = await office.link(LinkKind.MAILING, person, "newsletter")

    revoked = await client.post(f"/v1/subjects/{person}/links/revocation")

    assert revoked.status_code == 201
    assert (await anonymous.post(old)).status_code == 404
    assert await newsletter_allowed(service, person)
    made = await client.post(
        f"/v1/subjects/{person}/links", json={"kind": "mailing", "purpose": "newsletter"}
    )
    assert (await anonymous.post(made.json()["url"])).status_code == 200
    assert not await newsletter_allowed(service, person)


@pytest.mark.clause("C82", "L14", "L41", "L43")
async def test_who_was_erased_and_subscribes_gets_the_newsletter_and_nothing_else(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, service: Service
) -> None:
    """Their own later word opens the newsletter; other news stay closed to the address."""
    former = await subscribed(anonymous, service, "again@example.org")
    erased = await client.post(f"/v1/subjects/{former}/erasure", json={"source": "secretariat"})
    assert erased.status_code == 201

    person = await subscribed(anonymous, service, "again@example.org")

    assert person != former
    assert await newsletter_allowed(service, person)
    closed = (await service.ledger.state(person)).suppressions.purposes
    assert closed.keys() == {"information", "partner_news"}


@pytest.mark.clause("C73", "L43")
async def test_a_link_is_made_for_mailings_alone(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, service: Service
) -> None:
    """One click must not stop a person's reimbursements."""
    links = f"/v1/subjects/{await subscribed(anonymous, service)}/links"

    refused = await client.post(links, json={"kind": "mailing", "purpose": "payments"})

    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/not-a-mailing"


def test_every_wording_is_named_by_its_own_hash() -> None:
    for language in languages():
        shown = said(language)
        assert shown
    digest = hashlib.sha256(b"x").hexdigest()
    assert wording_of(IMPEL, digest) is None


async def absorbed(
    client: httpx.AsyncClient, api: Api, person: UUID, service: Service
) -> tuple[str, str]:
    """Another record that stands for the person now, and the merge."""
    survivor = await register(client, contact={"contact.email": "asa@privat.example"})
    pair = {"survivor": survivor.rsplit("/", maxsplit=1)[-1], "absorbed": str(person)}
    merge = (await post(client, "/v1/merges", {**pair, "ground": "control"}))["merge"]
    async with await api.client() as approver:
        await post(approver, f"/v1/merges/{merge}/approve", pair)
    return pair["survivor"], merge


@pytest.mark.clause("C73", "L14", "L41")
async def test_one_click_works_after_another_record_came_to_stand_for_the_person(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    """The mail was sent before; whoever got it may leave all the same, with every address."""
    person = await subscribed(anonymous, service)
    url = await service.correspondence.post_office.link(LinkKind.MAILING, person, "newsletter")
    survivor, _ = await absorbed(client, api, person, service)
    before = await newsletter_allowed(service, UUID(survivor))

    clicked = await anonymous.post(url, content="List-Unsubscribe=One-Click", headers=FORM)

    assert clicked.status_code == 200
    assert before
    assert not await newsletter_allowed(service, UUID(survivor))
    for address in (EMAIL, "asa@privat.example"):
        assert await service.lookups.suppressed_purposes([address], ["newsletter"])


@pytest.mark.clause("C82", "L6")
async def test_a_sign_up_from_an_address_of_an_absorbed_record_is_the_survivors(
    anonymous: httpx.AsyncClient, client: httpx.AsyncClient, api: Api, service: Service
) -> None:
    person = await subscribed(anonymous, service)
    survivor, _ = await absorbed(client, api, person, service)
    mailbox = Mailbox()
    await signed_up(anonymous)
    await mailing(service, mailbox).turn()
    [link] = mailbox.links("confirm")

    done = await anonymous.post(link)

    assert done.status_code == 200
    proof = (await service.ledger.state(UUID(survivor))).consents.of("newsletter").proof
    assert proof is not None


@pytest.mark.clause("C82")
def test_an_address_of_ipv4_is_one_network_on_a_socket_of_both_kinds() -> None:
    """A socket of IPv6 shows it mapped: whoever signs up too often keeps nobody else out."""
    limits = SignUpLimits(hourly_max=1, daily_max=1, total_max=9)
    now = system_clock()

    admitted = [
        limits.admits_network(client, now)
        for client in ("::ffff:198.51.100.7", "::ffff:198.51.100.8", "198.51.100.7", "::1", "::2")
    ]

    assert admitted == [True, True, False, True, False]
