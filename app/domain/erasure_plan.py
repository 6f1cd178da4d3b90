"""What an erasure would destroy, keep and set off, before anything happens (Arts. 17, 19; L37)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.evidence import EVIDENCE
from app.domain.holds import holding
from app.domain.periods import Place, SealedValue, clock_start, last_day, sealed_values
from app.events.erasures import ExemptionGround
from app.identifiers import KeyId
from app.policy.model import Exemption, Policy, RetentionClass
from app.policy.own_names import EXECUTION_PURPOSE, MAILING, PROOF_PURPOSE
from app.policy.vocabulary import ClockEvent, RecipientRole

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

PROOF: Final = "proof"
"""Stands for the exemption of a class that is itself the proof of lawful processing (L41)."""

REPLY_ADDRESS: Final = "correspondence.reply_address"
RECIPIENT_IDENTIFIER: Final = "execution.identifier"


class ExemptionUngrounded(Refusal):
    """What is kept names an exemption, a ground of Art. 17(3) and a last day, each of them."""

    code = "exemption-ungrounded"
    rules = ("C71", "L37")


@dataclass(frozen=True, slots=True)
class Extent:
    """What is to be erased: data of some purposes, of some categories, or, with neither, all."""

    purposes: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()

    @property
    def of_everything(self) -> bool:
        """Whether the person as such is to be erased."""
        return not self.purposes and not self.categories

    def reaches(self, category: str, purpose: str) -> bool:
        """Whether a value is meant."""
        of_purpose = not self.purposes or purpose in self.purposes
        return of_purpose and (not self.categories or category in self.categories)


EVERYTHING: Final = Extent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """A human's decision to keep a retention class that does not survive by itself (C71, X11)."""

    retention_class: str
    exemption: str
    ground: ExemptionGround | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """A retention class that stays, and what the letter to the person says of it."""

    retention_class: str
    exemption: str
    ground: str
    norm: str
    until: date | None
    """Last day; None while its clock has not started."""
    named: ExemptionGround | None = None
    """The ground, where a human named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """What would happen."""

    extent: Extent
    erased: tuple[str, ...]
    """Retention classes of which something goes."""
    retained: tuple[Retained, ...]
    fenced: tuple[str, ...]
    """Retention classes closed to the person from then on, all of whose keys go."""
    keys: Mapping[KeyId, str]
    """The data keys that go -> retention class."""
    gone: Mapping[Place, frozenset[str]]
    """Section -> the categories of it that go."""
    staying: frozenset[KeyId]
    """Keys under which something lies that stays; what else lies there is sealed anew first."""
    spared: frozenset[str]
    """Retention classes that no erasure reaches, and those that a human keeps."""
    recipients: tuple[str, ...]
    """Who was given any of it and must be told (Art. 19), in this order."""
    released: tuple[int, ...]
    """Identifiers whose value goes, by the version that claimed them."""
    suppressed: tuple[str, ...]
    """Purposes that are closed to the person's addresses for good."""
    held: Mapping[str, tuple[UUID, ...]]
    """Retention classes of which something would go -> the legal holds that forbid it."""

    @property
    def identifiers(self) -> bool:
        """Whether the person can no longer be found by anything."""
        return self.extent.of_everything

    def kept(self, place: Place, categories: Iterable[str]) -> tuple[str, ...]:
        """What of a section must be sealed anew before its key may go; empty when all goes."""
        if self.extent.of_everything and place[1] not in self.spared:
            return ()
        gone = self.gone.get(place, frozenset())
        return tuple(sorted(category for category in categories if category not in gone))


def preview(
    state: "SubjectState",
    given: Circumstances,
    extent: Extent = EVERYTHING,
    keeps: tuple[Keep, ...] = (),
) -> ErasurePlan:
    """The plan of an erasure; nothing is recorded, and the same state gives the same plan."""
    kept = {keep.retention_class: _kept_by_desk(keep, given.policy) for keep in keeps}
    values = tuple(sealed_values(state))
    meant = [value for value in values if extent.reaches(value.meant_as, value.purpose)]
    present = _present(meant, extent, state, given.policy)
    surviving = {key for key, one in given.policy.retention_classes.items() if one.survives_erasure}
    spared = frozenset(surviving | (kept.keys() & present))
    gone = _gone([value for value in meant if value.place[1] not in spared], values)
    whole = extent.of_everything
    staying = _standing(spared, extent, state) if whole else _staying(values, gone)
    keys = _all_but(staying, state) if whole else _keys(values, gone)
    return ErasurePlan(
        extent=extent,
        erased=_erased({*keys.values(), *(kind for _, kind in gone)}, given.policy),
        retained=tuple(
            kept.get(key) or _retained(key, meant, state, given) for key in sorted(present & spared)
        ),
        fenced=_fenced(given.policy, spared) if whole else (),
        keys=keys,
        gone=gone,
        staying=staying,
        spared=spared,
        recipients=_recipients(extent, state, given.policy),
        released=_released(gone, state),
        suppressed=_closed_for_good(given.policy, state) if whole else (),
        held=_held({*keys.values(), *(kind for _, kind in gone)}, meant, state, given),
    )


def _held(
    going: Iterable[str], meant: Iterable[SealedValue], state: "SubjectState", given: Circumstances
) -> dict[str, tuple[UUID, ...]]:
    """The classes that would go and are held; what the execution set aside serves nothing else."""
    occasions: dict[str, set[UUID | None]] = {}
    for value in meant:
        occasions.setdefault(value.place[1], set()).add(value.occasion)
    found = {
        key: tuple(sorted(holding(key, occasions.get(key, ()), state, given)))
        for key in sorted(set(going) - {execution_class(given.policy)})
    }
    return {key: holds for key, holds in found.items() if holds}


def _kept_by_desk(keep: Keep, policy: Policy) -> Retained:
    exemption = policy.exemptions.get(keep.exemption)
    kind = policy.retention_classes.get(keep.retention_class)
    if exemption is None or kind is None or keep.ground is None or keep.until is None:
        raise ExemptionUngrounded
    return Retained(
        retention_class=kind.key,
        exemption=exemption.key,
        ground=keep.ground.article,
        norm=kind.norm,
        until=keep.until,
        named=keep.ground,
    )


def _gone(
    going: Iterable[SealedValue], values: Iterable[SealedValue]
) -> dict[Place, frozenset[str]]:
    """Section -> what goes of it. A value that serves two purposes goes with the last of them."""
    leaving = set(going)
    needed = {(value.place, value.category) for value in values if value not in leaving}
    gone: dict[Place, frozenset[str]] = {}
    for value in leaving:
        if (value.place, value.category) not in needed:
            gone[value.place] = gone.get(value.place, frozenset()) | {value.category}
    return gone


def _keys(values: Iterable[SealedValue], gone: Mapping[Place, frozenset[str]]) -> dict[KeyId, str]:
    """The keys above what goes."""
    return {
        value.key_id: value.place[1]
        for value in values
        if value.key_id is not None and value.category in gone.get(value.place, frozenset())
    }


def _all_but(staying: frozenset[KeyId], state: "SubjectState") -> dict[KeyId, str]:
    """Every other key of the person, whatever was sealed under it: nothing is left over."""
    return {key: kind for key, kind in state.data_keys.items() if key not in staying}


def _standing(spared: frozenset[str], extent: Extent, state: "SubjectState") -> frozenset[KeyId]:
    """The keys that a whole erasure leaves: of the classes that stay, and for telling of it.

    What earlier erasures set aside stays while they are being told, and no longer: not what one
    set aside that was withdrawn or never came to its end.
    """
    kept = {key for key, kind in state.data_keys.items() if kind in spared}
    return frozenset(kept).union(
        *(
            one.set_aside
            for one in state.erasures.by_id.values()
            if one.telling or (one.prepared and one.extent == extent)
        )
    )


def _staying(
    values: Iterable[SealedValue], gone: Mapping[Place, frozenset[str]]
) -> frozenset[KeyId]:
    nothing: frozenset[str] = frozenset()
    return frozenset(
        value.key_id
        for value in values
        if value.key_id is not None and value.category not in gone.get(value.place, nothing)
    )


def execution_class(policy: Policy) -> str:
    """The retention class of what is set aside for telling of an erasure."""
    return policy.retention_class(REPLY_ADDRESS, EXECUTION_PURPOSE)


def _erased(classes: Collection[str], policy: Policy) -> tuple[str, ...]:
    """Without the class of the execution, of which something is needed until the closing."""
    return tuple(sorted(set(classes) - {execution_class(policy)}))


def _fenced(policy: Policy, spared: Iterable[str]) -> tuple[str, ...]:
    """Every class but those that stay and the two that telling of it still needs.

    A letter about the erasure has its address with it until it has arrived: it goes by itself,
    with the class of all mails (decision 0020), whenever the execution is closed.
    """
    telling = {execution_class(policy), policy.retention_class(REPLY_ADDRESS, MAILING)}
    return tuple(sorted(policy.retention_classes.keys() - telling - set(spared)))


def _recipients(extent: Extent, state: "SubjectState", policy: Policy) -> tuple[str, ...]:
    """Who was given any of it, or runs an account: own systems first (C70), then by name."""
    concerned = {
        recipient
        for (recipient, _), shared in state.disclosures.shared.items()
        if any(
            extent.reaches(category, purpose)
            for category in shared.categories
            for purpose in shared.purposes
        )
    }
    if extent.of_everything:
        concerned |= {one.system for one in state.system_accounts.by_id.values()}

    def elsewhere(key: str) -> bool:
        recipient = policy.recipients.get(key)
        return recipient is None or recipient.role is not RecipientRole.OWN

    return tuple(sorted(concerned, key=lambda key: (elsewhere(key), key)))


def _released(gone: Mapping[Place, frozenset[str]], state: "SubjectState") -> tuple[int, ...]:
    return tuple(
        version
        for version, identifier in state.identifiers.active.items()
        if identifier.category
        in gone.get((identifier.value_at, identifier.retention_class), frozenset())
    )


def _closed_for_good(policy: Policy, state: "SubjectState") -> tuple[str, ...]:
    marketing = (purpose.key for purpose in policy.all_purposes() if purpose.direct_marketing)
    return tuple(key for key in marketing if key not in state.suppressions.purposes)


def _present(
    meant: Iterable[SealedValue], extent: Extent, state: "SubjectState", policy: Policy
) -> set[str]:
    """The classes of which something is held. What the execution needs is not the desk's."""
    present = {value.place[1] for value in meant}
    if extent.of_everything:
        present.update(state.data_keys.values())
        if state.consents.by_purpose or state.consents.transfers:
            present.add(policy.retention_class(EVIDENCE, PROOF_PURPOSE))
    return present - {execution_class(policy)}


def _retained(
    key: str, meant: Iterable[SealedValue], state: "SubjectState", given: Circumstances
) -> Retained:
    """A class that survives by itself, with its exemption, norm and last day (L37)."""
    kind = given.policy.retention_classes[key]
    exemption = _exemption(key, given.policy)
    values = [value for value in meant if value.place[1] == key]
    start = _clock_start(kind, values, state, given)
    return Retained(
        retention_class=key,
        exemption=PROOF if exemption is None else exemption.key,
        ground=(exemption.ground if exemption else None) or kind.norm,
        norm=kind.norm,
        until=None if start is None else last_day(kind, start, values, given),
    )


def _exemption(retention_class: str, policy: Policy) -> Exemption | None:
    named = (one for one in policy.exemptions.values() if retention_class in one.retention_classes)
    return next(named, None)


def _clock_start(
    kind: RetentionClass, values: list[SealedValue], state: "SubjectState", given: Circumstances
) -> date | None:
    """The day from which the class is counted; None while nothing has set its clock going."""
    if kind.clock in {ClockEvent.CONSENT_END, ClockEvent.ERASURE}:
        # The erasure ends whatever consent is still in force.
        return day_of(given.now, given)
    return clock_start(kind, values, state, given)
