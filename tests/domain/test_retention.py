"""What is kept goes on the day after its last one, never before, and not while a right is open."""

from datetime import date, datetime, timedelta
from uuid import UUID

import pytest

from app.domain.collections import CollectData
from app.domain.consents import GiveConsent, WithdrawConsent
from app.domain.erasure_plan import Keep
from app.domain.erasure_steps import (
    CloseErasure,
    Destruction,
    ExecuteErasure,
    PrepareErasure,
    RequestErasure,
    WithdrawErasure,
)
from app.domain.evidence import Evidence, Wording
from app.domain.mails import QueueMail
from app.domain.obtaining import Obtained
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.restrictions import Restrict
from app.domain.retention import ExecuteRetention, Matters, closing_due, expired
from app.domain.rights_request_steps import ReceiveRequest, WithdrawRequest
from app.events.erasures import ExemptionGround
from app.events.mails import MailKind
from app.events.recorded import Record
from app.events.restrictions import RestrictionGround
from app.events.retention import RetentionCause, RetentionExecuted
from app.events.rights_requests import IdentityProof, RequestChannel, RequestedRight
from app.values import replace
from tests.spec import (
    NOW,
    OCCASION,
    POLICY,
    At,
    Given,
    circumstances,
    data_key,
    given,
    registration,
)

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
def test_vouchers_of_before_2022_are_kept_seven_years_from_the_end_of_their_year() -> None:
    person = given(registration("event_logistics"), VOUCHER)
    last = date(LONG_AGO.year + 7, 12, 31)

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


@pytest.mark.clause("L7", "L31", "L67")
@pytest.mark.parametrize("right", [RequestedRight.ACCESS, RequestedRight.PORTABILITY])
def test_what_a_person_asked_a_copy_of_stays_until_the_answer(right: RequestedRight) -> None:
    """EDPB 01/2022: no data go between a request and its answer; an unproven wish holds nothing."""
    ended_at = datetime(2019, 3, 14, tzinfo=NOW.tzinfo)
    wish = ReceiveRequest(file=ERASURE, right=right, channel=RequestChannel.DESK)
    proven = replace(wish, proof=IdentityProof.IN_PERSON)
    asked = participant(ended_at, proven)
    [request] = asked.state.rights_requests.by_id

    assert due(asked, date(2060, 1, 1)) == set()
    assert due(participant(ended_at, wish), date(2060, 1, 1)) != set()
    taken_back = WithdrawRequest(request=request, channel=RequestChannel.DESK)
    assert due(participant(ended_at, proven, taken_back), date(2060, 1, 1)) != set()


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
            cause=RetentionCause.PERIOD_OVER,
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


CLOSED_ON = NOW - timedelta(days=120)
EXECUTION = data_key("erasure-execution", f"request.{ERASURE}")
PREPARE = PrepareErasure(erasure=ERASURE, reply_address="Storgatan 1, Växjö")


def executed(*keys: UUID) -> ExecuteErasure:
    """The destruction that an erasure decided."""
    return ExecuteErasure(erasure=ERASURE, destruction=Destruction(keys=keys, blobs=1, root=ROOT))


def closing(person: Given, now: datetime) -> tuple[UUID, ...]:
    """The erasures to be closed on a day."""
    return closing_due(person.state, circumstances(now=now))


@pytest.mark.clause("L36", "L41", "L7")
def test_an_erasure_is_closed_on_the_day_after_its_last_whoever_was_told() -> None:
    """Three months for telling (Art. 19); the reply address is kept for no longer."""
    asked = RequestErasure(erasure=ERASURE, source="secretariat")
    person = given(
        registration("event_logistics"), asked, PREPARE, At(NOW, executed(PARTICIPATION))
    )
    last = datetime(2027, 2, 22, 22, 59, tzinfo=NOW.tzinfo)  # a minute to midnight in Brussels

    assert closing(person, last) == ()
    assert closing(person, last + timedelta(minutes=1)) == (ERASURE,)
    done = CloseErasure(
        erasure=ERASURE, destruction=Destruction(keys=(EXECUTION,), blobs=1, root=ROOT)
    )
    told = given(
        registration("event_logistics"),
        At(CLOSED_ON, asked),
        At(CLOSED_ON, PREPARE),
        At(CLOSED_ON, executed(PARTICIPATION)),
    )
    assert closing(told, NOW) == (ERASURE,)
    assert closing(told.when(done).after, NOW + timedelta(days=400)) == ()


@pytest.mark.clause("L41")
def test_what_a_withdrawn_erasure_had_set_aside_is_due_at_once() -> None:
    """And where nothing was set aside there is nothing to close, withdrawn or executed."""
    asked = RequestErasure(erasure=ERASURE, source="secretariat")
    silent = replace(PREPARE, reply_address="")
    person = registration("event_logistics")
    withdraw = WithdrawErasure(erasure=ERASURE)
    far = NOW + timedelta(days=4000)

    assert closing(given(person, asked, PREPARE, withdraw), NOW) == (ERASURE,)
    assert closing(given(person, asked, PREPARE), far) == ()
    assert closing(given(person, asked, silent, withdraw), far) == ()
    assert closing(given(person, asked, withdraw), far) == ()
    assert closing(given(person, asked, silent, executed(PARTICIPATION)), far) == ()


def kept_until(day: date, extent: frozenset[str] = frozenset()) -> Given:
    """Somebody of whose trip the desk kept something, beyond an erasure, until a day."""
    keep = Keep(
        retention_class="travel-identity",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=day,
    )
    asked = RequestErasure(erasure=ERASURE, source="secretariat", categories=extent)
    keys = () if extent else (PARTICIPATION,)
    return given(
        registration("event_logistics"),
        TRIP,
        *ended("event_attendee", datetime(2026, 6, 1, tzinfo=NOW.tzinfo), OCCASION),
        asked,
        replace(PREPARE, keeps=(keep,)),
        executed(*keys),
    )


@pytest.mark.clause("C71", "L7")
@pytest.mark.parametrize("named", [date(2026, 6, 15), date(2027, 6, 30)])
def test_what_the_desk_kept_of_an_erased_person_stays_until_the_day_that_it_named(
    named: date,
) -> None:
    """Nothing else holds it: not the regular period, whether that is longer or shorter."""
    person = kept_until(named)

    assert ("travel-identity", named) not in due(person, named)
    assert ("travel-identity", named) in due(person, named + timedelta(days=1))


@pytest.mark.clause("C71", "L7")
@pytest.mark.parametrize(
    ("named", "last"),
    [(date(2026, 6, 15), date(2026, 7, 1)), (date(2027, 6, 30), date(2027, 6, 30))],
)
def test_what_the_desk_kept_of_a_part_stays_for_its_period_at_least(
    named: date, last: date
) -> None:
    """The person is still there, and so is the purpose."""
    person = kept_until(named, frozenset({"identity.document"}))

    assert due(person, last) == set()
    assert due(person, last + timedelta(days=1)) == {("travel-identity", last)}


@pytest.mark.clause("C71", "L7")
def test_a_day_that_was_named_holds_its_own_class_alone() -> None:
    """The vouchers that an erasure leaves are counted as always."""
    asked = RequestErasure(erasure=ERASURE, source="secretariat")
    person = given(
        registration("event_logistics"), VOUCHER, asked, PREPARE, executed(PARTICIPATION)
    )
    last = date(LONG_AGO.year + 7, 12, 31)

    assert person.state.erasures.by_id[ERASURE].until == {"fiscal": last}
    assert due(person, last + timedelta(days=1)) == {("fiscal", last)}


@pytest.mark.clause("C71", "L7")
def test_a_day_named_in_a_plan_that_was_taken_back_holds_nothing() -> None:
    keep = Keep(
        retention_class="travel-identity",
        exemption="open_transaction",
        ground=ExemptionGround.LEGAL_CLAIMS,
        until=date(2040, 1, 1),
    )
    person = given(
        registration("event_logistics"),
        TRIP,
        *ended("event_attendee", datetime(2026, 6, 1, tzinfo=NOW.tzinfo), OCCASION),
        RequestErasure(erasure=ERASURE, source="secretariat"),
        replace(PREPARE, keeps=(keep,)),
        WithdrawErasure(erasure=ERASURE),
    )

    assert ("travel-identity", date(2026, 7, 1)) in due(person, date(2026, 7, 2))


@pytest.mark.clause("L42", "L7")
def test_a_restriction_of_somebody_who_was_erased_holds_nothing_back() -> None:
    """Art. 18(1)(b): the person asked for the data to be kept, and then for their erasure."""
    restrict = Restrict(
        restriction=OCCASION, ground=RestrictionGround.UNLAWFUL, source="secretariat"
    )
    person = given(
        registration("event_logistics"),
        VOUCHER,
        restrict,
        RequestErasure(erasure=ERASURE, source="secretariat"),
        PREPARE,
        executed(PARTICIPATION),
    )

    assert person.state.restrictions.active
    assert ("fiscal", date(LONG_AGO.year + 7, 12, 31)) in due(person, date(2060, 1, 1))


@pytest.mark.clause("L7")
def test_a_class_that_the_policy_has_dropped_has_no_last_day() -> None:
    """It waits for the desk: nothing is destroyed by a period that nobody can read."""
    person = participant(datetime(2019, 3, 14, tzinfo=NOW.tzinfo))
    classes = {k: one for k, one in POLICY.retention_classes.items() if k != "participation"}
    later = circumstances(now=NOW, policy=replace(POLICY, retention_classes=classes))

    assert expired(person.state, later) == {}


OBJECTION = UUID("7d1f0c56-2f0e-4c8e-8f62-0d0f3d2b6a02")


def letters_of(*closed: tuple[UUID, datetime]) -> Matters:
    """Letters of two matters under one key, of which some were closed."""
    key = data_key("rights-request", "request")
    return Matters({key: frozenset({ERASURE, OBJECTION})}, dict(closed))


@pytest.mark.clause("C69", "L7")
def test_letters_under_one_key_wait_for_the_last_of_their_matters() -> None:
    key = data_key("rights-request", "request")
    person = given(registration("event_logistics")).state
    early, late = datetime(2025, 1, 10, tzinfo=NOW.tzinfo), datetime(2025, 3, 5, tzinfo=NOW.tzinfo)
    on = circumstances(now=datetime(2060, 1, 1, tzinfo=NOW.tzinfo))

    def last_day(*closed: tuple[UUID, datetime]) -> date | None:
        state = replace(person, data_keys={key: "rights-request"}, retention=letters_of(*closed))
        found = expired(state, on).get(key)
        return found.until if found else None

    assert last_day() is None
    assert last_day((ERASURE, early)) is None
    assert last_day((ERASURE, early), (OBJECTION, late)) == date(2026, 3, 5)
    assert last_day((ERASURE, late), (OBJECTION, early)) == date(2026, 3, 5)


@pytest.mark.clause("C69", "L7")
def test_an_execution_does_not_close_the_matter_and_its_closing_does() -> None:
    """The certificate is final when everybody was told."""
    asked = RequestErasure(erasure=ERASURE, source="secretariat")
    person = given(registration("event_logistics"), asked, PREPARE, executed(PARTICIPATION))
    close = CloseErasure(
        erasure=ERASURE, destruction=Destruction(keys=(EXECUTION,), blobs=1, root=ROOT)
    )
    told = given(
        registration("event_logistics"),
        At(CLOSED_ON, asked),
        At(CLOSED_ON, PREPARE),
        At(CLOSED_ON, executed(PARTICIPATION)),
        At(NOW, close),
    )

    assert ERASURE not in person.state.retention.closed
    assert told.state.retention.closed == {ERASURE: NOW}


@pytest.mark.clause("C69", "C80", "L7")
def test_a_letter_that_went_by_mail_goes_with_its_matter_although_nothing_else_shares_its_key() -> (
    None
):
    """Not one day before, and not never."""
    key = data_key("rights-request", f"request.{ERASURE}")
    asked = RequestErasure(erasure=ERASURE, source="secretariat")
    letter = QueueMail(
        mail=OBJECTION,
        kind=MailKind.ANSWER,
        purpose="rights_requests",
        address="ada@stad.example",
        text="Dear Ada",
        message="ab" * 32,
        letter="ef" * 32,
        language="sv",
        matter=ERASURE,
        objection="cd" * 32,
    )
    waiting = given(registration("event_logistics"), At(CLOSED_ON, asked), At(CLOSED_ON, letter))
    over = given(
        registration("event_logistics"),
        At(CLOSED_ON, asked),
        At(CLOSED_ON, letter),
        At(CLOSED_ON, WithdrawErasure(erasure=ERASURE)),
    )
    last = date(CLOSED_ON.year + 1, CLOSED_ON.month, CLOSED_ON.day)

    assert waiting.state.retention.letters == {key: frozenset({ERASURE})}
    assert due(waiting, date(2060, 1, 1)).isdisjoint({("rights-request", last)})
    assert ("rights-request", last) not in due(over, last)
    assert ("rights-request", last) in due(over, last + timedelta(days=1))


@pytest.mark.clause("C69", "L7")
def test_a_mail_about_no_matter_is_no_letter_of_one() -> None:
    mail = QueueMail(
        mail=OBJECTION,
        kind=MailKind.NOTICE,
        purpose="correspondence",
        address="ada@stad.example",
        text="Dear Ada",
        message="ab" * 32,
        letter="ef" * 32,
        language="sv",
        objection="cd" * 32,
    )

    assert given(registration("event_logistics"), mail).state.retention == Matters()


@pytest.mark.clause("C69", "L7")
def test_letters_whose_period_is_over_are_forgotten_and_the_others_are_not() -> None:
    phone = frozenset({"contact.phone"})
    other = RequestErasure(
        erasure=OBJECTION, source="secretariat", statement="And", categories=phone
    )
    asked = RequestErasure(erasure=ERASURE, source="secretariat", statement="Please.")
    letter, left = (data_key("rights-request", f"request.{key}") for key in (ERASURE, OBJECTION))
    over = RetentionExecuted(
        cause=RetentionCause.PERIOD_OVER,
        retention_class="rights-request",
        generation=f"request.{ERASURE}",
        until=date(2026, 1, 1),
        policy="impel-1",
        keys=(letter,),
        classes=(),
        blobs=1,
        identifiers=False,
        root=ROOT,
    )
    person = given(registration("event_logistics"), asked, other)

    assert set(person.state.retention.letters) == {letter, left}
    gone = given(registration("event_logistics"), asked, other, Record(over)).state.retention
    assert set(gone.letters) == {left}
