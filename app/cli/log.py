"""`pdledger log`: what an auditor, and whoever was promised something, does with the log."""

import typer

from app.cli.log_receipts import verify_receipt
from app.cli.log_recover import recover
from app.cli.verify import verify_ledger

app = typer.Typer(no_args_is_help=True)
app.command("verify")(verify_ledger)
app.command("verify-receipt")(verify_receipt)
app.command("recover")(recover)


@app.callback()
def log() -> None:
    """The transparency log: verify it and what it promised; go on when it was taken back."""
