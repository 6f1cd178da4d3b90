"""Every projection there is, one line each; importing it puts their tables into the metadata."""

from app.projections.breaches import BREACHES as BREACHES
from app.projections.profiles import PROFILES as PROFILES
from app.projections.projection import Projection
from app.projections.sharing_register import SHARING_REGISTER as SHARING_REGISTER

PROJECTIONS: tuple[Projection, ...] = (
    PROFILES,
    SHARING_REGISTER,
    BREACHES,
)


def projection_named(name: str) -> Projection:
    """The projection of that name; KeyError when there is none."""
    return {projection.name: projection for projection in PROJECTIONS}[name]
