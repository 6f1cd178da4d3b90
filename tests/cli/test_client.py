"""`pdledger client`: keys are shown once, listed without their secret, and revoked for good."""

import hashlib

import pytest

from app.auth import Scope, parse_key
from app.cli.answers import ExitCode
from tests.cli.conftest import Call

Settings = dict[str, str]


def test_a_key_is_shown_once_and_stored_as_a_hash(call: Call, server: Settings) -> None:
    added = call(
        "client", "add", "registration form", "--scope", "subjects:write", "--json", **server
    ).document["client"]
    listed = call("client", "list", "--json", **server)
    parsed = parse_key(added["key"])

    assert parsed is not None
    assert parsed[0] == added["client_id"]
    assert added["key"] not in listed.out
    assert hashlib.sha256(added["key"].split("_")[3][:43].encode()).digest() == parsed[1]
    assert added["client_id"] in listed.out


def test_the_first_key_may_do_everything(call: Call, server: Settings) -> None:
    listed = call("client", "list", "--json", **server).document["clients"]
    [first] = [one for one in listed if one["name"] == "first key"]

    assert set(first["scopes"]) == {scope.value for scope in Scope}


def test_a_revoked_key_is_listed_as_such_and_cannot_be_revoked_again(
    call: Call, server: Settings
) -> None:
    added = call("client", "add", "leaving", "--scope", "subjects:read", "--json", **server)
    client_id = added.document["client"]["client_id"]
    revoked = call("client", "revoke", client_id, **server)
    again = call("client", "revoke", client_id, "--json", **server)
    listed = call("client", "list", "--json", **server).document["clients"]

    assert revoked.exit_code == 0
    assert again.exit_code == ExitCode.REFUSED
    assert again.document["failed"]["code"] == "client-unknown"
    assert [one["state"] for one in listed if one["client_id"] == client_id] == ["revoked"]


@pytest.mark.parametrize(
    "arguments",
    [("--scope", "everything"), (), ("--scope", "subjects:read", "--expires-days", "366")],
    ids=["unknown scope", "no scope", "longer than a year"],
)
def test_a_key_that_nobody_may_have_is_wrong_usage(
    call: Call, server: Settings, arguments: tuple[str, ...]
) -> None:
    assert call("client", "add", "tool", *arguments, **server).exit_code == ExitCode.USAGE


def test_a_key_is_bound_to_a_source_that_the_policy_names(call: Call, server: Settings) -> None:
    scope = ("--scope", "subjects:write", "--json")
    bound = call("client", "add", "newsletter", *scope, "--system", "Mailchimp", **server)
    unknown = call("client", "add", "other", *scope, "--system", "carrier pigeon", **server)

    assert bound.document["client"]["system"] == "mailchimp"
    assert unknown.exit_code == ExitCode.REFUSED
    assert unknown.document["failed"]["code"] == "system-unknown"
