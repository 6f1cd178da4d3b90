"""Mailchimp's examples and recorded calls, read in place where the folder of samples is given."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.connectors.connector import SignatureStale, SignatureWrong
from app.connectors.intents import (
    CampaignSent,
    Cleaned,
    EmailChanged,
    Intent,
    ProfileUpdated,
    Subscribed,
    Unsubscribed,
)
from app.connectors.mailchimp import dedupe_material, parse, verify

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LEDGER_SHARED", ROOT.parent / "shared"))
SAMPLES = SHARED / "vendors" / "mailchimp" / "samples"
MISSING = "not given: vendors/mailchimp/samples (in LEDGER_SHARED, or in ../shared)"
CALLS = sorted(
    path for mask in ("0[1-9]", "1?", "20") for path in SAMPLES.glob(f"webhook-{mask}-*.txt")
)
NAMED_AFTER = {
    "subscribe": Subscribed,
    "unsubscribe": Unsubscribed,
    "profile": ProfileUpdated,
    "upemail": EmailChanged,
    "cleaned": Cleaned,
    "campaign": CampaignSent,
    "hmac": Unsubscribed,
}

pytestmark = pytest.mark.skipif(not CALLS, reason=MISSING)


def intents() -> list[Intent]:
    return [parse(path.read_bytes()) for path in CALLS]


@pytest.mark.clause("C73")
@pytest.mark.parametrize("path", CALLS, ids=lambda path: path.stem)
def test_every_recorded_call_is_read_as_what_it_is_named(path: Path) -> None:
    intent = parse(path.read_bytes())
    kind = path.stem.split("-")[2].partition(".")[0]

    assert type(intent) is NAMED_AFTER[kind]
    assert intent.fired_at.tzinfo is UTC


def test_the_recorded_calls_cover_all_six_types() -> None:
    assert {type(intent) for intent in intents()} == set(NAMED_AFTER.values())


def test_recorded_calls_are_told_apart() -> None:
    """The signed example is the second one over again, and so the same call."""
    assert len({dedupe_material(intent) for intent in intents()}) == len(CALLS) - 1


@pytest.mark.clause("C73")
def test_the_signed_example_is_genuine_at_its_time_only() -> None:
    [path] = SAMPLES.glob("webhook-20-*.txt")
    headers = path.with_suffix(".headers").read_text()
    header = re.search(r"^X-Mailchimp-Signature: (t=(\d+),\S+)$", headers, re.MULTILINE)
    key = re.search(r"key='([^']+)'", headers)
    assert header is not None
    assert key is not None
    signed_at = int(header[2])

    def check(body: bytes, late_s: int) -> None:
        now = datetime.fromtimestamp(signed_at + late_s, UTC)
        verify(body, header[1], secret=key[1], now=now)

    body = path.read_bytes()
    check(body, 300)
    with pytest.raises(SignatureStale):
        check(body, 301)
    with pytest.raises(SignatureWrong):
        check(body + b"\n", 0)
