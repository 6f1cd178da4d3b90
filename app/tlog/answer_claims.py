"""Whether an answer says what the entries of its proof say: certificates, reports, evidence; pure.

It follows what docs/log.md promises of these answers, and shares no code with what writes them.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.tlog.answer_proofs import AnswerUnproved, Json, ProvedEntry

RECORDED_WITHIN: Final = timedelta(minutes=1)
"""Between the moment that a report bears and that of the entry which it made."""

Entries = Sequence[ProvedEntry]


def check_report(report: Json, entries: Entries) -> None:
    """An access report: its history is the whole stream, up to the entry that this answer made.

    One that looks back ends with the last entry of that day; the proof shows the one after it.
    """
    _check_stream(entries, report["subject_id"])
    timeline = report["timeline"]
    for row, entry in zip(timeline, entries, strict=False):
        _same(_row(row), _told(entry), "an event of the history")
        _same(row["facts"], entry.core.d, "the facts of an event")
        _same(row["position"], entry.position, "the position of an event")
        classes = [one["retention_class"] for one in row["sealed"]]
        _same(classes, [one.c for one in entry.seals], "what was sealed with an event")
    shown = len(timeline)
    last = entries[shown - 1] if 0 < shown <= len(entries) else None
    if last is None:
        raise AnswerUnproved("its history has events that are not proved, or none")
    head = {name: report["chain"][name] for name in ("version", "position", "leaf_hash")}
    told = {"version": last.core.n, "position": last.position, "leaf_hash": _text(last.leaf)}
    _same(head, told, "the head of the chain")
    if entries[-1].core.t != "consultation.recorded":
        raise AnswerUnproved("its proof does not end with the entry of this answer")
    if abs(_moment(entries[-1].core.at) - _moment(report["generated_at"])) > RECORDED_WITHIN:
        raise AnswerUnproved("its last entry is of another moment than this answer")
    _same(report["summary"]["events"], shown, "how many events there are")
    if report["as_of"] is None:
        if shown != len(entries):
            raise AnswerUnproved("its history does not end with the entry of this answer")
        _same(report["position"], last.position, "where it stands")
    # What this answer recorded itself is in no history of a day, not even of one to come.
    elif shown < len(entries) - 1 and not _is_after(entries[shown], report["as_of"]):
        raise AnswerUnproved("its history ends before that day did")
    elif shown == len(entries):
        raise AnswerUnproved("its proof does not end with the entry of this answer")
    elif _is_after(last, report["as_of"]):
        raise AnswerUnproved("its history goes on after that day")


def check_evidence(evidence: Json, entries: Entries) -> None:
    """The evidence of a rights request: the whole stream, and which entries are of the request."""
    _check_stream(entries, evidence["stream"])
    if not any(one.core.id == evidence["request"] for one in entries):
        raise AnswerUnproved("the request is not in its stream")
    for row, entry in zip(evidence["entries"], entries, strict=True):
        told = {"version": entry.core.n, "leaf_hash": _text(entry.leaf)}
        _same({name: row[name] for name in told}, told, "an entry")
        own = evidence["request"] in (entry.core.id, entry.core.d.get("request"))
        _same(row["of_request"], own, "what is of the request")


def check_certificate(certificate: Json, entries: Entries) -> None:
    """The certificate of an erasure: each key was made once, and destroyed by what is certified."""
    epochs = [one for one in entries if one.core.t.startswith("epoch.")]
    entries = [one for one in entries if one not in epochs]
    streams = [{one.core.s for one in several} for several in (entries, epochs)]
    if any(one.path is None for one in (*entries, *epochs)):
        raise AnswerUnproved("an entry has no path")
    if len(streams[0]) != 1 or len(streams[1]) > 1 or streams[0] & streams[1]:
        raise AnswerUnproved("an entry is of another stream")
    own = [one for one in entries if one.core.d.get("erasure") == certificate["erasure"]]
    requested = [one for one in own if one.core.t == "erasure.requested"]
    executed = [one for one in own if one.core.t == "erasure.executed"]
    data = [one for one in executed if one.core.d["step"] == "subject"]
    closing = [one for one in executed if one.core.d["step"] == "closing"]
    if not requested or not data:
        raise AnswerUnproved("the erasure was not requested, or not executed")
    _check_keys(executed, entries)
    told = {
        "trigger": requested[0].core.d["trigger"],
        "of_everything": not (requested[0].core.d["purposes"] or requested[0].core.d["categories"]),
        "requested_at": _moment(requested[0].core.o or requested[0].core.at),
        "executed_at": _moment(data[-1].core.at),
        "closed_at": _moment(closing[-1].core.at) if closing else None,
        "final": bool(closing),
        "keys": sum(len(one.core.d["keys"]) for one in executed),
        "sections": sum(one.core.d["blobs"] for one in executed),
        "found_by_nothing": any(one.core.d["identifiers"] for one in executed),
    }
    said = {name: _moment_or(name, certificate[name]) for name in told}
    _same(said, told, "what was destroyed, and when")
    _same(list(map(_row_of_entry, certificate["entries"])), list(map(_executed, executed)), "entry")
    levels = {row["retention_class"]: _at_levels(row["levels"]) for row in certificate["destroyed"]}
    _same(levels, _levels(own), "how far a class is gone")
    _check_epochs(certificate, own, epochs)
    _check_told(certificate, own, executed)


def _check_told(certificate: Json, own: Entries, executed: Entries) -> None:
    """What stays, what is closed to the person, and what the recipients answered, and when."""
    prepared = _last(own, "erasure.prepared")
    stays = {row["retention_class"] for row in certificate["retained"]}
    _same(stays, set(prepared["retained"]), "what stays")
    closed = {key for one in executed for key in one.core.d["classes"]}
    for row in certificate["destroyed"]:
        said = (row["retention_class"] in closed, row["closed_to_the_person"])
        _same(*said, "what is closed to the person")
    outcomes: dict[str, tuple[Any, ...]] = dict.fromkeys(
        prepared["recipients"], (None, False, None)
    )
    for one in own:
        if one.core.t == "erasure.recipient-informed":
            outcome, at = one.core.d["outcome"], _moment(one.core.o or one.core.at)
            outcomes[one.core.d["recipient"]] = (outcome, outcome == "verified_gone", at)
    answered = {
        row["key"]: (row["outcome"], row["confirmed"], _moment_or("told_at", row["at"]))
        for row in certificate["recipients"]
    }
    _same(answered, outcomes, "what a recipient answered")


CHECKS: Final[Mapping[str, Callable[[Json, Entries], None]]] = {
    "access report": check_report,
    "certificate": check_certificate,
    "evidence": check_evidence,
}
"""Kind of an answer -> what its entries must say."""


def _check_stream(entries: Entries, stream: str) -> None:
    """The stream from its first entry on: none is missing, none is somebody else's."""
    for number, entry in enumerate(entries, 1):
        if (entry.core.s, entry.core.n) != (stream, number):
            raise AnswerUnproved("its entries are not those of the stream from the first on")
    if entries[0].core.p is not None:
        raise AnswerUnproved("its first entry follows another one")


def _check_keys(executed: Entries, entries: Entries) -> None:
    """Each destroyed key was made before by one entry of the proof, which says its commitment."""
    made: dict[str, int] = {}
    for one in entries:
        for seal in one.seals:
            if seal.kc is not None and made.setdefault(seal.k, one.core.n) != one.core.n:
                raise AnswerUnproved("a key was made twice")
    named: set[str] = set()
    for one in executed:
        for key in one.core.d["keys"]:
            if key in named or made.get(key, one.core.n) >= one.core.n:
                raise AnswerUnproved("a key was destroyed twice, or never made before")
            named.add(key)


def _check_epochs(certificate: Json, own: Entries, epochs: Entries) -> None:
    """Each class in no backup went before an epoch began whose every forerunner had ended by then.

    Epochs are numbered one after the other, and the first began with the log.
    """
    ended = [one for one in epochs if one.core.t == "epoch.destroyed"]
    rows = [
        {**row, "destroyed_at": _moment(row["destroyed_at"])} for row in certificate["key_epochs"]
    ]
    _same(rows, list(map(_ended, ended)), "which key epochs ended")
    begun = {one.core.d["epoch"]: one.position for one in epochs if one.core.t == "epoch.opened"}
    for one in epochs:
        if one.core.t == "epoch.restored":  # a newer keyring brought these, all at once
            begun |= dict.fromkeys(one.core.d["opened"], one.position)
    places = {one.core.d["epoch"]: one.position for one in ended}
    for said, at in _beyond_backups(own):
        later = [epoch for epoch, position in begun.items() if position > at]
        if not later or any(places.get(n, said) >= said for n in range(1, min(later))):
            raise AnswerUnproved("its key epochs do not show that it is in no backup")


def _beyond_backups(own: Entries) -> Iterator[tuple[int, int]]:
    """For each class said to be in no backup: where that was said, and where it was destroyed."""
    gone: dict[str, int] = {}
    prepared: list[str] = []
    for one in own:
        match one.core.t:
            case "erasure.prepared":
                prepared = one.core.d["erased"]
            case "erasure.executed":
                names = prepared if one.core.d["step"] == "subject" else one.core.d["classes"]
                gone |= dict.fromkeys(names, one.position)
            case "erasure.assured" if one.core.d["level"] == "e3":
                yield from ((one.position, gone[name]) for name in one.core.d["classes"])


def _ended(one: ProvedEntry) -> Json:
    return {
        **one.core.d,
        "destroyed_at": _moment(one.core.at),
        "position": one.position,
        "leaf_hash": one.leaf.hex(),
    }


def _levels(own: Entries) -> dict[str, dict[str, datetime | None]]:
    """Retention class -> when it reached each level."""
    reached: dict[str, dict[str, datetime | None]] = {}
    prepared: Json = {}
    for one in own:
        core, at = one.core, _moment(one.core.at)
        match core.t:
            case "erasure.prepared":
                prepared = core.d
            case "erasure.executed" if core.d["step"] == "subject":
                reached = {key: {"e1": at, "e2": None, "e3": None} for key in prepared["erased"]}
            case "erasure.executed":
                reached |= {key: {"e1": at, "e2": None, "e3": None} for key in core.d["classes"]}
            case "erasure.assured":
                for key in core.d["classes"]:
                    reached[key][core.d["level"]] = _moment(core.o or core.at)
    return reached


def _at_levels(levels: Json) -> dict[str, datetime | None]:
    return {name: None if at is None else _moment(at) for name, at in levels.items()}


def _last(own: Entries, kind: str) -> Json:
    found = [one.core.d for one in own if one.core.t == kind]
    if not found:
        raise AnswerUnproved("the erasure was never prepared")
    return found[-1]


def _row(row: Json) -> tuple[Any, ...]:
    """What a row of the history says; a time may be written with less digits."""
    names = ("event_id", "type", "version", "leaf_hash", "previous")
    moments = (_moment(row[name]) for name in ("recorded_at", "occurred_at"))
    return (*(row[name] for name in names), *moments)


def _told(entry: ProvedEntry) -> tuple[Any, ...]:
    core = entry.core
    previous = None if core.p is None else _text(core.p)
    moments = (_moment(core.at), _moment(core.o or core.at))
    return core.id, core.t, core.n, _text(entry.leaf), previous, *moments


def _row_of_entry(row: Json) -> Json:
    return {**row, "recorded_at": _moment(row["recorded_at"])}


def _executed(one: ProvedEntry) -> Json:
    return {
        "event_id": one.core.id,
        "position": one.position,
        "version": one.core.n,
        "recorded_at": _moment(one.core.at),
        "leaf_hash": one.leaf.hex(),
        "step": one.core.d["step"],
        "sections": one.core.d["blobs"],
        "root": one.core.d["root"],
    }


def _is_after(entry: ProvedEntry, cut: Json) -> bool:
    if cut["position"] is not None:
        return bool(entry.position > cut["position"])
    return _moment(entry.core.at) > _moment(cut["recorded_at"])


def _moment_or(name: str, value: Any) -> Any:  # Any: a JSON value
    return _moment(value) if name.endswith("_at") and value is not None else value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(digest: bytes) -> str:
    return b64encode(digest).decode()


def _same(said: Any, told: Any, what: str) -> None:  # Any: JSON values
    if said != told:
        raise AnswerUnproved(f"the log says otherwise of {what}")
