"""Brings the catalogues of documents up to date: what the source says, what is translated of it."""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.documents.languages import LANGUAGES, SOURCE
from app.policy.loader import load_packaged, load_packaged_law, packaged_versions
from app.policy.model import Law, Policy

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "app" / "documents" / "locales"
FOLDERS = ("app/documents", "app/rights")
KEYWORDS: dict[str, Any] = {"say": None, "marked": None}  # Any: babel's own notation
WIDTH = 100


def said() -> set[str]:
    """Everything that the program says in documents."""
    return {
        str(found[2])
        for folder in FOLDERS
        for found in extract_from_dir(str(ROOT / folder), [("**.py", "python")], keywords=KEYWORDS)
    }


def named() -> set[str]:
    """Everything that the packaged policies and the law name."""
    found: set[str] = set()
    for version in packaged_versions():
        found.update(_of_policy(load_packaged(version)))
    found.update(_of_law(load_packaged_law()))
    return {text for text in found if text}


def _of_policy(policy: Policy) -> Iterator[str]:
    controller = policy.controller
    yield from (controller.legal_form, controller.seat, controller.contact_role)
    yield from controller.address
    titled = (
        policy.relationships,
        policy.sources,
        policy.categories,
        policy.retention_classes,
        policy.recipients,
        policy.rights,
        policy.exemptions,
        policy.activities,
        policy.measures,
    )
    yield from (one.title for table in titled for one in table.values())
    yield from (activity.note or "" for activity in policy.activities.values())
    for kind in policy.retention_classes.values():
        yield from (kind.reason, kind.norm)
    for purpose in policy.all_purposes():
        yield from (purpose.title, purpose.legitimate_interest or "")
    for notice in policy.rights.values():
        yield from (notice.how, notice.limits)


def _of_law(law: Law) -> Iterator[str]:
    yield law.authority.name
    yield from law.authority.address
    yield from (mechanism.title for mechanism in law.mechanisms.values())
    yield "Inside the European Economic Area"


def catalogue(language: str, domain: str, messages: set[str]) -> bytes:
    """The catalogue with exactly these messages, keeping the translations that it has."""
    path = LOCALES / language / "LC_MESSAGES" / f"{domain}.po"
    old = read_po(BytesIO(path.read_bytes())) if path.is_file() else Catalog()
    made = Catalog(locale=language, project="personal-data-ledger", charset="utf-8")
    for message in sorted(messages):
        before = old.get(message)
        made.add(message, string=before.string if before is not None else "")
    written = BytesIO()
    write_po(written, made, width=WIDTH, omit_header=True, no_location=True)
    head = f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n'
    head += '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return head.encode() + written.getvalue()


def main() -> int:
    """Writes every catalogue; 1 when a message waits for its translation."""
    waiting = 0
    for domain, messages in (("documents", said()), ("policy", named())):
        for language in LANGUAGES:
            if language == SOURCE:
                continue
            path = LOCALES / language / "LC_MESSAGES" / f"{domain}.po"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(catalogue(language, domain, messages))
            left = [one.id for one in read_po(BytesIO(path.read_bytes())) if not one.string]
            waiting += len(left)
            for text in left:
                print(f"{path.relative_to(ROOT)}: {text}")
    return int(waiting > 0)


if __name__ == "__main__":
    sys.exit(main())
