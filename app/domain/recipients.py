"""Who may be given data at all: the closed list, agreements, grounds of transfer (Arts. 28, 44)."""

from datetime import date
from typing import TYPE_CHECKING

from app.domain.decider import Circumstances, Refusal
from app.policy.model import Policy, Purpose, Recipient
from app.policy.vocabulary import AgreementKind, WithoutAgreement

if TYPE_CHECKING:
    from app.domain.control import ControlState


class RecipientNotListed(Refusal):
    """The policy does not name this recipient, or not for this purpose: default deny."""

    code = "recipient-not-listed"
    rules = ("C35",)


class AgreementExpired(Refusal):
    """The contract or memorandum with the recipient does not cover this day."""

    code = "agreement-expired"
    rules = ("C38", "L50")


class ContractMissing(Refusal):
    """No contract is on record that would bind the recipient (Art. 28(3))."""

    code = "contract-missing"
    rules = ("L50", "C38", "C40")


def recipient_named(name: str, policy: Policy) -> Recipient:
    """The recipient with this key, or with this name in any language of the policy (C47)."""
    recipient = policy.recipient(name)
    if recipient is None:
        raise RecipientNotListed
    return recipient


def recipient_of(name: str, purpose: Purpose, policy: Policy) -> Recipient:
    """The recipient, when the purpose lists it."""
    recipient = recipient_named(name, policy)
    if recipient.key not in purpose.recipients:
        raise RecipientNotListed(recipient=recipient.key, purpose=purpose.key)
    return recipient


def check_agreement(recipient: Recipient, on: date, control: "ControlState") -> None:
    """Refuses when the paper that the recipient's role asks for does not cover the day.

    What the desk registered goes before what the policy says; of a memorandum that the policy
    text itself asserts, nothing more is known and nothing more is asked (C38). Where the policy
    says `warn`, the findings register alone tells what is missing (L50).
    """
    if recipient.agreement is AgreementKind.NONE:
        return
    if recipient.without_agreement is WithoutAgreement.WARN:
        return
    contract = control.contracts.get(recipient.key)
    if contract is not None:
        if not contract.covers(on):
            raise AgreementExpired(recipient=recipient.key)
    elif recipient.agreement_lapsed(on):
        raise AgreementExpired(recipient=recipient.key)
    elif not (recipient.agreement_asserted or recipient.agreement_until):
        raise ContractMissing(recipient=recipient.key)


def transfer_ground(
    recipient: Recipient, country: str | None, on: date, given: Circumstances
) -> str | None:
    """On which ground data may go there on that day: `eea`, a mechanism, or None (L55 to L57).

    Mechanisms set by the desk go before declared ones. One that lapsed, for this recipient or
    for all, carries nothing from its day on.
    """
    where = country.upper() if recipient.group and country is not None else recipient.country
    control = given.control
    usable = tuple(
        mechanism
        for mechanism in (*control.arranged(recipient.key, on), *recipient.mechanisms)
        if not control.lapsed(recipient.key, mechanism, on)
    )
    ground = given.law.transfer_ground(where, usable, on)
    if ground is not None and control.lapsed(recipient.key, ground, on):
        return None
    return ground
