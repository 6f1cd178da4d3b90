"""Messages about deliveries in the shapes that servers send them, about invented mails."""

import re
from collections.abc import Mapping
from typing import Final

MAIL: Final = "6f1c2f7e3a524d0e9a5e0d7a7a1c9b10"
OURS: Final = f"<{MAIL}@controller.example>"
ADDRESS: Final = "ada.exempel@stad.example"
SAID: Final = "the mailbox of Ada is on fire"
"""A diagnostic that must never be seen again."""

ORIGINAL: Final = """\
From: IMPEL <info@controller.example>
To: {address}
Subject: Your request
Date: Mon, 23 Nov 2026 10:00:00 +0000
Message-ID: {ours}
Auto-Submitted: auto-generated
"""

POSTFIX: Final = """\
Return-Path: <>
From: MAILER-DAEMON@relay.example (Mail Delivery System)
Subject: {subject}
To: info@controller.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4XyZ1.1764000000/relay.example"
Date: Mon, 23 Nov 2026 10:05:00 +0000 (UTC)
Message-Id: <20261123100500.4XyZ1@relay.example>

This is a MIME-encapsulated message.

--4XyZ1.1764000000/relay.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relay.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<{address}>: host mx.stad.example[192.0.2.7] said: {status} {said}

--4XyZ1.1764000000/relay.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
X-Postfix-Queue-ID: 4XyZ1
X-Postfix-Sender: rfc822; info@controller.example
Arrival-Date: Mon, 23 Nov 2026 10:00:01 +0000 (UTC)

Final-Recipient: rfc822; {address}
Original-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.stad.example
Diagnostic-Code: smtp; {said}

--4XyZ1.1764000000/relay.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <info@controller.example>
{original}
--4XyZ1.1764000000/relay.example--
"""

MICROSOFT: Final = """\
From: <postmaster@stad.example>
To: <info@controller.example>
Date: Mon, 23 Nov 2026 10:05:00 +0000
Content-Type: multipart/report; report-type=delivery-status;
	boundary="a1b2c3d4-5e6f-4a5b-8c7d-9e0f1a2b3c4d"
Content-Language: en-GB
Message-ID: <7e9d1f30-1111-4222-8333-444455556666@AM0PR01MB0001.eurprd01.prod.outlook.example>
In-Reply-To: {ours}
References: {ours}
Subject: Undeliverable: Your request
Auto-Submitted: auto-replied
X-MS-PublicTrafficType: Email

--a1b2c3d4-5e6f-4a5b-8c7d-9e0f1a2b3c4d
Content-Type: multipart/alternative; differences=Content-Type;
	boundary="b2c3d4e5-0000-4a5b-8c7d-9e0f1a2b3c4d"

--b2c3d4e5-0000-4a5b-8c7d-9e0f1a2b3c4d
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message to {address} couldn't be delivered. {said}=20

--b2c3d4e5-0000-4a5b-8c7d-9e0f1a2b3c4d
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><body><p>{said}</p></body></html>

--b2c3d4e5-0000-4a5b-8c7d-9e0f1a2b3c4d--

--a1b2c3d4-5e6f-4a5b-8c7d-9e0f1a2b3c4d
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0PR01MB0001.eurprd01.prod.outlook.example
Received-From-MTA: dns;relay.example
Arrival-Date: Mon, 23 Nov 2026 10:00:02 +0000

Final-Recipient: rfc822;{address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;550 {status} RESOLVER.ADR.RecipientNotFound; {said}
X-Display-Name: Ada Exempel

--a1b2c3d4-5e6f-4a5b-8c7d-9e0f1a2b3c4d
Content-Type: message/rfc822

Received: from relay.example (192.0.2.1) by mx.stad.example
 with Microsoft SMTP Server id 15.20.1; Mon, 23 Nov 2026 10:00:02 +0000
{original}Content-Type: text/plain

{said}

--a1b2c3d4-5e6f-4a5b-8c7d-9e0f1a2b3c4d--
"""

EXIM: Final = """\
Return-path: <>
Received: from Debian-exim by relay.example with local (Exim 4.96)
	id 1abcDE-000001-2F; Mon, 23 Nov 2026 10:05:00 +0000
X-Failed-Recipients: {address}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: info@controller.example
References: {ours}
Content-Type: multipart/report; report-type=delivery-status; boundary=1764000000-eximdsn-123
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1abcDE-000001-2F@relay.example>
Date: Mon, 23 Nov 2026 10:05:00 +0000

--1764000000-eximdsn-123
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {address}
    {said}

--1764000000-eximdsn-123
Content-type: message/delivery-status

Reporting-MTA: dns; relay.example

Action: {action}
Final-Recipient: rfc822;{address}
Status: {status}
Remote-MTA: dns; mx.stad.example
Diagnostic-Code: smtp; {said}

--1764000000-eximdsn-123
Content-type: message/rfc822

Return-path: <info@controller.example>
{original}

--1764000000-eximdsn-123--
"""

GMAIL: Final = """\
Return-Path: <>
X-Google-Smtp-Source: AGHT+IExample
Content-Type: multipart/report; boundary="000000000000f0e1d2060aexample";
	report-type=delivery-status
To: info@controller.example
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
From: Mail Delivery Subsystem <mailer-daemon@googlemail.example>
References: {ours}
In-Reply-To: {ours}
X-Failed-Recipients: {address}
Message-ID: <6743a1b2.050a0220.example.GMR@mx.google.example>
Date: Mon, 23 Nov 2026 02:05:00 -0800 (PST)

--000000000000f0e1d2060aexample
Content-Type: multipart/related; boundary="000000000000f0e1df060aexample"

--000000000000f0e1df060aexample
Content-Type: multipart/alternative; boundary="000000000000f0e1e6060aexample"

--000000000000f0e1e6060aexample
Content-Type: text/plain; charset="UTF-8"

** Address not found **

Your message wasn't delivered to {address}. {said}

--000000000000f0e1e6060aexample--
--000000000000f0e1df060aexample
Content-Type: image/png; name="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=
--000000000000f0e1df060aexample--
--000000000000f0e1d2060aexample
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.example
Received-From-MTA: dns; info@controller.example
Arrival-Date: Mon, 23 Nov 2026 02:00:03 -0800 (PST)
X-Original-Message-ID: {ours}

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.stad.example. (192.0.2.7, the server for the domain stad.example.)
Diagnostic-Code: smtp; 550-{status} {said}
 550 {status} {said}
Last-Attempt-Date: Mon, 23 Nov 2026 02:04:59 -0800 (PST)

--000000000000f0e1d2060aexample
Content-Type: message/rfc822

X-Received: by 2002:a05:6402:1 with SMTP id x; Mon, 23 Nov 2026 02:00:03 -0800
{original}
----- Message truncated -----

--000000000000f0e1d2060aexample--
"""

QMAIL: Final = """\
Return-Path: <>
Received: (qmail 4711 invoked for bounce); 23 Nov 2026 10:05:00 -0000
Date: 23 Nov 2026 10:05:00 -0000
From: MAILER-DAEMON@relay.example
To: info@controller.example
Subject: failure notice

Hi. This is the qmail-send program at relay.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{address}>:
192.0.2.7 does not like recipient.
Remote host said: 550 {said}
Giving up on 192.0.2.7. (#{status})

--- Below this line is a copy of the message.

Return-Path: <info@controller.example>
Received: (qmail 4710 invoked from network); 23 Nov 2026 10:00:01 -0000
{original}
{said}
"""

EXIM_PLAIN: Final = """\
X-Failed-Recipients: {address}
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: info@controller.example
Subject: Mail delivery failed: returning message to sender
Date: Mon, 23 Nov 2026 10:05:00 +0000

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {address}
    {said}

------ This is a copy of the message, including all the headers. ------
------ The body of the message is 70000 characters long; only the first
------ 10240 or so are included here.

Return-path: <info@controller.example>
{original}
{said}
"""

EXIM_WARNING: Final = """\
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: info@controller.example
References: {ours}
Subject: Warning: message 1abcDE-000001-2F delayed 24 hours
Date: Tue, 24 Nov 2026 10:05:00 +0000

This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on relay.example.

The message identifier is:     1abcDE-000001-2F
The subject of the message is: Your request

The address to which the message has not yet been delivered is:

  {address}
    Delay reason: {said}

No action is required on your part. Delivery attempts will continue for
some time, and this warning may be repeated at intervals if the message
remains undelivered. Eventually the mail delivery software will give up,
and when that happens, the message will be returned to you.
"""

MIME: Final[Mapping[str, str]] = {
    "Postfix": POSTFIX,
    "Microsoft": MICROSOFT,
    "Exim": EXIM,
    "Gmail": GMAIL,
}
"""Those that say by fields what became of the mail."""
SENTENCES: Final[Mapping[str, str]] = {
    "qmail": QMAIL,
    "Exim without MIME": EXIM_PLAIN,
    "Exim, a warning": EXIM_WARNING,
}
"""Those that say it in words."""


def written(
    shape: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    ours: str = OURS,
    original: str | None = None,
) -> str:
    """A message in one of the shapes; ``original`` is the header that it returns."""
    return shape.format(
        address=ADDRESS,
        ours=ours,
        original=original or ORIGINAL.format(address=ADDRESS, ours=ours),
        said=SAID,
        action=action,
        status=status,
        subject="Undelivered Mail Returned to Sender",
    )


def returned(raw: bytes, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    """What a server that has taken a message over tells of it in the end."""
    header, _, _ = raw.decode().replace("\r\n", "\n").partition("\n\n")
    dated = re.sub(r"(Date|Arrival-Date): .*\n", "", POSTFIX)
    return on_the_wire(written(dated, action=action, status=status, original=f"{header}\n"))


def on_the_wire(text: str) -> bytes:
    """As a server hands it over."""
    return text.replace("\n", "\r\n").encode()
