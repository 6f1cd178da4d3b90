"""The contract of every connector in the registry: typed refusals that tell nothing of the call."""

from datetime import UTC, datetime

import pytest

from app.connectors import CONNECTORS
from app.connectors.connector import (
    BODY_BYTES_MAX,
    Connector,
    SignatureMissing,
    SignatureRefused,
    UnknownWebhookType,
    WebhookMalformed,
)
from app.domain.decider import Refusal
from app.identifiers import is_word

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GARBAGE = [
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{}",
    b"[" * 5000,
    b"a=1&" * 20_000,
    b"x" * BODY_BYTES_MAX * 2,
]

every_connector = pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS.keys())


@every_connector
def test_a_connector_is_found_by_the_key_it_carries(connector: Connector) -> None:
    assert CONNECTORS[connector.key] is connector
    assert is_word(connector.key)


@every_connector
@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_with_facts_from_closed_lists(connector: Connector, body: bytes) -> None:
    with pytest.raises((WebhookMalformed, UnknownWebhookType)) as refused:
        connector.parse(body)

    assert all(fact is None or is_word(str(fact)) for fact in refused.value.facts.values())


@every_connector
def test_an_unsigned_call_is_refused_where_a_secret_is_set(connector: Connector) -> None:
    with pytest.raises(SignatureMissing):
        connector.verify(b"", None, secret="a-signing-secret", now=NOW)


@pytest.mark.parametrize(
    "refusal", [WebhookMalformed, UnknownWebhookType, *SignatureRefused.__subclasses__()]
)
def test_every_refusal_has_a_code_of_its_own(refusal: type[Refusal]) -> None:
    assert is_word(refusal.code)
    assert refusal.code.startswith("webhook-")
    assert "code" in vars(refusal)
