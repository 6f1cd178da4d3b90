"""The first page of an access report: what there is in one look, and what its words mean (L27)."""

from typing import Any, Final, TypeAlias

from app.documents.languages import marked
from app.domain.objections import Status
from app.rights.access_told import Told

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

GLOSSARY: Final = (
    (
        marked("Controller"),
        marked("The organisation that decides why and how your data are used, and answers for it."),
    ),
    (marked("Purpose"), marked("What data are used for. Each use has one, named in advance.")),
    (
        marked("Legal ground"),
        marked("The reason in law why a use is allowed, such as your consent or a legal duty."),
    ),
    (
        marked("Legitimate interest"),
        marked("An interest of ours that we have weighed against yours. You can object to it."),
    ),
    (marked("Recipient"), marked("Anybody outside who was given your data, each by name.")),
    (
        marked("Transfer"),
        marked("A sharing with somebody outside the European Economic Area. It needs a safeguard."),
    ),
    (
        marked("Restriction"),
        marked("Data are stored and not used, while a question about them is open."),
    ),
    (
        marked("Replaced value"),
        marked("An earlier value that was corrected. It stays as history and is not used."),
    ),
    (
        marked("Retention class"),
        marked("Data that are kept equally long for the same reason, and go on the same day."),
    ),
    (
        marked("Reading"),
        marked("Somebody looked at your data. You see when and why, not which member of staff."),
    ),
    (
        marked("Fingerprint"),
        marked("A short code computed from an entry. If one letter changes, the code changes."),
    ),
)
"""Term, meaning."""


def summary(told: Told, parts: dict[str, Value]) -> Value:
    """Counts and names only; everything is told in full further down."""
    state, copy = told.person.state, told.copy
    sharing, choices = parts["sharing"], parts["choices"]
    held = sorted(copy.categories)
    used = [one["key"] for one in parts["purposes"]["purposes"]]
    return {
        "values": len(copy.values),
        "categories": [told.names.category(key) for key in held],
        "purposes": [told.names.purpose(key) for key in used],
        "recipients": [
            told.names.recipient(key)
            for key in dict.fromkeys(who for who, _ in state.disclosures.shared)
        ],
        "transfers": len(sharing["transfers"]),
        "disclosures": len(sharing["disclosures"]),
        "consents_in_force": [
            told.names.purpose(one["purpose"]) for one in choices["consents"] if one["in_force"]
        ],
        "objections_open": sum(
            one.status is Status.PENDING for one in state.objections.by_id.values()
        ),
        "restrictions": len(state.restrictions.active),
        "erased": len(copy.erased),
        "lost": len(copy.lost),
        "unreadable": len(copy.unreadable),
        "consultations": state.consultations.recorded + state.consultations.refused,
        "events": len(told.person.events),
    }
