"""By what each recipient knows a person: only what it was given itself (Arts. 5(1)(c), 17, 19)."""

from collections.abc import Iterable, Iterator

from app.policy.model import DataCategory, Policy
from app.policy.vocabulary import FieldClass
from app.rights.person import Person
from app.vault.sealing import Sealed

LENGTH_MAX = 400
SEPARATOR = "; "

_FIT = {FieldClass.CONTACT: 1, FieldClass.INTERNAL: 2}
"""Classes of fields that can name somebody to a recipient; no document or account is told again."""


def identifiers_for(person: Person, recipients: Iterable[str], policy: Policy) -> dict[str, str]:
    """Recipient -> the values of the best category it was given; absent where nothing is left."""
    found = {recipient: _best(person, recipient, policy) for recipient in recipients}
    return {recipient: values for recipient, values in found.items() if values}


def _best(person: Person, recipient: str, policy: Policy) -> str:
    given = {
        category
        for (key, _), shared in person.state.disclosures.shared.items()
        if key == recipient
        for category in shared.categories
    }
    known = (policy.category(key) for key in given)
    for category in sorted((one for one in known if one and _rank(one)), key=_order):
        values = _joined(dict.fromkeys(_values(person, category.key)))
        if values:
            return values
    return ""


def _rank(category: DataCategory) -> int:
    """The lower the better; 0 is unfit."""
    if category.identifier_kind is not None:
        return 1
    fit = _FIT.get(category.field_class)
    return 0 if fit is None else fit + 1


def _order(category: DataCategory) -> tuple[int, str]:
    return _rank(category), category.key


def _values(person: Person, category: str) -> Iterator[str]:
    """Current values first, then superseded ones: a recipient may know the person by either."""
    for held in person.state.collections.held.values():
        if held.category == category:
            for one in held.history():
                opened = person.open(one.version, one.retention_class)
                if isinstance(opened, Sealed) and category in opened.personal:
                    yield opened.personal[category]


def _joined(values: Iterable[str]) -> str:
    joined = ""
    for value in values:
        longer = f"{joined}{SEPARATOR}{value}" if joined else value
        if len(longer) <= LENGTH_MAX:
            joined = longer
    return joined
