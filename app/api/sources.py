"""From which system something comes: one key for all its names (C47), the caller's own (S7)."""

from app.api.call import Call
from app.domain.purpose_limitation import source_named


async def source_of(call: Call, name: str) -> str:
    """The key of the source; SourceUnknown, or SourceNotYours when the key is bound to another."""
    rules = await call.service.ledger.rules()
    source = source_named(name, rules.policy).key
    call.check_source(source)
    return source
