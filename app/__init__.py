"""Personal Data Ledger: promises of a privacy policy, kept and proved."""
