"""What README and CONTRIBUTING tell a reader to type works, and every link leads somewhere."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.settings import Settings
from tests.conftest import ROOT
from tests.house.sources import tracked

PAGES = ("README.md", "CONTRIBUTING.md")
PDLEDGER = str(Path(sys.executable).parent / "pdledger")


def commands(*, program: str) -> list[str]:
    """Every line of the pages' shell blocks that starts a program."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
            lines = [line for line in block.splitlines() if line and not line.startswith("#")]
            found += [line for line in lines if line.split()[0].endswith(program)]
    return found


def test_every_command_of_the_pages_is_tried_below() -> None:
    tried = {line for program in ("make", "curl", "pdledger") for line in commands(program=program)}

    assert tried == set(commands(program=""))
    assert len(tried) > 5


@pytest.mark.parametrize("line", commands(program="make"))
def test_make_knows_the_target(line: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *line.split()[1:]], cwd=ROOT, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_make_help_lists_every_target() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony

    listed = re.findall(r"^  make (\S+)", told.stdout, re.MULTILINE)
    assert sorted(listed) == sorted(phony[1].split())


@pytest.mark.parametrize("line", commands(program="pdledger"))
def test_pdledger_knows_the_command_and_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    options = [word for word in words if word.startswith("--")]
    path = [word for word in words[:2] if re.fullmatch(r"[a-z-]+", word)]
    done = subprocess.run(
        [PDLEDGER, *path, "--help"], capture_output=True, text=True, check=False, env=wide()
    )

    assert done.returncode == 0, done.stderr
    assert not [option for option in options if option not in done.stdout]


def wide() -> dict[str, str]:
    """An environment in which help is not broken into narrow columns."""
    return os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}


@dataclass(frozen=True, slots=True)
class Running:
    """A service started as the README says, elsewhere."""

    home: Path
    port: int

    def here(self, line: str) -> str:
        """A command of the README, aimed at this service; an HTTP error is a failure."""
        aimed = line.replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")
        return aimed.replace("var/", f"{self.home}/").replace("curl ", "curl --silent --fail ")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What `make run` starts once its packages are installed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        running = Running(tmp_path_factory.mktemp("readme") / "var", probe.getsockname()[1])
    [target] = re.findall(r"^run:.*\n\t@exec \$\(BIN\)/pdledger (\w+)$", makefile(), re.MULTILINE)
    process = subprocess.Popen(
        [PDLEDGER, target],
        cwd=ROOT,
        env=os.environ | {"LEDGER_HOME": str(running.home), "LEDGER_PORT": str(running.port)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert ready(running.port, process)
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        shutil.rmtree(running.home)


def makefile() -> str:
    """The text of the Makefile."""
    return (ROOT / "Makefile").read_text()


def ready(port: int, process: "subprocess.Popen[bytes]") -> bool:
    """Whether the service answers that it is ready, within a minute."""
    deadline, pause = time.monotonic() + 60, threading.Event()
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            pause.wait(0.1)
    return False


@pytest.mark.parametrize("line", commands(program="curl"))
def test_the_service_answers_as_the_page_says(service: Running, line: str) -> None:
    done = subprocess.run(
        ["sh", "-c", service.here(line)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_link_between_files_leads_to_a_file_that_is_kept() -> None:
    kept = {str(path) for path in tracked()} | {str(p) for path in tracked() for p in path.parents}
    missing = [
        f"{page} -> {target}"
        for page in tracked()
        if page.suffix == ".md" and page.name != "template.md"
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", (ROOT / page).read_text())
        if os.path.normpath(page.parent / target) not in kept
    ]

    assert not missing


def test_every_setting_of_the_table_is_one_of_the_programs() -> None:
    table = re.findall(r"`(LEDGER_\w+)`", (ROOT / "README.md").read_text())
    code = "".join(
        (ROOT / p).read_text() for p in tracked() if p.parts[0] == "app" and p.suffix == ".py"
    )
    unknown = [
        name
        for name in table
        if name.removeprefix("LEDGER_").lower() not in Settings.model_fields and name not in code
    ]

    assert table
    assert not unknown
