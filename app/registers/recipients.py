"""The register of recipients: role, country, mechanism and its validity, paper, what they can do.

Art. 30(1)(d) and (e); C35 to C48, L50, L55 to L60. Every cell is of one day and says so by rule.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.recipients import transfer_ground
from app.policy.model import EEA_GROUND, Recipient
from app.policy.vocabulary import AgreementKind, Right, ServiceType
from app.registers.rules import Ruled
from app.registers.table import Row, columns

RIGHTS = (
    Right.ACCESS,
    Right.RECTIFICATION,
    Right.ERASURE,
    Right.RESTRICTION,
    Right.PORTABILITY,
    Right.OBJECTION,
)
"""Those that reach a recipient (Arts. 15 to 21)."""

COLUMNS = columns(
    key="Key of the policy.",
    title="Name.",
    role="What it is towards the controller (Art. 4).",
    service_types="Kinds of service that the policy names for third parties (C39).",
    countries="Where the data are processed, ISO 3166 alpha-2; empty: differs by case.",
    established_in="Country of the contracting entity, where that is another.",
    purposes="Purposes for which it may be given data.",
    categories="Categories that it may be given.",
    transfer_ground="`eea`, the mechanism that holds on the day, or nothing: no data may go there.",
    mechanism_title="The mechanism by name.",
    mechanism_article="The provision that it rests on.",
    mechanism_since="Since when it rests on it.",
    mechanism_valid_from="First day of the mechanism itself.",
    mechanism_valid_before="First day on which the mechanism no longer holds.",
    mechanism_at_risk="An action against the mechanism is pending (L57).",
    evidence_on="When the proof that it is covered was last looked up (L58).",
    evidence_due="When it has to be looked up again.",
    evidence_state="`none-needed`, `current`, `overdue` or `missing`.",
    declared_mechanisms="What the policy text itself relies on.",
    agreement="The paper that its role asks for (Art. 28; C38).",
    agreement_state="`none-needed`, `in-force`, `asserted` by the text, `expired` or `missing`.",
    agreement_since="First day of the paper.",
    agreement_until="Last day of the paper.",
    privacy_notice="Its own privacy statement (C48).",
    privacy_notice_checked_on="When that was last looked up.",
    privacy_notice_state="`none-needed`, `current`, `overdue` or `missing`.",
    erasure_days="Days within which it is to erase.",
    **{
        f"can_{right.value}": f"How {right.article} is carried out there; empty: not known."
        for right in RIGHTS
    },
    **{f"can_{right.value}_source": "Where that was read." for right in RIGHTS},
    **{f"can_{right.value}_checked_on": "When that was read." for right in RIGHTS},
    clauses="Clauses of the policy.",
)


def rows(ruled: Ruled) -> Iterator[Row]:
    """Every recipient of the policy in force on the day, in its order."""
    for recipient in ruled.given.policy.recipients.values():
        yield row(recipient, ruled.given)


def row(recipient: Recipient, given: Circumstances) -> Row:
    """One recipient on the day of the circumstances."""
    on, policy = day_of(given.now, given), given.policy
    purposes = [one for one in policy.all_purposes() if recipient.key in one.recipients]
    reach = {category for purpose in purposes for category in purpose.categories}
    return {
        "key": recipient.key,
        "title": recipient.title,
        "role": recipient.role.value,
        "service_types": sorted(one.value for one in recipient.service_types),
        "countries": list(recipient.countries),
        "established_in": recipient.established_in,
        "purposes": [one.key for one in purposes],
        "categories": sorted(one for one in reach if recipient.may_receive(one)),
        **_mechanism(recipient, on, given),
        "declared_mechanisms": list(recipient.mechanisms),
        **_agreement(recipient, on, given),
        **_privacy_notice(recipient, on, given),
        "erasure_days": recipient.erasure_days,
        **_capabilities(recipient),
        "clauses": list(recipient.clauses),
    }


def _mechanism(recipient: Recipient, on: date, given: Circumstances) -> dict[str, Any]:
    ground = transfer_ground(recipient, None, on, given)
    mechanism = given.law.mechanisms.get(ground or "")
    if mechanism is None:
        none_needed = ground == EEA_GROUND or recipient.group
        state = "none-needed" if none_needed else "missing"
        return {"transfer_ground": ground, "evidence_state": state}
    arrangement = given.control.arrangements.get((recipient.key, mechanism.key))
    looked_up = arrangement.evidence_on if arrangement else None
    due = (
        None
        if looked_up is None or mechanism.evidence_days is None
        else looked_up + timedelta(days=mechanism.evidence_days)
    )
    return {
        "transfer_ground": ground,
        "mechanism_title": mechanism.title,
        "mechanism_article": mechanism.article,
        "mechanism_since": arrangement.since if arrangement else None,
        "mechanism_valid_from": mechanism.valid_from,
        "mechanism_valid_before": mechanism.valid_before,
        "mechanism_at_risk": mechanism.at_risk,
        "evidence_on": looked_up,
        "evidence_due": due,
        "evidence_state": "none-needed"
        if mechanism.evidence_days is None
        else _looked_up(looked_up, due, on),
    }


def _agreement(recipient: Recipient, on: date, given: Circumstances) -> dict[str, Any]:
    contract = given.control.contracts.get(recipient.key)
    since = contract.since if contract else recipient.agreement_from
    until = contract.until if contract else recipient.agreement_until
    if recipient.agreement is AgreementKind.NONE:
        state = "none-needed"
    elif contract is not None:
        state = "in-force" if contract.covers(on) else "expired"
    elif recipient.agreement_lapsed(on):
        state = "expired"
    else:
        known = recipient.agreement_asserted or recipient.agreement_until is not None
        state = "asserted" if known else "missing"
    return {
        "agreement": recipient.agreement.value,
        "agreement_state": state,
        "agreement_since": since,
        "agreement_until": until,
    }


def _privacy_notice(recipient: Recipient, on: date, given: Circumstances) -> dict[str, Any]:
    checked = recipient.policy_checked_at
    age_max = timedelta(days=given.law.number("recheck.vendor_statement_days", on))
    state = "none-needed"
    if recipient.service_types or recipient.policy_url is not None:
        due = None if checked is None else checked + age_max
        state = "missing" if recipient.policy_url is None else _looked_up(checked, due, on)
    return {
        "privacy_notice": recipient.policy_url,
        "privacy_notice_checked_on": checked,
        "privacy_notice_state": state,
    }


def _looked_up(looked_up: date | None, due: date | None, on: date) -> str:
    if looked_up is None:
        return "overdue"
    return "current" if due is None or on <= due else "overdue"


def _capabilities(recipient: Recipient) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for right in RIGHTS:
        known = recipient.capabilities.get(right)
        name = f"can_{right.value}"
        cells[name] = known.means.value if known else None
        cells[f"{name}_source"] = known.source if known else None
        cells[f"{name}_checked_on"] = known.checked_on if known else None
    return cells


def unnamed_service(recipient: Recipient) -> bool:
    """Whether nothing but `other` is said of what it does (C39)."""
    return recipient.service_types == {ServiceType.OTHER}
