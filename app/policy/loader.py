"""From the bytes of a policy or law file to a value, or every fault of the file by its key path."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from app.policy.closure import law_faults, policy_faults
from app.policy.law import (
    AreaMember,
    Authority,
    DatedValue,
    HolidayRule,
    Law,
    Proposal,
    TransferMechanism,
)
from app.policy.model import Policy, fold_name
from app.policy.reading import (
    DocumentReader,
    Fault,
    PolicyInvalid,
    is_finding_code,
    parse_toml,
)
from app.policy.records import (
    ConsentWording,
    Controller,
    DataCategory,
    DeclaredMechanism,
    Exemption,
    ForbiddenLinking,
    PolicyText,
    ProcessingActivity,
    ProhibitedDisclosure,
    Purpose,
    Recipient,
    RelationshipKind,
    RetentionClass,
    RightNotice,
    SecurityMeasure,
    Source,
    StandingFinding,
)

__all__ = [
    "Fault",
    "PolicyInvalid",
    "load",
    "load_law",
    "load_packaged",
    "load_packaged_law",
    "packaged_law_structure",
    "packaged_structure",
    "packaged_versions",
]

_PACKAGE: Final = files("app.policy")
_VERSIONS_KEPT: Final = 16


def packaged_versions() -> tuple[str, ...]:
    """The policy versions that come with the program."""
    names = (entry.name for entry in (_PACKAGE / "versions").iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def packaged_structure(version: str) -> bytes:
    """The bytes of a policy version that comes with the program; `KeyError` when there is none."""
    if version not in packaged_versions():
        raise KeyError(version)
    return (_PACKAGE / "versions" / f"{version}.toml").read_bytes()


@cache
def load_packaged(version: str) -> Policy:
    """A policy version that comes with the program."""
    return load(packaged_structure(version))


def packaged_law_structure() -> bytes:
    """The bytes of the law file that comes with the program."""
    return (_PACKAGE / "law.toml").read_bytes()


@cache
def load_packaged_law() -> Law:
    """The law file that comes with the program."""
    return load_law(packaged_law_structure())


@lru_cache(maxsize=_VERSIONS_KEPT)
def load(structure: bytes) -> Policy:
    """Read a policy file; `PolicyInvalid` names every fault of form and every open reference.

    A policy is never changed, so the same bytes are read once.
    """
    reader = DocumentReader(parse_toml(structure))
    recipients = reader.table("recipients", Recipient)
    sources = reader.table("sources", Source)
    policy = Policy(
        version=reader.scalar("version", str),
        sha256=hashlib.sha256(structure).hexdigest(),
        effective_from=reader.scalar("effective_from", date),
        effective_from_evidence=reader.scalar("effective_from_evidence", str),
        minimum_age=reader.scalar("minimum_age", int),
        controller=reader.single("controller", Controller),
        texts=MappingProxyType(reader.table("texts", PolicyText, key_field="language")),
        relationships=MappingProxyType(reader.table("relationships", RelationshipKind)),
        sources=MappingProxyType(sources),
        categories=MappingProxyType(reader.table("categories", DataCategory)),
        purposes=MappingProxyType(reader.table("purposes", Purpose)),
        uses=MappingProxyType(reader.table("uses", Purpose)),
        statutory=MappingProxyType(reader.table("statutory", Purpose)),
        recipients=MappingProxyType(recipients),
        retention_classes=MappingProxyType(reader.table("retention_classes", RetentionClass)),
        mechanisms=MappingProxyType(reader.table("mechanisms", DeclaredMechanism)),
        prohibited_disclosures=tuple(
            reader.table("prohibited_disclosures", ProhibitedDisclosure).values()
        ),
        forbidden_linkings=tuple(reader.table("forbidden_linkings", ForbiddenLinking).values()),
        rights=MappingProxyType(reader.table("rights", RightNotice, key_field="right")),
        exemptions=MappingProxyType(reader.table("exemptions", Exemption)),
        activities=MappingProxyType(reader.table("activities", ProcessingActivity)),
        measures=MappingProxyType(reader.table("measures", SecurityMeasure)),
        standing_findings=MappingProxyType(
            reader.table("standing_findings", StandingFinding, key_shape=is_finding_code)
        ),
        wordings=reader.rows("wordings", ConsentWording),
        aliases=_alias_table(recipients, sources),
    )
    reader.finish()
    _refuse(policy_faults(policy))
    return policy


def load_law(structure: bytes) -> Law:
    """Read a law file; `PolicyInvalid` names every fault of form and every overlap in time."""
    reader = DocumentReader(parse_toml(structure))
    dated = reader.rows("parameters", DatedValue)
    law = Law(
        version=reader.scalar("version", str),
        sha256=hashlib.sha256(structure).hexdigest(),
        authority=reader.single("authority", Authority),
        parameters=MappingProxyType(_by_name(dated)),
        mechanisms=MappingProxyType(reader.table("mechanisms", TransferMechanism)),
        area=MappingProxyType(
            reader.table("area", AreaMember, key_field="country", key_shape=_is_country)
        ),
        holiday_rules=reader.rows("holidays", HolidayRule),
        proposals=MappingProxyType(reader.table("proposals", Proposal)),
    )
    reader.finish()
    _refuse(law_faults(law))
    return law


def _refuse(faults: Iterator[Fault]) -> None:
    found = sorted(faults)
    if found:
        raise PolicyInvalid(found)


def _is_country(key: str) -> bool:
    return len(key) == 2 and key.isascii() and key.isupper()


def _by_name(dated: Iterable[DatedValue]) -> dict[str, tuple[DatedValue, ...]]:
    named: dict[str, tuple[DatedValue, ...]] = {}
    for value in dated:
        named[value.name] = (*named.get(value.name, ()), value)
    return named


def _alias_table(
    recipients: dict[str, Recipient], sources: dict[str, Source]
) -> MappingProxyType[str, str]:
    """Folded names to keys; a name given to two different keys is refused (C47)."""
    owners: dict[str, str] = {}
    faults: list[Fault] = []
    named: tuple[tuple[str, Recipient | Source], ...] = (
        *(("recipients", recipient) for recipient in recipients.values()),
        *(("sources", source) for source in sources.values()),
    )
    for table, entry in named:
        for name in (entry.key, entry.title, *entry.aliases):
            owner = owners.setdefault(fold_name(name), entry.key)
            if owner != entry.key:
                faults.append(Fault(f"{table}.{entry.key}", f"has a name that {owner} has too"))
    if faults:
        raise PolicyInvalid(faults)
    return MappingProxyType(owners)
