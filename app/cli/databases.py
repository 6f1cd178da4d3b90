"""Where the ledger lies, in a cluster of our own or on a server, and the logins that reach it."""

import fcntl
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from app.cli.answers import unavailable
from app.cli.configuration import AUDITOR_VARIABLE, MIGRATION_VARIABLE, require_database_named
from app.settings import Settings
from app.store import embedded
from app.store.connection import Logins
from app.store.embedded_home import (
    SOCKET_NAME,
    ClusterFailed,
    account_for,
    socket_folder,
    wheel_binaries,
)

START_COMMAND: Final = (sys.executable, "-m", "app.cli.start_database")
HOME_MODE: Final = 0o711
"""The database's account must reach its socket in it; it may not list the folder."""


def server_logins(settings: Settings) -> Logins | None:
    """The logins of a server, None where the database is our own."""
    if settings.database_url is None:
        return None
    return Logins(
        settings.database_url,
        settings.eraser_url,
        settings.projector_url,
        settings.projector_direct_url,
        settings.integrator_url,
    )


def runtime_logins(cluster: embedded.Cluster) -> Logins:
    """The logins of the serving roles in our own database; reads no administrator's secret."""
    return Logins(
        application=cluster.dsn("ledger_app"),
        eraser=cluster.dsn("ledger_eraser"),
        projector=cluster.dsn("ledger_projector"),
        integrator=cluster.dsn("ledger_integrator"),
    )


@contextmanager
def reached(settings: Settings) -> Iterator[Logins]:
    """The logins for an operator's command; our own database runs at least as long as it does."""
    logins = server_logins(settings)
    if logins is not None:
        yield logins
        return
    with _existing(settings) as cluster:
        yield runtime_logins(cluster)


@contextmanager
def reached_by_auditor(settings: Settings) -> Iterator[str]:
    """The login for reading everything at once; on a server the serving role, where none is given.

    The serving role's transactions end after 30 s, which a large log takes longer than.
    """
    logins = server_logins(settings)
    if logins is not None:
        yield os.environ.get(AUDITOR_VARIABLE, logins.application)
        return
    with _existing(settings) as cluster:
        yield cluster.dsn("ledger_auditor")


@contextmanager
def started(settings: Settings) -> Iterator[embedded.Cluster]:
    """Our own database, created and started where needed, by the right of its administrator."""
    try:
        cluster = embedded.start(settings.home)
    except ClusterFailed as failure:
        raise unavailable("database-down", str(failure)) from None
    with cluster:
        yield cluster


@contextmanager
def deploying_url(settings: Settings) -> Iterator[str]:
    """The login that may change the schema, for the deploying commands alone."""
    require_database_named(settings)
    given = os.environ.get(MIGRATION_VARIABLE)
    if settings.database_url is None:
        with started(settings) as cluster:
            yield cluster.dsn("ledger_migrator")
        return
    if given is None:
        raise unavailable(
            "migration-url-missing",
            f"set {MIGRATION_VARIABLE} to a login that is a member of ledger_owner",
        )
    yield given


@dataclass(frozen=True, slots=True)
class Hold:
    """The database of a serving process: our own, kept from being stopped, or a server's."""

    settings: Settings
    cluster: embedded.Cluster | None

    def logins(self) -> Logins:
        """The logins of the serving roles; those of our own database are there once it started."""
        if self.cluster is not None:
            return runtime_logins(self.cluster)
        logins = server_logins(self.settings)
        assert logins is not None, "there is a cluster or a server"
        return logins

    def ensure_started(self) -> None:
        """Starts a database of our own that does not run, by a process that ends thereafter."""
        if self.cluster is None or _answers(self.cluster):
            return
        command = [*START_COMMAND, str(self.cluster.home)]
        if subprocess.run(command, check=False).returncode != 0:  # noqa: S603  # our own program
            raise unavailable(
                "database-down", f"the database did not start; see {self.cluster.log_path}"
            )


@contextmanager
def held(settings: Settings) -> Iterator[Hold]:
    """Holds the database for a serving process; reads no secret and starts nothing.

    Starting takes administrators' secrets, which the serving process must never have.
    """
    if settings.database_url is not None:
        yield Hold(settings, None)
        return
    home = settings.home.absolute()
    home.mkdir(mode=HOME_MODE, parents=True, exist_ok=True)
    descriptor = os.open(home / "holders.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for a shutdown under way to end
    sockets = socket_folder(home, account_for(home / "postgres"))
    with embedded.Cluster(home, wheel_binaries(), sockets, descriptor) as cluster:
        yield Hold(settings, cluster)


@contextmanager
def _existing(settings: Settings) -> Iterator[embedded.Cluster]:
    if not (settings.home / "postgres").exists():
        raise unavailable(
            "ledger-missing", f"there is no ledger under {settings.home}; start with `pdledger up`"
        )
    with started(settings) as cluster:
        yield cluster


def _answers(cluster: embedded.Cluster) -> bool:
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(str(cluster.sockets / SOCKET_NAME))
        return True
    return False
