"""From which day a period is counted: never early, never while something lasts (L7, L40, L63)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.collections import CollectData, RectifyData
from app.domain.consents import (
    GiveExplicitTransferConsent,
    ImportUnprovenConsent,
    RequestConsent,
    WithdrawConsent,
)
from app.domain.erasure_steps import Destruction, ExecuteErasure, PrepareErasure, RequestErasure
from app.domain.files import ReferenceFile
from app.domain.objections import RaiseObjection
from app.domain.obtaining import Obtained
from app.domain.occasions import Balance, Occasions
from app.domain.periods import SealedValue, clock_start, erased_at, sealed_values
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.suppressions import Unsubscribe
from app.events.recorded import Record
from app.events.suppressions import SuppressionCause, SuppressionRecorded
from app.policy.model import RetentionClass
from app.policy.vocabulary import ClockEvent
from app.values import replace
from tests.domain.test_consents import EVIDENCE, GIVE, WORDING
from tests.spec import NOW, OCCASION, POLICY, At, Given, data_key, given, registration

OTHER_OCCASION = UUID("1f0d9c5e-7a3b-4c2d-8e6f-0a1b2c3d4e5f")
ERASURE = UUID("7d9f3a52-4f4e-4b59-9c5c-8a1d6b0f2e21")
LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)
MAY, JUNE, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (5, 6, 7))
TRIP = CollectData(
    obtained=Obtained(
        purpose="travel_booking", personal={"identity.document": "EK1"}, occasion=OCCASION
    ),
    source="travelperk",
    occurred_at=LONG_AGO,
)
OTHER_TRIP = replace(TRIP, obtained=replace(TRIP.obtained, occasion=OTHER_OCCASION))
SUBSCRIBED = replace(registration("newsletter"), occurred_at=LONG_AGO)
WITHDRAW = WithdrawConsent(purpose="newsletter", source="email")


def attended(occasion: UUID, until: datetime | None) -> tuple[object, ...]:
    """A part in an occasion, and its end."""
    start = StartRelationship(kind="event_attendee", occasion=occasion, occurred_at=LONG_AGO)
    if until is None:
        return (start,)
    return (start, EndRelationship(kind="event_attendee", occasion=occasion, occurred_at=until))


def start_of(person: Given, retention_class: str) -> date | None:
    """The day from which what is held in a class is counted."""
    values = [one for one in sealed_values(person.state) if one.place[1] == retention_class]
    return clock_start(
        POLICY.retention_classes[retention_class], values, person.state, person.circumstances
    )


def started(kind: RetentionClass, person: Given) -> date | None:
    """The day from which a class is counted of which nothing was collected."""
    return clock_start(kind, [], person.state, person.circumstances)


def erased_person(*more: object) -> Given:
    """Somebody who was erased as such on the day of the tests."""
    request = RequestErasure(erasure=ERASURE, source="email")
    keys = tuple(
        data_key(kind, generation)
        for kind, generation in (("participation", "membership"), ("subscription", "membership"))
    )
    execute = ExecuteErasure(
        erasure=ERASURE, destruction=Destruction(keys=keys, blobs=1, root="5e" * 32)
    )
    return given(*more, request, PrepareErasure(erasure=ERASURE), At(NOW, execute))


@pytest.mark.clause("C13", "L7", "L65")
@pytest.mark.parametrize(
    ("first", "second", "start"),
    [
        (MAY, JUNE, JUNE),
        (JUNE, MAY, JUNE),
        (MAY, None, None),
    ],
)
def test_what_belongs_to_two_trips_is_counted_from_the_later_end(
    first: datetime | None, second: datetime | None, start: datetime | None
) -> None:
    person = given(
        registration("event_logistics"),
        TRIP,
        OTHER_TRIP,
        *attended(OCCASION, first),
        *attended(OTHER_OCCASION, second),
    )

    assert start_of(person, "travel-identity") == (start and start.date())


@pytest.mark.clause("C13", "L7")
def test_a_trip_lasts_while_the_person_takes_part_in_it_in_any_way() -> None:
    """A new part in it after the first one ended stops the clock."""
    person = given(
        registration("event_logistics"),
        TRIP,
        *attended(OCCASION, MAY),
        StartRelationship(kind="project_participant", occasion=OCCASION, occurred_at=JUNE),
        StartRelationship(kind="member", occurred_at=LONG_AGO),
    )
    over = person.when(
        EndRelationship(kind="project_participant", occasion=OCCASION, occurred_at=JULY)
    ).after

    assert start_of(person, "travel-identity") is None
    assert start_of(over, "travel-identity") == JULY.date()


@pytest.mark.clause("L7")
def test_what_belongs_to_no_occasion_waits_for_the_end_of_taking_part() -> None:
    """Not for that of one relationship of several; without anything held there is no clock."""
    loose = replace(TRIP, obtained=replace(TRIP.obtained, occasion=None))
    member = (
        StartRelationship(kind="member", occurred_at=LONG_AGO),
        EndRelationship(kind="member", occurred_at=MAY),
    )
    kind = POLICY.retention_classes["travel-identity"]
    person = given(registration("event_logistics"), TRIP, loose, *member, *attended(OCCASION, JUNE))

    still = given(
        registration("event_logistics"), TRIP, loose, *member[:1], *attended(OCCASION, MAY)
    )

    assert start_of(person, "travel-identity") == JUNE.date()
    assert start_of(still, "travel-identity") is None
    assert started(kind, person) is None


@pytest.mark.clause("L7", "L40")
def test_a_membership_sets_the_same_clock_as_taking_part() -> None:
    """The policy may name either."""
    person = given(
        replace(registration("event_logistics"), occurred_at=LONG_AGO),
        *attended(OCCASION, MAY),
    )
    kind = POLICY.retention_classes["participation"]
    values = tuple(sealed_values(person.state))

    for clock in (ClockEvent.PARTICIPATION_END, ClockEvent.MEMBERSHIP_END):
        assert (
            clock_start(replace(kind, clock=clock), values, person.state, person.circumstances)
            == MAY.date()
        )


@pytest.mark.clause("L62")
def test_a_year_of_vouchers_without_a_voucher_has_no_end() -> None:
    kind = POLICY.retention_classes["fiscal"]

    assert started(kind, given(registration())) is None


@pytest.mark.clause("C25", "L14", "L63")
@pytest.mark.parametrize(
    "no",
    [
        replace(WITHDRAW, occurred_at=JUNE),
        Unsubscribe(purpose="newsletter", source="mailchimp", occurred_at=JUNE),
        RaiseObjection(objection=OCCASION, source="email", purpose="newsletter", occurred_at=JUNE),
    ],
)
def test_a_subscription_is_counted_from_the_persons_own_no(no: object) -> None:
    """Withdrawn, unsubscribed, objected: whichever way it was said."""
    consent = replace(GIVE, evidence=replace(EVIDENCE, occurred_at=MAY))

    assert start_of(given(SUBSCRIBED, consent, no), "subscription") == JUNE.date()


@pytest.mark.clause("L63")
def test_an_unsubscribe_without_any_consent_on_record_starts_the_clock_too() -> None:
    """An old list: the person said no to what nobody can prove."""
    left = Unsubscribe(purpose="newsletter", source="mailchimp", occurred_at=JUNE)

    assert start_of(given(SUBSCRIBED, left), "subscription") == JUNE.date()


@pytest.mark.clause("L63")
def test_an_address_that_refuses_messages_said_nothing() -> None:
    """Only a person ends a consent; a full mailbox does not."""
    bounced = Record(
        SuppressionRecorded(
            purpose="newsletter", cause=SuppressionCause.UNDELIVERABLE, source="mailchimp"
        ),
        occurred_at=JUNE,
    )

    assert start_of(given(SUBSCRIBED, bounced), "subscription") is None


@pytest.mark.clause("L63")
@pytest.mark.parametrize(
    "open_",
    [
        GIVE,
        RequestConsent(
            request=OCCASION, purpose="newsletter", wording=WORDING, source="registration_form"
        ),
        ImportUnprovenConsent(purpose="newsletter", source="import"),
        GiveExplicitTransferConsent(purpose="newsletter", recipient="mailchimp", evidence=EVIDENCE),
    ],
)
def test_nothing_is_counted_while_a_consent_is_in_force_or_asked_for(open_: object) -> None:
    """Though the address is closed for another reason."""
    closed = Record(
        SuppressionRecorded(
            purpose="newsletter", cause=SuppressionCause.COMPLAINT, source="mailchimp"
        ),
        occurred_at=JUNE,
    )

    assert start_of(given(SUBSCRIBED, open_, closed), "subscription") is None


@pytest.mark.clause("L60", "L63")
def test_a_transfer_agreed_to_for_one_purpose_holds_up_no_other() -> None:
    security = GiveExplicitTransferConsent(
        purpose="event_security", recipient="hosts", country="TR", evidence=EVIDENCE
    )
    person = given(SUBSCRIBED, GIVE, security, At(NOW, replace(WITHDRAW, occurred_at=NOW)))

    assert start_of(person, "subscription") == NOW.date()


@pytest.mark.clause("L16", "L63")
def test_the_proofs_are_counted_from_the_end_of_the_last_consent() -> None:
    """One key holds them all: while one consent is in force, every proof stays."""
    security = replace(GIVE, purpose="event_security")
    both = (SUBSCRIBED, GIVE, security)
    first = replace(WITHDRAW, occurred_at=NOW - timedelta(hours=3))
    second = replace(WITHDRAW, purpose="event_security", occurred_at=NOW - timedelta(days=1))
    kind = POLICY.retention_classes["consent-proof"]

    def start(*history: object) -> date | None:
        return started(kind, given(*history))

    assert start(*both) is None
    assert start(*both, At(NOW, first)) is None
    assert start(*both, At(NOW, first), At(NOW, second)) == NOW.date()
    assert start(*both, At(NOW, second), At(NOW, first)) == NOW.date()


@pytest.mark.clause("L16", "L60", "L63")
def test_a_request_that_nobody_answered_holds_up_no_proof() -> None:
    """It has none; a consent to a transfer has one of its own."""
    ask = RequestConsent(
        request=OCCASION, purpose="event_security", wording=WORDING, source="registration_form"
    )
    agree = GiveExplicitTransferConsent(
        purpose="event_security", recipient="hosts", country="TR", evidence=EVIDENCE
    )
    ended = (SUBSCRIBED, GIVE, At(NOW, replace(WITHDRAW, occurred_at=NOW)))
    kind = POLICY.retention_classes["consent-proof"]

    assert started(kind, given(*ended, At(NOW, ask))) == NOW.date()
    assert started(kind, given(*ended, agree)) is None
    assert started(kind, given(SUBSCRIBED)) is None


@pytest.mark.clause("L41", "L63")
def test_the_erasure_of_the_person_ends_every_consent() -> None:
    """Whatever was still in force; what the person had ended before keeps its day."""
    kind = POLICY.retention_classes["consent-proof"]
    in_force = erased_person(SUBSCRIBED, GIVE)
    withdrawn = erased_person(SUBSCRIBED, GIVE, replace(WITHDRAW, occurred_at=JUNE))
    consent = in_force.state.consents.of("newsletter")

    assert erased_at(in_force.state) == NOW
    assert consent.proof is not None
    assert started(kind, in_force) == NOW.date()
    ended = withdrawn.state.consents.of("newsletter").ended_at
    assert ended is not None
    assert ended < NOW
    assert started(kind, withdrawn) == ended.date()


@pytest.mark.clause("L41")
def test_an_erasure_of_a_part_is_not_the_end_of_the_person() -> None:
    part = RequestErasure(erasure=ERASURE, source="email", categories=frozenset({"image.profile"}))
    execute = ExecuteErasure(
        erasure=ERASURE, destruction=Destruction(keys=(), blobs=0, root="5e" * 32)
    )
    person = given(SUBSCRIBED, part, PrepareErasure(erasure=ERASURE), execute)
    asked = given(SUBSCRIBED, RequestErasure(erasure=ERASURE, source="email"))

    assert person.state.erasures.by_id[ERASURE].executed_at is not None
    assert erased_at(person.state) is None
    assert erased_at(asked.state) is None


@pytest.mark.clause("C13", "L47")
def test_what_hangs_on_a_trip_knows_its_trip() -> None:
    """The value, what was said about it, and the title of the scan."""
    scan = ReferenceFile(
        system="onedrive",
        title="Passport",
        category="identity.document",
        purpose="travel_booking",
        source="travelperk",
        file=ERASURE,
        occasion=OCCASION,
    )
    said = RectifyData(source="self_service", statements={"identity.document": "Expired"})
    person = given(registration("event_logistics"), TRIP, said, scan)

    found = [one for one in sealed_values(person.state) if one.place[1] == "travel-identity"]

    assert [(one.category, one.meant_as, one.occasion) for one in found] == [
        ("identity.document", "identity.document", OCCASION),
        ("correspondence.statement", "identity.document", OCCASION),
        ("file.title", "identity.document", OCCASION),
    ]
    assert all(isinstance(one, SealedValue) for one in found)


GRANT = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c43")
OTHER_GRANT = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c44")


def of_occasions(retention_class: str, *occasions: UUID | None) -> list[SealedValue]:
    """Values of a class that were obtained long ago, each at one of the occasions."""
    return [
        SealedValue(
            place=(number, retention_class),
            category="financial.claim",
            meant_as="",
            purpose="payments",
            key_id=None,
            since=LONG_AGO,
            occasion=occasion,
        )
        for number, occasion in enumerate(occasions, 1)
    ]


def counted(person: Given, retention_class: str, *occasions: UUID | None) -> date | None:
    """The day from which values of a class, obtained at these occasions, are counted."""
    values = of_occasions(retention_class, *occasions)
    kind = POLICY.retention_classes[retention_class]
    return clock_start(kind, values, person.state, person.circumstances)


def arranged(person: Given, **occasions: Any) -> Given:
    """The person where the controller said something of occasions and grants."""
    control = replace(person.circumstances.control, occasions=Occasions(**occasions))
    return replace(person, circumstances=replace(person.circumstances, control=control))


@pytest.mark.clause("L64")
def test_the_records_of_a_grant_are_counted_from_the_last_payment() -> None:
    """Of every grant that they belong to; while the balance of one is open, from none."""
    first = Balance(on=date(2025, 3, 1), amount_cents=1)
    second = Balance(on=date(2025, 4, 1), amount_cents=1)
    both = arranged(given(registration()), paid={GRANT: second, OTHER_GRANT: first})

    assert counted(both, "grant", GRANT, OTHER_GRANT) == second.on
    assert counted(both, "grant", OTHER_GRANT) == first.on
    assert counted(arranged(given(registration()), paid={GRANT: first}), "grant", GRANT) == first.on
    one = arranged(given(registration()), paid={GRANT: first})
    assert counted(one, "grant", GRANT, OTHER_GRANT) is None
    assert counted(one, "grant", GRANT, None) is None
    assert counted(one, "grant", OTHER_GRANT) is None
    assert counted(one, "grant") is None


@pytest.mark.clause("C56", "L7")
@pytest.mark.parametrize("retention_class", ["occasion", "chat"])
def test_an_occasion_is_over_when_the_controller_says_so_or_the_person_left(
    retention_class: str,
) -> None:
    """Whichever is first; a day that is said of one occasion is nothing to another."""
    away = given(registration(), *attended(OCCASION, JUNE))
    there = given(registration(), *attended(OCCASION, None))
    never = given(registration())
    said = {OCCASION: MAY.date()}

    assert counted(away, retention_class, OCCASION) == JUNE.date()
    assert counted(arranged(away, ended=said), retention_class, OCCASION) == MAY.date()
    late = arranged(away, ended={OCCASION: JULY.date()})
    assert counted(late, retention_class, OCCASION) == JUNE.date()
    assert counted(arranged(there, ended=said), retention_class, OCCASION) == MAY.date()
    assert counted(arranged(never, ended=said), retention_class, OCCASION) == MAY.date()
    assert counted(there, retention_class, OCCASION) is None
    assert counted(never, retention_class, OCCASION) is None
    other = arranged(never, ended={OTHER_OCCASION: MAY.date()})
    assert counted(other, retention_class, OCCASION) is None
    assert counted(arranged(never, ended=said), retention_class, OCCASION, OTHER_OCCASION) is None


@pytest.mark.clause("C56", "L7")
def test_a_transcript_of_no_chat_in_particular_is_counted_from_its_own_day() -> None:
    """It comes when its chat is over; what belongs to no occasion waits for the person to leave."""
    person = given(registration(), *attended(OCCASION, JUNE))

    assert counted(person, "chat", None) == LONG_AGO.date()
    assert counted(person, "occasion", None) == JUNE.date()


def test_an_erasure_that_was_only_asked_for_has_erased_nobody() -> None:
    """Until it is carried out; then from the first that was."""
    asked = given(registration(), RequestErasure(erasure=ERASURE, source="email"))

    assert erased_at(asked.state) is None
    assert erased_at(given(registration()).state) is None
