"""Closed lists of the law and of this service as enumerations; open lists are policy data."""

from enum import StrEnum


class LegalBasis(StrEnum):
    """Art. 6(1) GDPR, one member a letter."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTERESTS = "vital_interests"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTEREST = "legitimate_interest"

    @property
    def article(self) -> str:
        """The provision, as a letter to the person quotes it."""
        return f"Art. 6(1)({_BASIS_LETTERS[self]})"

    @property
    def iri(self) -> str:
        """The W3C DPV 2.3 term."""
        return f"https://w3id.org/dpv/legal/eu/gdpr#A6-1-{_BASIS_LETTERS[self]}"


_BASIS_LETTERS = dict(zip(LegalBasis, "abcdef", strict=True))

OBJECTABLE_BASES = frozenset({LegalBasis.PUBLIC_TASK, LegalBasis.LEGITIMATE_INTEREST})
"""Art. 21(1): the bases against which a person may object."""

PORTABLE_BASES = frozenset({LegalBasis.CONSENT, LegalBasis.CONTRACT})
"""Art. 20(1)(a): the bases for which the law itself grants portability."""


class Right(StrEnum):
    """What a person may ask for, Arts. 7(3), 15 to 22 and 77 GDPR."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    WITHDRAWAL = "withdrawal"
    COMPLAINT = "complaint"
    NO_AUTOMATED_DECISION = "no_automated_decision"

    @property
    def article(self) -> str:
        """The provision that grants it."""
        return _RIGHT_ARTICLES[self]


_RIGHT_ARTICLES = {
    Right.ACCESS: "Art. 15",
    Right.RECTIFICATION: "Art. 16",
    Right.ERASURE: "Art. 17",
    Right.RESTRICTION: "Art. 18",
    Right.PORTABILITY: "Art. 20",
    Right.OBJECTION: "Art. 21",
    Right.WITHDRAWAL: "Art. 7(3)",
    Right.COMPLAINT: "Art. 77",
    Right.NO_AUTOMATED_DECISION: "Art. 22",
}


class RecipientRole(StrEnum):
    """What a recipient (Art. 4(9)) is towards the controller."""

    OWN = "own"
    PROCESSOR = "processor"
    CONTROLLER = "controller"
    JOINT_CONTROLLER = "joint_controller"
    AUTHORITY = "authority"
    PUBLIC = "public"


class ServiceType(StrEnum):
    """The eight kinds of service that the policy names for third parties, and the rest (C39)."""

    DEVELOPMENT = "development"
    HOSTING = "hosting"
    MAINTENANCE = "maintenance"
    BACKUP = "backup"
    STORAGE = "storage"
    INFRASTRUCTURE = "infrastructure"
    PAYMENTS = "payments"
    ANALYTICS = "analytics"
    OTHER = "other"


class AgreementKind(StrEnum):
    """The paper without which a recipient may not be given data."""

    NONE = "none"
    PROCESSING = "processing"
    """A processor contract, Art. 28(3)."""
    MEMORANDUM = "memorandum"
    """A memorandum of understanding with a partner network (C38)."""


class WithoutAgreement(StrEnum):
    """What becomes of a disclosure while no agreement covers the day (L50)."""

    REFUSE = "refuse"
    WARN = "warn"
    """It is recorded; the findings register shows the missing agreement until it is there."""


class CapabilityMeans(StrEnum):
    """How a right can be carried out at a recipient (Art. 19): what is not known is not listed."""

    API = "api"
    MANUAL = "manual"
    """Somebody there or here does it by hand, and says so."""
    IMPOSSIBLE = "impossible"
    """The system offers no way."""


class EvidenceState(StrEnum):
    """What is known of the paper behind a declared transfer mechanism (L58)."""

    UNKNOWN = "unknown"
    ASSERTED = "asserted"
    CHECKED = "checked"


class FieldClass(StrEnum):
    """How sensitive a field is to the eye: the unit of read rights, masking and consultations."""

    CONTACT = "contact"
    INTERNAL = "internal"
    FINANCIAL = "financial"
    IDENTITY = "identity"
    IMAGE = "image"
    SIGNATURE = "signature"
    NETWORK = "network"
    CONTENT = "content"
    PUBLIC = "public"


class IdentifierKind(StrEnum):
    """By which identifiers a person can be found."""

    EMAIL = "email"
    PHONE = "phone"


class ValueFormat(StrEnum):
    """How the value of a category is checked and normalised (C7 to C9, C12, L19)."""

    TEXT = "text"
    EMAIL = "email"
    PHONE = "phone"
    ACCOUNT = "account"
    DATE = "date"
    COUNTRY = "country"
    LANGUAGE = "language"
    IP_ADDRESS = "ip_address"
    REFERENCE = "reference"


class SourceOrigin(StrEnum):
    """From whom data came: decides between the notices of Art. 13 and Art. 14 (L29)."""

    SUBJECT = "subject"
    THIRD_PARTY = "third_party"
    CONTROLLER = "controller"
    PUBLIC = "public"


class ConsentMethod(StrEnum):
    """Ways in which a person can express consent that stands on its own (L12)."""

    FORM = "form"
    DOUBLE_OPT_IN = "double_opt_in"
    WRITTEN = "written"
    IMPORT = "import"


class InvalidConsentMethod(StrEnum):
    """What is offered as consent and is none (L13, L16, C5, C21, C29, C55)."""

    IMPLIED = "implied"
    BUNDLED = "bundled"
    POLICY_ACCEPTANCE = "policy_acceptance"
    SILENCE = "silence"
    PRE_TICKED = "pre_ticked"
    CONTINUED_USE = "continued_use"
    REGISTRATION = "registration"
    CHAT_USE = "chat_use"
    BROWSER_SETTINGS = "browser_settings"


class ProposalState(StrEnum):
    """How far a change of the law has come (L74 to L77)."""

    PROPOSED = "proposed"
    ADOPTED = "adopted"
    UNKNOWN = "unknown"
    """Nobody has found out."""


class TransferTool(StrEnum):
    """The families of Chapter V under which personal data may leave the EEA (L55)."""

    EEA = "eea"
    """No transfer: the recipient is in the European Economic Area."""
    ADEQUACY = "adequacy"
    """Art. 45: a decision of the Commission about a country."""
    ADEQUACY_LISTED = "adequacy_listed"
    """Art. 45: a decision that covers only firms on a list (Privacy Shield, DPF: L58)."""
    CLAUSES = "clauses"
    """Art. 46(2)(c): standard contractual clauses."""
    BINDING_RULES = "binding_rules"
    """Art. 46(2)(b): binding corporate rules."""
    DEROGATION = "derogation"
    """Art. 49(1): a derogation for one case and one person."""


class ClockEvent(StrEnum):
    """The events from which a retention period is counted (L40, L64, L66)."""

    COLLECTION = "collection"
    PARTICIPATION_END = "participation_end"
    MEMBERSHIP_END = "membership_end"
    OCCASION_END = "occasion_end"
    FISCAL_YEAR_END = "fiscal_year_end"
    BALANCE_PAYMENT = "balance_payment"
    CONSENT_END = "consent_end"
    REQUEST_CLOSED = "request_closed"
    ERASURE = "erasure"
    CHAT_END = "chat_end"


class ExpiryBucket(StrEnum):
    """By what the data keys of a retention class are split, so that one key expires as a whole."""

    MEMBERSHIP = "membership"
    OCCASION = "occasion"
    DAY = "day"
    """For what is counted from its collection: what shares a key was obtained on one day."""
    MONTH = "month"
    YEAR = "year"
    GRANT = "grant"
    REQUEST = "request"


class VendorPractice(StrEnum):
    """What a vendor itself says that it does, where a policy text may claim otherwise."""

    STORES = "stores"
    """Keeps the data until somebody deletes them."""
    SHARES = "shares"
    """Has sub-processors or passes data on."""


class PeriodNature(StrEnum):
    """Whether a period binds from below, from above, or is what we chose (L63)."""

    MINIMUM = "minimum"
    CEILING = "ceiling"
    FIXED = "fixed"


class FindingState(StrEnum):
    """Where a standing finding is: shipped open, closed by a human decision."""

    OPEN = "open"
    DECIDED = "decided"


class Severity(StrEnum):
    """How much a finding of the linter weighs."""

    UNLAWFUL = "unlawful"
    """The text promises or relies on something that the law does not allow."""
    INCOMPLETE = "incomplete"
    """The text omits what Arts. 12 to 14 require, or promises content that it lacks."""
    EDITORIAL = "editorial"
    """The text is damaged, doubled or named inconsistently."""


class DeclaredIn(StrEnum):
    """Where the policy text states a purpose."""

    LIST = "list"
    FOOTNOTE = "footnote"
    BODY = "body"
    LAW = "law"
    """Not in the text: the law itself demands the processing."""
