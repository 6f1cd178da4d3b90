"""Our own package on a fresh ledger: the same values and sources, and consents as they are."""

import dataclasses
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZIP_LZMA, ZipFile

import httpx
import pytest

from app.service import Service
from app.settings import Settings
from tests.conftest import Database
from tests.rights.histories import everything
from tests.rights.people import CONTACT, arrange, collect, consent, get, post, register, share
from tests.serving import Api, event_types, serving

Value = dict[str, Any]
PATH = "/v1/imports/packages"


@pytest.fixture
async def another(other_database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """Another, fresh ledger of the same controller, which knows no key but its own."""
    home = tmp_path / "elsewhere"
    home.mkdir()
    async with serving(other_database, home) as opened:
        await arrange(opened, "mailchimp")
        yield opened


@pytest.fixture
async def elsewhere(
    another: Service, service: Service, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of it, once its operator has registered the key of the first one."""
    knowing = dataclasses.replace(another, package_keys=frozenset({service.signer.public_key}))
    async with await Api(knowing, Settings(home=tmp_path / "elsewhere")).client() as client:
        yield client


@pytest.fixture
async def unknowing(another: Service, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of it before."""
    async with await Api(another, Settings(home=tmp_path / "elsewhere")).client() as client:
        yield client


def trusting(service: Service) -> dict[str, str]:
    """The header of somebody who trusts the ledger that made the package."""
    return {"verification-key": b64encode(service.signer.public_key).decode()}


async def packed(client: httpx.AsyncClient, person: str, profile: str = "promised") -> bytes:
    """The zip of a person."""
    query = {"profile": profile}
    return (await client.get(f"{person}/portability-package", params=query)).content


async def taken_in(
    client: httpx.AsyncClient,
    package: bytes,
    headers: dict[str, str] | None = None,
    *,
    status: int = 201,
) -> Value:
    """What an import of a zip answers."""
    sent = {"content-type": "application/zip", **(headers or {})}
    answer = await client.post(PATH, content=package, headers=sent, params={"verification": "link"})
    assert answer.status_code == status, answer.text
    value: Value = answer.json()
    return value


async def state_of(client: httpx.AsyncClient, person: str) -> Value:
    """What a package says, without what is only true of one ledger."""
    found = await get(client, f"{person}/portability-package", format="json")
    return {
        "data": sorted(found["data"], key=lambda one: sorted(map(str, one.values()))),
        "files": found["files"],
        "statements": found["statements"],
        "transfers": found["transfers"],
        "relationships": found["relationships"],
        "objections": found["objections"],
        "restrictions": found["restrictions"],
        "consents": [
            (one["purpose"], one["status"], one["in_force"], one["ended_at"], proof_of(one))
            for one in found["consents"]
        ],
    }


def proof_of(one: Value) -> Value | None:
    """What proves a consent, but for the id of the request that asked for it."""
    proof: Value | None = one["proof"]
    return None if proof is None else {**proof, "request": None}


@pytest.mark.clause("C68", "L35", "X10")
async def test_a_fresh_ledger_comes_to_the_same_state(
    client: httpx.AsyncClient, service: Service, elsewhere: httpx.AsyncClient
) -> None:
    """All values, purposes, sources, times, files and statements; a withdrawal stays one."""
    person = await everything(client, service)
    occasion = str(uuid4())
    await collect(client, person, "event_logistics", {"contact.name": "Zoë B."}, occasion=occasion)

    taken = await taken_in(elsewhere, await packed(client, person), trusting(service))
    there = f"/v1/subjects/{taken['subject_id']}"

    assert (taken["status"], taken["signed"], taken["left_out"]) == ("recorded", True, [])
    assert await state_of(elsewhere, there) == await state_of(client, person)
    assert len((await state_of(client, person))["objections"]) == 1
    assert len((await state_of(client, person))["restrictions"]) == 1
    refused = await post(
        elsewhere, f"{there}/disclosures", share("mailchimp", purpose="newsletter"), status=409
    )
    assert refused["type"] == "/problems/subject-restricted"


@pytest.mark.clause("L42", "L44", "C68")
async def test_what_somebody_said_no_to_stays_a_no(
    client: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    """Granted ones stay granted, pending ones keep their clock, and nothing is asked again."""
    person, desk = await register(client, "event_logistics"), {"source": "secretariat"}
    for purpose in ("event_logistics", "network_exchange", "newsletter"):
        await post(client, f"{person}/objections", {"purpose": purpose, **desk})
    known = (await get(client, f"{person}/objections"))["objections"]
    [upheld] = [one["objection"] for one in known if one["purpose"] == "network_exchange"]
    await post(client, f"{person}/objections/{upheld}/upholding", {})
    await post(client, f"{person}/restrictions", {"ground": "legal_claims", **desk})
    disputed = {"ground": "accuracy", "categories": ["contact.name"], **desk}
    await post(client, f"{person}/restrictions", disputed)

    taken = await taken_in(elsewhere, await packed(client, person))
    there = f"/v1/subjects/{taken['subject_id']}"
    here, copied = await state_of(client, person), await state_of(elsewhere, there)

    assert [one["status"] for one in here["objections"]] == ["pending", "granted", "granted"]
    assert copied["objections"] == here["objections"]
    assert copied["restrictions"] == here["restrictions"]
    await post(elsewhere, f"{there}/disclosures", share("hotels", country="BE"), status=409)


@pytest.mark.clause("L12", "L16", "C68")
async def test_a_consent_keeps_its_proof_only_when_its_controller_signed_it(
    client: httpx.AsyncClient,
    service: Service,
    elsewhere: httpx.AsyncClient,
    unknowing: httpx.AsyncClient,
) -> None:
    """Without a key that is registered anybody could write a consent: it is but a claim."""
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    package = await packed(client, person)
    legal = await packed(client, person, "legal")

    claimed = await taken_in(unknowing, package)
    named = await taken_in(unknowing, package, trusting(service), status=409)
    unproven = await state_of(elsewhere, f"/v1/subjects/{claimed['subject_id']}")
    proven = await taken_in(elsewhere, package)
    given = await state_of(elsewhere, f"/v1/subjects/{proven['subject_id']}")
    without = await taken_in(elsewhere, legal, trusting(service))

    assert (claimed["signed"], claimed["unproven"]) == (False, 1)
    assert named["type"] == "/problems/package-untrusted", "no caller adds a key"
    assert [one[:3] for one in unproven["consents"]] == [("newsletter", "unproven", False)]
    assert proven["subject_id"] == claimed["subject_id"], "found by the verified address"
    assert [one[:3] for one in given["consents"]] == [("newsletter", "given", True)]
    assert given["consents"] == (await state_of(client, person))["consents"]
    assert without["unproven"] == 1, "what the law grants brings no evidence along"


@pytest.mark.clause("L16")
async def test_a_consent_to_another_controller_is_none_here(
    client: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    package = await get(client, f"{person}/portability-package", format="json")
    package["controller"]["name"] = "Somebody else"

    taken = await post(elsewhere, PATH, package)
    state = await state_of(elsewhere, f"/v1/subjects/{taken['subject_id']}")

    assert state["consents"] == []
    assert taken["left_out"] == ["consent-of-another-controller"]


async def test_a_repeated_import_records_nothing_twice(
    client: httpx.AsyncClient,
    service: Service,
    elsewhere: httpx.AsyncClient,
    other_database: Database,
) -> None:
    person = await everything(client, service)
    package, key = await packed(client, person), {"idempotency-key": "the-same"}

    first = await taken_in(elsewhere, package, {**key, **trusting(service)})
    second = await taken_in(elsewhere, package, {**key, **trusting(service)})
    types = await event_types(other_database)

    assert second["subject_id"] == first["subject_id"]
    assert types.count("subject.registered") == 1
    assert types.count("consent.given") == types.count("consent.withdrawn") == 1


@pytest.mark.clause("L41")
async def test_a_package_does_not_bring_a_reader_back_who_was_erased(
    client: httpx.AsyncClient, service: Service, elsewhere: httpx.AsyncClient
) -> None:
    """Their address asked not to be used again: nothing is kept, and the answer says so."""
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    package = await packed(client, person)
    first = await taken_in(elsewhere, package, trusting(service))
    await post(elsewhere, f"/v1/subjects/{first['subject_id']}/erasure", {"source": "secretariat"})

    again = await taken_in(elsewhere, package, trusting(service), status=202)

    assert (first["status"], again["status"]) == ("recorded", "suppressed")
    assert (again["subject_id"], again["position"], again["recorded"]) == (None, None, 0)


@pytest.mark.clause("L35")
async def test_what_was_changed_or_is_no_package_is_refused_whole(
    client: httpx.AsyncClient, service: Service, elsewhere: httpx.AsyncClient
) -> None:
    """Altered data, another signer, a bomb, no zip, nothing inside: each told, nothing kept."""
    package = await packed(client, await register(client, "event_logistics"))
    strange = {"verification-key": b64encode(b"\x01" * 32).decode()}
    altered = rezipped(package, "data.json", lambda data: data.replace(b"Zo", b"Xo"))
    forged = hashlib.sha256(changed := b'{"package": "x"}').hexdigest().encode()
    elsewhere_named = rezipped(
        rezipped(package, "data.json", lambda _: changed),
        "manifest.json",
        lambda manifest: manifest.replace(b'"portability"', b'"' + forged + b'"'),
    )
    bomb = rezipped(package, "data.json", lambda _: b" " * 40_000_000)
    empty = rezipped(package, "data.json", lambda _: None)
    packing = BytesIO()
    with ZipFile(packing, "w", ZIP_LZMA) as zip_:
        zip_.writestr("data.json", b"{}")
    nowhere = bytearray(package)
    named = nowhere.rindex(b"data.json")  # in the directory, behind where the file is said to be
    nowhere[named - 4 : named] = b"\xff\xff\xff\x7f"
    expected: list[tuple[bytes, dict[str, str], int, str, str | None]] = [
        (altered, {}, 422, "package-unreadable", "altered"),
        (elsewhere_named, {}, 422, "package-unreadable", "altered"),
        (bomb, {}, 422, "package-unreadable", "too-large"),
        (empty, {}, 422, "package-unreadable", "incomplete"),
        (b"PK\x03\x04 no zip", {}, 422, "package-unreadable", "not-a-package"),
        (bytes(nowhere), {}, 422, "package-unreadable", "not-a-package"),
        (packing.getvalue(), {}, 422, "package-unreadable", "not-a-package"),
        (package[: len(package) // 2], {}, 422, "package-unreadable", "not-a-package"),
        (package, strange, 409, "package-untrusted", None),
    ]
    for content, headers, status, problem, reason in expected:
        told = await taken_in(elsewhere, content, headers, status=status)
        assert told["type"] == f"/problems/{problem}"
        assert told.get("reason") == reason
    nobody = {"package": "portability", "controller": {"name": "IMPEL"}, "data": []}
    wrong = {**nobody, "data": [{"category": "contact.name"}]}
    assert (await post(elsewhere, PATH, nobody, status=422))["type"] == "/problems/package-empty"
    assert (await post(elsewhere, PATH, wrong, status=422))["type"] == "/problems/validation"
    other = await elsewhere.post(PATH, content=b"x", headers={"content-type": "text/plain"})
    assert other.status_code == 415
    lookup = {"kind": "email", "value": CONTACT["contact.email"]}
    await post(elsewhere, "/v1/subjects:lookup", lookup, status=404)


def rezipped(package: bytes, name: str, change: Any) -> bytes:
    """The package with one file changed, or left out."""
    made = BytesIO()
    with ZipFile(BytesIO(package)) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        for entry in old.namelist():
            content = change(old.read(entry)) if entry == name else old.read(entry)
            if content is not None:
                new.writestr(entry, content)
    return made.getvalue()


async def test_a_value_that_the_policy_here_does_not_allow_is_left_out_and_named(
    client: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    person = await register(client, "event_logistics")
    package = await get(client, f"{person}/portability-package", format="json")
    since = datetime.now(UTC).isoformat()
    unknown = {**package["data"][0], "category": "no.such", "since": since}
    later = {**package, "data": [*package["data"], unknown]}

    taken = await post(elsewhere, PATH, later)

    assert taken["left_out"] == ["category-unknown"]
    state = await state_of(elsewhere, f"/v1/subjects/{taken['subject_id']}")
    assert len(state["data"]) == len(package["data"])
