"""The minimum age that the policy promises (C74, C75; Art. 8 GDPR; L19).

It is checked where a date of birth is given, and not claimed to be checked otherwise.
"""

from collections.abc import Mapping
from datetime import date

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.events.recorded import Record
from app.events.subjects import ChildDiscovered

BIRTH_DATE = "identity.birth_date"


class UnderAge(Refusal):
    """The services are not for people of this age; nothing about them is kept."""

    code = "under-age"
    rules = ("C74", "C75", "L19")


def minimum_age(given: Circumstances) -> int:
    """The age that the policy in force promises, whatever the law would be content with (X9)."""
    return given.policy.minimum_age


def is_child(personal: Mapping[str, str], given: Circumstances) -> bool:
    """Whether a date of birth among the normalised values is that of a child today.

    Today is the day where the controller sits, as for every other count. A birthday on 29 February
    is reached as the law file rules.
    """
    born = personal.get(BIRTH_DATE)
    if born is None:
        return False
    today = day_of(given.now, given)
    return today < given.law.birthday(date.fromisoformat(born), minimum_age(given), today)


def child_discovered(source: str, given: Circumstances) -> Record:
    """The record that marks a person for erasure without a request (C75)."""
    return Record(
        ChildDiscovered(source=source, policy=given.policy.version, minimum_age=minimum_age(given))
    )
