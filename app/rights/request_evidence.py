"""Everything that shows how one rights request was handled, to be verified offline (L9).

The entries as they are stored hold no personal data, of this person or of another: who decided
what, when, under which policy and law, chained by their hashes from the stream's first to its last.
"""

from base64 import b64encode
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.domain.rights_request_refusals import RightsRequestUnknown
from app.ledger import Ledger
from app.receipts import promised
from app.rights.rights_requests import Value, of_request, stream_of
from app.store.answer_proofs import AnswerProofs

HOW: Final = (
    "leaf_hash = SHA-256(0x00 || entry); `p` of each entry is the leaf hash of the one before it;"
    " `n` counts from 1; `of_request` marks what concerns the request. The entry with a `path` is"
    " in the tree of `checkpoint`, and with it all before. `pdledger log verify-answer` checks it."
)


async def evidence_value(
    ledger: Ledger, pool: "asyncpg.Pool[Any]", request: UUID, *, proofs: AnswerProofs
) -> Value:
    """The chain of the stream that the request is in, proved, and the rules that it names."""
    stream_id, rulebook = await stream_of(pool, request), ledger.rulebook
    stream = await ledger.store.read_stream(stream_id)
    own = tuple(of_request(stream.events, request))
    if not own:
        raise RightsRequestUnknown
    versions = {one.version for one in own}
    policies = sorted({one.event.policy for one in own if hasattr(one.event, "policy")})
    chain = [
        (recorded.position or 0, entry)
        for recorded, entry in zip(stream.events, stream.entries, strict=True)
    ]
    # Nobody waits for a checkpoint: what is too young for one is promised.
    promise = promised(stream.events[-1], ledger.commit.receipt_key)
    proof = await proofs.of_chain(chain, promise)
    return {
        "request": request,
        "stream": stream_id,
        "how": HOW,
        "policies": [
            {"version": key, "sha256": (await rulebook.policy(key)).sha256} for key in policies
        ],
        "laws": sorted({one.event.law for one in own if hasattr(one.event, "law")}),
        "law_in_force": {"version": rulebook.law.version, "sha256": rulebook.law.sha256},
        **proof,
        "entries": [
            {
                "version": recorded.version,
                **proved,
                "leaf_hash": b64encode(recorded.leaf_hash).decode(),
                "of_request": recorded.version in versions,
            }
            for recorded, proved in zip(stream.events, proof["entries"], strict=True)
        ],
    }
