"""``python -m ddpmlib``: the progress board; ``python -m ddpmlib check 3.2``: check one exercise."""

from __future__ import annotations

import argparse
import json
import os
import sys

from ddpmlib import board
from ddpmlib.checks.assess import assess


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ddpmlib", description="What is done, and what is left.")
    parser.add_argument("--json", action="store_true", help="print the board as JSON")
    commands = parser.add_subparsers(dest="command")
    check = commands.add_parser("check", help="check one or more exercises")
    check.add_argument("numbers", nargs="+", metavar="number", help="for instance 3.2")
    check.add_argument("--seed", type=int, help="use the cases of this seed (a failing check names its seed)")
    options = parser.parse_args(arguments)
    if options.command is None:
        found = board.rows()
        if options.json:
            print(json.dumps({"exercises": found, "total": board.summary(found)}, indent=1))
        else:
            print(board.text(found))
        return 0
    try:
        verdicts = [assess(number, seed=options.seed) for number in options.numbers]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n\n".join(verdict.report() for verdict in verdicts))
    return 0 if all(verdict.status == "done" for verdict in verdicts) else 1


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, "head" say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
