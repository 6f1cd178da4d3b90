"""What the log may say of key epochs, and what an erasure may say of them."""

from typing import Any

import pytest

from app.tlog.epoch_history import EpochHistory, ErasedClasses

TURN = (("opened", 2), ("closed", 1))
END = (("condemned", 1), ("destroyed", 1))


def told(*steps: tuple[str, int]) -> tuple[EpochHistory, list[bool]]:
    """The history after steps at positions 100, 110, 120 …, and whether each was legal."""
    history = EpochHistory()
    legal = [
        history.take(100 + 10 * number, f"epoch.{kind}", epoch)
        for number, (kind, epoch) in enumerate(steps)
    ]
    return history, legal


def test_a_life_of_epochs_is_legal_step_by_step() -> None:
    asked = (("end-requested", 1), ("end-approved", 1))
    lost = [("give-up-requested", 1), ("register-key-abandoned", 1), ("give-up-completed", 1)]
    history, legal = told(*TURN, *lost, *asked, *END, ("opened", 3), ("closed", 2))
    assert all(legal)
    assert history.states() == {1: "destroyed", 2: "draining", 3: "active"}


def test_keys_are_given_up_from_the_request_until_it_is_done_or_the_epoch_ends() -> None:
    asked, done = ("give-up-requested", 1), ("give-up-completed", 1)
    assert told(*TURN, asked)[0].giving_up
    for steps in ([*TURN], [*TURN, asked, done], [*TURN, asked, *END], [asked]):
        assert not told(*steps)[0].giving_up


@pytest.mark.parametrize(
    "steps",
    [
        [("closed", 1)],
        [("opened", 1)],
        [("opened", 3)],
        [*TURN, ("opened", 3)],
        [*TURN, ("closed", 2)],
        [*TURN, ("destroyed", 1)],
        [*TURN, *END, ("destroyed", 1)],
        [*TURN, *END, ("end-requested", 1)],
        [("end-approved", 1)],
        [*TURN, *END, ("give-up-requested", 1)],
        [("give-up-approved", 1)],
        [("condemned", 7)],
    ],
)
def test_a_step_that_may_not_be_is_seen(steps: list[tuple[str, int]]) -> None:
    _, legal = told(*steps)
    assert legal[-1] is False
    assert all(legal[:-1])


def said(level: str, *, at: int, gone_at: int, name: str = "a") -> bool:
    """Whether an erasure may say of a class at a position what it does."""
    history, _ = told(*TURN, *END)
    of = ErasedClasses()
    prepared: dict[str, Any] = {"erasure": "one", "erased": ["a"]}
    assert of.take(gone_at - 1, "erasure.prepared", prepared, history)
    executed = {"erasure": "one", "step": "subject", "classes": []}
    assert of.take(gone_at, "erasure.executed", executed, history)
    assured = {"erasure": "one", "level": level, "classes": [name]}
    return of.take(at, "erasure.assured", assured, history)


def test_e3_is_true_when_every_epoch_from_before_is_destroyed() -> None:
    """The second opens at 100, and the first is destroyed at 130."""
    assert said("e3", at=131, gone_at=50)
    assert said("e2", at=101, gone_at=105)
    assert not said("e3", at=130, gone_at=50), "it was said before it was so"
    assert not said("e3", at=131, gone_at=105), "the second had begun, and is there"
    assert not said("e3", at=131, gone_at=50, name="b"), "that was never destroyed"


RESTORED: dict[str, Any] = {"epoch": 4, "opened": [2, 3, 4], "destroyed": [1, 2]}


def test_a_keyring_brings_epochs_that_follow_and_what_was_destroyed_ends_by_itself() -> None:
    history, _ = told()
    assert history.restore(100, RESTORED)
    assert history.states() == {1: "draining", 2: "destroyed", 3: "draining", 4: "active"}
    assert not history.beyond_backups(50, 120)
    assert history.take(110, "epoch.condemned", 1)
    assert history.take(120, "epoch.destroyed", 1)
    assert history.beyond_backups(50, 121)
    assert not history.beyond_backups(150, 200), "the fourth had begun, and is there"
    assert history.restore(130, {"epoch": 4, "opened": [], "destroyed": [1, 2]})


@pytest.mark.parametrize(
    "changed",
    [
        {"opened": [3, 4]},
        {"opened": [2, 3]},
        {"epoch": 0, "opened": []},
        {"destroyed": [1, 4]},
    ],
)
def test_a_keyring_that_cannot_be_is_seen(changed: dict[str, Any]) -> None:
    assert not told()[0].restore(100, RESTORED | changed)
    assert not told(*TURN)[0].restore(200, {"epoch": 3, "opened": [3], "destroyed": [1]})
