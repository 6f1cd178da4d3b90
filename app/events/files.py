"""Files about a person in another system: the ledger holds a reference only (C13, C16, C43)."""

from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word
from app.policy.vocabulary import LegalBasis, SourceOrigin


@event("file.referenced", version=1)
class FileReferenced:
    """A file exists elsewhere; its title is sealed under the retention class of its content."""

    system: Word
    file: UUID | None
    """The opaque id of the file there, when it is a UUID."""
    digest: Digest | None
    """Keyed digest of the system's own id of the file, when that is no UUID."""
    category: Word
    """What the file holds: `identity.document`, `signature.attendance` ..."""
    purpose: Word
    basis: LegalBasis
    source: Word
    origin: SourceOrigin
    policy: Word
    retention_class: Word
    generation: Word
    occasion: UUID | None
