"""`pdledger mails report` as the pipe of a mail server calls it, against a running service."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cli.answers import ExitCode
from tests.cli.conftest import Call, prepared
from tests.cli.services import running
from tests.conftest import Database
from tests.propagation.reports import ADDRESS, POSTFIX, SAID, on_the_wire, returned, written

Settings = dict[str, str]
Pipe = Callable[[bytes], None]
EMAIL = "ada.exempel@stad.example"


@pytest.fixture
def aim(database: Database, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a command that speaks to a service with its workers."""
    settings = prepared(database, tmp_path)
    with running("serve", errors=tmp_path / "log", **settings) as started:
        yield settings | {"LEDGER_PORT": started.welcome["url"].rpartition(":")[2]}


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Pipe:
    """What stands on standard input."""

    def stand(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return stand


class Desk:
    """A human at the service: writes a letter, sends it by hand, and sees what came back."""

    def __init__(self, aim: Settings) -> None:
        key = (Path(aim["LEDGER_HOME"]) / "first-key").read_text().strip()
        self._headers = {"authorization": f"Bearer {key}", "purpose": "rights_requests"}
        self._url = f"http://127.0.0.1:{aim['LEDGER_PORT']}"

    def done(self, method: str, path: str, number: str = "", **sent: Any) -> httpx.Response:
        """One request that succeeds."""
        headers = {**self._headers, "idempotency-key": f"{path}{number}"}
        answer = httpx.request(method, self._url + path, headers=headers, timeout=30, **sent)
        assert answer.is_success, answer.text
        return answer

    def written(self) -> tuple[str, bytes]:
        """A letter that is queued: its path, and its bytes."""
        data = {"contact.name": "Ada", "contact.email": EMAIL}
        body = {
            "source": "member_organisation",
            "verification": "link",
            "obtained": [{"purpose": "network_exchange", "data": data}],
        }
        person = f"/v1/subjects/{self.done('POST', '/v1/subjects', json=body).json()['subject_id']}"
        posted = self.done("POST", f"{person}/notices/mail", json={"kind": "obtained"}).json()
        path = f"{person}/mails/{posted['mail']}"
        return path, self.done("GET", f"{path}/message").content

    def reasons(self) -> list[str]:
        """Why mails wait for a human."""
        items = self.done("GET", "/v1/mail-tasks").json()["items"]
        return [one["reason"] for one in items]


@pytest.mark.clause("C80", "L9")
def test_what_a_mail_server_pipes_in_is_recorded_once(
    call: Call, aim: Settings, pipe: Pipe, tmp_path: Path
) -> None:
    """Too early first, then delayed, given up, and read again with everything else in a folder."""
    desk = Desk(aim)
    path, raw = desk.written()
    delayed, bounced = returned(raw, action="delayed", status="4.4.1"), returned(raw)

    pipe(delayed)
    early = call("mails", "report", **aim)
    desk.done("POST", f"{path}/outcome", json={"outcome": "sent"})
    pipe(delayed)
    first = call("mails", "report", **aim)
    pipe(bounced + b"x" * 2_000_000)
    second = call("mails", "report", "--json", **aim)
    folder = tmp_path / "Maildir"
    folder.mkdir()
    names = ("1.delayed", "2.bounced", "3.letter", "4.other")
    letter = f"From: {ADDRESS}\n\n{SAID}".encode()
    for name, content in zip(
        names, (delayed, bounced, letter, on_the_wire(written(POSTFIX))), strict=True
    ):
        (folder / name).write_bytes(content)
    again = call("mails", "report", "--json", *(str(folder / name) for name in names), **aim)

    assert (early.exit_code, early.out) == (
        ExitCode.TRY_AGAIN,
        "standard input: mail-not-left, try again\n",
    )
    assert (first.exit_code, first.out) == (0, "standard input: delayed (4.4.1), recorded\n")
    assert (second.exit_code, second.document["reports"]) == (
        0,
        [
            {
                "message": "standard input",
                "status": "recorded",
                "outcome": "bounced",
                "status_code": "5.1.1",
            }
        ],
    )
    assert again.exit_code == ExitCode.NOT_IN_ORDER
    assert [(one["status"], one.get("problem")) for one in again.document["reports"]] == [
        ("unchanged", None),
        ("unchanged", None),
        ("refused", "delivery-report-unreadable"),
        ("refused", "delivery-report-foreign"),
    ]
    for ended in (early, first, second, again):
        assert ADDRESS not in ended.out + ended.error
        assert SAID not in ended.out + ended.error
    until = time.monotonic() + 20
    while desk.reasons() != ["returned"]:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_mail_server_keeps_what_cannot_be_handed_in(
    call: Call, pipe: Pipe, tmp_path: Path
) -> None:
    """No key, nobody there, a wrong setting: 75, and never a code that loses the message."""
    home = {"LEDGER_HOME": str(tmp_path), "LEDGER_PORT": "9"}
    pipe(b"")
    keyless = call("mails", "report", "--json", **home)
    (tmp_path / "first-key").write_text("pl_live_x")
    away = call("mails", "report", **home)
    wrong = call("mails", "report", **home | {"LEDGER_PORT": "x"})

    assert {keyless.exit_code, away.exit_code, wrong.exit_code} == {ExitCode.TRY_AGAIN}
    assert keyless.document["failed"]["code"] == "key-missing"
    assert "no answer from http://127.0.0.1:9" in away.error


def test_a_key_that_may_not_report_is_a_fault_of_the_installation(
    call: Call, aim: Settings, pipe: Pipe, tmp_path: Path
) -> None:
    (tmp_path / "other-key").write_text("pl_live_nobody")
    pipe(on_the_wire(written(POSTFIX)))

    ended = call("mails", "report", "--key-file", str(tmp_path / "other-key"), **aim)

    assert ended.exit_code == ExitCode.TRY_AGAIN
    assert "not-authenticated" in ended.out
