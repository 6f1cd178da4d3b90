"""PostgreSQL: every statement of the ledger is in this package."""
