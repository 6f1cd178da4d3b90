"""Nothing tracked says where the project was made, and nothing supplied is copied into it."""

import hashlib
import json
import re
import socket
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.house.sources import tracked

SUPPLIED = ROOT.parent / "shared"
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(work|home|Users|root|workspace|builds)/[\w.-]")
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links|--trusted-host|file:")
BINARY = {".png", ".ico", ".gz", ".zip", ".xlsx", ".pdf"}


def texts() -> dict[Path, str]:
    """Every tracked text file."""
    return {
        path: (ROOT / path).read_text(encoding="utf-8", errors="replace")
        for path in tracked()
        if path.suffix not in BINARY
    }


def test_no_file_names_a_machine_or_one_of_its_folders() -> None:
    host = socket.gethostname()
    named = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])") if len(host) > 3 else None
    found = {
        f"{path}:{number}"
        for path, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line) or str(ROOT) in line or (named and named.search(line))
    }

    assert not found


@pytest.mark.parametrize("line", ["cd /{}/ada/ledger".format("home"), "'/{}/x'".format("work")])
def test_a_machine_path_would_be_found(line: str) -> None:
    assert MACHINE_PATH.search(line)


def test_locks_carry_hashes_and_no_address() -> None:
    locks = [
        path for path in tracked() if path.parts[0] == "requirements" and path.suffix == ".txt"
    ]

    assert {path.stem for path in locks} == {"build", "run", "tracing", "dev", "bench"}
    for path in locks:
        text = (ROOT / path).read_text()
        pins = re.findall(
            r"^[a-z0-9][\w.-]*(?:\[[\w,]+\])?==\S+ \\\n    --hash=sha256:", text, re.MULTILINE
        )
        names = re.findall(r"^[a-z0-9]", text, re.MULTILINE)

        assert not ADDRESS.search(text)
        assert pins
        assert len(pins) == len(names)


def test_the_locks_agree_with_each_other_and_with_the_project() -> None:
    pins = {
        name: dict(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", text, re.MULTILINE))
        for name in ("run", "dev", "bench")
        if (text := (ROOT / "requirements" / f"{name}.txt").read_text())
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[\[<>=~!]", line)[0].lower() for line in project["dependencies"]}
    tools = {re.split(r"[\[<>=~!]", one)[0] for one in project["optional-dependencies"]["dev"]}

    assert wanted <= pins["run"].keys()
    assert tools <= pins["dev"].keys()
    assert pins["run"].items() <= pins["dev"].items()
    assert pins["dev"].items() <= pins["bench"].items()


def test_nothing_supplied_is_copied() -> None:
    """Vendors' payloads and the policy's text belong to others; the project has its own samples."""
    if not SUPPLIED.is_dir():
        pytest.skip("no folder `shared` beside the project was given")
    supplied = {
        digest(path): path.name
        for folder in ("policy", "vendors", "reference")
        for path in (SUPPLIED / folder).rglob("*")
        if path.is_file() and path.stat().st_size > 2
    }
    found = {str(path) for path in tracked() if digest(ROOT / path) in supplied}

    assert supplied
    assert not found


def test_no_long_passage_of_the_policy_is_copied() -> None:
    if not SUPPLIED.is_dir():
        pytest.skip("no folder `shared` beside the project was given")
    passages = {
        words[start : start + 60]
        for path in (SUPPLIED / "policy").rglob("*.txt")
        for words in [" ".join(path.read_text(encoding="utf-8").split())]
        for start in range(0, max(len(words) - 60, 0), 20)
    }
    found = {
        str(path)
        for path, text in texts().items()
        for words in [" ".join(text.split())]
        if any(words[start : start + 60] in passages for start in range(max(len(words) - 60, 0)))
    }

    assert passages
    assert not found


def digest(path: Path) -> str:
    """SHA-256 of a file, JSON compared by its value, since formatting is no difference."""
    content = path.read_bytes()
    if path.suffix == ".json":
        try:
            content = json.dumps(json.loads(content), sort_keys=True).encode()
        except ValueError:
            return hashlib.sha256(content).hexdigest()
    return hashlib.sha256(content).hexdigest()
