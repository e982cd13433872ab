"""What is handed in is not what it should be: links, pipes, damaged notebooks, wrong names, too much of everything."""

import json
import os
import shutil
import socket

from hostile import ALL, CHAPTER, FORWARD, NEIGHBOUR, hostile, notebook

MODULE = "ddpmlib/forward.py"


def _json(folder) -> dict:
    return json.loads(notebook(folder).read_text(encoding="utf-8"))


def _write(folder, value) -> None:
    notebook(folder).write_text(json.dumps(value), encoding="utf-8")


def _graded(cells: list) -> list:
    return [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("grade")]


def _link(folder, name: str, target) -> None:
    (folder / name).unlink(missing_ok=True)
    os.symlink(target, folder / name)


# links and what is no file

@hostile(finds="symbolic link", human=True)
def notebook_is_a_link_to_the_neighbours(folder, world):
    _link(folder, f"{CHAPTER}.ipynb", world.course / "submitted" / NEIGHBOUR / CHAPTER / f"{CHAPTER}.ipynb")


@hostile(lost=FORWARD, finds="symbolic link", human=True)
def module_is_a_link_to_the_neighbours(folder, world):
    _link(folder, MODULE, world.course / "submitted" / NEIGHBOUR / CHAPTER / MODULE)


@hostile(lost=FORWARD, finds="symbolic link", human=True)
def module_is_a_link_to_the_solution(folder, world):
    _link(folder, MODULE, world.course / "solutions" / MODULE)


@hostile(lost=FORWARD, finds="symbolic link", human=True)
def module_is_a_link_to_the_gradebook(folder, world):
    _link(folder, MODULE, world.course / "gradebook.db")


@hostile(lost=FORWARD, finds="symbolic link", human=True)
def module_is_a_relative_link(folder, world):
    _link(folder, MODULE, f"../../../{NEIGHBOUR}/{CHAPTER}/{MODULE}")


@hostile(lost=FORWARD, finds="belongs to somebody else", human=True, needs_root=True)
def module_is_a_hard_link_to_the_neighbours(folder, world):
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, 12_345, 12_345)  # as in an exchange, where each student is a user
    (folder / MODULE).unlink()
    os.link(world.course / "submitted" / NEIGHBOUR / CHAPTER / MODULE, folder / MODULE)


@hostile(lost=ALL, finds="symbolic link", human=True)
def library_is_a_link(folder, world):
    shutil.rmtree(folder / "ddpmlib")
    _link(folder, "ddpmlib", world.course / "solutions" / "ddpmlib")


@hostile(lost=ALL, finds="symbolic link", human=True)
def submission_is_a_link(folder, world):
    shutil.rmtree(folder)
    os.symlink(world.course / "submitted" / NEIGHBOUR / CHAPTER, folder)


@hostile(lost=ALL, finds="is no folder", human=True)
def submission_is_a_file(folder, world):
    shutil.rmtree(folder)
    folder.write_text("my homework")


@hostile(finds="time of handing in", human=True)
def timestamp_is_a_link(folder, world):
    _link(folder, "timestamp.txt", world.outside / "secret.txt")


@hostile(lost=FORWARD, finds="named pipe", human=True)
def module_is_a_pipe(folder, world):
    (folder / MODULE).unlink()
    os.mkfifo(folder / MODULE)


@hostile(finds="named pipe", human=True)
def notebook_is_a_pipe(folder, world):
    notebook(folder).unlink()
    os.mkfifo(notebook(folder))


@hostile(finds="named pipe")
def brings_a_pipe(folder, world):
    os.mkfifo(folder / "notes.txt")


@hostile(lost=FORWARD, finds="socket", human=True)
def module_is_a_socket(folder, world):
    (folder / MODULE).unlink()
    before = os.getcwd()
    os.chdir(folder / "ddpmlib")  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.bind("forward.py")
    finally:
        os.chdir(before)


@hostile(lost=FORWARD, finds="device", human=True, needs_root=True)
def module_is_a_device(folder, world):
    (folder / MODULE).unlink()
    os.mknod(folder / MODULE, 0o20666, os.makedev(1, 5))  # /dev/zero: it never ends


@hostile(lost=FORWARD, finds="was not handed in", human=True)
def module_is_a_folder(folder, world):
    (folder / MODULE).unlink()
    (folder / MODULE).mkdir()
    (folder / MODULE / "__init__.py").write_text("raise SystemExit")


# too much of everything

@hostile(finds="too large", human=True)
def notebook_of_a_gigabyte(folder, world):
    os.truncate(notebook(folder), 1 << 30)


@hostile(lost=FORWARD, finds="too large", human=True)
def module_of_a_gigabyte(folder, world):
    os.truncate(folder / MODULE, 1 << 30)


@hostile(finds="no part of the assignment")
def brings_a_gigabyte(folder, world):
    with open(folder / "data.bin", "wb") as stream:
        stream.truncate(1 << 30)


@hostile()
def notebook_with_huge_outputs(folder, world):
    nb = _json(folder)
    code = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    code[3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (12 << 20)}]
    code[4]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"text/html": "<script>alert(1)</script>" * 1000}}]
    _write(folder, nb)


@hostile(finds="more than 2000000 values", human=True)
def notebook_of_many_values(folder, world):
    notebook(folder).write_text('{"nbformat": 4, "cells": [' + "{}," * 2_100_000 + "{}]}")


@hostile(finds="nested too deeply", human=True)
def notebook_nested_deeply(folder, world):
    notebook(folder).write_text('{"nbformat": 4, "cells": ' + "[" * 200_000 + "]" * 200_000 + "}")


@hostile(finds="no part of the assignment")
def brings_thousands_of_files(folder, world):
    (folder / "many").mkdir()
    for number in range(6_000):
        (folder / "many" / f"{number}.txt").touch()


@hostile(finds="folders deep")
def brings_deep_folders(folder, world):
    deep = folder
    for _ in range(60):
        deep = deep / "deeper"
    deep.mkdir(parents=True)
    (deep / "file.txt").touch()


# damaged notebooks

@hostile(finds="cannot be read as JSON", human=True)
def notebook_cut_short(folder, world):
    text = notebook(folder).read_text(encoding="utf-8")
    notebook(folder).write_text(text[: len(text) // 2], encoding="utf-8")


@hostile(finds="cannot be read as JSON", human=True)
def notebook_is_empty(folder, world):
    notebook(folder).write_text("")


@hostile(finds="not UTF-8", human=True)
def notebook_is_garbage(folder, world):
    notebook(folder).write_bytes(bytes(range(256)) * 100)


@hostile(finds="is no notebook", human=True)
def notebook_is_a_list(folder, world):
    _write(folder, [1, 2, 3])


@hostile(finds="damaged cell")
def notebook_with_damaged_cells(folder, world):
    nb = _json(folder)
    nb["cells"][5:5] = [None, 7, {"cell_type": "code"}, {"cell_type": ["code"], "source": "x"}, {"cell_type": "raw", "source": {"a": 1}}]
    nb["cells"][0]["metadata"] = "none"
    nb["metadata"] = {"kernelspec": {"name": "../../evil", "display_name": 7}, "language_info": []}
    _write(folder, nb)


@hostile(finds="format 2", human=True)
def notebook_of_version_2(folder, world):
    _write(folder, {"nbformat": 2, "worksheets": []})


@hostile(finds="format 5", human=True)
def notebook_of_version_5(folder, world):
    _write(folder, _json(folder) | {"nbformat": 5})


@hostile(finds="nbformat 3")
def notebook_of_version_3(folder, world):
    cells = _json(folder)["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
            cell |= {"language": "python", "collapsed": False, "outputs": [], "prompt_number": 1}
    cells.insert(0, {"cell_type": "heading", "level": 2, "source": "My work", "metadata": {}})
    _write(folder, {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells, "metadata": {}}]})


@hostile(finds="locks were changed")
def metadata_of_a_future_schema(folder, world):
    nb = _json(folder)
    for cell in nb["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["schema_version"] = 99
    _write(folder, nb)


@hostile(finds="locks were changed")
def metadata_of_an_old_schema(folder, world):
    nb = _json(folder)
    for cell in _graded(nb["cells"]):
        cell["metadata"]["nbgrader"] = {"grade_id": cell["metadata"]["nbgrader"]["grade_id"], "grade": True, "schema_version": 1}
    _write(folder, nb)


@hostile(finds="more than once")
def duplicated_ids(folder, world):
    nb = _json(folder)
    _write(folder, nb | {"cells": nb["cells"] + _graded(nb["cells"]) + _graded(nb["cells"])})


@hostile(finds="more than once", human=True)
def two_written_answers(folder, world):
    nb = _json(folder)
    written = next(cell for cell in _graded(nb["cells"]) if cell["cell_type"] == "markdown")
    _write(folder, nb | {"cells": [*nb["cells"], written | {"source": "My second answer."}]})


@hostile(finds="missing and were put back")
def metadata_deleted(folder, world):
    nb = _json(folder)
    for cell in nb["cells"]:
        cell["metadata"].pop("nbgrader", None)
    nb["cells"][-1]["metadata"] = {"nbgrader": {"grade_id": "checks"}}
    _write(folder, nb)


@hostile(finds="were missing")
def check_cells_deleted(folder, world):
    nb = _json(folder)
    nb["cells"] = [cell for cell in nb["cells"] if cell["cell_type"] == "markdown" or not cell["metadata"].get("nbgrader")]
    _write(folder, nb)


@hostile(blank=True, finds="locks were changed")
def check_cells_give_points(folder, world):
    nb = _json(folder)
    for cell in _graded(nb["cells"]):
        if cell["cell_type"] == "code":
            cell["source"] = "99"
            cell["outputs"] = [{"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "99"}}]
            cell["metadata"]["nbgrader"] |= {"points": 100, "locked": False, "solution": True}
    _write(folder, nb)


@hostile(finds="locks were changed")
def test_cell_is_retagged(folder, world):
    nb = _json(folder)
    for cell in _graded(nb["cells"]):
        cell["metadata"]["nbgrader"]["grade"] = False
        cell["metadata"]["tags"] = ["remove-cell"]
    _write(folder, nb)


@hostile()
def notebook_with_half_letters(folder, world):
    nb = _json(folder)
    written = next(cell for cell in _graded(nb["cells"]) if cell["cell_type"] == "markdown")
    written["source"] = "A half letter \ud800, a null \x00, an escape \x1b[2J, and <script>alert(1)</script> ![x](http://192.0.2.1/x.png)"
    _write(folder, nb)


@hostile()
def cells_that_reach_for_the_grader(folder, world):
    nb = _json(folder)
    evil = "import os; open('@OUTSIDE@/infected', 'w').write('infected')\nprint(open('@COURSE@/gradebook.db', 'rb').read())\n"
    nb["cells"].insert(1, {"cell_type": "code", "id": "mine", "metadata": {}, "outputs": [], "execution_count": None,
                           "source": world.told(evil) + "def check(*_): return 99"})
    _write(folder, nb)


# names, missing things, rights

@hostile(finds="graded as `03_forward.ipynb`")
def notebook_renamed(folder, world):
    notebook(folder).rename(folder / "03_forward (final) copy 2.ipynb")


@hostile(finds="capitals matter")
def notebook_in_capitals(folder, world):
    notebook(folder).rename(folder / "03_Forward.IPYNB")


@hostile(finds="not to be guessed", human=True)
def two_renamed_notebooks(folder, world):
    shutil.copy(notebook(folder), folder / "a.ipynb")
    notebook(folder).rename(folder / "b.ipynb")


@hostile(finds="was not handed in", human=True)
def notebook_missing(folder, world):
    notebook(folder).unlink()


@hostile(finds="none of this assignment's cells", human=True)
def notebook_of_another_chapter(folder, world):
    nb = _json(folder)
    for cell in nb["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["grade_id"] = "other-" + cell["metadata"]["nbgrader"]["grade_id"]
    _write(folder, nb)


@hostile(lost=FORWARD, finds="was not handed in", says="cannot be found", human=True)
def module_missing(folder, world):
    (folder / MODULE).unlink()


@hostile(lost=ALL, finds="was not handed in", human=True)
def nothing_but_an_empty_folder(folder, world):
    shutil.rmtree(folder)
    folder.mkdir()


@hostile(finds="capitals matter")
def module_in_capitals(folder, world):
    (folder / MODULE).rename(folder / "ddpmlib" / "Forward.PY")


@hostile(finds="in a folder")
def a_folder_in_the_folder(folder, world):
    inner = folder.with_name("inner")
    folder.rename(inner)
    folder.mkdir()
    inner.rename(folder / CHAPTER)


@hostile(lost=FORWARD, finds="symbolic link", human=True)
def module_is_a_link_to_nowhere(folder, world):
    _link(folder, MODULE, "nowhere")


@hostile(finds="time of handing in", human=True)
def timestamp_is_garbage(folder, world):
    (folder / "timestamp.txt").write_bytes(b"\xff\xfe" + bytes(range(256)))


@hostile(finds="time of handing in", human=True)
def timestamp_is_a_sentence(folder, world):
    (folder / "timestamp.txt").write_text("yesterday; DROP TABLE grade; " * 1000)


@hostile(finds="time of handing in", human=True)
def timestamp_of_the_year_9999(folder, world):
    (folder / "timestamp.txt").write_text("9999-12-31 23:59:59.999999 UTC")


@hostile(finds="feedback cannot be given back", human=True)
def secret_is_garbage(folder, world):
    (folder / "submission_secret.txt").write_bytes(bytes(range(256)))


# files that would be imported, or shown

@hostile(blank=True, finds="Given files were changed")
def replaces_the_given_files(folder, world):
    generous = "def check(number, seed=None):\n    return 99\n\nsource = uses = assess = load_check = check\n"
    for name in ("ddpmlib/checks/__init__.py", "ddpmlib/checks/assess.py", "ddpmlib/checks/run.py", "ddpmlib/checks/plain.py"):
        (folder / name).write_text(generous)
    (folder / "ddpmlib" / "__init__.py").write_text("raise SystemExit")


@hostile(blank=True, finds="no part of the assignment")
def shadows_modules(folder, world):
    for name in ("torch", "numpy", "sympy", "json", "os", "ddpmlib/forward/__init__", "ddpmlib/checks/judges/forward/__init__",
                 "ddpmlib/checks/run/__init__", "sitecustomize", "usercustomize", "conftest", "nbgrader_config"):
        (folder / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text("import os\nos._exit(0)\n")
    (folder / "evil.pth").write_text("import os; os._exit(0)\n")
    (folder / "torch.so").write_bytes(b"\x7fELF")


@hostile(finds="no part of the assignment")
def names_that_harm_a_terminal(folder, world):
    for name in ("\x1b[2J\x07owned", "line\nbreak", "<script>alert(1)<", "-rf", "; rm -rf ~", "\u202egnp.exe", "x" * 200):
        (folder / name).write_text("x")
    with open(os.fsencode(folder) + b"/\xff\xfe", "wb"):
        pass


@hostile()
def brings_the_litter_of_editors(folder, world):
    for name in (".ipynb_checkpoints/03_forward-checkpoint.ipynb", "__pycache__/x.pyc", "ddpmlib/__pycache__/forward.cpython-311.pyc",
                 ".DS_Store", ".git/config", "ddpmlib/forward.py~"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


@hostile(blank=True, finds="no part of the assignment")
def brings_its_own_verdict(folder, world):
    done = [{"number": "3.1", "points": 99.0, "of": 3.0, "status": "done", "seed": 0, "problems": [], "report": "99 of 3 points", "source": ""}]
    (folder / "verdicts.json").write_text(json.dumps({"fingerprint": "", "exercises": done, "findings": []}))
    (folder / "gradebook.db").write_text("")
