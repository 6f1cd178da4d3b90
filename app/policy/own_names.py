"""The names under which the ledger itself writes, whoever the controller is.

A policy file has an entry for each, with a title and a retention class of its own; `check` says
which are missing, and docs/policy.md what each is for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SIGN_UP: Final = "sign_up"
"""The statutory purpose of asking whether a sign-up was meant (Art. 7(1); C82)."""
SIGN_UP_SOURCE: Final = "registration_form"
"""The source that the public form is."""

STATUTORY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "rights_requests": frozenset(
            {
                "correspondence.request",
                "correspondence.statement",
                "correspondence.decision",
                "correspondence.reply_address",
                "correspondence.message",
            }
        ),
        "consent_proof": frozenset({"consent.evidence"}),
        "erasure_execution": frozenset(
            {"execution.identifier", "correspondence.reply_address", "correspondence.message"}
        ),
        "breach_notification": frozenset({"correspondence.reply_address"}),
        "correspondence": frozenset({"correspondence.reply_address", "correspondence.message"}),
        SIGN_UP: frozenset({"contact.email", "profile.language"}),
    }
)
"""Statutory purpose -> the categories that are sealed for it."""
