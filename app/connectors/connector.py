"""The shape of a connector: who sent a call, what it says, whether it came before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from app.connectors.intents import Intent
from app.domain.decider import Refusal

BODY_BYTES_MAX = 64 * 1024


class BodyFlaw(StrEnum):
    """What is wrong with a body: the whole of what may be said about it."""

    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf-8"
    NOT_A_FORM = "not-a-form"
    KEY = "key"
    DUPLICATE_KEY = "duplicate-key"
    NUL = "nul"
    FIELD_MISSING = "field-missing"
    FIELD_INVALID = "field-invalid"


class WebhookMalformed(Refusal):
    """The body is not what the system sends. Names the flaw and the field by our word for it."""

    code: ClassVar[str] = "webhook-malformed"
    rules: ClassVar[tuple[str, ...]] = ("C73",)

    def __init__(self, reason: BodyFlaw, field: str | None = None) -> None:
        super().__init__(reason=reason.value, field=field)


class UnknownWebhookType(Refusal):
    """Well formed, but of a type that the system did not send when this was written."""

    code: ClassVar[str] = "webhook-type-unknown"
    rules: ClassVar[tuple[str, ...]] = ("C73",)


class SignatureRefused(Refusal):
    """The call cannot be shown to come from the system; nothing in it may be believed."""

    code: ClassVar[str] = "webhook-signature-refused"
    rules: ClassVar[tuple[str, ...]] = ("C73",)


class SignatureMissing(SignatureRefused):
    """A secret is set for this webhook, and the call carries no signature."""

    code: ClassVar[str] = "webhook-signature-missing"


class SignatureMalformed(SignatureRefused):
    """The header does not have the form of a signature."""

    code: ClassVar[str] = "webhook-signature-malformed"


class SignatureWrong(SignatureRefused):
    """No signature in the header fits the body and the secret."""

    code: ClassVar[str] = "webhook-signature-wrong"


class SignatureStale(SignatureRefused):
    """Genuine, but made too long ago or ahead of our clock: a replay, or a clock to be set."""

    code: ClassVar[str] = "webhook-signature-stale"


class Verify(Protocol):
    """Raises a `SignatureRefused`, or returns when ``header`` holds for ``body``."""

    def __call__(self, body: bytes, header: str | None, *, secret: str, now: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Connector:
    """One outside system. Everything here is a function of its arguments."""

    key: str
    """The recipient's key in the policy, and the system's segment in the webhook's path."""
    media_type: str
    signature_header: str
    verify: Verify
    """Called only where a signing secret is set; the secret in the path is checked in any case."""
    parse: Callable[[bytes], Intent]
    """Raises `WebhookMalformed` or `UnknownWebhookType`."""
    dedupe_material: Callable[[Intent], bytes]
    """Equal for two deliveries of one happening. Personal: only a keyed hash of it may be kept."""
