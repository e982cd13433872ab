"""The instructor's commands: ``python -m grading <command>``."""

from __future__ import annotations

import argparse


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="derive the stubs and the catalogue of exercises")
    assembling = commands.add_parser("assemble", help="write source/ for nbgrader: a notebook and a library for each chapter")
    assembling.add_argument("chapters", nargs="*", metavar="chapter", help="for instance 03_forward; all by default")
    assembling.add_argument("--stubs-for-earlier", action="store_const", const=True,
                            help="leave stubs in the place of earlier chapters' reference modules")
    arguments = parser.parse_args()
    if arguments.command == "sync":
        from .sync import sync

        for path in sync():
            print(f"wrote {path}")
    elif arguments.command == "assemble":
        from .assemble import assemble

        try:
            folders = assemble(arguments.chapters, stubs_for_earlier=arguments.stubs_for_earlier)
        except ValueError as error:
            parser.error(str(error))
        for path in folders:
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
