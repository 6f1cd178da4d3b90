"""Another controller on this machine, with its key, and a service that can send to it."""

import dataclasses
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyrage  # type: ignore[import-untyped]  # it has no types

from app.propagation.outbound import Outbound
from app.propagation.transmitting import Transmitting
from app.rights.portability_package import packing
from app.service import Service
from app.settings import Settings
from tests.propagation.receiver import Received, Receiver, receiving
from tests.propagation.test_outbound import certificate
from tests.rights.people import Value, post
from tests.serving import Api

INBOX = "/inbox"


@dataclass(slots=True)
class Other:
    """Another controller: it serves its challenge, takes packages, and opens them with its key."""

    receiver: Receiver
    identity: Any
    served: dict[str, bytes]
    status: int = 204

    @property
    def url(self) -> str:
        """Where it takes packages."""
        return f"https://localhost:{self.receiver.port}{INBOX}"

    @property
    def key(self) -> str:
        """The public half of its key."""
        return str(self.identity.to_public())

    @property
    def packages(self) -> list[Received]:
        """What was sent to its inbox."""
        return [one for one in self.receiver.received if one.target == INBOX]

    def opened(self, number: int = -1) -> bytes:
        """One of them, as only this controller can read it."""
        return bytes(pyrage.decrypt(self.packages[number].body, [self.identity]))

    def answer(self, request: Received) -> bytes:
        """Its raw answer to one request."""
        if request.target == INBOX:
            return f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\n\r\n".encode()
        body = self.served.get(request.target)
        if body is None:
            return b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n"
        return f"HTTP/1.1 200 X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def controller(folder: Path) -> AsyncIterator[tuple[Other, ssl.SSLContext]]:
    """Another controller behind TLS, and who trusts its certificate."""
    cert, key = certificate(folder, "localhost")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(cert, key)
    async with receiving(server) as receiver:
        other = Other(receiver, pyrage.x25519.Identity.generate(), {})
        receiver.answer = other.answer
        yield other, ssl.create_default_context(cafile=str(cert))


@dataclass(frozen=True, slots=True)
class Sending:
    """A service that trusts the other controller."""

    service: Service
    other: Other
    client: httpx.AsyncClient
    officer: httpx.AsyncClient
    """Another client: what one puts forward it does not approve."""

    def loop(self) -> Transmitting:
        """What a worker runs; without the chance in its waits."""
        service = self.service
        return Transmitting(
            service.ledger,
            service.pool,
            service.receivers,
            outbound=service.outbound,
            pack=packing(service.ledger, service.signer, service.correspondence.public_url),
            portion=lambda: 0.0,
        )

    async def register(self) -> Value:
        """Puts the other controller forward; it serves what it could open."""
        made = await post(
            self.client, "/v1/receivers", {"url": self.other.url, "key": self.other.key}
        )
        challenge = pyrage.decrypt(made["challenge"].encode(), [self.other.identity])
        self.other.served[made["challenge_path"]] = bytes(challenge)
        return made

    async def approve(self) -> str:
        """Registers, proves and approves it; its id."""
        receiver = (await self.register())["receiver"]
        await post(self.client, f"/v1/receivers/{receiver}/proof")
        await post(self.officer, f"/v1/receivers/{receiver}/approval")
        return str(receiver)

    async def due_again(self) -> None:
        """What waits for another attempt is due."""
        await self.service.pool.execute(
            "UPDATE ledger.transmission_queue SET due_at = clock_timestamp()"
        )


@asynccontextmanager
async def sending(service: Service, folder: Path) -> AsyncIterator[Sending]:
    """A service beside another controller."""
    async with controller(folder) as (other, trust):
        outbound = Outbound(service.destinations, trust=trust)
        changed = dataclasses.replace(service, outbound=outbound)
        api = Api(changed, Settings(home=folder))
        async with await api.client() as client, await api.client() as officer:
            yield Sending(changed, other, client, officer)


async def portability_request(client: httpx.AsyncClient, person: str, **more: Any) -> str:
    """The id of a request for portability that is known to be the person's own."""
    body = {
        "subject_id": person.rpartition("/")[2],
        "right": "portability",
        "channel": "web",
        "text": "Please send my data on.",
        "proof": "login",
        **more,
    }
    made = await post(client, "/v1/rights-requests", body)
    return str(made["rights_request"]["request"])


def order(request: str, host: str = "localhost", **more: Any) -> Value:
    """The body of a wish to have data sent to a host."""
    return {"host": host, "request": request, "source": "self_service", **more}
