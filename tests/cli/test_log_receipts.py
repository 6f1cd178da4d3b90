"""`pdledger log verify-receipt`: valid or not, honoured or not, and evidence where it is broken."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app.tlog.checkpoints import Checkpoint
from app.tlog.edge import Edge
from app.tlog.merkle import leaf_hash, root
from app.tlog.notes import Note, VerifierKey
from app.tlog.proof_text import InclusionProof
from app.vault.signing import Signer
from tests.cli.conftest import Call
from tests.tlog import reference
from tests.tlog.giving import answered, promised, receipt_key

ORIGIN = "ledger.example/log"
LOG = Signer(b"\x07" * 32)
LOG_KEY = VerifierKey(ORIGIN, LOG.public_key)
VKEY = receipt_key().verifier_key
POLICY = f"# receipts {VKEY}\nlog {LOG_KEY} https://{ORIGIN}\nquorum none\n"
ENTRIES = [b"entry %d\n" % number for number in range(60)]
OTHERS = [*ENTRIES[:41], b"something else\n", *ENTRIES[42:]]

FORTY, FORTY_ONE = 40, 41
"""The positions of the receipt."""


def ago(age: timedelta) -> datetime:
    """So long before this very moment."""
    return datetime.now(UTC) - age


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    """A receipt of two events that was given a minute ago."""
    file = tmp_path / "receipt.json"
    file.write_bytes(answered(FORTY, 2, at=ago(timedelta(minutes=1))))
    return file


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """What somebody kept of /log/policy."""
    file = tmp_path / "policy"
    file.write_text(POLICY)
    return file


def note(entries: list[bytes], key: VerifierKey = LOG_KEY, signer: Signer = LOG) -> Note:
    """The signed head of a log of these entries."""
    leaves = [leaf_hash(entry) for entry in entries]
    text = Checkpoint(ORIGIN, len(leaves), root(leaves)).text()
    return Note(text, (key.sign(text, signer.sign),))


@contextmanager
def showing(entries: list[bytes], signed: Note | None = None) -> Iterator[str]:
    """The address of a log of these entries, with whatever checkpoint it shows."""
    edge, _ = Edge().extended([leaf_hash(entry) for entry in entries])
    pages = {
        "/log/checkpoint": bytes(signed or note(entries)),
        f"/log/tile/0/000.p/{len(entries)}": edge.partial[0] if edge.partial else b"",
    }

    class Log(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the library calls
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Log)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_receipt_is_checked_offline_by_its_key_alone(call: Call, receipt: Path) -> None:
    done = call("log", "verify-receipt", str(receipt), "--key", str(VKEY), "--json")

    assert done.exit_code == 0
    assert done.document["receipt"] | {"at": ""} == {
        "valid": True,
        "log": "unchecked",
        "by": VKEY.name,
        "at": "",
        "events": [
            {
                "event_id": f"00000000-0000-4000-8000-0000000000{position:02x}",
                "type": "consent.given",
                "position": position,
            }
            for position in (FORTY, FORTY_ONE)
        ],
    }


def test_a_changed_receipt_and_a_stranger_key_end_with_1(
    call: Call, receipt: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.json"
    changed.write_bytes(receipt.read_bytes().replace(b"consent.given", b"consent.taken"))
    stranger = str(receipt_key(b"\x08" * 32).verifier_key)

    for done in (
        call("log", "verify-receipt", str(changed), "--key", str(VKEY)),
        call("log", "verify-receipt", str(receipt), "--key", stranger),
    ):
        assert done.exit_code == 1
        assert done.out.startswith("NOT VALID: no key that is trusted signed these events.")


def test_the_log_honours_it(call: Call, receipt: Path, policy: Path) -> None:
    with showing(ENTRIES) as url:
        done = call(
            "log", "verify-receipt", str(receipt), "--policy", str(policy), "--service", url
        )

    assert done.exit_code == 0
    assert done.out.endswith("these entries stand where the receipt says.\n")


@pytest.mark.parametrize(
    ("entries", "standing", "exit_code"), [(ENTRIES, "honoured", 0), (OTHERS, "broken", 5)]
)
def test_the_promise_of_a_registration_is_checked_as_well(
    call: Call, tmp_path: Path, policy: Path, entries: list[bytes], standing: str, exit_code: int
) -> None:
    file = tmp_path / "registered.json"
    file.write_bytes(promised(FORTY_ONE, at=ago(timedelta(minutes=1))))

    with showing(entries) as url:
        done = call(
            *("log", "verify-receipt", str(file), "--policy", str(policy)),
            *("--service", url, "--json"),
        )
    offline = call("log", "verify-receipt", str(file), "--key", str(VKEY))

    told = done.document["receipt"]
    assert (told["log"], done.exit_code) == (standing, exit_code)
    assert told["events"] == [{"position": FORTY_ONE}]
    assert (offline.exit_code, f"  position {FORTY_ONE}\n" in offline.out) == (0, True)


def test_another_entry_at_its_place_is_evidence(
    call: Call, receipt: Path, policy: Path, tmp_path: Path
) -> None:
    """What is written proves by itself that both were signed and exclude each other."""
    file = tmp_path / "evidence.json"
    with showing(OTHERS) as url:
        done = call(
            *("log", "verify-receipt", str(receipt), "--policy", str(policy)),
            *("--service", url, "--evidence", str(file), "--json"),
        )

    kept = json.loads(file.read_text())
    assert done.exit_code == 5
    assert done.document["receipt"]["log"] == "broken"
    assert kept["receipt"] == json.loads(receipt.read_text())
    assert kept["instead"] == done.document["receipt"]["instead"]
    assert kept["instead"]["position"] == FORTY_ONE
    tree = reference.open_checkpoint(kept["checkpoint"].encode(), str(LOG_KEY))
    assert tree[1:] == (60, root(map(leaf_hash, OTHERS)))
    promised = kept["receipt"]["events"][1]["leaf_hash"]
    assert kept["instead"]["leaf_hash"] != promised


@pytest.mark.parametrize(
    ("age", "standing", "exit_code"),
    [(timedelta(minutes=59), "pending", 4), (timedelta(minutes=61), "late", 5)],
)
def test_a_log_that_ends_before_it_has_an_hour(
    call: Call, tmp_path: Path, policy: Path, age: timedelta, standing: str, exit_code: int
) -> None:
    file = tmp_path / "receipt.json"
    file.write_bytes(answered(FORTY, 2, among=(FORTY, 42), at=ago(age)))

    with showing(ENTRIES[:FORTY]) as url:
        done = call(
            *("log", "verify-receipt", str(file), "--policy", str(policy)),
            *("--service", url, "--json"),
        )

    assert (done.document["receipt"]["log"], done.exit_code) == (standing, exit_code)


@pytest.mark.parametrize("liar", ["other key", "other tiles"])
def test_a_log_that_proves_nothing_is_believed_nothing(
    call: Call, receipt: Path, policy: Path, liar: str
) -> None:
    """Tiles are signed by nobody but their checkpoint; a key that is not pinned is no key."""
    other = Signer(b"\x06" * 32)
    signed = note(ENTRIES, VerifierKey(ORIGIN, other.public_key), other)
    shown = (ENTRIES, signed) if liar == "other key" else (OTHERS, note(ENTRIES))

    with showing(*shown) as url:
        done = call(
            "log", "verify-receipt", str(receipt), "--policy", str(policy), "--service", url
        )

    assert done.exit_code == 1
    assert done.out.startswith("The receipt is valid; NOT PROVED: ")


def proof(position: int, entries: list[bytes]) -> bytes:
    """As /log/proof/inclusion answers it."""
    leaves = [leaf_hash(entry) for entry in entries]
    return bytes(InclusionProof(position, tuple(reference.path(position, leaves)), note(entries)))


def test_kept_proofs_do_it_offline(call: Call, receipt: Path, policy: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for file, position in zip(files, (FORTY, FORTY_ONE), strict=True):
        file.write_bytes(proof(position, ENTRIES))
    given = ("log", "verify-receipt", str(receipt), "--policy", str(policy))

    both = call(*given, "--proof", str(files[0]), "--proof", str(files[1]))
    one = call(*given, "--proof", str(files[0]))
    files[1].write_bytes(proof(FORTY_ONE, OTHERS))
    other = call(*given, "--proof", str(files[0]), "--proof", str(files[1]))

    assert (both.exit_code, one.exit_code, other.exit_code) == (0, 1, 1)
    assert "no proof was given for position 41" in one.out
    assert "does not prove what the receipt says" in other.out


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file-not-json"),
        (b"{", "file-not-json"),
        (b"\xff\xfe", "file-not-json"),
        (b'{"signed":1,"signed":2}', "file-not-json"),
        (b"[" * 100_000, "file-not-json"),
        (b"[]", "receipt-malformed"),
        (b'{"subject_id":"x"}', "receipt-malformed"),
        (None, "file-unreadable"),
    ],
    ids=["empty", "cut", "binary", "twice", "deep", "list", "other", "missing"],
)
def test_what_is_no_receipt_is_named_and_not_quoted(
    call: Call, tmp_path: Path, content: bytes | None, code: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)

    done = call("log", "verify-receipt", str(file), "--key", str(VKEY), "--json")

    assert (done.exit_code, done.document["failed"]["code"]) == (2, code)


def test_without_a_key_that_was_kept_nothing_is_checked(
    call: Call, receipt: Path, tmp_path: Path
) -> None:
    file, empty = tmp_path / "policy", tmp_path / "empty"
    file.write_text("log nonsense\n")
    empty.write_text("quorum none\n")
    given = ("log", "verify-receipt", str(receipt), "--json")

    codes = [
        call(*given, *options).document["failed"]["code"]
        for options in (
            (),
            ("--key", "nonsense"),
            ("--policy", str(file)),
            ("--policy", str(empty)),
            ("--policy", str(tmp_path / "missing")),
            ("--key", str(VKEY), "--service", "http://127.0.0.1:1"),
        )
    ]

    assert codes == [
        "key-missing",
        "key-malformed",
        "policy-malformed",
        "key-missing",
        "file-unreadable",
        "policy-missing",
    ]


def test_a_log_that_is_not_there_can_be_asked_again(
    call: Call, receipt: Path, policy: Path
) -> None:
    given = ("log", "verify-receipt", str(receipt), "--policy", str(policy), "--json")

    for url in ("http://127.0.0.1:1", "http://", "nonsense"):
        done = call(*given, "--service", url)
        assert (done.exit_code, done.document["failed"]["code"]) == (4, "log-unreachable")
