"""How far an import came is kept, without a word of what is in it."""

import stat
from pathlib import Path

import pytest

from app.cli.import_batches import Tally
from app.cli.import_progress import ProgressFile, Reached, key_named, key_of

START = Reached(1, 0)
SECRET = "Bearer pl_live_secret"


def reached() -> Reached:
    """An import in its middle."""
    tally = Tally()
    tally.count({"line": 7, "status": "refused", "problem": {"type": "/problems/validation"}})
    return Reached(8, 900, tally)


def test_an_import_is_taken_up_where_it_stood(tmp_path: Path) -> None:
    kept = ProgressFile(tmp_path / "imports", "ab" * 20)
    kept.write(reached())

    again = ProgressFile(tmp_path / "imports", "ab" * 20).read(START)
    [file] = (tmp_path / "imports").iterdir()
    mode = stat.S_IMODE(file.stat().st_mode)
    file.with_name(f".{file.name}.4711").write_text("killed as it was written")
    kept.forget()

    assert (again.line, again.end) == (8, 900)
    assert again.tally.document() == reached().tally.document()
    assert mode == 0o600
    assert kept.read(START) == START
    assert not list(file.parent.iterdir())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"line": 1}', "null", "\xff"])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / f"{'ab' * 20}.json").write_text(text, encoding="latin-1")

    assert ProgressFile(tmp_path, "ab" * 20).read(START) == START


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "imports").write_text("a file")
    kept = ProgressFile(tmp_path / "imports", "ab" * 20)

    kept.write(reached())
    kept.forget()

    assert kept.read(START) == START
    assert ProgressFile(None, "ab" * 20).read(START) == START


def test_the_key_tells_files_mappings_and_callers_apart(tmp_path: Path) -> None:
    """Nobody without the API key can guess towards the file by the name of what is kept."""
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"anna@stad.example")
    other.write_bytes(b"eva@stad.example")

    keys = {
        key_of(file, b"", SECRET),
        key_of(other, b"", SECRET),
        key_of(file, b"mapping", SECRET),
        key_of(file, b"", "Bearer another"),
        key_named("anna@stad.example", SECRET),
        key_named("spring", SECRET),
    }

    assert len(keys) == 6
    assert key_of(file, b"", SECRET) in keys
    assert {len(key) for key in keys} == {40}
