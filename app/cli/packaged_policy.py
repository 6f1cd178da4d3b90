"""The policy that comes with the program: what `up` publishes where nothing is published yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.cli.policy_files import read_policy, read_texts
from app.policy.loader import packaged_structure, packaged_versions
from app.policy.model import Policy


@dataclass(frozen=True, slots=True)
class Packaged:
    """A packaged policy with the texts that were supplied for it."""

    policy: Policy
    structure: bytes = field(repr=False)
    texts: Mapping[str, bytes] = field(repr=False)

    @property
    def text_names(self) -> frozenset[str]:
        """The supplied texts, each as `version language`."""
        return frozenset(f"{self.policy.version} {language}" for language in self.texts)


def packaged_policy(text: Path | None) -> Packaged:
    """The newest packaged version; ``text`` must be the one of its authoritative language."""
    structures = [packaged_structure(version) for version in packaged_versions()]
    policies = [(read_policy(structure), structure) for structure in structures]
    policy, structure = max(policies, key=lambda pair: pair[0].effective_from)
    language = next(one.language for one in policy.texts.values() if one.authoritative)
    return Packaged(policy, structure, read_texts(policy, {language: text} if text else {}))
