"""A mail in a report is as the person read it; the source is in the JSON alone (Art. 12(1))."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from app.documents.access_words import Reader
from app.documents.blocks import Document, words_of
from app.documents.languages import language
from app.documents.letters import LetterKind, compose
from app.documents.sent_mails import mail_blocks, subject_of
from app.propagation.messages import Envelope, Sender, compose_message
from tests.documents.cases import letter

AT = datetime(2026, 11, 23, 8, 38, tzinfo=UTC)


def sent() -> str:
    """The source of a mail with a letter in Swedish."""
    envelope = Envelope(
        mail=UUID("6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10"),
        to="asa@stad.example",
        at=AT,
        objection=True,
        objection_address="info@impel.example",
    )
    written = compose(letter(LetterKind.ACKNOWLEDGEMENT), "sv")
    return compose_message(written, envelope, Sender(name="IMPEL", address="l@impel.example")).text


@pytest.mark.clause("L27", "L33")
def test_a_mail_is_shown_as_text_and_never_as_its_source() -> None:
    source = sent()
    held = [{"value": source, "recorded": {"at": AT.isoformat()}}]

    blocks = mail_blocks(held, Reader(language("sv")))

    document = Document(language="sv", title="Rapport", blocks=tuple(blocks))
    shown = "\n".join(words_of(document))
    assert str(subject_of(source)) in shown
    assert "Din rätt att göra invändningar" in shown
    assert "asa@stad.example" in shown
    for machine in ("=C3=", "Content-Type", "<html", "=_6f1c2f7e", "----", "===="):
        assert machine not in shown
        assert machine in source or machine in ("----", "====")


@pytest.mark.clause("L33")
@pytest.mark.parametrize(
    "text", [None, "", "Åsa", "Subject: meeting\n\nI wrote this myself.", "a\nMIME-Version: 1\n"]
)
def test_what_somebody_wrote_is_shown_as_it_is(text: str | None) -> None:
    assert subject_of(text) is None
    held = [{"value": text, "recorded": {"at": AT.isoformat()}}]
    assert mail_blocks(held, Reader(language("en"))) == []
