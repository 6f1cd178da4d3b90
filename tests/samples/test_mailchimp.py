"""The sample calls say what the connector reads, for every sample person."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.connectors.intents import (
    CampaignSent,
    CampaignStatus,
    Cleaned,
    CleanedReason,
    EmailChanged,
    ProfileUpdated,
    Subscribed,
    UnsubscribeAction,
    Unsubscribed,
)
from app.connectors.mailchimp import parse, verify
from app.domain.contact_points import normalise_email
from samples import mailchimp
from samples.people import Person, people

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
PEOPLE = people()[::12]


@pytest.mark.clause("C73")
@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.organisation.country)
def test_all_six_calls_about_a_person_are_read(person: Person) -> None:
    email = normalise_email(person.email)
    new_email = "ny+adress@granholmen.example"

    subscribed = parse(mailchimp.subscribe(person, fired_at=AT))
    updated = parse(mailchimp.profile(person, fired_at=AT))
    left = parse(mailchimp.unsubscribe(person, fired_at=AT, action=None, reason=None))
    deleted = parse(mailchimp.unsubscribe(person, fired_at=AT, action="delete"))
    changed = parse(mailchimp.upemail(person, new_email, fired_at=AT))
    cleaned = parse(mailchimp.cleaned(person, fired_at=AT, reason="abuse"))

    assert isinstance(subscribed, Subscribed)
    assert isinstance(updated, ProfileUpdated)
    assert subscribed.given_name == updated.given_name == person.given_name
    assert subscribed.email == updated.email == email
    assert isinstance(left, Unsubscribed)
    assert (left.email, left.action, left.reason) == (email, None, None)
    assert isinstance(deleted, Unsubscribed)
    assert deleted.action is UnsubscribeAction.DELETE
    assert isinstance(changed, EmailChanged)
    assert (changed.old_email, changed.new_email) == (email, new_email)
    assert isinstance(cleaned, Cleaned)
    assert cleaned.reason is CleanedReason.ABUSE


def test_a_campaign_is_read() -> None:
    assert parse(mailchimp.campaign(fired_at=AT, status="canceled")) == CampaignSent(
        list_id=mailchimp.LIST_ID,
        fired_at=AT,
        campaign_id=mailchimp.CAMPAIGN_ID,
        status=CampaignStatus.CANCELED,
    )


def test_the_time_goes_out_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=2)))

    assert parse(mailchimp.campaign(fired_at=elsewhere)).fired_at == AT


def test_a_signed_sample_is_genuine() -> None:
    body = mailchimp.campaign(fired_at=AT)
    header = mailchimp.signature(body, secret="a-signing-secret", at=AT)

    assert header.startswith("t=1772353800,v1=")
    verify(body, header, secret="a-signing-secret", now=AT)
