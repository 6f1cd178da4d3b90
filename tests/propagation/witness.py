"""A witness of the tests: it follows the specification and shares no code with the application."""

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.propagation.receiver import Received
from tests.tlog import reference


@dataclass(slots=True)
class PlainWitness:
    """Cosigns one log, whose verifier key it was told, and remembers one tree of it."""

    log_vkey: str
    name: str = "witness.example/w1"
    seed: bytes = b"\x31" * 32
    at_s: int = 1_700_000_000
    size: int = 0
    root: bytes = reference.sha256(b"")
    asked: list[int] = field(default_factory=list)
    """The old sizes that it was asked from."""

    @property
    def public(self) -> bytes:
        """Its raw public key."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        """As the specification has it."""
        return sha256(self.name.encode() + b"\n\x04" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """Its verifier key, of kind 4."""
        key = b64encode(b"\x04" + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def answer(self, request: Received) -> bytes:
        """The raw answer to one request."""
        assert request.target.endswith("/add-checkpoint")
        head, _, note = request.body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        old = int(first.removeprefix("old "))
        self.asked.append(old)
        _, size, root = reference.open_checkpoint(note.encode(), self.log_vkey)
        if old != self.size or (size == self.size and root != self.root):
            return reply(409, f"{self.size}\n", "text/x.tlog.size")
        if old == 0:
            assert not lines
        elif old < size:
            hashes = [b64decode(line) for line in lines]
            try:
                roots = reference.roots_by_proof(old, size, hashes, self.root)
            except AssertionError:
                return reply(422, "")
            if roots != (self.root, root):
                return reply(422, "")
        self.size, self.root = size, root
        return reply(200, self.line(note.rpartition("\n\n")[0] + "\n"))

    def line(self, text: str) -> str:
        """A cosignature of the text of a checkpoint."""
        message = f"cosignature/v1\ntime {self.at_s}\n{text}".encode()
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        raw = self.key_id + self.at_s.to_bytes(8, "big") + signature
        return f"\u2014 {self.name} {b64encode(raw).decode()}\n"


def reply(status: int, body: str | bytes, media_type: str = "text/plain") -> bytes:
    """A raw answer."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ncontent-length: {len(data)}\r\n"
    return f"{head}\r\n".encode() + data
