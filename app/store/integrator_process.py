"""Keeps the process of the integrator alive, which alone opens the checkpoint key.

Its charge comes through a pipe, since arguments and environments can be read by others. It ends
when the pipe is closed, so that it outlives nobody, also not one who is killed.
"""

import asyncio
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final, NoReturn

import msgspec
import structlog

RESTART_PAUSE_S: Final = 0.5
RESTART_PAUSE_MAX_S: Final = 30.0
STOP_S: Final = 0.5

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Charge:
    """What the process is told: where the ledger and its keys are."""

    url: str = field(repr=False)
    keys: str
    origin: str | None
    """Name of the log, should it be opened now; None leaves it to the ledger's id."""
    log_level: str

    def line(self) -> bytes:
        """As it goes through the pipe."""
        return msgspec.json.encode(asdict(self)) + b"\n"


class IntegratorProcess:
    """One process at a time, started again when it ends. ``module`` is its program."""

    def __init__(self, module: str, charge: Charge) -> None:
        self._module = module
        self._charge = charge

    async def run(self) -> NoReturn:
        """Runs it until cancelled, and then ends it."""
        pause_s = RESTART_PAUSE_S
        while True:
            began = asyncio.get_running_loop().time()
            status = await self._once()
            if asyncio.get_running_loop().time() - began > RESTART_PAUSE_MAX_S:
                pause_s = RESTART_PAUSE_S
            _LOG.error("integrator's process ended", status=status, retry_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RESTART_PAUSE_MAX_S)

    async def _once(self) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a terminal's ctrl-C reaches us alone, and we end it
        )
        assert process.stdin is not None
        try:
            with suppress(ConnectionError):
                process.stdin.write(self._charge.line())
                await process.stdin.drain()
            return await process.wait()
        finally:
            process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await process.wait()
            if process.returncode is None:
                process.kill()  # it loses nothing
                await process.wait()
