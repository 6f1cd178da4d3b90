"""A policy text keeps its bytes, and is read without what strayed into it."""

import hashlib

import pytest

from app.policy.text import BlockKind, PolicyDocument, TextUnreadable

TEXT = """\
Heading

 1. What
 2. Why

1.What we hold:

 • One
 • .
 •
 * Two
   goes on here
   and here

Plain line
with a second one

.

2. Why we do

*A footnote, i.e. this. It has two sentences: The second ends here. 3 apples, e.g. red ones.
See https://vendor.example/policy/.
"""
FOOTNOTE = TEXT[TEXT.index("*A footnote") :].rstrip()


def document(text: str) -> PolicyDocument:
    """A document of some text."""
    return PolicyDocument(text.encode())


@pytest.mark.clause("C28", "C77")
def test_the_bytes_and_their_hash_are_untouched() -> None:
    raw = "\ufeffEn rad\r\n • .\r\n".encode()

    assert PolicyDocument(raw).raw == raw
    assert PolicyDocument(raw).sha256 == hashlib.sha256(raw).hexdigest()


def test_lines_become_blocks_in_sections() -> None:
    read = [
        (block.kind.value, block.text, block.first_line, block.last_line, block.section)
        for block in document(TEXT).blocks
    ]

    assert read == [
        ("paragraph", "Heading", 1, 1, 0),
        ("numbered", "What", 3, 3, 0),
        ("numbered", "Why", 4, 4, 0),
        ("heading", "What we hold:", 6, 6, 1),
        ("bullet", "One", 8, 8, 1),
        ("bullet", ".", 9, 9, 1),
        ("bullet", "", 10, 10, 1),
        ("bullet", "Two\ngoes on here\nand here", 11, 13, 1),
        ("paragraph", "Plain line\nwith a second one", 15, 16, 1),
        ("paragraph", ".", 18, 18, 1),
        ("heading", "Why we do", 20, 20, 2),
        (
            "paragraph",
            FOOTNOTE,
            22,
            23,
            2,
        ),
    ]


def test_a_block_knows_all_its_lines() -> None:
    assert document("one\ntwo\nthree\n\nfour\n").blocks[0].lines == (1, 2, 3)
    assert document("one\ntwo\nthree\n\nfour\n").blocks[1].lines == (5,)


@pytest.mark.clause("C28", "PL01")
def test_bullets_without_a_word_are_left_out() -> None:
    bullets = [one for one in document(TEXT).blocks if one.kind is BlockKind.BULLET]
    assert [one.text for one in bullets if one.has_word and one.section == 1] == [
        "One",
        "Two\ngoes on here\nand here",
    ]
    assert not [one for one in bullets if one.has_word and one.section == 2]


def test_sentences_end_before_a_capital_and_know_their_line() -> None:
    (block,) = [
        block
        for block in document(TEXT).blocks
        if block.section == 2 and block.kind is BlockKind.PARAGRAPH
    ]

    assert [(sentence.text, sentence.line) for sentence in block.sentences] == [
        ("*A footnote, i.e. this.", 22),
        ("It has two sentences:", 22),
        ("The second ends here. 3 apples, e.g. red ones.", 22),
        ("See https://vendor.example/policy/.", 23),
    ]
    assert {sentence.block for sentence in block.sentences} == {block}


@pytest.mark.clause("C57", "PL10")
@pytest.mark.parametrize("behind", ["", ".", "\n\n.\n", ").", "\u2019", "?", ", ", "\n"])
def test_an_address_is_read_without_what_strayed_behind_it(behind: str) -> None:
    text = f"See https://vendor.example/privacy-policy/{behind}"

    assert document(text).addresses == ("https://vendor.example/privacy-policy/",)


def test_a_text_with_windows_line_ends_reads_the_same() -> None:
    windows = document(TEXT.replace("\n", "\r\n"))

    assert windows.blocks == document(TEXT).blocks
    assert windows.sha256 != document(TEXT).sha256


def test_a_number_out_of_turn_opens_no_section() -> None:
    blocks = document("1. One\n\n5. Five\n\n2. Two\n").blocks

    assert [(block.kind.value, block.section) for block in blocks] == [
        ("heading", 1),
        ("numbered", 1),
        ("heading", 2),
    ]


def test_what_is_not_utf_8_is_refused_and_not_repeated() -> None:
    with pytest.raises(TextUnreadable, match=r"^the text is not UTF-8$"):
        _ = PolicyDocument(b"caf\xe9").blocks


def test_what_follows_a_numbered_line_is_a_paragraph_of_its_own() -> None:
    blocks = document("1. One\nwords\nmore words\n\nothers\n").blocks

    assert [(block.kind.value, block.text) for block in blocks] == [
        ("heading", "One"),
        ("paragraph", "words\nmore words"),
        ("paragraph", "others"),
    ]


def test_a_line_loses_its_windows_end_and_no_letter_of_its_own() -> None:
    [block] = document("What we call user_\r\n").blocks
    assert block.text == "What we call user_"
