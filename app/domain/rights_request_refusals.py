"""Why a step of a rights request is refused: the bounds of Arts. 11, 12 and 19 (L20-L28, L36)."""

from app.domain.decider import Refusal


class RightsRequestUnknown(Refusal):
    """There is no such request."""

    code = "rights-request-unknown"
    rules = ("L20",)


class RightsRequestClosed(Refusal):
    """The request has been answered, taken back or handed on."""

    code = "rights-request-closed"
    rules = ("L25",)


class RightsRequestUnverified(Refusal):
    """It is not known yet whether the request is the person's own (Art. 12(6))."""

    code = "rights-request-unverified"
    rules = ("L24", "C80")


class RightsRequestUnapproved(Refusal):
    """A human approves a request before it is reported as done."""

    code = "rights-request-unapproved"
    rules = ("L46",)


class ObjectionStands(Refusal):
    """An objection that came with the request says otherwise than the answer would (Art. 21(1))."""

    code = "objection-stands"
    rules = ("L44", "L25")


class ReceiptTooOld(Refusal):
    """No right under the Regulation was exercised before it applied."""

    code = "receipt-too-old"
    rules = ("L20",)


class ReceiptUnevidenced(Refusal):
    """A receipt on an earlier day is shown by something: a stamp, a mail header, a register."""

    code = "receipt-unevidenced"
    rules = ("L20",)


class StepUnevidenced(Refusal):
    """A step on an earlier day is shown by something: a letter that is kept, a mail, a note."""

    code = "step-unevidenced"
    rules = ("L20", "L22", "L24", "L25")


class SystemMissing(Refusal):
    """An account is stopped in a system that the policy names."""

    code = "system-missing"
    rules = ("C72",)


class DoubtGroundless(Refusal):
    """Doubts about the identity are reasonable ones, in writing (Art. 12(6))."""

    code = "doubt-groundless"
    rules = ("L24", "L38")


class DoubtTooLate(Refusal):
    """A question does not bring back a month that is over."""

    code = "doubt-too-late"
    rules = ("L24",)


class DoubtUnasked(Refusal):
    """The person was asked nothing that they could have answered."""

    code = "doubt-unasked"
    rules = ("L24",)


class IdentitySettled(Refusal):
    """Whoever is known to be themselves is not asked again."""

    code = "identity-settled"
    rules = ("L24", "L38")


class ExtensionLate(Refusal):
    """The first month is over: nothing can be extended any more (Art. 12(3))."""

    code = "extension-late"
    rules = ("L22",)


class ExtensionRepeated(Refusal):
    """A period is extended once."""

    code = "extension-repeated"
    rules = ("L22",)


class ExtensionUnexplained(Refusal):
    """An extension has its reasons, which the person is told (Art. 12(3))."""

    code = "extension-unexplained"
    rules = ("L22",)


class ExtensionUntold(Refusal):
    """An extension of which the person was not told is none (Art. 12(3))."""

    code = "extension-untold"
    rules = ("L22",)


class RefusalIncomplete(Refusal):
    """Reasons, complaint and judicial remedy are told with every refusal (Art. 12(4))."""

    code = "refusal-incomplete"
    rules = ("L25", "L38")


class GroundInapplicable(Refusal):
    """The ground is none against this right."""

    code = "ground-inapplicable"
    rules = ("L25", "L37", "L38")


class ExcessUnproven(Refusal):
    """Who holds a request against a person proves it, and two humans agree (Art. 12(5))."""

    code = "excess-unproven"
    rules = ("L26", "L38")


class AnswerMissing(Refusal):
    """Nothing is on record that would have answered the request."""

    code = "answer-missing"
    rules = ("L9", "L36")


class DataHeld(Refusal):
    """To somebody about whom data are held it cannot be answered that there are none."""

    code = "data-held"
    rules = ("L31",)


class TasksOpen(Refusal):
    """Something that has to be done first is neither done nor explained (Art. 19)."""

    code = "tasks-open"
    rules = ("L36",)


class TaskUnknown(Refusal):
    """The request has no such task."""

    code = "task-unknown"
    rules = ("L36",)


class TaskUnreasoned(Refusal):
    """A task ends with words on what was done, or why it could not be."""

    code = "task-unreasoned"
    rules = ("L36", "C72")


class NotADuplicate(Refusal):
    """Only a person's own request goes on in an earlier one of theirs for the same right."""

    code = "not-a-duplicate"
    rules = ("L20", "L38")


class RequesterKnown(Refusal):
    """The request is in the stream of the person whom it is about already."""

    code = "requester-known"
    rules = ("L28",)


class StepBeforeReceipt(Refusal):
    """Nothing is done about a request before it is there."""

    code = "step-before-receipt"
    rules = ("L20",)
