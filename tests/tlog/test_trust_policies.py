"""Policies of trust as C2SP tlog-policy has them: which witnesses are enough."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from app.tlog.checkpoints import Checkpoint
from app.tlog.cosignatures import WitnessKey
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import Note, NotSigned, VerifierKey
from app.tlog.trust_policies import (
    QuorumMissed,
    TrustPolicy,
    TrustPolicyMalformed,
    Witness,
    trust_policy,
)

ORIGIN = "ledger.example/log"
LOG = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key().public_bytes_raw())
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")
PRIVATES = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, name in enumerate(NAMES, 20)
}
KEYS = {
    name: WitnessKey(f"{name}.example", private.public_key().public_bytes_raw())
    for name, private in PRIVATES.items()
}
EXAMPLE = f"""
# Two organisations.
log {LOG_KEY}

  witness X1 {KEYS["X1"]}   https://x1.example/w
witness X2 {KEYS["X2"]}
\twitness\tX3\t{KEYS["X3"]}\t
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
TEXT = Checkpoint(ORIGIN, 7, EMPTY_ROOT).text()


def note(*names: str, text: str = TEXT) -> Note:
    """A checkpoint that the log signed and these witnesses cosigned."""
    lines = [KEYS[name].cosign(text, 1_700_000_000, PRIVATES[name].sign) for name in names]
    return Note(text, (LOG_KEY.sign(text, LOG.sign), *lines))


def test_the_example_of_the_specification_is_read_and_written() -> None:
    policy = trust_policy(EXAMPLE)

    assert policy.logs == ((LOG_KEY, None),)
    assert policy.witnesses[0] == Witness("X1", KEYS["X1"], "https://x1.example/w")
    assert [(one.threshold, one.members) for one in policy.groups] == [
        (2, ("X1", "X2", "X3")),
        (1, ("Y1", "Y2", "Y3")),
        (2, ("X-witnesses", "Y-witnesses")),
    ]
    assert trust_policy(policy.text()) == policy


@given(st.sets(st.sampled_from(NAMES)))
def test_a_quorum_is_what_its_groups_say(names: set[str]) -> None:
    enough = len(names & {"X1", "X2", "X3"}) >= 2 and bool(names & {"Y1", "Y2", "Y3"})
    policy = trust_policy(EXAMPLE)

    assert policy.is_witnessed(names) is enough
    assert policy.cosigned_by(note(*names)) == dict.fromkeys(names, 1_700_000_000)
    if enough:
        assert policy.verify(note(*names)).size == 7
    else:
        with pytest.raises(QuorumMissed):
            policy.verify(note(*names))


def test_nobody_has_to_agree_where_the_quorum_is_none() -> None:
    policy = trust_policy(f"log {LOG_KEY} https://ledger.example/log\nquorum none\n")

    assert policy.is_witnessed([])
    assert policy.verify(note()).size == 7
    assert policy.logs == ((LOG_KEY, "https://ledger.example/log"),)


def test_a_single_witness_can_be_the_quorum() -> None:
    policy = trust_policy(f"witness Y1 {KEYS['Y1']}\nquorum Y1\n")

    assert policy.is_witnessed(["Y1"])
    assert not policy.is_witnessed(["X1", "none"])


def test_witnesses_do_not_stand_in_for_the_log() -> None:
    unsigned = Note(TEXT, note(*NAMES).signatures[1:])
    of_another = TEXT.replace(ORIGIN, "other.example/log")

    for bad in (unsigned, note(*NAMES, text=of_another)):
        with pytest.raises(NotSigned):
            trust_policy(EXAMPLE).verify(bad)


W1, W2 = f"witness W1 {KEYS['X1']}\n", f"witness W2 {KEYS['X2']}\n"
QUORUM = "quorum none\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        W1,
        QUORUM + QUORUM,
        "quorum W1\n" + W1,
        "quorum nobody\n",
        "quorum\n",
        "other W1\n" + QUORUM,
        W1 + W1 + QUORUM,
        W1 + W1.replace("W1", "W2") + QUORUM,
        W1 + W2.replace("W2", "W1") + QUORUM,
        W1.replace("W1", "none") + QUORUM,
        f"witness W1 {LOG_KEY}\n" + QUORUM,
        f"witness {KEYS['X1']}\n" + QUORUM,
        W1.replace("\n", " https://a https://b\n") + QUORUM,
        f"log {KEYS['X1']}\n" + QUORUM,
        f"log {LOG_KEY}\nlog {VerifierKey('b', LOG_KEY.public_key)}\n" + QUORUM,
        W1 + "group G 1\n" + QUORUM,
        W1 + "group G 0 W1\n" + QUORUM,
        W1 + "group G 2 W1\n" + QUORUM,
        W1 + "group G 01 W1\n" + QUORUM,
        W1 + "group G most W1\n" + QUORUM,
        W1 + "group G any W1 W1\n" + QUORUM,
        W1 + "group G any W2\n" + W2 + QUORUM,
        W1 + "group G any G\n" + QUORUM,
        W1 + "group W1 any W1\n" + QUORUM,
        W1 + "group G any W1\ngroup H any W1\n" + QUORUM,
        W1 + "group G any none\n" + QUORUM,
        W1.replace(" ", "\x0b") + QUORUM,
        QUORUM.replace("\n", "\r\n"),
        "\n" * 2_000 + QUORUM,
    ],
)
def test_another_text_is_no_policy(text: str) -> None:
    with pytest.raises(TrustPolicyMalformed):
        trust_policy(text)


def test_a_fault_names_its_line_and_quotes_nothing() -> None:
    with pytest.raises(TrustPolicyMalformed) as raised:
        trust_policy(W1 + "secret-word\n" + QUORUM)

    assert "line 2" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_an_empty_policy_trusts_no_log() -> None:
    with pytest.raises(NotSigned):
        TrustPolicy().verify(note())
