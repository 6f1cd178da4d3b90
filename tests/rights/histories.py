"""One person to whom everything has happened, and the raw rows that tell it."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.service import Service
from tests.rights.people import (
    CONTACT,
    arrange,
    collect,
    consent,
    post,
    register,
    share,
)

STATEMENT = "That was my maiden name."
OBJECTION = "My manager reads the list."
TITLE = "Attendance list, plenary meeting"
ACCOUNT = "BE71096123456769"


async def everything(client: httpx.AsyncClient, service: Service) -> str:
    """The path of the record of somebody with every kind of event but an erasure."""
    await arrange(service, "mailchimp", "basecamp", "google_forms")
    person = await register(client, "event_logistics", "newsletter")
    desk = {"source": "secretariat"}
    await post(
        client,
        f"{person}/notices",
        {"policy": "impel-1", "language": "sv", "channel": "form"},
    )
    await post(client, f"{person}/relationships", {"kind": "event_attendee"})
    employer = {"work.title": "Inspector", "work.organisation": CONTACT["work.organisation"]}
    await collect(client, person, "network_exchange", employer, source="member_organisation")
    await collect(client, person, "payments", {"financial.account": ACCOUNT})
    file = {
        "system": "onedrive",
        "title": TITLE,
        "category": "signature.attendance",
        "purpose": "accounting",
        "file": str(uuid4()),
        **desk,
    }
    await post(client, f"{person}/files", file)
    corrected = {"data": {"contact.name": "Zoë Berg"}, "statements": {"work.title": STATEMENT}}
    await post(client, f"{person}/rectifications", {**corrected, **desk})
    await post(client, f"{person}/consents", consent())
    await post(client, f"{person}/disclosures", share("mailchimp", purpose="newsletter"))
    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"})
    await post(client, f"{person}/disclosures", share("hotels", "hosts", country="BE"))
    await post(client, f"{person}/disclosures", share("Google formulär"))
    await client.get(person, headers={"Purpose": "event_logistics"})
    await client.get(
        person, headers={"Purpose": "event_logistics"}, params={"reveal": "financial.account"}
    )
    objection = {"purpose": "network_exchange", "statement": OBJECTION, **desk}
    await post(client, f"{person}/objections", objection)
    await post(client, f"{person}/restrictions", {"ground": "unlawful", **desk})
    return person


@dataclass(frozen=True, slots=True)
class Raw:
    """What the database holds of one person, read without the program's own reading."""

    cores: tuple[dict[str, Any], ...]
    """Line 1 of every entry, in the order of the stream."""
    values: tuple[tuple[int, str, str, str], ...]
    """Version, retention class, category and value of everything that can still be opened."""
    erased: frozenset[tuple[int, str]]
    """Version and retention class of the seals whose key is destroyed."""

    def of(self, *types: str) -> list[dict[str, Any]]:
        """The payloads of some event types."""
        return [core["d"] for core in self.cores if core["t"] in types]


async def raw(service: Service, person: str) -> Raw:
    """Entries, blobs and keys as they lie in the tables, opened by hand (DESIGN 4)."""
    subject_id = UUID(person.rpartition("/")[2])
    entries = await service.pool.fetch(
        "SELECT entry FROM ledger.events WHERE stream_id = $1 ORDER BY version", subject_id
    )
    blobs = await service.pool.fetch(
        "SELECT version, section, blob FROM ledger.sealed WHERE stream_id = $1", subject_id
    )
    keyring = await service.pool.fetch(
        "SELECT key_id, class, epoch, wrapped FROM ledger.keyring WHERE subject_id = $1",
        subject_id,
    )
    ciphers = {
        str(row["key_id"]): _cipher(service, row) for row in keyring if row["wrapped"] is not None
    }
    blob_at = {(row["version"], row["section"]): row["blob"] for row in blobs}
    cores: list[dict[str, Any]] = []
    values: list[tuple[int, str, str, str]] = []
    erased: set[tuple[int, str]] = set()
    for row in entries:
        line, seals, _ = row["entry"].split(b"\n")
        core = json.loads(line)
        cores.append(core)
        for seal in json.loads(seals):
            place = (core["n"], seal["c"])
            if seal["k"] not in ciphers:
                erased.add(place)
                continue
            bound_to = _bound_to(service, seal, line)
            blob = blob_at[core["n"], seal["i"]]
            opened = json.loads(ciphers[seal["k"]].decrypt(blob[1:13], blob[13:], bound_to))
            values.extend((*place, category, value) for category, value in opened.items())
    return Raw(tuple(cores), tuple(values), frozenset(erased))


def _cipher(service: Service, row: Any) -> AESGCM:
    key = service.store.vault.data_key(row["key_id"], row["class"], row["epoch"], row["wrapped"])
    assert key is not None
    return key.cipher


def _bound_to(service: Service, seal: dict[str, Any], core: bytes) -> bytes:
    parts = [b"ledger/seal/v1", str(service.store.vault.ledger_id).encode()]
    parts += [seal["k"].encode(), seal["c"].encode()]
    head = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    index = int(seal["i"]).to_bytes(2, "big")
    return head + index + len(core).to_bytes(4, "big") + core
