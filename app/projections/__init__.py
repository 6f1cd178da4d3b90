"""Every projection there is, one line each; importing it puts their tables into the metadata."""

from app.projections.breaches import BREACHES as BREACHES
from app.projections.consents import CONSENTS as CONSENTS
from app.projections.erasures import ERASURES as ERASURES
from app.projections.findings import FINDINGS as FINDINGS
from app.projections.mails import MAILS as MAILS
from app.projections.merges import MERGES as MERGES
from app.projections.notices import NOTICES as NOTICES
from app.projections.objections import OBJECTIONS as OBJECTIONS
from app.projections.photos import PHOTOS as PHOTOS
from app.projections.profile_splits import split as split
from app.projections.profiles import PROFILES as PROFILES
from app.projections.projection import Projection
from app.projections.relationships import RELATIONSHIPS as RELATIONSHIPS
from app.projections.rights_requests import RIGHTS_REQUESTS as RIGHTS_REQUESTS
from app.projections.sharing_register import SHARING_REGISTER as SHARING_REGISTER
from app.projections.suppressions import SUPPRESSIONS as SUPPRESSIONS

PROJECTIONS: tuple[Projection, ...] = (
    PROFILES,
    SHARING_REGISTER,
    BREACHES,
    RELATIONSHIPS,
    CONSENTS,
    OBJECTIONS,
    SUPPRESSIONS,
    PHOTOS,
    MERGES,
    FINDINGS,
    NOTICES,
    MAILS,
    RIGHTS_REQUESTS,
    ERASURES,
)


def projection_named(name: str) -> Projection:
    """The projection of that name; KeyError when there is none."""
    return {projection.name: projection for projection in PROJECTIONS}[name]
