"""Every flow that a mechanism of Chapter V carries, and how many people are in it (L57, L59).

Read from the sharing register: what was given on the mechanism, and what was given on another one
to a recipient whose transfers rest on this one now. Who was erased is in no flow.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Final

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Text,
    and_,
    any_,
    bindparam,
    distinct,
    func,
    or_,
    select,
    true,
    tuple_,
)

from app.domain.decider import Circumstances
from app.domain.transfers import Fall, fall
from app.policy.model import EEA_GROUND, Recipient, TransferMechanism
from app.projections.sharing_register import SHARING_REGISTER
from app.projections.sharing_register import register as shared
from app.projections.statements import Query
from app.rights.as_of import AsOf
from app.rights.sharing import purpose_value, recipient_value
from app.store.tables import positions

Value = dict[str, Any]  # Any: a JSON value

PROJECTIONS = (SHARING_REGISTER,)

_MOMENT = DateTime(timezone=True)
_LAST_POSITION: Final = 2**62
_LAST_MOMENT: Final = datetime(9999, 1, 1, tzinfo=UTC)
_FLOW: Final = ("recipient", "country", "mechanism", "purpose")


def _given_on() -> ColumnElement[bool]:
    """Shared on the mechanism, or with one who rests on it now; the EEA is another matter."""
    return or_(
        shared.c.mechanism == bindparam("mechanism", type_=Text),
        and_(
            shared.c.recipient == any_(bindparam("resting", type_=ARRAY(Text))),
            shared.c.mechanism != func.all(bindparam("apart", type_=ARRAY(Text))),
        ),
    )


def _flows() -> Query:
    """Counts of whole flows, of each category of one, of each recipient, and of all."""
    rows = (
        select(
            *(shared.c[name] for name in _FLOW),
            func.unnest(shared.c.categories).label("category"),
            shared.c.subject_id,
            func.coalesce(shared.c.occurred_at, shared.c.disclosed_at).label("at"),
        )
        .where(
            _given_on(),
            shared.c.of_everything.is_(False),
            shared.c.position <= bindparam("known_position", type_=BigInteger),
            shared.c.disclosed_at <= bindparam("known_moment", type_=_MOMENT),
        )
        .subquery("flows")
    )
    flow = [rows.c[name] for name in _FLOW]
    everybody = distinct(rows.c.subject_id)
    counted = (
        select(
            *flow,
            rows.c.category,
            func.grouping(rows.c.recipient, rows.c.purpose, rows.c.category).label("level"),
            func.count(everybody).label("people"),
            func.count(everybody)
            .filter(rows.c.at >= bindparam("fallen_at", type_=_MOMENT))
            .label("people_since"),
            func.min(rows.c.at).label("first_at"),
            func.max(rows.c.at).label("last_at"),
        )
        .group_by(
            func.grouping_sets(
                tuple_(*flow, rows.c.category), tuple_(*flow), tuple_(rows.c.recipient), tuple_()
            )
        )
        .subquery("counted")
    )
    return Query(
        select(positions.c.position.label("stands_at"), counted)
        .select_from(positions.outerjoin(counted, true()))
        .where(SHARING_REGISTER.standing)
    )


_FLOWS = _flows()
_OF_CATEGORY, _OF_FLOW, _OF_RECIPIENT, _OF_ALL = 0, 1, 3, 7
"""What `grouping` answers: a bit for each of the three columns that is summed over."""


@dataclass(slots=True)
class _Counted:
    stands_at: int = -1
    people: int = 0
    people_since: int = 0
    of_recipient: dict[str, Any] = field(default_factory=dict)
    flows: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    categories: dict[tuple[Any, ...], list[Value]] = field(
        default_factory=lambda: defaultdict(list)
    )


async def impact(
    pool: "asyncpg.Pool[Any]",
    mechanism: TransferMechanism,
    on: date,
    given: Circumstances,
    *,
    cut: AsOf | None,
) -> Value:
    """What is affected when the mechanism falls on that day, or since it did."""
    resting = _resting(mechanism.key, on, given)
    parameters = _parameters(mechanism.key, on, given, cut=cut)
    counted = _counted(await _FLOWS.fetch(pool, resting=resting, **parameters))
    keys = resting + [key for key in sorted(counted.of_recipient) if key not in resting]
    return {
        "mechanism": _mechanism_value(mechanism),
        "on": on,
        "recorded": _recorded(mechanism.key, given),
        "stands_at": counted.stands_at,
        "people": counted.people,
        "people_since": counted.people_since,
        "recipients": [_recipient(key, counted, mechanism, on, given=given) for key in keys],
    }


def _resting(mechanism: str, on: date, given: Circumstances) -> list[str]:
    """The recipients whose transfers rest on it; of a group only the case says where it is."""
    return [
        key
        for key, recipient in given.policy.recipients.items()
        if not recipient.group
        and fall(recipient, None, mechanism, on, given=given).before == mechanism
    ]


def _parameters(
    mechanism: str, on: date, given: Circumstances, *, cut: AsOf | None
) -> dict[str, Any]:
    position = None if cut is None else cut.position
    moment = None if cut is None else cut.moment
    per_person = [key for key, one in given.law.mechanisms.items() if one.per_person]
    return {
        "mechanism": mechanism,
        "apart": [EEA_GROUND, *per_person],
        "known_position": _LAST_POSITION if position is None else position,
        "known_moment": moment or _LAST_MOMENT,
        "fallen_at": datetime.combine(on, time.min, UTC),
    }


def _counted(rows: "list[asyncpg.Record]") -> _Counted:
    found = _Counted(stands_at=rows[0]["stands_at"] if rows else -1)
    for row in rows:
        level = row["level"]
        if level == _OF_ALL:
            found.people, found.people_since = row["people"], row["people_since"]
        elif level == _OF_RECIPIENT:
            found.of_recipient[row["recipient"]] = row
        elif level == _OF_FLOW:
            found.flows[row["recipient"]].append(row)
        elif level == _OF_CATEGORY:
            one = {"category": row["category"], "people": row["people"]}
            found.categories[_key(row)].append(one)
    return found


def _key(row: Any) -> tuple[Any, ...]:
    return tuple(row[name] for name in _FLOW)


def _recipient(
    key: str, counted: _Counted, mechanism: TransferMechanism, on: date, *, given: Circumstances
) -> Value:
    """One recipient with its flows; of one that the policy no longer names, only those."""
    recipient, whole = given.policy.recipients.get(key), counted.of_recipient.get(key)
    flows = sorted(counted.flows[key], key=lambda row: [str(name) for name in _key(row)])
    found = None if recipient is None else fall(recipient, None, mechanism.key, on, given=given)
    return {
        **recipient_value(key, given.policy),
        "country": None if recipient is None else recipient.country,
        "group": recipient is not None and recipient.group,
        "people": whole["people"] if whole else 0,
        "people_since": whole["people_since"] if whole else 0,
        **({} if found is None else _fall_value(found)),
        "evidence_on": _evidence(key, mechanism.key, given),
        "purposes": [] if recipient is None else _purposes(recipient, given),
        "flows": [
            {
                "country": None if row["country"] is None else row["country"].upper(),
                "mechanism": row["mechanism"],
                "purpose": purpose_value(row["purpose"], given.policy),
                "people": row["people"],
                "people_since": row["people_since"],
                "first_at": row["first_at"],
                "last_at": row["last_at"],
                "categories": sorted(
                    counted.categories[_key(row)], key=lambda one: str(one["category"])
                ),
                **_of_country(recipient, row["country"], mechanism, on, given=given),
            }
            for row in flows
        ],
    }


def _of_country(
    recipient: Recipient | None,
    country: str | None,
    mechanism: TransferMechanism,
    on: date,
    *,
    given: Circumstances,
) -> Value:
    if recipient is None:
        return {}
    return _fall_value(fall(recipient, country, mechanism.key, on, given=given))


def _fall_value(found: Fall) -> Value:
    return {
        "ground_before": found.before,
        "ground_after": found.after,
        "remaining": list(found.remaining),
        "available": list(found.available),
    }


def _evidence(recipient: str, mechanism: str, given: Circumstances) -> date | None:
    """When the desk last looked up that the mechanism covers the recipient (L58)."""
    arranged = given.control.arrangements.get((recipient, mechanism))
    return None if arranged is None else arranged.evidence_on


def _purposes(recipient: Recipient, given: Circumstances) -> list[str]:
    """The purposes that the policy gives data there for: all of them stop without a ground."""
    every = given.policy.all_purposes()
    return [purpose.key for purpose in every if recipient.key in purpose.recipients]


def _recorded(mechanism: str, given: Circumstances) -> list[Value]:
    """The lapses on record: for one recipient, or with null for everybody."""
    return [
        {"recipient": recipient, "on": on}
        for (recipient, key), on in sorted(given.control.lapses.items(), key=str)
        if key == mechanism
    ]


def _mechanism_value(mechanism: TransferMechanism) -> Value:
    return {
        "key": mechanism.key,
        "title": mechanism.title,
        "article": mechanism.article,
        "valid_from": mechanism.valid_from,
        "valid_before": mechanism.valid_before,
        "at_risk": mechanism.at_risk,
    }
