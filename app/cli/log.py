"""`pdledger log`: what an auditor, and whoever was promised something, does with the log."""

import typer

from app.cli.bundle import write_bundle
from app.cli.log_answers import verify_answer
from app.cli.log_receipts import verify_receipt
from app.cli.log_recover import recover
from app.cli.verify import verify_ledger

app = typer.Typer(no_args_is_help=True)
app.command("verify")(verify_ledger)
app.command("verify-receipt")(verify_receipt)
app.command("verify-answer")(verify_answer)
app.command("recover")(recover)
app.command("bundle")(write_bundle)


@app.callback()
def log() -> None:
    """The transparency log: verify it, what it promised, take it along; go on after a rollback."""
