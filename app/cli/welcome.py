"""What a person reads when the service runs: where it is, and where its secrets lie."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.cli.answers import answer
from app.cli.first_key import webhook_secret_file
from app.settings import Settings
from app.vault.custody import LABEL


def welcome(settings: Settings, port: int, *, new_key: bool, as_json: bool) -> None:
    """Writes the block. A key that was just made is shown in it, this one time."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{port}"
    key_file = settings.home / "first-key"
    document: dict[str, Any] = {
        "url": url,
        "docs": f"{url}/docs",
        "first_key_file": str(key_file) if key_file.exists() else None,
        "webhook_secret_file": str(webhook_secret_file(settings)),
        "custody": custody_label(settings.home / "keys"),
    }
    if new_key:
        document["first_key"] = key_file.read_text().strip()
    answer({"serving": document}, _lines(document), as_json=as_json)


def custody_label(keys: Path) -> str:
    """What kind of place the roots of the keys are kept in."""
    file = keys / "CUSTODY"
    return (file.read_text() if file.exists() else LABEL).strip()


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield "Personal Data Ledger is running. Ctrl-C stops it."
    yield ""
    yield f"  service     {document['url']}"
    yield f"  docs        {document['docs']}"
    if "first_key" in document:
        yield f"  first key   {document['first_key']}"
        yield f"              (shown this once, kept in {document['first_key_file']})"
    elif document["first_key_file"]:
        yield f"  first key   in {document['first_key_file']}"
    yield f"  Mailchimp   {document['url']}/webhooks/mailchimp/SECRET"
    yield f"              (SECRET is in {document['webhook_secret_file']})"
    yield f"  keys        {document['custody']}"
    yield ""
