"""A person becomes known, and what is learnt that ends the right to know them (Arts. 4(1), 8)."""

from app.events.declare import event
from app.identifiers import Word
from app.policy.vocabulary import SourceOrigin


@event("subject.registered", version=1)
class SubjectRegistered:
    """A data subject became known; who registers after an erasure is another subject (L41)."""

    source: Word
    origin: SourceOrigin
    policy: Word


@event("child.discovered", version=1)
class ChildDiscovered:
    """The person is younger than the policy promises; everything is to be erased (C74, C75)."""

    source: Word
    policy: Word
    minimum_age: int
