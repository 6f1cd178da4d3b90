"""The portability package as one zip, made in memory: a page for people, files for machines (L35).

It opens on every system: names in ASCII, sizes in front of each file, no folder, README.html first.
The same state is the same bytes. The manifest has the SHA-256 of every other file and is signed.
"""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Final
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec

from app.documents.delimited import heading, lines
from app.documents.languages import language
from app.documents.page import page
from app.events.transmissions import Profile
from app.ledger import Ledger
from app.receipts import Attribution
from app.rights.consent_record import consent_graph
from app.rights.contact_cards import ContactCard, jscontact, vcard
from app.rights.portability import CANONICAL, Portable, Value, portable
from app.rights.portability_readme import KEY_FILE, MANIFEST_FILE, SIGNATURE_FILE, readme
from app.rights.portability_schema import SCHEMA
from app.vault.signing import ALGORITHM, Signer

README_FILE: Final = "README.html"
FORMAT: Final = 1
LANGUAGE_CATEGORY: Final = "profile.language"

_MODE: Final = 0o100644 << 16
_UNIX: Final = 3

_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "data": (
        *("category", "value", "purpose", "basis", "source", "origin"),
        *("since", "policy", "occasion"),
    ),
    "files": (
        *("system", "title", "date", "category", "purpose"),
        *("basis", "source", "origin"),
    ),
    "statements": ("completes", "category", "text", "since"),
    "consents": (
        *("purpose", "title", "status", "in_force", "method", "language", "policy", "source"),
        *("since", "ended_at"),
    ),
}
"""Part of the package -> the columns of its table."""


def packed(portable: Portable, signer: Signer, origin: str, wanted: str | None = None) -> bytes:
    """The zip. ``wanted`` is the language of the page; without it, the person's own.

    ``origin`` is the public address of this service, which its consent records lead back to.
    """
    spoken = language(wanted or _spoken_by(portable))
    contents = _contents(portable, origin)
    names = (*contents, MANIFEST_FILE, SIGNATURE_FILE, KEY_FILE)
    opened_first = readme(portable, spoken, files=names, key_id=signer.key_id)
    contents = {README_FILE: page(opened_first).encode(), **contents}
    manifest = _manifest(portable, contents, signer)
    files = {
        **contents,
        MANIFEST_FILE: manifest,
        SIGNATURE_FILE: signer.sign(manifest),
        KEY_FILE: signer.public_pem.encode(),
    }
    return _zipped(files, portable.value["as_of"])


def packing(
    ledger: Ledger, signer: Signer, origin: str
) -> Callable[[UUID, Profile, Attribution], Awaitable[bytes]]:
    """What makes a person's package, in their own language, when it is wanted."""

    async def pack(subject_id: UUID, profile: Profile, attribution: Attribution) -> bytes:
        found = await portable(ledger, subject_id, profile, attribution)
        return await asyncio.to_thread(packed, found, signer, origin)

    return pack


def _spoken_by(portable: Portable) -> str | None:
    return next(iter(_values(portable, LANGUAGE_CATEGORY)), None)


def _contents(portable: Portable, origin: str) -> dict[str, bytes]:
    """Every file that machines read; a table or a card that would be empty is not there."""
    value = portable.value
    found = {"data.json": _indented(value), "data.schema.json": _indented(SCHEMA)}
    rows = {**value, "consents": [_consent_row(one) for one in value["consents"]]}
    for part, columns in _TABLES.items():
        if rows[part]:
            found[f"{part}.csv"] = heading(columns) + lines(rows[part], columns)
    card = _card(portable)
    if card is not None:
        found["contact.vcf"] = vcard(card)
        found["contact.jscontact.json"] = _indented(jscontact(card))
    if value["consents"] or value["transfers"]:
        graph = consent_graph(portable.person, portable.given, origin)
        found["consents.jsonld"] = _indented(graph)
    return found


def _indented(value: Value) -> bytes:
    return msgspec.json.format(CANONICAL.encode(value), indent=1) + b"\n"


def _consent_row(consent: Value) -> Value:
    return {**(consent["proof"] or {}), **consent}


def _values(portable: Portable, category: str) -> tuple[str, ...]:
    """The values of one category, each once, the one that came last in front."""
    found = [one for one in portable.value["data"] if one["category"] == category]
    found.sort(key=lambda one: one["since"], reverse=True)
    return tuple(dict.fromkeys(one["value"] for one in found))


def _card(portable: Portable) -> ContactCard | None:
    """What an address book can hold; None when the package has nothing of it."""

    def of(category: str) -> tuple[str, ...]:
        return _values(portable, category)

    born = next(iter(of("identity.birth_date")), None)
    card = ContactCard(
        uid=f"urn:uuid:{portable.person.subject_id}",
        revised_at=portable.value["as_of"],
        names=of("contact.name"),
        emails=of("contact.email"),
        phones=of("contact.phone"),
        titles=of("work.title"),
        organisations=of("work.organisation"),
        units=of("work.unit"),
        addresses=of("work.organisation_address"),
        country=next(iter(of("work.organisation_country")), None),
        languages=of(LANGUAGE_CATEGORY),
        genders=of("profile.gender"),
        born_on=date.fromisoformat(born) if born else None,
    )
    named = (card.names, card.emails, card.phones, card.titles, card.organisations)
    return card if any(named) else None


def _manifest(portable: Portable, contents: Mapping[str, bytes], signer: Signer) -> bytes:
    """Canonical JSON (RFC 8785): one form of bytes, so that there is one signature."""
    return CANONICAL.encode(
        {
            "package": "portability",
            "format": FORMAT,
            "subject_id": portable.person.subject_id,
            "profile": portable.profile.value,
            "as_of": portable.value["as_of"],
            "position": portable.value["position"],
            "files": [
                {
                    "name": name,
                    "size": len(content),
                    "sha256": hashlib.sha256(content).hexdigest(),
                }
                for name, content in contents.items()
            ],
            "signature": {
                "algorithm": ALGORITHM,
                "file": SIGNATURE_FILE,
                "key_id": signer.key_id,
                "public_key": b64encode(signer.public_key).decode(),
            },
        }
    )


def _zipped(files: Mapping[str, bytes], as_of: datetime) -> bytes:
    """Every file carries the time of the state: nothing in it comes from the clock."""
    at = as_of.astimezone(UTC)
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED, compresslevel=9) as package:
        for name, file in files.items():
            entry = ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
            entry.compress_type, entry.create_system, entry.external_attr = (
                ZIP_DEFLATED,
                _UNIX,
                _MODE,
            )
            package.writestr(entry, file)
    return content.getvalue()
