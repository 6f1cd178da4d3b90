"""Mailchimp calls at a steady 200 a second: unsubscribes and profile updates of known people."""

import itertools
from datetime import UTC, datetime
from urllib.parse import quote_plus

from benchmarks import load
from benchmarks.figures import Figure, alone
from benchmarks.load import Load
from benchmarks.people import imported, lines, numbered_email
from benchmarks.servers import Ledger
from samples import mailchimp
from samples.people import people

RATE = 200.0
SECONDS = 10.0
SECONDS_FULL = 60.0
P99_MAX_MS = 100.0
SHARES = 4


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """One open-loop run: a latency counts from when the call was due."""
    del rounds
    seconds = SECONDS_FULL if full else SECONDS
    count = int(RATE * seconds)
    mark = f"w{datetime.now(UTC):%H%M%S}"
    for line in imported(ledger, lines(count, mark=mark)):
        assert line["status"] == "recorded"
    everyone = people()
    person = everyone[0]
    addresses = tuple(
        numbered_email(one, number, mark)
        for number, one in zip(range(count), itertools.cycle(everyone), strict=False)
    )
    body = mailchimp.unsubscribe(person, fired_at=datetime.now(UTC)).decode()
    text = body.replace(_quoted(person.email), "{subject}")
    one = Load(
        ledger.port,
        f"/webhooks/mailchimp/{ledger.webhook_secret}",
        text,
        subjects=tuple(map(_quoted, addresses)),
        headers=(("content-type", "application/x-www-form-urlencoded"),),
        connections=32,
        seconds=seconds,
        paced=RATE,
    )
    result = load.run(one)
    return [
        Figure(
            f"webhook, {RATE:.0f}/s for {seconds:.0f} s, p99 ms",
            (result.p99_ms,),
            at_most=P99_MAX_MS,
        )
    ]


def _quoted(address: str) -> str:
    return quote_plus(address)


if __name__ == "__main__":
    alone(measure)
