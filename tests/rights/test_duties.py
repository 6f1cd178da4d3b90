"""What happens with nobody asking: silence grants, children's data go, the certificate is kept."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.clock import Clock
from app.domain.erasure_steps import PrepareErasure, RequestErasure
from app.domain.subjects import DiscoverChild
from app.events.objections import GrantReason, ObjectionGranted
from app.receipts import Attribution
from app.rights.duties import Discharged, Duties
from app.service import Service
from app.store.connection import connect
from app.workers import Workers
from tests.api.mailbox import Mailbox, mailing
from tests.api.test_notices import published
from tests.api.test_rights_requests import ask
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, collect, consent, get, post, register, share

BRUSSELS = ZoneInfo("Europe/Brussels")
BY = Attribution(by="tests")


@pytest.fixture(autouse=True)
async def projected(service: Service, database: Database) -> AsyncIterator[Workers]:
    """The projections follow the log."""

    async def purge() -> None:
        """Nothing grows old in a test."""

    workers = Workers(connect=lambda: connect(database.dsn("ledger_projector")), purge=purge)
    workers.start()
    yield workers
    await workers.stop()


def duties(service: Service, clock: Clock | None = None) -> Duties:
    """What carries them out."""
    assert service.eraser is not None
    return Duties(service.ledger, service.pool, service.eraser, clock=clock)


async def granted(service: Service, person: str) -> list[ObjectionGranted]:
    """The grants on a person's stream."""
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]))
    return [one.event for one in stream.events if isinstance(one.event, ObjectionGranted)]


async def shown(client: httpx.AsyncClient, person: str) -> list[dict[str, Any]]:
    """The objections as the desk sees them."""
    answer = await client.get(f"{person}/objections", headers={"Purpose": "rights_requests"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["objections"]
    return found


async def caught_up(client: httpx.AsyncClient, service: Service) -> None:
    """The projection of objections knows the head of the log."""
    head = await service.store.head_position()
    answer = await client.get(
        "/v1/objections",
        params={"min_position": head},
        headers={"Purpose": "rights_requests"},
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.clause("L44", "L46", "C65", "C37")
@pytest.mark.parametrize("use", ["photo_website", "photo_newsletter", "photo_reporting"])
async def test_silence_past_the_last_day_grants_and_not_a_second_before(
    client: httpx.AsyncClient, service: Service, use: str
) -> None:
    """Each use of photographs by itself; the worker does it, and says why."""
    person = await register(client)
    raised = await post(client, f"{person}/objections", {"purpose": use, "source": "secretariat"})
    [pending] = await shown(client, person)
    due = datetime.fromisoformat(pending["due"]).date()
    last = datetime.combine(due, time(23, 59, 59), BRUSSELS).astimezone(UTC)
    await caught_up(client, service)

    before = await duties(service, lambda: last).run()
    early = await granted(service, person)
    after = await duties(service, lambda: last + timedelta(seconds=1)).run()
    again = await duties(service, lambda: last + timedelta(days=2)).run()

    assert raised["state"] == "pending"
    assert pending["stops"] == [use]
    assert (before.granted, early) == (0, [])
    assert (after.granted, again.granted) == (1, 0)
    assert [one.reason for one in await granted(service, person)] == [GrantReason.SILENCE]
    [told] = await shown(client, person)
    assert (told["status"], told["stops"]) == ("granted", [use])


@pytest.mark.clause("L42", "L44", "C65")
async def test_a_request_that_is_taken_back_ends_its_objection_and_what_rested_for_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Silence grants nothing any more; what rested is used again once the letter has left."""
    person = await register(client)
    subject_id = UUID(person.rpartition("/")[2])
    path = await ask(client, "objection", person)
    use = {"purpose": "photo_website", "source": "secretariat"}
    await post(client, f"{person}/objections", use)
    await post(client, f"{path}/withdraw", {"channel": "email"})
    await caught_up(client, service)

    untold = await duties(service).run()
    resting = (await service.ledger.state(subject_id)).restrictions.active
    mailbox = Mailbox()
    await mailing(service, mailbox).turn()
    told = await duties(service).run()
    much_later = await duties(service, lambda: datetime(2100, 1, 1, tzinfo=UTC)).run()

    assert (untold.lifted, len(resting)) == (0, 1)
    assert (told.lifted, told.failed, much_later.granted) == (1, 0, 0)
    letters = {message["Subject"]: message for _, message in mailbox.received}
    assert letters.keys() == {
        "IMPEL: We have received your request",
        "IMPEL: Your request is closed",
        "IMPEL: A restriction of your data will end",
    }
    body = letters["IMPEL: A restriction of your data will end"].get_body(("plain",))
    assert body is not None
    assert "You have taken back your objection." in body.get_content()
    [shown_now] = await shown(client, person)
    assert (shown_now["status"], shown_now["stops"]) == ("withdrawn", [])
    assert not (await service.ledger.state(subject_id)).restrictions.active
    await caught_up(client, service)
    for register_of in ("objections", "restrictions"):
        listed = await client.get(f"/v1/{register_of}", headers={"Purpose": "rights_requests"})
        assert str(subject_id) not in listed.text


@pytest.mark.clause("C74", "C75", "L36")
async def test_a_child_is_erased_without_a_request_and_the_recipients_are_due(
    client: httpx.AsyncClient, service: Service
) -> None:
    """However it became known; two people are not asked for what is a duty."""
    await post(client, "/v1/safeguards/two_person_erasure", {"on": True})
    await arrange(service, "azavista", mechanism=None)
    person = await register(client)
    await post(client, f"{person}/disclosures", share("azavista"))
    subject_id = UUID(person.rpartition("/")[2])
    await service.ledger.execute(subject_id, DiscoverChild(source="secretariat"), BY)

    done = await duties(service).run()
    again = await duties(service).run()
    [erasure] = (await get(client, f"{person}/erasure"))["erasures"]

    assert (done.erased, done.failed) == (1, 0)
    assert again == Discharged()
    assert (erasure["trigger"], erasure["stage"]) == ("child_data", "executed")
    assert erasure["untold"] == ["azavista"]
    await get(client, f"{person}/access-report", status=410)


@pytest.mark.clause("C75", "L63")
async def test_a_hold_keeps_a_childs_data_too_and_is_asked_again(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    subject_id = UUID(person.rpartition("/")[2])
    body = {"ground": "legal_obligation", "source": "secretariat"}
    hold = (await post(client, f"{person}/legal-holds", body))["hold"]
    await service.ledger.execute(subject_id, DiscoverChild(source="secretariat"), BY)

    held = await duties(service).run()
    await post(client, f"{person}/legal-holds/{hold}/release")
    done = await duties(service).run()

    assert (held.erased, held.held) == (0, 1)
    assert (done.erased, done.held) == (1, 0)


@pytest.mark.clause("C79", "L36")
async def test_who_does_not_accept_a_new_policy_is_erased_at_a_word(
    client: httpx.AsyncClient,
) -> None:
    """No request under Art. 17 and no reason is needed: the policy itself promises it."""
    person = await register(client)
    order = {"source": "self_service", "trigger": "policy_change"}

    erased = (await post(client, f"{person}/erasure", order))["erasure"]
    [told] = (await get(client, f"{person}/erasure"))["erasures"]

    assert erased["stage"] == "executed"
    assert told["trigger"] == "policy_change"


SECRETS = (*CONTACT.values(), "travel, 120.00", "Yes, I can come.", "form entry")


async def erased(client: httpx.AsyncClient, service: Service) -> tuple[str, dict[str, Any]]:
    """Somebody with vouchers, a consent, a contribution and two recipients, who was erased."""
    await arrange(service, "azavista", mechanism=None)
    person = await register(client, "event_logistics", "newsletter")
    await post(client, f"{person}/consents", consent(evidence="form entry"))
    await collect(client, person, "payments", {"financial.claim": "travel, 120.00"})
    await post(client, f"{person}/disclosures", share("azavista"))
    await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    order = {"source": "secretariat", "statement": "Yes, I can come."}
    carried: dict[str, Any] = (await post(client, f"{person}/erasure", order))["erasure"]
    return person, carried


@pytest.mark.clause("L36", "L37", "L41", "C66", "C71", "X11")
async def test_the_certificate_names_all_and_holds_nobody(
    client: httpx.AsyncClient, service: Service
) -> None:
    person, carried = await erased(client, service)
    path = f"{person}/erasure/{carried['erasure']}"

    first = await get(client, f"{path}/certificate")
    informed = {"recipient": "azavista", "outcome": "verified_gone"}
    await post(client, f"{path}/recipients", informed)
    early = await post(client, f"{path}/closing", status=409)
    await post(client, f"{path}/recipients", {"recipient": "hotels", "outcome": "impossible"})
    await post(client, f"{path}/closing")
    last = await get(client, f"{path}/certificate")
    page = await client.get(f"{path}/certificate", params={"format": "html", "language": "sv"})
    paper = await client.get(f"{path}/certificate", params={"format": "pdf", "language": "fr"})

    assert (first["final"], last["final"]) == (False, True)
    assert early["type"] == "/problems/recipients-uninformed"
    kept = {one["retention_class"]: one for one in last["retained"]}
    assert kept.keys() == {"consent-proof", "fiscal"}
    year = datetime.now(BRUSSELS).year
    assert kept["fiscal"]["until"] == f"{year + 10}-12-31"
    assert "CIR 92" in kept["fiscal"]["norm"]
    assert kept["fiscal"]["ground"] == "Art. 17(3)(b)"
    assert {one["key"]: (one["outcome"], one["confirmed"]) for one in last["recipients"]} == {
        "azavista": ("verified_gone", True),
        "hotels": ("impossible", False),
    }
    reached = {one["retention_class"]: one["levels"] for one in last["destroyed"]}
    assert reached.keys() >= {"participation", "subscription", "erasure-execution"}
    assert all(one["e1"] and not one["e2"] and not one["e3"] for one in reached.values())
    assert [one["step"] for one in last["entries"]] == ["subject", "closing"]
    assert sorted(last["suppressed"]) == ["information", "newsletter", "partner_news"]
    assert (page.status_code, paper.status_code) == (200, 200)
    assert paper.content.startswith(b"%PDF")
    for secret in SECRETS:
        assert secret not in str(last) + page.text


@pytest.mark.clause("L41")
async def test_there_is_no_certificate_of_what_was_not_destroyed(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    await post(client, f"{person}/legal-holds", {"ground": "audit", "source": "secretariat"})
    await post(client, f"{person}/erasure", {"source": "secretariat"}, status=409)
    [waiting] = (await get(client, f"{person}/erasure"))["erasures"]

    none = await get(client, f"{person}/erasure/{waiting['erasure']}/certificate", status=404)

    assert none["type"] == "/problems/certificate-missing"


@pytest.mark.clause("L41", "C77")
async def test_a_certificate_speaks_by_the_policy_of_its_day(
    client: httpx.AsyncClient, service: Service
) -> None:
    """What was kept, and by whom, does not change with a later policy; nor what was taken back."""
    person = await register(client)
    subject_id = UUID(person.rpartition("/")[2])
    begun = RequestErasure(erasure=uuid4(), source="secretariat")
    await service.ledger.execute(subject_id, begun, BY)
    prepared = PrepareErasure(erasure=begun.erasure)
    await service.ledger.execute(subject_id, prepared, BY)
    await post(client, f"{person}/erasure/{begun.erasure}/withdrawal")
    done = (await post(client, f"{person}/erasure", {"source": "secretariat"}))["erasure"]
    path = f"{person}/erasure/{done['erasure']}/certificate"
    before = await get(client, path)
    renamed = (b'name = "IMPEL"', b'name = "Another Controller"')
    await published(service, renamed, version="impel-2")

    after = await get(client, path)
    page = await client.get(path, params={"format": "html"})

    assert after == before
    assert (after["policy"], after["controller"]["name"]) == ("impel-1", "IMPEL")
    assert "Another Controller" not in page.text
    assert sorted(after["suppressed"]) == ["information", "newsletter", "partner_news"]
