"""The access report as JSON, page and paper: one content, four languages (Arts. 12(1), 15)."""

import hashlib
import html
import re
from base64 import b64decode
from itertools import pairwise
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.documents.languages import LANGUAGES
from app.service import Service
from tests.documents.paper import outside, properties, squeezed, tags, text_of
from tests.rights.histories import ACCOUNT, OBJECTION, STATEMENT, TITLE, everything, raw
from tests.rights.people import CONTACT, collect, get, post, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

Report = dict[str, Any]
HOSTILE = '<script>alert("x")</script> #strong[x] å ß ğ Ω ж ő'
UNBROKEN = "Vattenföroreningsövervakning" * 5


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def person(caller: httpx.AsyncClient, shared_service: Service) -> str:
    """Somebody with every kind of event, a hostile value and a part that was erased."""
    path = await everything(caller, shared_service)
    data = {"contact.name": HOSTILE, "work.title": UNBROKEN}
    await collect(caller, path, "project_collaboration", data)
    order = {"source": "secretariat", "categories": ["contact.phone"]}
    await post(caller, f"{path}/erasure", order)
    return path


async def forms(caller: httpx.AsyncClient, person: str, language: str) -> tuple[Report, str, bytes]:
    """JSON, page and paper of one cut, so that no later reading sets them apart."""
    now = await get(caller, f"{person}/access-report", language=language)
    query: dict[str, Any] = {"language": language, "as_of": str(now["position"])}
    report = await get(caller, f"{person}/access-report", **query)
    answers = [
        await caller.get(f"{person}/access-report", params={**query, "format": form})
        for form in ("html", "pdf")
    ]
    assert [one.status_code for one in answers] == [200, 200]
    return report, answers[0].text, answers[1].content


def facts(report: Report) -> set[str]:
    """Everything of a report that a reader must find in each of its forms."""
    parts = report["parts"]
    told = {one["value"] for one in parts["data"]["held"]}
    told |= {one["category"]["title"] for one in parts["data"]["held"]}
    told |= {one["title"] for one in parts["purposes"]["purposes"]}
    told |= {one["title"] for one in parts["sharing"]["recipients"]}
    told |= {one["safeguard"]["title"] for one in parts["sharing"]["transfers"]}
    for kind in parts["storage"]["retention"]:
        told |= {kind["title"], kind["norm"], kind["reason"]}
    for right in parts["choices"]["rights"]:
        told |= {right["title"], right["how"], right["limits"]}
    for one in report["timeline"]:
        told |= {one["event"]["title"], one["event_id"], one["leaf_hash"]}
    told |= {one["meaning"] for one in report["glossary"]}
    complaint = parts["choices"]["complaint"]
    return told | {complaint["authority"], *complaint["address"], report["chain"]["leaf_hash"]}


def untranslated(value: Any) -> list[str]:
    """The texts of a report that are in English for want of another."""
    if isinstance(value, list):
        return [text for one in value for text in untranslated(one)]
    if not isinstance(value, dict):
        return []
    here = [str(value[member]) for member in value.get("untranslated", ())]
    return here + [text for one in value.values() for text in untranslated(one)]


@pytest.mark.clause("L31", "L27", "C64")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_json_page_and_paper_tell_the_same(
    caller: httpx.AsyncClient, person: str, language: str
) -> None:
    report, page, paper = await forms(caller, person, language)

    on_page = squeezed(html.unescape(re.sub(r"<[^>]+>", "", page)))
    on_paper = squeezed(text_of(paper))
    assert report["language"] == {"code": language, "wanted": language, "fell_back": False}
    told = facts(report)
    assert told > {HOSTILE, UNBROKEN, STATEMENT, OBJECTION, TITLE, ACCOUNT}
    assert [fact for fact in told if squeezed(fact) not in on_page] == []
    assert [fact for fact in told if squeezed(fact) not in on_paper] == []
    assert page.count("<tr>") >= len(report["timeline"])
    assert untranslated(report) == []


@pytest.mark.clause("L27", "C64")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_paper_is_accessible_and_nothing_runs_off_it(
    caller: httpx.AsyncClient, person: str, language: str
) -> None:
    """PDF/UA-1: tags, language, title, table headers; letters of every alphabet come back."""
    _, _, paper = await forms(caller, person, language)

    told, found = properties(paper), tags(paper)
    assert told["language"] == language
    assert "IMPEL" in told["title"]
    assert str(told["standard"]) == "1"
    assert {"/H1", "/H2", "/Table", "/TH", "/TD"} <= set(found)
    assert "å ß ğ Ω ж ő" in text_of(paper)
    assert outside(paper) == []


@pytest.mark.clause("L27", "C64")
async def test_the_page_is_accessible_and_hostile_values_are_text(
    caller: httpx.AsyncClient, person: str
) -> None:
    answer = await caller.get(
        f"{person}/access-report", params={"format": "html", "language": "sv"}
    )

    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == "sv"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "<script" not in page
    assert html.escape(HOSTILE, quote=False)[:20] in page
    assert '<html lang="sv">' in page
    assert page.count("<table>") == page.count("<caption>") == page.count("<thead>")
    headings = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert not re.search(r"(src|href)=\"(?!#)", page)


@pytest.mark.clause("L27")
async def test_the_form_is_chosen_by_the_accept_header_too(
    caller: httpx.AsyncClient, person: str
) -> None:
    for accept, media_type in (
        ("text/html,application/xhtml+xml;q=0.9", "text/html; charset=utf-8"),
        ("application/pdf", "application/pdf"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
    ):
        answer = await caller.get(f"{person}/access-report", headers={"accept": accept})
        assert answer.headers["content-type"] == media_type
        assert "accept" in answer.headers["vary"]
    refused = await caller.get(f"{person}/access-report", params={"format": "xml"})

    assert refused.status_code == 422


@pytest.mark.clause("L27", "C83")
async def test_the_language_is_the_persons_and_a_missing_one_falls_back_visibly(
    caller: httpx.AsyncClient, person: str
) -> None:
    """The language of the notice that was shown, unless the person gave another."""
    shown = await get(caller, f"{person}/access-report")
    wanted = {"format": "html", "language": "de"}
    german = await caller.get(f"{person}/access-report", params=wanted)
    stranger = await register(caller, contact={**CONTACT, "contact.email": "fr@stad.example"})
    accepted = await caller.get(
        f"{stranger}/access-report", headers={"accept-language": "fr-BE,fr;q=0.9"}
    )
    await collect(caller, stranger, "network_exchange", {"profile.language": "nl"})
    given = await get(caller, f"{stranger}/access-report")

    assert shown["language"]["code"] == "sv"
    assert accepted.json()["language"]["code"] == "fr"
    assert given["language"]["code"] == "nl"
    assert '<html lang="en">' in german.text
    assert "your language (German)" in german.text


@pytest.mark.clause("C63", "C64")
@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_right_is_told_with_how_to_use_it_and_its_limits(
    caller: httpx.AsyncClient, person: str, language: str
) -> None:
    report = await get(caller, f"{person}/access-report", language=language)

    rights = report["parts"]["choices"]["rights"]
    assert len({one["right"] for one in rights}) == 9
    assert all(one["title"] and one["how"] and one["limits"] for one in rights)
    if language != "en":
        english = await get(caller, f"{person}/access-report", language="en")
        same = {one["limits"] for one in english["parts"]["choices"]["rights"]}
        assert same.isdisjoint(one["limits"] for one in rights)


@pytest.mark.clause("C83", "C77")
async def test_the_policy_is_cited_in_the_version_and_language_that_was_shown(
    caller: httpx.AsyncClient, person: str
) -> None:
    """Whatever language the report is in, the policy is that which the person was shown."""
    report, page, _ = await forms(caller, person, "fr")

    [quoted] = report["policy_texts"]
    assert (quoted["policy"], quoted["language"], quoted["shown"]) == ("impel-1", "sv", True)
    assert "suédois" in page
    archived = await caller.get("/v1/policies/impel-1/texts/sv")
    if archived.status_code == 200:
        assert quoted["text"] == archived.text
    else:
        assert quoted["text"] is None


@pytest.mark.clause("L9", "L31")
async def test_the_person_can_check_that_no_entry_is_missing(
    caller: httpx.AsyncClient, person: str, shared_service: Service
) -> None:
    """By hand, from the report alone: numbers, links, head; the oracle reads the raw entries."""
    report = await get(caller, f"{person}/access-report", language="en")

    lines = report["timeline"]
    assert [one["version"] for one in lines] == list(range(1, len(lines) + 1))
    for before, after in pairwise(lines):
        assert after["previous"] == before["leaf_hash"]
    assert lines[0]["previous"] is None
    head = {key: lines[-1][key] for key in ("version", "position", "leaf_hash")}
    assert report["chain"].items() >= head.items()
    entries = await shared_service.pool.fetch(
        "SELECT entry FROM ledger.events WHERE stream_id = $1::uuid ORDER BY version",
        report["subject_id"],
    )
    hashes = [hashlib.sha256(b"\x00" + row["entry"]).digest() for row in entries]
    assert [b64decode(one["leaf_hash"]) for one in lines] == hashes


@pytest.mark.clause("L33", "L31")
async def test_every_event_and_every_value_of_the_raw_rows_is_on_paper(
    caller: httpx.AsyncClient, person: str, shared_service: Service
) -> None:
    """100 %, by an oracle that opens the rows by hand; and nobody of the staff is named."""
    _, page, paper = await forms(caller, person, "en")

    rows = await raw(shared_service, person)
    on_paper = squeezed(text_of(paper))
    on_page = squeezed(html.unescape(re.sub(r"<[^>]+>", "", page)))
    # The two later readings are after the cut.
    told = [core for core in rows.cores if squeezed(core["id"]) in on_paper]
    assert [core["n"] for core in told] == list(range(1, len(told) + 1))
    assert len(rows.cores) - len(told) <= 4
    for *_, value in rows.values:
        assert squeezed(value) in on_paper
        assert squeezed(value) in on_page
    assert {core["by"] for core in rows.cores}.isdisjoint(on_paper.split())
    assert all(core["by"] not in page for core in rows.cores)


@pytest.mark.clause("C71", "L37")
async def test_what_was_erased_and_what_is_kept_is_told_with_its_ground(
    caller: httpx.AsyncClient,
) -> None:
    path = await register(caller, contact={**CONTACT, "contact.email": "kept@stad.example"})
    await collect(caller, path, "payments", {"financial.account": ACCOUNT})
    await post(caller, f"{path}/erasure", {"source": "secretariat", "purposes": ["payments"]})

    report = await get(caller, f"{path}/access-report", language="sv")

    [erasure] = report["parts"]["choices"]["erasures"]
    [kept] = erasure["retained"]
    assert kept["title"] == "Underlag för betalningar"
    assert kept["ground"].startswith("Art. 17(3)")
    assert "CIR 92" in kept["norm"]
    page = await caller.get(f"{path}/access-report", params={"format": "html", "language": "sv"})
    assert "artikel 17.3 b" in page.text
    assert "31 december" in page.text


@pytest.mark.clause("L31", "L42")
async def test_a_restriction_of_some_categories_is_told_as_one_of_them(
    caller: httpx.AsyncClient,
) -> None:
    """Whoever questions a job title has not stopped everything."""
    person = await register(caller, contact={"contact.name": "Zoë", "work.title": "Inspektör"})
    order = {"ground": "accuracy", "source": "secretariat", "categories": ["work.title"]}
    await post(caller, f"{person}/restrictions", order)

    report, page, _ = await forms(caller, person, "sv")

    [one] = report["parts"]["choices"]["restrictions"]["active"]
    [category] = one["about"]["categories"]
    assert category["key"] == "work.title"
    row = page.partition("Gällande begränsningar</caption>")[2].partition("</tbody>")[0]
    assert category["title"] in row
    assert "allt" not in row
