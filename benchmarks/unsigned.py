"""The service as `serve` runs it, without signatures of receipts: what those are held against.

It is composed here, and nowhere in the program: no setting gives a receipt without a signature.
"""

import sys
from typing import Any

from app import cli, main
from app.store.group_commit import GroupCommit


class UnsignedCommit(GroupCommit):
    """A group commit that is given no key of receipts."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "receipt_key": None})


if __name__ == "__main__":
    vars(main)["GroupCommit"] = UnsignedCommit  # a composition of its own
    sys.argv = ["pdledger", "serve", "--json"]
    cli.main()
