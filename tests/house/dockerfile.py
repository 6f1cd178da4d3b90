"""Reads a Dockerfile and carries out its steps in a folder, for machines without an engine.

Paths of the image are replaced by paths below a root folder, the same for all stages: what a later
stage does not copy is gone, as it is in the image.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

PATHS = re.compile(r"(?<![\w./])(/srv|/var/lib/ledger)(?=[/\s\"']|$)")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction, its continuation lines joined."""

    word: str
    rest: str

    @property
    def exec_form(self) -> list[str]:
        """The argument list of an instruction in exec form; ValueError for the shell form."""
        text = self.rest.rpartition("CMD ")[2] if self.word == "HEALTHCHECK" else self.rest
        return [str(one) for one in json.loads(text)]


def read(text: str) -> list[Step]:
    """The instructions in order, comments left out, build arguments filled in."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    steps: list[Step] = []
    arguments: dict[str, str] = {}
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        for name, value in arguments.items():
            rest = rest.replace(f"${{{name}}}", value)
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        steps.append(Step(word, rest))
    return steps


def stages(steps: list[Step]) -> list[list[Step]]:
    """The steps of each stage, its FROM first."""
    found: list[list[Step]] = []
    for step in steps:
        if step.word == "FROM":
            found.append([])
        if found:
            found[-1].append(step)
    return found


@dataclass(slots=True)
class Room:
    """A folder that stands for the image's file system, and the environment of its processes."""

    context: Path
    root: Path
    commands: Path
    """Folder of stand-ins for the programs that would change the machine itself."""
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"

    def place(self, path: str) -> Path:
        """Where a path of the image is here; relative ones are below WORKDIR."""
        return self.root / os.path.join(self.folder, path).lstrip("/")  # noqa: PTH118  # "/a" wins

    def carry_out(self, stage: list[Step], earlier: Path | None) -> None:
        """Does what the stage says; ``earlier`` is where the stage before was put aside."""
        for step in stage:
            if step.word == "WORKDIR":
                self.folder = step.rest
                self.place("").mkdir(parents=True, exist_ok=True)
            elif step.word == "ENV":
                pairs = (pair.partition("=") for pair in shlex.split(step.rest))
                self.environment |= {name: self.here(value) for name, _, value in pairs}
            elif step.word == "USER":
                self.user = step.rest
            elif step.word == "COPY":
                self.copy(step, earlier)
            elif step.word == "RUN":
                done = self.run(["sh", "-ec", self.here(step.rest)])
                assert done.returncode == 0, f"RUN {step.rest}\n{done.stdout}"

    def here(self, text: str) -> str:
        """A text of the Dockerfile with the paths of this folder."""
        return PATHS.sub(lambda found: f"{self.root}{found[0]}", text)

    def variables(self) -> dict[str, str]:
        """The environment of a process of the image: nothing of ours but how to reach packages.

        Two settings are turned round, to be quick: packages come from pip's cache where it has
        them, and bytecode is made when a module is first imported, not for every module.
        """
        ours = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        turned = ("PIP_NO_CACHE_DIR", "PYTHONDONTWRITEBYTECODE")
        given = {name: value for name, value in self.environment.items() if name not in turned}
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pip"
        quick = {"PIP_CACHE_DIR": str(cache), "PIP_NO_COMPILE": "1"}
        path = f"{self.commands}:{os.environ['PATH']}"
        return ours | given | quick | {"PATH": path, "HOME": "/nonexistent"}

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Runs a command in WORKDIR to its end."""
        return subprocess.run(
            command,
            cwd=self.place(""),
            env=self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def copy(self, step: Step, earlier: Path | None) -> None:
        """COPY from the context, less what .dockerignore keeps out, or from the earlier stage."""
        words = shlex.split(step.rest)
        from_stage = [word for word in words if word.startswith("--from=")]
        *sources, target = [word for word in words if not word.startswith("--")]
        into = self.place(target)
        for source in sources:
            if from_stage:
                assert earlier is not None
                assert source == target, "a virtual environment only works at its own path"
                into.parent.mkdir(parents=True, exist_ok=True)
                (earlier / source.lstrip("/")).rename(into)  # the earlier stage ends here
                continue
            assert sent(self.context, source), f"{source} is not sent to the engine"
            found, bytecode = self.context / source, shutil.ignore_patterns("__pycache__")
            if found.is_dir():
                shutil.copytree(found, into, ignore=bytecode, dirs_exist_ok=True)
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, into)


def sent(context: Path, path: str) -> bool:
    """Whether .dockerignore lets a path into the build context: the last line that fits decides."""
    lines = (context / ".dockerignore").read_text().splitlines()
    allowed = True
    for line in (line for line in lines if line and not line.startswith("#")):
        pattern = line.removeprefix("!")
        if fnmatch(path, pattern) or path.startswith(f"{pattern}/"):
            allowed = line.startswith("!")
    return allowed
