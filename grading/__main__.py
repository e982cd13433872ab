"""The instructor's commands: ``python -m grading <command>``."""

from __future__ import annotations

import argparse


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="derive the stubs and the catalogue of exercises")
    reference = commands.add_parser("reference", help="execute the chapters on the reference: solutions/NN_name.ipynb")
    reference.add_argument("chapters", nargs="*", help="for instance 03_forward; default: all")
    arguments = parser.parse_args()
    if arguments.command == "sync":
        from .sync import sync

        for path in sync():
            print(f"wrote {path}")
    elif arguments.command == "reference":
        from .reference import write_reference

        for path in write_reference(arguments.chapters):
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
