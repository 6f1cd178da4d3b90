"""The auditor's bundle is verified by its own script, on its own; nobody's data are in it.

One ledger of this module: people with data, a rights request, an erasure, and enough other entries
for a full tile.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.audit import verify_bundle
from app.audit.bundle import LogUnsigned, Order, RecordUnknown, write_log, write_record
from app.audit.members import members
from app.events import EVENT_TYPES
from app.settings import Settings
from app.store.connection import connect
from app.store.cosignatures import Cosignatures
from app.store.integrator import Integrator
from app.tlog.checkpoints import Checkpoint, checkpoint
from app.tlog.cosignatures import WitnessKey
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import Note, VerifierKey, read_note
from app.tlog.receipt_text import receipt_keys_in
from app.tlog.trust_policies import TrustPolicy, Witness
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.conftest import Database, in_thread
from tests.faults.markers import Markers, hits_in, summary
from tests.rights.people import post, register
from tests.serving import Api, serving
from tests.store.chains import Chain
from tests.store.doors import Connection, append

FLIPS = int(os.environ.get("LEDGER_LOG_FLIPS", "25"))
OTHERS = 300
ORIGIN = "ledger.example/log"
SIGNER = Signer(b"\x07" * 32)
VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))
WITNESS = Signer(b"\x09" * 32)
CLERK = {"decided_by": str(uuid4())}
MARKERS = Markers.fresh()
ORDER = Order("2026-11-22T12:00:00.000000Z")


@dataclass(frozen=True, slots=True)
class Written:
    """What the tests share."""

    database: Database
    asking: UUID
    erased: UUID
    other: UUID
    kept: bytes
    """A checkpoint from before the end."""


@pytest.fixture(scope="module")
def written(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return in_thread(_write(module_database, tmp_path_factory.mktemp("home")))


async def _write(database: Database, home: Path) -> Written:
    async with (
        serving(database, home) as service,
        await Api(service, Settings(home=home)).client() as client,
    ):
        people = [await register(client, contact=_contact(str(one))) for one in range(3)]
        await _ask(client, people[0])
        await post(client, f"{people[1]}/erasure", {"source": "secretariat"})
    await _sign(database, home)
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    await append(connection, *(Chain().simple() for _ in range(OTHERS)))
    kept = await connection.fetchval(
        "SELECT note FROM ledger.log_checkpoint ORDER BY size DESC LIMIT 1"
    )
    await connection.close()
    await _sign(database, home)
    asking, erased, other = (UUID(person.rpartition("/")[2]) for person in people)
    return Written(database, asking, erased, other, bytes(kept))


def _contact(who: str) -> dict[str, str]:
    return {
        "contact.name": MARKERS.text(f"name {who}"),
        "contact.email": MARKERS.email(f"person{who}"),
        "work.organisation": MARKERS.text(f"organisation {who}"),
        # One number for two people would have the ledger ask whether they are one.
        **({"contact.phone": MARKERS.phone} if who == "0" else {}),
    }


async def _ask(client: Any, person: str) -> None:
    """A rights request by letter, answered."""
    path = "/v1/rights-requests"
    letter = {
        "right": "rectification",
        "subject_id": person.rpartition("/")[2],
        "channel": "post",
        "text": MARKERS.text("letter"),
        "reply_address": MARKERS.text("street"),
    }
    made = (await post(client, path, letter))["rights_request"]
    path = f"{path}/{made['request']}"
    await post(client, f"{path}/verify", {"proof": "callback"})
    await post(client, f"{path}/approve", CLERK)
    corrected = {"data": {"contact.name": MARKERS.text("right name")}, "source": "secretariat"}
    await post(client, f"{person}/rectifications", corrected)
    answer = {**CLERK, "told_by": "post", "note": MARKERS.text("answer")}
    await post(client, f"{path}/fulfil", answer)


async def _sign(database: Database, home: Path) -> None:
    writer = await connect(database.dsn("ledger_integrator"))

    async def connected() -> Connection:
        return writer

    one = Integrator(connected, SIGNER, SignedHeadFile(home / "c.signed"), origin=ORIGIN)
    while (await one.integrate(writer)).entries:
        pass
    await writer.close()


async def bundled(
    database: Database, file: Path, order: Order = ORDER, *, of: UUID | None = None
) -> Path:
    """Writes a bundle with the auditor's login."""
    connection = await asyncpg.connect(database.dsn("ledger_auditor"))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with members(file) as made:
                if of is None:
                    await write_log(connection, made, order)
                else:
                    await write_record(connection, made, order, stream_id=of)
    finally:
        await connection.close()
    return file


@pytest.fixture(scope="module")
def whole(written: Written, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_thread(bundled(written.database, tmp_path_factory.mktemp("whole") / "log.zip"))


@pytest.fixture(scope="module")
def record(written: Written, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("record") / "record.zip"
    return in_thread(bundled(written.database, file, of=written.asking))


def verified(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Exit code and text of `verify.py`, isolated, with nothing in its environment."""
    done = subprocess.run(
        [sys.executable, "-I", *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def found_in(file: Path, *options: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> str:
    """What the script says of a zip, in this process: for trying many."""
    monkeypatch.setattr(sys, "argv", ["verify.py", str(file), *options])
    code = verify_bundle.main()
    said = str(capsys.readouterr().out)
    assert (code == 0) == said.endswith("\nVERIFIED\n")
    return said


Tell = Callable[..., str]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tell:
    return lambda file, *options: found_in(file, *options, monkeypatch=monkeypatch, capsys=capsys)


@pytest.mark.clause("L9")
@pytest.mark.parametrize("kind", ["whole", "record"])
def test_a_bundle_verifies_offline_and_alone(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path
) -> None:
    """In an empty folder, with an isolated Python: no ledger, no database, nothing of ours."""
    file: Path = request.getfixturevalue(kind)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path)
    own = verified("verify.py", cwd=tmp_path)
    pinned = verified("verify.py", "--vkey", VKEY, cwd=tmp_path)
    zipped = verified("verify.py", str(file), cwd=tmp_path)

    assert own[0] == pinned[0] == zipped[0] == 0, own[1]
    assert "THE BUNDLE'S OWN" in own[1]
    assert f"verifier key (yours): {VKEY}" in pinned[1]


def test_it_imports_nothing_but_the_library_and_cryptography() -> None:
    source = Path(verify_bundle.__file__).read_text()
    lines = [line for line in source.splitlines() if line.startswith(("import", "from"))]
    roots = {line.split()[1].partition(".")[0] for line in lines}

    assert roots - set(sys.stdlib_module_names) == {"cryptography"}
    assert len(source.splitlines()) < 545


@pytest.mark.clause("L9")
def test_no_personal_data_and_no_key_is_in_it(whole: Path, record: Path, written: Written) -> None:
    """Of living people or of erased ones; the search finds what is there."""
    for file in (whole, record):
        places = dict(contents(file)) | {"the zip itself": file.read_bytes()}
        hits = [
            hit
            for name, content in places.items()
            for hit in hits_in(name, content, MARKERS.searched())
        ]
        assert not hits, summary(hits)
    control = f"some {MARKERS.word} text".encode()
    assert list(hits_in("control", control, MARKERS.searched()))
    entries = b"".join(content for name, content in contents(record) if name.endswith(".entry"))
    assert str(written.asking).encode() in entries
    for other in (written.erased, written.other):
        assert not any(str(other).encode() in content for _, content in contents(record))


def test_receipts_and_answers_are_checked_by_its_policy_too(whole: Path, record: Path) -> None:
    for file in (whole, record):
        assert len(receipt_keys_in(dict(contents(file))["policy"].decode())) == 1


def contents(file: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a zip."""
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


@pytest.mark.clause("L9")
def test_one_rights_request_is_verified_step_by_step(record: Path, written: Written) -> None:
    cores = [
        json.loads(content.split(b"\n")[0])
        for name, content in contents(record)
        if name.endswith(".entry")
    ]
    steps = [core["t"] for core in cores if core["t"].startswith("rights-request.")]

    assert [core["n"] for core in cores] == list(range(1, len(cores) + 1))
    assert {core["s"] for core in cores} == {str(written.asking)}
    assert steps[0] == "rights-request.received"
    assert len(steps) >= 3


@pytest.mark.parametrize("kind", ["whole", "record"])
def test_any_byte_of_any_file_that_is_flipped_is_found_and_named(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, tell: Tell
) -> None:
    """A property over random places; the zip itself is made anew, so that its sums are right."""
    files = dict(contents(request.getfixturevalue(kind)))
    random = Random(f"{kind} {FLIPS}")
    names = [*files, *random.choices([*files], k=FLIPS)]
    for name in names:
        content = bytearray(files[name])
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        said = tell(zipped(tmp_path, files | {name: bytes(content)}))
        assert "\nNOT VERIFIED" in said, name
        assert name in said, said


def zipped(folder: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """The files as a zip."""
    file = folder / "changed.zip"
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize("kind", ["whole", "record"])
def test_a_file_that_is_missing_or_too_much_is_named(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, tell: Tell
) -> None:
    files = dict(contents(request.getfixturevalue(kind)))
    for name in files:
        rest = {other: content for other, content in files.items() if other != name}
        said = tell(zipped(tmp_path, rest))
        assert "\nNOT VERIFIED" in said
        assert name in said, said
    assert "more.txt" in tell(zipped(tmp_path, files | {"more.txt": b"x"}))


def test_a_zip_that_is_damaged_is_not_verified(whole: Path, tmp_path: Path, tell: Tell) -> None:
    content = bytearray(whole.read_bytes())
    content[len(content) // 3] ^= 1
    file = tmp_path / "damaged.zip"
    file.write_bytes(content)

    assert "\nNOT VERIFIED" in tell(file)


def forged(files: dict[str, bytes], changed: dict[str, bytes]) -> dict[str, bytes]:
    """A bundle whose list of files fits what was changed."""
    sums = files | changed
    lines = "".join(
        f"{verify_bundle.sha256(content).hex()}  {name}\n"
        for name, content in sums.items()
        if name != "SHA256SUMS"
    )
    return sums | {"SHA256SUMS": lines.encode()}


@pytest.mark.parametrize("kind", ["whole", "record"])
def test_any_byte_of_what_the_tree_proves_is_found_without_the_list_of_files(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, tell: Tell
) -> None:
    files = dict(contents(request.getfixturevalue(kind)))
    random = Random(f"mended {kind} {FLIPS}")
    proved = [one for one in files if one.startswith(("tile/", "events/", "checkpoint", "control"))]
    assert len(proved) > 5
    for name in [*proved, *random.choices(proved, k=FLIPS)]:
        content = bytearray(files[name])
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
        said = tell(zipped(tmp_path, forged(files, {name: bytes(content)})))
        assert "\nNOT VERIFIED" in said, name


@pytest.mark.clause("L9")
def test_a_forger_who_mends_the_list_of_files_is_found(
    whole: Path, record: Path, tmp_path: Path, tell: Tell
) -> None:
    """The tree, the chain and the signature say it."""
    files = dict(contents(whole))
    name = "tile/entries/000"
    entries = files[name].replace(b'"by":"client.tests"', b'"by":"client.other"', 1)
    position = "its hash number"
    assert entries != files[name]
    said = tell(zipped(tmp_path, forged(files, {name: entries})))
    control = files["control.ndjson"].replace(b'"policy":"impel-1"', b'"policy":"impel-2"', 1)
    indexed = tell(zipped(tmp_path, forged(files, {"control.ndjson": control})))
    one = dict(contents(record))
    entry = one["events/000002.entry"].replace(b'"n":2', b'"n":3')
    proof = tell(zipped(tmp_path, forged(one, {"events/000002.entry": entry})))
    swapped = {"events/000001.tlog-proof": one["events/000002.tlog-proof"]}

    assert position in said
    assert "the entries lead to another root" in said
    assert "control.ndjson lists something else" in indexed
    assert "events/000002" in proof
    assert "events/000001" in tell(zipped(tmp_path, forged(one, swapped)))


def about(files: dict[str, bytes], **said: Any) -> dict[str, bytes]:
    """A `bundle.json` that says something else."""
    return {"bundle.json": json.dumps(json.loads(files["bundle.json"]) | said).encode()}


Files = dict[str, bytes]
DECEIVING: list[tuple[str, Callable[[Files], Files], str]] = [
    ("no events", lambda f: about(f, kind="record", versions=0), "it is of no event at all"),
    ("no kind", lambda f: about(f, kind="nothing"), "there is no such kind of bundle"),
    ("another size", lambda f: about(f, size=5), "says something else"),
    ("another root", lambda f: about(f, root="00"), "says something else"),
    ("another name", lambda f: about(f, origin="other.example/log"), "says something else"),
    ("other figures", lambda f: about(f, records=1), "there are not so many records"),
    (
        "the controller's events left out",
        lambda f: about(f, control=[]) | {"control.ndjson": b""},
        "control.ndjson leaves it out",
    ),
    ("a file more", lambda _: {"READ-ME.txt": b"x"}, "READ-ME.txt: no such bundle has this file"),
    ("a tile more", lambda _: {"tile/0/999": b"\0" * 8192}, "no such bundle has this file"),
    ("a way out", lambda _: {"../../x": b"x"}, "no such bundle has this file"),
    ("a depth", lambda _: {"bundle.json": b"[" * 100_000}, "bundle.json: it is malformed"),
    ("a bomb", lambda _: {"report.html": b" " * (1 << 27) + b"x"}, "larger than any file"),
    ("two quorums", lambda f: {"policy": f["policy"] + b"quorum none\n"}, "none of a policy"),
    (
        "no quorum",
        lambda f: {"policy": f["policy"].replace(b"quorum none\n", b"")},
        "it has no quorum",
    ),
    (
        "a quorum behind a line that is none",
        lambda f: {
            "policy": f["policy"].replace(b"quorum none\n", b"# x\xe2\x80\xa8quorum none\n")
        },
        "it has no quorum",
    ),
]


@pytest.mark.clause("L9")
@pytest.mark.parametrize(
    ("change", "told"), [row[1:] for row in DECEIVING], ids=[row[0] for row in DECEIVING]
)
def test_a_bundle_that_is_made_to_deceive_is_not_verified(
    whole: Path, tmp_path: Path, tell: Tell, change: Callable[[Files], Files], told: str
) -> None:
    """Its list of files fits, and its signature is right."""
    files = dict(contents(whole))
    said = tell(zipped(tmp_path, forged(files, change(files)), zipfile.ZIP_DEFLATED))

    assert "\nNOT VERIFIED" in said
    assert told in said


def test_a_record_with_an_event_left_out_or_of_somebody_else_is_found(
    record: Path, written: Written, tmp_path: Path, tell: Tell
) -> None:
    files = dict(contents(record))
    other = dict(contents(in_thread(bundled(written.database, tmp_path / "o", of=written.other))))
    last = json.loads(files["bundle.json"])["versions"]
    one = {f"events/000001.{kind}": other[f"events/000001.{kind}"] for kind in KINDS}
    missing = {name: files[name] for name in files if not name.startswith("events/000002")}
    moved = dict(missing)
    for version in range(3, last + 1):
        for kind in KINDS:
            moved[f"events/{version - 1:06}.{kind}"] = moved.pop(f"events/{version:06}.{kind}")
    moved |= about(files, versions=last - 1)

    assert "it is of another stream" in tell(zipped(tmp_path, forged(files, one)))
    assert "events/000002.entry is missing" in tell(zipped(tmp_path, forged(missing, {})))
    assert "events/000002: version 3" in tell(zipped(tmp_path, forged(moved, {})))
    endless = forged(files, about(files, versions=10**12))
    assert "things are wrong" in tell(zipped(tmp_path, endless))


KINDS = ("entry", "tlog-proof")


def test_two_files_of_one_name_are_two_bundles(whole: Path, tmp_path: Path, tell: Tell) -> None:
    """One program reads the first of them, another the last."""
    file = tmp_path / "twice.zip"
    file.write_bytes(whole.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr("report.html", dict(contents(whole))["report.html"])

    assert "several files of one name" in tell(file)


def test_nothing_of_a_bundle_steers_the_terminal(whole: Path, tmp_path: Path, tell: Tell) -> None:
    name = "\x1b[2J\x1b[1;1HVERIFIED\n\u202e\x07"
    said = tell(zipped(tmp_path, dict(contents(whole)) | {name: b"x"}))

    assert all(line.isascii() and line.isprintable() for line in said.splitlines())
    assert "\\x1b[2J\\x1b[1;1HVERIFIED\\n\\u202e" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ("gone.zip",),
        ("BUNDLE", "--checkpoint", "gone"),
        ("BUNDLE", "--policy", "gone"),
        ("BUNDLE", "--vkey", "x"),
    ],
)
def test_what_cannot_be_used_is_wrong_usage(
    whole: Path, tmp_path: Path, tell: Tell, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as ended:
        tell(*(str(whole) if one == "BUNDLE" else one for one in arguments))
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-500])

    assert ended.value.code == 2
    assert "NOT VERIFIED" in tell(cut)


@pytest.mark.clause("L9")
def test_every_checkpoint_that_was_kept_counts(
    whole: Path, written: Written, tmp_path: Path, tell: Tell
) -> None:
    """Also that of the empty log, and each of two that contradict one another."""

    def kept(name: str, size: int, root: bytes) -> str:
        text = Checkpoint(ORIGIN, size, root).text()
        line = VerifierKey(ORIGIN, SIGNER.public_key).sign(text, SIGNER.sign)
        (tmp_path / name).write_bytes(bytes(Note(text, (line,))))
        return str(tmp_path / name)

    real = checkpoint(read_note(written.kept).text)
    right = kept("right", real.size, real.root)
    fork = kept("fork", real.size, b"\x01" * 32)
    empty = kept("empty", 0, EMPTY_ROOT)
    stranger = tmp_path / "stranger"
    stranger.write_bytes(written.kept.replace(b"\xe2\x80\x94 ledger", b"\xe2\x80\x94 other"))

    assert "\nVERIFIED" in tell(whole, "--checkpoint", right, "--checkpoint", empty)
    for both in ((fork, right), (right, fork)):
        said = tell(whole, *(word for one in both for word in ("--checkpoint", one)))
        assert "not the one of a checkpoint that you kept" in said
    assert "another empty log" in tell(whole, "--checkpoint", kept("no", 0, b"\x01" * 32))
    assert f"{stranger}: no key of the log" in tell(whole, "--checkpoint", str(stranger))


def test_it_knows_what_only_the_controllers_streams_tell_of() -> None:
    """By the first words of the types that those modules declare."""
    modules = (
        *("epochs", "interests", "log_origins", "policies", "receivers", "registers", "storage"),
    )
    words = {
        name.partition(".")[0]
        for name, kind in EVENT_TYPES.items()
        if kind.cls.__module__.rpartition(".")[2] in modules
    }
    assert words == set(verify_bundle.CONTROL)


def test_it_follows_the_key_epochs_and_what_an_erasure_says_of_them() -> None:
    """Step by step as in the log; each that may not be is named, and so is an E3 that is not so."""

    def refused(*steps: tuple[str, dict[str, Any]]) -> int | None:
        streams = verify_bundle.Streams()
        for position, (kind, said) in enumerate(steps):
            try:
                streams.take_epochs(position, {"t": kind, "s": "somebody", "d": said})
            except verify_bundle.Wrong:
                return position
        return None

    def step(kind: str, epoch: int) -> tuple[str, dict[str, Any]]:
        return f"epoch.{kind}", {"epoch": epoch}

    def erasure(kind: str, **said: Any) -> tuple[str, dict[str, Any]]:
        return f"erasure.{kind}", {"erasure": "one", **said}

    turn = [step("opened", 2), step("closed", 1)]
    end = [step("condemned", 1), step("destroyed", 1)]
    gone = [erasure("prepared", erased=["a"]), erasure("executed", step="subject", classes=[])]
    beyond = erasure("assured", level="e3", classes=["a"])
    assert refused(*turn, *end, step("opened", 3), step("closed", 2)) is None
    said = {"epoch": 3, "opened": [2, 3], "destroyed": [1, 2]}
    restored = ("epoch.restored", said)
    assert refused(*gone, restored, *end, beyond) is None
    assert refused(*gone, restored, beyond) == 3, "the first drains"
    assert refused(*turn, restored) == 2, "another one is leaving"
    for wrong in ({"opened": [3]}, {"destroyed": [3]}, {"epoch": 0, "opened": []}):
        assert refused(("epoch.restored", said | wrong)) == 0
    assert refused(*turn, step("end-requested", 1), step("end-approved", 1), *end) is None
    lost = [step("give-up-requested", 1), step("give-up-completed", 1)]
    key = ("retention.executed", {"cause": "key_lost"})
    period = ("retention.executed", {"cause": "period_over"})
    assert refused(*turn, lost[0], key, key, lost[1], period, *end) is None
    for steps in ([key], [*turn, key], [*turn, *lost, key], [*turn, lost[0], *end, key]):
        assert refused(*steps) == len(steps) - 1, "nobody asked to give it up"
    assert refused(*gone, *turn, *end, beyond) is None
    for steps in (
        [step("closed", 1)],
        [step("opened", 3)],
        [*turn, step("opened", 3)],
        [*turn, end[1]],
        [*turn, *end, end[1]],
        [*turn, *end, turn[1]],
        [*turn, step("condemned", 2)],
        [step("end-requested", 1)],
        [*turn, *end, lost[0]],
        [*gone, beyond],
        [*gone, *turn, end[0], beyond],
        [*turn, *gone, *end, beyond],
        [*gone, *turn, *end, erasure("assured", level="e3", classes=["b"])],
    ):
        assert refused(*steps) == len(steps) - 1


@pytest.mark.clause("L9")
def test_a_log_that_was_rewritten_and_signed_with_another_key_is_found(
    whole: Path, written: Written, tmp_path: Path, tell: Tell
) -> None:
    """By the key, or by a checkpoint, that the auditor kept."""
    thief = VerifierKey(ORIGIN, Signer(b"\x08" * 32).public_key)
    kept = tmp_path / "kept"
    kept.write_bytes(written.kept)
    text = read_note(written.kept).text
    other = text.replace(
        text.split("\n")[2], read_note(dict(contents(whole))["checkpoint"]).text.split("\n")[2]
    )
    wrong = tmp_path / "wrong"
    wrong.write_text(
        f"{other}\n{VerifierKey(ORIGIN, SIGNER.public_key).sign(other, SIGNER.sign)}\n"
    )

    assert "\nVERIFIED" in tell(whole, "--checkpoint", str(kept))
    assert "not the one of a checkpoint that you kept" in tell(whole, "--checkpoint", str(wrong))
    assert "no key of the log that is trusted" in tell(whole, "--vkey", str(thief))


def test_a_tampered_log_makes_a_bundle_that_does_not_verify(
    written: Written, tmp_path: Path, tell: Tell
) -> None:
    """The writer hides nothing of what is stored."""
    file = in_thread(_tampered(written.database, tmp_path / "log.zip"))

    assert "tile/0/000" in tell(file)


async def _tampered(database: Database, file: Path) -> Path:
    """Within a transaction of the server's owner that is taken back."""
    owner = await asyncpg.connect(database.dsn("postgres"))
    transaction = owner.transaction(isolation="repeatable_read")
    await transaction.start()
    await owner.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await owner.execute(
        "UPDATE ledger.events SET entry = convert_to(replace(convert_from(entry, 'UTF8'),"
        ' \'"by":"client.tests"\', \'"by":"client.other"\'), \'UTF8\') WHERE position = 200'
    )
    with members(file) as made:
        await write_log(owner, made, ORDER)
    await transaction.rollback()
    await owner.close()
    return file


def test_cosignatures_go_along_and_the_quorum_is_asked_for(
    written: Written, tmp_path: Path, tell: Tell
) -> None:
    witness = Witness("w", WitnessKey("witness.example", WITNESS.public_key))
    policy = TrustPolicy((), (witness,), (), "w")
    order = Order(ORDER.made_at, policy)
    missed = tell(in_thread(bundled(written.database, tmp_path / "missed.zip", order)))
    in_thread(_cosign(written, witness.key))
    met = in_thread(bundled(written.database, tmp_path / "met.zip", order))

    assert "too few witnesses" in missed
    assert "cosigned by: w\n" in tell(met)
    assert dict(contents(met))["checkpoint"].startswith(written.kept), "the one that was cosigned"


async def _cosign(written: Written, key: WitnessKey) -> None:
    note = read_note(written.kept)
    line = key.cosign(note.text, 1_800_000_000, WITNESS.sign)
    async with asyncpg.create_pool(written.database.dsn("ledger_app"), min_size=1) as pool:
        size = int(note.text.split("\n")[1])
        await Cosignatures(pool).add(size, key, line, at_s=1_800_000_000)


def test_the_report_is_a_page_that_asks_nobody_and_escapes_everything(
    whole: Path, record: Path, written: Written
) -> None:
    for file in (whole, record):
        page = dict(contents(file))["report.html"].decode()
        assert page.startswith('<!doctype html>\n<html lang="en">')
        assert "default-src 'none'" in page
        assert "http:" not in page
        assert "https:" not in page
        assert "<script" not in page
        assert page.count("<table") == page.count("<caption")
        assert VKEY in page
    assert (
        "Events that destroyed data (erasures, ends of retention, lost keys)</th><td>1<"
        in dict(contents(whole))["report.html"].decode()
    )
    assert str(written.asking) in dict(contents(record))["report.html"].decode()


def test_nothing_is_left_of_a_bundle_that_could_not_be_made(
    written: Written, database: Database, tmp_path: Path
) -> None:
    with pytest.raises(RecordUnknown):
        in_thread(bundled(written.database, tmp_path / "one.zip", of=uuid4()))
    with pytest.raises(LogUnsigned):
        in_thread(bundled(database, tmp_path / "none.zip"))

    assert not list(tmp_path.iterdir())


def test_the_same_log_makes_the_same_bundle(whole: Path, written: Written, tmp_path: Path) -> None:
    again = in_thread(bundled(written.database, tmp_path / "again.zip"))

    assert dict(contents(again)).keys() == dict(contents(whole)).keys()
    assert again.read_bytes() == whole.read_bytes()
