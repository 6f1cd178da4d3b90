"""After an erasure nothing links to the person but the keyed suppression entry (L1, L41; C66).

The whole database is read as its superuser. Whoever has it, without the keys, and a list of known
addresses tries every one of them, in every usual form, through every usual hash against each value.
"""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.service import Service
from app.vault.sealing import Sealed
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, consent, get, post, register, share

HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s")
KNOWN = [
    CONTACT["contact.email"],
    "someone.else@stad.example",
    *(f"member{number}@kommun.example" for number in range(40)),
]
"""A list of addresses such as anybody may have; the first is the person's."""


def forms(address: str) -> Iterator[bytes]:
    """An address as it may have been written before it was hashed."""
    local, _, host = address.partition("@")
    for text in (address, address.upper(), address.title(), f"{local.title()}@{host}"):
        for prefix in ("", "email:", "mailto:", "newsletter:", "email\x00"):
            yield (prefix + text).encode()
            yield (prefix + text + "\n").encode()


def guesses(address: str, salts: list[bytes]) -> Iterator[bytes]:
    """Every digest of an address: plain, salted and keyed with whatever the database itself has."""
    for text in forms(address):
        for name in HASHES:
            yield hashlib.new(name, text).digest()
        for salt in salts:
            yield hashlib.sha256(salt + text).digest()
            yield hashlib.sha256(text + salt).digest()
            yield hmac.digest(salt, text, "sha256")


async def everything(database: Database) -> dict[str, bytes]:
    """Every value of every table of every schema of ours, as bytes, by table."""
    admin = await asyncpg.connect(database.dsn("postgres"))
    found: dict[str, bytes] = {}
    tables = await admin.fetch(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    for table in tables:
        rows = await admin.fetch(f"SELECT * FROM {table['name']}")  # names of tables
        found[table["name"]] = b"\n".join(_bytes(value) for row in rows for value in row.values())
    statistics = await admin.fetch("SELECT most_common_vals::text AS some FROM pg_stats")
    found["pg_stats"] = "\n".join(row["some"] or "" for row in statistics).encode()
    await admin.close()
    return found


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value + b" " + value.hex().encode()
    if isinstance(value, list):
        return b" ".join(map(_bytes, value))
    return str(value).encode()


def hits(dump: dict[str, bytes], needles: Iterator[bytes]) -> set[str]:
    """The tables in which any of the digests stands, whole or cut to half, as bytes or in hex."""
    found = set()
    for needle in needles:
        for form in (needle, needle[:16], needle.hex().encode(), needle[:16].hex().encode()):
            found |= {table for table, content in dump.items() if form in content}
    return found


@pytest.mark.clause("L1", "L10", "L38", "L41", "C66", "C61")
async def test_known_addresses_tried_on_every_value_find_only_the_keyed_suppression(
    client: httpx.AsyncClient, service: Service, database: Database
) -> None:
    await arrange(service, "azavista", mechanism=None)
    person = await register(client, "event_logistics", "newsletter")
    await post(client, f"{person}/consents", consent())
    await post(client, f"{person}/disclosures", share("azavista"))
    before = await everything(database)
    token = await _token(service)
    order = {"source": "secretariat", "statement": "Please forget me."}
    erased = (await post(client, f"{person}/erasure", order))["erasure"]
    path = f"{person}/erasure/{erased['erasure']}"
    await post(client, f"{path}/recipients", {"recipient": "azavista", "outcome": "verified_gone"})
    await post(client, f"{path}/closing")

    after = await everything(database)
    subject_id = UUID(person.rpartition("/")[2])
    salts = [
        subject_id.bytes,
        str(subject_id).encode(),
        service.store.vault.ledger_id.bytes,
        b"pepper",
    ]
    found = {address: hits(after, guesses(address, salts)) for address in KNOWN}
    clear = [
        (table, value)
        for table, content in after.items()
        for value in CONTACT.values()
        if value.encode() in content or value.casefold().encode() in content
    ]
    rows = await service.pool.fetch("SELECT purpose, token FROM ledger.suppressions")
    email = CONTACT["contact.email"]
    keyed = {
        row["purpose"]
        for row in rows
        if row["token"] == service.store.vault.suppression_token(row["purpose"], email)
    }

    assert token in before["ledger.identifiers"], "the positive control: a token did stand there"
    assert token not in b"".join(after.values())
    assert found == {address: set() for address in KNOWN}
    assert clear == []
    assert keyed == {"information", "newsletter", "partner_news"}, "found with the key alone"
    assert await _opened(service, subject_id) == {"mail"}, "the letter about it, for a month"


async def _token(service: Service) -> bytes:
    token: bytes = await service.pool.fetchval(
        "SELECT token FROM ledger.identifiers WHERE kind = 'email'"
    )
    return token


async def _opened(service: Service, subject_id: UUID) -> set[str]:
    """The retention classes of which anything can still be read."""
    stream = await service.store.read_stream(subject_id, with_blobs=True)
    opened = {
        seal.retention_class: service.store.open_section(
            stream, recorded.version, seal.retention_class
        )
        for recorded in stream.events
        for seal in recorded.seals
    }
    return {
        key
        for key, one in opened.items()
        if isinstance(one, Sealed) and key not in {"consent-proof", "rights-proof"}
    }


@pytest.mark.clause("L41", "C66", "C73", "X12")
async def test_an_import_does_not_bring_the_person_back_to_a_newsletter(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The same answer as for anybody: 202, and nobody was registered for news."""
    await arrange(service, "mailchimp")
    person = await register(client, "newsletter", "event_logistics")
    await post(client, f"{person}/consents", consent())
    await post(client, f"{person}/erasure", {"source": "secretariat"})

    body = {
        "source": "mailchimp",
        "obtained": [
            {"purpose": "newsletter", "data": {"contact.email": CONTACT["contact.email"]}}
        ],
    }
    tool = await client.post("/v1/subjects", json=body)
    found = await client.post(
        "/v1/subjects:lookup", json={"kind": "email", "value": CONTACT["contact.email"]}
    )
    again = await register(client, "event_logistics", contact=CONTACT)
    asked = await post(
        client,
        "/v1/permissions:check",
        {
            "subjects": [again.rpartition("/")[2]],
            "purpose": "newsletter",
            "recipient": "mailchimp",
        },
        status=200,
    )

    assert (tool.status_code, found.status_code) == (202, 404)
    assert again != person, "who registers again gets another id; nothing links the two"
    assert not asked["answers"][0]["allowed"]
    assert await get(client, f"{person}/access-report", status=410)
