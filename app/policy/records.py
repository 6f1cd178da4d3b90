"""The entries of a privacy policy, one frozen class a table of its file (Arts. 13, 14, 30)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from app.policy.durations import Duration
from app.policy.vocabulary import (
    OBJECTABLE_BASES,
    PORTABLE_BASES,
    AgreementKind,
    CapabilityMeans,
    ClockEvent,
    DeclaredIn,
    EvidenceState,
    ExpiryBucket,
    FieldClass,
    FindingState,
    IdentifierKind,
    LegalBasis,
    PeriodNature,
    RecipientRole,
    Right,
    ServiceType,
    SourceOrigin,
    ValueFormat,
    VendorPractice,
    WithoutAgreement,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Who answers for the data (Art. 4(7), 13(1)(a)); None is what the policy does not tell."""

    name: str
    legal_form: str
    seat: str
    address: tuple[str, ...]
    country: str
    email: str
    contact_role: str
    company_number: str | None = None
    phone: str | None = None
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyText:
    """The fingerprint of one language version of the text; the text itself is supplied later."""

    language: str
    sha256: str
    authoritative: bool
    fetched_at: date
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationshipKind:
    """A way of dealing with the controller (C2)."""

    key: str
    title: str
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place from which data reach the controller; `operator` is the recipient that runs it."""

    key: str
    title: str
    origin: SourceOrigin
    operator: str | None = None
    aliases: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()

    @property
    def notice_article(self) -> str:
        """The notice that is due when data come from here (L29)."""
        return "Art. 13" if self.origin is SourceOrigin.SUBJECT else "Art. 14"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCategory:
    """One kind of field that may be held about a person."""

    key: str
    title: str
    field_class: FieldClass
    format: ValueFormat = ValueFormat.TEXT
    identifier_kind: IdentifierKind | None = None
    enabled_by_default: bool = True
    """False: refused until the data-protection desk records why it is necessary (L5, C10)."""
    optional: bool = False
    """The policy itself says that giving it is voluntary (C14)."""
    personal: bool = True
    """False for facts about an organisation alone (C11)."""
    special: bool = False
    """A special category of Art. 9(1)."""
    free_text: bool = False
    """People may write anything here, also about others or about health."""
    max_length: int = 200
    mask: bool = False
    """Shown to its last four characters only, unless the reader's right says otherwise (C12)."""
    requires_flag: str | None = None
    """Dropped on receipt unless the source carries this flag (C20: `collects_ip`)."""
    iri: str | None = None
    """The nearest W3C DPV 2.3 term."""
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why data are used: one of the purposes of the policy, or with `parent` a narrower use of one.

    A use has lists of its own and inherits none: what is allowed for the parent is not for the use.
    A use without a parent is one that the text makes of data outside its own list of purposes.
    """

    key: str
    title: str
    legal_basis: LegalBasis
    categories: frozenset[str]
    retention: str
    recipients: frozenset[str] = frozenset()
    parent: str | None = None
    declared_in: DeclaredIn = DeclaredIn.LIST
    direct_marketing: bool = False
    explicit_consent: bool = False
    """Consent must be explicit, Art. 49(1)(a) (C29, L60)."""
    consent_keep: Duration | None = None
    """After which time a consent is to be asked for again; None where the policy names none."""
    relationships: frozenset[str] = frozenset()
    """Which kinds of people it concerns; empty means every kind."""
    retention_by_category: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    legitimate_interest: str | None = None
    """The interest itself, to be told to the person (Art. 13(1)(d)); None when not recorded."""
    assessment: str | None = None
    """Reference of the recorded weighing of interests (C31); None is a finding."""
    iri: str | None = None
    clauses: tuple[str, ...] = ()

    @property
    def objectable(self) -> bool:
        """Whether Art. 21 gives a right to object: its bases, or direct marketing in any case."""
        return self.direct_marketing or self.legal_basis in OBJECTABLE_BASES

    @property
    def portable_by_law(self) -> bool:
        """Whether Art. 20 itself, not only the promise of the policy, grants portability (L35)."""
        return self.legal_basis in PORTABLE_BASES

    def retention_class(self, category: str) -> str:
        """The retention class of one category held for this purpose."""
        return self.retention_by_category.get(category, self.retention)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """By which means a recipient carries out one right, and where and when that was read."""

    means: CapabilityMeans
    source: str
    checked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityMeasure:
    """A measure of Art. 32(1), as the record of Art. 30(1)(g) describes it in general (C59)."""

    key: str
    title: str
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who may be given data (Art. 4(9)); whoever is not listed gets nothing (C35)."""

    key: str
    title: str
    role: RecipientRole
    countries: tuple[str, ...] = ()
    """ISO 3166 alpha-2, where the data are processed; empty: differs from case to case."""
    established_in: str | None = None
    """Country of the contracting entity, where it differs from where the data lie."""
    group: bool = False
    """A group such as the members: a disclosure says which one and in which country."""
    aliases: tuple[str, ...] = ()
    """Other names in the texts for the same recipient (C47)."""
    service_types: frozenset[ServiceType] = frozenset()
    mechanisms: tuple[str, ...] = ()
    """Transfer mechanisms that the policy declares, in order of preference."""
    mechanism_evidence: EvidenceState = EvidenceState.UNKNOWN
    allowed_categories: frozenset[str] | None = None
    """A ceiling for every purpose (C36, C38); None: the purpose's allow-list alone decides."""
    agreement: AgreementKind = AgreementKind.NONE
    agreement_asserted: bool = False
    """The policy text itself says that the agreement was signed (C38)."""
    agreement_from: date | None = None
    agreement_until: date | None = None
    """Last day of the agreement; None: not known."""
    without_agreement: WithoutAgreement = WithoutAgreement.REFUSE
    erasure_path: str | None = None
    """How data are removed there: `api`, `manual` or None when nothing can be removed."""
    erasure_days: int | None = None
    capabilities: Mapping[Right, Capability] = field(default_factory=lambda: MappingProxyType({}))
    """By right; one that is missing is not known."""
    vendor_practice: frozenset[VendorPractice] = frozenset()
    """What the vendor's own pages say of what it does (C54, C56)."""
    policy_url: str | None = None
    policy_checked_at: date | None = None
    clauses: tuple[str, ...] = ()

    @property
    def country(self) -> str | None:
        """The country that decides on transfer: the first one; None when it differs by case."""
        return self.countries[0] if self.countries else None

    @property
    def contract_required(self) -> bool:
        """Whether a processor contract must be registered before any disclosure (L50)."""
        return self.agreement is AgreementKind.PROCESSING

    @property
    def contract_until(self) -> date | None:
        """Last day of the agreement as the policy records it."""
        return self.agreement_until

    def agreement_lapsed(self, on: date) -> bool:
        """Whether a recorded agreement does not cover this day (C38); unknown dates never lapse."""
        too_early = self.agreement_from is not None and on < self.agreement_from
        too_late = self.agreement_until is not None and on > self.agreement_until
        return too_early or too_late

    def may_receive(self, category: str) -> bool:
        """Whether the recipient's own ceiling admits the category (C36, C38)."""
        return self.allowed_categories is None or category in self.allowed_categories


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionClass:
    """How long one kind of material is kept, counted from which event, on which ground (L7)."""

    key: str
    title: str
    keep: Duration
    clock: ClockEvent
    nature: PeriodNature
    reason: str
    norm: str
    generation: ExpiryBucket
    isolated: bool = False
    """Kept only because the law demands it: closed to every other use (L63)."""
    survives_erasure: bool = False
    """An erasure under Art. 17 does not reach it (L41)."""
    confirmed: bool = False
    """False: a proposal that the data-protection desk has not yet decided."""
    minima: tuple[str, ...] = ()
    """Parameters of the law, in years: their longest holds, whatever `keep` promises (L63)."""
    clauses: tuple[str, ...] = ()

    def until(self, start: date) -> date:
        """Last day on which the material is kept, when its clock started on `start`."""
        return self.keep.after(start)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredMechanism:
    """A transfer mechanism on which the text relies; what it is and when it held is law data."""

    key: str
    title: str
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProhibitedDisclosure:
    """A share that the policy promises never to make (C18, C54)."""

    key: str
    title: str
    source: str
    """The recipient or source whose data are meant."""
    categories: frozenset[str]
    """Categories that are meant whatever their source."""
    recipients: frozenset[str]
    """To whom; `*` is everybody."""
    except_recipients: frozenset[str] = frozenset()
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenLinking:
    """A category that must never be attached to a person (C19)."""

    key: str
    title: str
    categories: frozenset[str]
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightNotice:
    """What a person is told about one right, with its limits (C63, L31)."""

    right: Right
    title: str
    how: str
    limits: str
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A reason to keep something after an erasure, and the ground that it needs (C71)."""

    key: str
    title: str
    ground: str | None = None
    """Provision of Art. 17(3) that carries it; None: a human must name one (X11)."""
    retention_classes: frozenset[str] = frozenset()
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingActivity:
    """A row of the record of processing activities (Art. 30(1))."""

    key: str
    title: str
    persons: frozenset[str]
    categories: frozenset[str]
    purposes: frozenset[str]
    recipients: frozenset[str]
    retention_classes: frozenset[str]
    note: str | None = None
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFinding:
    """A conflict that only a human can decide; shown until then (X1 to X13)."""

    key: str
    title: str
    clauses: tuple[str, ...]
    state: FindingState = FindingState.OPEN
    subject_of: frozenset[str] = frozenset()
    """Recipients, purposes or categories concerned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentWording:
    """One sentence as it is shown to whoever signs up for a mailing (Art. 7)."""

    purpose: str
    language: str
    since: date
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of its UTF-8 bytes, in hex: by this a consent names it."""
        return hashlib.sha256(self.text.encode()).hexdigest()
