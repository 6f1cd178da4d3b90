"""The names under which the ledger itself writes, whoever the controller is.

A policy file has an entry for each, with a title and a retention class of its own; `check` says
which are missing, and docs/policy.md what each is for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RIGHTS: Final = "rights_requests"
"""The statutory purpose of everything that is written in a matter of rights."""

PROOF_PURPOSE: Final = "consent_proof"
"""The statutory purpose for which evidence of consent is held (Art. 7(1))."""

EXECUTION_PURPOSE: Final = "erasure_execution"
"""The statutory purpose of telling the recipients of an erasure and answering the person."""

BREACHES: Final = "breach_notification"
"""The statutory purpose of telling people that their data were in a breach (Art. 34)."""

MAILING: Final = "correspondence"
"""The statutory purpose of telling people what they must be told, by mail (Arts. 12 to 14)."""

SIGNING_UP: Final = "sign_up"
"""The statutory purpose of asking whether a sign-up was meant (Art. 7(1); C82)."""

SIGN_UP_SOURCE: Final = "registration_form"
"""The source that the public form is."""

STATUTORY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        RIGHTS: frozenset(
            {
                "correspondence.request",
                "correspondence.statement",
                "correspondence.decision",
                "correspondence.reply_address",
                "correspondence.message",
            }
        ),
        PROOF_PURPOSE: frozenset({"consent.evidence"}),
        EXECUTION_PURPOSE: frozenset(
            {"execution.identifier", "correspondence.reply_address", "correspondence.message"}
        ),
        BREACHES: frozenset({"correspondence.reply_address"}),
        MAILING: frozenset({"correspondence.reply_address", "correspondence.message"}),
        SIGNING_UP: frozenset({"contact.email", "profile.language"}),
    }
)
"""Statutory purpose -> the categories that are sealed for it."""
