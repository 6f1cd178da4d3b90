"""Why a step on an objection is refused (Art. 21; L43, L44)."""

from app.domain.decider import Refusal


class NotObjectable(Refusal):
    """Art. 21 gives no right to object here: the processing rests on consent, contract or law."""

    code = "not-objectable"
    rules = ("L43", "L44", "C65")


class ObjectionUnknown(Refusal):
    """The person raised no such objection."""

    code = "objection-unknown"
    rules = ("L44",)


class ObjectionDecided(Refusal):
    """The objection has been decided otherwise."""

    code = "objection-decided"
    rules = ("L44",)


class ObjectionAbsolute(Refusal):
    """Against direct marketing nothing is weighed (Art. 21(3))."""

    code = "objection-absolute"
    rules = ("L43",)


class ObjectionLapsed(Refusal):
    """The month for an answer is over: silence granted the objection (Art. 12(3))."""

    code = "objection-lapsed"
    rules = ("L44", "C65")


class GroundsMissing(Refusal):
    """Compelling legitimate grounds must be put in words by a human (Art. 21(1))."""

    code = "grounds-missing"
    rules = ("L44",)
