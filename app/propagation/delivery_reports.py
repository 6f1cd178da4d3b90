"""Reads messages about deliveries: RFC 3464 in RFC 6522, and what qmail and Exim write instead.

Anybody can send one, so it is cut into its parts by one pass each, never parsed as deep as it
claims to be. What it is about is found by our own Message-ID or envelope id (RFC 3461), of which
nobody knows one who was not sent the mail, and never by an address. Nothing else is kept of it.
"""

import binascii
import quopri
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Final, TypeAlias
from uuid import UUID

from app.domain.decider import Refusal
from app.domain.delivery_reports import Delivery, DeliveryReport

SIZE_MAX: Final = 1_000_000
"""Bytes of a message that are read: what comes after is what the mail enclosed."""
HEADER_SIZE_MAX: Final = 128 * 1024
FIELD_LENGTH_MAX: Final = 2_000
PARTS_MAX: Final = 32
RECIPIENTS_MAX: Final = 100

Fields: TypeAlias = Message

_STATUS: Final = re.compile(r"([245]\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2}))(?:[\s(]|$)")
_ACTION: Final = re.compile(r"([a-z]{1,16})(?:[\s(]|$)", re.IGNORECASE)
_MESSAGE_ID: Final = re.compile(r"<([0-9a-f]{32})@[^<>@\s]{1,255}>")
_ENVELOPE_ID: Final = re.compile(r"[0-9a-f]{32}")
_BLANK: Final = re.compile(rb"\n[ \t]*(?:\n[ \t]*)*\n")

_DELIVERIES: Final = {
    "failed": (Delivery.BOUNCED, "45"),
    "delayed": (Delivery.DELAYED, "4"),
    "relayed": (Delivery.RELAYED, "2"),
    "expanded": (Delivery.RELAYED, "2"),
    "delivered": (Delivery.DELIVERED, "2"),
}
"""Action -> what it means here, and the classes of status that go with it (RFC 3464, 2.3.3)."""

_STATUSES: Final = ("message/delivery-status", "message/global-delivery-status")
_ORIGINALS: Final = (
    *("message/rfc822", "text/rfc822-headers"),
    *("message/global", "message/global-headers"),  # RFC 6533
)

_QMAIL: Final = re.compile(rb"Hi\. This is the [^\n]{1,80} at [^\n]{1,255}\n")
_QMAIL_CODE: Final = re.compile(rb"\(#([45]\.[0-9]{1,3}\.[0-9]{1,3})\)")
_QMAIL_BREAK: Final = re.compile(rb"\n\n-[^\n]*\n+")
_EXIM: Final = re.compile(rb"This message was created automatically by mail delivery software")
_EXIM_FAILED: Final = b"This is a permanent error."
_EXIM_DELAYED: Final = b"has not yet been delivered"
_EXIM_BREAK: Final = re.compile(rb"\n------ This is a copy of [^\n]{1,120}\n(?:------[^\n]*\n)*\n*")
_PARAMETER: Final = re.compile(
    r';\s*([a-z0-9-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.IGNORECASE
)


class DeliveryReportUnreadable(Refusal):
    """It is no message about a delivery, or none that can be read for sure."""

    code = "delivery-report-unreadable"
    rules = ("L9",)


class DeliveryReportForeign(Refusal):
    """What it is about is no mail of this ledger."""

    code = "delivery-report-foreign"
    rules = ("L9",)


def read_delivery_report(content: bytes) -> DeliveryReport:
    """What a message (RFC 5322) tells; DeliveryReportUnreadable, DeliveryReportForeign."""
    head, body = _opened(content[:SIZE_MAX].replace(b"\r\n", b"\n"))
    if _type(head) == "multipart/report":
        return _report(head, body)
    if _type(head) == "text/plain":
        told = _decoded(head, body)
        if _QMAIL.match(told.lstrip()):
            return _qmail(head, told)
        if _EXIM.match(told.lstrip()):
            return _exim(head, told)
    raise DeliveryReportUnreadable


def _report(head: Fields, body: bytes) -> DeliveryReport:
    if _parameter(head, "report-type").lower() not in ("delivery-status", ""):
        raise DeliveryReportUnreadable
    groups: list[Fields] = []
    original: Fields | None = None
    for part, content in _parts(head, body):
        if _type(part) in _STATUSES and not groups:
            groups = list(_groups(_decoded(part, content)))
        elif _type(part) in _ORIGINALS and groups and original is None:
            original, _ = _opened(_decoded(part, content))
    told = [_delivery(one) for one in groups if _any(one, "Action", "Status", "Final-Recipient")]
    if not told:
        raise DeliveryReportUnreadable
    delivery, status = min(told, key=lambda one: list(Delivery).index(one[0]))
    return DeliveryReport(
        mail=_mail(head, original, groups[0]),
        delivery=delivery,
        status=status,
        about=_moment(groups[0], "Arrival-Date") or _moment(head, "Date"),
    )


def _delivery(group: Fields) -> tuple[Delivery, str]:
    """What is told of one recipient; the status of a success says so, and that of a failure."""
    action = _ACTION.match(_one(group, "Action"))
    status = _STATUS.match(_one(group, "Status"))
    if action is None or status is None:
        raise DeliveryReportUnreadable
    delivery, classes = _DELIVERIES.get(action[1].lower(), (None, ""))
    if delivery is None or status[1][0] not in classes:
        raise DeliveryReportUnreadable
    return delivery, status[1]


def _qmail(head: Fields, told: bytes) -> DeliveryReport:
    """QSBMF: failures for good, each with a code in brackets; then the mail itself."""
    cut = _QMAIL_BREAK.search(told)
    if cut is None:
        raise DeliveryReportUnreadable
    codes = {found.decode() for found in _QMAIL_CODE.findall(told[: cut.start()])}
    code = codes.pop() if len(codes) == 1 else ""
    return DeliveryReport(
        mail=_named(_ids(_opened(told[cut.end() :])[0], "Message-ID")),
        delivery=Delivery.BOUNCED,
        status=code if _STATUS.match(code) else "5.0.0",
        about=_moment(head, "Date"),
    )


def _exim(head: Fields, told: bytes) -> DeliveryReport:
    """Exim without MIME: it says in a sentence whether it goes on; a warning quotes no header."""
    cut = _EXIM_BREAK.search(told)
    said = told if cut is None else told[: cut.start()]
    failed, delayed = (one in said for one in (_EXIM_FAILED, _EXIM_DELAYED))
    if failed is delayed:
        raise DeliveryReportUnreadable
    named = (
        _ids(head, "References")
        if cut is None
        else _ids(_opened(told[cut.end() :])[0], "Message-ID")
    )
    return DeliveryReport(
        mail=_named(named),
        delivery=Delivery.BOUNCED if failed else Delivery.DELAYED,
        status="5.0.0" if failed else "4.0.0",
        about=_moment(head, "Date"),
    )


def _mail(head: Fields, original: Fields | None, status: Fields) -> UUID:
    """The mail that a report names: by its envelope id, its header, or as what it replies to."""
    envelope = _one(status, "Original-Envelope-Id")
    named = {envelope} if _ENVELOPE_ID.fullmatch(envelope) else set()
    if original is not None:
        named |= set(_ids(original, "Message-ID"))
    return _named(named or {*_ids(head, "In-Reply-To"), *_ids(head, "References")})


def _named(ids: Iterable[str]) -> UUID:
    """The one mail that is meant."""
    named = set(ids)
    if len(named) > 1:
        raise DeliveryReportUnreadable
    if not named:
        raise DeliveryReportForeign
    return UUID(hex=named.pop())


def _ids(fields: Fields, name: str) -> Iterator[str]:
    for value in _all(fields, name):
        yield from (found[1] for found in islice(_MESSAGE_ID.finditer(value), RECIPIENTS_MAX))


def _moment(fields: Fields, name: str) -> datetime | None:
    value = _one(fields, name)
    try:
        found = parsedate_to_datetime(value[:100]) if value else None
        if found is None:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _parts(head: Fields, body: bytes) -> Iterator[tuple[Fields, bytes]]:
    """The parts of a multipart, not opened further; a last one may be cut off (RFC 2046, 5.1)."""
    boundary = _parameter(head, "boundary").rstrip()
    if not 0 < len(boundary) <= 70 or not boundary.isascii():
        raise DeliveryReportUnreadable
    line = re.compile(rb"^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*$\n?", re.MULTILINE)
    cuts = list(islice(line.finditer(body), PARTS_MAX + 1))
    ends: Sequence[int] = [*(cut.start() for cut in cuts[1:]), len(body)]
    for cut, end in zip(cuts, ends, strict=False):
        if cut[1]:
            return
        yield _opened(body[cut.end() : end])


def _groups(content: bytes) -> Iterator[Fields]:
    """The fields of the message, then those of each recipient (RFC 3464, 2.1)."""
    if len(content) > HEADER_SIZE_MAX:
        raise DeliveryReportUnreadable
    blocks = [one for one in _BLANK.split(content.strip(b"\n \t")) if one]
    if len(blocks) > RECIPIENTS_MAX:
        raise DeliveryReportUnreadable
    for block in blocks:
        yield _opened(block + b"\n")[0]


def _opened(content: bytes) -> tuple[Fields, bytes]:
    """Header and body, the one parsed and the other as it is."""
    if content.startswith(b"\n"):
        return _parsed(b""), content[1:]
    head, _, body = content.partition(b"\n\n")
    return _parsed(head), body


def _parsed(header: bytes) -> Fields:
    if len(header) > HEADER_SIZE_MAX:
        raise DeliveryReportUnreadable
    return BytesHeaderParser(policy=compat32).parsebytes(header)


def _decoded(head: Fields, content: bytes) -> bytes:
    """The content of a part; what should be plain is sometimes encoded, and may be (RFC 6533)."""
    match _one(head, "Content-Transfer-Encoding").lower():
        case "base64":
            try:
                return binascii.a2b_base64(content).replace(b"\r\n", b"\n")
            except binascii.Error:
                raise DeliveryReportUnreadable from None
        case "quoted-printable":
            return quopri.decodestring(content).replace(b"\r\n", b"\n")
        case _:
            return content


def _type(head: Fields) -> str:
    """The media type; that of RFC 2045 where none is told, as qmail does it."""
    if not _any(head, "Content-Type"):
        return "text/plain"
    return _one(head, "Content-Type").partition(";")[0].strip().lower()


def _parameter(head: Fields, name: str) -> str:
    """One of the type's parameters; the standard library raises on some, and is slow on others."""
    for key, quoted, bare in _PARAMETER.findall(_one(head, "Content-Type")):
        if key.lower() == name:
            return re.sub(r"\\(.)", r"\1", quoted) or bare
    return ""


def _any(fields: Fields, *names: str) -> bool:
    return any(name in fields for name in names)


def _one(fields: Fields, name: str) -> str:
    """A field's value without blanks around it; an empty one where there is none, or several."""
    values = _all(fields, name)
    return values[0] if len(values) == 1 else ""


def _all(fields: Fields, name: str) -> list[str]:
    """Every value of a field, an empty one for what is too long or no text."""
    values: list[object] = [*fields.get_all(name, [])]
    # Of eight-bit bytes the library makes an object of another kind.
    return [
        one.strip() if isinstance(one, str) and len(one) <= FIELD_LENGTH_MAX else ""
        for one in values
    ]
