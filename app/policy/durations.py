"""Calendar periods in ISO 8601 notation, of years, months, weeks and days."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_NOTATION: Final = re.compile(
    r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII
)
_MONTHS_A_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Duration:
    """A period by the calendar: months are added in one step, then days."""

    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read "P7Y", "P1Y6M", "P2W" or "P30D"; times of day do not exist in retention periods."""
        found = _NOTATION.fullmatch(text)
        if found is None:
            raise ValueError("not an ISO 8601 duration of years, months, weeks and days")
        years, months, weeks, days = (int(part or 0) for part in found.groups())
        return cls(months=years * _MONTHS_A_YEAR + months, days=weeks * 7 + days)

    def after(self, start: date) -> date:
        """The day that lies this period after `start`; a missing 29th to 31st becomes the last day.

        The clamp is Reg. 1182/71 Art. 3(2)(c) and is applied once, to the sum of all months (L22).
        """
        month_index = start.year * _MONTHS_A_YEAR + start.month - 1 + self.months
        year, month = divmod(month_index, _MONTHS_A_YEAR)
        day = min(start.day, monthrange(year, month + 1)[1])
        return date(year, month + 1, day) + timedelta(days=self.days)

    def __str__(self) -> str:
        """Write the ISO 8601 notation, years first."""
        years, months = divmod(self.months, _MONTHS_A_YEAR)
        parts = ((years, "Y"), (months, "M"), (self.days, "D"))
        written = "".join(f"{amount}{unit}" for amount, unit in parts if amount)
        return f"P{written or '0D'}"
