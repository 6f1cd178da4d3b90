"""What is kept goes on the day after its last one, never before, and not while a right is open."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.collections import CollectData
from app.domain.consents import GiveConsent, WithdrawConsent
from app.domain.erasure_steps import Destruction, RequestErasure, WithdrawErasure
from app.domain.evidence import Evidence, Wording
from app.domain.obtaining import Obtained
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.restrictions import Restrict
from app.domain.retention import ExecuteRetention, expired
from app.events.restrictions import RestrictionGround
from app.events.retention import RetentionExecuted
from app.values import replace
from tests.spec import NOW, OCCASION, At, Given, circumstances, data_key, given, registration

LONG_AGO = NOW - timedelta(days=9 * 365)
ERASURE = UUID("7d1f0c56-2f0e-4c8e-8f62-0d0f3d2b6a01")
ROOT = "ab" * 32
PARTICIPATION = data_key("participation", "membership")
TRIP = CollectData(
    obtained=Obtained(
        purpose="travel_booking", personal={"identity.document": "EK1"}, occasion=OCCASION
    ),
    source="travelperk",
    occurred_at=LONG_AGO,
)
VOUCHER = CollectData(
    obtained=Obtained(purpose="payments", personal={"financial.account": "9912346"}),
    source="secretariat",
    occurred_at=LONG_AGO,
)


def ended(kind: str, at: datetime, occasion: UUID | None = None) -> tuple[object, object]:
    """A relationship that began long ago, and its end."""
    return (
        StartRelationship(kind=kind, occasion=occasion, occurred_at=LONG_AGO),
        EndRelationship(kind=kind, occasion=occasion, occurred_at=at),
    )


def participant(ended_at: datetime, *more: object) -> Given:
    """Somebody who registered long ago and took part until a day."""
    registered = replace(registration("event_logistics"), occurred_at=LONG_AGO)
    return given(registered, *ended("event_attendee", ended_at), *more)


def due(person: Given, on: date) -> set[tuple[str, date]]:
    """What is due on a day: class and last day."""
    noon = datetime(on.year, on.month, on.day, 12, tzinfo=NOW.tzinfo)
    found = expired(person.state, circumstances(now=noon))
    return {(one.retention_class, one.until) for one in found.values()}


@pytest.mark.clause("L7", "C32", "L40")
def test_details_are_kept_seven_years_after_the_end_and_go_on_the_day_after() -> None:
    person = participant(datetime(2019, 3, 14, 9, tzinfo=NOW.tzinfo))

    assert due(person, date(2026, 3, 14)) == set()
    assert due(person, date(2026, 3, 15)) == {("participation", date(2026, 3, 14))}


@pytest.mark.clause("L7", "L40")
def test_nothing_is_due_while_the_person_takes_part() -> None:
    still = StartRelationship(kind="project_participant", occurred_at=LONG_AGO)
    person = participant(datetime(2019, 3, 14, tzinfo=NOW.tzinfo), still)

    assert due(person, date(2060, 1, 1)) == set()


@pytest.mark.clause("L7")
def test_what_was_collected_after_the_end_has_a_period_of_its_own() -> None:
    """Never early: no period begins before the value was obtained."""
    again = CollectData(
        obtained=Obtained(purpose="event_logistics", personal={"work.title": "Inspektör"}),
        source="registration_form",
        occurred_at=datetime(2024, 5, 2, tzinfo=NOW.tzinfo),
    )
    person = participant(datetime(2019, 3, 14, tzinfo=NOW.tzinfo), again)

    assert due(person, date(2031, 5, 2)) == set()
    assert due(person, date(2031, 5, 3)) == {("participation", date(2031, 5, 2))}


@pytest.mark.clause("L7", "C13", "L65")
def test_travel_documents_go_thirty_days_after_the_trip() -> None:
    trip = ended("event_attendee", datetime(2026, 6, 1, tzinfo=NOW.tzinfo), OCCASION)
    person = given(registration("event_logistics"), TRIP, *trip)

    assert ("travel-identity", date(2026, 7, 1)) not in due(person, date(2026, 7, 1))
    assert due(person, date(2026, 7, 2)) == {("travel-identity", date(2026, 7, 1))}


@pytest.mark.clause("L7")
def test_a_trip_that_nobody_said_ended_has_no_last_day() -> None:
    assert due(given(registration("event_logistics"), TRIP), date(2060, 1, 1)) == set()


@pytest.mark.clause("L7", "L62")
def test_vouchers_are_kept_ten_years_from_the_end_of_their_year() -> None:
    person = given(registration("event_logistics"), VOUCHER)
    last = date(LONG_AGO.year + 10, 12, 31)

    assert due(person, last) == set()
    assert due(person, last + timedelta(days=1)) == {("fiscal", last)}


def _subscriber(*more: object) -> Given:
    agreed = Evidence(
        wording=Wording(digest=ROOT, language="sv", policy="impel-1"),
        method="form",
        source="registration_form",
        occurred_at=NOW - timedelta(days=40),
        reference="form 7",
    )
    consent = GiveConsent(purpose="newsletter", evidence=agreed)
    registered = replace(registration("newsletter"), occurred_at=LONG_AGO)
    return given(registered, consent, *more)


@pytest.mark.clause("L7", "C25", "C73")
def test_a_subscription_goes_the_day_after_its_consent_ended_and_its_proof_later() -> None:
    last = (NOW - timedelta(days=10)).date()
    withdrawal = WithdrawConsent(purpose="newsletter", source="self_service")
    person = _subscriber(At(NOW - timedelta(days=10), withdrawal))
    proof = date(last.year + 5, last.month, last.day)

    assert due(_subscriber(), date(2060, 1, 1)) == set(), "while the consent is in force"
    assert due(person, last) == set()
    assert due(person, last + timedelta(days=1)) == {("subscription", last)}
    assert due(person, proof + timedelta(days=1)) == {
        ("subscription", last),
        ("consent-proof", proof),
    }


@pytest.mark.clause("L7", "L42", "L67")
def test_restricted_data_stay_until_the_restriction_ends() -> None:
    """Art. 18(1)(b), (c): the person asked that the data are kept."""
    claims = Restrict(
        restriction=ERASURE, ground=RestrictionGround.LEGAL_CLAIMS, source="secretariat"
    )
    person = participant(datetime(2019, 3, 14, tzinfo=NOW.tzinfo), claims)

    assert due(person, date(2060, 1, 1)) == set()


@pytest.mark.clause("L7", "L67")
def test_nothing_is_due_while_an_erasure_is_under_way() -> None:
    asked = RequestErasure(erasure=ERASURE, source="secretariat")
    ended_at = datetime(2019, 3, 14, tzinfo=NOW.tzinfo)

    assert due(participant(ended_at, asked), date(2060, 1, 1)) == set()
    taken_back = participant(ended_at, asked, WithdrawErasure(erasure=ERASURE))
    assert ("participation", date(2026, 3, 14)) in due(taken_back, date(2060, 1, 1))


@pytest.mark.clause("C69", "L7")
def test_letters_of_a_request_go_a_year_after_it_was_closed() -> None:
    asked = RequestErasure(erasure=ERASURE, source="secretariat", statement="Please.")
    open_ = given(registration("event_logistics"), asked)
    closed = given(registration("event_logistics"), asked, WithdrawErasure(erasure=ERASURE))
    last = (NOW - timedelta(days=30)).date()

    assert due(open_, date(2060, 1, 1)) == set()
    assert due(closed, date(last.year + 1, last.month, last.day)) == set()
    assert due(closed, date(last.year + 1, last.month, last.day) + timedelta(days=1)) == {
        ("rights-request", date(last.year + 1, last.month, last.day))
    }


@pytest.mark.clause("L7")
def test_the_execution_says_what_went_and_by_which_policy() -> None:
    person = participant(datetime(2019, 3, 14, tzinfo=NOW.tzinfo))
    destruction = Destruction(keys=(PARTICIPATION,), blobs=1, root=ROOT)
    command = ExecuteRetention(
        key_id=PARTICIPATION, generation="membership", destruction=destruction
    )

    person.when(command).then(
        RetentionExecuted(
            retention_class="participation",
            generation="membership",
            until=date(2026, 3, 14),
            policy="impel-1",
            keys=(PARTICIPATION,),
            classes=(),
            blobs=1,
            identifiers=False,
            root=ROOT,
        )
    )
    after = person.when(command).after
    assert not list(after.state.collections.current())
    assert PARTICIPATION not in after.state.data_keys
    after.when(command).then_nothing()


@pytest.mark.clause("L7")
def test_what_is_not_due_is_not_destroyed_whatever_is_asked() -> None:
    person = participant(NOW - timedelta(days=60))
    one = Destruction(keys=(PARTICIPATION,), blobs=1, root=ROOT)
    more = Destruction(keys=(PARTICIPATION, ERASURE), blobs=1, root=ROOT)
    long_over = participant(datetime(2019, 3, 14, tzinfo=NOW.tzinfo))
    ask = ExecuteRetention(key_id=PARTICIPATION, generation="membership", destruction=one)

    person.when(ask).then_nothing()
    long_over.when(replace(ask, destruction=more)).then_nothing()
