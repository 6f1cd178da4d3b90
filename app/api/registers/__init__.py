"""Registers over HTTP: pages of JSON, a stream of CSV, a spreadsheet (A11 to A13, A15)."""

from app.api.registers import processing_records, recipients, sharing

ROUTERS = (sharing.ROUTES, recipients.ROUTES, processing_records.ROUTES)
