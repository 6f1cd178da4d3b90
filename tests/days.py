"""The day that the policy counts by: it begins in Brussels before it does in UTC."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def today_in_brussels() -> date:
    """Today in Brussels."""
    return datetime.now(ZoneInfo("Europe/Brussels")).date()
