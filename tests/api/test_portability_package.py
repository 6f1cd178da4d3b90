"""The zip that a person takes along: for people and for machines, and nobody can change it."""

import csv
import hashlib
import json
import subprocess
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import httpx
import pytest
import rfc8785
import vobject  # type: ignore[import-untyped]  # it has no types
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.service import Service
from tests.rights.histories import STATEMENT, TITLE, everything
from tests.rights.people import CONTACT, collect, consent, get, post, register, share

WHOLE = [
    *("README.html", "data.json", "data.schema.json", "data.csv", "files.csv", "statements.csv"),
    *("consents.csv", "contact.vcf", "contact.jscontact.json", "consents.jsonld"),
    *("manifest.json", "manifest.sig", "verification-key.pem"),
]


COMMAND = [
    *("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "verification-key.pem", "-rawin"),
    *("-in", "manifest.json", "-sigfile", "manifest.sig"),
]


def openssl(folder: Path) -> int:
    """How the command of the page ends in a folder with the unpacked files."""
    return subprocess.run(COMMAND, cwd=folder, capture_output=True, check=False).returncode


async def zip_of(client: httpx.AsyncClient, person: str, **query: str) -> bytes:
    """The package as it is handed out."""
    answer = await client.get(f"{person}/portability-package", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


def opened(package: bytes) -> dict[str, bytes]:
    """Name -> content, in the order of the zip."""
    with ZipFile(BytesIO(package)) as found:
        return {name: found.read(name) for name in found.namelist()}


class Page(HTMLParser):
    """What a page says, and what it would fetch or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each such element."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.clause("L35", "C68")
async def test_the_zip_holds_everything_in_its_standard_form(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await everything(client, service)
    files = opened(await zip_of(client, person))
    package = await get(client, f"{person}/portability-package", format="json")

    card = vobject.readOne(files["contact.vcf"].decode())
    graph = json.loads(files["consents.jsonld"])

    assert list(files) == WHOLE
    assert json.loads(files["data.json"]) == package
    assert card.fn.value == "Zoë Berg"
    assert card.email.value == CONTACT["contact.email"]
    assert json.loads(files["contact.jscontact.json"])["name"]["full"] == "Zoë Berg"
    assert {one["@type"] for one in graph["@graph"]} == {"dpv:ConsentRecord"}
    assert [
        state["@type"][0] for one in graph["@graph"] for state in one["dpv:hasConsentStatus"]
    ] == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    rows = list(csv.DictReader(StringIO(files["data.csv"].decode("utf-8-sig"))))
    assert [(row["category"], row["purpose"]) for row in rows] == [
        (one["category"], one["purpose"]) for one in package["data"]
    ]
    assert TITLE in files["files.csv"].decode()
    assert STATEMENT in files["statements.csv"].decode()


@pytest.mark.clause("L35")
async def test_the_manifest_names_every_file_and_its_signature_is_checked_without_us(
    client: httpx.AsyncClient, service: Service, tmp_path: Path
) -> None:
    """By the program that the page names, and by a library; one changed byte is found."""
    files = opened(await zip_of(client, await everything(client, service)))
    keys = await get(client, "/v1/signing-keys")
    manifest = json.loads(files["manifest.json"])
    public = Ed25519PublicKey.from_public_bytes(b64decode(keys["items"][0]["public_key"]))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    checked = openssl(tmp_path)
    (tmp_path / "manifest.json").write_bytes(files["manifest.json"].replace(b"1", b"2", 1))
    changed = openssl(tmp_path)

    public.verify(files["manifest.sig"], files["manifest.json"])
    assert files["manifest.json"] == rfc8785.dumps(manifest)
    assert [(one["name"], one["size"], one["sha256"]) for one in manifest["files"]] == [
        (name, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
        if name in WHOLE[:-3]
    ]
    assert manifest["signature"]["key_id"] == keys["items"][0]["key_id"]
    assert files["verification-key.pem"].decode() == keys["items"][0]["pem"]
    assert (checked, changed) == (0, 1)
    assert " ".join(COMMAND) in files["README.html"].decode()


@pytest.mark.clause("L35", "C68")
async def test_the_same_state_is_the_same_bytes(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Who read the data in between changes nothing; what is collected does."""
    person = await everything(client, service)
    first = await zip_of(client, person)
    await client.get(person, headers={"Purpose": "event_logistics"})
    again = await zip_of(client, person)
    await collect(client, person, "payments", {"financial.account": "BE68539007547034"})
    later = await zip_of(client, person)

    with ZipFile(BytesIO(first)) as package:
        times = {entry.date_time for entry in package.infolist()}
    assert first == again != later
    assert len(times) == 1, "no time but that of the state"


async def test_the_zip_opens_where_programs_are_strict(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Sizes stand before the contents, names are plain, modes are those of ordinary files."""
    package = await zip_of(client, await everything(client, service))
    with ZipFile(BytesIO(package)) as found:
        entries = found.infolist()
        assert found.testzip() is None

    assert entries[0].filename == "README.html"
    for entry in entries:
        assert entry.filename.isascii()
        assert not set(entry.filename) & set('\\/:*?"<>|')
        assert entry.flag_bits == 0, "no sizes behind the contents, no encryption"
        assert entry.compress_type == ZIP_DEFLATED
        assert entry.external_attr >> 16 == 0o100644
        assert entry.date_time[0] >= 2026


@pytest.mark.clause("C68", "L27")
@pytest.mark.parametrize(
    ("wanted", "code"), [("en", "en"), ("sv", "sv"), ("fr", "fr"), ("nl", "nl"), ("fi", "en")]
)
async def test_the_page_is_in_the_language_asked_for_and_reachable_for_everybody(
    client: httpx.AsyncClient, wanted: str, code: str
) -> None:
    person = await register(client, "event_logistics")
    page = Page(opened(await zip_of(client, person, language=wanted))["README.html"].decode())
    [html], headings = page.of("html"), [tag for tag, _ in page.tags if tag in ("h1", "h2", "h3")]
    text = "".join(page.text)

    assert html["lang"] == code
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert len(page.of("caption")) == len(page.of("table")) > 0
    assert {one["scope"] for one in page.of("th")} == {"col", "row"}
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "form"}
    assert CONTACT["contact.name"] in text
    assert "manifest.json" in text


async def test_the_page_is_in_the_language_of_the_person_when_none_is_asked_for(
    client: httpx.AsyncClient,
) -> None:
    contact = {**CONTACT, "profile.language": "sv"}
    person = await register(client, "network_exchange", contact=contact)

    page = Page(opened(await zip_of(client, person))["README.html"].decode())

    assert page.of("html")[0]["lang"] == "sv"


@pytest.mark.clause("L35")
async def test_what_would_be_empty_is_not_there(client: httpx.AsyncClient) -> None:
    """No data on consent or contract: the legal package says so and brings no empty tables."""
    person = await register(client, "event_logistics")
    legal = opened(await zip_of(client, person, profile="legal"))

    assert list(legal) == [*WHOLE[:3], *WHOLE[-3:]]
    assert json.loads(legal["data.json"])["data"] == []


async def test_markup_and_formulas_are_values_like_any_other(client: httpx.AsyncClient) -> None:
    """ASVS 1.2.10; HTML injection into packages was a real defect elsewhere."""
    hostile = "=HYPERLINK(1)<script>alert(1)</script>"
    person = await register(client, "event_logistics", contact={**CONTACT, "contact.name": hostile})
    files = opened(await zip_of(client, person))
    page = Page(files["README.html"].decode())
    [row, *_] = [
        one
        for one in csv.DictReader(StringIO(files["data.csv"].decode("utf-8-sig")))
        if one["category"] == "contact.name"
    ]

    assert page.of("script") == []
    assert hostile in "".join(page.text)
    assert row["value"] == f"'{hostile}"
    assert hostile in {one["value"] for one in json.loads(files["data.json"])["data"]}


async def test_accept_and_format_choose_the_form(client: httpx.AsyncClient) -> None:
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    path = f"{person}/portability-package"
    forms: list[tuple[dict[str, str], dict[str, str], str]] = [
        ({}, {}, "application/zip"),
        ({"accept": "application/zip"}, {}, "application/zip"),
        ({"accept": "application/json"}, {}, "application/json"),
        ({"accept": "application/json, application/zip;q=0.5"}, {}, "application/zip"),
        ({"accept": "application/zip"}, {"format": "json"}, "application/json"),
        ({"accept": "application/json"}, {"format": "zip"}, "application/zip"),
    ]
    for headers, query, expected in forms:
        answer = await client.get(path, headers=headers, params=query)
        assert answer.headers["content-type"] == expected
    wrong: Any = await client.get(path, params={"format": "xml"})
    assert wrong.status_code == 422


@pytest.mark.clause("X10")
async def test_the_promise_goes_beyond_the_law_and_each_package_says_which_it_is(
    client: httpx.AsyncClient, service: Service
) -> None:
    """X10: the promise is kept by default; the page says that the law itself grants less."""
    person = await everything(client, service)
    await post(
        client, f"{person}/disclosures", share("mailchimp", purpose="newsletter"), status=409
    )
    promised = opened(await zip_of(client, person, language="en"))
    legal = opened(await zip_of(client, person, language="en", profile="legal"))

    assert json.loads(promised["data.json"])["profile"] == "promised"
    assert json.loads(legal["data.json"])["profile"] == "legal"
    assert "The law itself grants less." in promised["README.html"].decode()
    assert "what you provided yourself" in legal["README.html"].decode()
    assert len(legal["data.csv"]) < len(promised["data.csv"])
