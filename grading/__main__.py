"""The instructor's commands: ``python -m grading <command>``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sync", help="derive the stubs and the catalogue of exercises")
    reference = commands.add_parser("reference", help="execute the chapters on the reference: solutions/NN_name.ipynb")
    reference.add_argument("chapters", nargs="*", metavar="chapter", help="for instance 03_forward; all by default")
    assembling = commands.add_parser("assemble", help="write source/ for nbgrader: a notebook and a library for each chapter")
    assembling.add_argument("chapters", nargs="*", metavar="chapter", help="for instance 03_forward; all by default")
    assembling.add_argument("--stubs-for-earlier", action="store_const", const=True,
                            help="leave stubs in the place of earlier chapters' reference modules")
    claims = commands.add_parser("claims", help="list the numbers of the prose that nothing ties to a source, and rows of claims.yml that are stale or wrong")
    claims.add_argument("pages", nargs="*", metavar="page", help="for instance 03_forward; all by default")
    claims.add_argument("--ties", action="store_true", help="list every number, with what ties it")
    commands.add_parser("picture", help="draw the README's picture")
    commands.add_parser("student", help="write the student edition: a folder and a zip under build/")
    grading = commands.add_parser("autograde", help="grade a class: python -m grading autograde 03_forward")
    grading.add_argument("chapter", help="for instance 03_forward")
    grading.add_argument("--students", nargs="+", default=[], metavar="student", help="grade these only")
    grading.add_argument("--exercise", nargs="+", default=[], metavar="number", help="grade these exercises again; other verdicts stay")
    grading.add_argument("--workers", type=int, help="how many submissions at the same time; one a core by default")
    grading.add_argument("--scheduler", metavar="tcp://host:port", help="a Dask cluster that grades, in the place of this machine")
    grading.add_argument("--force", action="store_true", help="grade also what is graded already")
    grading.add_argument("--new-seeds", action="store_true", help="where a submission is graded again, draw new cases")
    grading.add_argument("--figures", action="store_true", help="also run the notebook's other cells, except those tagged `long`")
    grading.add_argument("--no-sandbox", dest="sandbox", action="store_false",
                         help="run students' code unprotected, in your own account")
    report = commands.add_parser("report", help="how a graded class did: a page with the most common mistakes, reports/03_forward.html")
    report.add_argument("chapter", help="for instance 03_forward")
    report.add_argument("--names", action="store_true", help="name the students")
    report.add_argument("--to", type=Path, metavar="page.html", help="write the page there")
    sandbox = commands.add_parser("sandbox", help="say whether students' code can be run safely here")
    sandbox.add_argument("--install", action="store_true", help="install bubblewrap where it is missing (as root, with apt)")
    arguments = parser.parse_args()
    if arguments.command == "sandbox":
        return _sandbox(arguments.install)
    if arguments.command == "claims":
        return _claims(arguments.pages, arguments.ties)
    if arguments.command == "autograde":
        from .worker import skip_slow_import

        skip_slow_import()
        from .classes import run

        try:
            return run(arguments)
        except (ValueError, OSError) as error:
            print(error, file=sys.stderr)
            return 2
    try:
        paths = _run(arguments)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in paths:
        print(f"wrote {path}")
    return 0


def _sandbox(install_it: bool) -> int:
    """Start a sandbox for the first chapter's assignment and say how that went."""
    import tempfile

    from .assemble import assemble
    from .sandbox import Sandbox, SandboxUnavailable, install
    from .sources import chapter_paths

    if install_it:
        install()
    with tempfile.TemporaryDirectory() as folder:
        try:
            with Sandbox(assemble([chapter_paths()[0].stem], target=Path(folder))[0]) as sandbox:
                sandbox.start()
        except SandboxUnavailable as error:
            print(error, file=sys.stderr)
            return 1
    print(f"sandbox: {sandbox.name} keeps students' code apart from this machine")
    return 0


def _claims(names: list[str], ties: bool) -> int:
    """Print what is untied, stale or wrong, page by page; 1 if anything is."""
    import os

    os.environ["DDPMLIB_REFERENCE"] = "1"  # expressions of the claims file use the reference
    from book import claims

    known = {path.stem: path for path in claims.pages()}
    if unknown := sorted(set(names) - set(known)):
        print(f"there is no page {', '.join(unknown)}", file=sys.stderr)
        return 2
    chosen = [known[name] for name in names or known]
    if ties:
        for path in chosen:
            for passage, number, tied in claims.all_ties(path):
                print(f"{path.stem}: {number.text} in the {passage.kind}: {tied or 'UNTIED'}")
    found = claims.examine(chosen)
    for finding in found:
        print(finding)
    print(f"{len(found)} to put right on {len(chosen)} pages")
    return 1 if found else 0


def _run(arguments: argparse.Namespace) -> list[Path]:
    """Run a command; return the paths that it wrote. The tools are imported late: each needs other libraries."""
    match arguments.command:
        case "sync":
            from .sync import sync

            return sync()
        case "reference":
            from .reference import write_reference

            return write_reference(arguments.chapters)
        case "assemble":
            from .assemble import assemble

            return assemble(arguments.chapters, stubs_for_earlier=arguments.stubs_for_earlier)
        case "report":
            from .report import write_report

            return [write_report(arguments.chapter, names=arguments.names, target=arguments.to)]
        case "picture":
            from .picture import write_picture

            return [write_picture()]
        case _:
            from .student import write_student_edition

            return list(write_student_edition())


if __name__ == "__main__":
    sys.exit(main())
