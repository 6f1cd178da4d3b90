"""The HTTP surface, one line a router (DESIGN 7)."""

from fastapi import FastAPI

from app.api import (
    access_report,
    accounts,
    breaches,
    catalogue,
    collections,
    consents,
    cookies,
    disclosures,
    docs,
    erasure,
    feed,
    health,
    holds,
    imports,
    mail_links,
    mails,
    merges,
    metrics,
    newsletter,
    objections,
    occasions,
    openapi,
    permissions,
    photos,
    policies,
    portability,
    profiles,
    receivers,
    recipients,
    registers,
    relationships,
    replays,
    restrictions,
    rights_request_outcomes,
    rights_request_steps,
    rights_requests,
    signing_keys,
    splits,
    subjects,
    subscriptions,
    timeline,
    transfers,
    transmissions,
    webhooks,
)

ROUTERS = (
    consents.ROUTES,
    collections.ROUTES,
    disclosures.ROUTES,
    webhooks.ROUTES,
    permissions.ROUTES,
    subjects.ROUTES,
    profiles.ROUTES,
    timeline.ROUTES,
    relationships.ROUTES,
    objections.ROUTES,
    restrictions.ROUTES,
    erasure.ROUTES,
    holds.ROUTES,
    occasions.ROUTES,
    access_report.ROUTES,
    portability.ROUTES,
    imports.ROUTES,
    policies.ROUTES,
    newsletter.ROUTES,
    mail_links.ROUTES,
    mails.ROUTES,
    recipients.ROUTES,
    feed.ROUTES,
    subscriptions.ROUTES,
    replays.ROUTES,
    rights_requests.ROUTES,
    rights_request_steps.ROUTES,
    rights_request_outcomes.ROUTES,
    *registers.ROUTERS,
    breaches.ROUTES,
    transfers.ROUTES,
    receivers.ROUTES,
    transmissions.ROUTES,
    merges.ROUTES,
    splits.ROUTES,
    photos.ROUTES,
    accounts.ROUTES,
    cookies.ROUTES,
    signing_keys.ROUTES,
    catalogue.ROUTES,
    health.ROUTES,
    metrics.ROUTES,
    docs.ROUTES,
)
"""What is called most comes first: a route is found by trying one after the other."""

STREAMING_PATHS = frozenset({"/v1/imports"})
"""Bodies that are read line by line and never held whole."""


def install(app: FastAPI) -> None:
    """Adds every router to the application."""
    app.state.api_routes = [route for routes in ROUTERS for route in routes.routes]
    # One flat list: an included router is matched three times, a fifth of a request's time.
    app.router.routes.extend(app.state.api_routes)
    openapi.install(app)
