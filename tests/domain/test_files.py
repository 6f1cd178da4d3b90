"""Files elsewhere: the ledger holds an opaque id in clear and a title under seal."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from app.domain.files import FileUnnamed, ReferenceFile
from app.domain.purpose_limitation import (
    CategoryNotAllowedForPurpose,
    CategoryUnknown,
    LinkingForbidden,
    SourceUnknown,
)
from app.domain.recipients import RecipientNotListed
from app.domain.text_values import ValueInvalid
from app.events.files import FileReferenced
from app.events.recorded import Record, Section
from app.events.retention import RetentionCause, RetentionExecuted
from app.policy.vocabulary import LegalBasis, SourceOrigin
from tests.spec import NOW, OCCASION, data_key, given, registration

PERSON = registration("event_logistics")
FILE = UUID("cccccccc-0000-4000-8000-000000000001")
DIGEST = "0123456789abcdef" * 4


def reference(**more: Any) -> ReferenceFile:
    """A scan of a passport, for a trip."""
    fields: dict[str, Any] = {
        "system": "onedrive",
        "title": "Passport Ångström.pdf",
        "category": "identity.document",
        "purpose": "travel_booking",
        "source": "travelperk",
        "file": FILE,
        "occasion": OCCASION,
    }
    return ReferenceFile(**(fields | more))


@pytest.mark.clause("C13", "C43", "L2", "L65")
def test_a_scan_is_referred_to_by_an_opaque_id_and_its_title_lies_in_its_own_class() -> None:
    when = given(PERSON).when(reference())
    when.then(
        FileReferenced(
            system="onedrive",
            file=FILE,
            digest=None,
            category="identity.document",
            purpose="travel_booking",
            basis=LegalBasis.LEGITIMATE_INTEREST,
            source="travelperk",
            origin=SourceOrigin.SUBJECT,
            policy="impel-1",
            retention_class="travel-identity",
            generation=f"occasion.{OCCASION}",
            occasion=OCCASION,
        )
    )

    assert when.records[0].sections == (
        Section("travel-identity", f"occasion.{OCCASION}", {"file.title": "Passport Ångström.pdf"}),
    )


@pytest.mark.clause("C16", "C27", "L62")
def test_a_signed_list_of_participants_is_a_voucher_that_the_law_demands() -> None:
    """C16: legal obligation, in the class of vouchers."""
    command = reference(
        category="signature.attendance",
        purpose="accounting",
        source="onedrive",
        file=None,
        digest=DIGEST,
    )
    [record] = given(PERSON).when(command).records

    assert record.event.basis is LegalBasis.LEGAL_OBLIGATION
    assert (record.event.retention_class, record.event.generation) == ("fiscal", "year.2026")
    assert (record.event.file, record.event.digest) == (None, DIGEST)


@pytest.mark.clause("C43", "L31")
def test_the_state_lists_every_file_with_its_system_and_date() -> None:
    files = given(PERSON).when(reference()).after.state.files
    [one] = files.references.values()

    assert (one.system, one.file, one.digest) == ("onedrive", FILE, None)
    assert (one.category, one.purpose) == ("identity.document", "travel_booking")
    assert (one.version, one.since, one.occasion) == (5, NOW, OCCASION)
    assert (one.retention_class, one.generation) == ("travel-identity", f"occasion.{OCCASION}")
    assert one.key_id == data_key("travel-identity", f"occasion.{OCCASION}")


@pytest.mark.clause("C43")
def test_the_same_file_is_recorded_once() -> None:
    person = given(PERSON, reference())
    person.when(reference(title="Renamed.pdf")).then_nothing()
    assert person.when(reference(system="google_drive")).records
    assert person.when(reference(file=OCCASION)).records
    assert person.when(reference(file=None, digest=DIGEST)).records


@pytest.mark.clause("C43", "C58")
@pytest.mark.parametrize("name", ["onedrive", "OneDrive", "Microsoft OneDrive"])
def test_a_system_has_one_name(name: str) -> None:
    [record] = given(PERSON).when(reference(system=name)).records
    assert record.event.system == "onedrive"


@pytest.mark.clause("C35", "C43")
def test_a_system_that_the_policy_does_not_list_holds_no_files() -> None:
    given(PERSON).when(reference(system="dropbox")).then_refused(RecipientNotListed)


@pytest.mark.clause("C13", "C16", "C43")
@pytest.mark.parametrize(
    "names",
    [
        {"file": None},
        {"digest": DIGEST},
        {"file": None, "digest": "https://onedrive.example/anna.pdf"},
        {"file": None, "digest": DIGEST.upper()},
    ],
)
def test_a_file_has_exactly_one_opaque_name(names: dict[str, Any]) -> None:
    given(PERSON).when(reference(**names)).then_refused(FileUnnamed)


@pytest.mark.clause("C13", "C19", "L2", "L4")
def test_a_file_is_bound_to_its_purpose_like_any_datum() -> None:
    person = given(PERSON)
    person.when(reference(purpose="payments")).then_refused(
        CategoryNotAllowedForPurpose, category="identity.document", purpose="payments"
    )
    person.when(reference(category="health.note")).then_refused(CategoryUnknown)
    person.when(reference(category="web.analytics", purpose="website_statistics")).then_refused(
        LinkingForbidden
    )
    person.when(reference(source="somewhere")).then_refused(SourceUnknown)
    person.when(reference(title=" ")).then_refused(
        ValueInvalid, category="file.title", reason="empty"
    )


def test_the_title_never_shows_in_what_is_printed() -> None:
    text = repr(reference()) + repr(given(PERSON).when(reference()).records)
    assert "Passport" not in text


@pytest.mark.clause("L41")
def test_no_file_is_referred_to_for_a_purpose_of_the_ledgers_own() -> None:
    """Its title would outlast the erasure of the person."""
    command = reference(category="contact.name", purpose="rights_requests", source="secretariat")

    given(PERSON).when(command).then_refused(
        CategoryNotAllowedForPurpose, category="contact.name", purpose="rights_requests"
    )


@pytest.mark.clause("C16", "L62")
def test_a_voucher_of_an_earlier_year_lies_with_that_year() -> None:
    earlier = datetime(2024, 12, 31, 22, 59, tzinfo=UTC)  # in Brussels a minute before midnight
    command = reference(
        category="signature.attendance", purpose="accounting", occurred_at=earlier, occasion=None
    )

    [record] = given(PERSON).when(command).records

    assert record.event.generation == "year.2024"
    assert record.occurred_at == earlier


@pytest.mark.clause("C13", "L7")
def test_a_reference_goes_with_its_period_and_the_others_stay() -> None:
    """Thirty days after the trip the scan has no title any more, and the voucher has."""
    voucher = reference(
        category="signature.attendance", purpose="accounting", file=None, digest=DIGEST
    )
    over = RetentionExecuted(
        cause=RetentionCause.PERIOD_OVER,
        retention_class="travel-identity",
        generation=f"occasion.{OCCASION}",
        until=date(2026, 10, 1),
        policy="impel-1",
        keys=(data_key("travel-identity", f"occasion.{OCCASION}"),),
        classes=(),
        blobs=1,
        identifiers=False,
        root="ab" * 32,
    )

    left = given(PERSON, reference(), voucher, Record(over)).state.files

    assert [one.digest for one in left.references.values()] == [DIGEST]
