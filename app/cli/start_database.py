"""`python -m app.cli.start_database HOME`: starts our own database for a process that holds it.

A process of its own, since starting takes administrators' secrets and serving must not have them.
"""

import sys
from pathlib import Path

from app.store import embedded


def main() -> None:
    """Starts the database, or joins it, and gives it back: its other holder keeps it running."""
    embedded.start(Path(sys.argv[1])).stop()


if __name__ == "__main__":
    main()
