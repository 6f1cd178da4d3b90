"""Policy files and texts that an operator names: read, and refused with the reason (C28, C76)."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from app.cli.answers import CommandFailed, refused, unavailable
from app.policy.check import TextRefused, verify_text
from app.policy.loader import PolicyInvalid, load
from app.policy.model import Policy


def read_policy(structure: bytes) -> Policy:
    """A policy out of the bytes of its file, or every fault of the file."""
    try:
        return load(structure)
    except PolicyInvalid as invalid:
        raise refused(
            "policy-invalid",
            "the policy file is not valid",
            details=[str(fault) for fault in invalid.faults],
        ) from None


def read_texts(policy: Policy, files: Mapping[str, Path]) -> dict[str, bytes]:
    """The texts by language, each proved to be the one that the policy file names by its hash."""
    texts = {language: read_bytes(file) for language, file in files.items()}
    for language, text in texts.items():
        try:
            verify_text(policy, language, text)
        except TextRefused:
            raise _not_the_text(policy, language, files[language], text) from None
    return texts


def readable(file: Path) -> int:
    """The size of a file that can be read."""
    try:
        with file.open("rb") as stream:
            return stream.seek(0, os.SEEK_END)
    except OSError as failure:
        raise _unreadable(file, failure) from None


def read_bytes(file: Path) -> bytes:
    """The bytes of a file that the operator named."""
    try:
        return file.read_bytes()
    except OSError as failure:
        raise _unreadable(file, failure) from None


def _unreadable(file: Path, failure: OSError) -> CommandFailed:
    reason = failure.strerror or "no reason given"
    return unavailable("file-unreadable", f"cannot read {file}: {reason}")


def _not_the_text(policy: Policy, language: str, file: Path, text: bytes) -> CommandFailed:
    declared = policy.texts.get(language)
    if declared is None:
        known = ", ".join(sorted(policy.texts)) or "none"
        return refused(
            "policy-text-unknown",
            f"{policy.version} has no text in the language '{language}'; it names: {known}",
        )
    return refused(
        "policy-text-mismatch",
        f"{file} is not the text of {policy.version} in '{language}'; nothing was changed",
        details=[
            f"SHA-256 of the file:    {hashlib.sha256(text).hexdigest()}",
            f"SHA-256 in the policy:  {declared.sha256}",
            "The text must be byte for byte the one that people were shown.",
        ],
    )
