"""What becomes of the transfers when a mechanism of Chapter V falls on a day (Arts. 44 to 49; L57).

The same for a mechanism that is recorded as lapsed and for one that only might be: the answer
compares a world with it and one without.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from app.domain.decider import Circumstances, Refusal
from app.domain.recipients import transfer_ground
from app.policy.model import EEA_GROUND, Recipient, TransferMechanism
from app.policy.vocabulary import TransferTool
from app.values import replace

_TO_BE_ARRANGED = frozenset(
    {TransferTool.CLAUSES, TransferTool.BINDING_RULES, TransferTool.ADEQUACY_LISTED}
)
"""What the desk can agree with a recipient, or look up on a list."""


class MechanismUnknown(Refusal):
    """The law knows no such mechanism; inside the EEA there is no transfer, hence none to fall."""

    code = "mechanism-unknown"
    rules = ("L55", "L57")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """What the fall of a mechanism does to the transfers to one country of one recipient."""

    before: str | None
    """The ground on the day before: `eea`, a mechanism, or None."""
    after: str | None
    """The ground from the day on; None: nothing may go there any more."""
    remaining: tuple[str, ...]
    """What was arranged or declared beside it and holds on, and adequacy of the country."""
    available: tuple[str, ...]
    """What could be arranged instead."""


def mechanism_named(key: str, given: Circumstances) -> TransferMechanism:
    """The mechanism of the law file with this key; MechanismUnknown."""
    mechanism = given.law.mechanisms.get(key)
    if mechanism is None:
        raise MechanismUnknown
    return mechanism


def fall(
    recipient: Recipient, country: str | None, mechanism: str, on: date, *, given: Circumstances
) -> Fall:
    """What it does when a mechanism carries nothing from ``on``, whatever is recorded of it."""
    where = country if recipient.group else recipient.country
    with_it, without_it = _standing(mechanism, given), _fallen(mechanism, on, given)
    remaining = tuple(
        key
        for key in _arranged(recipient, on, without_it)
        if key != mechanism and _holds(recipient, key, on, where, given=without_it)
    )
    return Fall(
        before=transfer_ground(recipient, where, on - timedelta(days=1), with_it),
        after=transfer_ground(recipient, where, on, without_it),
        remaining=remaining,
        available=tuple(
            key
            for key, one in given.law.mechanisms.items()
            if one.tool in _TO_BE_ARRANGED
            and key not in (mechanism, *remaining)
            and one.in_force(on, None if where is None else where.upper())
        ),
    )


def _standing(mechanism: str, given: Circumstances) -> Circumstances:
    """The world in which no lapse of the mechanism is recorded."""
    lapses = {key: on for key, on in given.control.lapses.items() if key[1] != mechanism}
    return replace(given, control=replace(given.control, lapses=lapses))


def _fallen(mechanism: str, on: date, given: Circumstances) -> Circumstances:
    """The world in which it lapsed for everybody on that day."""
    lapses = {**given.control.lapses, (None, mechanism): on}
    return replace(given, control=replace(given.control, lapses=lapses))


def _arranged(recipient: Recipient, on: date, given: Circumstances) -> tuple[str, ...]:
    whole_countries = (
        key
        for key, one in given.law.mechanisms.items()
        if one.tool is TransferTool.ADEQUACY and recipient.country in one.countries
    )
    arranged = given.control.arranged(recipient.key, on)
    return tuple(dict.fromkeys((*arranged, *recipient.mechanisms, *whole_countries)))


def _holds(
    recipient: Recipient, key: str, on: date, where: str | None, *, given: Circumstances
) -> bool:
    mechanism = given.law.mechanisms.get(key)
    if mechanism is None or key == EEA_GROUND or mechanism.per_person:
        return False
    in_force = mechanism.in_force(on, None if where is None else where.upper())
    return in_force and not given.control.lapsed(recipient.key, key, on)
