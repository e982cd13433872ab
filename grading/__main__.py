"""The instructor's commands: ``python -m grading <command>``."""

from __future__ import annotations

import argparse


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="derive the stubs and the catalogue of exercises")
    arguments = parser.parse_args()
    if arguments.command == "sync":
        from .sync import sync

        for path in sync():
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
