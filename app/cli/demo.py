"""`pdledger demo`: one person's story against the running service, and the proof afterwards."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from app.cli.answers import Json, answer
from app.cli.configuration import read_settings
from app.cli.demo_cast import RECEIVER, Cast, invented, recorded
from app.cli.demo_story import Scene, expect, tell
from app.cli.first_key import webhook_secret_file
from app.cli.first_policy import text_supplied
from app.cli.preparation import prepare
from app.cli.progress import progress
from app.cli.service_client import KeyFile, Url, connected, target
from app.cli.verify import outcome, verified
from app.clock import system_clock

app = typer.Typer()

SAMPLES_VARIABLE: Final = "LEDGER_SAMPLES"

Seed = Annotated[int, typer.Option(help="Another seed, other invented people.")]


@app.command()
def demonstrate(
    *, seed: Seed = 1, url: Url = None, key_file: KeyFile = None, as_json: Json = False
) -> None:
    """Tell one person's story: collected, shared, refused, consent, unsubscribe, objection, rights.

    Speaks to the running service over HTTP, with 300 invented people. LEDGER_SAMPLES=FOLDER
    replays recorded Mailchimp calls instead, and POLICY_TEXT=FILE supplies the policy's text.
    Every step checks what it tells; ends with 1 when a promise is broken.
    """
    settings = read_settings()
    if text_supplied():
        prepare(settings)
    secret = webhook_secret_file(settings).read_text().strip()
    told: list[dict[str, Any]] = []
    with connected(target(settings, url, key_file)) as client:
        scene = Scene(client, _cast(seed), RECEIVER + secret)
        for title, sentence in tell(scene):
            told.append({"step": title, "told": sentence})
            if not as_json:
                typer.echo(f"{title:<12} {sentence}")
    with progress("verify", as_json=as_json) as report:
        verification = outcome(verified(settings, report))
    expect(verification["sound"], "the log verifies after the erasure")
    lines = [f"{'Verify':<12} All {verification['events']} events are as they were written."]
    answer({"story": told, "verification": verification}, lines, as_json=as_json)


def _cast(seed: int) -> Cast:
    folder = os.environ.get(SAMPLES_VARIABLE)
    return recorded(Path(folder)) if folder else invented(seed, system_clock())
