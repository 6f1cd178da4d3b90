"""What each intent obliges the controller to do, and that none of them gives consent."""

from datetime import UTC, datetime

import pytest

from app.connectors.intents import (
    CampaignSent,
    CampaignStatus,
    Cleaned,
    CleanedReason,
    Effect,
    EmailChanged,
    Intent,
    ProfileUpdated,
    Subscribed,
    UnsubscribeAction,
    Unsubscribed,
    UnsubscribeReason,
    effects_of,
)

LIST = "c0ffee1234"
AT = datetime(2026, 3, 1, tzinfo=UTC)
ASA = "asa@granholmen.example"
EVA = "eva@granholmen.example"


def unsubscribed(action: UnsubscribeAction | None, reason: UnsubscribeReason | None) -> Intent:
    return Unsubscribed(list_id=LIST, fired_at=AT, email=ASA, action=action, reason=reason)


@pytest.mark.clause("C73")
@pytest.mark.parametrize("action", [None, *UnsubscribeAction])
@pytest.mark.parametrize("reason", [None, *UnsubscribeReason])
def test_whoever_leaves_withdraws_consent_and_is_suppressed(
    action: UnsubscribeAction | None, reason: UnsubscribeReason | None
) -> None:
    """Art. 7(3): for every action and reason, those that the vendor adds later included."""
    effects = effects_of(unsubscribed(action, reason))

    assert {Effect.WITHDRAW_CONSENT, Effect.SUPPRESS} <= effects
    assert (Effect.OBJECT in effects) == (reason is UnsubscribeReason.ABUSE)


@pytest.mark.clause("C73")
@pytest.mark.parametrize("reason", CleanedReason)
def test_a_cleaned_address_objects_and_is_suppressed(reason: CleanedReason) -> None:
    """Art. 21(2)."""
    intent = Cleaned(list_id=LIST, fired_at=AT, email=ASA, reason=reason)

    assert effects_of(intent) == {Effect.OBJECT, Effect.SUPPRESS}


@pytest.mark.clause("C7")
@pytest.mark.parametrize(
    "intent",
    [
        ProfileUpdated(list_id=LIST, fired_at=AT, email=ASA),
        EmailChanged(list_id=LIST, fired_at=AT, old_email=ASA, new_email=EVA),
    ],
)
def test_changed_fields_rectify(intent: Intent) -> None:
    """Art. 16."""
    assert effects_of(intent) == {Effect.RECTIFY}


@pytest.mark.clause("C73")
def test_a_subscription_has_no_effect_of_its_own() -> None:
    """Art. 7(1): it comes with no evidence that the person consented."""
    assert effects_of(Subscribed(list_id=LIST, fired_at=AT, email=ASA)) == frozenset()


@pytest.mark.parametrize("status", CampaignStatus)
def test_a_campaign_concerns_nobody(status: CampaignStatus) -> None:
    intent = CampaignSent(list_id=LIST, fired_at=AT, campaign_id="beef567890", status=status)

    assert effects_of(intent) == frozenset()


def test_no_effect_is_to_give_consent() -> None:
    assert set(Effect) == {"withdraw-consent", "suppress", "object", "rectify"}
