"""`pdledger log verify-answer`: what it is given that is none of the answers it knows."""

from pathlib import Path

import pytest

from tests.cli.conftest import Call

CERTIFICATE = '{"certificate":"erasure","proof":%s}'


@pytest.mark.parametrize("content", ["", "[]", "7", '{"report":"portability"}', "{}"])
def test_what_is_no_answer_is_named(call: Call, tmp_path: Path, content: str) -> None:
    policy, file = tmp_path / "policy", tmp_path / "answer.json"
    policy.write_text("quorum none\n")
    file.write_text(content)

    done = call("log", "verify-answer", str(file), "--policy", str(policy), "--json")

    assert done.exit_code == 2
    assert done.document["failed"]["code"] in {"file-not-json", "answer-unknown"}


@pytest.mark.parametrize(
    "proof",
    [
        "null",
        "[]",
        '{"checkpoint":null,"entries":[]}',
        '{"checkpoint":"x","entries":[{"position":0,"entry":"x","path":null}]}',
        '{"checkpoint":null,"entries":[{"position":-1,"entry":"{}\\n[]\\n","path":[]}]}',
        '{"checkpoint":null,"entries":[{"position":0,"entry":"\\ud800","path":null}]}',
        '{"checkpoint":null,"entries":[{"position":0,"entry":"[[","path":["AA=="]}]}',
        '{"checkpoint":null,"entries":' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
    ids=range(8),
)
def test_a_proof_that_is_none_proves_nothing(call: Call, tmp_path: Path, proof: str) -> None:
    policy, file = tmp_path / "policy", tmp_path / "answer.json"
    policy.write_text("quorum none\n")
    file.write_text(CERTIFICATE % proof)

    done = call("log", "verify-answer", str(file), "--policy", str(policy), "--json")

    told = done.document
    assert done.exit_code == 1 or told["failed"]["code"] == "file-not-json"
    assert done.exit_code == 2 or not told["answer"]["proved"]
