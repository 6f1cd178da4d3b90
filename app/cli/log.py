"""`pdledger log`: what an auditor does with the transparency log."""

import typer

from app.cli.verify import verify_ledger

app = typer.Typer(no_args_is_help=True)
app.command("verify")(verify_ledger)


@app.callback()
def log() -> None:
    """The transparency log: verify it, and take it along."""
