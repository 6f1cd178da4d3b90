"""The six parts of an access report, as the policy's own six topics (C1; Art. 15(1), (2); L31)."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from app.domain.decider import Circumstances
from app.domain.files import TITLE
from app.domain.holdings import Held
from app.domain.periods import clock_start, last_day, sealed_values
from app.domain.proofs import NONE
from app.events.notices import NoticeShown
from app.policy.model import EEA_GROUND, Policy, RetentionClass
from app.policy.vocabulary import SourceOrigin
from app.rights.consent_history import consents_value, status
from app.rights.copy_of_data import CopiedValue, Copy
from app.rights.erasure_report import class_value, status_value
from app.rights.objections import objections_value, restrictions_value
from app.rights.person import Person
from app.rights.sharing import (
    category_value,
    disclosure_value,
    disclosures,
    mechanism_value,
    purpose_value,
    recipient_value,
    recipients_value,
)

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

SECURITY: Final = (
    "Every value is sealed with AES-256-GCM under a data key of the person's own.",
    "Destroying that key makes the value unreadable for good.",
    "The log of what happened holds no personal data and cannot be rewritten.",
    "Every reading of the data is recorded with its purpose.",
)
LINKS: Final = (
    "Links lead to sites of others. What is submitted there is governed by their own statements;"
    " nothing of it is stored here."
)
REDACTIONS: Final = (
    {
        "what": "Who of the staff, or which tool, consulted or recorded something",
        "ground": "Art. 15(4) GDPR; C-579/21: dates and purposes are told, persons are not",
    },
    {
        "what": "Other people, where a text or a picture shows them too",
        "ground": "Art. 15(4) GDPR: whoever sends this report looks through `to_review` first",
    },
)


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that the parts are told from."""

    person: Person
    copy: Copy
    given: Circumstances

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.given.policy


def data_part(told: Told) -> Value:
    """What is held: every value with its source and why, also what is history only (a copy)."""
    person, policy = told.person, told.policy
    state = person.state
    return {
        "held": [_held(one, policy) for one in told.copy.values],
        "identifiers": [
            {
                "identifier": version,
                "kind": one.kind.value,
                "category": category_value(one.category, policy),
                "since": one.since,
                "verification": one.verification,
            }
            for version, one in state.identifiers.active.items()
        ],
        "relationships": [
            {"kind": kind, "organisation": organisation, "occasion": occasion, **when}
            for bonds, name in (
                (state.relationships.ongoing, "since"),
                (state.relationships.ended, "ended"),
            )
            for (kind, organisation, occasion), at in bonds.items()
            for when in ({name: at},)
        ],
        "files": _files(told),
        "erased": [_place(place) for place in told.copy.erased],
        "unreadable": [_place(place) for place in told.copy.unreadable],
        "redactions": list(REDACTIONS),
        "to_review": [
            f"/parts/data/held/{number}"
            for number, one in enumerate(told.copy.values)
            if _may_show_others(one, policy)
        ],
    }


def purposes_part(told: Told) -> Value:
    """Why it is held, and on which authority."""
    state, policy = told.person.state, told.policy
    held = {one.purpose for copied in told.copy.values for one in copied.uses}
    events = {getattr(copied.recorded.event, "purpose", None) for copied in told.copy.values}
    keys = held | {key for key in events if key} | state.consents.by_purpose.keys()
    keys |= {key for shared in state.disclosures.shared.values() for key in shared.purposes}
    return {"purposes": [_purpose(key, told) for key in sorted(keys) if policy.purpose(key)]}


def sharing_part(told: Told) -> Value:
    """Who was given what, each by name, and how data that left the EEA are safeguarded."""
    transfers = [
        {
            "recipient": recipient_value(key, told.policy),
            "member": member,
            "countries": sorted(country.upper() for country in shared.countries),
            "safeguard": mechanism_value(mechanism, told.given),
            "copy_of_safeguard": f"Ask {told.policy.controller.email}",
        }
        for (key, member), shared in told.person.state.disclosures.shared.items()
        for mechanism in sorted(shared.mechanisms - {EEA_GROUND})
    ]
    return {
        "recipients": recipients_value(told.person, told.given),
        "disclosures": [disclosure_value(one, told.policy) for one in disclosures(told.person)],
        "transfers": transfers,
        "links": LINKS,
    }


def storage_part(told: Told) -> Value:
    """How long, counted from what, and how it is kept safe."""
    classes = sorted({one.retention_class for one in told.copy.values})
    kinds = (told.policy.retention_classes.get(key) for key in classes)
    return {
        "retention": [_retention(kind, told) for kind in kinds if kind is not None],
        "security": list(SECURITY),
    }


def choices_part(told: Told) -> Value:
    """What the person may ask for and has chosen, where to complain, what no machine decides."""
    state, given = told.person.state, told.given
    authority = given.law.authority
    return {
        "rights": [
            {
                "right": notice.right.value,
                "article": notice.right.article,
                "title": notice.title,
                "how": notice.how,
                "limits": notice.limits,
            }
            for notice in told.policy.rights.values()
        ],
        **consents_value(told.person, told.policy),
        "objections": objections_value(state, given),
        "restrictions": restrictions_value(state),
        "suppressions": [
            {"purpose": purpose_value(key, told.policy), "since": one.since}
            for key, one in state.suppressions.purposes.items()
        ],
        "erasures": [status_value(key, one, given) for key, one in state.erasures.by_id.items()],
        "complaint": {
            "authority": authority.name,
            "address": list(authority.address),
            "email": authority.email,
            "url": authority.url,
        },
        "automated_decisions": {"exist": False, "logic": "none"},
    }


def contact_part(told: Told) -> Value:
    """Who answers for the data, and which version of the policy this report and the person saw."""
    policy, controller = told.policy, told.policy.controller
    return {
        "controller": {
            "name": controller.name,
            "legal_form": controller.legal_form,
            "seat": controller.seat,
            "address": list(controller.address),
            "country": controller.country,
            "email": controller.email,
            "contact_role": controller.contact_role,
        },
        "policy": {
            "version": policy.version,
            "effective_from": policy.effective_from,
            "structure_sha256": policy.sha256,
            "texts": {language: text.sha256 for language, text in policy.texts.items()},
        },
        "notices_shown": [
            {
                "policy": recorded.event.policy,
                "language": recorded.event.language,
                "channel": str(recorded.event.channel),
                "shown_at": recorded.happened_at,
            }
            for recorded in told.person.events
            if isinstance(recorded.event, NoticeShown)
        ],
    }


def _held(one: CopiedValue, policy: Policy) -> Value:
    recorded = one.recorded
    return {
        "category": category_value(one.category, policy),
        "value": one.value,
        "status": one.status,
        "retention_class": one.retention_class,
        "recorded": {
            "version": recorded.version,
            "at": recorded.recorded_at,
            "occurred_at": recorded.happened_at,
        },
        "held_for": [_use(held, policy) for held in one.uses] or _stated(one, policy),
        "completes": [category_value(key, policy) for key in one.completes],
    }


def _use(held: Held, policy: Policy) -> Value:
    return {
        "purpose": purpose_value(held.purpose, policy),
        "basis": {"key": held.basis.value, "article": held.basis.article},
        "source": source_value(held.source, held.origin, policy),
        "since": held.since,
        "policy": held.policy,
        "occasion": held.occasion,
        "rectified": held.rectified,
        "superseded_at": held.superseded_at,
    }


def _stated(one: CopiedValue, policy: Policy) -> list[Value]:
    """What the event itself says of a value that no purpose uses: a letter, a proof, a title."""
    event = one.recorded.event
    purpose, basis = getattr(event, "purpose", None), getattr(event, "basis", None)
    source, origin = getattr(event, "source", None), getattr(event, "origin", None)
    return [
        {
            "purpose": None if purpose is None else purpose_value(purpose, policy),
            "basis": None if basis is None else {"key": basis.value, "article": basis.article},
            "source": None if source is None else source_value(source, origin, policy),
            "since": one.recorded.happened_at,
        }
    ]


def source_value(key: str, origin: SourceOrigin | None, policy: Policy) -> Value:
    """Where data came from, and whether the person gave them (Art. 15(1)(g))."""
    found = policy.sources.get(key)
    from_whom = origin or (found.origin if found else None)
    return {
        "key": key,
        "title": key if found is None else found.title,
        "origin": None if from_whom is None else from_whom.value,
    }


def _may_show_others(one: CopiedValue, policy: Policy) -> bool:
    category = policy.category(one.category)
    return category is not None and (category.free_text or category.field_class.value == "image")


def _files(told: Told) -> list[Value]:
    """Files elsewhere by system, title and date (C43)."""
    titles = {one.place: one.value for one in told.copy.values if one.category == TITLE}
    policy = told.policy
    return [
        {
            "system": recipient_value(one.system, policy),
            "title": titles.get((one.version, one.retention_class)),
            "date": one.since,
            "holds": category_value(one.category, policy),
            "purpose": purpose_value(one.purpose, policy),
        }
        for one in told.person.state.files.references.values()
    ]


def _purpose(key: str, told: Told) -> Value:
    purpose = told.policy.purpose(key)
    assert purpose is not None, "only purposes of the policy are listed"
    held = told.person.state.collections.for_purpose(key)
    consent = told.person.state.consents.of(key)
    return {
        **purpose_value(key, told.policy),
        "basis": {"key": purpose.legal_basis.value, "article": purpose.legal_basis.article},
        "legitimate_interest": purpose.legitimate_interest,
        "direct_marketing": purpose.direct_marketing,
        "objectable": purpose.objectable,
        "consent": None if consent == NONE else status(consent),
        "categories": [category_value(one, told.policy) for one in sorted(held)],
        "may_be_shared_with": [
            recipient_value(one, told.policy) for one in sorted(purpose.recipients)
        ],
    }


def _retention(kind: RetentionClass, told: Told) -> Value:
    state = told.person.state
    values = [one for one in sealed_values(state) if one.place[1] == kind.key]
    start = clock_start(kind, values, state, told.given)
    return {
        **class_value(kind.key, told.policy),
        "keep": str(kind.keep),
        "counted_from": kind.clock.value,
        "running_since": start,
        "until": None if start is None else last_day(kind, start, values, told.given),
        "reason": kind.reason,
        "norm": kind.norm,
    }


def _place(place: tuple[int, str]) -> Value:
    version, retention_class = place
    return {"version": version, "retention_class": retention_class}
