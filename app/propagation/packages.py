"""Opens a portability package that comes in: bounded, and checked by the key that is trusted (S19).

A zip is read in memory and never unpacked; what its manifest names differently is refused.
"""

import hashlib
import struct
import zlib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import msgspec

from app.domain.decider import Refusal
from app.vault.signing import is_signed

UNPACKED_BYTES_MAX: Final = 32_000_000
ENTRIES_MAX: Final = 40
DATA: Final = "data.json"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
_MALFORMED: Final = (
    *(BadZipFile, OSError, EOFError, ValueError, RuntimeError, OverflowError),
    *(struct.error, zlib.error),
)
_METHODS: Final = frozenset({ZIP_STORED, ZIP_DEFLATED})
"""Others take as much memory as the zip says, whatever is read of it."""
_WANTED: Final = frozenset({DATA, MANIFEST, SIGNATURE})


class PackageUnreadable(Refusal):
    """It is no package, or not the one that its manifest describes: ``reason`` says which."""

    code = "package-unreadable"
    rules = ("L35", "C68")


class PackageUntrusted(Refusal):
    """The key that was named did not sign it, or is none that this ledger trusts."""

    code = "package-untrusted"
    rules = ("L16", "L35")


@dataclass(frozen=True, slots=True)
class OpenedPackage:
    """The data of a package, as bytes of JSON."""

    data: bytes = field(repr=False)
    signed: bool
    """By a key that this ledger trusts; otherwise nobody vouches for it."""


def opened_package(
    content: bytes, trusted: Collection[bytes], named: bytes | None = None
) -> OpenedPackage:
    """The data inside a zip; PackageUnreadable, or PackageUntrusted when a key was ``named``.

    ``trusted`` are the keys of this ledger's own and of those that its operator registered: a
    caller may ask for one of them, and can add none. Not on the event loop.
    """
    files = _files(content)
    data, manifest = files.get(DATA), files.get(MANIFEST)
    if data is None or manifest is None:
        raise PackageUnreadable(reason="incomplete")
    signature = files.get(SIGNATURE, b"")
    keys = trusted if named is None else {named} & set(trusted)
    signed = any(is_signed(manifest, signature, key) for key in keys)
    if named is not None and not signed:
        raise PackageUntrusted
    if _digest_in(manifest) != hashlib.sha256(data).hexdigest():
        raise PackageUnreadable(reason="altered")
    return OpenedPackage(data, signed=signed)


class _File(msgspec.Struct):
    """One line of a manifest, as far as it is read."""

    name: str
    sha256: str


class _Manifest(msgspec.Struct):
    """What was signed."""

    files: list[_File]


def _digest_in(manifest: bytes) -> str | None:
    """What the manifest says that data.json is, in hex; PackageUnreadable where it says nothing."""
    try:
        files = msgspec.json.decode(manifest, type=_Manifest).files
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise PackageUnreadable(reason="altered") from None
    named = [one.sha256 for one in files if one.name == DATA]
    return named[0] if len(named) == 1 else None


def _files(content: bytes) -> dict[str, bytes]:
    """The three files that are read; PackageUnreadable."""
    found: dict[str, bytes] = {}
    with suppress(*_MALFORMED), ZipFile(BytesIO(content)) as package:
        names = package.namelist()
        if len(names) <= ENTRIES_MAX and len(set(names)) == len(names):
            found = {one: _read(package, one) for one in names if one in _WANTED}
    if sum(map(len, found.values())) > UNPACKED_BYTES_MAX:
        raise PackageUnreadable(reason="too-large")
    if not found:
        raise PackageUnreadable(reason="not-a-package")
    return found


def _read(package: ZipFile, name: str) -> bytes:
    """Never more than the limit, whatever size the zip claims."""
    if package.getinfo(name).compress_type not in _METHODS:
        raise BadZipFile
    with package.open(name) as file:
        return file.read(UNPACKED_BYTES_MAX + 1)
