"""The instructor's commands: ``python -m grading <command>``."""

from __future__ import annotations

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="derive the stubs and the catalogue of exercises")
    commands.add_parser("student", help="write the student edition: a folder and a zip under build/")
    arguments = parser.parse_args()
    if arguments.command == "sync":
        from .sync import sync

        for path in sync():
            print(f"wrote {path}")
    if arguments.command == "student":
        from .student import write_student_edition

        try:
            print("\n".join(f"wrote {path}" for path in write_student_edition()))
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
