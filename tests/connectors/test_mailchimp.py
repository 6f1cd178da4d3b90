"""Mailchimp's six calls: what is read of each, what is left unread, which are the same again."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connector import UnknownWebhookType, WebhookMalformed
from app.connectors.intents import (
    CampaignSent,
    CampaignStatus,
    Cleaned,
    CleanedReason,
    EmailChanged,
    Intent,
    ProfileUpdated,
    Subscribed,
    UnsubscribeAction,
    Unsubscribed,
    UnsubscribeReason,
)
from app.connectors.mailchimp import dedupe_material, parse
from app.domain.contact_points import normalise_email
from app.values import replace
from samples.mailchimp import Nested, encode

FIRED_AT = datetime(2026, 3, 1, 8, 30, 59, tzinfo=UTC)
ASA = "åsa.ek@granholmen.example"
MARTA = "marta.ek+list@granholmen.example"

IDS = st.text("0123456789abcdef", min_size=10, max_size=10)
MAILBOXES = st.from_regex(r"[a-z]{1,8}(\.[a-zåäö]{1,8})?(\+[a-z]{1,4})?", fullmatch=True)
EMAILS = MAILBOXES.map(lambda mailbox: normalise_email(f"{mailbox}@granholmen.example"))
NAMES = st.sampled_from(["Åsa", "Ștefan", "O'Connor", "van den Berg", "Γεωργία", "Ní Bhriain"])
TOLD = {
    "list_id": IDS,
    "fired_at": st.datetimes(min_value=datetime(2009, 1, 1)).map(  # noqa: DTZ001  # Mailchimp's zoneless time
        lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
    ),
}
MEMBER = TOLD | {"email": EMAILS, "member_id": st.none() | IDS}
NAMED = MEMBER | {"given_name": st.none() | NAMES, "family_name": st.none() | NAMES}
INTENTS: st.SearchStrategy[Intent] = st.one_of(
    st.builds(Subscribed, **NAMED),
    st.builds(ProfileUpdated, **NAMED),
    st.builds(
        Unsubscribed,
        **MEMBER,
        action=st.none() | st.sampled_from(UnsubscribeAction),
        reason=st.none() | st.sampled_from(UnsubscribeReason),
    ),
    st.builds(EmailChanged, **TOLD, old_email=EMAILS, new_email=EMAILS, new_member_id=IDS),
    st.builds(
        Cleaned,
        **TOLD,
        email=EMAILS,
        reason=st.sampled_from(CleanedReason),
        campaign_id=st.none() | IDS,
    ),
    st.builds(CampaignSent, **TOLD, campaign_id=IDS, status=st.sampled_from(CampaignStatus)),
)
KINDS = {
    Subscribed: "subscribe",
    Unsubscribed: "unsubscribe",
    ProfileUpdated: "profile",
    EmailChanged: "upemail",
    Cleaned: "cleaned",
    CampaignSent: "campaign",
}
WIRE_NAMES = {"member_id": "id", "new_member_id": "new_id"}
MERGE_TAGS = {"given_name": "FNAME", "family_name": "LNAME"}


def wire(intent: Intent) -> bytes:
    """The call that says what ``intent`` says; what is absent is a blank field."""
    details: dict[str, Nested] = {}
    merges: dict[str, Nested] = {"ADDRESS": ""}
    for each in fields(intent):
        value = getattr(intent, each.name) or ""
        if each.name in MERGE_TAGS:
            merges[MERGE_TAGS[each.name]] = value
        elif isinstance(intent, CampaignSent) and each.name == "campaign_id":
            details["id"] = value
        elif each.name != "fired_at":
            details[WIRE_NAMES.get(each.name, each.name)] = value
    fired_at = intent.fired_at.strftime("%Y-%m-%d %H:%M:%S")
    kind = KINDS[type(intent)]
    return encode({"type": kind, "fired_at": fired_at, "data": {**details, "merges": merges}})


def call(kind: str, /, **details: Nested) -> bytes:
    told = {"type": kind, "fired_at": "2026-03-01 08:30:59"}
    return encode({**told, "data": {"list_id": "c0ffee1234", **details}})


def merges(**tags: Nested) -> Mapping[str, Nested]:
    return {"EMAIL": ASA, "FNAME": "Åsa", "LNAME": "Ek", "ADDRESS": "", "PHONE": "", **tags}


@given(INTENTS)
def test_every_intent_is_read_back_from_the_call_that_says_it(intent: Intent) -> None:
    assert parse(wire(intent)) == intent


@pytest.mark.parametrize(
    "address",
    ["", {"addr1": "Storgatan 1", "city": "Granholmen", "zip": "", "country": "SE"}],
    ids=["blank", "nested"],
)
def test_a_subscription_is_read_whatever_the_address_field(address: Nested) -> None:
    body = call("subscribe", id="abcdef0123", email=ASA, merges=merges(ADDRESS=address))

    assert parse(body) == Subscribed(
        list_id="c0ffee1234",
        fired_at=FIRED_AT,
        email=ASA,
        member_id="abcdef0123",
        given_name="Åsa",
        family_name="Ek",
    )


@pytest.mark.clause("C73")
@pytest.mark.parametrize(
    ("words", "action", "reason"),
    [
        ({"action": "unsub", "reason": "manual"}, "unsub", "manual"),
        ({"action": "unsub", "reason": "abuse"}, "unsub", "abuse"),
        ({"action": "delete", "reason": "manual"}, "delete", "manual"),
        ({"reason": "manual"}, None, "manual"),
        ({}, None, None),
        ({"action": "", "reason": ""}, None, None),
        ({"action": "archive", "reason": "preference-centre"}, "other", "other"),
    ],
)
def test_an_unsubscription_is_read_with_and_without_its_words(
    words: dict[str, str], action: str | None, reason: str | None
) -> None:
    intent = parse(call("unsubscribe", id="abcdef0123", email=ASA, **words))

    assert isinstance(intent, Unsubscribed)
    assert (intent.email, intent.action, intent.reason) == (ASA, action, reason)


@pytest.mark.clause("C73")
def test_an_unsubscription_gets_through_whatever_else_the_call_carries() -> None:
    intent = parse(
        call(
            "unsubscribe",
            email=ASA.upper(),
            email_type="???",
            ip_opt="265.265.265.265",
            web_id="not a number",
            merges=merges(FNAME="\x1b", BIRTHDAY="31/02", ADDRESS={"city": "\x07"}),
        )
    )

    assert intent == Unsubscribed(list_id="c0ffee1234", fired_at=FIRED_AT, email=ASA)


def test_a_profile_is_read_with_blank_merge_fields() -> None:
    intent = parse(call("profile", id="abcdef0123", email=ASA, merges=merges(FNAME="", LNAME=" ")))

    assert isinstance(intent, ProfileUpdated)
    assert (intent.given_name, intent.family_name) == (None, None)


def test_a_name_that_cannot_be_stored_does_not_cost_the_call() -> None:
    intent = parse(call("profile", email=ASA, merges=merges(FNAME="Å\x1bsa", LNAME="Ek")))

    assert isinstance(intent, ProfileUpdated)
    assert (intent.given_name, intent.family_name) == (None, "Ek")


@pytest.mark.clause("C7")
def test_a_change_of_address_names_both_and_keeps_the_plus() -> None:
    intent = parse(call("upemail", new_id="abcdef0123", new_email=MARTA, old_email=ASA))

    assert intent == EmailChanged(
        list_id="c0ffee1234",
        fired_at=FIRED_AT,
        old_email=ASA,
        new_email=MARTA,
        new_member_id="abcdef0123",
    )


@pytest.mark.parametrize(
    ("word", "reason"), [("hard", "hard"), ("abuse", "abuse"), ("soft", "other"), ("", "other")]
)
def test_a_cleaned_address_is_read_with_its_reason(word: str, reason: str) -> None:
    intent = parse(call("cleaned", campaign_id="4fjk2ma9xd", reason=word, email=ASA))

    assert isinstance(intent, Cleaned)
    assert (intent.email, intent.reason, intent.campaign_id) == (ASA, reason, "4fjk2ma9xd")


@pytest.mark.parametrize(
    ("word", "status"), [("sent", "sent"), ("canceled", "canceled"), ("paused", "other")]
)
def test_a_campaign_is_read_without_its_subject_line(word: str, status: str) -> None:
    intent = parse(call("campaign", id="beef567890", subject="Hej Åsa!", status=word, reason=""))

    assert intent == CampaignSent(
        list_id="c0ffee1234",
        fired_at=FIRED_AT,
        campaign_id="beef567890",
        status=CampaignStatus(status),
    )


def test_the_time_of_a_call_is_taken_as_utc() -> None:
    assert parse(call("cleaned", email=ASA)).fired_at == FIRED_AT


def test_nothing_is_kept_of_what_the_ledger_does_not_need() -> None:
    """IP addresses, phone numbers and free merge fields are in no field of an intent."""
    marker = "192.0.2.77"
    extra: dict[str, Nested] = {"PHONE": marker, "ADDRESS": {"city": marker}, "MMERGE7": marker}
    body = call(
        "subscribe", email=ASA, ip_opt=marker, ip_signup=marker, web_id=marker, merges=extra
    )

    intent = parse(body)

    assert marker not in {getattr(intent, each.name) for each in fields(intent)}


@given(INTENTS)
def test_the_text_of_an_intent_shows_nobody(intent: Intent) -> None:
    shown = {each.name for each in fields(intent) if each.repr}

    assert shown <= {"list_id", "fired_at", "action", "reason", "campaign_id", "status"}
    assert "@" not in repr(intent)


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (b"", ("field-missing", "type")),
        (b"type=", ("field-missing", "type")),
        (b"type=unsubscribe", ("field-missing", "list_id")),
        (
            encode({"type": "cleaned", "data": {"list_id": "c0ffee1234"}}),
            ("field-missing", "fired_at"),
        ),
        (call("unsubscribe"), ("field-missing", "email")),
        (call("unsubscribe", email=""), ("field-missing", "email")),
        (call("unsubscribe", email="åsa"), ("field-invalid", "email")),
        (call("unsubscribe", email={"0": ASA}), ("field-missing", "email")),
        (call("unsubscribe", email=ASA, id="a b"), ("field-invalid", "id")),
        (call("upemail", new_email=MARTA), ("field-missing", "old_email")),
        (call("upemail", old_email=ASA, new_email="@"), ("field-invalid", "new_email")),
        (call("campaign", status="sent"), ("field-missing", "id")),
        (call("cleaned", list_id="../x", email=ASA), ("field-invalid", "list_id")),
        (call("cleaned", list_id="c" * 65, email=ASA), ("field-invalid", "list_id")),
    ],
)
def test_a_malformed_call_is_refused_by_the_name_of_its_field(
    body: bytes, facts: tuple[str, str]
) -> None:
    with pytest.raises(WebhookMalformed) as refused:
        parse(body)

    assert (refused.value.facts["reason"], refused.value.facts["field"]) == facts
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    "moment",
    [
        "2026-02-30 08:30:59",
        "2026-03-01 24:00:01",
        "2026-03-01T08:30:59",
        "2026-03-01 08:30:59Z",
        "2026-3-1 8:30:59",
        "0000-01-01 00:00:00",
        "\u0662\u0660\u0662\u0666-03-01 08:30:59",
        "now",
    ],
)
def test_a_time_in_any_other_form_is_refused(moment: str) -> None:
    body = encode(
        {"type": "cleaned", "fired_at": moment, "data": {"list_id": "c0ffee1234", "email": ASA}}
    )

    with pytest.raises(WebhookMalformed) as refused:
        parse(body)

    assert refused.value.facts == {"reason": "field-invalid", "field": "fired_at"}
    assert refused.value.__context__ is None


@pytest.mark.parametrize("kind", ["open", "Unsubscribe", "subscribe ", "type"])
def test_an_unknown_type_is_told_apart_from_a_malformed_call(kind: str) -> None:
    with pytest.raises(UnknownWebhookType) as refused:
        parse(call(kind, email=ASA))

    assert refused.value.facts == {}


@given(
    st.binary(max_size=80)
    | st.dictionaries(st.text(max_size=6), st.text(max_size=12), max_size=4).map(
        lambda details: call("profile", **details)
    )
)
def test_any_bytes_are_a_call_or_are_refused(body: bytes) -> None:
    try:
        intent = parse(body)
    except (WebhookMalformed, UnknownWebhookType):
        return

    assert intent.fired_at.tzinfo is UTC


def test_the_sameness_of_calls_never_changes_between_releases() -> None:
    """A retry may be delivered to the next version of the service."""
    intent = parse(call("unsubscribe", id="abcdef0123", email=ASA, action="unsub", reason="manual"))

    assert dedupe_material(intent).hex() == (
        "000000136d61696c6368696d702f6465647570652f7631"
        "0000000b756e737562736372696265"
        "0000000a61626364656630313233"
        "00000005756e737562"
        "000000066d616e75616c"
        "0000000a63306666656531323334"
        "00000019323032362d30332d30315430383a33303a35392b30303a3030"
    )


def test_a_retry_is_the_same_call_though_its_unread_fields_differ() -> None:
    first = call("unsubscribe", id="abcdef0123", email=ASA, ip_opt="192.0.2.1", merges=merges())
    again = call("unsubscribe", merges="", web_id="7", id="abcdef0123", email=ASA.upper())

    assert dedupe_material(parse(first)) == dedupe_material(parse(again))


@given(INTENTS, INTENTS)
def test_two_calls_are_the_same_only_if_they_say_the_same(one: Intent, other: Intent) -> None:
    if dedupe_material(one) == dedupe_material(other):
        assert type(one) is type(other)
        assert (one.list_id, one.fired_at) == (other.list_id, other.fired_at)


@pytest.mark.parametrize(
    ("intent", "changes"),
    [
        (
            Unsubscribed(list_id="a", fired_at=FIRED_AT, email=ASA, member_id="1"),
            {
                "member_id": "2",
                "action": UnsubscribeAction.DELETE,
                "reason": UnsubscribeReason.ABUSE,
            },
        ),
        (Unsubscribed(list_id="a", fired_at=FIRED_AT, email=ASA), {"email": MARTA}),
        (Subscribed(list_id="a", fired_at=FIRED_AT, email=ASA), {"email": MARTA, "member_id": "1"}),
        (
            ProfileUpdated(list_id="a", fired_at=FIRED_AT, email=ASA, given_name="Åsa"),
            {"given_name": "Eva", "family_name": "Ek", "email": MARTA},
        ),
        (
            EmailChanged(list_id="a", fired_at=FIRED_AT, old_email=ASA, new_email=MARTA),
            {"old_email": MARTA, "new_email": ASA},
        ),
        (
            Cleaned(list_id="a", fired_at=FIRED_AT, email=ASA, reason=CleanedReason.ABUSE),
            {"email": MARTA, "reason": CleanedReason.HARD_BOUNCE, "campaign_id": "1"},
        ),
        (
            CampaignSent(
                list_id="a", fired_at=FIRED_AT, campaign_id="1", status=CampaignStatus.SENT
            ),
            {"campaign_id": "2", "status": CampaignStatus.CANCELED},
        ),
    ],
)
def test_what_makes_two_calls_differ(intent: Intent, changes: dict[str, str]) -> None:
    moved = {"list_id": "b", "fired_at": FIRED_AT.replace(second=0)}
    variants = [replace(intent, **{name: value}) for name, value in {**changes, **moved}.items()]

    assert len({dedupe_material(each) for each in (intent, *variants)}) == len(variants) + 1
