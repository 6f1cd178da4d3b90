"""Reads the log and says what the projections must hold; shares not one line with the program.

Standard library only. Entries in, SHA-256 out, by the description in the project's documentation.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from tests.projections import oracle_registers

Row = dict[str, Any]

COLUMNS = {
    "profiles_subjects_v1": (
        "subject_id registered_at source origin restrictions erased_at content_version"
    ),
    "profiles_v1": (
        "subject_id obtained category purpose kind basis source origin policy occasion since"
        " occurred_at state superseded_at erased_at retention_class generation version section"
        " key_id"
    ),
    **oracle_registers.COLUMNS,
    "sharing_register_v1": (
        "subject_id version position recipient member country mechanism purpose categories source"
        " occasion policy disclosed_at occurred_at erasure of_everything informed informed_at"
    ),
}
KEYS = {
    **dict.fromkeys(oracle_registers.COLUMNS, ("subject_id", "version")),
    "profiles_subjects_v1": ("subject_id",),
    "profiles_v1": ("subject_id", "obtained", "category", "purpose"),
    "sharing_register_v1": ("subject_id", "version"),
}
SHARED = (
    "recipient",
    "member",
    "country",
    "mechanism",
    "purpose",
    "categories",
    "source",
    "occasion",
    "policy",
)
DIGESTS: dict[str, tuple[str, ...]] = {
    **oracle_registers.DIGESTS,
    "profiles": ("profiles_subjects_v1", "profiles_v1"),
    "sharing_register": ("sharing_register_v1",),
}


def digests(entries: Iterable[bytes]) -> dict[str, str]:
    """Projection -> digest of what it must hold after these entries."""
    tables = tables_of(entries)
    return {name: _digest(names, tables) for name, names in DIGESTS.items()}


def core(entry: bytes) -> Row:
    """The first line of an entry."""
    read: Row = json.loads(entry.decode().splitlines()[0])
    return read


def tables_of(entries: Iterable[bytes]) -> dict[str, list[Row]]:
    """Table -> rows, after these entries in the order of their positions."""
    state, registers = _Reading(), oracle_registers.Registers()
    for position, entry in enumerate(entries):
        core, seals = (json.loads(line) for line in entry.decode().splitlines())
        state.read(position, core, {one["c"]: one for one in seals})
        registers.read(position, core, seals)
    return {
        **registers.tables,
        "profiles_subjects_v1": list(state.people.values()),
        "profiles_v1": state.held,
        "sharing_register_v1": state.shared,
    }


def _digest(names: Iterable[str], tables: dict[str, list[Row]]) -> str:
    slices = [hashlib.sha256() for _ in range(1024)]
    for name in names:
        for one in slices:
            one.update(f"{name}\n".encode())
        ordered = sorted(tables[name], key=lambda row: [_sortable(row[key]) for key in KEYS[name]])
        for row in ordered:
            values = [row[column] for column in COLUMNS[name].split()]
            line = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
            first_ten_bits = int(row["subject_id"].replace("-", ""), 16) >> 118
            slices[first_ten_bits].update(f"{line}\n".encode())
    return hashlib.sha256(b"".join(one.digest() for one in slices)).hexdigest()


def _sortable(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


class _Reading:
    def __init__(self) -> None:
        self.people: dict[str, Row] = {}
        self.held: list[Row] = []
        self.shared: list[Row] = []

    def read(self, position: int, core: Row, seals: Row) -> None:
        person = self.people.get(core["s"])
        if person and not core["t"].startswith("consultation."):
            person["content_version"] = core["n"]
        known = getattr(self, "_" + core["t"].replace(".", "_").replace("-", "_"), None)
        if known is not None and core["sv"] <= oracle_registers.NEWEST.get(core["t"], 1):
            known(core["d"], core, seals, position)

    def _of(self, core: Row) -> list[Row]:
        return [row for row in self.held if row["subject_id"] == core["s"]]

    def _slot(self, core: Row, category: str, purpose: str) -> list[Row]:
        wanted = (category, purpose, core["d"]["occasion"], "current")
        return [
            row
            for row in self._of(core)
            if (row["category"], row["purpose"], row["occasion"], row["state"]) == wanted
            and row["kind"] in ("value", "statement")
        ]

    def _supersede(self, rows: list[Row], core: Row) -> None:
        for row in rows:
            row |= {"state": "superseded", "superseded_at": core["at"]}

    def _hold(
        self, core: Row, seals: Row, retention_class: str, generation: str, **more: Any
    ) -> None:
        seal = seals.get(retention_class)
        self.held.append(
            {
                "subject_id": core["s"],
                "obtained": core["n"],
                "source": core["d"]["source"],
                "policy": core["d"]["policy"],
                "occasion": core["d"].get("occasion"),
                "since": core["at"],
                "occurred_at": core["o"],
                "state": "current",
                "superseded_at": None,
                "erased_at": None,
                "retention_class": retention_class,
                "generation": generation,
                "version": core["n"],
                "section": seal and seal["i"],
                "key_id": seal and seal["k"],
                **more,
            }
        )

    def _subject_registered(self, d: Row, core: Row, *_: Any) -> None:
        self.people[core["s"]] = {
            "subject_id": core["s"],
            "registered_at": core["at"],
            "source": d["source"],
            "origin": d["origin"],
            "restrictions": [],
            "erased_at": None,
            "content_version": core["n"],
        }

    def _data_collected(self, d: Row, core: Row, seals: Row, _: int) -> None:
        for category, kept in d["held"].items():
            self._supersede(self._slot(core, category, d["purpose"]), core)
            self._hold(
                core,
                seals,
                kept,
                d["generations"][kept],
                kind="value",
                category=category,
                purpose=d["purpose"],
                basis=d["basis"],
                origin=d["origin"],
            )

    def _data_rectified(self, d: Row, core: Row, seals: Row, _: int) -> None:
        for purpose, kept in d["held"].items():
            slot = self._slot(core, d["category"], purpose)
            former = [row for row in slot if row["kind"] == "value"]
            self._supersede(slot, core)
            for row in former:
                self._hold(
                    core,
                    seals,
                    kept,
                    d["generations"][kept],
                    kind="value",
                    category=d["category"],
                    purpose=purpose,
                    basis=row["basis"],
                    origin=row["origin"],
                )

    def _data_completed(self, d: Row, core: Row, seals: Row, _: int) -> None:
        for purpose, kept in d["held"].items():
            for row in [
                one for one in self._slot(core, d["category"], purpose) if one["kind"] == "value"
            ]:
                self._hold(
                    core,
                    seals,
                    kept,
                    d["generations"][kept],
                    kind="statement",
                    category=d["category"],
                    purpose=purpose,
                    basis=row["basis"],
                    origin=None,
                )

    def _identifier_claimed(self, d: Row, core: Row, seals: Row, _: int) -> None:
        if d["value_at"] == core["n"]:
            named = {"category": d["category"], "purpose": d["purpose"], "basis": d["basis"]}
            self._hold(
                core,
                seals,
                d["retention_class"],
                d["generation"],
                kind="identifier",
                origin=None,
                **named,
            )

    def _identifier_released(self, d: Row, core: Row, *_: Any) -> None:
        self._supersede(
            [
                row
                for row in self._of(core)
                if (row["obtained"], row["kind"], row["state"])
                == (d["identifier"], "identifier", "current")
            ],
            core,
        )

    def _file_referenced(self, d: Row, core: Row, seals: Row, _: int) -> None:
        named = {key: d[key] for key in ("category", "purpose", "basis", "origin")}
        self._hold(core, seals, d["retention_class"], d["generation"], kind="file", **named)

    def _sections_resealed(self, d: Row, core: Row, seals: Row, _: int) -> None:
        seal = seals[d["retention_class"]]
        for row in self._of(core):
            there = (row["version"], row["retention_class"]) == (d["origin"], d["retention_class"])
            kept = row["kind"] in ("statement", "file") or row["category"] in d["categories"]
            if there and kept and row["state"] != "erased":
                row |= {
                    "version": core["n"],
                    "section": seal["i"],
                    "key_id": seal["k"],
                    "generation": d["generation"],
                }

    def _erasure_executed(self, d: Row, core: Row, *_: Any) -> None:
        for row in self._of(core):
            meant = (
                d["step"] == "subject"
                and row["retention_class"] not in d["retained"]
                and (d["purposes"] == [] or row["purpose"] in d["purposes"])
                and (d["categories"] == [] or row["category"] in d["categories"])
            )
            if (meant or row["key_id"] in d["keys"]) and row["state"] != "erased":
                row |= {"state": "erased", "erased_at": core["at"]}
        mine = [row for row in self.shared if row["subject_id"] == core["s"]]
        if d["step"] == "closing":
            over = [row for row in mine if row["of_everything"] and row["erasure"] == d["erasure"]]
            self.shared = [row for row in self.shared if row not in over]
            return
        whole = not d["purposes"] and not d["categories"]
        if whole and core["s"] in self.people:
            self.people[core["s"]]["erased_at"] = core["at"]
        for row in mine:
            purpose = not d["purposes"] or row["purpose"] in d["purposes"]
            category = not d["categories"] or set(row["categories"]) & set(d["categories"])
            if purpose and category and not row["of_everything"]:
                row |= {
                    "erasure": d["erasure"],
                    "of_everything": whole,
                    "informed": None,
                    "informed_at": None,
                }

    def _erasure_recipient_informed(self, d: Row, core: Row, *_: Any) -> None:
        for row in self.shared:
            told = (row["subject_id"], row["recipient"], row["erasure"])
            if told == (core["s"], d["recipient"], d["erasure"]):
                row |= {"informed": d["outcome"], "informed_at": core["at"]}

    def _rest(self, core: Row, what: str, *, on: bool) -> None:
        person = self.people[core["s"]]
        others = [one for one in person["restrictions"] if one != what]
        person["restrictions"] = [*others, what] if on else others

    def _restriction_set(self, d: Row, core: Row, *_: Any) -> None:
        self._rest(core, d["restriction"], on=True)

    _accuracy_disputed = _restriction_set

    def _restriction_lifted(self, d: Row, core: Row, *_: Any) -> None:
        self._rest(core, d["restriction"], on=False)

    def _objection_raised(self, d: Row, core: Row, *_: Any) -> None:
        if d["ground"] == "own_situation":
            self._rest(core, d["objection"], on=True)

    def _objection_granted(self, d: Row, core: Row, *_: Any) -> None:
        self._rest(core, d["objection"], on=False)

    _objection_withdrawn = _objection_granted

    def _data_disclosed(self, d: Row, core: Row, _: Row, position: int) -> None:
        given = {key: d[key] for key in SHARED}
        self.shared.append(
            {
                "subject_id": core["s"],
                "version": core["n"],
                "position": position,
                "disclosed_at": core["at"],
                "occurred_at": core["o"],
                "erasure": None,
                "of_everything": False,
                "informed": None,
                "informed_at": None,
                **given,
            }
        )
