"""Unique values that stand for personal data, and the search for them in every form on a disk."""

import re
import secrets
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FORMS = ("plain", "base64", "url", "utf-16", "json", "hex")
_BYTEA = re.compile(rb"\\\\?x((?:[0-9a-f]{2})+)")


@dataclass(frozen=True, slots=True)
class Markers:
    """The values of one run. ``word`` is in every value that may hold letters."""

    word: str
    phone: str
    account: str
    document: str
    birth_date: str
    expiry: str
    address: str
    """An IP address."""

    @classmethod
    def fresh(cls) -> "Markers":
        """Values that are nowhere else."""
        digits = "".join(secrets.choice("0123456789") for _ in range(9))
        return cls(
            word=f"zq{secrets.token_hex(5)}",
            phone=f"+4670{secrets.randbelow(10**7):07d}",
            account=_iban(f"{digits}{secrets.randbelow(10)}"),
            document=f"PX{secrets.randbelow(10**10):010d}",
            birth_date=f"19{secrets.randbelow(40) + 10}-03-29",
            expiry=f"21{secrets.randbelow(40) + 40}-07-13",
            address=f"2001:db8:{secrets.token_hex(1)}{10}:a{secrets.token_hex(1)}b::1",
        )

    def text(self, what: str) -> str:
        """A value of letters for one field, with some that every encoding writes differently."""
        return f"Ö{self.word} {what} ñ"

    def name(self, what: str) -> str:
        """A value in ASCII, where a field allows nothing else."""
        return f"{self.word}{what}"

    def email(self, what: str) -> str:
        """An address of its own for one field."""
        return f"{self.word}.{what}@kanarie.example"

    def searched(self) -> tuple[str, ...]:
        """What may be on no disk."""
        return (
            self.word,
            self.phone[1:],
            self.account,
            self.document,
            self.birth_date,
            self.expiry,
            self.address,
        )


def forms_of(value: str) -> dict[str, tuple[bytes, ...]]:
    """The byte strings that betray ``value``, by form."""
    plain = value.encode()
    return {
        "plain": (plain,),
        "base64": tuple(_aligned(plain, offset) for offset in range(3)),
        "url": ("".join(f"%{byte:02X}" for byte in plain).encode(),),
        "utf-16": (value.encode("utf-16-le"), value.encode("utf-16-be")),
        "json": ("".join(f"\\u{ord(letter):04x}" for letter in value).encode(),),
        "hex": (plain.hex().encode(),),
    }


def _aligned(plain: bytes, offset: int) -> bytes:
    """What is left of ``plain`` in base64 when ``offset`` other bytes came before it."""
    encoded = b64encode(b"\0" * offset + plain).rstrip(b"=")
    begin = (offset * 8 + 5) // 6
    whole = (offset + len(plain)) * 8 // 6
    return encoded[begin:whole]


@dataclass(frozen=True, slots=True)
class Hit:
    """A value was found: where, which, and in which form."""

    place: str
    value: str
    form: str


def hits_in(place: str, content: bytes, values: Iterable[str]) -> Iterator[Hit]:
    """Every (value, form) that is in ``content``."""
    lowered: bytes | None = None
    for value in values:
        for form, needles in forms_of(value).items():
            for needle in needles:
                if form in ("url", "json", "hex"):  # their hex digits may be of either case
                    lowered = content.lower() if lowered is None else lowered
                    found = needle.lower() in lowered
                else:
                    found = needle in content
                if found:
                    yield Hit(place, value, form)
                    break


def hits_in_dump(place: str, content: bytes, values: Iterable[str]) -> Iterator[Hit]:
    """As ``hits_in``; binary columns are read as the bytes that the dump stands for."""
    values = tuple(values)
    unpacked = b"\n".join(bytes.fromhex(found.decode()) for found in _BYTEA.findall(content))
    yield from hits_in(place, content, values)
    yield from hits_in(f"{place} (binary)", unpacked, values)


def hits_under(roots: Iterable[Path], values: Iterable[str]) -> list[Hit]:
    """Every hit in every file under the folders, by file name too."""
    values = tuple(values)
    return [
        hit
        for root in roots
        for file in sorted((root, *root.rglob("*")))
        for hit in _hits_of(file, values)
    ]


def _hits_of(file: Path, values: tuple[str, ...]) -> Iterator[Hit]:
    yield from hits_in(f"name of {file}", str(file).encode(), values)
    if file.is_file() and not file.is_symlink():
        yield from hits_in(str(file), file.read_bytes(), values)


def summary(hits: Iterable[Hit]) -> Mapping[str, set[str]]:
    """Place -> forms, for a message that repeats no value."""
    told: dict[str, set[str]] = {}
    for hit in hits:
        told.setdefault(hit.place, set()).add(hit.form)
    return told


def _iban(account: str) -> str:
    """A Belgian account number with its two check sums (ISO 13616)."""
    national = f"{account}{int(account) % 97 or 97:02d}"
    check = 98 - int(f"{national}111400") % 97
    return f"BE{check:02d}{national}"
