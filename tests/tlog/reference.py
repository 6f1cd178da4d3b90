"""Merkle trees as RFC 6962 §2.1 defines them, word by word, and a verifier of what C2SP specifies.

A second implementation, slow and plain, that imports nothing of the application.
"""

import hashlib
from base64 import b64decode
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(data: bytes) -> bytes:
    """The one hash."""
    return hashlib.sha256(data).digest()


def leaf(entry: bytes) -> bytes:
    """MTH({d(0)})."""
    return sha256(b"\x00" + entry)


def mth(leaves: Sequence[bytes], start: int = 0, end: int | None = None) -> bytes:
    """MTH(D[start:end]) over leaf hashes."""
    end = len(leaves) if end is None else end
    if end == start:
        return sha256(b"")
    if end - start == 1:
        return leaves[start]
    k = split(end - start)
    left, right = mth(leaves, start, start + k), mth(leaves, start + k, end)
    return sha256(b"\x01" + left + right)


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    n = len(leaves)
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return subproof(m, leaves, known=True)


def subproof(m: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    n = len(leaves)
    if m == n:
        return [] if known else [mth(leaves)]
    k = split(n)
    if m <= k:
        return [*subproof(m, leaves[:k], known=known), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], known=False), mth(leaves[:k])]


def tile(level: int, index: int, leaves: Sequence[bytes]) -> bytes:
    """The hashes of a C2SP tile, as many as there are."""
    step = 256**level
    first = index * 256
    count = max(0, min(256, len(leaves) // step - first))
    return b"".join(mth(leaves, (first + i) * step, (first + i + 1) * step) for i in range(count))


def split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root_by_path(leaf_hash: bytes, m: int, n: int, hashes: Sequence[bytes]) -> bytes:
    """The root that an audit path leads to; hashes are taken from its end, from the root down."""
    if n == 1:
        assert not hashes, "too long"
        return leaf_hash
    assert hashes, "too short"
    k = split(n)
    if m < k:
        return sha256(b"\x01" + root_by_path(leaf_hash, m, k, hashes[:-1]) + hashes[-1])
    return sha256(b"\x01" + hashes[-1] + root_by_path(leaf_hash, m - k, n - k, hashes[:-1]))


def roots_by_proof(
    m: int, n: int, hashes: Sequence[bytes], old_root: bytes, *, known: bool = True
) -> tuple[bytes, bytes]:
    """The roots of m and n leaves that a consistency proof leads to."""
    if m == n:
        if known:
            assert not hashes, "too long"
            return old_root, old_root
        assert len(hashes) == 1, "too long or too short"
        return hashes[0], hashes[0]
    assert hashes, "too short"
    k, last = split(n), hashes[-1]
    if m <= k:
        old, new = roots_by_proof(m, k, hashes[:-1], old_root, known=known)
        return old, sha256(b"\x01" + new + last)
    old, new = roots_by_proof(m - k, n - k, hashes[:-1], old_root, known=False)
    return sha256(b"\x01" + last + old), sha256(b"\x01" + last + new)


def open_checkpoint(note: bytes, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that this verifier key signed."""
    text, _, signatures = note.decode().rpartition("\n\n")
    body = f"{text}\n".encode()
    name, key_id, encoded = vkey.split("+", 2)
    kind, public = b64decode(encoded)[0], b64decode(encoded)[1:]
    assert kind == 1
    assert sha256(name.encode() + b"\n\x01" + public)[:4].hex() == key_id
    signed = False
    for line in signatures.splitlines():
        dash, signer, signature = line.split(" ")
        raw = b64decode(signature)
        if dash == "\u2014" and signer == name and raw[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], body)
            signed = True
    assert signed, "not signed by the key"
    origin, size, root = text.split("\n")
    assert origin == name
    return origin, int(size), b64decode(root)


def open_proof(data: bytes, vkey: str, entry: bytes) -> tuple[int, int]:
    """Index and tree size, if the tlog-proof proves that the log holds the entry."""
    head, _, note = data.partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    if lines[0].startswith("extra "):
        lines = lines[1:]
    word, index = lines[0].split(" ")
    assert word == "index"
    _, size, root = open_checkpoint(note, vkey)
    hashes = [b64decode(line) for line in lines[1:]]
    assert root_by_path(leaf(entry), int(index), size, hashes) == root
    return int(index), size


def open_cosignature(text: str, line: str, vkey: str) -> int:
    """When the witness of this vkey (kind 4) cosigned the text of a checkpoint."""
    name, key_id, encoded = vkey.split("+", 2)
    kind, public = b64decode(encoded)[0], b64decode(encoded)[1:]
    assert kind == 4
    assert sha256(name.encode() + b"\n\x04" + public)[:4].hex() == key_id
    dash, signer, signature = line.split(" ")
    raw = b64decode(signature)
    assert (dash, signer, raw[:4].hex(), len(raw)) == ("\u2014", name, key_id, 76)
    at_s = int.from_bytes(raw[4:12], "big")
    message = f"cosignature/v1\ntime {at_s}\n{text}".encode()
    Ed25519PublicKey.from_public_bytes(public).verify(raw[12:], message)
    return at_s
