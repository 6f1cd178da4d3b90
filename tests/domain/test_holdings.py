"""What an erasure and a re-sealing leave of the fold: exactly what still has its key (Art. 17)."""

from datetime import date
from uuid import UUID

import pytest

from app.domain import holdings, identities
from app.domain.collections import CollectData, RectifyData
from app.domain.concern import Concern
from app.domain.files import FILES, ReferenceFile
from app.domain.identifiers import ClaimIdentifier
from app.domain.obtaining import Obtained
from app.domain.subject import SubjectState
from app.events.collections import DataCompleted, DataRectified
from app.events.erasures import ErasureExecuted, ErasureStep, SectionsResealed
from app.events.identifiers import Verification
from app.events.recorded import Record, Section
from app.events.retention import RetentionCause, RetentionExecuted
from app.identifiers import KeyId
from app.values import replace
from tests.spec import OCCASION, At, data_key, given, registration, stored

ERASURE = UUID("eeeeeeee-0000-4000-8000-000000000001")
TRIP = CollectData(
    obtained=Obtained(
        purpose="travel_booking", personal={"identity.document": "EK1"}, occasion=OCCASION
    ),
    source="travelperk",
)
SCAN = ReferenceFile(
    system="onedrive",
    title="Passport",
    category="identity.document",
    purpose="travel_booking",
    source="travelperk",
    file=OCCASION,
    occasion=OCCASION,
)
STATEMENT = RectifyData(source="self_service", statements={"contact.name": "Formerly Å."})
NAME = RectifyData(source="self_service", personal={"contact.name": "Zoë"})
ADDED = ClaimIdentifier(
    category="contact.email",
    value="zoe@home.example",
    purpose="newsletter",
    source="self_service",
    verification=Verification.LINK,
)
HISTORY = given(
    registration("event_logistics", "newsletter"), TRIP, SCAN, STATEMENT, NAME, STATEMENT, ADDED
)
"""Versions: 1 registered, 2 logistics, 3 newsletter, 4 address, 5 phone, 6 trip, 7 scan,
8 statement, 9 name corrected, 10 statement, 11 further address."""

PARTICIPATION = data_key("participation", "membership")
SUBSCRIPTION = data_key("subscription", "membership")
TRAVEL = data_key("travel-identity", f"occasion.{OCCASION}")


def erased(*keys: KeyId, identifiers: bool = False, **extent: tuple[str, ...]) -> Record:
    """Keys were destroyed; with an extent, data were erased for some purposes or categories."""
    return Record(
        ErasureExecuted(
            erasure=ERASURE,
            step=ErasureStep.SUBJECT if extent else ErasureStep.CLOSING,
            purposes=extent.get("purposes", ()),
            categories=extent.get("categories", ()),
            retained=extent.get("retained", ()),
            keys=keys,
            classes=(),
            blobs=1,
            identifiers=identifiers,
            root="a" * 64,
        )
    )


def resealed(origin: int, retention_class: str, *categories: str) -> Record:
    """What stays of one section lies under a new key."""
    event = SectionsResealed(
        erasure=ERASURE,
        origin=origin,
        retention_class=retention_class,
        generation="membership.2",
        categories=categories,
    )
    return Record(event, sections=(Section(retention_class, "membership.2", {}),))


def after(record: Record, version: int = 12, state: SubjectState = HISTORY.state) -> SubjectState:
    """The parts of the state that hang on keys, after one more event."""
    recorded = stored(record, version)
    return SubjectState(
        version=version,
        subjects=state.subjects,
        collections=holdings.evolve(state.collections, recorded),
        identifiers=identities.evolve(state.identifiers, recorded),
        files=FILES.evolve(state.files, recorded),
    )


@pytest.mark.clause("C66", "L37", "L41")
def test_what_hangs_on_a_destroyed_key_is_gone_with_its_history_and_statements() -> None:
    collections = after(erased(SUBSCRIPTION)).collections

    assert collections.for_purpose("newsletter") == frozenset()
    assert {slot[1] for slot in collections.held} == {"event_logistics", "travel_booking"}
    name = collections.held["contact.name", "event_logistics", None]
    assert [(held.version, len(held.statements)) for held in name.history()] == [(9, 1), (2, 1)]


@pytest.mark.clause("L37")
def test_other_keys_keep_what_hangs_on_them() -> None:
    state = after(erased(TRAVEL))

    assert state.files.references == {}
    assert ("identity.document", "travel_booking", OCCASION) not in state.collections.held
    assert state.collections.for_purpose("newsletter") == {"contact.name", "contact.email"}
    assert state.identifiers == HISTORY.state.identifiers


@pytest.mark.clause("C66", "L37")
def test_a_value_that_another_purpose_needs_is_gone_for_the_erased_one() -> None:
    """The key lives on for the purpose that stays, and the value is not held for the other."""
    collections = after(erased(purposes=("newsletter",))).collections

    assert collections.for_purpose("newsletter") == frozenset()
    assert collections.for_purpose("event_logistics") == (
        HISTORY.state.collections.for_purpose("event_logistics")
    )
    kept = after(erased(purposes=("newsletter",), retained=("subscription",))).collections
    assert kept.for_purpose("newsletter") == {"contact.name", "contact.email"}


@pytest.mark.clause("C66", "L37")
def test_a_file_goes_with_the_category_or_the_purpose_that_is_erased() -> None:
    by_category = after(erased(categories=("identity.document",)))
    by_purpose = after(erased(purposes=("travel_booking",)))
    other = after(erased(purposes=("newsletter",)))
    retained = after(erased(purposes=("travel_booking",), retained=("travel-identity",)))

    assert by_category.files.references == by_purpose.files.references == {}
    assert ("identity.document", "travel_booking", OCCASION) not in by_category.collections.held
    assert other.files == retained.files == HISTORY.state.files


@pytest.mark.clause("L37")
def test_an_unknown_key_destroys_nothing() -> None:
    state = after(erased(KeyId(ERASURE)))

    assert state.collections == HISTORY.state.collections
    assert state.files == HISTORY.state.files


@pytest.mark.clause("C66", "L1")
def test_an_erasure_of_the_blind_index_leaves_nobody_to_be_found() -> None:
    assert after(erased(SUBSCRIPTION, identifiers=True)).identifiers.active == {}
    assert len(after(erased(SUBSCRIPTION)).identifiers.active) == 3


@pytest.mark.clause("L37")
def test_a_survivor_of_history_is_not_in_use_again() -> None:
    """Two fiscal years: the newer goes, the older stays, and stays superseded (L6)."""
    claim = Obtained(purpose="payments", personal={"financial.claim": "Tåg"})
    older = CollectData(
        obtained=claim, source="secretariat", occurred_at=HISTORY.circumstances.now.replace(2024)
    )
    newer = CollectData(obtained=claim, source="secretariat")
    state = given(registration("newsletter"), older, newer).state
    collections = after(erased(data_key("fiscal", "year.2026")), state=state).collections
    [survivor] = collections.held["financial.claim", "payments", None].history()

    assert survivor.generation == "year.2024"
    assert survivor.superseded_at is not None
    assert collections.of_category("financial.claim") == ()
    assert collections.for_purpose("payments") == frozenset()


@pytest.mark.clause("L31")
def test_statements_go_with_their_own_key_when_the_value_stays() -> None:
    """A statement that was re-sealed apart from its value is found and lost on its own."""
    moved = after(resealed(10, "participation", "correspondence.statement"))
    gone = after(erased(data_key("participation", "membership.2")), 13, moved)
    name = gone.collections.held["contact.name", "event_logistics", None]

    assert [statement.version for statement in _statements(moved)] == [12]
    assert (name.version, name.statements) == (9, ())


@pytest.mark.clause("L37")
def test_a_resealed_value_is_found_under_its_new_key() -> None:
    state = after(resealed(2, "participation", "contact.email"))
    email = state.collections.held["contact.email", "event_logistics", None]
    phone = state.collections.held["contact.phone", "event_logistics", None]
    newsletter = state.collections.held["contact.email", "newsletter", None]

    assert (email.version, email.generation) == (12, "membership.2")
    assert email.key_id == data_key("participation", "membership.2")
    assert (phone.version, phone.key_id) == (2, PARTICIPATION)
    assert (newsletter.version, newsletter.key_id) == (3, SUBSCRIPTION)
    assert state.identifiers.active[4].value_at == 12
    assert state.identifiers.active[4].generation == "membership.2"
    assert state.identifiers.active[4].key_id is None
    assert state.identifiers.active[5].value_at == 2
    final = after(erased(PARTICIPATION), 13, state).collections
    assert {slot for slot in final.held if slot[1] == "event_logistics"} == {
        ("contact.email", "event_logistics", None)
    }


@pytest.mark.clause("L37")
def test_a_resealed_value_keeps_its_history() -> None:
    state = after(resealed(2, "participation", "contact.name"))
    versions = [
        (held.version, held.superseded_at is None)
        for held in state.collections.held["contact.name", "event_logistics", None].history()
    ]

    assert versions == [(9, True), (12, False)]


@pytest.mark.clause("C7", "L37")
def test_a_resealed_further_address_is_found_under_its_new_key() -> None:
    identifier = after(resealed(11, "subscription", "contact.email")).identifiers.active[11]

    assert HISTORY.state.identifiers.active[11].key_id == SUBSCRIPTION
    assert (identifier.value_at, identifier.additional) == (12, True)
    assert identifier.key_id == data_key("subscription", "membership.2")


@pytest.mark.clause("C43", "L37")
def test_a_resealed_title_is_found_under_its_new_key() -> None:
    [reference] = after(resealed(7, "travel-identity", "file.title")).files.references.values()

    assert (reference.version, reference.generation) == (12, "membership.2")
    assert reference.key_id == data_key("travel-identity", "membership.2")
    [other] = after(resealed(7, "fiscal", "file.title")).files.references.values()
    assert (other.version, other.key_id) == (7, TRAVEL)


@pytest.mark.parametrize("concern", [FILES], ids=["files"])
def test_an_event_of_another_concern_changes_nothing(concern: Concern[object]) -> None:
    recorded = stored(HISTORY.when(TRIP).records[0], 12)

    assert concern.evolve(HISTORY.state.files, recorded) is HISTORY.state.files
    assert identities.evolve(HISTORY.state.identifiers, recorded) is HISTORY.state.identifiers


def _statements(state: SubjectState) -> tuple[holdings.Statement, ...]:
    return state.collections.held["contact.name", "event_logistics", None].statements


def expired(retention_class: str, generation: str) -> Record:
    """A period was over, and the key was destroyed."""
    return Record(
        RetentionExecuted(
            cause=RetentionCause.PERIOD_OVER,
            retention_class=retention_class,
            generation=generation,
            until=date(2026, 1, 1),
            policy="impel-1",
            keys=(data_key(retention_class, generation),),
            classes=(),
            blobs=1,
            identifiers=False,
            root="a" * 64,
        )
    )


@pytest.mark.clause("L7")
def test_what_a_period_ended_is_gone_and_everything_else_stays() -> None:
    """Its key is destroyed; values of the same category under other keys are not touched."""
    left = after(expired("subscription", "membership")).collections

    assert left.held
    assert left.held == {
        slot: one for slot, one in HISTORY.state.collections.held.items() if slot[1] != "newsletter"
    }


@pytest.mark.clause("L6")
def test_what_was_superseded_once_keeps_the_time_at_which_it_was() -> None:
    """Its successor was destroyed, and a new value takes the place: three histories, two left."""
    claim = Obtained(purpose="payments", personal={"financial.claim": "Tåg"})
    then = HISTORY.circumstances.now
    older = CollectData(obtained=claim, source="secretariat", occurred_at=then.replace(2024))
    newer = CollectData(obtained=claim, source="secretariat")
    person = given(
        registration("newsletter"), older, At(then, newer), expired("fiscal", "year.2026")
    )
    newest = person.when(replace(newer, occurred_at=then.replace(2025))).after
    slot = ("financial.claim", "payments", None)
    [before] = person.state.collections.held[slot].history()

    current, former = newest.state.collections.held[slot].history()

    assert (current.generation, former.generation) == ("year.2025", "year.2024")
    assert former.superseded_at == before.superseded_at == then


@pytest.mark.clause("L6", "C4")
def test_a_corrected_value_lies_where_its_correction_says() -> None:
    """In its class, bucket and key, under its policy, and without what was said of the old one."""
    corrected = DataRectified(
        category="contact.name",
        source="secretariat",
        policy="impel-2",
        held={"event_logistics": "occasion"},
        generations={"occasion": "occasion.7"},
        supersedes=(2,),
        occasion=None,
    )
    collections = after(Record(corrected)).collections
    held = collections.held["contact.name", "event_logistics", None]

    assert HISTORY.state.collections.held["contact.name", "event_logistics", None].statements
    assert (held.retention_class, held.generation) == ("occasion", "occasion.7")
    assert held.key_id == data_key("occasion", "occasion.7")
    assert (held.source, held.policy, held.statements) == ("secretariat", "impel-2", ())


@pytest.mark.clause("L31", "L37")
def test_a_statement_moves_with_its_own_section_alone() -> None:
    """Two statements on one value: the one that was sealed anew is found anew."""
    twice = given(
        registration("event_logistics"),
        RectifyData(source="self_service", statements={"contact.name": "Formerly Å."}),
        RectifyData(source="self_service", statements={"contact.name": "Since May."}),
    ).state
    second = twice.version

    def places(state: SubjectState) -> list[tuple[int, str]]:
        held = state.collections.held["contact.name", "event_logistics", None]
        return [(one.version, one.retention_class) for one in held.statements]

    moved = after(resealed(second, "participation", "correspondence.statement"), 12, twice)

    assert places(twice) == [(second - 1, "participation"), (second, "participation")]
    assert places(moved) == [(second - 1, "participation"), (12, "participation")]


@pytest.mark.clause("L31", "L37")
def test_a_value_and_what_was_said_of_it_move_together_when_they_lie_together() -> None:
    """Both were collected into one section, and both are found under the new key."""
    together = DataCompleted(
        category="contact.name",
        source="self_service",
        policy="impel-1",
        held={"event_logistics": "participation"},
        generations={"participation": "membership"},
        supplements=(2,),
        occasion=None,
    )
    state = given(registration("event_logistics")).state
    said = holdings.evolve(state.collections, stored(Record(together), 2))
    moved = holdings.evolve(
        said,
        stored(resealed(2, "participation", "contact.name", "correspondence.statement"), 12),
    )
    held = moved.held["contact.name", "event_logistics", None]

    assert (held.version, [one.version for one in held.statements]) == (12, [12])
