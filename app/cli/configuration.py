"""Reads the settings of a command, and says which variable is wrong without showing its value."""

import os
from typing import Final

from pydantic import ValidationError

from app.cli.answers import CommandFailed, ExitCode, unavailable
from app.settings import Settings

MIGRATION_VARIABLE: Final = "LEDGER_MIGRATION_URL"
"""Holds the login of the deploying command; no process that serves may have it (DESIGN 5)."""


AUDITOR_VARIABLE: Final = "LEDGER_AUDITOR_URL"
"""The auditor's login to a server: it may read the whole log in one long transaction."""


def read_settings() -> Settings:
    """The settings out of the environment."""
    try:
        return Settings()
    except ValidationError as invalid:
        details = [
            f"LEDGER_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}"
            for error in invalid.errors(include_input=False, include_context=False)
        ]
        raise CommandFailed(
            ExitCode.USAGE, "settings-invalid", "a setting is not usable", details=details
        ) from None


def require_database_named(settings: Settings) -> None:
    """The deploying login names a server; our own database beside it would be a second ledger."""
    if settings.database_url is None and MIGRATION_VARIABLE in os.environ:
        raise unavailable(
            "database-url-missing",
            f"{MIGRATION_VARIABLE} names a server, so LEDGER_DATABASE_URL must name it too",
        )


def refuse_migration_url() -> None:
    """A process that answers requests must not be able to change the schema."""
    if MIGRATION_VARIABLE in os.environ:
        raise unavailable(
            "migration-url-present",
            f"{MIGRATION_VARIABLE} is set; it belongs to `pdledger migrate` alone."
            " Unset it and start again",
        )
