"""Keeps one PostgreSQL running for as long as somebody holds it: a process of its own.

Run by path with an isolated interpreter, so it imports the standard library only. It is the parent
of the postmaster. Three locks of the kernel tell it what to do, so that no crash leaves a lie:
`guard` is held by this process for its life, `holders` is held shared by every user of the cluster.
When the last holder is gone, also by SIGKILL, the database is shut down; when the database is gone,
also by SIGKILL, it is started again.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.1
GRACE_S = 5.0
FAST_SHUTDOWN_S = 4.0
RESTARTS_MAX = 20
RESTARTS_WINDOW_S = 60.0
RESTART_PAUSE_S = 3.0
PR_SET_PDEATHSIG = 1
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True)
class Charge:
    """What to run, as whom, and the descriptors handed over by the starter."""

    postgres: Path
    data: Path
    uid: int
    gid: int
    guard: int
    holders: int
    ready: int
    """Write end of a pipe: one byte when the server accepts connections, else only its end."""


def main(arguments: list[str]) -> int:
    """Runs until the last holder is gone; 1 when the database cannot be kept running."""
    postgres, data, *numbers = arguments
    charge = Charge(Path(postgres), Path(data), *map(int, numbers))
    if os.fork() != 0:
        return 0  # the starter waits for this process; the guard itself may outlive the starter
    try:
        fcntl.flock(charge.guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0  # another guard has the cluster; the starter asks that one
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(charge.gid)
        os.setuid(charge.uid)
    os.umask(0o077)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    clear_stale_pid_file(charge.data)
    return keep(charge)


def keep(charge: Charge) -> int:
    """Starts the database again whenever it ends by itself, for as long as somebody uses it.

    One that never took a connection is broken, and is given up after a few tries. One that did
    may lack room for its log, which somebody will make: it is tried every few seconds.
    """
    crashes: list[float] = []
    served = False
    while True:
        child = launch(charge)
        on_purpose, ready = watch(charge, child)
        if on_purpose:
            return 0
        served = served or ready
        now = time.monotonic()
        crashes = [*(at for at in crashes if now - at < RESTARTS_WINDOW_S), now]
        if len(crashes) > RESTARTS_MAX and not served:
            return 1
        # Backends of a killed postmaster need a moment to notice; until then a start is refused.
        if rest(charge, min(0.05 * len(crashes), RESTART_PAUSE_S)):
            return 0
        clear_stale_pid_file(charge.data)


def rest(charge: Charge, pause_s: float) -> bool:
    """Waits before the next start; True when there shall be none."""
    until = time.monotonic() + pause_s
    while (left := until - time.monotonic()) > 0:
        received = signal.sigtimedwait(SIGNALS, min(left, POLL_S))
        if received is not None and received.si_signo in (signal.SIGTERM, signal.SIGINT):
            return True
        if unheld(charge.holders):
            return True
    return False


def launch(charge: Charge) -> subprocess.Popen[bytes]:
    """The postmaster as a child, which is shut down when this process is killed."""
    command = [str(charge.postgres), "-D", str(charge.data)]
    return subprocess.Popen(  # noqa: S603  # a path of our own
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=follow_parent,  # noqa: PLW1509  # this process has one thread
    )


def follow_parent() -> None:
    """In the child: unblock signals, and ask for a fast shutdown when the guard dies (Linux)."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def watch(charge: Charge, child: subprocess.Popen[bytes]) -> tuple[bool, bool]:
    """Whether the database was shut down on purpose, and whether it took connections before."""
    stop_at = float("inf")
    told = False
    while child.poll() is None:
        if not told and status(charge.data) == (child.pid, "ready"):
            told = True
            with suppress(OSError):  # told before, or the starter is gone
                os.write(charge.ready, b"1")
                os.close(charge.ready)
        received = signal.sigtimedwait(SIGNALS, POLL_S if told else POLL_S / 10)
        if received is not None and received.si_signo in (signal.SIGTERM, signal.SIGINT):
            stop_at = min(stop_at, time.monotonic() + GRACE_S)
        if unheld(charge.holders) or time.monotonic() > stop_at:
            shut_down(child)
            return True, told
    return unheld(charge.holders) or time.monotonic() > stop_at, told


def unheld(holders: int) -> bool:
    """Whether nobody uses the cluster. If so the lock is kept, and a new user waits for our end."""
    try:
        fcntl.flock(holders, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def shut_down(child: subprocess.Popen[bytes]) -> None:
    """Fast, then immediate, then killed: committed work is safe in each case, the WAL has it."""
    for number, wait_s in ((signal.SIGINT, FAST_SHUTDOWN_S), (signal.SIGQUIT, 1.0)):
        child.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(wait_s)
            return
    child.kill()
    child.wait()


def status(data: Path) -> tuple[int, str]:
    """Process id and state that the postmaster wrote down; (0, "") when there is none."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[7].strip()
    except (OSError, ValueError, IndexError):
        return 0, ""


def clear_stale_pid_file(data: Path) -> None:
    """Waits for a postmaster without a guard to end; drops the note of one that is long gone.

    Only the holder of the guard lock comes here. After a restart of the machine or the container
    the process id in the file may belong to anybody, and PostgreSQL would refuse to start.
    """
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        file.unlink(missing_ok=True)
        return
    deadline = time.monotonic() + FAST_SHUTDOWN_S
    while serves(pid, data):
        late = time.monotonic() > deadline
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT if late else signal.SIGINT)
        time.sleep(POLL_S)
    file.unlink(missing_ok=True)


def serves(pid: int, data: Path) -> bool:
    """Whether process ``pid`` is a live postmaster of this data directory."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(data).encode() in arguments


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
