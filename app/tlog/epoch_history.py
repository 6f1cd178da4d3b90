"""Key epochs as the log tells of them, and whether an erasure says more of them than is true; pure.

The first epoch is there from the beginning. What was destroyed at a position was wrapped by epochs
that had been opened before it, and it is unreadable in backups once all of these are destroyed.
"""

from collections.abc import Mapping
from typing import Any, Final

STEPS: Final[Mapping[str, str | None]] = {
    "epoch.opened": None,
    "epoch.closed": "epoch.opened",
    "epoch.condemned": "epoch.closed",
    "epoch.destroyed": "epoch.condemned",
}
"""Event -> the one before it in the life of an epoch."""
STATES: Final = {
    "epoch.opened": "active",
    "epoch.closed": "draining",
    "epoch.condemned": "destroying",
    "epoch.destroyed": "destroyed",
}
CLASSES: Final = ("erasure.prepared", "erasure.executed", "erasure.assured")
"""The events by which the classes of an erasure go and are said to be gone."""


class EpochHistory:
    """The epochs up to some position of the log, entry by entry."""

    def __init__(self) -> None:
        self.opened: dict[int, int] = {1: -1}
        self.destroyed: dict[int, int] = {}
        self.last: dict[int, str] = {1: "epoch.opened"}
        self.giving_up = False
        """Whether somebody asked to give up keys that nothing opens, and it is not done yet."""

    def take(self, position: int, kind: str, epoch: int) -> bool:
        """The next event of the epochs; whether it may follow what there was."""
        if kind not in STEPS:  # who asked for an end or for more, and who approved it
            legal = self.last.get(epoch) == "epoch.closed"
            if kind in ("epoch.give-up-requested", "epoch.give-up-completed"):
                self.giving_up = legal and kind == "epoch.give-up-requested"
            return legal
        if kind == "epoch.opened":
            legal = epoch == max(self.opened) + 1 and not self._leaving()
            self.opened.setdefault(epoch, position)
        else:
            legal = self.last.get(epoch) == STEPS[kind]
            # A new one is opened before the former takes no more: there is always one in use.
            legal = legal and (kind != "epoch.closed" or epoch < max(self.opened))
        if kind == "epoch.condemned":
            self.giving_up = False
        if kind == "epoch.destroyed":
            self.destroyed[epoch] = position
        self.last[epoch] = kind
        return legal

    def restore(self, position: int, said: Mapping[str, Any]) -> bool:
        """A newer keyring brought its epochs; whether it may follow what there was."""
        former, opened = max(self.opened), said["opened"]
        legal = opened == list(range(former + 1, said["epoch"] + 1))
        legal = legal and said["epoch"] >= former and not (opened and self._leaving())
        if opened:
            self.last[former] = "epoch.closed"
        for one in opened:
            self.opened.setdefault(one, position)
            gone = one in said["destroyed"]
            if gone:
                self.destroyed[one] = position
            self.last[one] = "epoch.destroyed" if gone else "epoch.closed"
        self.last[said["epoch"]] = "epoch.opened"
        return legal and said["epoch"] not in said["destroyed"]

    def beyond_backups(self, position: int, before: int) -> bool:
        """Whether all epochs opened before a position were destroyed before another one."""
        lived = [epoch for epoch, opened in self.opened.items() if opened < position]
        return all(self.destroyed.get(epoch, before) < before for epoch in lived)

    def states(self) -> dict[int, str]:
        """Epoch -> its state, as its row must say."""
        return {epoch: STATES[kind] for epoch, kind in self.last.items()}

    def _leaving(self) -> bool:
        return any(kind in ("epoch.closed", "epoch.condemned") for kind in self.last.values())


class ErasedClasses:
    """Where the classes of the erasures of one stream were destroyed."""

    def __init__(self) -> None:
        self._prepared: dict[str, list[str]] = {}
        self._at: dict[tuple[str, str], int] = {}

    def take(self, position: int, kind: str, said: Mapping[str, Any], of: EpochHistory) -> bool:
        """The next event of an erasure; False where it says E3 of what is not beyond backups."""
        erasure = said["erasure"]
        if kind == "erasure.prepared":
            self._prepared[erasure] = said["erased"]
        elif kind == "erasure.executed":
            subject = said["step"] == "subject"
            gone = self._prepared.get(erasure, []) if subject else said["classes"]
            self._at |= {(erasure, name): position for name in gone}
        elif kind == "erasure.assured" and said["level"] == "e3":
            places = [self._at.get((erasure, name)) for name in said["classes"]]
            return all(at is not None and of.beyond_backups(at, position) for at in places)
        return True
