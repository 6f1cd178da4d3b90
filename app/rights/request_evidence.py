"""Everything that shows how one rights request was handled, to be verified offline (L9).

The entries as they are stored hold no personal data, of this person or of another: who decided
what, when, under which policy and law, chained by their hashes from the stream's first to its last.
"""

from base64 import b64encode
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.domain.rights_request_refusals import RightsRequestUnknown
from app.rights.rights_requests import Value, of_request, stream_of
from app.store.event_store import EventStore
from app.store.rulebook import Rulebook

HOW: Final = (
    "leaf_hash = SHA-256(0x00 || entry); `p` of each entry is the leaf hash of the one before it;"
    " `n` counts from 1; `of_request` marks what concerns the request."
)
ENTRIES_SQL: Final = (
    "SELECT version, position, entry FROM ledger.events WHERE stream_id = $1 ORDER BY version"
)


async def evidence_value(
    store: EventStore, pool: "asyncpg.Pool[Any]", rulebook: Rulebook, request: UUID
) -> Value:
    """The chain of the stream that the request is in, and the rules that its events name."""
    stream_id = await stream_of(pool, request)
    stream = await store.read_stream(stream_id)
    own = tuple(of_request(stream.events, request))
    if not own:
        raise RightsRequestUnknown
    hashes = {one.version: one.leaf_hash for one in stream.events}
    versions = {one.version for one in own}
    rows = await pool.fetch(ENTRIES_SQL, stream_id)
    policies = sorted({one.event.policy for one in own if hasattr(one.event, "policy")})
    return {
        "request": request,
        "stream": stream_id,
        "how": HOW,
        "policies": [
            {"version": key, "sha256": (await rulebook.policy(key)).sha256} for key in policies
        ],
        "laws": sorted({one.event.law for one in own if hasattr(one.event, "law")}),
        "law_in_force": {"version": rulebook.law.version, "sha256": rulebook.law.sha256},
        "entries": [
            {
                "version": row["version"],
                "position": row["position"],
                "entry": row["entry"].decode(),
                "leaf_hash": b64encode(hashes[row["version"]]).decode(),
                "of_request": row["version"] in versions,
            }
            for row in rows
            if row["version"] in hashes
        ],
    }
