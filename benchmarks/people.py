"""Generated people without end: the sample people with a number in their addresses."""

import http.client
import itertools
import json
from collections.abc import Iterable, Iterator
from uuid import uuid4

from benchmarks.servers import Ledger
from samples.people import Person, people

CHUNK_LINES = 200


def lines(count: int, *, mark: str) -> Iterator[bytes]:
    """NDJSON for an import; ``mark`` keeps the people of two imports apart."""
    for number, person in zip(range(count), itertools.cycle(people()), strict=False):
        line = {
            "source": "azavista",
            "obtained": [
                {
                    "purpose": "network_exchange",
                    "data": {
                        "contact.name": person.name,
                        "contact.email": numbered_email(person, number, mark),
                        "work.title": person.job_title,
                        "work.organisation": person.organisation.name,
                    },
                }
            ],
        }
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


def numbered_email(person: Person, number: int, mark: str) -> str:
    """An address that no other line has."""
    mailbox, _, domain = person.email.partition("@")
    return f"{mailbox}.{mark}{number}@{domain}"


def imported(
    ledger: Ledger, body: Iterable[bytes], *, key: str | None = None
) -> Iterator[dict[str, object]]:
    """Sends an import in chunks, under a fresh key if none is given; its results, one a line.

    The whole body is sent before results are read, as simple clients do.
    """
    connection = http.client.HTTPConnection("127.0.0.1", ledger.port, timeout=600)
    headers = dict(ledger.headers())
    headers |= {"content-type": "application/x-ndjson", "idempotency-key": key or uuid4().hex}
    connection.request("POST", "/v1/imports", _chunks(body), headers, encode_chunked=True)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"the import was refused: {answer.status}")
    for text in answer:
        yield json.loads(text)
    connection.close()


def registered(ledger: Ledger, count: int) -> tuple[str, ...]:
    """Ids of people who were imported just now."""
    found = [
        result["subject_id"] for result in imported(ledger, lines(count, mark=uuid4().hex[:6]))
    ]
    if None in found:
        raise RuntimeError("a line of the preparation was refused")
    return tuple(map(str, found))


def _chunks(body: Iterable[bytes]) -> Iterator[bytes]:
    each = iter(body)
    while chunk := b"".join(itertools.islice(each, CHUNK_LINES)):
        yield chunk
