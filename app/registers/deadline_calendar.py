"""What is due as a calendar of RFC 5545: kinds, ids of matters, days, and nobody's name or id (U2).

Notices that are due on one day are one entry with their number: after an import they are many.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from icalendar import Alarm, Calendar, Event

from app.domain.decider import Circumstances
from app.registers.table import Row
from app.rights.rights_requests import days_left, urgency

ALARMS: Final = (timedelta(days=14), timedelta(days=5), timedelta(days=1))
ALARMS_OF_HOURS: Final = (timedelta(hours=48), timedelta(hours=24), timedelta(hours=6))
_TO_BE_TOLD: Final = {"authority": "the authority", "subjects": "the people concerned"}


def calendar(rows: Iterable[Row], notices: Mapping[date, int], given: Circumstances) -> bytes:
    """One entry a deadline, in the order of the register; notices by day after them."""
    feed = Calendar()
    feed.add("prodid", "-//Personal data ledger//Deadlines//EN")
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", "Data protection deadlines")
    for entry in _entries(rows, notices, given):
        feed.add_component(entry)
    made: bytes = feed.to_ical()
    return made


def _entries(
    rows: Iterable[Row], notices: Mapping[date, int], given: Circumstances
) -> Iterator[Event]:
    for row in rows:
        yield _of_breach(row, given) if row["kind"] == "breach" else _of_person(row, given)
    for on, number in sorted(notices.items()):
        yield _of_notices(on, number, given)


def _of_person(row: Row, given: Circumstances) -> Event:
    task = row["task"]
    named = str(row["matter"]) if task is None else f"{row['matter']}-{task}"
    entry = _entry(named, _summary(row), str(row["urgency"]), given)
    entry.add("dtstart", row["due_on"])
    entry.add("description", f"Matter {row['matter']}. Status: {row['what']}.")
    return _with(entry, ALARMS)


def _summary(row: Row) -> str:
    """What is to be done, and for which right."""
    what, right = (str(row[name]).replace("_", " ") for name in ("what", "right"))
    match row["kind"]:
        case "rights_request":
            return f"Rights request due: {right}"
        case "task":
            return f"Task due: {what} ({right})"
        case "objection":
            return "Objection to be decided"
        case "restriction":
            return "Restriction to be lifted, as announced"
        case _ if row["recipient"] is not None:
            return "Recipient to be told of an erasure"
        case _:
            return "Erasure to be carried out"


def _of_breach(row: Row, given: Circumstances) -> Event:
    """At its moment: a breach is due by the hour (Art. 33(1))."""
    told = _TO_BE_TOLD[row["what"]]
    named = f"{row['matter']}-{row['what']}"
    entry = _entry(named, f"Breach: tell {told}", str(row["urgency"]), given)
    entry.add("dtstart", row["due_at"])
    entry.add("description", f"Matter {row['matter']}.")
    return _with(entry, ALARMS_OF_HOURS)


def _of_notices(on: date, number: int, given: Circumstances) -> Event:
    waiting = f"{number} person" if number == 1 else f"{number} people"
    left = days_left(on, given.now, given.law)
    entry = _entry(f"notices-{on}", f"Notices due: {waiting}", urgency(left), given)
    entry.add("dtstart", on)
    entry.add("description", "Art. 14(3)(a).")
    return _with(entry, ALARMS)


def _entry(named: str, summary: str, category: str, given: Circumstances) -> Event:
    entry = Event()
    entry.add("uid", f"{named}@deadlines")
    entry.add("dtstamp", given.now)
    entry.add("summary", summary)
    entry.add("categories", [category])
    entry.add("transp", "TRANSPARENT")
    return entry


def _with(entry: Event, alarms: tuple[timedelta, ...]) -> Event:
    for before in alarms:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _before(before))
        alarm.add("trigger", -before)
        entry.add_component(alarm)
    return entry


def _before(time: timedelta) -> str:
    if time.days and not time.seconds and time.days != 2:
        return f"Due in {time.days} day{'' if time.days == 1 else 's'}"
    return f"Due in {int(time.total_seconds()) // 3600} hours"
