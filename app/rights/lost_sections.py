"""Sections that nobody can read any more though no rule erased them: their key was given up.

That data were lost is another fact than that they were erased: it is a personal data breach (Art.
4(12) GDPR), and whoever asks is told of it as such (L34).
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache, partial
from typing import TypeAlias

from app.events.retention import RetentionExecuted
from app.rights.person import Person, Place

LostSections: TypeAlias = Callable[[], Mapping[Place, date]]
"""Those of one person, worked out once, when they are first asked for: hardly anybody has any."""


def lost_sections_of(person: Person) -> LostSections:
    """For whoever asks about one section after the other."""
    return cache(partial(lost_sections, person))


def lost_sections(person: Person) -> Mapping[Place, date]:
    """The sections whose key was given up, on whatever day, since nothing opened it."""
    # The stream and not the cut: whatever was lost since is not in a copy of an earlier time.
    since = {
        key: recorded.event.until
        for recorded in person.stream.events
        if isinstance(recorded.event, RetentionExecuted) and recorded.event.lost
        for key in recorded.event.keys
    }
    if not since:
        return {}
    found = {
        (recorded.version, seal.retention_class): since[seal.key_id]
        for recorded in person.stream.events
        for seal in recorded.seals
        if seal.key_id in since
    }
    # What was sealed anew elsewhere is lost with the place where it lay last.
    for (version, kind), move in sorted(person.moves.items(), reverse=True):
        if (move.version, kind) in found:
            found[version, kind] = found[move.version, kind]
    known = {recorded.version for recorded in person.events}
    return {place: day for place, day in found.items() if place[0] in known}
