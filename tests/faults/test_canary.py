"""No personal data is found outside its sealed section: not in a file, a log, a dump, a statistic.

Markers go through every field of every operation, also of those that fail; then every byte that the
service and its database have left is searched, before and after everybody is erased (S27). Names of
countries and languages have two letters, and no marker fits in.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.auth import Scope, new_key
from app.main import create_app
from app.settings import Settings
from app.store import embedded
from app.store.embedded_home import wheel_binaries
from tests.cli.services import Running, running
from tests.conftest import in_thread
from tests.faults.canary_story import Story
from tests.faults.fleet import folder
from tests.faults.markers import (
    FORMS,
    Hit,
    Markers,
    forms_of,
    hits_in,
    hits_in_dump,
    hits_under,
    summary,
)

WATCHED = Path(__file__).parent / "watched"
CONTROL = Markers.fresh().word
SAMPLE_PAUSE_S = 0.2
REACHED_BY_OTHER_RECORDS = {
    # Written by other operations than a collection: a consent's proof, a request, an erasure.
    "consent.evidence",
    "correspondence.message",
    "correspondence.decision",
    "correspondence.request",
    "correspondence.statement",
    "correspondence.reply_address",
    "execution.identifier",
    "file.title",
}

NEVER_GRANTED = {
    # The text of the policy is no part of the project.
    ("GET", "/v1/policies/{version}/texts/{language}"),
    ("GET", "/v1/policies/{version}/findings"),
    ("GET", "/privacy/{version}/{text_language}"),
    # An erasure can be withdrawn only while it is interrupted.
    ("POST", "/v1/subjects/{subject_id}/erasure/{erasure}/withdrawal"),
    # This ledger has no witnesses, no authority for time-stamps, and is nobody's witness.
    ("GET", "/log/checkpoint/cosigned"),
    ("GET", "/log/timestamp"),
    ("POST", "/log/witness/add-checkpoint"),
}

pytestmark = [pytest.mark.slow, pytest.mark.clause("L7")]


@dataclass(slots=True)
class Scene:
    """Folders of one service, and everything that it can have written to."""

    root: Path
    process: Running
    cluster: embedded.Cluster
    markers: Markers
    seen: dict[str, bytes] = field(default_factory=dict)
    """Files open for writing whose name is gone: name -> what was in them."""

    @property
    def home(self) -> Path:
        """LEDGER_HOME: heap, WAL, the server's log, keys and secrets."""
        return self.root / "var"

    @property
    def errors(self) -> Path:
        """Our log."""
        return self.root / "stderr.log"

    def opened(self) -> set[Path]:
        """Every file that a Python process opened for writing."""
        return {
            Path(os.fsdecode(line)) for line in (self.root / "opened").read_bytes().splitlines()
        }

    def state(self, into: Path) -> None:
        """Writes down a dump and every statistic, and makes the database write what it holds."""
        into.mkdir()
        (into / "statistics").write_text(in_thread(self._statistics()))
        dump = [str(wheel_binaries() / "pg_dump"), "--dbname", self.cluster.dsn("postgres")]
        done = subprocess.run(dump, capture_output=True, check=True)
        (into / "dump.sql").write_bytes(done.stdout)

    async def _statistics(self) -> str:
        admin = await asyncpg.connect(self.cluster.dsn("postgres"))
        try:
            await admin.execute("ANALYZE")
            await admin.execute("CHECKPOINT")
            views = ("pg_stats", "pg_stat_activity", "pg_prepared_statements")
            told = [str(await admin.fetch(f"SELECT s::text FROM {view} AS s")) for view in views]
        finally:
            await admin.close()
        return "\n".join(told)

    def hits(self, *values: str) -> list[Hit]:
        """Every hit: under the folders, in what else was opened, and in what was open meanwhile."""
        found = hits_under([self.root], values)
        for dump in self.root.glob("*/dump.sql"):
            found += hits_in_dump(str(dump), dump.read_bytes(), values)
        for file in self.opened():
            if file.is_file() and not file.is_relative_to(self.root):
                found += hits_in(str(file), file.read_bytes(), values)
        for name, content in dict(self.seen).items():
            found += hits_in(name, content, values)
        return found


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """One folder for everything that the service may write."""
    with folder() as made:
        yield made


@pytest.fixture(scope="module")
def scene(root: Path) -> Iterator[Scene]:
    """A service as `pdledger up` runs it, all of whose folders are under one."""
    for name in ("home", "tmp"):
        (root / name).mkdir()
    (root / "opened").touch()
    variables = {
        "LEDGER_HOME": str(root / "var"),
        "LEDGER_LOG_LEVEL": "debug",
        "LEDGER_SUBSCRIPTION_LOOPBACK": "true",
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "tmp"),
        "PYTHONPATH": str(WATCHED),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CANARY_OPENED": str(root / "opened"),
    }
    with (
        running("up", errors=root / "stderr.log", **variables) as process,
        embedded.hold(root / "var") as cluster,
    ):
        made = Scene(root, process, cluster, Markers.fresh())
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(made, over))
        watcher.start()
        try:
            yield made
        finally:
            over.set()
            watcher.join()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    return create_app(Settings(home=Path("/nowhere"))).openapi()


@pytest.fixture(scope="module")
def story(scene: Scene) -> Iterator[Story]:
    """The caller who tells the story."""
    url = scene.process.welcome["url"]
    key = (scene.home / "first-key").read_text().strip()
    secret = (scene.home / "secrets" / "webhook-mailchimp").read_text().strip()
    with httpx.Client(base_url=url, timeout=60) as http:
        database = scene.cluster.dsn("postgres")
        second = in_thread(_other_key(database, tuple(Scope)))
        calendar = in_thread(_other_key(database, (Scope.CALENDAR_READ,)))
        yield Story(http, scene.markers, key, secret, second=second, calendar_key=calendar)


async def _other_key(url: str, scopes: tuple[Scope, ...]) -> str:
    """A key of somebody else: with every scope, for what takes two people, or with few."""
    key, admin = new_key(), await asyncpg.connect(url)
    try:
        await admin.execute(
            "SELECT ledger.ledger_client_add($1, 'other', $2, $3, NULL, now() + interval '1 day')",
            key.client_id,
            key.secret_hash,
            list(scopes),
        )
    finally:
        await admin.close()
    return key.text


@pytest.mark.clause("L51")
def test_no_marker_is_left_anywhere_before_and_after_an_erasure(
    scene: Scene, story: Story, document: dict[str, Any]
) -> None:
    """0 hits in heap, WAL, logs, statistics, dump, folders and every file opened for writing."""
    story.fail(document)
    story.tell()
    scene.state(scene.root / "before")
    before = summary(scene.hits(*scene.markers.searched()))
    story.erase()
    scene.state(scene.root / "after")
    scene.process.stop(signal.SIGTERM)
    scene.cluster.stop()
    assert scene.process.process.stdout is not None
    (scene.root / "stdout.log").write_text(scene.process.process.stdout.read())
    after = summary(scene.hits(*scene.markers.searched()))
    every = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    answers = {status for counts in story.called.values() for status in counts}
    total = sum(sum(counts.values()) for counts in story.called.values())
    print(f"{total} requests to {len(every)} operations, {len(story.people)} people")  # noqa: T201  # what -s shows

    assert before == {}
    assert after == {}
    assert every <= story.called.keys(), "every operation was called"
    done = {200, 201, 202, 204}
    succeeded = {one for one, counts in story.called.items() if counts.keys() & done}
    assert every - succeeded <= NEVER_GRANTED, "every operation succeeded at least once"
    missing = set(story.policy.categories) - story.collected - REACHED_BY_OTHER_RECORDS
    assert {
        category: why
        for category, why in story.refused.items()
        if category in missing and "/problems/linking-forbidden" not in why  # C19
    } == {}
    assert answers >= {200, 201, 400, 401, 404, 409, 410, 412, 413, 415, 422}
    assert [one for one, counts in story.called.items() if 500 in counts] == []


def test_planted_markers_are_found_in_every_form(scene: Scene) -> None:
    """The positive control: a search that finds nothing must be able to find something."""
    forms = [needle for needles in forms_of(CONTROL).values() for needle in needles]
    with embedded.start(scene.home) as cluster:
        scene.cluster = cluster
        in_thread(_plant(cluster.dsn("postgres"), forms))
        scene.state(scene.root / "control")
    with scene.errors.open("ab") as log:
        log.write(b"\n".join(forms))
    (scene.root / "tmp" / "forgotten").write_bytes(b"\n".join(forms))
    found: dict[str, set[str]] = {}
    for hit in scene.hits(CONTROL):
        found.setdefault(_kind(hit.place, scene), set()).add(hit.form)

    complete = {"heap", "WAL", "our log", "temporary file", "dump (binary)"}
    assert {kind for kind, seen in found.items() if seen == set(FORMS)} >= complete
    assert "plain" in found["server log"]


async def _plant(url: str, forms: list[bytes]) -> None:
    admin = await asyncpg.connect(url)
    try:
        await admin.execute("CREATE TABLE public.scratch (form bytea)")
        rows = [(form,) for form in forms]
        await admin.executemany("INSERT INTO public.scratch VALUES ($1)", rows)
        await admin.execute(f"DO $$ BEGIN RAISE LOG '{CONTROL}'; END $$")
    finally:
        await admin.close()


def _kind(place: str, scene: Scene) -> str:
    for part, kind in (
        ("/postgres/base/", "heap"),
        ("/pg_wal/", "WAL"),
        ("stderr.log", "our log"),
        ("postgresql.log", "server log"),
        ("/tmp/forgotten", "temporary file"),
        ("(binary)", "dump (binary)"),
    ):
        if part in place.removeprefix(str(scene.root)):
            return kind
    return place


def _watch(scene: Scene, over: threading.Event) -> None:
    """Keeps what is in files that are open for writing and whose name is gone already."""
    while not over.wait(SAMPLE_PAUSE_S):
        for descriptor in _descriptors(scene):
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.endswith(" (deleted)") and target.startswith("/"):
                    scene.seen[f"{target} at {time.monotonic()}"] = descriptor.read_bytes()


def _descriptors(scene: Scene) -> Iterator[Path]:
    """Of the service and of every process of its database."""
    server = scene.cluster.postmaster_pid
    parents = {scene.process.process.pid, server}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if int(process.name) in parents or parent in parents:
                yield from (process / "fd").iterdir()
