"""The HTTP surface, one line a router (DESIGN 7)."""

from fastapi import FastAPI

from app.api import (
    access_report,
    catalogue,
    collections,
    consents,
    disclosures,
    docs,
    erasure,
    health,
    imports,
    objections,
    openapi,
    permissions,
    policies,
    portability,
    profiles,
    recipients,
    relationships,
    restrictions,
    subjects,
    timeline,
    webhooks,
)

ROUTERS = (
    subjects.ROUTES,
    profiles.ROUTES,
    timeline.ROUTES,
    collections.ROUTES,
    relationships.ROUTES,
    consents.ROUTES,
    disclosures.ROUTES,
    objections.ROUTES,
    restrictions.ROUTES,
    erasure.ROUTES,
    access_report.ROUTES,
    portability.ROUTES,
    permissions.ROUTES,
    imports.ROUTES,
    webhooks.ROUTES,
    policies.ROUTES,
    recipients.ROUTES,
    catalogue.ROUTES,
    health.ROUTES,
    docs.ROUTES,
)

STREAMING_PATHS = frozenset({"/v1/imports"})
"""Bodies that are read line by line and never held whole."""


def install(app: FastAPI) -> None:
    """Adds every router to the application."""
    for routes in ROUTERS:
        app.include_router(routes)
    openapi.install(app)
    app.state.api_routes = [route for routes in ROUTERS for route in routes.routes]
