"""What the registers of lasting things must hold: like `oracle`, not one line of the program."""

from typing import Any

Row = dict[str, Any]

NEWEST = {"objection.raised": 2}
"""The version of a payload that is read here, where it is not the first."""

LASTING = "subject_id version position since occurred_at since_by"
ENDS = "until_position until until_by"
COLUMNS = {
    "relationships_v1": f"{LASTING} kind organisation occasion policy ended_at {ENDS}",
    "consents_v3": (
        f"{LASTING} kind act purpose recipient country request wording language policy method"
        f" source evidence_key evidence {ENDS}"
    ),
    "objections_v1": (
        f"{LASTING} objection ground purpose recipient cause source decision reason"
        f" decided_position decided_at {ENDS}"
    ),
    "restrictions_v1": (
        f"{LASTING} restriction ground purpose recipient categories source announced_position"
        f" announced_at {ENDS}"
    ),
    "suppressions_v1": f"{LASTING} purpose cause source {ENDS}",
    "findings_v1": f"{LASTING} finding code source occasion resolution {ENDS}",
    "rights_requests_v1": (
        f"{LASTING} request requested_right channel trigger system stranger ending {ENDS}"
    ),
    "erasures_v2": f"{LASTING} erasure recipient child {ENDS}",
}
DIGESTS = {
    "relationships": ("relationships_v1",),
    "consents": ("consents_v3",),
    "objections": ("objections_v1", "restrictions_v1"),
    "suppressions": ("suppressions_v1",),
    "findings": ("findings_v1",),
    "rights_requests": ("rights_requests_v1",),
    "erasures": ("erasures_v2",),
}
FORGOTTEN = ("relationships_v1", "objections_v1", "restrictions_v1", "findings_v1")


class Registers:
    """Tables after some entries, read in the order of their positions."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {name: [] for name in COLUMNS}

    def read(self, position: int, core: Row, seals: list[Row]) -> None:
        """One more entry."""
        known = getattr(self, "_" + core["t"].replace(".", "_").replace("-", "_"), None)
        if known is not None and core["sv"] <= NEWEST.get(core["t"], 1):
            known(core["d"], {**core, "position": position}, seals)

    def _open(self, table: str, core: Row, **said: Any) -> None:
        row: Row = dict.fromkeys(COLUMNS[table].split())
        row |= {
            "subject_id": core["s"],
            "version": core["n"],
            "position": core["position"],
            "since": core["at"],
            "occurred_at": core["o"],
            "since_by": core["by"],
        }
        self.tables[table].append(row | said)

    def _close(self, table: str, core: Row, also: Row | None = None, **equal: Any) -> None:
        for row in self.tables[table]:
            mine = row["subject_id"] == core["s"] and row["until"] is None
            if mine and all(row[key] == value for key, value in equal.items()):
                ends = {
                    "until_position": core["position"],
                    "until": core["at"],
                    "until_by": core["by"],
                    **(also or {}),
                }
                row.update(ends)

    def _fill(self, table: str, core: Row, key: str, **said: Any) -> None:
        for row in self.tables[table]:
            if row["subject_id"] == core["s"] and row[key] == core["d"][key]:
                row.update(said)

    def _relationship_started(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("relationships_v1", core, **d)

    def _relationship_ended(self, d: Row, core: Row, _: list[Row]) -> None:
        self._close("relationships_v1", core, {"ended_at": core["o"] or core["at"]}, **d)

    def _act(self, d: Row, core: Row, seals: list[Row], kind: str, act: str) -> None:
        names = COLUMNS["consents_v3"].split()
        self._open(
            "consents_v3",
            core,
            **{key: value for key, value in d.items() if key in names},
            kind=kind,
            act=act,
            evidence_key=seals[0]["k"] if seals else None,
            evidence="sealed" if seals else "none",
        )

    def _over(self, d: Row, core: Row, kind: str) -> None:
        scope = {"recipient": d.get("recipient"), "country": d.get("country")}
        self._close("consents_v3", core, kind=kind, purpose=d["purpose"], **scope)

    def _consent_requested(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._act(d, core, seals, "request", "requested")

    def _consent_confirmed(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._close("consents_v3", core, request=d["request"])
        self._over(d, core, "consent")
        self._act(d, core, seals, "consent", "confirmed")

    def _consent_given(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._over(d, core, "consent")
        self._over(d, core, "claim")
        self._act(d, core, seals, "consent", "given")

    def _consent_withdrawn(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._over(d, core, "consent")
        self._over(d, core, "request")
        self._close("consents_v3", core, kind="transfer", purpose=d["purpose"])
        self._act(d, core, seals, "consent", "withdrawn")

    def _consent_expired(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._over(d, core, "consent")
        self._act(d, core, seals, "consent", "expired")

    def _consent_unproven(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._over(d, core, "claim")
        self._act(d, core, seals, "claim", "unproven")

    def _transfer_consent_given(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._over(d, core, "transfer")
        self._act(d, core, seals, "transfer", "given")

    def _sections_resealed(self, d: Row, core: Row, seals: list[Row]) -> None:
        for row in self.tables["consents_v3"]:
            if (row["subject_id"], row["version"]) == (core["s"], d["origin"]):
                row["evidence_key"] = seals[0]["k"]

    def _objection_raised(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("objections_v1", core, **d)
        if d["ground"] == "own_situation":
            self._open(
                "restrictions_v1",
                core,
                restriction=d["objection"],
                ground="objection",
                categories=[],
                **{key: d[key] for key in ("purpose", "recipient", "source")},
            )

    def _decided(self, core: Row, decision: str, reason: str | None) -> None:
        self._fill(
            "objections_v1",
            core,
            "objection",
            decision=decision,
            reason=reason,
            decided_position=core["position"],
            decided_at=core["at"],
        )

    def _objection_granted(self, d: Row, core: Row, _: list[Row]) -> None:
        self._decided(core, "granted", d["reason"])
        self._close("restrictions_v1", core, restriction=d["objection"])

    def _objection_overridden(self, d: Row, core: Row, _: list[Row]) -> None:
        self._decided(core, "overridden", None)

    def _objection_withdrawn(self, d: Row, core: Row, _: list[Row]) -> None:
        self._close("objections_v1", core, objection=d["objection"])
        self._close("restrictions_v1", core, restriction=d["objection"])

    def _restriction_set(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("restrictions_v1", core, categories=[], **d)

    def _accuracy_disputed(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("restrictions_v1", core, ground="accuracy", **d)

    def _restriction_lift_announced(self, d: Row, core: Row, _: list[Row]) -> None:
        told = {"announced_position": core["position"], "announced_at": core["at"]}
        self._fill("restrictions_v1", core, "restriction", **told)

    def _restriction_lifted(self, d: Row, core: Row, _: list[Row]) -> None:
        self._close("restrictions_v1", core, restriction=d["restriction"])

    def _suppression_recorded(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("suppressions_v1", core, **d)

    def _suppression_lifted(self, d: Row, core: Row, _: list[Row]) -> None:
        self._close("suppressions_v1", core, purpose=d["purpose"])

    def _finding_raised(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("findings_v1", core, **d)

    def _finding_cleared(self, d: Row, core: Row, _: list[Row]) -> None:
        self._close("findings_v1", core, {"resolution": d["resolution"]}, finding=d["finding"])

    def _rights_request_received(self, d: Row, core: Row, _: list[Row]) -> None:
        said = {key: d[key] for key in ("channel", "trigger", "system", "stranger")}
        table, right = "rights_requests_v1", d["right"]
        self._open(table, core, request=core["id"], requested_right=right, **said)

    def _rights_request_triaged(self, d: Row, core: Row, _: list[Row]) -> None:
        said = {"requested_right": d["right"], "system": d["system"]}
        self._fill("rights_requests_v1", core, "request", **said)

    def _rights_request_doubt_answered(self, d: Row, core: Row, _: list[Row]) -> None:
        reopened: Row = dict.fromkeys((*ENDS.split(), "ending"))
        self._fill("rights_requests_v1", core, "request", **reopened)

    def _request_ended(self, d: Row, core: Row, _: list[Row]) -> None:
        also = {"ending": core["t"].rpartition(".")[2]}
        self._close("rights_requests_v1", core, also, request=d["request"])

    _rights_request_fulfilled = _request_ended
    _rights_request_refused = _request_ended
    _rights_request_withdrawn = _request_ended
    _rights_request_unidentified = _request_ended
    _rights_request_joined = _request_ended
    _rights_request_moved = _request_ended

    def _retention_executed(self, d: Row, core: Row, _: list[Row]) -> None:
        for row in self.tables["consents_v3"]:
            if row["subject_id"] == core["s"] and row["evidence_key"] in d["keys"]:
                gone = "lost" if d.get("cause") == "key_lost" else "erased"
                row.update({"evidence": gone, "evidence_key": None})

    def _erasure_requested(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("erasures_v2", core, erasure=d["erasure"], child=False)

    def _child_discovered(self, d: Row, core: Row, _: list[Row]) -> None:
        self._open("erasures_v2", core, erasure=core["id"], child=True)

    def _erasure_recipient_added(self, d: Row, core: Row, _: list[Row]) -> None:
        said = {"erasure": d["erasure"], "recipient": d["recipient"]}
        self._open("erasures_v2", core, **said, child=False)

    def _erasure_withdrawn(self, d: Row, core: Row, _: list[Row]) -> None:
        self._close("erasures_v2", core, erasure=d["erasure"])

    def _erasure_executed(self, d: Row, core: Row, seals: list[Row]) -> None:
        self._retention_executed(d, core, seals)
        done = {"recipient": None} if d["step"] == "subject" else {}
        self._close("erasures_v2", core, erasure=d["erasure"], **done)
        if d["step"] == "subject" and not d["purposes"] and not d["categories"]:
            self._close("erasures_v2", core, child=True)
            for table in FORGOTTEN:
                self.tables[table] = [
                    row for row in self.tables[table] if row["subject_id"] != core["s"]
                ]
