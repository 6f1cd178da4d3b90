"""A table and its mapping from files: told in the operator's words what does not fit."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.cli.answers import CommandFailed
from app.cli.import_tables import mapped, mapping_invalid, read_mapping, told_flaws

MAPPING = """
ignore = ["Notes"]
source = "registration_form"
verification = "link"
[[obtained]]
purpose = "network_exchange"
[obtained.data]
"contact.name" = { column = "Name" }
"contact.email" = { column = "E-mail" }
"""
TABLE = "Name;E-mail;Notes\r\nAnna;anna@stad.example;x\r\n"


def document(text: str = MAPPING) -> dict[str, Any]:
    """A mapping as its file has it."""
    return tomllib.loads(text)


def failed_details(table: Path, mapping: dict[str, Any]) -> tuple[str, ...]:
    """Why the table does not fit."""
    with pytest.raises(CommandFailed) as failed:
        mapped(table, mapping, line_size_max=64_000)
    return failed.value.details or (str(failed.value),)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small table."""
    file = tmp_path / "people.csv"
    file.write_text("\ufeff" + TABLE, encoding="utf-8", newline="")
    return file


def test_toml_and_json_say_the_same(tmp_path: Path, table: Path) -> None:
    toml, plain = tmp_path / "m.toml", tmp_path / "m.json"
    toml.write_text(MAPPING)
    plain.write_text(json.dumps(document()))

    read = mapped(table, read_mapping(toml), line_size_max=64_000)

    assert read == mapped(table, read_mapping(plain), line_size_max=64_000)
    assert read.form.head == "\ufeffName;E-mail;Notes\n".encode()
    assert read.end == len("\ufeffName;E-mail;Notes\r\n".encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [("m.toml", "a ="), ("m.json", "{"), ("m.json", "[]"), ("m.json", '{"a": 1, "a": 2}')],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    with pytest.raises(CommandFailed) as failed:
        read_mapping(file)
    assert failed.value.code == "mapping-unreadable"


def test_a_mapping_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No such file"):
        read_mapping(tmp_path / "m.toml")


def test_what_does_not_fit_is_named(table: Path) -> None:
    missing = MAPPING.replace('"E-mail"', '"Mail"').replace('["Notes"]', "[]")

    assert failed_details(table, document(missing)) == (
        "column-missing: obtained[0].data.contact.email (column 'Mail')",
        "column-unmapped: column 2, 'E-mail'",
        "column-unmapped: column 3, 'Notes'",
    )
    assert failed_details(table, document('region = { column = "A", date = "%d" }')) == (
        "date-format: region (column 'A')",
    )


def test_what_the_policy_has_against_it_is_named_too(table: Path) -> None:
    read = mapped(table, document(), line_size_max=64_000)
    errors = [
        {"code": "category-unknown", "pointer": "/obtained/0/data/1"},
        {"code": "source-unknown", "pointer": "/source"},
    ]

    told = mapping_invalid(told_flaws(errors), read)

    assert told.details == (
        "category-unknown: obtained[0].data.contact.email (column 'E-mail')",
        "source-unknown: source",
    )


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "row is empty"),
        (b"\nName", "row is empty"),
        (b'"Name', "a quote"),
        (b"N\xe4me;E-mail", "not in UTF-8"),
        (TABLE.encode("utf-16"), "UTF-16"),
        (TABLE.lower().encode(), "none of the columns"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, content: bytes, flaw: str) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)

    [told] = failed_details(file, document())

    assert flaw in told
