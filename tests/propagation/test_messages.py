"""A letter as a message: the same bytes each time, whole in every reader, and nothing personal."""

from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest

from app.documents.letters import Letter, LetterKind, RenderedLetter, compose
from app.propagation.messages import Envelope, Message, Sender, compose_message, wire_address
from app.propagation.public_texts import languages, preferred, said
from tests.spec import LAW, NOW, POLICY

MAIL = UUID("6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10")
TO = "asa.oberg@forvaltning.example"
SENDER = Sender(name="IMPEL", address="info@impel.example")
LINK = "https://ledger.example/unsubscribe/abc"


def letter(language: str = "sv") -> RenderedLetter:
    """The question whether a sign-up was meant."""
    made = Letter(
        kind=LetterKind.CONSENT_CONFIRMATION,
        controller=POLICY.controller,
        authority=LAW.authority,
        on=NOW.date(),
        purpose="Sending the newsletter",
        wording="Ja, skicka mig nyhetsbrevet: å ß ğ Ω ж ő.",
        link="https://ledger.example/confirm/xyz",
        link_until=date(2026, 11, 29),
        policy="impel-1",
    )
    return compose(made, language)


def composed(to: str = TO, **more: Any) -> Message:
    """A message to somebody."""
    facts = {"objection": True, "objection_address": "info@impel.eu", **more}
    envelope = Envelope(mail=MAIL, to=to, at=datetime(2026, 11, 22, 12, tzinfo=UTC), **facts)
    return compose_message(letter(), envelope, SENDER)


def read(message: Message) -> EmailMessage:
    """As a mail program reads it."""
    parsed = message_from_bytes(message.text.encode(), policy=SMTPUTF8)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_the_same_letter_is_the_same_message() -> None:
    assert composed(attached=True) == composed(attached=True)
    assert composed(attached=True).text.isascii()
    assert TO not in repr(composed())


def test_the_header_says_who_when_and_that_no_robot_should_answer() -> None:
    parsed = read(composed())

    assert parsed["From"] == "IMPEL <info@impel.example>"
    assert parsed["To"] == TO
    assert parsed["Message-ID"] == f"<{MAIL.hex}@impel.example>"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Content-Language"] == "sv"
    assert parsedate_to_datetime(parsed["Date"]) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert parsed["Subject"] == letter().subject
    personal = [name for name, value in parsed.items() if TO.partition("@")[0] in value]
    assert personal == ["To"]


def test_both_forms_say_the_same_and_the_letter_is_enclosed() -> None:
    parsed = read(composed(attached=True))
    body, other = parsed.get_body(("plain",)), parsed.get_body(("html",))
    [enclosed] = parsed.iter_attachments()

    assert body is not None
    assert other is not None
    for part in (body, other):
        assert "å ß ğ Ω ж ő" in part.get_content()
        assert "https://ledger.example/confirm/xyz" in part.get_content()
    assert 'lang="sv"' in other.get_content()
    assert enclosed.get_filename() == "consent-confirmation.pdf"
    assert enclosed.get_content().startswith(b"%PDF-")


@pytest.mark.clause("C73")
def test_a_mailing_ends_with_one_click_and_a_letter_has_nothing_to_end() -> None:
    """RFC 2369 and 8058: the header for programs, and the same link for people."""
    mailing, plain = read(composed(unsubscribe=LINK)), read(composed())
    body = mailing.get_body(("plain",))

    assert mailing["List-Unsubscribe"] == f"<{LINK}>"
    assert mailing["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert body is not None
    assert LINK in body.get_content()
    assert "List-Unsubscribe" not in plain


@pytest.mark.clause("L45")
def test_the_right_to_object_stands_on_its_own() -> None:
    told, silent = composed(), composed(objection=False)
    body = read(told).get_body(("html",))
    assert body is not None
    html = body.get_content()
    title = said("sv")["objection_title"]

    assert told.objection is not None
    assert silent.objection is None
    assert f"<h2>{title}</h2>" in html
    assert html.index(title) > html.index("https://ledger.example/confirm/xyz")
    assert '<p class="strong">' in html[html.index(title) :]
    assert title not in silent.text


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("asa@stad.example", "asa@stad.example"),
        ("asa@förvaltning.example", "asa@xn--frvaltning-ecb.example"),
        ("åsa@förvaltning.example", "åsa@förvaltning.example"),
    ],
)
def test_a_domain_in_other_letters_is_written_in_ascii_where_that_helps(
    address: str, wire: str
) -> None:
    assert wire_address(address) == wire
    assert wire in read(composed(to=wire))["To"]


def test_nothing_can_be_smuggled_into_the_header() -> None:
    with pytest.raises(ValueError, match="CR or LF"):
        composed(to="asa@stad.example\r\nBcc: eve@evil.example")


@pytest.mark.clause("L27")
def test_every_language_has_every_text() -> None:
    source = said("en")
    assert languages() == ("en", "sv", "fr", "nl")
    for language in languages():
        texts = said(language)
        assert texts.keys() == source.keys()
        for key, text in texts.items():
            assert text.count("{") == source[key].count("{"), (language, key)
            assert text.strip()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de-DE,de;q=0.9", "en"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("de, fr;q=0.5, nl;q=0.7", "nl"),
        ("fr;q=bad,en;q=0.5", "fr"),
        ("*", "en"),
    ],
)
def test_a_browser_is_answered_in_its_language(accepted: str, language: str) -> None:
    assert preferred(accepted) == language
