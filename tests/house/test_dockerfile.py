"""The image: what its Dockerfile promises, and its steps carried out in a clean folder."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.dockerfile import Room, Step, read, sent, stages

STEPS = read((ROOT / "Dockerfile").read_text())
CHANGES_THE_MACHINE = ("useradd", "groupadd", "chown")


def only(word: str) -> Step:
    """The one instruction of the final stage with that word."""
    [step] = [step for step in stages(STEPS)[-1] if step.word == word]
    return step


def test_there_are_two_stages_from_one_pinned_image() -> None:
    images = [step.rest.split()[0] for step in STEPS if step.word == "FROM"]

    assert len(images) == 2
    assert len(set(images)) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", images[0])


def test_the_image_runs_unprivileged_and_is_told_so_before_it_starts() -> None:
    words = [step.word for step in stages(STEPS)[-1]]

    assert only("USER").rest not in ("root", "0")
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert not [step for step in stages(STEPS)[-1][words.index("USER") :] if step.word == "RUN"]


def test_every_process_is_started_without_a_shell() -> None:
    for word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        assert only(word).exec_form


def test_every_installed_package_is_locked_or_our_own() -> None:
    installs = [
        command
        for step in STEPS
        if step.word == "RUN"
        for command in step.rest.split("&&")
        if "pip install" in command
    ]

    assert installs
    for command in installs:
        assert "--require-hashes" in command or "--no-deps" in command


def test_no_secret_and_no_history_is_sent_to_the_engine() -> None:
    for path in (".git", "var", ".venv", "tests", "docs", ".ci"):
        assert not sent(ROOT, path)
    for path in ("app", "app/main.py", "alembic/env.py", "pyproject.toml"):
        assert sent(ROOT, path)


def test_what_must_be_writable_is_a_volume() -> None:
    environment = only("ENV").rest

    assert json.loads(only("VOLUME").rest) == ["/var/lib/ledger"]
    assert "LEDGER_HOME=/var/lib/ledger" in environment
    assert "PYTHONDONTWRITEBYTECODE=1" in environment


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The final stage of the image, as a folder."""
    folder = tmp_path_factory.mktemp("image")
    commands = folder / "commands"
    commands.mkdir()
    for name in CHANGES_THE_MACHINE:
        stand_in = commands / name
        stand_in.write_text(f'#!/bin/sh\necho "{name} $*" >> {folder}/machine\n')
        stand_in.chmod(0o755)
    made, aside, earlier = Room(ROOT, folder / "root", commands), folder / "earlier", None
    for stage in stages(STEPS):
        if made.root.exists():
            earlier = made.root.rename(aside)
        made = Room(ROOT, folder / "root", commands)
        made.root.mkdir()
        made.carry_out(stage, earlier)
    yield made
    shutil.rmtree(folder)


@pytest.mark.slow
def test_the_steps_build_an_environment_that_imports_the_whole_program(room: Room) -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "app").rglob("*.py")
        if path.name != "__init__.py"
    )
    python = room.here("/srv/ledger/.venv/bin/python")
    done = room.run(
        [python, "-c", f"import importlib as i; [i.import_module(m) for m in {modules}]"]
    )

    assert done.returncode == 0, done.stdout
    assert "useradd" in (room.root.parent / "machine").read_text()


@pytest.mark.slow
def test_the_image_holds_no_test_tool(room: Room) -> None:
    done = room.run([room.here("/srv/ledger/.venv/bin/python"), "-m", "pip", "list"])

    names = {line.split()[0] for line in done.stdout.splitlines() if line}

    assert "fastapi" in names, done.stdout
    assert not names & {"pytest", "mypy", "ruff", "hypothesis"}


@pytest.mark.slow
def test_the_started_image_becomes_healthy_and_stops_when_told(room: Room) -> None:
    """What an engine does: ENTRYPOINT with CMD, HEALTHCHECK until it is well, STOPSIGNAL."""
    room.environment |= {"LEDGER_PORT": str(free_port()), "LEDGER_HOST": "127.0.0.1"}
    start = [room.here(word) for word in only("ENTRYPOINT").exec_form + only("CMD").exec_form]
    check = [room.here(word) for word in only("HEALTHCHECK").exec_form]
    with subprocess.Popen(
        start,
        cwd=room.place(""),
        env=room.variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as service:
        try:
            healthy = becomes_healthy(room, check, service)
            asked = time.monotonic()
        finally:
            service.send_signal(getattr(signal, only("STOPSIGNAL").rest))
            code = service.wait(timeout=30)

    assert healthy
    assert code == 0
    assert time.monotonic() - asked < 5


def becomes_healthy(room: Room, check: list[str], service: "subprocess.Popen[bytes]") -> bool:
    """Whether the health check passes while the service lives, within two minutes."""
    deadline = time.monotonic() + 120
    pause = threading.Event()
    while service.poll() is None and time.monotonic() < deadline:
        if room.run(check).returncode == 0:
            return True
        pause.wait(0.2)
    return False


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_order_of_ignored_paths_is_that_of_the_engine(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*\n!kept\nkept/not\n")

    assert sent(tmp_path, "kept/this")
    assert not sent(tmp_path, "kept/not/that")
    assert not sent(tmp_path, "other")
    assert os.sep == "/"
