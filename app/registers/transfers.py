"""Every flow that a mechanism of Chapter V carries, and how many people are in it (L57, L59).

Read from the sharing register: what was given on the mechanism, and what was given on another one
to a recipient whose transfers rest on this one now. Who was erased is in no flow.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import asyncpg

from app.domain.days import start_of
from app.domain.decider import Circumstances
from app.domain.transfers import Fall, fall
from app.policy.model import EEA_GROUND, Recipient, TransferMechanism
from app.projections.sharing_register import SHARING_REGISTER
from app.registers.matters import LAST_MOMENT, LAST_POSITION, SHARED_SINCE, SHARED_THEN
from app.registers.tallies import Kind, Tallies, Tally, counted
from app.rights.as_of import AsOf
from app.rights.sharing import purpose_value, recipient_value

Value = dict[str, Any]  # Any: a JSON value

PROJECTIONS = (SHARING_REGISTER,)

_FLOW: Final = ("recipient", "country", "mechanism", "purpose")
_Flow = tuple[Any, ...]  # Any: the columns of a flow, of which the country may be missing


@dataclass(slots=True)
class _Counted:
    """What rests on the mechanism; ``since``: and was given on the day of its fall or later."""

    all: Tally
    since: Tally
    flows: dict[str, dict[_Flow, list[Kind]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    """Recipient -> flow -> its kinds: one a group of categories that were given together."""

    def people(self, *flows: _Flow) -> Value:
        """Each person of some flows once."""
        return {
            "people": self.all.among(_kinds_of(self.all, flows)),
            "people_since": self.since.among(_kinds_of(self.since, flows)),
        }


def _kinds_of(tally: Tally, flows: Iterable[_Flow]) -> list[Kind]:
    wanted = frozenset(flows)
    return [kind for kind in tally.kinds if _key(kind) in wanted]


async def impact(
    pool: "asyncpg.Pool[Any]",
    tallies: Tallies,
    mechanism: TransferMechanism,
    on: date,
    *,
    given: Circumstances,
    cut: AsOf | None,
) -> Value:
    """What is affected when the mechanism falls on that day, or since it did."""
    resting = _resting(mechanism.key, on, given)
    counts = await _counted(pool, tallies, mechanism.key, on, given=given, cut=cut)
    keys = resting + [key for key in sorted(counts.flows) if key not in resting]
    every = [flow for flows in counts.flows.values() for flow in flows]
    return {
        "mechanism": _mechanism_value(mechanism),
        "on": on,
        "recorded": _recorded(mechanism.key, given),
        "stands_at": counts.all.stands_at,
        **counts.people(*every),
        "recipients": [_recipient(key, counts, mechanism, on, given=given) for key in keys],
    }


def _resting(mechanism: str, on: date, given: Circumstances) -> list[str]:
    """The recipients whose transfers rest on it; of a group only the case says where it is."""
    return [
        key
        for key, recipient in given.policy.recipients.items()
        if not recipient.group
        and fall(recipient, None, mechanism, on, given=given).before == mechanism
    ]


async def _counted(
    pool: "asyncpg.Pool[Any]",
    tallies: Tallies,
    mechanism: str,
    on: date,
    *,
    given: Circumstances,
    cut: AsOf | None,
) -> _Counted:
    """What was shared on the mechanism, or with one who rests on it now; the EEA is another matter.

    Whom something was given of since is counted only where that day has come: of most questions it
    is yet to come.
    """
    if cut is None:
        known = {"known_position": LAST_POSITION, "known_moment": LAST_MOMENT}
        tally = await tallies.shared.read(pool)
    else:
        known = {
            "known_position": LAST_POSITION if cut.position is None else cut.position,
            "known_moment": cut.moment or LAST_MOMENT,
        }
        tally = await counted(pool, SHARED_THEN, **known)
    resting = frozenset(_resting(mechanism, on, given))
    per_person = (key for key, one in given.law.mechanisms.items() if one.per_person)
    apart = frozenset({EEA_GROUND, *per_person})

    def affected(kind: Kind) -> bool:
        ground = kind.values["mechanism"]
        rests = kind.values["recipient"] in resting and ground not in apart
        return not kind.values["of_everything"] and (rests or ground == mechanism)

    found = _Counted(tally.of(filter(affected, tally.kinds)), Tally(tally.stands_at))
    fallen_at = start_of(on, given)
    if any(kind.spans["given"][1] >= fallen_at for kind in found.all.kinds):
        since = await counted(pool, SHARED_SINCE, **known, since=fallen_at)
        found.since = since.of(filter(affected, since.kinds))
    for kind in found.all.kinds:
        found.flows[kind.values["recipient"]][_key(kind)].append(kind)
    return found


def _key(kind: Kind) -> _Flow:
    return tuple(kind.values[name] for name in _FLOW)


def _recipient(
    key: str, found: _Counted, mechanism: TransferMechanism, on: date, *, given: Circumstances
) -> Value:
    """One recipient with its flows; of one that the policy no longer names, only those."""
    recipient, flows = given.policy.recipients.get(key), found.flows[key]
    falls = None if recipient is None else fall(recipient, None, mechanism.key, on, given=given)
    return {
        **recipient_value(key, given.policy),
        "country": None if recipient is None else recipient.country,
        "group": recipient is not None and recipient.group,
        **found.people(*flows),
        **({} if falls is None else _fall_value(falls)),
        "evidence_on": _evidence(key, mechanism.key, given),
        "purposes": [] if recipient is None else _purposes(recipient, given),
        "flows": [
            {
                **_flow_value(flow, flows[flow], found, given),
                **_of_country(recipient, flow[1], mechanism, on, given=given),
            }
            for flow in sorted(flows, key=lambda flow: [str(name) for name in flow])
        ],
    }


def _flow_value(flow: _Flow, kinds: list[Kind], found: _Counted, given: Circumstances) -> Value:
    _, country, mechanism, purpose = flow
    categories = sorted({name for kind in kinds for name in kind.values["categories"]})
    return {
        "country": None if country is None else country.upper(),
        "mechanism": mechanism,
        "purpose": purpose_value(purpose, given.policy),
        **found.people(flow),
        "first_at": min(kind.spans["given"][0] for kind in kinds),
        "last_at": max(kind.spans["given"][1] for kind in kinds),
        "categories": [
            {
                "category": name,
                "people": found.all.among(one for one in kinds if name in one.values["categories"]),
            }
            for name in categories
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
