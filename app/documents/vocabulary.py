"""Words of closed lists as people read them; the keys are those of events and of the policy."""

from types import MappingProxyType
from typing import Final

from app.documents.languages import marked
from app.policy.vocabulary import LegalBasis

BASES: Final = MappingProxyType(
    {
        LegalBasis.CONSENT: marked("your consent"),
        LegalBasis.CONTRACT: marked("a contract with you"),
        LegalBasis.LEGAL_OBLIGATION: marked("a legal obligation"),
        LegalBasis.VITAL_INTERESTS: marked("vital interests"),
        LegalBasis.PUBLIC_TASK: marked("a task in the public interest"),
        LegalBasis.LEGITIMATE_INTEREST: marked("our legitimate interest"),
    }
)
