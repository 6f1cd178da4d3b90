"""The mail relay spoken to over loopback: TLS or nothing, and what each of its answers means."""

from pathlib import Path
from typing import Any

import pytest

from app.events.mails import MailFailure
from app.propagation.smtp import Attempt, Handed, Relay, RelayUnsafe
from tests.propagation.relay import (
    RefusingRecipient,
    RefusingSender,
    ReportingRelay,
    TestRelay,
    relaying,
    sender_to,
)

MESSAGE = b"From: info@impel.example\r\nTo: asa@stad.example\r\nSubject: x\r\n\r\nHej\r\n"
TO = "asa@stad.example"
ENVELOPE = "6f1c2f7e3a524d0e9a5e0d7a7a1c9b10"


async def sent(relay: TestRelay, to: str = TO, **more: Any) -> Attempt:
    """One attempt, trusting the relay's own authority unless told otherwise."""
    sender = sender_to(relay, **{"security": "starttls", "timeout_s": 0.5, **more})
    return await sender.send(
        MESSAGE, sender="info@impel.example", recipient=to, envelope_id=ENVELOPE
    )


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_a_message_arrives_byte_for_byte_over_tls(tmp_path: Path, tls: str) -> None:
    async with relaying(tmp_path, tls=tls) as relay:
        attempt = await sent(relay, security=tls)

    [arrived] = relay.arrived
    assert arrived.asked == ()
    assert attempt == Attempt(Handed.ACCEPTED)
    assert (arrived.sender, arrived.recipients) == ("info@impel.example", (TO,))
    assert arrived.raw == MESSAGE
    assert arrived.secured


async def test_a_relay_without_tls_gets_nothing(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls="none") as relay:
        attempt = await sent(relay)

    assert attempt.handed is Handed.TEMPORARY
    assert not relay.arrived


async def test_a_relay_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        attempt = await sent(relay, ca_file=None)

    assert (attempt.handed, attempt.reason) == (Handed.TEMPORARY, "tls_failed")
    assert not relay.arrived


def test_only_this_machine_is_spoken_to_in_the_clear() -> None:
    for host in ("localhost", "::1", "127.0.0.1"):
        assert Relay(host=host, port=25, security="none").host == host
    with pytest.raises(RelayUnsafe):
        Relay(host="relay.example", port=25, security="none")


async def test_this_machine_may_be_spoken_to_in_the_clear(tmp_path: Path) -> None:
    async with relaying(tmp_path, tls="none") as relay:
        attempt = await sent(relay, security="none")

    assert attempt.handed is Handed.ACCEPTED


@pytest.mark.parametrize(
    ("at_recipient", "at_data", "expected"),
    [
        ("450 busy", "250 OK", Attempt(Handed.TEMPORARY, "address_refused", 450)),
        (
            "550 unknown asa@stad.example",
            "250 OK",
            Attempt(Handed.PERMANENT, "address_refused", 550, MailFailure.ADDRESS_REFUSED),
        ),
        ("250 OK", "451 later", Attempt(Handed.TEMPORARY, "message_refused", 451)),
        (
            "250 OK",
            "554 no",
            Attempt(Handed.PERMANENT, "message_refused", 554, MailFailure.MESSAGE_REFUSED),
        ),
    ],
)
async def test_a_reply_of_class_5_is_final_and_one_of_class_4_is_not(
    tmp_path: Path, at_recipient: str, at_data: str, expected: Attempt
) -> None:
    async with relaying(tmp_path) as relay:
        relay.at_recipient, relay.at_data = at_recipient, at_data
        attempt = await sent(relay)

    assert attempt == expected
    assert TO not in repr(attempt)


async def test_silence_is_tried_again_later(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        relay.hangs = True
        attempt = await sent(relay)

    assert (attempt.handed, attempt.reason) == (Handed.TEMPORARY, "timed_out")


@pytest.mark.parametrize("took_it", [True, False])
async def test_a_connection_that_breaks_in_data_is_tried_again(
    tmp_path: Path, took_it: bool
) -> None:
    """Whether the relay took the message is unknown: the repetition has the same Message-ID."""
    async with relaying(tmp_path) as relay:
        relay.drops, relay.forgets_to_answer = not took_it, took_it
        attempt = await sent(relay)

    assert (attempt.handed, attempt.reason) == (Handed.TEMPORARY, "connection_failed")
    assert len(relay.arrived) == took_it


async def test_nobody_listens(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        pass

    assert (await sent(relay)).reason == "connection_failed"


@pytest.mark.parametrize(
    ("password", "handed"), [("right", Handed.ACCEPTED), ("wrong", Handed.TEMPORARY)]
)
async def test_the_relay_asks_who_we_are(tmp_path: Path, password: str, handed: Handed) -> None:
    """Wrong credentials are a matter of ours, and no mail is given up for them."""
    secret = tmp_path / "password"
    secret.write_text(f"{password}\n")
    async with relaying(tmp_path, login=True) as relay:
        attempt = await sent(relay, username="ledger", password_file=secret)

    assert attempt.handed is handed
    assert [one.logged_in for one in relay.arrived] == [True] * (handed is Handed.ACCEPTED)


@pytest.mark.parametrize(("utf8", "handed"), [(True, Handed.ACCEPTED), (False, Handed.PERMANENT)])
async def test_an_address_in_other_letters_needs_a_relay_that_knows_them(
    tmp_path: Path, utf8: bool, handed: Handed
) -> None:
    async with relaying(tmp_path, utf8=utf8) as relay:
        attempt = await sent(relay, to="åsa@stad.example")

    assert attempt.handed is handed


@pytest.mark.clause("L9")
@pytest.mark.parametrize("tls", ["starttls", "implicit", "none"])
@pytest.mark.parametrize("to", [TO, "åsa@stad.example"])
async def test_a_relay_that_can_is_asked_to_tell_of_failures_and_delays(
    tmp_path: Path, tls: str, to: str
) -> None:
    """RFC 3461: by an id of ours, with the header alone, and never of success."""
    async with relaying(tmp_path, tls=tls, kind=ReportingRelay) as relay:
        attempt = await sent(relay, to, security=tls)

    [arrived] = relay.arrived
    assert attempt == Attempt(Handed.ACCEPTED)
    assert arrived.asked == ("RET=HDRS", f"ENVID={ENVELOPE}", "NOTIFY=FAILURE,DELAY")
    assert (arrived.raw, arrived.recipients) == (MESSAGE, (to,))


@pytest.mark.parametrize("kind", [RefusingSender, RefusingRecipient])
async def test_a_relay_that_refuses_to_be_asked_gets_the_mail_all_the_same(
    tmp_path: Path, kind: type[ReportingRelay]
) -> None:
    async with relaying(tmp_path, kind=kind) as relay:
        attempt = await sent(relay)

    [arrived] = relay.arrived
    assert attempt == Attempt(Handed.ACCEPTED)
    assert (arrived.asked, arrived.raw) == ((), MESSAGE)


@pytest.mark.parametrize("reply", ["550 unknown", "450 busy"])
async def test_whom_a_relay_does_not_take_is_asked_about_once(tmp_path: Path, reply: str) -> None:
    """That it was asked to report changes nothing in what its answers mean."""
    async with relaying(tmp_path, kind=ReportingRelay) as relay:
        relay.at_recipient = reply
        attempt = await sent(relay)

    assert attempt.code == int(reply[:3])
    assert attempt.handed is (Handed.PERMANENT if reply[0] == "5" else Handed.TEMPORARY)
    assert relay.asked == ["RET=HDRS", f"ENVID={ENVELOPE}", "NOTIFY=FAILURE,DELAY"]
    assert not relay.arrived
