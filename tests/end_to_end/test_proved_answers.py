"""One person's report, evidence and certificate, checked by somebody who has nothing but files."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.service import Service
from app.settings import Settings
from app.store.connection import connect
from app.store.integrator import Integrator
from app.tlog.answer_claims import CHECKS
from app.tlog.answer_proofs import AnswerUnproved, answer_proof
from app.tlog.receipt_text import receipt_keys_in
from app.tlog.trust_policies import trust_policy
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.cli.conftest import run
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, collect, consent, get, post, register, share
from tests.serving import Api, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

DECIDED = {"decided_by": "5f1c1b62-4f5d-4b83-9a0b-0a9d2a6c7e11"}
SECRETS = (*CONTACT.values(), "travel, 120.00", "Please erase me.")
Answers = dict[str, Any]
"""Kind -> the answer as values; `policy` -> what was kept of /log/policy."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answers(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Answers]:
    """What one person and an auditor were given, among other people's events."""
    home = tmp_path_factory.mktemp("home")
    async with serving(module_database, home) as service:
        api = Api(service, Settings(home=home))
        async with await api.client() as client:
            yield await told(client, service, module_database, home / "keys")


async def told(
    client: httpx.AsyncClient, service: Service, database: Database, keys: Path
) -> Answers:
    """The story: a request for access, answered; then an erasure, told and closed."""
    await integrated(database, keys)
    policy = (await client.get("/log/policy")).text
    person = await somebody(client, service)
    request = await requested(client, person)
    before = (await get(client, f"{person}/access-report"))["position"]
    await integrated(database, keys)
    await collect(client, person, "payments", {"financial.claim": "travel, 120.00"})
    young = await get(client, f"{person}/access-report")
    past = await get(client, f"{person}/access-report", as_of=str(before))
    await integrated(database, keys)
    report = await get(client, f"{person}/access-report", as_of=str(young["position"]))
    evidence = await get(client, f"/v1/rights-requests/{request}/evidence")
    path = await erased(client, person)
    unproved = await get(client, f"{path}/certificate")
    await integrated(database, keys)
    provisional = await get(client, f"{path}/certificate")
    await post(client, f"{path}/recipients", {"recipient": "hotels", "outcome": "impossible"})
    await post(client, f"{path}/closing")
    await integrated(database, keys)
    return {
        "policy": policy,
        "person": person.rpartition("/")[2],
        "young": young,
        "past": past,
        "whole": report,
        "evidence": evidence,
        "unproved": unproved,
        "provisional": provisional,
        "certificate": await get(client, f"{path}/certificate"),
    }


async def somebody(client: httpx.AsyncClient, service: Service) -> str:
    """A person with a share and a consent, between others who do the same."""
    await arrange(service)
    people = []
    for number in range(3):
        email = f"person-{number}@stad.example"
        contact = CONTACT | ({} if number == 1 else {"contact.email": email})
        people.append(await register(client, contact=contact, verification=None))
    for one in people:
        await post(client, f"{one}/disclosures", share("hotels", country="BE"))
        await post(client, f"{one}/consents", consent())
    return people[1]


async def requested(client: httpx.AsyncClient, person: str) -> str:
    """A request for access that was approved."""
    asked = {"right": "access", "subject_id": person.rpartition("/")[2], "channel": "email"}
    made = await post(client, "/v1/rights-requests", asked | {"proof": "login"})
    request: str = made["rights_request"]["request"]
    await post(client, f"/v1/rights-requests/{request}/approve", DECIDED)
    return request


async def erased(client: httpx.AsyncClient, person: str) -> str:
    """The path of an erasure of everything."""
    order = {"source": "secretariat", "statement": "Please erase me."}
    done = await post(client, f"{person}/erasure", order)
    return f"{person}/erasure/{done['erasure']['erasure']}"


async def integrated(database: Database, keys: Path) -> None:
    """Signs everything that was appended."""
    connection: Any = await connect(database.dsn("ledger_integrator"))

    async def connected() -> "asyncpg.Connection[Any]":
        opened: asyncpg.Connection[Any] = connection
        return opened

    memory = SignedHeadFile(keys / "checkpoint.signed")
    one = Integrator(connected, Signer(b"\x07" * 32), memory, origin="ledger.example/log")
    while (await one.integrate(connection)).entries:
        pass
    await connection.close()


PROVED = {
    "young": "access report",
    "past": "access report",
    "whole": "access report",
    "evidence": "evidence",
    "provisional": "certificate",
    "certificate": "certificate",
}
"""Answer -> its kind."""


def verified(answers: Answers, name: str, changed: Any = None) -> int:
    """How many entries prove the answer; AnswerUnproved where it is not."""
    value = answers[name] if changed is None else changed
    kind, policy = PROVED[name], answers["policy"]
    proof = answer_proof(value if kind == "evidence" else value["proof"])
    proof.verify(trust_policy(policy), receipt_keys_in(policy))
    CHECKS[kind](value, proof.entries)
    return len(proof.entries)


@pytest.mark.clause("L9", "L31", "C66")
@pytest.mark.parametrize("name", PROVED)
async def test_what_was_answered_is_proved_offline_with_nobody_elses_data_in_it(
    answers: Answers, name: str
) -> None:
    count = verified(answers, name)

    value = answers[name]
    entries = value["entries"] if name == "evidence" else value["proof"]["entries"]
    streams = {json.loads(one["entry"].split("\n")[0])["s"] for one in entries}
    assert count == len(entries) > 3
    assert streams == {answers["person"]}
    assert not [secret for secret in SECRETS if secret in json.dumps(entries, ensure_ascii=False)]


async def test_no_answer_waits_for_a_checkpoint(answers: Answers) -> None:
    """A report promises what is too young; a certificate is proved when it is asked for again."""
    young, whole = answers["young"]["proof"], answers["whole"]["proof"]
    first, last = answers["unproved"], answers["provisional"]

    assert young["receipt"]["position"] == young["entries"][-1]["position"]
    assert [one["path"] is not None for one in young["entries"]].count(True) == 1
    assert young["entries"][-1]["path"] is None
    assert whole["receipt"]["position"] == whole["entries"][-1]["position"]
    assert answers["evidence"]["receipt"]["events"][0]["type"] == "consultation.recorded"
    assert first["proof"] is None
    assert {**first, "proof": 0} == {**last, "proof": 0}


def without_last(value: Any) -> None:
    """The newest event is left out, and everything is as if it had never been."""
    for rows in (value["proof"]["entries"], value["timeline"]):
        del rows[-1]
    value["chain"] |= {k: value["timeline"][-1][k] for k in ("version", "position", "leaf_hash")}


def until_an_earlier_reading(value: Any) -> None:
    """It ends with the entry of an earlier answer, which is in the log and proved."""
    entries = value["proof"]["entries"]
    end = next(n for n, one in enumerate(entries, 1) if one["path"] is not None)
    assert '"t":"consultation.recorded"' in entries[end - 1]["entry"]
    del entries[end:]
    del value["timeline"][end:]
    value["generated_at"] = "2026-01-01T00:00:00Z"
    value["chain"] |= {k: value["timeline"][-1][k] for k in ("version", "position", "leaf_hash")}


def without_one(value: Any) -> None:
    """One in the middle is left out."""
    for rows in (value["proof"]["entries"], value["timeline"]):
        del rows[2]


def without_first(value: Any) -> None:
    """History begins later."""
    for rows in (value["proof"]["entries"], value["timeline"]):
        del rows[0]


def of_somebody_else(value: Any) -> None:
    """It is said to be another person's."""
    value["subject_id"] = "5f1c1b62-4f5d-4b83-9a0b-0a9d2a6c7e11"


def other_fact(value: Any) -> None:
    """An event is told otherwise than it is."""
    value["timeline"][1]["facts"]["purpose"] = "something else"


def other_type(value: Any) -> None:
    """An event is told as another one."""
    value["timeline"][1]["type"] = "consent.withdrawn"


def other_occurrence(value: Any) -> None:
    """It is said to have happened on another day."""
    value["timeline"][1]["occurred_at"] = "2020-01-01T00:00:00Z"


def nothing_sealed(value: Any) -> None:
    """An event is said to have had no data with it."""
    row = next(row for row in value["timeline"] if row["sealed"])
    row["sealed"] = []


def other_count(value: Any) -> None:
    """The summary counts otherwise than the history."""
    value["summary"]["events"] -= 1


def shorter_history(value: Any) -> None:
    """The proof is whole, the history is not."""
    del value["timeline"][-1]


@pytest.mark.parametrize(
    "change",
    [
        *(without_last, without_one, without_first, of_somebody_else, other_fact, other_type),
        *(other_occurrence, nothing_sealed, other_count),
    ],
)
@pytest.mark.parametrize("name", ["young", "whole", "past"])
async def test_a_report_that_leaves_something_out_or_says_otherwise_is_found_out(
    answers: Answers, name: str, change: Callable[[Any], None]
) -> None:
    changed = deepcopy(answers[name])
    change(changed)

    with pytest.raises(AnswerUnproved):
        verified(answers, name, changed)


@pytest.mark.parametrize("name", ["young", "whole", "past"])
async def test_a_history_that_ends_early_is_found_out(answers: Answers, name: str) -> None:
    changed = deepcopy(answers[name])
    shorter_history(changed)
    changed["chain"] |= {
        k: changed["timeline"][-1][k] for k in ("version", "position", "leaf_hash")
    }

    with pytest.raises(AnswerUnproved):
        verified(answers, name, changed)


async def test_a_report_that_ends_with_an_earlier_answer_is_found_out(answers: Answers) -> None:
    changed = deepcopy(answers["young"])
    until_an_earlier_reading(changed)

    with pytest.raises(AnswerUnproved, match="another moment"):
        verified(answers, "young", changed)


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("keys", 99),
        ("sections", 0),
        ("final", False),
        ("trigger", "unlawful"),
        ("of_everything", False),
        ("retained", []),
        ("requested_at", "2020-01-01T00:00:00Z"),
        ("executed_at", "2020-01-01T00:00:00Z"),
        ("closed_at", None),
        ("found_by_nothing", False),
        ("entries", []),
        ("recipients", []),
        ("destroyed", []),
        ("erasure", "5f1c1b62-4f5d-4b83-9a0b-0a9d2a6c7e11"),
    ],
)
async def test_a_certificate_that_says_otherwise_is_found_out(
    answers: Answers, member: str, said: Any
) -> None:
    with pytest.raises(AnswerUnproved):
        verified(answers, "certificate", answers["certificate"] | {member: said})


@pytest.mark.parametrize(
    ("rows", "member", "said"),
    [
        ("recipients", "outcome", "verified_gone"),
        ("recipients", "confirmed", True),
        ("recipients", "at", "2020-01-01T00:00:00Z"),
        ("destroyed", "closed_to_the_person", None),
        ("destroyed", "levels", {"e1": None, "e2": None, "e3": None}),
    ],
)
async def test_a_row_of_a_certificate_that_says_otherwise_is_found_out(
    answers: Answers, rows: str, member: str, said: Any
) -> None:
    changed = deepcopy(answers["certificate"])
    changed[rows][0][member] = said

    with pytest.raises(AnswerUnproved):
        verified(answers, "certificate", changed)


async def test_a_certificate_without_the_making_or_the_destruction_of_a_key_is_found_out(
    answers: Answers,
) -> None:
    """Each entry of the proof is needed, but for what came between."""
    accepted = []
    for number, one in enumerate(answers["certificate"]["proof"]["entries"]):
        changed = deepcopy(answers["certificate"])
        del changed["proof"]["entries"][number]
        core, seals = (json.loads(line) for line in one["entry"].splitlines())
        try:
            verified(answers, "certificate", changed)
        except (AnswerUnproved, KeyError):
            continue
        accepted.append((core["t"], [seal for seal in seals if "kc" in seal]))

    assert not [kind for kind, made in accepted if made or kind == "erasure.executed"]


@pytest.mark.parametrize("name", PROVED)
async def test_a_changed_character_of_a_proof_is_found_out(answers: Answers, name: str) -> None:
    """Of entries, paths, checkpoint and receipt; the places are drawn, the seed is not."""
    random, whole = Random(11), answers[name]
    proof = whole if PROVED[name] == "evidence" else whole["proof"]
    places = [(key, index) for index, one in enumerate(proof["entries"]) for key in one]
    unnoticed = []
    for _ in range(60):
        changed = deepcopy(whole)
        inside = changed if PROVED[name] == "evidence" else changed["proof"]
        key, index = random.choice(places)
        if random.random() < 0.2:
            key, text = "checkpoint", inside["checkpoint"]
            inside["checkpoint"] = flipped(text, random)
        elif key == "path" and inside["entries"][index]["path"]:
            path = inside["entries"][index]["path"]
            path[0] = flipped(path[0], random)
        else:
            key = "entry"
            inside["entries"][index]["entry"] = flipped(inside["entries"][index]["entry"], random)
        try:
            verified(answers, name, changed)
        except AnswerUnproved:
            continue
        unnoticed.append((key, index))

    assert unnoticed == []


def flipped(text: str, random: Random) -> str:
    """One character is another one."""
    at = random.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


async def test_a_receipt_of_another_entry_promises_nothing(answers: Answers) -> None:
    changed = deepcopy(answers["young"])
    changed["proof"]["receipt"]["events"][0]["position"] += 1
    changed["proof"]["receipt"]["position"] += 1
    bare = deepcopy(answers["young"])
    bare["proof"]["receipt"] = None

    for one in (changed, bare):
        with pytest.raises(AnswerUnproved):
            verified(answers, "young", one)


@pytest.mark.clause("L9", "C66")
async def test_a_certificate_of_two_records_of_one_person_proves_both(
    other_database: Database, tmp_path: Path
) -> None:
    """Each with the entries of its own stream; the command checks each."""
    async with serving(other_database, tmp_path) as service:
        api = Api(service, Settings(home=tmp_path))
        async with await api.client() as client, await api.client() as approver:
            await integrated(other_database, tmp_path / "keys")
            policy = (await client.get("/log/policy")).text
            second = {"contact.name": "Zoe", "contact.email": "zoe@privat.example"}
            both = [await register(client, contact=one) for one in (CONTACT, second)]
            ids = [one.rpartition("/")[2] for one in both]
            pair = dict(zip(("survivor", "absorbed"), ids, strict=True))
            merge = (await post(client, "/v1/merges", {**pair, "ground": "control"}))["merge"]
            await post(approver, f"/v1/merges/{merge}/approve", pair)
            path = await erased(client, both[0])
            await integrated(other_database, tmp_path / "keys")
            certificate = await get(client, f"{path}/certificate")

    [other] = certificate["other_records"]
    found = {"policy": policy, "certificate": certificate}
    assert verified(found, "certificate") > 2
    assert verified(found, "certificate", other) > 2
    files = tmp_path / "policy", tmp_path / "answer.json"
    other["keys"] += 1
    for file, text in zip(files, (policy, json.dumps(certificate)), strict=True):
        file.write_text(text)
    ended = await asyncio.to_thread(
        run, "log", "verify-answer", str(files[1]), "--policy", str(files[0]), "--json"
    )
    assert (ended.exit_code, ended.document["answer"]["proved"]) == (1, False)


async def test_another_key_proves_nothing(answers: Answers) -> None:
    """Whoever owns the database signs with another key: the policy from before tells."""
    stranger = trust_policy("quorum none\n")

    for name, kind in PROVED.items():
        value = answers[name]
        proof = answer_proof(value if kind == "evidence" else value["proof"])
        with pytest.raises(AnswerUnproved, match="no key of the policy"):
            proof.verify(stranger, receipt_keys_in(answers["policy"]))


async def test_the_command_tells_it(answers: Answers, tmp_path: Path) -> None:
    policy, file = tmp_path / "policy", tmp_path / "answer.json"
    policy.write_text(answers["policy"])
    ended = {}
    for name in ("young", "certificate", "unproved"):
        file.write_text(json.dumps(answers[name], ensure_ascii=False))
        ended[name] = await asyncio.to_thread(
            run, "log", "verify-answer", str(file), "--policy", str(policy), "--json"
        )

    young = ended["young"].document["answer"]
    assert [one.exit_code for one in ended.values()] == [0, 0, 1]
    assert (young["kind"], young["proved"], young["promised"] > 0) == ("access report", True, True)
    assert ended["certificate"].document["answer"]["promised"] == 0
    assert "ask the service for it again" in ended["unproved"].document["answer"]["reason"]
