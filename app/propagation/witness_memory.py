"""Asks witnesses at a start what they remember of the log: bounded in time, and believed.

While a service runs, the word of a witness alone stops nothing. At a start one is enough: whoever
was erased since the backup would come back. A witness that lies is taken out of its file.
"""

import asyncio
from typing import Any, Final

import structlog

from app.clock import Clock
from app.propagation.feeding import add_checkpoint_url
from app.propagation.outbound import Outbound
from app.propagation.witnesses import Answer, Verdict, ask
from app.store.cosignatures import Cosignatures
from app.store.log_standing import Reason, Source, TakenBack
from app.store.log_tree import LogTree, SignedTree
from app.tlog.checkpoints import checkpoint
from app.tlog.trust_policies import TrustPolicy, Witness

START_ASK_S: Final = 2.0
"""For all of them together: a start must not hang on one that is away."""

_LOG: Any = structlog.get_logger("pdledger.witnesses")


async def examine_witnesses(
    log: LogTree, kept: Cosignatures, policy: TrustPolicy, *, outbound: Outbound, clock: Clock
) -> TakenBack | None:
    """What a witness remembers and the log contradicts; None when none says so in time."""
    witnesses = [one for one in policy.witnesses if one.url is not None]
    tree, keys = await log.newest(), await log.keys()
    # Under a new origin nothing was signed so far, and of the one before it is known what is lost.
    if not witnesses or tree is None or checkpoint(tree.note.text).origin != keys[0].name:
        return None
    tasks = {
        asyncio.create_task(_asked(one, tree, log=log, outbound=outbound, clock=clock)): one
        for one in witnesses
    }
    done, late = await asyncio.wait(tasks, timeout=START_ASK_S)
    for task in late:
        task.cancel()
    found = None
    for task in done:
        answer = Answer(Verdict.SILENT) if task.exception() is not None else task.result()
        found = await _judged(tasks[task], tree, answer, log=log, kept=kept) or found
    silent = [tasks[task].name for task in late]
    if silent:
        _LOG.warning("witnesses did not say what they remember", witnesses=sorted(silent))
    return found


async def _asked(
    witness: Witness, tree: SignedTree, *, log: LogTree, outbound: Outbound, clock: Clock
) -> Answer:
    """What it answers to a checkpoint of which we say that it knows it."""
    assert witness.url is not None, "only witnesses with a URL are asked"
    async with outbound.to(add_checkpoint_url(witness.url)) as line:
        return await ask(witness, tree, line, log=log, old=tree.size, now=clock())


async def _judged(
    witness: Witness, tree: SignedTree, answer: Answer, *, log: LogTree, kept: Cosignatures
) -> TakenBack | None:
    here, size = await log.appended(), answer.size or 0
    if answer.verdict is Verdict.COSIGNED and answer.line is not None:
        await kept.add(tree.size, witness.key, answer.line, at_s=answer.at_s)
        return None
    if answer.verdict is Verdict.FORKED:
        return TakenBack(Reason.FORKED, Source.WITNESS, size, here, witness.name)
    # Another process may have signed and fed a larger tree meanwhile.
    if answer.verdict is Verdict.AHEAD and size > here:
        return TakenBack(Reason.SHORTENED, Source.WITNESS, size, here, witness.name)
    _LOG.warning(
        "witness asked at the start",
        witness=witness.name,
        verdict=answer.verdict.value,
        status=answer.status,
    )
    return None
