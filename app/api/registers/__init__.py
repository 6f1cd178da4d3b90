"""Registers over HTTP: pages of JSON, a stream of CSV, a spreadsheet (A11 to A13, A15)."""

from app.api.registers import breaches, processing_records, profiles, recipients, sharing

ROUTERS = (
    profiles.ROUTES,
    sharing.ROUTES,
    recipients.ROUTES,
    processing_records.ROUTES,
    breaches.ROUTES,
)
