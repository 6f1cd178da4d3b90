"""Photographs: shown to nobody before notice, a no stops each place by itself; copies linger."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.objections import OverrideObjection, RaiseObjection, WithdrawObjection
from app.domain.permissions import NoticeMissing, Objected
from app.domain.photo_duties import Duty, DutyCause, DutyKind, duties
from app.domain.photos import (
    AnnounceRemoval,
    ObjectToPhoto,
    PhotoObjectionUnknown,
    PhotoStillShown,
    PhotoUnannounced,
    PhotoUnknown,
    PhotoUnpublished,
    PublishPhoto,
    TakeDownPhoto,
    TakePhoto,
    WithdrawPhotoObjection,
)
from app.domain.purpose_limitation import PurposeUnknown
from app.domain.recipients import RecipientNotListed
from app.domain.restrictions import LiftRestriction, Restrict, SubjectRestricted
from app.domain.subjects import DiscoverChild
from app.events.disclosures import DataDisclosed
from app.events.erasures import (
    ErasureExecuted,
    ErasureRequested,
    ErasureStep,
    ErasureTrigger,
    SectionsResealed,
)
from app.events.files import FileReferenced
from app.events.merges import MergeSide
from app.events.notices import NoticeChannel, NoticeShown
from app.events.photos import (
    PhotoAudience,
    PhotoObjected,
    PhotoObjectionWithdrawn,
    PhotoPublished,
    PhotoRemovalAnnounced,
    PhotoTaken,
    PhotoTakenDown,
)
from app.events.recorded import Record, Section
from app.events.restrictions import RestrictionGround
from app.events.retention import RetentionCause, RetentionExecuted
from app.values import replace
from tests.domain.test_merges import Two
from tests.domain.test_restrictions import lift_told
from tests.spec import NOW, OCCASION, At, Given, data_key, given, registration

PERSON = registration("event_logistics")
PHOTO, OTHER, OBJECTION = (
    UUID(f"{digit}" * 8 + "-0000-4000-8000-000000000003") for digit in ("7", "8", "9")
)
NOTICE = NoticeShown(policy="impel-1", language="sv", channel=NoticeChannel.FORM)
TAKEN = TakePhoto(
    photo=PHOTO,
    system="onedrive",
    title="Zoë at the rostrum.jpg",
    source="photographer",
    occasion=OCCASION,
)
WEBSITE = PublishPhoto(photo=PHOTO, purpose="photo_website")
NEWSLETTER = PublishPhoto(photo=PHOTO, purpose="photo_newsletter")
REPORT = PublishPhoto(photo=PHOTO, purpose="photo_reporting", recipient="eu_funder")
PLACES = {"photo_website": WEBSITE, "photo_newsletter": NEWSLETTER, "photo_reporting": REPORT}
DOWN = TakeDownPhoto(photo=PHOTO, purpose="photo_website", recipient="website")
SHOWN = (PERSON, NOTICE, TAKEN, WEBSITE)


def objection(purpose: str | None = "photo_website") -> RaiseObjection:
    """Against a use of photographs."""
    return RaiseObjection(objection=OBJECTION, source="secretariat", purpose=purpose)


def to_photo(purpose: str | None = None, photo: UUID = PHOTO) -> ObjectToPhoto:
    """Against one photograph."""
    return ObjectToPhoto(objection=OBJECTION, photo=photo, purpose=purpose, source="secretariat")


def tasks(person: Given, **more: Any) -> tuple[Duty, ...]:
    """What is to be done about the person's photographs."""
    return duties(person.state, person.circumstances, **more)


def told(person: Given) -> list[tuple[str, str]]:
    """Kind and cause of each task."""
    return [(one.kind.value, one.cause.value) for one in tasks(person)]


@pytest.mark.clause("C37", "C43")
def test_a_photograph_is_on_record_by_an_opaque_id_with_its_title_sealed() -> None:
    referenced, taken = given(PERSON).when(TAKEN).records

    assert isinstance(referenced.event, FileReferenced)
    assert referenced.sections[0].personal == {"file.title": "Zoë at the rostrum.jpg"}
    assert referenced.sections[0].retention_class == "photograph"
    assert taken.event == PhotoTaken(
        photo=PHOTO,
        system="onedrive",
        purpose="photos",
        source="photographer",
        occasion=OCCASION,
    )
    given(PERSON, TAKEN).when(TAKEN).then_nothing()


@pytest.mark.clause("L10", "C37")
@pytest.mark.parametrize("place", PLACES)
def test_a_photograph_is_shown_nowhere_before_the_person_was_told(place: str) -> None:
    """Art. 25(2): by default, nobody but the controller sees it."""
    given(PERSON, TAKEN).when(PLACES[place]).then_refused(PhotoUnannounced)


@pytest.mark.clause("C37", "L10", "L32")
def test_a_photograph_that_is_shown_is_shared_and_the_register_knows_with_whom() -> None:
    disclosed, published = given(PERSON, NOTICE, TAKEN).when(WEBSITE).records

    assert isinstance(disclosed.event, DataDisclosed)
    assert (disclosed.event.recipient, disclosed.event.categories) == ("website", ("image.event",))
    assert published.event == PhotoPublished(
        photo=PHOTO, purpose="photo_website", recipient="website"
    )
    given(*SHOWN).when(WEBSITE).then_nothing()


@pytest.mark.clause("C37")
def test_a_place_is_a_use_of_photographs_and_says_to_whom() -> None:
    person = given(PERSON, NOTICE, TAKEN)
    person.when(PublishPhoto(photo=OTHER, purpose="photo_website")).then_refused(PhotoUnknown)
    person.when(PublishPhoto(photo=PHOTO, purpose="newsletter")).then_refused(PurposeUnknown)
    person.when(PublishPhoto(photo=PHOTO, purpose="photos")).then_refused(PurposeUnknown)
    person.when(PublishPhoto(photo=PHOTO, purpose="photo_reporting")).then_refused(
        RecipientNotListed
    )
    person.when(
        PublishPhoto(photo=PHOTO, purpose="photo_website", recipient="mailchimp")
    ).then_refused(RecipientNotListed)


@pytest.mark.clause("L44", "C37", "C65")
@pytest.mark.parametrize("objected", PLACES)
@pytest.mark.parametrize("place", PLACES)
def test_each_place_is_objected_to_by_itself(objected: str, place: str) -> None:
    when = given(PERSON, NOTICE, TAKEN, objection(objected)).when(PLACES[place])

    if objected == place:
        when.then_refused(Objected)
    else:
        assert when.records


@pytest.mark.clause("L44", "C37")
@pytest.mark.parametrize("objected", [None, *PLACES])
@pytest.mark.parametrize("place", PLACES)
def test_one_photograph_is_objected_to_alone_at_one_place_or_at_all(
    objected: str | None, place: str
) -> None:
    """C37: tell us if you do not agree. It is granted as it comes, without weighing."""
    history = (PERSON, NOTICE, TAKEN, to_photo(objected))
    when = given(*history).when(PLACES[place])
    second = given(*history, TakePhoto(photo=OTHER, **_like(TAKEN))).when(
        PublishPhoto(photo=OTHER, purpose=PLACES[place].purpose, recipient=PLACES[place].recipient)
    )

    if objected in (None, place):
        when.then_refused(Objected)
    else:
        assert when.records
    assert second.records, "another photograph of the same person is not meant"


def _like(taken: TakePhoto) -> dict[str, Any]:
    return {"system": taken.system, "title": "Second.jpg", "source": taken.source}


@pytest.mark.clause("C37", "L44")
def test_an_objection_to_a_photograph_is_recorded_once_with_its_reasons_sealed() -> None:
    command = ObjectToPhoto(
        objection=OBJECTION,
        photo=PHOTO,
        source="secretariat",
        purpose="photo_website",
        statement="I was not asked.",
    )
    when = given(PERSON, TAKEN).when(command)
    when.then(
        PhotoObjected(
            objection=OBJECTION, photo=PHOTO, purpose="photo_website", source="secretariat"
        )
    )
    assert "not asked" not in repr(command)
    assert when.records[0].sections[0].personal == {"correspondence.statement": "I was not asked."}
    when.after.when(command).then_nothing()
    when.after.when(WithdrawPhotoObjection(objection=OBJECTION)).then(
        PhotoObjectionWithdrawn(objection=OBJECTION)
    )
    given(PERSON, TAKEN).when(to_photo("newsletter")).then_refused(PurposeUnknown)
    given(PERSON).when(to_photo()).then_refused(PhotoUnknown)
    given(PERSON).when(WithdrawPhotoObjection(objection=OBJECTION)).then_refused(
        PhotoObjectionUnknown
    )


@pytest.mark.clause("C37")
def test_who_objects_to_being_photographed_is_not_put_on_record_with_more() -> None:
    given(PERSON, objection("photos")).when(TAKEN).then_refused(Objected)


@pytest.mark.clause("C37")
def test_a_photograph_that_is_shown_without_a_reason_to_stop_is_no_task() -> None:
    assert told(given(*SHOWN)) == []


@pytest.mark.clause("L39", "C37")
@pytest.mark.parametrize(
    "no", [objection(), objection("photos"), objection(None), to_photo(), to_photo("photo_website")]
)
def test_an_objection_after_publication_is_a_task_to_take_down_and_to_tell_others(
    no: object,
) -> None:
    """Art. 17(2): what was public was copied; search engines and others are told."""
    person = given(*SHOWN, no)

    assert [one.kind for one in tasks(person)].count(DutyKind.TAKE_DOWN) == 1
    [first, *others] = sorted(tasks(person), key=lambda one: one.kind is not DutyKind.TAKE_DOWN)
    assert (first.recipient, first.due) == ("website", first.since.date() + timedelta(days=3))
    assert {one.audience for one in others} == set(PhotoAudience)
    assert {one.cause for one in (first, *others)} == {DutyCause.OBJECTION}


@pytest.mark.clause("L39", "C37")
def test_tasks_end_as_they_are_done_and_in_the_order_in_which_they_make_sense() -> None:
    tell = [
        AnnounceRemoval(
            photo=PHOTO, purpose="photo_website", recipient="website", audience=audience
        )
        for audience in PhotoAudience
    ]
    person = given(*SHOWN, objection())
    person.when(tell[0]).then_refused(PhotoStillShown)

    down = person.when(DOWN).after
    one = down.when(tell[0]).after
    done = one.when(tell[1]).after

    assert told(down) == [("tell_others", "objection")] * 2
    assert told(one) == [("tell_others", "objection")]
    assert told(done) == []
    done.when(DOWN).then_nothing()
    done.when(tell[0]).then_nothing()


@pytest.mark.clause("C37")
def test_what_is_done_is_recorded_with_what_shows_it() -> None:
    evidence = "ab" * 32
    person = given(*SHOWN)
    person.when(
        TakeDownPhoto(photo=PHOTO, purpose="photo_website", recipient="website", evidence=evidence)
    ).then(
        PhotoTakenDown(photo=PHOTO, purpose="photo_website", recipient="website", evidence=evidence)
    )
    told_engines = AnnounceRemoval(
        photo=PHOTO,
        purpose="photo_website",
        recipient="website",
        audience=PhotoAudience.SEARCH_ENGINES,
        evidence=evidence,
    )
    person.when(DOWN).after.when(told_engines).then(
        PhotoRemovalAnnounced(
            photo=PHOTO,
            purpose="photo_website",
            recipient="website",
            audience=PhotoAudience.SEARCH_ENGINES,
            evidence=evidence,
        )
    )
    person.when(
        TakeDownPhoto(photo=PHOTO, purpose="photo_newsletter", recipient="mailchimp")
    ).then_refused(PhotoUnpublished)


@pytest.mark.clause("L39")
def test_what_was_never_public_is_taken_down_without_telling_the_world() -> None:
    person = given(PERSON, NOTICE, TAKEN, REPORT, objection("photo_reporting"))
    assert told(person) == [("take_down", "objection")]


@pytest.mark.clause("L39", "L44")
def test_a_photograph_may_be_shown_again_once_the_person_no_longer_objects() -> None:
    person = given(*SHOWN, objection(), DOWN, WithdrawObjection(objection=OBJECTION))
    announced = person.state.restrictions.active[OBJECTION].announced_by
    lifted = lift_told(person, announced).when(LiftRestriction(restriction=OBJECTION)).after

    assert told(person) == []
    person.when(WEBSITE).then_refused(SubjectRestricted, ground="objection")
    assert lifted.when(WEBSITE).records


@pytest.mark.clause("L44")
def test_what_is_overridden_stays_restricted_until_the_person_was_told() -> None:
    override = OverrideObjection(objection=OBJECTION, grounds="Funding agreement, annex II.")
    assert told(given(*SHOWN, objection(), override)) == [("take_down", "restriction")]


@pytest.mark.clause("L42")
def test_a_restriction_takes_the_photograph_down_for_its_time() -> None:
    restriction = Restrict(
        restriction=OBJECTION, ground=RestrictionGround.UNLAWFUL, source="secretariat"
    )
    assert told(given(*SHOWN, restriction)) == [("take_down", "restriction")]


@pytest.mark.clause("C75", "L39")
def test_a_childs_photograph_comes_down() -> None:
    person = given(*SHOWN, DiscoverChild(source="secretariat"))
    assert ("take_down", "child") in told(person)


@pytest.mark.clause("L39", "L61")
def test_what_was_erased_or_kept_long_enough_comes_down_too() -> None:
    """What names the photograph is gone here; the picture itself still hangs on the website."""
    gone = RetentionExecuted(
        cause=RetentionCause.PERIOD_OVER,
        retention_class="photograph",
        generation=f"occasion.{OCCASION}",
        until=NOW.date(),
        policy="impel-1",
        classes=(),
        keys=(data_key("photograph", f"occasion.{OCCASION}"),),
        blobs=1,
        identifiers=False,
        root="a" * 64,
    )
    person = given(*SHOWN, At(NOW, gone))

    assert {(one.kind, one.cause) for one in tasks(person)} == {
        (DutyKind.TAKE_DOWN, DutyCause.ERASED),
        (DutyKind.TELL_OTHERS, DutyCause.ERASED),
    }
    assert tasks(person)[0].due == date(2026, 11, 25)


@pytest.mark.clause("L39", "L61")
def test_one_photograph_that_is_gone_takes_no_other_along() -> None:
    """Each has the key of its occasion; only what that key sealed is gone."""
    second = replace(TAKEN, photo=OTHER, title="Zoë at the door.jpg", occasion=OBJECTION)
    also = replace(WEBSITE, photo=OTHER)
    gone = RetentionExecuted(
        cause=RetentionCause.PERIOD_OVER,
        retention_class="photograph",
        generation=f"occasion.{OCCASION}",
        until=NOW.date(),
        policy="impel-1",
        classes=(),
        keys=(data_key("photograph", f"occasion.{OCCASION}"),),
        blobs=1,
        identifiers=False,
        root="a" * 64,
    )
    person = given(*SHOWN, second, also, At(NOW, gone))

    assert {one.photo for one in tasks(person)} == {PHOTO}
    assert person.state.photos.by_id[OTHER].gone_at is None


@pytest.mark.clause("L39")
def test_a_place_that_the_policy_no_longer_names_has_the_month_of_the_law() -> None:
    person = given(*SHOWN, objection())
    policy = person.circumstances.policy
    left = {key: one for key, one in policy.recipients.items() if key != "website"}
    given_then = replace(person.circumstances, policy=replace(policy, recipients=left))

    [duty] = [one for one in duties(person.state, given_then) if one.kind is DutyKind.TAKE_DOWN]

    assert duty.due == date(2026, 11, 23)
    assert tasks(person)[0].due < duty.due


@pytest.mark.clause("L44", "L39")
def test_after_a_merge_an_objection_on_the_survivor_reaches_the_other_records_photographs() -> None:
    two = Two((), (NOTICE, TAKEN, WEBSITE)).approved()
    before = tasks(two.absorbed, standing_for=(two.survivor.state,))
    two.survivor = two.survivor.when(objection()).after

    found = tasks(two.absorbed, standing_for=(two.survivor.state,))

    assert two.absorbed.state.merges.absorbed is not None
    assert two.absorbed.state.merges.absorbed.side is MergeSide.ABSORBED
    assert before == ()
    assert DutyKind.TAKE_DOWN in {one.kind for one in found}
    assert two.absorbed.when(DOWN).records


@pytest.mark.clause("L29", "L10")
def test_a_notice_is_asked_for_before_anything_else_is() -> None:
    """From a third party's list, the refusal names the photograph's own rule, not another."""
    third = registration("network_exchange", source="member_organisation")
    person = given(third, TAKEN)

    person.when(WEBSITE).then_refused(PhotoUnannounced)
    assert NoticeMissing.code != PhotoUnannounced.code


@pytest.mark.clause("C37", "L44")
def test_an_objection_that_is_withdrawn_ends_alone_and_the_photograph_may_be_shown_again() -> None:
    other = replace(to_photo(), objection=OTHER)
    person = given(PERSON, NOTICE, TAKEN, to_photo("photo_website"), other)
    once = person.when(WithdrawPhotoObjection(objection=OBJECTION)).after
    twice = once.when(WithdrawPhotoObjection(objection=OTHER)).after

    once.when(WEBSITE).then_refused(Objected)
    assert twice.when(WEBSITE).records


REQUESTED = ErasureRequested(
    erasure=OBJECTION,
    trigger=ErasureTrigger.REQUEST,
    purposes=("photos",),
    categories=(),
    source="email",
)


@pytest.mark.clause("C37", "C66", "L39")
def test_a_photograph_whose_title_was_erased_is_to_be_taken_down() -> None:
    """By a period or by an erasure: once its key is gone, no place may show it."""
    person = given(*SHOWN)
    [named] = person.state.photos.named.values()
    assert named.key_id is not None
    erased = ErasureExecuted(
        erasure=OBJECTION,
        step=ErasureStep.SUBJECT,
        purposes=("photos",),
        categories=(),
        retained=(),
        keys=(named.key_id,),
        classes=(),
        blobs=1,
        identifiers=False,
        root="5e" * 32,
    )
    assert told(person) == []
    gone = told(given(*SHOWN, REQUESTED, erased))
    assert {cause for _, cause in gone} == {DutyCause.ERASED.value}
    assert told(given(*SHOWN, REQUESTED, replace(erased, keys=(OTHER,)))) == []


@pytest.mark.clause("C37", "C66")
def test_a_title_that_was_sealed_anew_goes_with_its_new_key_and_another_stays() -> None:
    second = replace(TAKEN, photo=OTHER, title="Zoë at the door.jpg", occasion=OBJECTION)
    person = given(*SHOWN, second)
    before = person.state.photos.named
    moved = SectionsResealed(
        erasure=OBJECTION,
        origin=before[PHOTO].version,
        retention_class="photograph",
        generation="elsewhere",
        categories=("file.title",),
    )
    section = Section("photograph", "elsewhere", {"file.title": TAKEN.title})
    resealed = Record(moved, sections=(section,))
    after = given(*SHOWN, second, REQUESTED, resealed).state.photos.named

    assert after[PHOTO].key_id == data_key("photograph", "elsewhere")
    assert after[OTHER] == before[OTHER]
