"""Opens a portability package that comes in: bounded, and checked by the key that is trusted (S19).

A zip is read in memory and never unpacked; what its manifest names differently is refused.
"""

import hashlib
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

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
    """The key that was named as trusted did not sign it."""

    code = "package-untrusted"
    rules = ("L16", "L35")


@dataclass(frozen=True, slots=True)
class OpenedPackage:
    """The data of a package, as bytes of JSON."""

    data: bytes = field(repr=False)
    signed: bool
    """By the key that the caller trusts; without such a key, nobody vouches for it."""


def opened_package(content: bytes, trusted: bytes | None) -> OpenedPackage:
    """The data inside a zip; PackageUnreadable, or PackageUntrusted when a key was named."""
    files = _files(content)
    data, manifest = files.get(DATA), files.get(MANIFEST)
    if data is None or manifest is None:
        raise PackageUnreadable(reason="incomplete")
    if trusted is not None and not is_signed(manifest, files.get(SIGNATURE, b""), trusted):
        raise PackageUntrusted
    if hashlib.sha256(data).hexdigest().encode() not in manifest:
        raise PackageUnreadable(reason="altered")
    return OpenedPackage(data, signed=trusted is not None)


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
