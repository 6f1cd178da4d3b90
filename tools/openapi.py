"""Writes openapi.json: the document that the service answers, as auditors and diffs read it."""

import json
import sys
from pathlib import Path

from app.main import create_app
from app.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "openapi.json"


def document() -> str:
    """The document as text. The order is that of the routes; nothing depends on a setting."""
    schema = create_app(Settings()).openapi()
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the page; with `--check` only says whether it is stale."""
    wanted = document()
    if "--check" not in sys.argv:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted
    if stale:
        print("openapi.json is stale: make openapi")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
