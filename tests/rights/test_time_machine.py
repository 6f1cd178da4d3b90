"""The time machine: on the last day all is there, on the next it is gone everywhere (L7, L67).

One case for each retention class of the policy: a class without one fails.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.clock import Clock
from app.domain.evidence import Wording
from app.domain.mails import QueueMail
from app.domain.sign_ups import ReceiveSignUp
from app.events.mails import MailKind
from app.events.retention import RetentionExecuted
from app.receipts import Attribution
from app.rights.retention import Retaining
from app.service import Service
from app.store.connection import connect
from app.store.integrity import verify
from app.vault.sealing import Sealed
from app.workers import Workers
from tests.conftest import Database
from tests.rights.people import CONTACT, WORDING, arrange, consent, post, register, share
from tests.rights.people import collect as collected
from tests.spec import POLICY

BRUSSELS = ZoneInfo("Europe/Brussels")
TODAY = datetime.now(BRUSSELS).date()
PERSON = CONTACT | {"contact.email": "time.traveller@stad.example"}
BY = Attribution(by="tests")
SECRET = "Tidsresenär"
"""Stands in whatever a case has sealed, and nowhere else."""


@dataclass(frozen=True)
class Case:
    """Somebody of whom one class holds something, and the day on which that is kept last."""

    person: str
    last: date
    secret: str = SECRET
    by_closing: bool = False
    """Whether it goes with the closing of an erasure."""
    reads: tuple[str, ...] = field(default=())
    """Purposes for which the profile shows it until then."""


Scenario = Callable[[httpx.AsyncClient, Service], Awaitable[Case]]


def years(start: date, number: int) -> date:
    """The same day so many years later, the last of February where there is none."""
    try:
        return start.replace(year=start.year + number)
    except ValueError:
        return date(start.year + number, 2, 28)


def months(start: date, number: int) -> date:
    """The same day so many months later, or the month's last."""
    year, month = divmod(start.year * 12 + start.month - 1 + number, 12)
    for day in (start.day, 30, 29, 28):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    raise AssertionError


def moment(day: date) -> str:
    """Noon of a day."""
    return datetime.combine(day, time(12), UTC).isoformat()


async def known(client: httpx.AsyncClient, *purposes: str) -> str:
    """Somebody who registered."""
    return await register(client, *purposes, contact=PERSON)


async def participation(client: httpx.AsyncClient, _: Service) -> Case:
    """Seven years after the end of taking part."""
    long_ago = moment(years(TODAY, -3))
    name = PERSON | {"contact.name": SECRET}
    kind = {"kind": "event_attendee", "occurred_at": long_ago}
    person = await register(client, contact=name, occurred_at=long_ago, relationships=[kind])
    await post(client, f"{person}/relationships/end", {"kind": "event_attendee"})
    return Case(person, years(TODAY, 7), reads=("event_logistics",))


async def content(client: httpx.AsyncClient, _: Service) -> Case:
    """Contributions are counted like the details of their author."""
    person = await register(client, contact=PERSON, relationships=[{"kind": "project_participant"}])
    await collected(client, person, "project_collaboration", {"content.message": SECRET})
    await post(client, f"{person}/relationships/end", {"kind": "project_participant"})
    return Case(person, years(TODAY, 7), reads=("project_collaboration",))


async def subscribed(client: httpx.AsyncClient, evidence: str = "form entry") -> str:
    """Somebody whose consent to the newsletter has ended today."""
    person = await known(client, "newsletter", "event_logistics")
    await post(client, f"{person}/consents", consent(evidence=evidence))
    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"})
    return person


async def subscription(client: httpx.AsyncClient, _: Service) -> Case:
    """Not a day longer than the consent."""
    person = await subscribed(client)
    return Case(person, TODAY, secret="", reads=())


async def consent_proof(client: httpx.AsyncClient, _: Service) -> Case:
    """Five years after the end of the consent."""
    return Case(await subscribed(client, evidence=SECRET), years(TODAY, 5))


def at_occasion(purpose: str, category: str, keep: Callable[[date], date]) -> Scenario:
    """Obtained at an occasion that ended ten days ago, as the controller says for everybody."""

    async def scenario(client: httpx.AsyncClient, _: Service) -> Case:
        occasion, ended = uuid4(), TODAY - timedelta(days=10)
        person = await known(client)
        await collected(
            client,
            person,
            purpose,
            {category: SECRET},
            occasion=str(occasion),
            occurred_at=moment(TODAY - timedelta(days=40)),
        )
        await post(client, f"/v1/occasions/{occasion}/end", {"on": ended.isoformat()})
        return Case(person, keep(ended), reads=(purpose,))

    return scenario


def days(number: int) -> Callable[[date], date]:
    """So many days later."""
    return lambda start: start + timedelta(days=number)


async def chat(client: httpx.AsyncClient, _: Service) -> Case:
    """Promised to be gone when the chat ends: today, that is."""
    occasion = uuid4()
    person = await known(client)
    data = {"chat.transcript": SECRET}
    await collected(client, person, "chat", data, occasion=str(occasion))
    await post(client, f"/v1/occasions/{occasion}/end", {"on": TODAY.isoformat()})
    return Case(person, TODAY, reads=("chat",))


def voucher(year: int, last: date) -> Scenario:
    """Documents of a year, by the law of that year (L62)."""

    async def scenario(client: httpx.AsyncClient, _: Service) -> Case:
        person = await known(client)
        at = moment(date(year, 6, 1))
        await collected(client, person, "payments", {"billing.reference": SECRET}, occurred_at=at)
        return Case(person, last, reads=("payments",))

    return scenario


def granted(amount_cents: int, keep_years: int) -> Scenario:
    """Records of a grant, by its amount, from the payment of the balance (L64)."""

    async def scenario(client: httpx.AsyncClient, _: Service) -> Case:
        grant, paid = uuid4(), TODAY - timedelta(days=20)
        person = await known(client)
        await collected(
            client,
            person,
            "grant_records",
            {"financial.claim": SECRET},
            occasion=str(grant),
            occurred_at=moment(TODAY - timedelta(days=400)),
        )
        body = {"on": paid.isoformat(), "amount_cents": amount_cents}
        await post(client, f"/v1/occasions/{grant}/payment", body)
        return Case(person, years(paid, keep_years), reads=("grant_records",))

    return scenario


async def rights_request(client: httpx.AsyncClient, _: Service) -> Case:
    """A year after the matter was closed."""
    person = await known(client)
    body = {"ground": "unlawful", "source": "secretariat", "statement": SECRET}
    restriction = (await post(client, f"{person}/restrictions", body))["restriction"]
    await lifted(client, person, restriction)
    return Case(person, years(TODAY, 1))


async def rights_proof(client: httpx.AsyncClient, _: Service) -> Case:
    """Five years after the decision."""
    person = await known(client)
    body = {"purpose": "event_logistics", "source": "secretariat"}
    objection = (await post(client, f"{person}/objections", body))["objection"]
    await post(client, f"{person}/objections/{objection}/overriding", {"grounds": SECRET})
    await lifted(client, person, objection)
    return Case(person, years(TODAY, 5))


async def lifted(client: httpx.AsyncClient, person: str, restriction: str) -> None:
    """The person is told, and the restriction ends."""
    body = {"restriction": restriction, "channel": "email"}
    await post(client, f"{person}/restrictions/lift/announcement", body)
    await post(client, f"{person}/restrictions/lift", {"restriction": restriction})


async def erasure_execution(client: httpx.AsyncClient, service: Service) -> Case:
    """Three months after the execution, whoever was told."""
    await arrange(service, "azavista", mechanism=None)
    person = await known(client)
    await post(client, f"{person}/disclosures", share("azavista"))
    order = {"source": "secretariat", "reply_address": SECRET}
    await post(client, f"{person}/erasure", order)
    return Case(person, months(TODAY, 3), by_closing=True)


def by_the_day(purpose: str, category: str, keep: Callable[[date], date], **more: Any) -> Scenario:
    """Counted from the collection, whatever else was collected in the same month."""

    async def scenario(client: httpx.AsyncClient, _: Service) -> Case:
        person = await known(client)
        value = "2001:db8::7" if category == "network.ip" else SECRET
        yesterday = TODAY - timedelta(days=1)  # noon of today may be yet to come
        for when, said in ((TODAY - timedelta(days=3), value), (yesterday, "2001:db8::8")):
            await collected(
                client, person, purpose, {category: said}, occurred_at=moment(when), **more
            )
        return Case(person, keep(TODAY - timedelta(days=3)), secret=value)

    return scenario


async def mail(client: httpx.AsyncClient, service: Service) -> Case:
    """A message lies thirty days at most; that it was sent stays on record."""
    person = await known(client)
    command = QueueMail(
        mail=uuid4(),
        kind=MailKind.ANSWER,
        purpose="correspondence",
        address=PERSON["contact.email"],
        text=SECRET,
        message="ab" * 32,
        letter="ef" * 32,
        language="sv",
        objection="cd" * 32,
    )
    await service.ledger.execute(UUID(person.rpartition("/")[2]), command, BY)
    return Case(person, TODAY + timedelta(days=30))


async def sign_up(_: httpx.AsyncClient, service: Service) -> Case:
    """Whoever does not confirm is forgotten after a week; nobody was registered."""
    stream = uuid4()
    command = ReceiveSignUp(
        sign_up=uuid4(),
        purpose="newsletter",
        address="tidsresenar@stad.example",
        wording=Wording(digest=WORDING, language="sv", policy="impel-1"),
        source="registration_form",
    )
    await service.ledger.execute(stream, command, BY)
    secret = "tidsresenar@stad.example"
    return Case(f"/v1/subjects/{stream}", TODAY + timedelta(days=7), secret=secret)


SCENARIOS: Mapping[str, Scenario] = {
    "participation": participation,
    "content": content,
    "subscription": subscription,
    "occasion": at_occasion("event_logistics", "event.registration", days(30)),
    "travel-identity": at_occasion("travel_booking", "identity.document", days(30)),
    "photograph": at_occasion("photos", "image.event", lambda start: years(start, 2)),
    "survey": at_occasion("survey", "survey.answers", lambda start: years(start, 1)),
    "fiscal": voucher(2022, date(2032, 12, 31)),
    "grant": granted(6_000_001, 5),
    "consent-proof": consent_proof,
    "rights-request": rights_request,
    "rights-proof": rights_proof,
    "erasure-execution": erasure_execution,
    "mail": mail,
    "sign-up": sign_up,
    "web": by_the_day("share_buttons", "web.widget", lambda start: months(start, 6)),
    "chat": chat,
    "security-log": by_the_day("security_logging", "network.ip", days(90), flags=["collects_ip"]),
}
MORE = {
    "fiscal, documents of 2021": ("fiscal", voucher(2021, date(2028, 12, 31))),
    "grant of 60,000.00": ("grant", granted(6_000_000, 3)),
}
CASES = [pytest.param(key, SCENARIOS.get(key), id=key) for key in POLICY.retention_classes] + [
    pytest.param(key, scenario, id=name) for name, (key, scenario) in MORE.items()
]


def at(day: date, hour: int = 12, minute: int = 0) -> Clock:
    """A clock that stands at an hour of a day in Brussels."""
    moment_ = datetime.combine(day, time(hour, minute), BRUSSELS).astimezone(UTC)
    return lambda: moment_


@pytest.fixture(autouse=True)
async def projected(service: Service, database: Database) -> AsyncIterator[Workers]:
    """The projections follow the log."""

    async def purge() -> None:
        """Nothing grows old in a test."""

    workers = Workers(connect=lambda: connect(database.dsn("ledger_projector")), purge=purge)
    workers.start()
    yield workers
    await workers.stop()


async def ran(service: Service, clock: Clock) -> None:
    """What the daily job does at that time."""
    done = await Retaining(service.ledger, service.pool, service.eraser, clock=clock).run()
    assert done.failed == 0


@pytest.mark.clause("L7", "L67", "C32", "L62", "L63", "L64", "L65", "L66", "C13", "C56")
@pytest.mark.parametrize(("retention_class", "scenario"), CASES)
async def test_the_day_before_present_and_the_day_after_gone_everywhere(
    client: httpx.AsyncClient, service: Service, retention_class: str, scenario: Scenario | None
) -> None:
    """One second before the last day is over in Brussels, and one after."""
    assert scenario is not None, "a retention class without an event that starts its clock"
    case = await scenario(client, service)
    subject_id = UUID(case.person.rpartition("/")[2])

    await ran(service, at(case.last, 23, 59))
    before = await outputs(client, service, case)
    kept = await living(service, subject_id, retention_class)
    await ran(service, at(case.last + timedelta(days=1), 0, 1))
    after = await outputs(client, service, case)
    left = await living(service, subject_id, retention_class)
    blobs = await service.pool.fetchval(
        "SELECT count(*) FROM ledger.sealed s JOIN ledger.keyring k USING (key_id)"
        " WHERE k.subject_id = $1 AND k.class = $2 AND k.state = 'erased'",
        subject_id,
        retention_class,
    )

    assert kept > left
    assert blobs == 0
    if case.secret and not case.by_closing:
        assert case.secret in before
    assert not case.secret or case.secret not in after
    if not case.by_closing:
        [entry] = await executed(service, subject_id, retention_class)
        assert entry.until == case.last
        assert entry.policy == POLICY.version
    async with service.pool.acquire() as connection:
        verification = await verify(connection)
    assert verification.sound, verification.findings


async def outputs(client: httpx.AsyncClient, service: Service, case: Case) -> str:
    """Everything that the service says about a person, to whoever asks."""
    head = await service.store.head_position()
    page = {"limit": 100, "min_position": head}
    told = [
        await client.get(f"{case.person}/access-report"),
        await client.get(f"{case.person}/portability-package", params={"profile": "promised"}),
        await client.get(f"{case.person}/events"),
        await client.get("/v1/events", params={"limit": 1000}),
    ]
    for purpose in (*case.reads, "event_logistics"):
        told.append(await client.get(case.person, headers={"Purpose": purpose}))
        told.append(await client.get("/v1/subjects", headers={"Purpose": purpose}, params=page))
    assert all(answer.status_code < 500 for answer in told)
    return " ".join([*(answer.text for answer in told), *await readable(service, case)])


async def readable(service: Service, case: Case) -> list[str]:
    """Whatever the keys at hand still open, shown by an operation or not."""
    stream = await service.store.read_stream(UUID(case.person.rpartition("/")[2]), with_blobs=True)
    opened = (
        service.store.open_section(stream, recorded.version, seal.retention_class)
        for recorded in stream.events
        for seal in recorded.seals
    )
    return [str(dict(one.personal)) for one in opened if isinstance(one, Sealed)]


async def living(service: Service, subject_id: UUID, retention_class: str) -> int:
    """How many data keys of a class were not destroyed."""
    stream = await service.store.read_stream(subject_id)
    return sum(
        row.retention_class == retention_class and row.state != "erased"
        for row in stream.keys.values()
    )


async def executed(
    service: Service, subject_id: UUID, retention_class: str
) -> list[RetentionExecuted]:
    """The entries that name the destruction and its rule."""
    stream = await service.store.read_stream(subject_id)
    return [
        one.event
        for one in stream.events
        if isinstance(one.event, RetentionExecuted) and one.event.retention_class == retention_class
    ]
