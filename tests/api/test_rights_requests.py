"""Rights requests over HTTP: any channel starts the clock, each step has its bounds."""

import hashlib
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.service import Service
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, get, post, register, share, stranger
from tests.serving import Api, count_events

PATH = "/v1/rights-requests"
CLERK, APPROVER = str(uuid4()), str(uuid4())
DECIDED = {"decided_by": CLERK}
BY_MAIL = {**DECIDED, "told_by": "email"}
REMEDIES = {
    "reasons": "The membership list is needed for a pending claim.",
    "complaint": "You may complain to the APD/GBA.",
    "remedy": "You may go to court.",
}
READING = {"Purpose": "rights_requests"}


def ago(**span: float) -> str:
    """A moment in the past, as a caller writes it."""
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def asked(right: str, person: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of a request by e-mail."""
    subject = None if person is None else person.rpartition("/")[2]
    return {"right": right, "subject_id": subject, "channel": "email", **more}


async def ask(client: httpx.AsyncClient, right: str, person: str | None = None, **more: Any) -> str:
    """A request that was recorded; its path."""
    made = await post(client, PATH, asked(right, person, **more))
    return f"{PATH}/{made['rights_request']['request']}"


async def shown(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """The request as it stands, with its letters."""
    answer = await client.get(path, headers=READING)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()
    return value


@pytest.mark.clause("C63", "C80", "L20", "L27")
@pytest.mark.parametrize("channel", ["post", "email", "desk", "web"])
async def test_six_rights_by_four_channels_start_the_same_clock(
    client: httpx.AsyncClient, channel: str
) -> None:
    """Any channel will do; rectification is there although section 5 of the policy omits it."""
    person = await register(client)
    due = set()
    for right in (
        *("access", "rectification", "erasure"),
        *("restriction", "portability", "objection"),
    ):
        body = asked(right, person, channel=channel, text="Please.")
        made = (await post(client, PATH, body))["rights_request"]
        due.add((made["status"], made["next"], made["deadline"]["due_on"]))
        assert made["rule"]["limits"]
        assert made["answer_form"] == ("electronic" if channel in ("email", "web") else "post")

    assert len(due) == 1


@pytest.mark.clause("L20")
async def test_a_request_runs_from_the_day_on_which_it_arrived(
    client: httpx.AsyncClient, database: Database
) -> None:
    """Back-dated with evidence the remaining time is shorter; the future is refused."""
    person = await register(client)
    before = await count_events(database)
    body = asked("access", person, channel="post", received_at=ago(days=10))

    bare = await post(client, PATH, body, status=422)
    later = await post(client, PATH, {**body, "received_at": ago(days=-1)}, status=422)
    old = {**body, "received_at": "2017-03-01T10:00:00Z", "evidence": str(uuid4())}
    too_old = await post(client, PATH, old, status=422)
    assert await count_events(database) == before
    dated = await post(client, PATH, {**body, "evidence_note": "Stamp of the post room"})
    fresh = await post(client, PATH, asked("access", person))

    assert bare["type"] == "/problems/receipt-unevidenced"
    assert later["type"] == "/problems/occurred-in-future"
    assert too_old["type"] == "/problems/receipt-too-old"
    left = [one["rights_request"]["deadline"]["days_left"] for one in (dated, fresh)]
    assert left[0] < left[1]


async def test_a_request_of_nobody_is_refused(client: httpx.AsyncClient) -> None:
    unknown = await post(client, PATH, asked("access", stranger()), status=404)
    missing = await client.get(f"{PATH}/{uuid4()}", headers=READING)
    step = await post(client, f"{PATH}/{uuid4()}/approve", DECIDED, status=404)

    assert unknown["type"] == "/problems/subject-unknown"
    assert missing.json()["type"] == step["type"] == "/problems/rights-request-unknown"


@pytest.mark.clause("L9", "L36", "C80")
async def test_an_access_request_is_answered_by_the_report_that_was_made(
    client: httpx.AsyncClient,
) -> None:
    """Received, verified, approved; the answer names the event of the report."""
    person = await register(client)
    path = await ask(client, "access", person, text="What do you hold?", language="sv")

    early = await post(client, f"{path}/approve", DECIDED, status=409)
    await post(client, f"{path}/verify", {"proof": "address_on_file"})
    unapproved = await post(client, f"{path}/fulfil", BY_MAIL, status=409)
    await post(client, f"{path}/approve", DECIDED)
    nothing = await post(client, f"{path}/fulfil", BY_MAIL, status=422)
    await get(client, f"{person}/access-report")
    answered = (await post(client, f"{path}/fulfil", BY_MAIL))["rights_request"]
    again = await post(client, f"{path}/approve", DECIDED, status=409)

    assert early["type"] == "/problems/rights-request-unverified"
    assert unapproved["type"] == "/problems/rights-request-unapproved"
    assert nothing["type"] == "/problems/answer-missing"
    assert again["type"] == "/problems/rights-request-closed"
    assert (answered["status"], answered["outcome"]) == ("fulfilled", "fulfilled")
    assert len(answered["answers"]) == 1
    assert answered["exchange"] == {"status": "fulfilled", "reason": None}
    texts = {one["text"] for one in (await shown(client, path))["letters"]}
    assert texts == {"What do you hold?"}


@pytest.mark.clause("L36")
async def test_a_correction_is_not_answered_while_a_recipient_was_not_told(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 19: as many tasks as recipients, and none is left without a word."""
    await arrange(service, "mailchimp", "azavista")
    person = await register(client)
    await post(client, f"{person}/disclosures", share("azavista"))
    path = await ask(client, "rectification", person, proof="login")
    corrected = {"data": {"contact.name": "Zoe Angstrom"}, "source": "secretariat"}
    await post(client, f"{person}/rectifications", corrected)

    approved = (await post(client, f"{path}/approve", DECIDED))["rights_request"]
    early = await post(client, f"{path}/fulfil", BY_MAIL, status=409)
    wordless = await post(client, f"{path}/tasks/1/closing", {"outcome": "done"}, status=422)
    unknown = {"outcome": "done", "note": "Told by phone."}
    nowhere = await post(client, f"{path}/tasks/7/closing", unknown, status=404)
    await post(client, f"{path}/tasks/1/closing", unknown)
    answered = (await post(client, f"{path}/fulfil", BY_MAIL))["rights_request"]

    assert [(one["kind"], one["recipient"]) for one in approved["tasks"]] == [
        ("inform_recipient", "azavista")
    ]
    assert approved["next"] == "tasks"
    assert early["type"] == "/problems/tasks-open"
    assert wordless["type"] == "/problems/task-unreasoned"
    assert nowhere["type"] == "/problems/task-unknown"
    assert answered["status"] == "fulfilled"


@pytest.mark.clause("L36", "L37")
async def test_an_erasure_is_answered_when_its_recipients_have_been_told(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The erasure's own list counts; the request is answered although nobody is left."""
    await arrange(service, "azavista")
    person = await register(client)
    await post(client, f"{person}/disclosures", share("azavista"))
    path = await ask(client, "erasure", person, text="Forget me", proof="login")
    await post(client, f"{path}/approve", DECIDED)

    order = {"source": "secretariat", "reply_address": CONTACT["contact.email"]}
    carried = (await post(client, f"{person}/erasure", order))["erasure"]
    early = await post(client, f"{path}/fulfil", BY_MAIL, status=409)
    informed = {"recipient": "azavista", "outcome": "verified_gone"}
    await post(client, f"{person}/erasure/{carried['erasure']}/recipients", informed)
    told = {**BY_MAIL, "note": "All of it is gone."}
    answered = (await post(client, f"{path}/fulfil", told))["rights_request"]
    letters = (await shown(client, path))["letters"]

    assert early["type"] == "/problems/tasks-open"
    assert (answered["status"], answered["answers"]) == ("fulfilled", [carried["erasure"]])
    assert [one["text"] for one in letters] == [None, "All of it is gone."]
    assert letters[0]["erased"]


@pytest.mark.clause("L24", "L38")
async def test_only_written_doubts_stop_the_clock(client: httpx.AsyncClient) -> None:
    """Art. 12(6): it goes on from where it stood when the person answers."""
    person = await register(client)
    note = {"evidence_note": "mail header"}
    path = await ask(client, "access", person, received_at=ago(days=12), **note)
    plain = (await shown(client, path))["deadline"]

    bare = await post(client, f"{path}/doubt", {**BY_MAIL, "grounds": " "}, status=422)
    asking = {
        **BY_MAIL,
        "grounds": "Sent from an unknown address",
        "occurred_at": ago(days=9),
        **note,
    }
    stopped = (await post(client, f"{path}/doubt", asking))["rights_request"]
    answer = {"text": "It is my new address", "occurred_at": ago(days=4), **note}
    resumed = (await post(client, f"{path}/answer-doubt", answer))["rights_request"]
    unasked = await post(client, f"{path}/answer-doubt", answer, status=409)
    verified = (await post(client, f"{path}/verify", {"proof": "callback"}))["rights_request"]
    settled = await post(client, f"{path}/doubt", asking, status=409)

    assert bare["type"] == "/problems/doubt-groundless"
    assert stopped["exchange"] == {"status": "in_progress", "reason": "need_user_verification"}
    assert stopped["deadline"]["paused"]
    assert resumed["deadline"]["paused_days"] == 5
    shift = datetime.fromisoformat(resumed["deadline"]["calendar_day"])
    assert (shift - datetime.fromisoformat(plain["calendar_day"])).days == 5
    assert unasked["type"] == "/problems/doubt-unasked"
    assert verified["status"] == "identity_confirmed"
    assert settled["type"] == "/problems/identity-settled"


@pytest.mark.clause("L22")
async def test_an_extension_has_its_reasons_its_notice_and_its_month(
    client: httpx.AsyncClient,
) -> None:
    """Art. 12(3): once, within the first month, and the person is told."""
    person = await register(client)
    path = await ask(client, "access", person)
    late = await ask(client, "access", person, received_at=ago(days=45), evidence_note="stamp")
    body = {**DECIDED, "ground": "a12_complexity", "reasons": "Twelve systems", "told_by": "email"}

    untold = await post(client, f"{path}/extend", {**body, "told_by": None}, status=422)
    bare = await post(client, f"{path}/extend", {**body, "reasons": ""}, status=422)
    extended = (await post(client, f"{path}/extend", body))["rights_request"]["deadline"]
    twice = await post(client, f"{path}/extend", body, status=409)
    too_late = await post(client, f"{late}/extend", body, status=409)

    assert untold["type"] == "/problems/extension-untold"
    assert bare["type"] == "/problems/extension-unexplained"
    assert (extended["months"], extended["extended"]) == (3, True)
    assert extended["target_on"] <= extended["due_on"]
    assert twice["type"] == "/problems/extension-repeated"
    assert too_late["type"] == "/problems/extension-late"
    assert (await shown(client, late))["deadline"]["overdue"]


@pytest.mark.clause("L25", "L26", "L38", "L46")
async def test_a_refusal_tells_everything_and_is_signed_by_a_human(
    client: httpx.AsyncClient, database: Database
) -> None:
    """Art. 12(4), (5)."""
    person = await register(client)
    path = await ask(client, "erasure", person, proof="login")
    whole = {**BY_MAIL, **REMEDIES, "ground": "a17_legal_claims"}
    before = await count_events(database)

    lacking = [
        await post(client, f"{path}/refuse", {**whole, name: " "}, status=422) for name in REMEDIES
    ]
    unsigned = {name: value for name, value in whole.items() if name != "decided_by"}
    nobody = await post(client, f"{path}/refuse", unsigned, status=422)
    untold = {name: value for name, value in whole.items() if name != "told_by"}
    silent = await post(client, f"{path}/refuse", untold, status=422)
    wrong = {**whole, "ground": "legitimate_interest_override"}
    foreign = await post(client, f"{path}/refuse", wrong, status=422)
    excess = {**whole, "ground": "a12_manifestly_excessive"}
    alone = {**excess, "evidence": ["Fourth time this week"], "approved_by": CLERK}
    unproven = [
        await post(client, f"{path}/refuse", body, status=422)
        for body in (excess, alone, {**excess, "approved_by": APPROVER})
    ]
    assert await count_events(database) == before
    proven = {**alone, "approved_by": APPROVER}
    refused = (await post(client, f"{path}/refuse", proven))["rights_request"]

    assert {one["type"] for one in lacking} == {"/problems/refusal-incomplete"}
    assert nobody["type"] == silent["type"] == "/problems/validation"
    assert foreign["type"] == "/problems/ground-inapplicable"
    assert {one["type"] for one in unproven} == {"/problems/excess-unproven"}
    assert refused["status"] == "refused"
    assert refused["ground_iri"].endswith("eu/gdpr#JustificationA12ManifestlyExcessive")
    letters = {one["category"]: one["text"] for one in (await shown(client, path))["letters"]}
    for text in (*REMEDIES.values(), "Fourth time this week"):
        assert text in letters["correspondence.decision"]
    assert letters["correspondence.message"] == REMEDIES["reasons"], "evidence is not told"


@pytest.mark.clause("L28", "L20")
async def test_a_stranger_hears_that_nothing_is_held(client: httpx.AsyncClient) -> None:
    """Art. 15(1): a confirmation that no data are processed is an answer."""
    body = asked("access", None, text="Do you know me?", reply_address="nobody@stad.example")
    made = (await post(client, PATH, body))["rights_request"]
    path = f"{PATH}/{made['request']}"

    letters = (await shown(client, path))["letters"]
    answered = await post(client, f"{path}/fulfil", {**BY_MAIL, "outcome": "nothing_held"})

    assert made["subject_id"] is None
    assert {one["text"] for one in letters} == {"Do you know me?", "nobody@stad.example"}
    assert answered["rights_request"]["outcome"] == "nothing_held"
    known = await ask(client, "access", await register(client), proof="login")
    untrue = {**BY_MAIL, "outcome": "nothing_held"}
    refused = await post(client, f"{known}/fulfil", untrue, status=409)
    assert refused["type"] == "/problems/data-held"


@pytest.mark.clause("L28")
async def test_who_cannot_be_identified_is_told_and_may_say_more(
    client: httpx.AsyncClient,
) -> None:
    """Art. 11(2): closed with a letter; taken up again where it stood."""
    path = await ask(client, "access", None)
    silent = await post(client, f"{path}/cannot-identify", BY_MAIL, status=422)
    told = {**BY_MAIL, "reasons": "Tell us the day of the chat."}

    closed = (await post(client, f"{path}/cannot-identify", told))["rights_request"]
    reopened = await post(client, f"{path}/answer-doubt", {"text": "On 3 November."})
    person = await register(client)
    subject = {"subject_id": person.rpartition("/")[2], "proof": "known_facts", **DECIDED}
    moved = (await post(client, f"{path}/identify", subject))["rights_request"]
    again = await post(client, f"{path}/identify", subject, status=409)
    new = f"{PATH}/{moved['request']}"
    settled = await post(client, f"{new}/identify", subject, status=409)

    assert silent["type"] == "/problems/refusal-incomplete"
    assert (closed["status"], closed["next"]) == ("unidentified", None)
    assert reopened["rights_request"]["status"] == "received"
    assert moved["status"] == "identity_confirmed"
    assert moved["subject_id"] == subject["subject_id"]
    assert moved["received_at"] == closed["received_at"]
    assert moved["origin"] == closed["request"]
    assert again["type"] == "/problems/rights-request-closed"
    assert (again["status"], again["state"]) == (409, "moved")
    assert settled["type"] == "/problems/requester-known"


@pytest.mark.clause("L20", "L38")
async def test_a_duplicate_never_takes_the_place_of_the_genuine_one(
    client: httpx.AsyncClient,
) -> None:
    """Whoever asks in somebody's name cannot stop that person's own request."""
    person = await register(client)
    forged = await ask(client, "erasure", person)
    genuine = await ask(client, "erasure", person, proof="login")
    second = await ask(client, "erasure", person, proof="login")
    ids = {path: path.rpartition("/")[2] for path in (forged, genuine, second)}

    for joined, into in ((genuine, forged), (forged, genuine), (genuine, second)):
        body = {**DECIDED, "into": ids[into]}
        refused = await post(client, f"{joined}/duplicate", body, status=409)
        assert refused["type"] == "/problems/not-a-duplicate"
    joined_ = await post(client, f"{second}/duplicate", {**DECIDED, "into": ids[genuine]})

    assert joined_["rights_request"]["into"] == ids[genuine]
    assert (await shown(client, genuine))["status"] == "identity_confirmed"


@pytest.mark.clause("C69", "L20")
async def test_a_mislabelled_request_keeps_its_day(client: httpx.AsyncClient) -> None:
    person = await register(client)
    note = {"evidence_note": "mail header"}
    path = await ask(client, "other", person, received_at=ago(days=3), text="Take me off", **note)
    before = await shown(client, path)

    lacking = {**DECIDED, "right": "deactivate_account"}
    systemless = await post(client, f"{path}/triage", lacking, status=422)
    triaged = (await post(client, f"{path}/triage", {**DECIDED, "right": "objection"}))[
        "rights_request"
    ]

    assert systemless["type"] == "/problems/system-missing"
    assert (triaged["right"], triaged["asked_as"]) == ("objection", "other")
    assert triaged["deadline"]["due_on"] == before["deadline"]["due_on"]
    assert triaged["received_at"] == before["received_at"]


@pytest.mark.clause("C72", "C79")
@pytest.mark.parametrize("outcome", ["self_done", "done"])
async def test_an_account_is_stopped_by_the_person_or_by_the_desk(
    client: httpx.AsyncClient, outcome: str
) -> None:
    """With evidence either way, and a day until when; a new policy can be the reason."""
    person = await register(client)
    system = {"system": "basecamp", "trigger": "policy_change", "proof": "login"}
    path = await ask(client, "deactivate_account", person, **system)

    approved = (await post(client, f"{path}/approve", DECIDED))["rights_request"]
    early = await post(client, f"{path}/fulfil", BY_MAIL, status=409)
    done = {"outcome": outcome, "note": "Screenshot in file 12"}
    await post(client, f"{path}/tasks/1/closing", done)
    answered = (await post(client, f"{path}/fulfil", BY_MAIL))["rights_request"]

    assert (approved["trigger"], approved["system"]) == ("policy_change", "basecamp")
    assert [one["kind"] for one in approved["tasks"]] == ["deactivate_account"]
    assert approved["deadline"]["due_on"]
    assert early["type"] == "/problems/tasks-open"
    assert answered["status"] == "fulfilled"
    unlisted = asked("deactivate_account", person, system="acme")
    refused = await post(client, PATH, unlisted, status=409)
    assert refused["type"] == "/problems/recipient-not-listed"


@pytest.mark.clause("L9")
async def test_how_a_request_was_handled_is_verified_offline(client: httpx.AsyncClient) -> None:
    """Chain, policy, who and when; and not a word about anybody."""
    person = await register(client)
    path = await ask(client, "access", person, text="What do you hold?", proof="login")
    await post(client, f"{path}/approve", DECIDED)
    await post(client, f"{path}/withdraw", {"channel": "phone"})

    bundle = await get(client, f"{path}/evidence")
    previous, own = None, []
    for number, one in enumerate(bundle["entries"], 1):
        raw = one["entry"].encode()
        leaf = hashlib.sha256(b"\x00" + raw).digest()
        core = json.loads(raw.splitlines()[0])
        assert b64decode(one["leaf_hash"]) == leaf
        assert (core["p"], core["n"]) == (previous and b64encode(previous).decode(), number)
        previous = leaf
        if one["of_request"]:
            own.append(core["t"].rpartition(".")[2])

    assert own == ["received", "approved", "withdrawn"]
    assert [one["version"] for one in bundle["policies"]] == ["impel-1"]
    assert not [value for value in (*CONTACT.values(), "What do") if value in str(bundle)]


@pytest.mark.clause("L3")
async def test_letters_are_read_for_the_purpose_of_answering(client: httpx.AsyncClient) -> None:
    path = await ask(client, "access", await register(client))

    other = await client.get(path, headers={"Purpose": "newsletter"})
    none = await client.get(path)

    assert (other.status_code, other.json()["type"]) == (403, "/problems/purpose-not-allowed")
    assert none.json()["type"] == "/problems/purpose-header-missing"


async def test_a_repeated_request_is_recorded_once(client: httpx.AsyncClient) -> None:
    """By its key; and a decision on an outdated record is refused."""
    key = {"idempotency-key": str(uuid4())}
    first = await client.post(PATH, json=asked("access"), headers=key)
    second = await client.post(PATH, json=asked("access"), headers=key)
    path = f"{PATH}/{first.json()['rights_request']['request']}"
    stale = await client.post(
        f"{path}/verify", json={"proof": "login"}, headers={"if-match": '"99"'}
    )

    assert second.headers["idempotent-replayed"] == "true"
    assert second.json()["rights_request"]["request"] == first.json()["rights_request"]["request"]
    assert stale.status_code == 412


async def test_only_a_key_that_may_decide_decides(api: Api, client: httpx.AsyncClient) -> None:
    path = await ask(client, "access", await register(client), proof="login")
    async with await api.client(["rights-requests:write"]) as clerk:
        refused = await post(clerk, f"{path}/approve", DECIDED, status=403)
        withdrawn = await post(clerk, f"{path}/withdraw", {"channel": "email"})

    assert refused["type"] == "/problems/insufficient-scope"
    assert withdrawn["rights_request"]["status"] == "withdrawn"
