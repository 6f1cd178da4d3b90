"""`python -m app.cli`: the same as the console script `pdledger`."""

from app.cli import main

if __name__ == "__main__":
    main()
