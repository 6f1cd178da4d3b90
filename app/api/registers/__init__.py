"""Registers over HTTP: pages of JSON, a stream of CSV, a spreadsheet (A11 to A13, A15)."""

from app.api.registers import (
    breaches,
    consents,
    deadlines,
    findings,
    mails,
    merges,
    notices,
    objections,
    processing_records,
    profiles,
    recipients,
    relationships,
    retention_due,
    rights_requests,
    sharing,
    suppressions,
)

ROUTERS = (
    profiles.ROUTES,
    sharing.ROUTES,
    consents.ROUTES,
    relationships.ROUTES,
    merges.ROUTES,
    objections.ROUTES,
    suppressions.ROUTES,
    retention_due.ROUTES,
    recipients.ROUTES,
    findings.ROUTES,
    mails.ROUTES,
    notices.ROUTES,
    processing_records.ROUTES,
    breaches.ROUTES,
    rights_requests.ROUTES,
    deadlines.ROUTES,
)
