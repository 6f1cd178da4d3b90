"""What `pdledger` says about itself: every command, every option, every exit code."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.cli import COMMANDS, called
from app.cli.answers import ExitCode
from tests.cli.conftest import Call, run


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be called, by its words."""
    for name in COMMANDS:
        command = called(name)
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            yield from ((f"{name} {word}", one) for word, one in inner.items())


ALL = dict(commands())


def test_the_list_of_commands_names_every_command_and_every_exit_code() -> None:
    listed = run("--help")
    words = listed.out.split()

    assert listed.exit_code == 0
    assert set(COMMANDS) <= set(words)
    assert {f"{code.value}" for code in ExitCode} <= {word.strip(";.") for word in words}


@pytest.mark.parametrize("words", ALL)
def test_every_command_explains_itself_and_its_options(words: str) -> None:
    command = ALL[words]
    hidden = [parameter for parameter in command.params if getattr(parameter, "hidden", False)]

    assert len(command.help.split()) > 5
    assert all(parameter.help for parameter in command.params if parameter not in hidden)


@pytest.mark.parametrize("words", ALL)
def test_every_command_answers_programs_in_json(words: str) -> None:
    options = [option for parameter in ALL[words].params for option in parameter.opts]

    assert "--json" in options


def test_an_unknown_command_is_wrong_usage_and_the_nearest_is_named(call: Call) -> None:
    ended = call("clint")

    assert ended.exit_code == ExitCode.USAGE
    assert "client" in ended.error


def test_a_setting_that_cannot_be_used_is_named_without_its_value(call: Call) -> None:
    ended = call("client", "list", LEDGER_PORT="geheim")

    assert ended.exit_code == ExitCode.USAGE
    assert "LEDGER_PORT" in ended.error
    assert "geheim" not in ended.out + ended.error


def test_a_command_without_a_ledger_says_how_to_begin(call: Call, tmp_path: Any) -> None:
    ended = call("client", "list", "--json", LEDGER_HOME=str(tmp_path / "none"))

    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert ended.document["failed"]["code"] == "ledger-missing"
    assert not (tmp_path / "none").exists()
