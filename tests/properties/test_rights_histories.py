"""Whatever came before: repeating changes nothing, a no is a no, nobody's words are in an event."""

import json
from datetime import timedelta
from uuid import UUID

from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from app.domain.collections import CollectData
from app.domain.consents import (
    ConfirmConsent,
    GiveConsent,
    GiveExplicitTransferConsent,
    ImportUnprovenConsent,
    RequestConsent,
    WithdrawConsent,
)
from app.domain.decider import Refusal
from app.domain.disclosures import RecordDisclosure
from app.domain.erasure_plan import Extent, preview
from app.domain.erasure_steps import (
    CloseErasure,
    Destruction,
    ExecuteErasure,
    InformRecipient,
    PrepareErasure,
    RequestErasure,
    WithdrawErasure,
)
from app.domain.evidence import Evidence, Wording
from app.domain.findings import ClearFinding, RaiseFinding
from app.domain.objections import (
    OverrideObjection,
    RaiseObjection,
    UpholdObjection,
    WithdrawObjection,
)
from app.domain.obtaining import Obtained
from app.domain.permissions import Allowed, Denied, permission
from app.domain.restrictions import AnnounceLift, DisputeAccuracy, LiftRestriction, Restrict
from app.domain.scope import Scope
from app.domain.subjects import DiscoverChild
from app.domain.suppressions import Unsubscribe
from app.events.declare import type_of
from app.events.erasures import ErasureTrigger, InformOutcome
from app.events.findings import FindingCode, FindingResolution
from app.events.objections import ObjectionCause
from app.events.recorded import Record
from app.events.restrictions import RestrictionGround
from tests.spec import NOW, POLICY, Given, data_key, fold, given, registration

MARKER = "qxzj"
"""Four letters that no word of the policy holds: what somebody typed always carries them."""

IDS = st.sampled_from([UUID(int=n) for n in range(1, 4)])
PURPOSES = st.sampled_from(
    ["newsletter", "information", "network_exchange", "event_security", "photos", "payments", "x"]
)
RECIPIENTS = st.sampled_from(["mailchimp", "basecamp", "members", "enpe", "azavista", "nobody"])
CATEGORIES = st.frozensets(st.sampled_from(["contact.name", "contact.email", "contact.phone"]))
TYPED = st.just("") | st.text("abc \n", max_size=5).map(lambda text: f"{MARKER}{text}")
MOMENTS = st.integers(0, 90).map(lambda days: NOW - timedelta(days=days))
SOURCES = st.sampled_from(["registration_form", "secretariat", "mailchimp", "nowhere"])
ADDRESSES = st.just(()) | st.just((f"{MARKER}@stad.example",))
WORDINGS = st.builds(
    Wording,
    digest=st.sampled_from(["ab" * 32, ""]),
    language=st.just("sv"),
    policy=st.just("impel-1"),
)
EVIDENCE = st.builds(
    Evidence,
    wording=WORDINGS,
    method=st.sampled_from(["form", "double_opt_in", "import", "silence"]),
    source=SOURCES,
    occurred_at=st.none() | MOMENTS,
    reference=TYPED,
)
WITHDRAWALS = st.builds(
    WithdrawConsent, purpose=PURPOSES, source=st.just("email"), addresses=ADDRESSES
)
UNSUBSCRIBES = st.builds(
    Unsubscribe,
    purpose=st.sampled_from(["newsletter", "information"]),
    source=st.just("mailchimp"),
    addresses=ADDRESSES,
    occurred_at=st.none() | MOMENTS,
)
CONSENTS = st.one_of(
    st.builds(GiveConsent, purpose=PURPOSES, evidence=EVIDENCE),
    st.builds(RequestConsent, request=IDS, purpose=PURPOSES, wording=WORDINGS, source=SOURCES),
    st.builds(ConfirmConsent, request=IDS, occurred_at=st.none() | MOMENTS, reference=TYPED),
    st.builds(
        GiveExplicitTransferConsent,
        purpose=PURPOSES,
        recipient=RECIPIENTS,
        evidence=EVIDENCE,
        country=st.sampled_from([None, "TR", "SE"]),
    ),
    st.builds(ImportUnprovenConsent, purpose=PURPOSES, source=SOURCES),
    WITHDRAWALS,
)
OBJECTIONS = st.builds(
    RaiseObjection,
    objection=IDS,
    source=st.just("email"),
    purpose=st.none() | PURPOSES,
    recipient=st.none() | RECIPIENTS,
    cause=st.sampled_from(ObjectionCause),
    statement=TYPED,
    addresses=ADDRESSES,
    occurred_at=st.none() | MOMENTS,
)
RESTRICTIONS = st.builds(
    Restrict,
    restriction=IDS,
    ground=st.sampled_from(RestrictionGround),
    source=st.just("email"),
    purpose=st.none() | PURPOSES,
    statement=TYPED,
)
DESTRUCTIONS = st.builds(
    Destruction,
    keys=st.lists(
        st.sampled_from([data_key("participation", "membership"), data_key("fiscal", "year.2026")]),
        unique=True,
    ).map(tuple),
    blobs=st.integers(0, 9),
    root=st.just("00" * 32),
)
ERASURES = st.one_of(
    st.builds(
        RequestErasure,
        erasure=IDS,
        source=st.just("email"),
        trigger=st.sampled_from(ErasureTrigger),
        purposes=st.just(frozenset()) | st.frozensets(PURPOSES, max_size=1),
        categories=CATEGORIES,
        statement=TYPED,
    ),
    st.builds(WithdrawErasure, erasure=IDS),
    st.builds(
        PrepareErasure,
        erasure=IDS,
        identifiers=st.dictionaries(RECIPIENTS, TYPED, max_size=1),
        reply_address=TYPED,
        addresses=ADDRESSES,
    ),
    st.builds(ExecuteErasure, erasure=IDS, destruction=DESTRUCTIONS),
    st.builds(
        InformRecipient, erasure=IDS, recipient=RECIPIENTS, outcome=st.sampled_from(InformOutcome)
    ),
    st.builds(CloseErasure, erasure=IDS, destruction=DESTRUCTIONS),
)
REPEATABLE = st.one_of(
    CONSENTS,
    UNSUBSCRIBES,
    OBJECTIONS,
    st.builds(UpholdObjection, objection=IDS),
    st.builds(OverrideObjection, objection=IDS, grounds=TYPED),
    st.builds(WithdrawObjection, objection=IDS),
    RESTRICTIONS,
    st.builds(
        DisputeAccuracy,
        restriction=IDS,
        categories=CATEGORIES,
        source=st.just("email"),
        statement=TYPED,
    ),
    st.builds(AnnounceLift, restriction=IDS, channel=st.just("email")),
    st.builds(LiftRestriction, restriction=IDS),
    st.builds(
        RaiseFinding,
        finding=IDS,
        code=st.sampled_from(FindingCode),
        source=st.just("mailchimp"),
        occasion=st.none() | IDS,
    ),
    st.builds(ClearFinding, finding=IDS, resolution=st.sampled_from(FindingResolution)),
    ERASURES,
)
OTHERS = st.one_of(
    st.builds(
        RecordDisclosure,
        recipients=RECIPIENTS.map(lambda recipient: (recipient,)),
        purpose=PURPOSES,
        categories=CATEGORIES,
        country=st.just("SE"),
    ),
    st.just(
        CollectData(
            obtained=Obtained(purpose="payments", personal={"contact.name": "Zoë"}),
            source="secretariat",
        )
    ),
    st.just(DiscoverChild(source="secretariat")),
)
HISTORIES = st.lists(st.one_of(REPEATABLE, REPEATABLE, REPEATABLE, OTHERS), max_size=10)
USES = [
    (purpose, recipient)
    for purpose in POLICY.all_purposes()
    for recipient in sorted(purpose.recipients)
]


def lived(history: list[object]) -> Given:
    """The person after every command of the history that was not refused."""
    person = given(registration("newsletter", "network_exchange", "information"))
    for command in history:
        person = after(person, command)
    return person


def records_of(person: Given, command: object) -> tuple[Record, ...]:
    """The records of a command; none when it is refused."""
    try:
        return person.when(command).records
    except Refusal:
        return ()


def after(person: Given, command: object) -> Given:
    """The person once a command is carried out, or refused."""
    records = records_of(person, command)
    return Given(fold(person.state, records, NOW), person.circumstances)


def may(person: Given, purpose: str, recipient: str) -> bool:
    """Whether the person's data may go to somebody in Sweden."""
    answered = permission(person.state, purpose, recipient, (), person.circumstances, country="SE")
    return isinstance(answered, Allowed)


@forall(HISTORIES, REPEATABLE)
@settings(max_examples=300, deadline=None)
def test_the_same_command_twice_records_at_most_once(
    history: list[object], command: object
) -> None:
    again = after(lived(history), command)

    assert records_of(again, command) == ()


@forall(HISTORIES, REPEATABLE)
@settings(max_examples=200, deadline=None)
def test_nobodys_words_are_in_an_event(history: list[object], command: object) -> None:
    """DESIGN 2.3: not in the payload, and not in what is printed of a command or a record."""
    records = records_of(lived(history), command)
    payloads = [type_of(record.event).payload(record.event) for record in records]

    assert MARKER not in json.dumps(payloads) + repr(records) + repr(command)


@forall(HISTORIES, REPEATABLE)
@settings(max_examples=200, deadline=None)
def test_every_event_is_read_back_as_it_was_decided(history: list[object], command: object) -> None:
    for record in records_of(lived(history), command):
        kind = type_of(record.event)
        written = json.dumps(kind.payload(record.event))
        assert kind.event(json.loads(written)) == record.event


@forall(HISTORIES, WITHDRAWALS | UNSUBSCRIBES)
@settings(max_examples=200, deadline=None)
def test_after_a_withdrawal_there_is_no_consent(
    history: list[object], command: WithdrawConsent | Unsubscribe
) -> None:
    """Art. 7(3): at once, whatever came before and however late the message is."""
    person = after(lived(history), command)
    purpose = POLICY.purpose(command.purpose)

    assert person.state.consents.of(command.purpose).proof is None
    if purpose is not None and purpose.legal_basis.value == "consent":
        assert not any(may(person, purpose.key, recipient) for recipient in purpose.recipients)


@forall(HISTORIES, OBJECTIONS)
@settings(max_examples=200, deadline=None)
def test_after_an_objection_nothing_of_its_scope_is_shared(
    history: list[object], command: RaiseObjection
) -> None:
    """Art. 21: from its recording on, decided or not."""
    before = lived(history)
    if not records_of(before, command):
        return
    person = after(before, command)
    scope = Scope(purpose=command.purpose, recipient=command.recipient)

    for purpose, recipient in USES:
        meant = scope.covers(POLICY.lineage(purpose.key), recipient, frozenset())
        if meant and purpose.objectable:
            assert not may(person, purpose.key, recipient)


@forall(HISTORIES, st.sampled_from(RestrictionGround))
@settings(max_examples=100, deadline=None)
def test_while_everything_is_restricted_nothing_is_shared(
    history: list[object], ground: RestrictionGround
) -> None:
    """Art. 18(2)."""
    key = UUID(int=99)
    person = after(lived(history), Restrict(restriction=key, ground=ground, source="email"))

    assert not any(may(person, purpose.key, recipient) for purpose, recipient in USES)


@forall(HISTORIES)
@settings(max_examples=100, deadline=None)
def test_every_answer_has_a_reason_that_can_be_raised(history: list[object]) -> None:
    """And the refusal has its code, its rules and its facts."""
    person = lived(history)
    for purpose, recipient in USES:
        answered = permission(
            person.state, purpose.key, recipient, (), person.circumstances, country="TR"
        )
        if isinstance(answered, Denied):
            assert answered.raised().code == answered.code
            assert answered.raised().facts == dict(answered.facts)


@forall(HISTORIES, st.frozensets(PURPOSES, max_size=2), CATEGORIES)
@settings(max_examples=200, deadline=None)
def test_a_plan_loses_nothing_and_spares_nothing(
    history: list[object], purposes: frozenset[str], categories: frozenset[str]
) -> None:
    """Every value that is held goes, or its key is among those that stay."""
    person = lived(history)
    extent = Extent(purposes, categories)
    plan = preview(person.state, person.circumstances, extent)
    classes = POLICY.retention_classes

    assert plan == preview(person.state, person.circumstances, extent)
    for slot in person.state.collections.held.values():
        for held in slot.history():
            goes = held.category in plan.gone.get((held.version, held.retention_class), ())
            assert goes or held.key_id in plan.staying
            assert not goes or extent.reaches(held.category, held.purpose)
            assert not goes or not classes[held.retention_class].survives_erasure
    if extent.of_everything:
        assert plan.staying.isdisjoint(plan.keys)
