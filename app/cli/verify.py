"""`pdledger log verify`, in short `pdledger verify`: the whole log, or what came since.

Tree and signatures, chains, sealed sections and keys, against each other and against what the
verifier kept.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer
import uvloop
from cryptography import x509

from app.cli.answers import CommandFailed, ExitCode, Json, answer, unavailable
from app.cli.configuration import read_settings
from app.cli.databases import reached_by_auditor
from app.cli.progress import Report, progress
from app.cli.state import reach
from app.cli.verified_log import VerifiedLog, read_verified, write_verified
from app.propagation.time_stamps import AuthorityUnusable, certificates_in
from app.settings import Settings
from app.store.checkpoint_check import Trust
from app.store.log_verification import LogVerification, verify_log
from app.tlog.checkpoints import CheckpointMalformed, checkpoint
from app.tlog.notes import (
    Note,
    NoteMalformed,
    VerifierKey,
    VerifierKeyMalformed,
    read_note,
    verifier_key,
)
from app.tlog.receipt_text import receipt_keys_in
from app.tlog.time_stamps import Certificates
from app.tlog.trust_policies import TrustPolicy, TrustPolicyMalformed, trust_policy

app = typer.Typer()

WithIds = Annotated[
    bool, typer.Option("--with-ids", help="Name the records too, not only places in the log.")
]
Kept = Annotated[
    list[Path] | None,
    typer.Option("--checkpoint", help="A checkpoint that you kept: the log must begin with it."),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--vkey", help="The log's verifier key, got by another way than from the log."),
]
Policy = Annotated[
    Path | None,
    typer.Option(
        help="Keys of the log and its witnesses, and their quorum (c2sp.org/tlog-policy)."
    ),
]
Since = Annotated[
    Path | None,
    typer.Option(
        help="Your file of what was verified last: read for going on from there, written at a"
        " good end; made the first time."
    ),
]
Whole = Annotated[bool, typer.Option("--whole", help="Read everything again in spite of --since.")]
StampCa = Annotated[
    list[Path] | None,
    typer.Option(
        "--timestamp-ca",
        metavar="PEM",
        help="Certificates of an authority that stamped checkpoints (RFC 3161); without it, those"
        " of LEDGER_LOG_TIMESTAMP_CA_FILE.",
    ),
]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Processes that read side by side.")]


@app.command()
def verify_ledger(
    *,
    checkpoints: Kept = None,
    vkey: Keys = None,
    policy: Policy = None,
    timestamp_ca: StampCa = None,
    since: Since = None,
    whole: Whole = False,
    workers: Workers = 1,
    with_ids: WithIds = False,
    as_json: Json = False,
) -> None:
    """Prove that nobody changed the log.

    Recomputes the tree from the entries and compares every tile, root and signature; checks every
    chain, every sealed section and every key, and that each thing that is missing was erased by an
    entry of the log. It opens nothing and needs no key of the ledger. With what you kept, it proves
    that this is the log that it was: whoever owns the database could else make it agree with
    itself. Ends with 1 when something is not as it must be.
    """
    kept = None if since is None else read_verified(since)
    settings = read_settings()
    trust = _trust(checkpoints or [], vkey or [], policy)
    trust = replace(trust, stamps=stamp_certificates(settings, timestamp_ca))
    if kept is not None:
        trust = kept.trusted(trust)
    start = None if kept is None or whole else kept.edge
    with (
        progress("verify", as_json=as_json) as report,
        reached_by_auditor(settings) as url,
    ):
        uvloop.run(_reach(url))
        with _held_by_nobody():
            done = uvloop.run(verify_log(url, trust, since=start, workers=workers, progress=report))
    document = outcome(done, with_ids=with_ids) | {
        "keys_pinned": trust.pinned,
        "authorities_pinned": bool(trust.stamps.roots),
        "since": 0 if start is None else start.size,
    }
    answer({"verification": document}, _lines(document), as_json=as_json)
    if not done.found.sound:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)
    tree = done.tree
    if since is not None and tree.note is not None:
        write_verified(since, VerifiedLog(tree.note, tree.keys, tree.edge, done.receipt_keys))


def verified(settings: Settings, report: Report) -> LogVerification:
    """All of the ledger of these settings, by nothing but itself."""
    with reached_by_auditor(settings) as url, _held_by_nobody():
        return uvloop.run(verify_log(url, Trust(), progress=report))


def outcome(done: LogVerification, *, with_ids: bool = False) -> dict[str, Any]:
    """The outcome as JSON knows it; whose record it is only where that was asked for."""
    found, tree = done.found, done.tree
    return {
        "sound": found.sound,
        "events": found.events,
        "streams": found.streams,
        "blobs": found.blobs,
        "keys": found.keys,
        "tree": {
            "origin": tree.keys[0].name if tree.keys else None,
            "size": tree.size,
            "root": tree.edge.root().hex() if tree.edge.size == tree.size else None,
            "unsigned": tree.unsigned,
            "witnessed": tree.witnessed,
            "tiles": tree.tiles,
            "checkpoints": tree.checkpoints,
            "verifier_keys": [str(key) for key in tree.keys],
        },
        "receipt_keys": [str(key) for key in done.receipt_keys],
        "time_stamps": {
            "count": done.stamps.count,
            "newest_size": done.stamps.newest_size,
            "newest_at": done.stamps.newest_at,
        },
        "findings_count": found.findings_count,
        "findings": [
            {
                "rule": one.rule.value,
                "position": one.position,
                "version": one.version,
                "place": one.place,
                **({"stream_id": one.stream_id, "key_id": one.key_id} if with_ids else {}),
            }
            for one in found.findings
        ],
    }


def stamp_certificates(settings: Settings, files: list[Path] | None = None) -> Certificates:
    """What vouches for time-stamps: what was brought, or what the settings name."""
    named = settings.log_timestamp_ca_file
    roots, others = list[x509.Certificate](), list[x509.Certificate]()
    for file in files or ([] if named is None else [named]):
        try:
            read = certificates_in(file)
        except AuthorityUnusable:
            raise _unusable("timestamp-ca-unusable", file) from None
        roots += read.roots
        others += read.intermediates
    return Certificates(tuple(roots), tuple(others))


@contextmanager
def _held_by_nobody() -> Iterator[None]:
    """A verification and the rewriting of a table (E2) exclude each other; says so."""
    try:
        yield
    except asyncpg.LockNotAvailableError:
        raise unavailable(
            "tables-held",
            "a table is being written anew (E2) or held by somebody else: ask again in a minute",
        ) from None
    except asyncpg.TransactionTimeoutError:
        raise unavailable(
            "verification-cut-short",
            "the server ends transactions earlier than this one: use --workers or --since, or"
            " raise transaction_timeout of the auditor",
        ) from None


async def _reach(url: str) -> None:
    """Says why, where the database cannot be reached."""
    await (await reach(url)).close()


def _trust(checkpoints: list[Path], vkeys: list[str], policy: Path | None) -> Trust:
    """What the verifier brought along; a file that cannot be used is wrong usage."""
    trusted, receipt_keys = TrustPolicy(), tuple[VerifierKey, ...]()
    if policy is not None:
        try:
            text = policy.read_text(encoding="utf-8")
            trusted, receipt_keys = trust_policy(text), receipt_keys_in(text)
        except (OSError, UnicodeDecodeError, TrustPolicyMalformed, VerifierKeyMalformed):
            raise _unusable("policy-unusable", policy) from None
    try:
        keys = tuple((verifier_key(text), None) for text in vkeys)
    except VerifierKeyMalformed:
        raise CommandFailed(
            ExitCode.USAGE, "vkey-malformed", "--vkey takes a verifier key: name+id+key"
        ) from None
    notes = tuple(map(_kept_note, checkpoints))
    return Trust(replace(trusted, logs=(*trusted.logs, *keys)), notes, receipt_keys)


def _kept_note(file: Path) -> Note:
    try:
        note = read_note(file.read_bytes())
        checkpoint(note.text)
    except (OSError, NoteMalformed, CheckpointMalformed):
        raise _unusable("checkpoint-unusable", file) from None
    return note


def _unusable(code: str, file: Path) -> CommandFailed:
    return CommandFailed(ExitCode.USAGE, code, f"{file} cannot be read as what it should be")


def _lines(document: dict[str, Any]) -> Iterator[str]:
    tree = document["tree"]
    yield (
        f"{document['events']} events of {document['streams']} records,"
        f" {document['blobs']} sealed sections, {document['keys']} keys"
    )
    if tree["checkpoints"]:
        yield (
            f"{tree['size']} signed as {tree['origin']}, by {tree['checkpoints']} checkpoints over"
            f" {tree['tiles']} tiles; {tree['unsigned']} wait to be signed"
        )
    else:
        yield "NOTHING OF IT IS SIGNED: no integrator has opened the transparency log."
    stamps = document["time_stamps"]
    if stamps["count"]:
        told = "" if document["authorities_pinned"] else ", by nobody: bring --timestamp-ca"
        yield f"{stamps['count']} time-stamps of checkpoints were checked{told}."
    if document["since"]:
        yield f"Read what came after {document['since']} events, and whose it is."
    if not document["keys_pinned"]:
        yield "Who may sign was taken from the ledger itself: bring --vkey or --since to be sure."
    if document["sound"]:
        yield "Everything is as it was written."
        return
    yield f"{document['findings_count']} THINGS ARE NOT AS THEY MUST BE:"
    counted = Counter(one["rule"] for one in document["findings"])
    for rule, count in counted.most_common():
        yield f"  {rule}: {count}"
    for one in document["findings"]:
        yield f"  {one['rule']} at {_place(one)}"


def _place(one: dict[str, Any]) -> str:
    place = one["place"] or "nowhere in the log"
    if one["position"] is not None:
        place = f"position {one['position']}"
    version = "" if one["version"] is None else f", version {one['version']}"
    whose = f" of {one['stream_id']}" if one.get("stream_id") else ""
    return f"{place}{version}{whose}"
