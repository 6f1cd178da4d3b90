"""A vocabulary of generated commands about one person, sensible and senseless ones alike."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st

from app.domain.collections import CollectData, RectifyData
from app.domain.consultations import RecordConsultation, RecordRefusedConsultation
from app.domain.decider import Refusal
from app.domain.disclosures import RecordDisclosure
from app.domain.files import ReferenceFile
from app.domain.identifiers import ClaimIdentifier, ReleaseIdentifier, VerifyIdentifier
from app.domain.notices import ShowNotice
from app.domain.obtaining import Obtained
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.subjects import RegisterSubject
from app.events.identifiers import Verification
from app.events.notices import NoticeChannel
from app.policy.model import Purpose
from app.policy.vocabulary import ValueFormat
from tests.spec import NOW, POLICY, Given, given

T = TypeVar("T")

MARKER = "qxzj"
"""Four letters that no word of the policy holds: what somebody typed always carries them."""

TOKENS = st.text("abcdefghijkmnpqrstuvwxyz", min_size=6, max_size=12).map(MARKER.__add__)
DIGITS = st.text("0123456789", min_size=6, max_size=6)
OCCASIONS = st.none() | st.sampled_from([UUID(int=7), UUID(int=8)])
MOMENTS = st.none() | st.integers(0, 3000).map(lambda days: NOW - timedelta(days=40 + days))
IDENTIFIERS = st.integers(3, 6)


def _iban(digits: str) -> str:
    account = f"{digits}{digits}"
    return f"BE{98 - int(f'{account}111400') % 97:02}{account}"


def _bankgiro(digits: str) -> str:
    doubled = [int(d) * (2 - i % 2) for i, d in enumerate(digits)]
    check = -sum(d // 10 + d % 10 for d in doubled) % 10
    return f"{digits}{check}"


_BY_FORMAT: Mapping[ValueFormat, st.SearchStrategy[str]] = {
    ValueFormat.TEXT: TOKENS,
    ValueFormat.EMAIL: TOKENS.map(lambda token: f"{token.title()}@{token}.example"),
    ValueFormat.PHONE: DIGITS.map(lambda digits: f"+32470{digits}"),
    ValueFormat.ACCOUNT: DIGITS.map(_iban) | DIGITS.map(_bankgiro),
    ValueFormat.DATE: st.dates(min_value=date(1930, 1, 1), max_value=date(2012, 1, 1)).map(
        lambda day: day.isoformat()
    ),
    ValueFormat.COUNTRY: st.sampled_from(["BE", "SE", "TR"]),
    ValueFormat.LANGUAGE: st.sampled_from(["sv", "nl-be"]),
    ValueFormat.IP_ADDRESS: st.ip_addresses().map(str),
    ValueFormat.REFERENCE: TOKENS,
}

WRONG = TOKENS | st.sampled_from(["", "\ud800"])


def mostly(good: st.SearchStrategy[T]) -> st.SearchStrategy[T | str]:
    """What makes sense, and once in a while what does not."""
    return st.integers(0, 24).flatmap(lambda dice: WRONG if dice == 24 else good)


CATEGORIES = st.sampled_from(sorted(POLICY.categories))
PURPOSES = st.sampled_from([purpose.key for purpose in POLICY.all_purposes()])
SOURCES = st.sampled_from(sorted(POLICY.sources))
SYSTEMS = st.sampled_from(sorted(POLICY.recipients))
KINDS = st.sampled_from(sorted(POLICY.relationships)[:3])
HELD = st.sampled_from(["contact.name", "contact.email", "work.title", "identity.birth_date"])


def value_of(category: str) -> st.SearchStrategy[str]:
    """A value of the category, or of none when the policy does not name it."""
    known = POLICY.categories.get(category)
    return TOKENS if known is None else _BY_FORMAT[known.format]


@st.composite
def values(draw: st.DrawFn, categories: st.SearchStrategy[set[str]]) -> dict[str, str]:
    """A value for each of some categories."""
    return {one: draw(mostly(value_of(one))) for one in sorted(draw(categories))}


@st.composite
def used(draw: st.DrawFn, *, size_max: int) -> tuple[Purpose, frozenset[str]]:
    """A purpose, and some categories that are nearly always on its allow-list."""
    purpose = POLICY.purpose(draw(PURPOSES))
    assert purpose is not None
    allowed = mostly(st.sampled_from(sorted(purpose.categories)))
    return purpose, draw(st.frozensets(allowed, min_size=1, max_size=size_max))


@st.composite
def obtained(draw: st.DrawFn) -> Obtained:
    """Values for a purpose."""
    purpose, categories = draw(used(size_max=4))
    return Obtained(
        purpose=draw(mostly(st.just(purpose.key))),
        personal=draw(values(st.just(set(categories)))),
        occasion=draw(OCCASIONS),
    )


@st.composite
def corrections(draw: st.DrawFn) -> RectifyData:
    """Corrections of, and statements on, what is often held."""
    return RectifyData(
        source=draw(mostly(SOURCES)),
        personal=draw(values(st.sets(HELD, max_size=2))),
        statements=draw(st.dictionaries(HELD, mostly(TOKENS), max_size=1)),
        former=draw(st.dictionaries(IDENTIFIERS, _BY_FORMAT[ValueFormat.EMAIL], max_size=2)),
        verification=draw(st.none() | st.sampled_from(Verification)),
        occurred_at=draw(MOMENTS),
    )


@st.composite
def disclosures(draw: st.DrawFn) -> RecordDisclosure:
    """Shares with recipients that the purpose nearly always lists."""
    purpose, categories = draw(used(size_max=3))
    listed = st.sampled_from(sorted(purpose.recipients)) if purpose.recipients else SYSTEMS
    return RecordDisclosure(
        recipients=tuple(draw(st.lists(mostly(listed), min_size=1, max_size=2))),
        purpose=draw(mostly(st.just(purpose.key))),
        categories=categories,
        member=draw(OCCASIONS),
        country=draw(mostly(st.sampled_from(["SE", "be"]))),
        source=draw(st.none() | mostly(SOURCES)),
        occasion=draw(OCCASIONS),
    )


@st.composite
def files(draw: st.DrawFn) -> ReferenceFile:
    """Files with one opaque name, nearly always."""
    purpose, categories = draw(used(size_max=1))
    file = draw(OCCASIONS)
    return ReferenceFile(
        system=draw(mostly(SYSTEMS)),
        title=draw(mostly(TOKENS)),
        category=next(iter(categories)),
        purpose=purpose.key,
        source=draw(mostly(SOURCES)),
        file=file,
        digest=None if file else draw(mostly(st.just("0123456789abcdef" * 4))),
        occasion=draw(OCCASIONS),
        occurred_at=draw(MOMENTS),
    )


@st.composite
def identifier_claims(draw: st.DrawFn) -> ClaimIdentifier:
    """Addresses and numbers that are nearly always shown to be the person's."""
    category = draw(st.sampled_from(["contact.email", "contact.phone"]))
    return ClaimIdentifier(
        category=draw(mostly(st.just(category))),
        value=draw(mostly(value_of(category))),
        purpose=draw(mostly(st.just("event_logistics"))),
        source=draw(mostly(SOURCES)),
        verification=draw(st.one_of(st.none(), *[st.sampled_from(Verification)] * 6)),
        occurred_at=draw(MOMENTS),
    )


STARTS = st.builds(StartRelationship, kind=mostly(KINDS), occasion=OCCASIONS, occurred_at=MOMENTS)
NOTICES = st.builds(
    ShowNotice,
    policy=mostly(st.just(POLICY.version)),
    language=mostly(st.sampled_from(["sv", "fr", "SV"])),
    channel=st.sampled_from(NoticeChannel),
    occurred_at=MOMENTS,
)
FLAGS = st.sampled_from([frozenset[str](), frozenset({"collects_ip"})])
CLOSED = st.sampled_from([frozenset[str]()] * 3 + [frozenset({"newsletter"})])
REGISTRATIONS = st.builds(
    RegisterSubject,
    source=mostly(SOURCES),
    obtained=st.lists(obtained(), min_size=1, max_size=3).map(tuple),
    relationships=st.lists(STARTS, max_size=2).map(tuple),
    notice=st.none() | NOTICES,
    flags=FLAGS,
    region=st.sampled_from([None, "BE"]),
    suppressed_for=CLOSED,
    occurred_at=MOMENTS,
)
COLLECTIONS = st.builds(
    CollectData,
    obtained=obtained(),
    source=mostly(SOURCES),
    flags=FLAGS,
    region=st.sampled_from([None, "BE"]),
    suppressed_for=CLOSED,
    occurred_at=MOMENTS,
)
REPEATABLE = st.one_of(
    STARTS,
    NOTICES,
    files(),
    st.builds(EndRelationship, kind=mostly(KINDS), occasion=OCCASIONS, occurred_at=MOMENTS),
    st.builds(VerifyIdentifier, identifier=IDENTIFIERS, verification=st.sampled_from(Verification)),
)
"""Commands that change nothing when they come a second time."""

READ = st.frozensets(mostly(HELD), max_size=2)
READINGS = st.one_of(
    st.builds(RecordConsultation, purpose=mostly(PURPOSES), categories=READ),
    st.builds(
        RecordConsultation,
        purpose=st.just("event_logistics"),
        categories=st.just(frozenset({"contact.name"})),
    ),
    st.builds(RecordRefusedConsultation, purpose=mostly(PURPOSES), categories=READ),
)
COMMANDS = st.one_of(
    COLLECTIONS,
    COLLECTIONS,
    corrections(),
    disclosures(),
    identifier_claims(),
    st.builds(ReleaseIdentifier, identifier=IDENTIFIERS, value=_BY_FORMAT[ValueFormat.EMAIL]),
    READINGS,
    REPEATABLE,
    REGISTRATIONS,
)
"""Everything that can be asked about a person's data, relationships, shares and files."""

HISTORIES = st.tuples(
    st.builds(
        RegisterSubject,
        source=SOURCES,
        obtained=st.just(
            (
                Obtained(
                    purpose="event_logistics",
                    personal={"contact.name": "Ana", "contact.email": "ana@example.org"},
                ),
            )
        ),
    ),
    st.lists(COMMANDS, max_size=6),
)
"""Somebody registers, and then things happen to them."""


def lived(history: tuple[object, list[object]]) -> Given:
    """The person after every command of the history that was not refused."""
    first, others = history
    person = given(first)
    for command in others:
        try:
            person = person.when(command).after
        except Refusal:
            continue
    return person
