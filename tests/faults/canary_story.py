"""Every operation of the API, called with markers in every field: what succeeds, and what fails."""

import copy
import json
import re
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTPUTF8
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx

from app.policy.loader import load, packaged_structure
from app.policy.model import Policy
from app.policy.vocabulary import ValueFormat
from samples import mailchimp
from samples.people import people
from tests.days import today_in_brussels
from tests.faults.canary_receiver import other_controller
from tests.faults.markers import Markers
from tests.propagation.reports import ADDRESS, SAID, returned
from tests.serving import POLICY

Value = dict[str, Any]
Operation = tuple[str, str]

PERSON = "/v1/subjects/{subject_id}"
WORDING = "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"
DESK = {"source": "secretariat"}
KEPT = ("reply_address", "identifiers")
"""Of an order for erasure, what a second person may give again."""
ANSWERING = {"purpose": "rights_requests"}
NOTICE = {"policy": "impel-1", "language": "sv", "channel": "form"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
NOBODY = str(uuid4())
_SWEDISH = {"text_language": "sv"}
REGISTERS = (
    "/v1/disclosures",
    "/v1/recipients",
    "/v1/processing-records",
    "/v1/impact-assessments",
    "/v1/subjects",
    "/v1/consents",
    "/v1/relationships",
    "/v1/merges",
    "/v1/objections",
    "/v1/restrictions",
    "/v1/suppressions",
    "/v1/findings",
    "/v1/retention-due",
    "/v1/rights-requests",
    "/v1/deadlines",
)


def fields(markers: Markers, policy: Policy) -> dict[str, str]:
    """A value for every category of the policy; of two letters there can be no marker."""
    return {
        key: _value(markers, key, category.format, category.max_length)
        for key, category in policy.categories.items()
    }


def _value(markers: Markers, key: str, kind: ValueFormat, length_max: int) -> str:
    match kind:
        case ValueFormat.EMAIL:
            return markers.email(key)
        case ValueFormat.PHONE:
            return markers.phone
        case ValueFormat.ACCOUNT:
            return markers.account
        case ValueFormat.DATE:
            return markers.birth_date if "birth" in key else markers.expiry
        case ValueFormat.COUNTRY:
            return "SE"
        case ValueFormat.LANGUAGE:
            return "sv"
        case ValueFormat.IP_ADDRESS:
            return markers.address
        case _ if key == "identity.document":
            return markers.document
        case _:
            return markers.text(key)[:length_max]


@dataclass(slots=True)
class Story:
    """One run against one service. ``called`` counts the answers of each operation by status."""

    http: httpx.Client
    markers: Markers
    key: str
    webhook_secret: str
    policy: Policy = field(default_factory=lambda: load(packaged_structure(POLICY)))
    called: dict[Operation, Counter[int]] = field(default_factory=dict)
    collected: set[str] = field(default_factory=set)
    refused: dict[str, set[str]] = field(default_factory=dict)
    """Category -> why it was refused, before it was collected or for ever."""
    people: dict[str, str] = field(default_factory=dict)
    """Subject id -> what was done to the person."""
    second: str = ""
    """A second key, for what one key alone cannot do."""
    calendar_key: str = ""
    """A key that stands in the address of a calendar."""

    def call(
        self, method: str, template: str, *, path: Mapping[str, str] | None = None, **sent: Any
    ) -> httpx.Response:
        """One request, with the key of the installation unless it has headers of its own."""
        headers = {
            "authorization": f"Bearer {self.key}",
            "idempotency-key": str(uuid4()),
            **sent.pop("headers", {}),
        }
        address = template.format(**(path or {}))
        with self.http.stream(method, address, headers=headers, **sent) as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                next(answer.iter_raw())  # it would go on for ever
            else:
                answer.read()
        self.called.setdefault((method, template), Counter())[answer.status_code] += 1
        return answer

    def done(self, method: str, template: str, **sent: Any) -> Any:
        """One request that must succeed; its JSON, when it has any."""
        answer = self.call(method, template, **sent)
        assert answer.status_code in (200, 201), (method, template, answer.json().get("type"))
        told = "json" in answer.headers.get("content-type", "")
        return answer.json() if told and answer.content else None

    def register(self, what: str, **more: Any) -> str:
        """Somebody with a name and addresses of their own."""
        contact = {
            "contact.name": self.markers.text(f"name {what}"),
            "contact.email": self.markers.email(f"first.{what}"),
        }
        obtained = [
            {"purpose": "event_logistics", "data": contact},
            {"purpose": "newsletter", "data": contact},
        ]
        body = {"source": "registration_form", "verification": "link", "obtained": obtained, **more}
        subject = str(self.done("POST", "/v1/subjects", json=body)["subject_id"])
        self.people[subject] = what
        return subject

    # --- what succeeds ---

    def tell(self) -> None:
        """Everything that is recorded about people, once, and everything that is read."""
        self._arrange()
        for key, value in fields(self.markers, self.policy).items():
            self._collect(self.register(f"of.{key.replace('_', '')}"), key, value)
        self._rectify_and_refer(self.register("a"))
        self._consents(self.register("b"))
        self._objections(self.register("c"))
        self._restrictions(self.register("d"))
        self._rights_requests(self.register("e"))
        self._transmissions(self.register("f"))
        self._photographs(self.register("g", notice=NOTICE))
        self._accounts(self.register("k"))
        self._two_records()
        self._imports()
        self._tables()
        self._webhooks()
        self._breaches()
        for subject in list(self.people)[:3]:
            self._read(subject)
        self._public()
        self._newsletter()
        self._mails()
        self._answered()

    def _arrange(self) -> None:
        today = today_in_brussels().isoformat()
        recipient = "/v1/recipients/{recipient}"
        named = {"recipient": "mailchimp"}
        contract = {"kind": "processing", "since": "2020-01-01"}
        ground = {"mechanism": "dpf", "since": "2024-01-01", "evidence_on": today}
        self.done("POST", f"{recipient}/contracts", path=named, json=contract)
        self.done("POST", f"{recipient}/transfer-mechanisms", path=named, json=ground)
        other = {"recipient": "google_forms"}
        self.done("POST", f"{recipient}/contracts", path=other, json=contract)
        self.done("POST", f"{recipient}/contracts/end", path=other, json={"on": today})
        lapse = {"mechanism": "dpf", "on": today, "recipient": "google_forms"}
        self.call("POST", "/v1/transfer-mechanisms/lapses", json=lapse)
        category = {"category": "profile.gender"}
        outcome = {"outcome": "necessary"}
        code, decision = {"code": "X4"}, {"outcome": "accepted"}
        self.done("POST", "/v1/findings/{code}/decision", path=code, json=decision)
        self.done("POST", "/v1/categories/{category}/necessity", path=category, json=outcome)

    def _collect(self, subject: str, category: str, value: str) -> None:
        """For the first purpose and source that the policy allows; refused under the others."""
        flag = self.policy.categories[category].requires_flag
        known = {**self.policy.purposes, **self.policy.uses, **self.policy.statutory}
        del known["erasure_execution"]  # what an erasure seals for itself; nobody collects for it
        allowing = [key for key, purpose in known.items() if category in purpose.categories]
        for purpose in [*allowing, *(key for key in known if key not in allowing)][:12]:
            if known[purpose].legal_basis.value == "consent":
                self._consent(subject, purpose)
            body = {
                "purpose": purpose,
                "data": {category: value},
                "flags": [flag] if flag else [],
                **DESK,
            }
            path = {"subject_id": subject}
            answer = self.call("POST", f"{PERSON}/collections", path=path, json=body)
            if answer.status_code == 201:
                self.collected.add(category)
                return
            self.refused.setdefault(category, set()).add(answer.json()["type"])

    def _consent(self, subject: str, purpose: str) -> httpx.Response:
        path = {"subject_id": subject}
        return self.call("POST", f"{PERSON}/consents", path=path, json=self._proof(purpose))

    def _proof(self, purpose: str) -> Value:
        return {
            **self._wording(purpose),
            "method": "form",
            "occurred_at": datetime.now(UTC).isoformat(),
            "evidence": self.markers.text("evidence"),
        }

    def _wording(self, purpose: str) -> Value:
        return {
            "purpose": purpose,
            "wording_sha256": WORDING,
            "language": "sv",
            "policy": POLICY,
            "source": "registration_form",
        }

    def _rectify_and_refer(self, subject: str) -> None:
        path, text = {"subject_id": subject}, self.markers.text
        corrected = {
            "data": {"contact.name": text("corrected")},
            "statements": {"contact.name": text("supplement")},
            **DESK,
        }
        stale = {"if-match": '"999"'}
        self.call("POST", f"{PERSON}/rectifications", path=path, json=corrected, headers=stale)
        self.done("POST", f"{PERSON}/rectifications", path=path, json=corrected)
        relationship = {"kind": "event_attendee", "occasion": str(uuid4())}
        self.done("POST", f"{PERSON}/relationships", path=path, json=relationship)
        self.done("POST", f"{PERSON}/relationships/end", path=path, json=relationship)
        notice = {"policy": POLICY, "language": "sv", "channel": "form"}
        self.done("POST", f"{PERSON}/notices", path=path, json=notice)
        file = {
            "system": "onedrive",
            "title": text("file title"),
            "category": "signature.attendance",
            "purpose": "accounting",
            "file": str(uuid4()),
            **DESK,
        }
        self.done("POST", f"{PERSON}/files", path=path, json=file)
        identifier = {
            "category": "contact.email",
            "value": self.markers.email("second"),
            "purpose": "network_exchange",
            "source": "registration_form",
            "verification": "link",
        }
        claimed = self.done("POST", f"{PERSON}/identifiers", path=path, json=identifier)
        numbered = {**path, "identifier": str(claimed["events"][0]["version"])}
        verified = f"{PERSON}/identifiers/{{identifier}}/verification"
        self.done("POST", verified, path=numbered, json={"verification": "desk"})
        sharing = {
            "recipients": ["hotels"],
            "purpose": "event_logistics",
            "categories": ["contact.name", "contact.email"],
            "country": "BE",
        }
        self.done("POST", f"{PERSON}/disclosures", path=path, json=sharing)
        self.done("POST", f"{PERSON}/child-discovery", path=path, json=DESK)

    def _consents(self, subject: str) -> None:
        path = {"subject_id": subject}
        wording = self._wording("newsletter")
        asked = self.done("POST", f"{PERSON}/consents/requests", path=path, json=wording)
        confirmed = {
            "occurred_at": datetime.now(UTC).isoformat(),
            "evidence": self.markers.text("confirmation"),
        }
        numbered = {**path, "request_id": _id(asked, "request")}
        template = f"{PERSON}/consents/requests/{{request_id}}/confirmation"
        self.done("POST", template, path=numbered, json=confirmed)
        transfer = {**self._proof("event_security"), "recipient": "hosts", "country": "US"}
        self.call("POST", f"{PERSON}/consents/transfers", path=path, json=transfer)
        purpose = {**path, "purpose": "newsletter"}
        template = f"{PERSON}/consents/{{purpose}}/receipt"
        self.done("GET", template, path=purpose, headers=ANSWERING)
        withdrawal = {"source": "self_service"}
        self.done(
            "POST", f"{PERSON}/consents/{{purpose}}/withdrawal", path=purpose, json=withdrawal
        )

    def _objections(self, subject: str) -> None:
        path = {"subject_id": subject}
        for ending, purpose, body in (
            ("upholding", "event_logistics", {}),
            ("overriding", "payments", {"grounds": self.markers.text("compelling grounds")}),
            ("withdrawal", "network_exchange", {}),
        ):
            objection = {"purpose": purpose, "statement": self.markers.text("objection"), **DESK}
            raised = self.done("POST", f"{PERSON}/objections", path=path, json=objection)
            numbered = {**path, "objection": raised["objection"]}
            template = f"{PERSON}/objections/{{objection}}/{ending}"
            self.done("POST", template, path=numbered, json=body)

    def _restrictions(self, subject: str) -> None:
        path = {"subject_id": subject}
        body = {"ground": "unlawful", "statement": self.markers.text("restriction"), **DESK}
        set_ = self.done("POST", f"{PERSON}/restrictions", path=path, json=body)
        named = {"restriction": set_["restriction"]}
        announced = {**named, "channel": "post"}
        announcement = f"{PERSON}/restrictions/lift/announcement"
        self.done("POST", announcement, path=path, json=announced)
        self.done("POST", f"{PERSON}/restrictions/lift", path=path, json=named)

    def _rights_requests(self, subject: str) -> None:
        """One by somebody who is known and one by a stranger, with every step of each."""
        text, path = self.markers.text, "/v1/rights-requests"
        one, signed = f"{path}/{{request}}", {"decided_by": NOBODY}
        told = {**signed, "told_by": "email"}

        def ask(right: str, **more: Any) -> Value:
            body = {"right": right, "channel": "email", "text": text("request"), **more}
            made = self.done("POST", path, json=body)
            return {"request": made["rights_request"]["request"]}

        def step(name: str, named: Value, **body: Any) -> Value:
            done: Value = self.done("POST", f"{one}/{name}", path=named, json=body)
            return done

        earlier = {"received_at": "2026-01-05T09:00:00Z", "evidence_note": text("stamp")}
        first = ask("other", subject_id=subject, reply_address=text("reply"), **earlier)
        second = ask("rectification", subject_id=subject)
        third = ask("rectification", subject_id=subject, proof="login")
        step("triage", first, right="erasure", **signed)
        step("doubt", second, grounds=text("doubt"), **told)
        step("answer-doubt", second, text=text("answer"))
        step("verify", second, proof="callback")
        step("extend", second, ground="a12_complexity", reasons=text("reasons"), **told)
        step("duplicate", third, into=second["request"], **signed)
        step("tasks", second, kind="look_into_system", recipient="onedrive")
        closing = {"outcome": "done", "note": text("task")}
        numbered = {**second, "task": "1"}
        self.done("POST", f"{one}/tasks/{{task}}/closing", path=numbered, json=closing)
        step("approve", second, **signed)
        corrected = {"data": {"contact.name": text("name")}, **DESK}
        whom = {"subject_id": subject}
        self.done("POST", f"{PERSON}/rectifications", path=whom, json=corrected)
        step("fulfil", second, note=text("answered"), **told)
        texts = {name: text(name) for name in ("reasons", "complaint", "remedy")}
        step("refuse", first, ground="a17_legal_claims", **texts, **told)
        stranger, fourth = ask("access"), ask("access")
        step("cannot-identify", stranger, reasons=text("who"), **told)
        step("identify", fourth, subject_id=subject, proof="known_facts", **signed)
        step("withdraw", ask("access"), channel="post")
        self.done("GET", one, path=second, headers=ANSWERING)
        self.done("GET", f"{one}/evidence", path=second)
        assert self.call("GET", "/v1/deadlines/calendar").status_code == 200
        self.done("GET", "/calendars/{token}", path={"token": self.calendar_key})

    def _transmissions(self, subject: str) -> None:
        """Sent to somebody else, and taken in as it was handed out."""
        one, path = "/v1/receivers/{receiver}", {"subject_id": subject}
        asked = {"subject_id": subject, "right": "portability", "channel": "web", "proof": "login"}
        request = self.done("POST", "/v1/rights-requests", json=asked)["rights_request"]["request"]
        wish = {"host": "127.0.0.1", "request": request, **DESK}
        self.call("POST", f"{PERSON}/transmissions", path=path, json=wish)
        with other_controller() as other:
            url = f"http://127.0.0.1:{other.port}/{self.markers.text('inbox').encode().hex()}"
            made = self.done("POST", "/v1/receivers", json={"url": url, "key": other.key})
            other.show(made["challenge_path"], made["challenge"])
            named = {"receiver": made["receiver"]}
            self.done("POST", f"{one}/proof", path=named)
            other_key = {"authorization": f"Bearer {self.second}"}
            self.done("POST", f"{one}/approval", path=named, headers=other_key)
            self.call("POST", f"{PERSON}/transmissions", path=path, json=wish)
            until(lambda: other.taken)
            package = other.opened()
        self.call("POST", f"{PERSON}/transmissions", path=path, json=wish)
        waiting = self.done("GET", f"{PERSON}/transmissions", path=path, headers=ANSWERING)
        last = waiting["transmissions"][-1]["transmission"]
        call_off = {**path, "transmission": last}
        self.done(
            "POST", f"{PERSON}/transmissions/{{transmission}}/withdrawal", path=call_off, json=DESK
        )
        self.done("POST", f"{one}/withdrawal", path=named)
        self.done("GET", "/v1/receivers")
        kind = {"content-type": "application/zip"}
        self.done("POST", "/v1/imports/packages", content=package, headers=kind)
        self.done("GET", "/v1/signing-keys")

    def _photographs(self, subject: str) -> None:
        """A title and reasons are sealed; what is shown where is ids and words."""
        photo = str(uuid4())
        path, shown = {"subject_id": subject}, {"subject_id": subject, "photo": photo}
        title = self.markers.text("title photo")
        taken = {"photo": photo, "system": "onedrive", "title": title, "source": "photographer"}
        self.done("POST", f"{PERSON}/photos", path=path, json=taken)
        one = f"{PERSON}/photos/{{photo}}"
        place = {"purpose": "photo_website", "recipient": "website"}
        self.done("POST", f"{one}/publications", path=shown, json=place)
        reasons = {**DESK, "statement": self.markers.text("reasons photo")}
        raised = self.done("POST", f"{one}/objections", path=shown, json=reasons)
        self.done("POST", f"{one}/take-downs", path=shown, json=place)
        told = {**place, "audience": "search_engines"}
        self.done("POST", f"{one}/removal-announcements", path=shown, json=told)
        self.done("GET", f"{PERSON}/photos", path=path, headers=ANSWERING)
        self.done("GET", "/v1/photo-duties")
        withdrawal = f"{PERSON}/photo-objections/{{objection}}/withdrawal"
        self.done("POST", withdrawal, path={**path, "objection": raised["objection"]})

    def _accounts(self, subject: str) -> None:
        """An account, a contribution and a visitor are nothing but ids."""
        account, path = str(uuid4()), {"subject_id": subject}
        opened = {"account": account, "system": "basecamp", "source": "basecamp"}
        self.done("POST", f"{PERSON}/accounts", path=path, json=opened)
        contribution = {"contribution": str(uuid4()), "account": account}
        self.done("POST", f"{PERSON}/contributions", path=path, json=contribution)
        one, named = f"{PERSON}/accounts/{{account}}", {**path, "account": account}
        self.done("POST", f"{one}/deactivation-requests", path=named, json=DESK)
        closed = {"actor": "self", "source": "basecamp"}
        self.done("POST", f"{one}/deactivation", path=named, json=closed)
        self.done("GET", f"{PERSON}/accounts", path=path, headers=ANSWERING)
        self.done("GET", f"{PERSON}/contributions", path=path, headers=ANSWERING)
        visitor = {"visitor": str(uuid4())}
        banner = {"banner": "banner-1", "language": "sv", "method": "banner"}
        answers = {"categories": {"statistics": "accepted"}}
        self.done("POST", "/v1/cookie-choices", json={**visitor, **banner, **answers})
        self.done("POST", "/v1/cookie-choices:lookup", json=visitor)
        asked = {**visitor, "category": "statistics"}
        self.done("POST", "/v1/cookie-permissions:check", json=asked)
        assessment = {
            "assessment": str(uuid4()),
            "purpose": "photos",
            "document_sha256": WORDING,
            "assessed_on": today_in_brussels().isoformat(),
            "outcome": "prevails",
        }
        self.done("POST", "/v1/legitimate-interest-assessments", json=assessment)
        self.done("GET", "/v1/legitimate-interest-assessments")

    def _two_records(self) -> None:
        """Nothing of one record is copied to the other; a split collects anew, under seal."""
        other_key = {"authorization": f"Bearer {self.second}"}
        survivor, absorbed = self.register("h"), self.register("i")
        pair = {"survivor": survivor, "absorbed": absorbed}

        def decide(merge: str, step: str) -> None:
            path = {"merge": merge}
            one = f"/v1/merges/{{merge}}/{step}"
            self.done("POST", one, path=path, json=pair, headers=other_key)

        made: Value = {}
        for steps in (("reject",), ("approve", "renewal", "revert")):
            made = self.done("POST", "/v1/merges", json={**pair, "ground": "control"})
            for step in steps:
                decide(made["merge"], step)
        self.done("GET", f"{PERSON}/merges", path={"subject_id": survivor}, headers=ANSWERING)
        release = f"{PERSON}/inherited-matters/{{merge}}/release"
        self.done("POST", release, path={"subject_id": absorbed, "merge": made["merge"]})
        self._two_people(survivor, other_key)

    def _two_people(self, subject: str, other_key: Value) -> None:
        path, record = {"subject_id": subject}, {"subject_id": subject}
        theirs = {"contact.name": self.markers.text("name of another")}
        body = {"purpose": "event_logistics", "data": theirs, **DESK}
        receipt = self.done("POST", f"{PERSON}/collections", path=path, json=body)
        versions = [receipt["events"][0]["version"]]
        done: Value = {}
        for step in ("reject", "approve"):
            made = self.done("POST", "/v1/splits", json={**record, "versions": versions})
            one, named = f"/v1/splits/{{split}}/{step}", {"split": made["split"]}
            done = self.done("POST", one, path=named, json=record, headers=other_key)
        self.people[str(done["offshoot"])] = "j"

    def _imports(self) -> None:
        good = {
            "source": "import",
            "obtained": [
                {
                    "purpose": "network_exchange",
                    "data": {
                        "contact.name": self.markers.text("import"),
                        "contact.email": self.markers.email("import"),
                    },
                }
            ],
            "consents": [{"purpose": "newsletter"}],
        }
        lines = [
            httpx.Response(200, json=good).content,
            b'{"source": "' + self.markers.word.encode() + b'"',
            b'{"' + self.markers.word.encode() + b'": 1}',
            b'{"source": "' + b"x" * 70_000 + self.markers.word.encode() + b'"}',
        ]
        for query in ({"dry_run": "true"}, {}):
            headers = {"content-type": "application/x-ndjson"}
            body = b"\n".join(lines)
            self.call("POST", "/v1/imports", params=query, content=body, headers=headers)

    def _tables(self) -> None:
        """A mapping that fits and ones that do not, with rows that cannot be read."""
        word = self.markers.word
        head = f"{word};E-mail\r\n"
        rows = [
            f"{self.markers.text('table')};{self.markers.email('table')}\r\n",
            f"{word};{word};{word}\r\n",
            f'"{word}" {word};{word}\r\n',
            f"{word}\x00;{word}\r\n",
            f'{word};"{word}\r\n',
        ]
        body = (head + "".join(rows)).encode() + b"\xff" + word.encode()
        data = {"contact.name": {"column": word}, "contact.email": {"column": "E-mail"}}
        good = {
            "source": "import",
            "obtained": [{"purpose": "network_exchange", "data": data}],
        }
        mappings = [
            good,
            good | {word: word},
            good | {"source": word},
            good | {"region": {"column": f"{word} {word}"}},
            good | {"region": {"column": "E-mail", "values": {"a": word}}},
        ]
        for mapping in mappings:
            header = urlsafe_b64encode(json.dumps(mapping).encode()).decode()
            headers = {"content-type": "text/csv", "import-mapping": header}
            self.call("POST", "/v1/imports", content=body, headers=headers)
            self.call("POST", "/v1/imports", content=body[:5] + b'"', headers=headers)

    def _breaches(self) -> None:
        """What lay where sharing went; those concerned are told at the addresses that are held."""
        now, word = datetime.now(UTC).isoformat(), self.markers.word
        span = {"recipient": "hotels", "from": "2020-01-01T00:00:00Z"}
        found = {**span, "nature": ["confidentiality"], "aware_at": now}
        self.call("POST", "/v1/breaches", json=found | {"description": word})
        self.call("POST", "/v1/breaches", json=found | {"recipient": word})
        path = {"breach": str(self.done("POST", "/v1/breaches", json=found)["breach"])}
        one = "/v1/breaches/{breach}"
        self.done("POST", "/v1/breaches:radius", json=span)
        self.done("POST", f"{one}/assessments", path=path, json={"risk": "high"})
        told = {"audience": "subjects", "complete": True}
        self.done("POST", f"{one}/notifications", path=path, json=told)
        self.done("GET", one, path=path)
        reading = {"purpose": "breach_notification"}
        for form in ("json", "csv", "xlsx"):
            query = {"format": form}
            assert self.call("GET", "/v1/breaches", params=query).status_code == 200
            people = self.call("GET", f"{one}/people", path=path, headers=reading, params=query)
            assert people.status_code == 200
            assert form == "xlsx" or word in people.text, "the addresses were opened"
        self.done("GET", "/v1/transfers/impact", params={"on": "2027-03-01"})

    def _webhooks(self) -> None:
        """The six types, about somebody known and somebody who is not."""
        template, at = "/webhooks/{system}/{secret}", datetime.now(UTC)
        path = {"system": "mailchimp", "secret": self.webhook_secret}
        self.done("GET", template, path=path)
        stand_in = people()[0]
        known, unknown = self.markers.email("first.b"), self.markers.email("unknown")
        for email in (known, unknown):
            for body in (
                mailchimp.subscribe(stand_in, fired_at=at),
                mailchimp.profile(stand_in, fired_at=at),
                mailchimp.upemail(stand_in, self.markers.email("moved"), fired_at=at),
                mailchimp.cleaned(stand_in, fired_at=at),
                mailchimp.cleaned(stand_in, fired_at=at, reason="abuse"),
                mailchimp.campaign(fired_at=at),
                mailchimp.unsubscribe(stand_in, fired_at=at),
                mailchimp.unsubscribe(stand_in, fired_at=at, action=None, reason=None),
            ):
                marked = _marked(body, stand_in.email, email, self.markers)
                self.done("POST", template, path=path, content=marked, headers=FORM)
        for wrong in (self.markers.word.encode(), b"type=unsubscribe&data[" + known.encode()):
            self.call("POST", template, path=path, content=wrong, headers=FORM)

    def _read(self, subject: str) -> None:
        path = {"subject_id": subject}
        for headers, query in (
            ({"purpose": "event_logistics"}, {}),
            ({"purpose": "payments"}, {"reveal": "financial.account"}),
            ({"purpose": "newsletter"}, {"as_of": datetime.now(UTC).isoformat()}),
        ):
            self.call("GET", PERSON, path=path, headers=headers, params=query)
        for ending in (
            *("events", "consents", "disclosures", "objections", "restrictions", "erasure"),
            *("erasure/preview", "access-report", "portability-package"),
        ):
            self.done("GET", f"{PERSON}/{ending}", path=path, headers=ANSWERING)
        for register in REGISTERS:
            for form in ("json", "csv", "xlsx"):
                query = {"format": form}
                answer = self.call("GET", register, headers=ANSWERING, params=query)
                assert answer.status_code == 200, (register, form, answer.status_code)
        asked = {"subjects": [subject], "purpose": "newsletter", "recipient": "mailchimp"}
        self.done("POST", "/v1/permissions:check", json=asked)
        for email in (self.markers.email("first.a"), self.markers.email("nobody")):
            wanted = {"kind": "email", "value": email}
            self.call("POST", "/v1/subjects:lookup", json=wanted)
        number = {"kind": "phone", "value": self.markers.phone}
        self.call("POST", "/v1/subjects:lookup", json=number)

    def _public(self) -> None:
        for path in (
            *("/v1/policies/current", "/v1/recipients", "/v1/event-types"),
            *("/v1/schemas/portability-package", "/problems", "/livez", "/readyz"),
        ):
            self.done("GET", path)
        self.done("GET", "/v1/policies", params={"as_of": datetime.now(UTC).isoformat()})
        version = {"version": POLICY}
        self.done("GET", "/v1/policies/{version}", path=version)
        self.call("GET", "/v1/policies/{version}/findings", path=version)
        text = {**version, "language": "sv"}
        self.call("GET", "/v1/policies/{version}/texts/{language}", path=text)
        self.done("GET", "/problems/{slug}", path={"slug": "not-found"})
        schema = {"event_type": "consent.given", "schema_version": "1"}
        self.done("GET", "/v1/event-types/{event_type}/schemas/{schema_version}", path=schema)
        self.done("GET", "/v1/events")
        self.call("GET", "/v1/events/stream")
        self._log()
        self._subscribe()

    def _page(self, method: str, place: str, **sent: Any) -> str:
        """A page for people, by the path that a mail or a browser has."""
        kind, _, token = place.strip("/").partition("/")
        template = f"/{kind}/{{token}}" if token else place
        answer = self.call(method, template, path={"token": token}, **sent)
        assert answer.status_code == 200, (method, template)
        return answer.text

    def _newsletter(self) -> None:
        """From a public form to a subscriber, out again, and every page on the way."""
        wording = self.done("GET", "/v1/newsletter/wording", params={"language": "sv"})
        wanted = {"email": self.markers.email("newsletter"), "wording_sha256": wording["sha256"]}
        assert self.call("POST", "/v1/newsletter/sign-ups", json=wanted).status_code == 202
        self._page("GET", "/newsletter")
        form = {"email": self.markers.email("form"), "wording": wording["sha256"]}
        self._page("POST", "/newsletter", data=form)
        until(lambda: len(list(self._waiting("confirm"))) >= 2)
        for link in list(self._waiting("confirm")):
            self._page("GET", link)
            self._page("POST", link)
        archive = {"version": POLICY, "against": POLICY}
        assert self.call("GET", "/privacy").status_code == 200
        changes = "/privacy/{version}/changes/{against}"
        assert self.call("GET", changes, path=archive).status_code == 200
        self.call("GET", "/privacy/{version}/{text_language}", path={**archive, **_SWEDISH})
        self.done("GET", "/v1/policies/{version}/diff/{against}", path=archive)

    def _answered(self) -> None:
        """A copy that is fetched by the link in the letter that answers a request."""
        subject = self.register("f", source="member_organisation")
        asked = {"subject_id": subject, "right": "access", "channel": "email", "proof": "login"}
        made = self.done("POST", "/v1/rights-requests", json=asked)["rights_request"]
        one, named = "/v1/rights-requests/{request}", {"request": made["request"]}
        self.done("POST", f"{one}/approve", path=named, json={"decided_by": NOBODY})
        report = "/v1/subjects/{subject_id}/access-report"
        self.done("GET", report, path={"subject_id": subject})
        told = {"decided_by": NOBODY, "told_by": "email"}
        self.done("POST", f"{one}/fulfil", path=named, json=told)
        until(lambda: len(list(self._waiting("answers"))) >= 1)
        for link in list(self._waiting("answers")):
            self._page("GET", link)
            self._page("POST", link, data={"form": "page"})

    def _waiting(self, kind: str) -> Iterator[str]:
        """The links in what waits to be sent; letters that wait beside it are looked at."""
        message = "/v1/subjects/{subject_id}/mails/{mail_id}"
        tasks = self.done("GET", "/v1/mail-tasks", params={"limit": 200})["items"]
        for task in tasks:
            named = {"subject_id": task["subject_id"], "mail_id": task["mail"]}
            form = "letter" if task["reason"] == "to_be_printed" else "message"
            waiting = self.call("GET", f"{message}/{form}", path=named, headers=ANSWERING)
            if form == "message" and waiting.status_code == 200:
                parsed = message_from_bytes(waiting.content, policy=SMTPUTF8)
                body = parsed.get_body(("plain",))
                assert body is not None
                yield from re.findall(rf"/{kind}/[A-Za-z0-9_-]+", body.get_content())

    def _mails(self) -> None:
        """Letters that are posted, links in them, and what a human says came of them."""
        subject = {"subject_id": self.register("f", source="member_organisation")}
        notice = "/v1/subjects/{subject_id}/notices/mail"
        posted = self.done("POST", notice, path=subject, json={"kind": "obtained"})
        outcome = "/v1/subjects/{subject_id}/mails/{mail_id}/outcome"
        named = {**subject, "mail_id": posted["mail"]}
        self.done("POST", outcome, path=named, json={"outcome": "posted"})
        asked = self._ask_again(subject["subject_id"])
        again = "/v1/subjects/{subject_id}/consents/requests/{request_id}/mail"
        asking = {**subject, "request_id": asked}
        sent = self.done("POST", again, path=asking, json={"language": "sv"})["mail"]
        self._returned({**subject, "mail_id": sent})
        links = "/v1/subjects/{subject_id}/links"
        for kind in ("mailing", "policy"):
            wanted = {"kind": kind, "purpose": "newsletter"}
            place = urlsplit(self.done("POST", links, path=subject, json=wanted)["url"]).path
            self._page("GET", place)
            if kind == "mailing":
                spoken = place.replace("unsubscribe", "preferences")
                self._page("POST", spoken, data={"language": "fr"})
            self._page("POST", place, data={"choice": "object"})
        self.done("POST", f"{links}/revocation", path=subject)
        for register in ("/v1/mails", "/v1/notices", "/v1/notices-due"):
            self.done("GET", register, headers=ANSWERING)

    def _returned(self, named: Mapping[str, str]) -> None:
        """A mail that a human sent comes back; what servers write of it is marked throughout."""
        one, reports = "/v1/subjects/{subject_id}/mails/{mail_id}", "/v1/mails/delivery-reports"
        message = self.call("GET", f"{one}/message", path=named, headers=ANSWERING)
        self.done("POST", f"{one}/outcome", path=named, json={"outcome": "sent"})
        report = returned(message.content).decode()
        for old, new in ((ADDRESS, self.markers.email("returned")), (SAID, self.markers.word)):
            report = report.replace(old, new)
        kind = {"content-type": "message/rfc822"}
        for wrong in (report.replace("Action: failed", "Action: lost"), report.replace("@", "")):
            refused = self.call("POST", reports, content=wrong.encode(), headers=kind)
            assert refused.status_code == 422
        self.done("POST", reports, content=report.encode(), headers=kind)

    def _ask_again(self, subject: str) -> str:
        """A consent that waits for its confirmation."""
        wording = {
            "purpose": "newsletter",
            "wording_sha256": WORDING,
            "language": "sv",
            "policy": POLICY,
            **DESK,
        }
        asked = self.done(
            "POST", f"{PERSON}/consents/requests", path={"subject_id": subject}, json=wording
        )
        return str(asked["request"])

    def _log(self) -> None:
        """The transparency log, once the integrator has signed a first entry."""
        tile = {"tile": "0/000.p/1"}
        until(lambda: self.call("GET", "/log/tile/{tile}", path=tile).status_code == 200)
        self.done("GET", "/log/tile/entries/{tile}", path={"tile": "000.p/1"})
        self.done("GET", "/log/checkpoint")
        self.done("GET", "/log/policy")
        self.done("GET", "/log/proof/inclusion", params={"position": 0})
        self.done("GET", "/log/proof/consistency", params={"from": 1})

    def _subscribe(self) -> None:
        """An address with a marker in it, and a receiver that is not there."""
        one, path = "/v1/subscriptions/{subscription_id}", "/v1/subscriptions"
        address = f"http://127.0.0.1:9/{self.markers.text('hook').replace(' ', '_')}"
        address = address.encode("ascii", "ignore").decode()
        made = self.done("POST", path, json={"url": address, "after": -1, "scheme": "v1"})
        named = {"subscription_id": made["subscription_id"]}
        failure = {**named, "position": "0"}
        until(lambda: self.done("GET", f"{one}/failures", path=named)["items"])
        answer = self.call("POST", f"{one}/failures/{{position}}/replay", path=failure)
        assert answer.status_code == 202
        self.done("POST", f"{one}/replays", path=named, json={"after": -1})
        self.done("POST", f"{one}/rotation", path=named, json={})
        self.done("PATCH", one, path=named, json={"state": "paused"})
        self.done("GET", one, path=named)
        self.done("GET", path)
        passing = self.done("POST", path, json={"url": address})
        gone = {"subscription_id": passing["subscription_id"]}
        assert self.call("DELETE", one, path=gone).status_code == 204

    # --- what fails ---

    def fail(self, document: Value) -> None:
        """Every operation of the OpenAPI document, spoilt in every way, about one person."""
        subject = self.register("spoilt")
        for template, methods in document["paths"].items():
            for method, operation in methods.items():
                body = _example(operation, document)
                self._spoil(method.upper(), template, body, subject)

    def _spoil(self, method: str, template: str, body: Any, subject: str) -> None:
        word, text = self.markers.word, self.markers.text("spoilt")
        right = _path(template, subject, self.webhook_secret)
        marked_headers = {
            **dict.fromkeys(("user-agent", "referer", "cookie", "x-forwarded-for", "origin"), word),
            **dict.fromkeys(("purpose", "if-match", "if-none-match", "traceparent"), word),
            "idempotency-key": word + str(uuid4()),
        }
        query = dict.fromkeys(
            ("q", "as_of", "cursor", "limit", "reveal", "purpose", "profile"), word
        )
        for name in right:
            wrong = {**right, name: word}
            self.call(method, template, path=wrong, json=body, params=query, headers=marked_headers)
        for headers in (
            marked_headers,
            {**marked_headers, "authorization": f"Bearer {word}"},
            {"purpose": word},
            {"idempotency-key": word},
            {"if-match": f'"{word}"'},
        ):
            self.call(method, template, path=right, json=body, headers=headers)
        self.call(method, template, path=right, json=body, params=query)
        if method != "POST":
            return
        for raw, kind in self._wrong_bodies(text):
            self.call(method, template, path=right, content=raw, headers={"content-type": kind})
        for spoilt in _spoilt(body, (word, text, self.markers.email("spoilt"))):
            self.call(method, template, path=right, json=spoilt)

    def _wrong_bodies(self, text: str) -> Iterator[tuple[bytes, str]]:
        word, kind = text.encode(), "application/json"
        yield word, "text/plain"
        yield word, "application/x-www-form-urlencoded"
        yield b'{"source": "' + word, kind
        yield b'{"source": "' + word + b'", "source": "' + word + b'"}', kind
        yield b'{"source": "\\ud800' + word + b'"}', kind
        yield b'{"source": "\\u0000' + word + b'"}', kind
        yield b'["' + word + b'"]', kind
        yield b"\xff" + word, kind
        yield b'{"source": "' + word + b"x" * 1_100_000 + b'"}', kind

    # --- what is erased ---

    def erase(self) -> None:
        """Everybody, with a statement, an address and an identifier; then nobody is read."""
        path = {"subject_id": next(iter(self.people))}
        template = f"{PERSON}/erasure/{{erasure}}"
        preview = self._order("preview")
        self.done("POST", f"{PERSON}/erasure", path=path, json={**preview, "preview": True})
        self.hold(path)
        for subject, what in self.people.items():
            path = {"subject_id": subject}
            answer = self.call("POST", f"{PERSON}/erasure", path=path, json=self._order("erasure"))
            assert answer.status_code == 201, (what, answer.json().get("type"))
            erasing = answer.json()["erasure"]
            numbered = {**path, "erasure": erasing["erasure"]}
            for told in erasing["recipients"]:
                informed = {"recipient": told["key"], "outcome": "informed"}
                self.call("POST", f"{template}/recipients", path=numbered, json=informed)
            order = {name: value for name, value in self._order("approval").items() if name in KEPT}
            self.done("POST", f"{template}/approval", path=numbered, json=order)
            self.call("POST", f"{template}/closing", path=numbered)
            for form in ("json", "html", "pdf"):
                asked = {"format": form}
                self.done("GET", f"{template}/certificate", path=numbered, params=asked)
            assured = {"level": "e2", "classes": [erasing["erased"][0]["retention_class"]]}
            self.call("POST", f"{template}/assurance", path=numbered, json=assured)
            self.call("POST", f"{template}/withdrawal", path=numbered)
            gone = self.call("GET", PERSON, path=path, headers={"purpose": "event_logistics"})
            assert gone.status_code == 410

    def hold(self, path: Mapping[str, str]) -> None:
        """What is held is let go again; what ended and was paid is nobody's."""
        held, occasion = f"{PERSON}/legal-holds", {"occasion": str(uuid4())}
        why = {"ground": "audit", **DESK}
        hold = {"hold": self.done("POST", held, path=path, json=why)["hold"]}
        self.done("GET", held, path=path)
        self.done("POST", f"{held}/{{hold}}/release", path={**path, **hold})
        about = "/v1/occasions/{occasion}"
        day = {"on": "2026-01-31"}
        self.done("POST", f"{about}/end", path=occasion, json=day)
        paid = {**day, "amount_cents": 6_000_000}
        self.done("POST", f"{about}/payment", path=occasion, json=paid)
        hold = {"hold": self.done("POST", f"{about}/legal-holds", path=occasion, json=why)["hold"]}
        self.done("POST", "/v1/legal-holds/{hold}/release", path=hold)
        self.done("GET", "/v1/occasions")
        safeguard = {"safeguard": "two_person_erasure"}
        for on in (True, False):
            self.done("POST", "/v1/safeguards/{safeguard}", path=safeguard, json={"on": on})
        self.done("GET", "/v1/safeguards")

    def _order(self, what: str) -> Value:
        return {
            "statement": self.markers.text(f"statement of {what}"),
            "reply_address": self.markers.email(f"reply.{what}"),
            "identifiers": {"hotels": self.markers.text(f"identifier of {what}")},
            **DESK,
        }


def until(reached: Callable[[], object]) -> None:
    """Returns as soon as it is so."""
    ends = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < ends
        time.sleep(0.1)


def _id(told: Value, name: str) -> str:
    """The id that an answer gives under a name, or one like it."""
    return next(str(told[key]) for key in (name, f"{name}_id") if key in told)


def _marked(body: bytes, before: str, after: str, markers: Markers) -> bytes:
    """A payload as it would be about another address, with a marker in every merge field."""
    pairs = []
    for name, value in parse_qsl(body.decode(), keep_blank_values=True):
        merged = name.startswith("data[merges]") and not name.endswith("[EMAIL]")
        told = markers.text("merge field") if merged else value.replace(before, after)
        pairs.append((name, told))
    if any("merges" in name for name, _ in pairs):
        pairs.append(("data[merges][NOTE]", markers.text("merged note")))
    return urlencode(pairs).encode()


def _path(template: str, subject: str, secret: str) -> dict[str, str]:
    known = {
        "subject_id": subject,
        "purpose": "newsletter",
        "system": "mailchimp",
        "secret": secret,
        "version": POLICY,
        "against": POLICY,
        "token": "A" * 66,
        "language": "sv",
        "text_language": "sv",
        "recipient": "basecamp",
        "category": "contact.phone",
        "slug": "not-found",
        "code": "X4",
        "event_type": "consent.given",
        "schema_version": "1",
        "identifier": "1",
        "position": "0",
    }
    names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    return {name: known.get(name, NOBODY) for name in names}


def _example(operation: Value, document: Value) -> Any:
    """A body with every member that its schema has, out of the schema's own examples."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else _of(content["schema"], document)


def _of(schema: Value, document: Value) -> Any:
    if "$ref" in schema:
        return _of(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return _of(schema["anyOf"][0], document)
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {key: _of(one, document) for key, one in schema["properties"].items()}
        case "object":
            return {"contact.name": "x"}
        case "array":
            return [_of(schema["items"], document)]
        case "boolean":
            return False
        case "integer":
            return 1
    by_format = {"uuid": NOBODY, "date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z"}
    return by_format.get(schema.get("format", ""), "ab" * 32)


def _spoilt(body: Any, values: tuple[str, ...]) -> Iterator[Any]:
    """The body with a marker in the place of each text, under a name of its own, and at the top."""
    for value in values:
        for place in _places(body):
            changed = copy.deepcopy(body)
            holder = changed
            for step in place[:-1]:
                holder = holder[step]
            holder[place[-1]] = value
            yield changed
    yield {**(body if isinstance(body, dict) else {}), values[1]: values[1]}
    yield values[1]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, str) and path:
        yield path
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _places(one, (*path, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _places(one, (*path, number))
