"""Messages about deliveries, read: the shapes that servers send, and what anybody may send."""

import base64
import re
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.decider import Refusal
from app.domain.delivery_reports import Delivery, DeliveryReport
from app.propagation.delivery_reports import (
    SIZE_MAX,
    DeliveryReportForeign,
    DeliveryReportUnreadable,
    read_delivery_report,
)
from tests.propagation.reports import (
    ADDRESS,
    EXIM_PLAIN,
    EXIM_WARNING,
    GMAIL,
    MAIL,
    MICROSOFT,
    MIME,
    OURS,
    POSTFIX,
    QMAIL,
    SAID,
    SENTENCES,
    on_the_wire,
    written,
)

OTHER: Final = "0" * 32
SECONDS_MAX: Final = 3.0
"""For a megabyte, on a machine that does other work beside."""
SHAPES: Final = {**MIME, **SENTENCES}


def read(text: str) -> DeliveryReport:
    """What is read of a message as it comes over the wire."""
    return read_delivery_report(on_the_wire(text))


def refused(content: bytes) -> type[Refusal]:
    """The refusal that a message meets, in bounded time and without a word of it."""
    began = time.perf_counter()
    with pytest.raises((DeliveryReportUnreadable, DeliveryReportForeign)) as told:
        read_delivery_report(content)
    assert time.perf_counter() - began < SECONDS_MAX
    assert not told.value.facts
    assert str(told.value) == told.value.code
    return told.type


@pytest.mark.clause("L9")
@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("shape", MIME.values(), ids=MIME)
def test_what_a_server_sends_is_read(shape: str, ends: str) -> None:
    """By our own Message-ID; address and diagnostic are no part of what is read."""
    report = read_delivery_report(written(shape).replace("\n", ends).encode())

    assert (report.mail, report.delivery) == (UUID(MAIL), Delivery.BOUNCED)
    assert report.status == "5.1.1"
    assert report.about is not None
    assert (report.about.tzinfo, report.about.hour, report.about.second < 4) == (UTC, 10, True)
    assert ADDRESS not in repr(report)
    assert SAID not in repr(report)


def test_what_older_servers_say_in_sentences_is_read() -> None:
    said = {name: read(written(shape)) for name, shape in SENTENCES.items()}

    assert {one.mail for one in said.values()} == {UUID(MAIL)}
    assert {name: (one.delivery, one.status) for name, one in said.items()} == {
        "qmail": (Delivery.BOUNCED, "5.1.1"),
        "Exim without MIME": (Delivery.BOUNCED, "5.0.0"),
        "Exim, a warning": (Delivery.DELAYED, "4.0.0"),
    }


@pytest.mark.parametrize(
    ("code", "status"),
    [("4.4.1", "4.4.1"), ("5.01.1", "5.0.0"), ("2.0.0", "5.0.0"), ("5.1.1) (#5.2.2", "5.0.0")],
)
def test_qmail_gives_up_whatever_the_code_in_its_words(code: str, status: str) -> None:
    report = read(written(QMAIL, status=code))
    assert (report.delivery, report.status) == (Delivery.BOUNCED, status)


@pytest.mark.parametrize(
    ("action", "status", "delivery"),
    [
        ("failed", "5.7.606", Delivery.BOUNCED),
        ("failed", "4.4.7", Delivery.BOUNCED),
        ("Failed", "5.0.0 (unknown)", Delivery.BOUNCED),
        ("delayed", "4.4.1", Delivery.DELAYED),
        ("relayed (to non-DSN-aware mailer)", "2.0.0", Delivery.RELAYED),
        ("expanded", "2.1.5", Delivery.RELAYED),
        ("delivered", "2.1.5", Delivery.DELIVERED),
    ],
)
@pytest.mark.parametrize("shape", MIME.values(), ids=MIME)
def test_the_action_says_what_became_of_it(
    shape: str, action: str, status: str, delivery: Delivery
) -> None:
    """RFC 3464, 2.3.3: a server gives up after days with a code of class 4, and that is final."""
    report = read(written(shape, action=action, status=status))

    assert report.delivery is delivery
    assert report.status == status.partition(" ")[0]


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("failed", "2.0.0"),
        ("delayed", "5.1.1"),
        ("delivered", "5.1.1"),
        ("lost", "5.1.1"),
        ("", "5.1.1"),
        ("failed", ""),
        ("failed", "550"),
        ("failed", "5.01.1"),
        ("failed", "5.1.1111"),
        ("failed", "3.1.1"),
        ("failed", "5.1.1\nStatus: 4.1.1"),
        ("failed\nAction: delayed", "5.1.1"),
        ("failed", "5.1.1" + " " * 3000),
        ("f\u00e5iled", "5.1.1"),
    ],
)
def test_fields_that_contradict_each_other_are_not_read(action: str, status: str) -> None:
    text = written(POSTFIX, action=action, status=status)
    assert refused(on_the_wire(text)) is DeliveryReportUnreadable


def recipients(*told: tuple[str, str]) -> bytes:
    """One report about several recipients."""
    text = written(POSTFIX)
    group = re.search(r"Final-Recipient:.*?\n\n", text, re.DOTALL)
    assert group is not None
    groups = [
        f"Final-Recipient: rfc822; {number}@stad.example\nAction: {action}\nStatus: {status}\n\n"
        for number, (action, status) in enumerate(told)
    ]
    return on_the_wire(text.replace(group[0], "".join(groups)))


def test_of_several_recipients_the_gravest_outcome_counts() -> None:
    """Our mails have one; whoever passes them on to several has lost one of them at least."""
    arrived, late, lost = ("delivered", "2.0.0"), ("delayed", "4.2.2"), ("failed", "5.2.1")
    passed = ("expanded", "2.0.0")

    def told(*those: tuple[str, str]) -> tuple[Delivery, str]:
        report = read_delivery_report(recipients(*those))
        return report.delivery, report.status

    assert told(arrived, late, lost) == (Delivery.BOUNCED, "5.2.1")
    assert told(arrived, late, passed) == (Delivery.DELAYED, "4.2.2")
    assert told(arrived, passed) == (Delivery.RELAYED, "2.0.0")
    assert told(*[arrived] * 90) == (Delivery.DELIVERED, "2.0.0")
    assert refused(recipients(lost, ("lost", "5.0.0"))) is DeliveryReportUnreadable
    assert refused(recipients(*[lost] * 200)) is DeliveryReportUnreadable
    assert refused(recipients()) is DeliveryReportUnreadable


def test_the_mail_is_found_by_the_envelope_id_too() -> None:
    """RFC 3461: where the header is not returned, or another server has written a new one."""
    envelope = f"Original-Envelope-Id: {MAIL}\nReporting-MTA: dns; relay"
    text = written(POSTFIX, ours="<new@relay.example>")
    assert refused(on_the_wire(text)) is DeliveryReportForeign
    assert read(text.replace("Reporting-MTA: dns; relay", envelope)).mail == UUID(MAIL)

    contradicting = written(POSTFIX, ours=f"<{OTHER}@controller.example>")
    contradicting = contradicting.replace("Reporting-MTA: dns; relay", envelope)
    assert refused(on_the_wire(contradicting)) is DeliveryReportUnreadable


def test_without_the_original_it_is_what_the_report_replies_to() -> None:
    cut = written(GMAIL).partition("Content-Type: message/rfc822")[0]

    assert read(cut).mail == UUID(MAIL)
    assert refused(on_the_wire(cut.replace(MAIL, OTHER[1:]))) is DeliveryReportForeign


@pytest.mark.parametrize(
    "ours",
    [
        f"<{MAIL.upper()}@controller.example>",
        f"<{MAIL}0@controller.example>",
        f"<x{MAIL}@controller.example>",
        f"{MAIL}",
        f"<{MAIL}@>",
        "",
        f"<{MAIL}@{'x' * 300}>",
    ],
)
def test_what_is_no_message_id_of_ours_is_no_mail_of_ours(ours: str) -> None:
    for shape in SHAPES.values():
        assert refused(on_the_wire(written(shape, ours=ours))) is DeliveryReportForeign


def test_a_message_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    """What the mail enclosed may be longer than anybody sends on."""
    text = written(MICROSOFT)
    at = text.rindex("Content-Type: text/plain")
    whole = on_the_wire(text[:at] + "Content-Type: application/pdf\n\n" + "JVBERi0x\n" * 200_000)

    assert read_delivery_report(whole).mail == UUID(MAIL)
    assert read_delivery_report(whole[:SIZE_MAX]).mail == UUID(MAIL)


def test_parts_may_be_encoded_and_international() -> None:
    """RFC 6533; and some servers encode what they must not."""
    text = written(POSTFIX)
    head, _, rest = text.partition("Content-Type: message/delivery-status\n\n")
    status, _, end = rest.partition("--4XyZ1")
    coded = base64.encodebytes(status.replace("stad", "å.stad").encode()).decode()
    kind = "Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: base64\n\n"
    end = end.replace("text/rfc822-headers", "message/global-headers").replace("Ada", "Åda")
    quoted = "Content-Type: message/delivery-status\nContent-Transfer-Encoding: quoted-printable"

    assert read(f"{head}{kind}{coded}\n--4XyZ1{end}").delivery is Delivery.BOUNCED
    broken = f"{head}{kind}{coded[:-6]}\n--4XyZ1{end}"
    assert refused(on_the_wire(broken)) is DeliveryReportUnreadable
    plain = f"{head}{quoted}\n\n{status.replace('5.1.1', '5.1=2E1')}--4XyZ1{end}"
    assert read(plain).status == "5.1.1"


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Mon, 23 Nov 2026 10:00:01 +0100", datetime(2026, 11, 23, 9, 0, 1, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 10:00:01 -0000", datetime(2026, 11, 23, 10, 0, 1, tzinfo=UTC)),
        ("Mon, 99 Nov 2026 10:00:01 +0000", None),
        ("Fri, 31 Dec 9999 23:59:59 -1400", None),
        ("Mon, 23 Nov 2026 10:00:01 +9999", None),
        ("in the morning", None),
        ("", None),
    ],
)
def test_a_date_that_is_none_is_no_reason_to_lose_the_rest(
    date: str, moment: datetime | None
) -> None:
    text = re.sub(r"Arrival-Date: .*\n", "", written(POSTFIX))
    report = read(re.sub(r"\nDate: Mon, 23 Nov 2026 10:05.*", f"\nDate: {date}", text))

    assert report.about == moment
    assert report.status == "5.1.1"


def nested(depth: int) -> bytes:
    """A multipart in a multipart, and so on."""
    inner = "".join(
        f'Content-Type: multipart/report; boundary="{number}"\n\n--{number}\n'
        for number in range(depth)
    )
    return b"From: a@b.example\n" + inner.encode()


def spoilt(old: str, new: str) -> bytes:
    """A good report with one thing exchanged."""
    text = written(POSTFIX)
    assert old in text
    return on_the_wire(text.replace(old, new))


KIND: Final = "multipart/report; report-type=delivery-status"
UNREADABLE: Final = {
    "nothing": b"",
    "blank": b"\r\n\r\n\r\n",
    "no message": b"\x00\xff" * 1000,
    "a letter": b"From: a@b.example\r\nSubject: Hello\r\n\r\nThank you for your letter.\r\n",
    "a reply to ours": f"In-Reply-To: {OURS}\nSubject: Re: x\n\nHi. I am away.\n".encode(),
    "a receipt of reading": spoilt("delivery-status;", "disposition-notification;"),
    "a complaint": spoilt("report-type=delivery-status;", "report-type=feedback-report;"),
    "no boundary": spoilt("boundary=", "border="),
    "an empty boundary": spoilt('boundary="4XyZ1.1764000000/relay.example"', 'boundary=""'),
    "a long boundary": spoilt("4XyZ1.1764000000/relay.example", "4" * 71),
    "no status part": spoilt("message/delivery-status", "text/plain"),
    "no type": spoilt(KIND, "multipart"),
    "parts of another kind": spoilt("multipart/report", "multipart/mixed"),
    "two types": spoilt("MIME-Version: 1.0", "Content-Type: text/plain"),
    "an eight-bit type": spoilt("report-type=", 'x="\u00e5"; report-type='),
    "a boundary without an end": spoilt('/relay.example"\n', "/relay.example\n"),
    "many parameters": spoilt("report-type=", 'a="";' * 390 + "report-type="),
    "no recipient": spoilt("Action: failed\nStatus: 5.1.1\n", "").replace(b"Final-", b"X-"),
    "multiparts without an end": nested(1_000),
    "a bomb of multiparts": nested(14_000),
    "many headers": b"a:b\n" * 250_000,
    "many headers in a part": spoilt("Reporting-MTA: dns", "a:b\n" * 200_000 + "Reporting-MTA: x"),
    "one long header": b"Content-Type: " + b"x;" * 490_000,
    "one folded header": b"Content-Type: multipart/report;" + b"\n x=y;" * 160_000,
    "boundaries alone": b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 240_000,
    "blank lines": spoilt("Reporting-MTA", "\n \n" * 200_000 + "Reporting-MTA"),
    "breaks alone": QMAIL.partition("<{")[0].encode() + b"-\n" * 400_000,
    "Exim without an outcome": on_the_wire(written(EXIM_WARNING).replace("not yet been", "been")),
    "Exim with both": on_the_wire(
        written(EXIM_WARNING) + "This is a permanent error. ------ This is a copy of"
    ),
    "qmail without the mail": on_the_wire(written(QMAIL).partition("--- Below")[0]),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_report_that_can_be_read_is_refused_as_such(content: bytes) -> None:
    assert refused(content) is DeliveryReportUnreadable


def test_a_report_without_the_mail_it_is_about_is_about_none_of_ours() -> None:
    for shape in (POSTFIX, EXIM_PLAIN, QMAIL):
        text = written(shape).replace("Message-ID: <6f", "X-Id: <6f")
        assert refused(on_the_wire(text)) is DeliveryReportForeign


@pytest.mark.clause("L9")
@pytest.mark.parametrize(
    "said",
    [
        "Hi. This is the mother of Ada.\n\n-- \nBo",
        "Hi. This is the qmail-send program at home.\n\n- is what I got.",
        f"Hi. This is the qmail-send program at home.\n\n--- Below\n\nRe: {OURS}",
        f"I got this:\n\n> This is a permanent error.\n\nReferences: {OURS}",
    ],
)
def test_what_a_person_answers_to_our_mail_is_never_taken_for_a_return(said: str) -> None:
    """A reply names our Message-ID, too; it is for a human to read."""
    head = f"From: {ADDRESS}\nIn-Reply-To: {OURS}\nReferences: {OURS}\n"
    for kind in ("", "Content-Type: text/plain\n", "Content-Type: multipart/alternative\n"):
        refused(on_the_wire(f"{head}{kind}\n{said}\n"))


VALID: Final = [on_the_wire(written(shape)) for shape in SHAPES.values()]


def harmless(content: bytes) -> None:
    """Whatever comes in is read or refused, within its time."""
    began = time.perf_counter()
    try:
        report = read_delivery_report(content)
    except (DeliveryReportUnreadable, DeliveryReportForeign):
        return
    finally:
        assert time.perf_counter() - began < SECONDS_MAX
    assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", report.status, re.ASCII)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000))
def test_random_bytes_are_refused_and_break_nothing(content: bytes) -> None:
    harmless(content)
    assert refused(content) is DeliveryReportUnreadable


LINES: Final = sorted({line for one in VALID for line in one.splitlines(keepends=True)})


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_reports_that_were_meddled_with_are_read_or_refused(data: st.DataObject) -> None:
    """Bytes exchanged, lines left out, doubled and taken from other reports."""
    lines = data.draw(st.sampled_from(VALID)).splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "foreign", "bytes", "many"])):
            case "drop":
                lines[at] = b""
            case "double":
                lines[at] *= 2
            case "foreign":
                lines[at] = data.draw(st.sampled_from(LINES))
            case "bytes":
                cut = data.draw(st.integers(0, len(lines[at])))
                lines[at] = lines[at][:cut] + data.draw(st.binary(max_size=9)) + lines[at][cut:]
            case _:
                lines[at] *= 300
    harmless(b"".join(lines))
