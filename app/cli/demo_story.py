"""One person's story, told against the running service: each step checks what it tells."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from app.cli.answers import CommandFailed, ExitCode, refused
from app.cli.demo_cast import SOURCE, Cast, ndjson
from app.cli.import_batches import Batch, Tally, send
from app.cli.service_client import require
from app.clock import random_id, system_clock
from app.policy.loader import packaged_versions

WORDING: Final = "Yes, send me the newsletter. I can stop it at any time."
EVENT: Final = {"purpose": "event_logistics", "categories": ["contact.name", "contact.email"]}
NEWS: Final = {"purpose": "newsletter", "categories": ["contact.name", "contact.email"]}
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
TOLD: Final = {"source": "secretariat"}


@dataclass(slots=True)
class Scene:
    """What the steps share."""

    client: httpx.Client
    cast: Cast
    webhook: str = field(repr=False)
    """The receiver's path, with its secret."""
    policy: str = ""
    subject: str = ""

    def read(self, path: str, **headers: str) -> Any:
        """What the service answers to a read; a personal one names its purpose (L3)."""
        return require(self.client.get(path, headers=headers))

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """One writing request with a key of its own."""
        return self.client.post(path, json=body, headers={"idempotency-key": str(random_id())})

    def record(self, path: str, body: dict[str, Any]) -> Any:
        """One writing request that has to succeed."""
        return require(self.post(path, body))

    def person(self, rest: str = "") -> str:
        """A path of the hero's record."""
        return f"/v1/subjects/{self.subject}{rest}"

    def allowed(self, recipient: str, purpose: str) -> tuple[bool, str]:
        """Whether the hero's data may go there now; if not, why."""
        question = {"subjects": [self.subject], "purpose": purpose, "recipient": recipient}
        [told] = require(self.client.post("/v1/permissions:check", json=question))["answers"]
        return told["allowed"], str(told.get("reason") or "").rpartition("/")[2]

    def announce(self, body: bytes) -> None:
        """Passes one call of Mailchimp on to the receiver."""
        answered = self.client.post(self.webhook, content=body, headers=FORM)
        expect(answered.status_code == httpx.codes.OK, "Mailchimp gets a 200")


Step = Callable[[Scene], str]


def expect(holds: bool, what: str) -> None:  # an assertion reads like this
    """Ends the demo where the service does not keep its promise."""
    if not holds:
        raise CommandFailed(ExitCode.NOT_IN_ORDER, "demo-broken", f"this should hold: {what}")


def tell(scene: Scene) -> Iterator[tuple[str, str]]:
    """Each step's title and what happened in it."""
    for title, step in STEPS:
        yield title, step(scene)


def begin(scene: Scene) -> str:
    """The policy in force, and the papers without which nothing may be shared."""
    current = scene.read("/v1/policies/current")
    scene.policy = current["version"]
    if scene.policy not in packaged_versions():
        raise refused(
            "demo-of-another-policy",
            f"{scene.policy} is in force, and the story is told of {packaged_versions()[-1]}:"
            " start a ledger without POLICY_FILE, with another LEDGER_HOME, to see it",
        )
    today = system_clock().date().isoformat()
    paper = {"kind": "processing", "since": today}
    for recipient in ("azavista", "mailchimp", "google_forms"):
        scene.record(f"/v1/recipients/{recipient}/contracts", paper)
    return f"{scene.policy} is in force, {_texts(scene, current)}; three contracts are on record."


def collect(scene: Scene) -> str:
    """A crowd by import, the hero by the form."""
    tally = Tally()
    batch = Batch(1, ndjson(scene.cast.crowd))
    key = hashlib.sha256(b"".join(batch.lines)).hexdigest()[:40]
    for result in send(scene.client, batch, key=key, dry_run=False):
        tally.count(result)
    expect(not tally.refused, f"every line is recorded, none refused: {tally.document()}")
    registered = scene.record("/v1/subjects", scene.cast.hero.registration)
    scene.subject = registered["subject_id"]
    position = registered["position"]
    return (
        f"{len(batch.lines)} people came by import. {scene.cast.hero.called} filled in the form:"
        f" log position {position}, record {scene.subject}."
    )


def share(scene: Scene) -> str:
    """A share that the policy allows."""
    body = {"recipients": ["azavista"], **EVENT}
    shared = scene.record(scene.person("/disclosures"), body)
    return f"Name and e-mail go to Azavista for a meeting; recorded at {shared['position']}."


def refuse(scene: Scene) -> str:
    """A share that the law forbids, with the reason."""
    refused = scene.post(scene.person("/disclosures"), {"recipients": ["google_forms"], **EVENT})
    problem = refused.json()
    named = problem["type"].endswith("/transfer-no-basis")
    expect(named, "nothing goes to the United States on the Privacy Shield (C30)")
    return f"Google Forms gets nothing: {problem['title']}, whatever the policy says."


def consent(scene: Scene) -> str:
    """A newsletter by double opt-in, and a mechanism on which Mailchimp may have the address."""
    today = system_clock().date().isoformat()
    rest = {"mechanism": "dpf", "since": today, "evidence_on": today}
    scene.record("/v1/recipients/mailchimp/transfer-mechanisms", rest)
    asked = scene.record(
        scene.person("/consents/requests"),
        {
            "purpose": "newsletter",
            "wording_sha256": hashlib.sha256(WORDING.encode()).hexdigest(),
            "language": "sv",
            "policy": scene.policy,
            "source": SOURCE,
        },
    )
    expect(not scene.allowed("mailchimp", "newsletter")[0], "asking alone allows nothing")
    answered = {"occurred_at": _now(), "evidence": "confirmation link, demo"}
    scene.record(scene.person(f"/consents/requests/{asked['request']}/confirmation"), answered)
    expect(scene.allowed("mailchimp", "newsletter")[0], "the confirmed consent allows it")
    scene.record(scene.person("/disclosures"), {"recipients": ["mailchimp"], **NEWS})
    return "A confirmed consent with its evidence; now Mailchimp may have the address, and gets it."


def unsubscribe(scene: Scene) -> str:
    """Mailchimp tells that the person left; what was recorded of others is told as well."""
    scene.announce(scene.cast.unsubscribe)
    allowed, reason = scene.allowed("mailchimp", "newsletter")
    if allowed:
        scene.record(scene.person("/consents/newsletter/withdrawal"), TOLD)
        return "This recording was replayed before, so the person withdraws at the desk instead."
    for body in scene.cast.recordings:
        scene.announce(body)
    more = len(scene.cast.recordings)
    others = f" {more} further recorded calls were taken in." if more else ""
    return f"Mailchimp reports an unsubscribe; from now on: {reason}.{others}"


def object_to(scene: Scene) -> str:
    """An objection takes effect at once."""
    scene.record(scene.person("/objections"), {"recipient": "azavista", **TOLD})
    refused = scene.post(scene.person("/disclosures"), {"recipients": ["azavista"], **EVENT})
    problem = refused.json()
    expect(problem["type"].endswith("/objected"), "no share after an objection")
    return f"An objection to sharing with Azavista; the next share is refused: {problem['title']}."


def access(scene: Scene) -> str:
    """Art. 15: everything, with the recipients by name."""
    report = scene.read(scene.person("/access-report"))
    expect(scene.cast.hero.email in str(report["parts"]["data"]), "the report holds the data")
    told = [one for one in ("Azavista", "Mailchimp") if one in str(report["parts"]["sharing"])]
    expect(len(told) == 2, "the report names who received data")
    return (
        f"The access report has {len(report['parts'])} parts and {len(report['timeline'])} events;"
        f" it names the recipients {' and '.join(told)}."
    )


def portability(scene: Scene) -> str:
    """Art. 20: the person's data to take along."""
    package = scene.read(scene.person("/portability-package"), accept="application/json")
    expect(scene.cast.hero.email in str(package["data"]), "the package holds the data")
    return f"The portability package has {len(package['data'])} values and its JSON Schema."


def erase(scene: Scene) -> str:
    """Art. 17: previewed, then done."""
    plan = scene.read(scene.person("/erasure/preview"))
    expect(bool(plan["recipients_to_tell"]), "recipients have to be told")
    carried = scene.record(scene.person("/erasure"), TOLD)["erasure"]
    kept = len(carried["retained"])
    return (
        f"{len(carried['erased'])} classes of data are unreadable, {kept} stay apart under a law,"
        f" and {len(carried['recipients'])} recipients have to be told."
    )


def gone(scene: Scene) -> str:
    """Nothing reads the person any more, and nothing finds them."""
    read = scene.client.get(scene.person(), headers={"purpose": "network_exchange"})
    expect(read.status_code == httpx.codes.GONE, "an erased person cannot be read")
    sought = {"kind": "email", "value": scene.cast.hero.email}
    found = scene.client.post("/v1/subjects:lookup", json=sought)
    expect(found.status_code == httpx.codes.NOT_FOUND, "an erased person cannot be found")
    return f"Reading: {read.json()['title']}. Looking up the address finds nobody."


STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("Policy", begin),
    ("Collect", collect),
    ("Share", share),
    ("Refuse", refuse),
    ("Consent", consent),
    ("Unsubscribe", unsubscribe),
    ("Object", object_to),
    ("Access", access),
    ("Portability", portability),
    ("Erase", erase),
    ("Gone", gone),
)


def _texts(scene: Scene, current: dict[str, Any]) -> str:
    """Which texts are in the archive; each is served byte for byte as people were shown it."""
    supplied = [text for text in current["texts"] if text["supplied"]]
    for text in supplied:
        served = scene.client.get(text["url"]).content
        expect(hashlib.sha256(served).hexdigest() == text["sha256"], "the text is the one named")
    if not supplied:
        return "its text not yet supplied"
    findings = scene.read(f"/v1/policies/{scene.policy}/findings")["findings"]
    languages = ", ".join(text["language"] for text in supplied)
    return f"its text is archived ({languages}) with {len(findings)} findings"


def _now() -> str:
    moment: datetime = system_clock() - timedelta(milliseconds=1)
    return moment.astimezone(UTC).isoformat()
