"""The instructor's commands: ``python -m grading <command>``."""

from __future__ import annotations

import argparse
import sys


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="derive the stubs and the catalogue of exercises")
    reference = commands.add_parser("reference", help="execute the chapters on the reference: solutions/NN_name.ipynb")
    reference.add_argument("chapters", nargs="*", help="for instance 03_forward; default: all")
    commands.add_parser("student", help="write the student edition: a folder and a zip under build/")
    arguments = parser.parse_args()
    try:
        paths = _run(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in paths:
        print(f"wrote {path}")
    return 0


def _run(arguments: argparse.Namespace) -> list:
    """Run a command; return the paths that it wrote."""
    if arguments.command == "sync":
        from .sync import sync

        return list(sync())
    if arguments.command == "reference":
        from .reference import write_reference

        return list(write_reference(arguments.chapters))
    from .student import write_student_edition

    return list(write_student_edition())


if __name__ == "__main__":
    sys.exit(main())
