"""The policy that a first start publishes: one of the operator's own, or the one that comes along.

Whatever is published later is published by a command: no start puts another version in force.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.cli.policy_files import read_bytes, read_policy, read_texts
from app.policy.loader import packaged_structure, packaged_versions
from app.policy.model import Policy

FILE_VARIABLE: Final = "POLICY_FILE"
"""Names a policy file, in place of the newest version that comes with the program."""
TEXT_VARIABLE: Final = "POLICY_TEXT"
"""Names a file with the text of that policy in its authoritative language."""


@dataclass(frozen=True, slots=True)
class FirstPolicy:
    """A policy with the texts that were supplied for it."""

    policy: Policy
    structure: bytes = field(repr=False)
    texts: Mapping[str, bytes] = field(repr=False)

    @property
    def text_names(self) -> frozenset[str]:
        """The supplied texts, each as `version language`."""
        return frozenset(f"{self.policy.version} {language}" for language in self.texts)


def text_supplied() -> bool:
    """Whether the environment names a text."""
    return bool(os.environ.get(TEXT_VARIABLE))


def first_policy() -> FirstPolicy:
    """The policy and the text that the environment names; refused when they are not usable."""
    file, text = os.environ.get(FILE_VARIABLE), os.environ.get(TEXT_VARIABLE)
    structure = read_bytes(Path(file)) if file else _newest()
    policy = read_policy(structure)
    language = next(one.language for one in policy.texts.values() if one.authoritative)
    return FirstPolicy(
        policy, structure, read_texts(policy, {language: Path(text)} if text else {})
    )


def _newest() -> bytes:
    structures = [packaged_structure(version) for version in packaged_versions()]
    return max(structures, key=lambda structure: read_policy(structure).effective_from)
