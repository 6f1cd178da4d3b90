"""Wrong values replaced for every purpose, incomplete ones completed (Art. 16)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.collections import CollectData, RectifyData
from app.domain.identifiers import ClaimIdentifier
from app.domain.obtaining import Obtained
from app.domain.purpose_limitation import CategoryUnknown, SourceUnknown
from app.domain.rectifying import CategoryNotHeld
from app.domain.text_values import ValueInvalid
from app.events.collections import DataCompleted, DataRectified
from app.events.identifiers import IdentifierClaimed, IdentifierReleased, Verification
from app.events.recorded import Claim, Section, Suppression
from app.events.subjects import ChildDiscovered
from app.events.suppressions import SuppressionCause, SuppressionRecorded
from app.policy.vocabulary import IdentifierKind, LegalBasis
from tests.spec import NOW, OCCASION, data_key, given, registration

OLD = "zoe.angstrom@stad.example"
NEW = "zoe.ngoc@stad.example"
BOTH = registration("event_logistics", "newsletter")
"""Versions: 1 registered, 2 logistics, 3 newsletter, 4 the address, 5 the phone number."""


def rectify(personal: dict[str, str] | None = None, **more: Any) -> RectifyData:
    """A correction that the person asked for."""
    return RectifyData(source="self_service", personal=personal or {}, **more)


@pytest.mark.clause("C4", "C64", "L6", "C80")
def test_a_corrected_name_replaces_the_wrong_one_for_every_purpose() -> None:
    """Art. 5(1)(d): one event a category, naming what it supersedes."""
    when = given(BOTH).when(rectify({"contact.name": "Zoë Ngọc"}))
    when.then(
        DataRectified(
            category="contact.name",
            source="self_service",
            policy="impel-1",
            held={"event_logistics": "participation", "newsletter": "subscription"},
            generations={"participation": "membership", "subscription": "membership"},
            supersedes=(2, 3),
            occasion=None,
        )
    )

    assert when.records[0].sections == (
        Section("participation", "membership", {"contact.name": "Zoë Ngọc"}),
        Section("subscription", "membership", {"contact.name": "Zoë Ngọc"}),
    )


@pytest.mark.clause("L6")
def test_the_present_is_corrected_and_the_past_stays_marked_as_superseded() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    after = given(BOTH).when(rectify({"contact.name": "Zoë Ngọc"}, occurred_at=at)).after
    current, former = after.state.collections.held["contact.name", "newsletter", None].history()

    assert (current.version, current.rectified, current.since) == (6, True, at)
    assert current.key_id == data_key("subscription", "membership")
    assert current.source == "self_service"
    assert current.basis is LegalBasis.CONSENT
    assert (former.version, former.rectified, former.superseded_at) == (3, False, NOW)
    assert {held.version for held in after.state.collections.of_category("contact.name")} == {6}
    assert {held.version for held in after.state.collections.of_category("contact.email")} == {2, 3}


@pytest.mark.clause("L6")
def test_two_corrections_are_two_events() -> None:
    command = rectify({"contact.name": "Zoë", "work.title": "Domare"})
    events = [record.event for record in given(BOTH).when(command).records]

    assert [event.category for event in events] == ["contact.name", "work.title"]
    assert [dict(event.held) for event in events] == [
        {"event_logistics": "participation", "newsletter": "subscription"},
        {"event_logistics": "participation"},
    ]


@pytest.mark.clause("L6", "C13")
def test_a_value_of_two_occasions_or_two_years_is_corrected_by_an_event_for_each() -> None:
    """One section an event and class: buckets of other days need other events."""
    held = (
        CollectData(
            obtained=Obtained(purpose="payments", personal={"financial.claim": "Tåg"}),
            source="secretariat",
            occurred_at=datetime(2025, 3, 1, tzinfo=UTC),
        ),
        CollectData(
            obtained=Obtained(
                purpose="payments", personal={"financial.claim": "Båt"}, occasion=OCCASION
            ),
            source="secretariat",
        ),
        CollectData(
            obtained=Obtained(purpose="accounting", personal={"financial.claim": "Båt"}),
            source="secretariat",
        ),
    )
    first, second, third = given(BOTH, *held).when(rectify({"financial.claim": "Buss"})).records

    assert (first.event.occasion, first.event.supersedes) == (None, (6,))
    assert first.sections[0].generation == "year.2025"
    assert (second.event.occasion, second.event.supersedes) == (OCCASION, (7,))
    assert (third.event.occasion, third.event.held) == (None, {"accounting": "fiscal"})
    assert third.sections[0].generation == "year.2026"


@pytest.mark.clause("C7", "C73", "L6")
def test_a_corrected_address_takes_the_place_of_the_one_that_leads_to_the_person() -> None:
    when = given(BOTH).when(
        rectify(
            {"contact.email": "Zoe.Ngoc@Stad.example"},
            former={4: OLD},
            verification=Verification.LINK,
        )
    )
    rectified, released, claimed = when.records

    assert rectified.event.category == "contact.email"
    assert rectified.sections[0].personal == {"contact.email": NEW}
    assert released.event == IdentifierReleased(identifier=4, kind=IdentifierKind.EMAIL)
    assert released.claims == (Claim("email", OLD, release=True),)
    assert claimed.event == IdentifierClaimed(
        kind=IdentifierKind.EMAIL,
        category="contact.email",
        purpose="event_logistics",
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="self_service",
        policy="impel-1",
        value_at=6,
        retention_class="participation",
        generation="membership",
        verification=Verification.LINK,
    )
    assert claimed.claims == (Claim("email", NEW),)
    assert claimed.sections == ()
    assert set(when.after.state.identifiers.active) == {5, 8}


@pytest.mark.clause("C7")
def test_an_address_whose_value_is_not_told_keeps_leading_to_the_person() -> None:
    """An unsubscribe from the old address must still find its person."""
    records = given(BOTH).when(rectify({"contact.email": NEW})).records

    assert [type(record.event) for record in records] == [DataRectified, IdentifierClaimed]


@pytest.mark.clause("C7")
def test_an_address_that_is_right_already_changes_nothing() -> None:
    given(BOTH).when(rectify({"contact.email": NEW.upper()}, former={4: NEW})).then_nothing()


@pytest.mark.clause("C7", "C45")
def test_a_further_address_is_replaced_without_touching_the_collected_one() -> None:
    """Mailchimp's upemail about an address that the person had added."""
    added = ClaimIdentifier(
        category="contact.email",
        value="zoe@home.example",
        purpose="newsletter",
        source="self_service",
        verification=Verification.LINK,
    )
    when = given(BOTH, added).when(rectify({"contact.email": NEW}, former={6: "zoe@home.example"}))
    released, claimed = when.records

    assert released.event == IdentifierReleased(identifier=6, kind=IdentifierKind.EMAIL)
    assert claimed.event.value_at == 8
    assert (claimed.event.purpose, claimed.event.retention_class) == ("newsletter", "subscription")
    assert claimed.sections == (Section("subscription", "membership", {"contact.email": NEW}),)
    collections = when.after.state.collections
    assert {held.version for held in collections.of_category("contact.email")} == {2, 3}


@pytest.mark.clause("C7")
def test_only_identifiers_of_the_corrected_category_are_released() -> None:
    command = rectify({"contact.email": NEW}, former={4: OLD, 5: "+32470123456", 99: "x@y.example"})
    events = [record.event for record in given(BOTH).when(command).records]

    assert [e.identifier for e in events if isinstance(e, IdentifierReleased)] == [4]


@pytest.mark.clause("C7")
def test_an_address_of_a_function_is_corrected_to_and_identifies_nobody() -> None:
    command = rectify({"contact.email": "info@stad.example"}, former={4: OLD})
    events = [type(record.event) for record in given(BOTH).when(command).records]

    assert tuple(events) == (DataRectified, IdentifierReleased)


@pytest.mark.clause("C7", "L41")
def test_who_is_suppressed_stays_suppressed_under_the_corrected_address() -> None:
    """C7: the change keeps the suppression effective for the old address and the new."""
    suppressed = SuppressionRecorded(
        purpose="newsletter", cause=SuppressionCause.UNSUBSCRIBE, source="mailchimp"
    )
    person = given(BOTH, suppressed)
    first, *others = person.when(rectify({"contact.email": NEW}, former={4: OLD})).records

    assert first.suppressions == (Suppression("newsletter", NEW),)
    assert [record.suppressions for record in others] == [(), ()]
    [named] = person.when(rectify({"work.title": "Domare"})).records
    assert named.suppressions == ()


@pytest.mark.clause("C8")
def test_a_corrected_number_is_read_and_claimed() -> None:
    command = rectify({"contact.phone": "0471 12 34 56"}, region="BE", former={5: "+32470123456"})
    records = given(BOTH).when(command).records

    assert [record.claims for record in records] == [
        (),
        (Claim("phone", "+32470123456", release=True),),
        (Claim("phone", "+32471123456"),),
    ]


@pytest.mark.clause("L47", "C80")
def test_a_supplementary_statement_lives_with_the_data_that_it_completes() -> None:
    """Art. 16, second sentence."""
    when = given(BOTH).when(rectify(statements={"contact.name": "Formerly\r\nÅngström."}))
    when.then(
        DataCompleted(
            category="contact.name",
            source="self_service",
            policy="impel-1",
            held={"event_logistics": "participation", "newsletter": "subscription"},
            generations={"participation": "membership", "subscription": "membership"},
            supplements=(2, 3),
            occasion=None,
        )
    )
    text = {"correspondence.statement": "Formerly\nÅngström."}

    assert when.records[0].sections == (
        Section("participation", "membership", text),
        Section("subscription", "membership", text),
    )
    held = when.after.state.collections.held["contact.name", "newsletter", None]
    [statement] = held.statements
    assert (statement.version, statement.retention_class) == (6, "subscription")
    assert statement.key_id == data_key("subscription", "membership")
    assert (held.version, held.superseded_at) == (3, None)


@pytest.mark.clause("L47")
def test_a_value_can_be_corrected_and_explained_at_once() -> None:
    command = rectify({"contact.name": "Zoë"}, statements={"contact.name": "By marriage."})
    when = given(BOTH).when(command)

    rectified, completed = when.records
    assert isinstance(rectified.event, DataRectified)
    assert isinstance(completed.event, DataCompleted)
    held = when.after.state.collections.held["contact.name", "newsletter", None]
    assert (held.version, [one.version for one in held.statements]) == (6, [7])


@pytest.mark.clause("L47")
def test_several_statements_on_one_value_are_all_kept() -> None:
    first = rectify(statements={"contact.name": "One."})
    second = rectify(statements={"contact.name": "Two."})
    held = given(BOTH, first, second).state.collections.held["contact.name", "newsletter", None]

    assert [statement.version for statement in held.statements] == [6, 7]


@pytest.mark.clause("L6", "L47")
def test_what_is_not_held_can_be_neither_wrong_nor_incomplete() -> None:
    person = given(registration("newsletter"))
    person.when(rectify({"work.title": "Domare"})).then_refused(
        CategoryNotHeld, category="work.title"
    )
    person.when(rectify(statements={"work.title": "More."})).then_refused(
        CategoryNotHeld, category="work.title"
    )


@pytest.mark.clause("L2", "C9")
def test_a_correction_is_checked_like_a_collection() -> None:
    given(BOTH).when(rectify({"contact.fax": "1"})).then_refused(CategoryUnknown)
    given(BOTH).when(rectify({"contact.email": "@"})).then_refused(
        ValueInvalid, category="contact.email", reason="not-an-email-address"
    )
    given(BOTH).when(RectifyData(source="rumour", personal={"contact.name": "Z"})).then_refused(
        SourceUnknown
    )


def test_nothing_corrected_is_nothing_recorded() -> None:
    given(BOTH).when(rectify()).then_nothing()


@pytest.mark.clause("C75", "L19")
def test_a_corrected_date_of_birth_can_reveal_a_child() -> None:
    trip = CollectData(
        obtained=Obtained(purpose="travel_booking", personal={"identity.birth_date": "1980-01-01"}),
        source="travelperk",
    )
    given(BOTH, trip).when(rectify({"identity.birth_date": "2012-01-01"})).then(
        ChildDiscovered(source="self_service", policy="impel-1", minimum_age=16)
    )


def test_values_never_show_in_what_is_printed() -> None:
    command = rectify({"contact.email": NEW}, former={4: OLD}, statements={"contact.name": "Mine"})
    text = repr(command) + repr(given(BOTH).when(command).records)

    assert not any(value in text for value in (NEW, OLD, "Mine"))


@pytest.mark.clause("C7", "L6")
def test_an_address_corrected_after_a_name_names_the_event_that_holds_it() -> None:
    """Both in one command: the claim points to the second event, not to the first."""
    command = rectify({"contact.name": "Zoë Ngọc", "contact.email": NEW}, former={4: OLD})
    person = given(BOTH)

    records = person.when(command).records

    [claimed] = [one.event for one in records if isinstance(one.event, IdentifierClaimed)]
    place = claimed.value_at - person.state.version - 1
    assert records[place].event.category == "contact.email"
    assert isinstance(records[place].event, DataRectified)


@pytest.mark.clause("C7", "C45")
def test_of_two_addresses_the_one_that_is_right_already_stays() -> None:
    """Only the other one is released, and nothing is claimed that leads to the person already."""
    added = ClaimIdentifier(
        category="contact.email",
        value=NEW,
        purpose="newsletter",
        source="self_service",
        verification=Verification.LINK,
    )
    person = given(BOTH, added)

    records = person.when(rectify({"contact.email": NEW}, former={4: OLD, 6: NEW})).records

    released = [one.event for one in records if isinstance(one.event, IdentifierReleased)]
    assert [event.identifier for event in released] == [4]
    assert not any(isinstance(one.event, IdentifierClaimed) for one in records)
    assert isinstance(records[0].event, DataRectified), "the collected one is corrected"


@pytest.mark.clause("C7")
def test_what_happened_to_a_corrected_address_has_its_time() -> None:
    earlier = datetime(2026, 11, 1, tzinfo=UTC)
    command = rectify({"contact.email": NEW}, former={4: OLD}, occurred_at=earlier)

    assert [one.occurred_at for one in given(BOTH).when(command).records] == [earlier] * 3


@pytest.mark.clause("L6", "C13")
def test_values_of_two_classes_and_one_occasion_are_corrected_by_one_event() -> None:
    """Two buckets of one class need two events, and so does what fits only one of two others."""
    years = [
        CollectData(
            obtained=Obtained(purpose=purpose, personal={"financial.claim": "Tåg"}),
            source="secretariat",
            occurred_at=datetime(year, 3, 1, tzinfo=UTC),
        )
        for purpose, year in (("payments", 2024), ("accounting", 2025))
    ]
    person = given(BOTH, *years)

    for_claims = person.when(rectify({"financial.claim": "Buss"})).records
    for_names = person.when(rectify({"contact.name": "Zoë"})).records

    assert [one.event.generations for one in for_claims] == [
        {"fiscal": "year.2024"},
        {"fiscal": "year.2025"},
    ]
    assert [set(one.event.generations) for one in for_names] == [{"participation", "subscription"}]
