"""One POST outwards: to the examined address, under the right name, with an end to everything."""

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.propagation.destinations import Destination, DestinationRefused, Destinations
from app.propagation.outbound import Attempt, Outbound, Outcome, retry_after_s
from tests.propagation.receiver import ACCEPTED, Receiver, receiving

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NAME = "tool.example.org"


async def here(_host: str, _port: int) -> tuple[str, ...]:
    """Every name is this machine."""
    return ("127.0.0.1",)


class Elsewhere(Destinations):
    """Lets a name be this machine on some port, as if it were a public address on 443."""

    def __init__(self, port: int, *addresses: str) -> None:
        super().__init__(here)
        self._port, self._found = port, addresses or ("127.0.0.1",)

    def parse(self, url: str) -> Destination:
        """The URL on the port of the test."""
        parsed = super().parse(url)
        return Destination(parsed.scheme, parsed.host, self._port, parsed.target)

    async def addresses(self, destination: Destination) -> tuple[str, ...]:
        """Unexamined."""
        return self._found


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver without TLS."""
    async with receiving() as running:
        yield running


async def posted(
    outbound: Outbound, url: str, body: bytes = b"{}", headers: dict[str, str] | None = None
) -> Attempt:
    """One attempt."""
    async with outbound.to(url) as line:
        return await line.post(body, headers or {}, now=NOW)


def local(receiver: Receiver) -> tuple[Outbound, str]:
    """Outbound to this machine, and the receiver's URL."""
    outbound = Outbound(Destinations(here, loopback=True))
    return outbound, f"http://localhost:{receiver.port}/hooks?a=1"


async def test_the_body_arrives_as_it_is_with_our_headers(receiver: Receiver) -> None:
    outbound, url = local(receiver)

    attempt = await posted(outbound, url, b'{"type": "x"}', {"webhook-id": "1"})

    [request] = receiver.received
    assert attempt == Attempt(Outcome.DELIVERED, 204)
    assert (request.target, request.body) == ("/hooks?a=1", b'{"type": "x"}')
    assert request.headers["host"] == f"localhost:{receiver.port}"
    assert request.headers["webhook-id"] == "1"
    assert request.headers["user-agent"] == "personal-data-ledger"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (299, Outcome.DELIVERED),
        (301, Outcome.REDIRECT),
        (307, Outcome.REDIRECT),
        (400, Outcome.STATUS),
        (410, Outcome.GONE),
        (500, Outcome.STATUS),
    ],
)
async def test_a_status_says_what_became_of_it(
    receiver: Receiver, status: int, outcome: Outcome
) -> None:
    outbound, url = local(receiver)
    receiver.answering(status, "location: http://169.254.169.254/latest/meta-data/\r\n")

    attempt = await posted(outbound, url)

    assert attempt == Attempt(outcome, status)
    assert len(receiver.received) == 1, "no redirect is followed"


async def test_several_attempts_share_a_connection(receiver: Receiver) -> None:
    outbound, url = local(receiver)
    receiver.answering(200, body=b"thanks")

    async with outbound.to(url) as line:
        for _ in range(3):
            await line.post(b"{}", {}, now=NOW)

    assert (len(receiver.received), receiver.connections) == (3, 1)


async def test_an_answer_without_end_is_cut_and_counts(receiver: Receiver) -> None:
    outbound, url = local(receiver)
    receiver.answering(200, body=b"x" * 5_000_000)

    assert await posted(outbound, url) == Attempt(Outcome.DELIVERED, 200)


@pytest.mark.parametrize(("status", "outcome"), [(200, Outcome.DELIVERED), (410, Outcome.GONE)])
@pytest.mark.parametrize("rest", [b"5\r\nthank", b"no chunk\r\n", b"1\r\nx\r\n"])
async def test_what_a_status_said_stands_when_the_rest_is_broken_or_never_comes(
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    outcome: Outcome,
    rest: bytes,
) -> None:
    outbound, url = local(receiver)
    monkeypatch.setattr("app.propagation.outbound.ATTEMPT_TIMEOUT_S", 0.5)
    monkeypatch.setattr("app.propagation.outbound.REST_TIMEOUT_S", 0.05)
    head = f"HTTP/1.1 {status} X\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    receiver.answer = lambda _request: head + rest

    assert await posted(outbound, url) == Attempt(outcome, status)


async def test_whoever_answers_nothing_or_nonsense_is_given_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbound, url = local(receiver)
    monkeypatch.setattr("app.propagation.outbound.ATTEMPT_TIMEOUT_S", 0.2)
    receiver.answer = lambda _request: None
    silent = await posted(outbound, url)
    receiver.answer = lambda _request: b"\x00\x01 no HTTP\r\n\r\n"
    nonsense = await posted(outbound, url)
    closed = await posted(outbound, "http://localhost:1/")

    assert silent == Attempt(Outcome.TIMEOUT)
    assert {nonsense, closed} == {Attempt(Outcome.UNREACHABLE)}


async def test_a_name_that_moves_into_our_network_is_not_connected_to(receiver: Receiver) -> None:
    """DNS rebinding: public when it was subscribed, this machine when it is delivered to."""
    answers = [("93.184.215.14",), ("127.0.0.1",), ("93.184.215.14", "127.0.0.1")]

    async def rebinding(_host: str, _port: int) -> tuple[str, ...]:
        return answers.pop(0)

    destinations = Destinations(rebinding)
    accepted = await destinations.addresses(destinations.parse(f"https://{NAME}/"))

    for _ in range(2):
        assert await posted(Outbound(destinations), f"https://{NAME}/") == Attempt(Outcome.REFUSED)
    assert accepted == ("93.184.215.14",)
    assert receiver.connections == 0


async def test_a_proxy_of_the_environment_is_not_asked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    outbound, url = local(receiver)

    assert (await posted(outbound, url)).outcome is Outcome.DELIVERED


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key of a name, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(("certified", "outcome"), [(NAME, 204), ("127.0.0.1", None)])
async def test_the_name_is_asked_for_and_checked_though_the_address_is_connected_to(
    tmp_path: Path, certified: str, outcome: int | None
) -> None:
    """SNI, Host and certificate are the name's: an address's own certificate is worth nothing."""
    cert, key = certificate(tmp_path, certified)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    trust = ssl.create_default_context(cafile=str(cert))

    async with receiving(server) as receiver:
        outbound = Outbound(Elsewhere(receiver.port), trust=trust)
        attempt = await posted(outbound, f"https://{NAME}/hooks")

    assert attempt.status == outcome
    assert attempt.outcome is (Outcome.DELIVERED if outcome else Outcome.UNREACHABLE)
    assert receiver.server_names == [NAME]
    hosts = [request.headers["host"] for request in receiver.received]
    assert hosts == ([f"{NAME}:{receiver.port}"] if outcome else [])


async def test_the_next_address_is_tried_when_the_first_is_not_there(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, NAME)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    trust = ssl.create_default_context(cafile=str(cert))

    async with receiving(server) as receiver:
        receiver.answer = lambda _request: ACCEPTED
        outbound = Outbound(Elsewhere(receiver.port, "127.0.0.2", "127.0.0.1"), trust=trust)
        attempt = await posted(outbound, f"https://{NAME}/hooks")

    assert attempt.outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-5", 0),
        ("99999999999999999999", 86_400),
        ("Fri, 20 Nov 2026 09:31:00 GMT", 60),
        ("Fri, 20 Nov 2020 09:31:00 GMT", 0),
        ("Fri, 20 Nov 2026 09:31:00", 0),
        ("soon", 0),
        ("٣", 0),
    ],
)
def test_a_receiver_may_ask_for_a_day_at_most(text: str, seconds: float) -> None:
    assert retry_after_s(text, NOW) == seconds


async def test_what_is_refused_at_parsing_is_refused_at_delivery_too() -> None:
    outbound = Outbound(Destinations(here))

    assert await posted(outbound, "http://127.0.0.1/") == Attempt(Outcome.REFUSED)
    with pytest.raises(DestinationRefused):
        outbound.destinations.parse("http://127.0.0.1/")
