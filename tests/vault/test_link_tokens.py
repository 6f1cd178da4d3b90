"""Tokens of links: what one says is read from exactly the bytes that were handed out (S12)."""

from string import ascii_letters, digits
from uuid import UUID

import pytest

from app.vault.link_tokens import Link, LinkKind, LinkTokens

TOKENS = LinkTokens(b"k" * 32)
STREAM = UUID("9d3c6c8e-5f1b-4c57-9f5e-2f1d0c6a7b10")
CHARACTERS = f"{ascii_letters}{digits}-_"


@pytest.mark.clause("L27")
@pytest.mark.parametrize("about", ["", "n", "ne", "newsletter"])
def test_a_link_has_one_token_and_no_other_character_of_it_leads_anywhere(about: str) -> None:
    """Not even where the last character has bits that mean nothing."""
    link = Link(next(iter(LinkKind)), STREAM, 3, about)
    token = TOKENS.token(link)

    assert TOKENS.link(token) == link
    for place, was in enumerate(token):
        for other in CHARACTERS:
            if other != was:
                assert TOKENS.link(token[:place] + other + token[place + 1 :]) is None
    for altered in (token + "=", token + "A", token[:-1], " " + token, ""):
        assert TOKENS.link(altered) is None
