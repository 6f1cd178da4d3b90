"""A whole service on a test database: policy published, keys open, callers with scopes."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from app.auth import Scope, new_key
from app.domain.control import PublishLaw, PublishPolicy
from app.main import create_app, open_service, wrapped
from app.policy.loader import load, packaged_structure
from app.receipts import Attribution
from app.service import Service
from app.settings import Settings
from app.store.connection import Logins
from tests.conftest import Database
from tests.documented_answers import as_documented
from tests.writing import open_first_epoch

POLICY = "impel-1"
BASE_URL = "http://ledger.example"
WEBHOOK_SECRET = "path-secret-of-the-tests-0123456789abcdefgh"


def logins(database: Database) -> Logins:
    """The runtime roles of a test database."""
    return Logins(
        application=database.dsn("ledger_app"),
        eraser=database.dsn("ledger_eraser"),
        projector=database.dsn("ledger_projector"),
        integrator=database.dsn("ledger_integrator"),
    )


@asynccontextmanager
async def serving(
    database: Database,
    home: Path,
    settings: Settings | None = None,
    *,
    structure: bytes | None = None,
) -> AsyncIterator[Service]:
    """An open service with a policy in force, the packaged one unless another is given.

    A second one joins the first's ledger.
    """
    secret = home / "secrets" / "webhook-mailchimp"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(WEBHOOK_SECRET)
    if not (home / "keys").exists():
        await open_first_epoch(database, home / "keys")
    async with open_service(
        settings or Settings(home=home, subscription_loopback=True),
        logins(database),
        resolve=resolve,
    ) as service:
        if service.rulebook.control.policy is None:
            await publish(service, structure or packaged_structure(POLICY))
        yield service


async def resolve(host: str, _port: int) -> tuple[str, ...]:
    """No test asks a name server: every name is public, this machine is itself."""
    return ("127.0.0.1",) if host in {"localhost", "127.0.0.1"} else ("93.184.215.14",)


async def publish(service: Service, structure: bytes) -> None:
    """Archives a structure and puts it in force, as the publishing command does."""
    policy, law = load(structure), service.rulebook.law
    await service.pool.execute(
        "SELECT ledger.ledger_policy_archive($1, $2, $3, $4)", policy.version, structure, [], []
    )
    by = Attribution(by="tests")
    await service.control.execute(
        PublishLaw(version=law.version, digest=law.sha256), by, policy=policy
    )
    command = PublishPolicy(
        version=policy.version,
        structure=policy.sha256,
        texts={language: text.sha256 for language, text in policy.texts.items()},
        effective_from=policy.effective_from,
    )
    await service.control.execute(command, by, policy=policy)


@dataclass(frozen=True, slots=True)
class Api:
    """The HTTP surface of one service, called without a socket."""

    service: Service
    settings: Settings

    async def key(self, scopes: Iterable[str] = tuple(Scope), system: str | None = None) -> str:
        """A fresh key, in force for a day."""
        key = new_key()
        await self.service.pool.execute(
            "SELECT ledger.ledger_client_add($1, $2, $3, $4, $5, $6)",
            key.client_id,
            "tests",
            key.secret_hash,
            list(scopes),
            system,
            datetime.now(UTC) + timedelta(days=1),
        )
        return key.text

    async def client(
        self, scopes: Iterable[str] = tuple(Scope), system: str | None = None
    ) -> httpx.AsyncClient:
        """A client with a key of its own; it fills in the headers that a request lacks."""
        return self.anonymous(authorization=f"Bearer {await self.key(scopes, system)}")

    def anonymous(self, **headers: str) -> httpx.AsyncClient:
        """A client without a key."""
        app = create_app(self.settings)
        app.state.service = self.service
        transport = httpx.ASGITransport(wrapped(app, self.settings), raise_app_exceptions=False)
        return httpx.AsyncClient(
            transport=transport,
            base_url=BASE_URL,
            headers=headers,
            event_hooks={
                "request": [_with_idempotency_key, _with_purpose],
                "response": [as_documented],
            },
        )


async def _with_idempotency_key(request: httpx.Request) -> None:
    if request.method == "POST" and "idempotency-key" not in request.headers:
        request.headers["idempotency-key"] = str(uuid4())


async def _with_purpose(request: httpx.Request) -> None:
    """What a person's record says is read to answer them, unless the test says otherwise."""
    person, _, rest = request.url.path.removeprefix("/v1/subjects/").partition("/")
    if request.method == "GET" and person and rest and "purpose" not in request.headers:
        request.headers["purpose"] = "rights_requests"


async def count_events(database: Database) -> int:
    """How many events the log holds: a refused request leaves the number as it was."""
    return len(await event_types(database))


async def event_types(database: Database, after: int = 0) -> list[str]:
    """The types of the log's events, without so many of the first."""
    connection: Any = await asyncpg.connect(database.dsn("ledger_app"))
    try:
        found = await connection.fetch(
            "SELECT type FROM ledger.events ORDER BY position OFFSET $1", after
        )
    finally:
        await connection.close()
    return [row["type"] for row in found]
