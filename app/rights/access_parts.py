"""The six parts of an access report, as the policy's own six topics (C1; Art. 15(1), (2); L31)."""

from typing import Any, Final, TypeAlias

from app.documents.event_titles import EVENTS
from app.documents.languages import marked
from app.domain.files import TITLE
from app.domain.periods import SealedValue, clock_start, last_day, sealed_values
from app.domain.proofs import NONE
from app.events.collections import DataCollected
from app.events.erasures import SectionsResealed
from app.events.notices import NoticeShown
from app.policy.model import EEA_GROUND, Policy, RetentionClass
from app.rights.access_rows import disclosure_row, held_rows
from app.rights.access_told import Told
from app.rights.consent_history import consents_value, status
from app.rights.erasure_report import class_value, status_value
from app.rights.objections import objections_value, restrictions_value
from app.rights.person import Place
from app.rights.sharing import (
    category_value,
    disclosures,
    mechanism_value,
    purpose_value,
    recipient_value,
    recipients_value,
)

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

SECURITY: Final = (
    marked("Every value is locked with a key of your own (AES-256-GCM)."),
    marked("Destroying that key makes the value unreadable for good."),
    marked("The log of what happened holds no personal data and cannot be rewritten."),
    marked("Every reading of your data is recorded with its purpose."),
)
LINKS: Final = marked(
    "Links lead to sites of others. What you enter there is governed by their own statements;"
    " nothing of it is stored here."
)
REDACTIONS: Final = (
    {
        "what": marked("Who of our staff, or which tool, read or recorded something"),
        "why": marked("You see dates and purposes; the names of staff are theirs."),
        "ground": "Art. 15(4) GDPR; CJEU C-579/21",
    },
    {
        "what": marked("Other people, where a text or a picture shows them too"),
        "why": marked("Before this report is sent, somebody looks through the values named."),
        "ground": "Art. 15(4) GDPR",
    },
)
SAFEGUARD_COPY: Final = marked("Ask us for a copy of the safeguard")


def data_part(told: Told) -> Value:
    """What is held: every value with its source and why, also what is history only (a copy)."""
    policy, state = told.policy, told.person.state
    others = {key for key in told.copy.categories if _may_show_others(key, policy)}
    return {
        "held": held_rows(told),
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
            {
                "kind": kind,
                "title": _relationship(kind, policy),
                "organisation": organisation,
                "occasion": occasion,
                **when,
            }
            for bonds, name in (
                (state.relationships.ongoing, "since"),
                (state.relationships.ended, "ended"),
            )
            for (kind, organisation, occasion), at in bonds.items()
            for when in ({name: at},)
        ],
        "files": _files(told),
        "erased": [_place(place, policy) for place in told.copy.erased],
        "lost": _lost(told),
        "unreadable": [_place(place, policy) for place in told.copy.unreadable],
        "redactions": told.names.standing("redactions", lambda: list(REDACTIONS)),
        "to_review": [
            f"/parts/data/held/{number}"
            for number, one in enumerate(told.copy.values)
            if one.category in others
        ],
    }


def purposes_part(told: Told) -> Value:
    """Why it is held, and on which authority."""
    state, policy = told.person.state, told.policy
    held = {one.purpose for copied in told.copy.values for one in copied.uses}
    came = {copied.recorded.version: copied.recorded.event for copied in told.copy.values}
    events = {getattr(event, "purpose", None) for event in came.values()}
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
            "how": SAFEGUARD_COPY,
            "contact": told.policy.controller.email,
        }
        for (key, member), shared in told.person.state.disclosures.shared.items()
        for mechanism in sorted(shared.mechanisms - {EEA_GROUND})
    ]
    return {
        "recipients": recipients_value(told.person, told.given),
        "disclosures": [disclosure_row(one, told.names) for one in disclosures(told.person)],
        "transfers": transfers,
        "links": LINKS,
    }


def storage_part(told: Told) -> Value:
    """How long, counted from what, and how it is kept safe."""
    sealed: dict[str, list[SealedValue]] = {one.retention_class: [] for one in told.copy.values}
    for value in sealed_values(told.person.state):
        if value.place[1] in sealed:
            sealed[value.place[1]].append(value)
    kinds = (told.policy.retention_classes.get(key) for key in sorted(sealed))
    return {
        "retention": [_retention(kind, sealed[kind.key], told) for kind in kinds if kind],
        "security": list(SECURITY),
    }


def choices_part(told: Told) -> Value:
    """What the person may ask for and has chosen, where to complain, what no machine decides."""
    state, given = told.person.state, told.given
    authority, policy = given.law.authority, told.policy
    restrictions = restrictions_value(state)
    return {
        "rights": told.names.standing("rights", lambda: _rights(policy)),
        **_consents(told),
        "objections": [_about(one, policy) for one in objections_value(state, given)],
        "restrictions": {
            **restrictions,
            "active": [_about(one, policy) for one in restrictions["active"]],
        },
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


def _rights(policy: Policy) -> list[Value]:
    return [
        {
            "right": notice.right.value,
            "article": notice.right.article,
            "title": notice.title,
            "how": notice.how,
            "limits": notice.limits,
        }
        for notice in policy.rights.values()
    ]


def contact_part(told: Told) -> Value:
    """Who answers for the data, and which version of the policy this report and the person saw."""
    policy = told.policy
    return {
        "controller": told.names.standing("controller", lambda: _controller(policy)),
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
            for recorded in told.person.of(NoticeShown)
        ],
    }


def _may_show_others(key: str, policy: Policy) -> bool:
    category = policy.category(key)
    return category is not None and (category.free_text or category.field_class.value == "image")


def _controller(policy: Policy) -> Value:
    controller = policy.controller
    return {
        "name": controller.name,
        "legal_form": controller.legal_form,
        "seat": controller.seat,
        "address": list(controller.address),
        "country": controller.country,
        "email": controller.email,
        "contact_role": controller.contact_role,
    }


def _files(told: Told) -> list[Value]:
    """Files elsewhere by system, title and date (C43)."""
    if not told.person.state.files.references:
        return []
    titles = {one.place: one.value for one in told.copy.values if one.category == TITLE}
    return [
        {
            "system": told.names.recipient(one.system),
            "title": titles.get((one.version, one.retention_class)),
            "date": one.since,
            "holds": told.names.category(one.category),
            "purpose": told.names.purpose(one.purpose),
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


def _retention(kind: RetentionClass, values: list[SealedValue], told: Told) -> Value:
    start = clock_start(kind, values, told.person.state, told.given)
    return {
        **class_value(kind.key, told.policy),
        "keep": str(kind.keep),
        "counted_from": kind.clock.value,
        "running_since": start,
        "until": None if start is None else last_day(kind, start, values, told.given),
        "reason": kind.reason,
        "norm": kind.norm,
    }


def _place(place: Place, policy: Policy) -> Value:
    version, retention_class = place
    kind = policy.retention_classes.get(retention_class)
    title = retention_class if kind is None else kind.title
    return {"version": version, "retention_class": retention_class, "title": title}


def _lost(told: Told) -> list[Value]:
    """What nobody can read any more: since when that is known, which kinds of data, from where."""
    places = told.copy.lost
    events = {one.version: one.event for one in told.person.events} if places else {}
    return [
        {
            **_place(place, told.policy),
            "since": day,
            "categories": [
                category_value(key, told.policy) for key in _categories(events[place[0]], place[1])
            ],
            "source": _source(events[place[0]], told),
        }
        for place, day in places.items()
    ]


def _categories(event: Any, retention_class: str) -> list[str]:  # Any: the class of an event
    """The kinds of data in the section of one class, as far as the event itself says."""
    if isinstance(event, DataCollected):
        return sorted(key for key, kept in event.held.items() if kept == retention_class)
    named = getattr(event, "categories" if isinstance(event, SectionsResealed) else "category", ())
    return [named] if isinstance(named, str) else sorted(named)


def _source(event: Any, told: Told) -> Any:  # Any: the class of an event; a JSON value
    source = getattr(event, "source", None)
    return None if source is None else told.names.source(source, getattr(event, "origin", None))


def _relationship(kind: str, policy: Policy) -> str:
    found = policy.relationships.get(kind)
    return kind if found is None else found.title


def _consents(told: Told) -> Value:
    """The consents, each step by its name as well."""
    value = consents_value(told.person, told.policy)
    for consent in value["consents"]:
        for step in consent["history"]:
            step["event"] = {"title": EVENTS.get(step["type"], step["type"])}
    return dict(value)


def _about(one: Value, policy: Policy) -> Value:
    """An objection or a restriction, with the names of what it is about."""
    purpose, recipient = one["purpose"], one["recipient"]
    about = {
        "purpose": None if purpose is None else purpose_value(purpose, policy),
        "recipient": None if recipient is None else recipient_value(recipient, policy),
        "categories": [category_value(key, policy) for key in one.get("categories", ())],
    }
    return {**one, "about": about}
