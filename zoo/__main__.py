"""`python -m zoo`: the command line."""

from zoo.cli import entry

if __name__ == "__main__":
    entry()
