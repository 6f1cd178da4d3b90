"""The law as dated parameters: deadlines, ages, periods and mechanisms as of a given day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from app.policy.vocabulary import ProposalState, TransferTool

EEA_GROUND = "eea"
"""The answer for a recipient inside the European Economic Area: no transfer takes place."""


class LawSilent(LookupError):
    """The law file has no such parameter, or none on that day."""

    def __init__(self, name: str, on: date) -> None:
        super().__init__(f"the law file has no value of {name} on {on.isoformat()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedValue:
    """One value of a parameter and the days on which it holds, the last one excluded."""

    name: str
    value: int | str
    valid_from: date
    source: str
    valid_before: date | None = None
    confirmed: bool = True
    """False: general knowledge that somebody has to check before it is quoted."""

    def holds(self, on: date) -> bool:
        """Whether it holds on that day."""
        return self.valid_from <= on and (self.valid_before is None or on < self.valid_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change of the law that is on its way, or did not concern us: off until it has a day.

    L74 to L77: what is watched is written down, and what is not in force changes nothing.
    """

    key: str
    title: str
    state: ProposalState
    checked_on: date
    """When somebody last looked how far it has come."""
    source: str
    parameter: str | None = None
    """The parameter that it would change; None: nothing that this program reckons with."""
    value: int | str | None = None
    valid_from: date | None = None
    """From when it holds; None while it does not."""

    def holds(self, name: str, on: date) -> bool:
        """Whether it has changed a parameter on that day."""
        return self.parameter == name and self.valid_from is not None and self.valid_from <= on


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMechanism:
    """A way in which Chapter V allows data to leave the EEA, and when (L55 to L57)."""

    key: str
    title: str
    tool: TransferTool
    article: str
    valid_from: date
    source: str
    valid_before: date | None = None
    """First day on which it no longer held."""
    countries: frozenset[str] = frozenset()
    """Countries that it covers; empty: any."""
    names: tuple[str, ...] = ()
    """How texts call it, beside its title."""
    per_person: bool = False
    """Works for one person in one case (Art. 49), never for a recipient as a whole (L60)."""
    at_risk: bool = False
    """An action against it is pending."""
    evidence_days: int | None = None
    """After how many days the proof that a recipient is covered must be looked up again (L58)."""

    def in_force(self, on: date, country: str | None = None) -> bool:
        """Whether it holds on that day, for that country when one is named."""
        in_time = self.valid_from <= on and (self.valid_before is None or on < self.valid_before)
        return in_time and (country is None or not self.countries or country in self.countries)


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaMember:
    """A country and the days on which it belongs to the EEA."""

    country: str
    valid_from: date
    valid_before: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it belongs to the area on that day."""
        return self.valid_from <= on and (self.valid_before is None or on < self.valid_before)


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayRule:
    """A legal holiday: a fixed day of the year, or a number of days after Easter Sunday (L23)."""

    name: str
    valid_from: date
    source: str
    month: int | None = None
    day: int | None = None
    easter_offset: int | None = None
    valid_before: date | None = None

    def in_year(self, year: int) -> date:
        """The day of the holiday in a year."""
        if self.easter_offset is not None:
            return easter_sunday(year) + timedelta(days=self.easter_offset)
        assert self.month is not None
        assert self.day is not None
        return date(year, self.month, self.day)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The supervisory authority to which a person may complain (Art. 77)."""

    name: str
    address: tuple[str, ...]
    email: str
    url: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Law:
    """All legal parameters of one law file; every question names the day it is asked for."""

    version: str
    sha256: str
    authority: Authority
    parameters: Mapping[str, tuple[DatedValue, ...]]
    mechanisms: Mapping[str, TransferMechanism]
    area: Mapping[str, AreaMember]
    holiday_rules: tuple[HolidayRule, ...]
    proposals: Mapping[str, Proposal]

    def value(self, name: str, on: date) -> int | str:
        """The value of a parameter on a day; `LawSilent` when there is none.

        A proposal that was given its day goes before what held until then.
        """
        for proposal in self.proposals.values():
            if proposal.holds(name, on) and proposal.value is not None:
                return proposal.value
        for dated in self.parameters.get(name, ()):
            if dated.holds(on):
                return dated.value
        raise LawSilent(name, on)

    def first_day(self, name: str) -> date:
        """The first day on which a parameter has a value; `LawSilent` when it never has."""
        days = [dated.valid_from for dated in self.parameters.get(name, ())]
        if not days:
            raise LawSilent(name, date.max)
        return min(days)

    def term(self, name: str, since: date) -> int:
        """The number by which a term counts that began on a day; before the law, its first.

        Data of years ago are held under the law of today, and what is told of them has its term.
        """
        return self.number(name, max(since, self.first_day(name)))

    def number(self, name: str, on: date) -> int:
        """The value of a parameter that is a whole number."""
        value = self.value(name, on)
        assert isinstance(value, int), name
        return value

    def in_area(self, country: str, on: date) -> bool:
        """Whether a country belongs to the EEA on that day."""
        member = self.area.get(country)
        return member is not None and member.holds(on)

    def transfer_ground(
        self, country: str | None, mechanisms: Iterable[str], on: date
    ) -> str | None:
        """The first ground on which data may go to a country: `eea`, a mechanism key, or None.

        `mechanisms` are those arranged with the recipient, in order of preference. An adequacy
        decision about a whole country needs no arrangement. A mechanism for single persons
        (Art. 49) is never found here. An unknown country has no ground (L55).
        """
        if country is None:
            return None
        if self.in_area(country, on):
            return EEA_GROUND
        for key in mechanisms:
            mechanism = self.mechanisms.get(key)
            if (
                mechanism is not None
                and not mechanism.per_person
                and mechanism.in_force(on, country)
            ):
                return key
        return self._adequacy(country, on)

    def _adequacy(self, country: str, on: date) -> str | None:
        for key, mechanism in self.mechanisms.items():
            whole_country = mechanism.tool is TransferTool.ADEQUACY
            if whole_country and country in mechanism.countries and mechanism.in_force(on):
                return key
        return None

    def holidays(self, year: int) -> frozenset[date]:
        """The legal holidays of a year (Reg. 1182/71 Art. 2(1), Art. 3(4))."""
        days = ((rule, rule.in_year(year)) for rule in self.holiday_rules)
        return frozenset(
            day
            for rule, day in days
            if rule.valid_from <= day and (rule.valid_before is None or day < rule.valid_before)
        )

    def birthday(self, born: date, years: int, on: date) -> date:
        """The day on which somebody reaches an age; who is born on 29 February waits, if so ruled.

        The day in common years is the parameter `age.leap_birthday`, written `MM-DD` (L19).
        """
        try:
            return born.replace(year=born.year + years)
        except ValueError:
            ruled = str(self.value("age.leap_birthday", on))
            month, day = (int(part) for part in ruled.split("-"))
            return date(born.year + years, month, day)

    def age_of_consent(self, country: str, on: date) -> int:
        """From which age a consent needs no parent's, by the law of a country (Art. 8; L19)."""
        national = f"minimum_age.{country.lower()}"
        return self.number(national if national in self.parameters else "minimum_age.default", on)

    def grant_retention_years(self, amount_cents: int, on: date) -> int:
        """How many years the records of an EU grant are kept after the balance payment (L64)."""
        small = amount_cents <= self.number("retention.grant_threshold_cents", on)
        return self.number("retention.grant_small_years" if small else "retention.grant_years", on)


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the anonymous algorithm of 1876."""
    golden = year % 19
    century, in_century = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon_shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon_shift + 15) % 30
    leaps, year_rest = divmod(in_century, 4)
    weekday = (32 + 2 * century_rest + 2 * leaps - epact - year_rest) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return date(year, month, day + 1)
