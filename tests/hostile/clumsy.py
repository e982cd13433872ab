"""Students who mean well: right answers with all that surrounds them, and files that other machines have written."""

from hostile import FORWARD, NEIGHBOUR, hostile, instead, notebook, on_import


def _rewrite(folder, change, module: str = "forward") -> None:
    path = folder / "ddpmlib" / f"{module}.py"
    path.write_bytes(change(path.read_text(encoding="utf-8")))


@hostile()
def neighbour(folder, world):
    """A student who has done everything right, and whose work is nobody else's business."""
    on_import(folder, world, "# @BEACON@ PLANTED-NEIGHBOUR\n", "schedules")


@hostile(blank=True, says="not started")
def blank(folder, world):
    pass


@hostile(says="wrote to standard error")
def warns_on_stderr(folder, world):
    instead(folder, world, """
import os, sys, warnings
warnings.warn('careful')
print('hm', file=sys.stderr)
os.write(2, b'low')
return correct(*args, **keywords)""")


@hostile()
def prints_much(folder, world):
    instead(folder, world, "for line in range(5000):\n    print('line', line)\nreturn correct(*args, **keywords)")


@hostile()
def is_slow_but_right(folder, world):
    instead(folder, world, "import time\ntime.sleep(0.05)\nreturn correct(*args, **keywords)")


@hostile()
def asks_for_many_threads(folder, world):
    instead(folder, world, """
import torch
torch.set_num_threads(64)
x = torch.ones(600, 600, dtype=torch.float64)
assert float((x @ x).sum()) == 600.0**3 and float(x.expand(8, 600, 600).contiguous().exp().mean()) > 2.7
return correct(*args, **keywords)""")


@hostile()
def sets_what_is_global(folder, world):
    on_import(folder, world, """
import os, random, sys, warnings
import numpy, torch
torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
torch.set_grad_enabled(False)
torch.set_printoptions(precision=1)
torch.set_num_threads(8)
numpy.seterr(all='raise')
random.seed(0)
sys.setrecursionlimit(400)
warnings.simplefilter('error')
os.environ.clear()
os.chdir('/')
sys.path.clear()
sys.stdout = None
""")


@hostile()
def keeps_a_gradient(folder, world):
    instead(folder, world, "return correct(*args, **keywords).requires_grad_()")


@hostile()
def has_main_code(folder, world):
    on_import(folder, world, "if __name__ == '__main__':\n    raise SystemExit('only when run by hand')")


@hostile()
def draws_figures_on_import(folder, world):
    on_import(folder, world, """
try:
    import matplotlib.pyplot as plt
    plt.plot([1, 2]); plt.show()
except ImportError:
    pass
""")


@hostile()
def has_windows_line_ends(folder, world):
    _rewrite(folder, lambda text: text.replace("\n", "\r\n").encode())


@hostile()
def has_a_byte_order_mark(folder, world):
    _rewrite(folder, lambda text: text.encode("utf-8-sig"))


@hostile(finds="UTF-16")
def is_saved_as_utf16(folder, world):
    _rewrite(folder, lambda text: text.encode("utf-16"))


@hostile(finds="is not UTF-8")
def has_a_comment_in_latin1(folder, world):
    _rewrite(folder, lambda text: (text + "\n# \u00fcber den Zufall\n").encode("latin-1", "replace"))


@hostile(lost=FORWARD, says="SyntaxError")
def has_a_syntax_error(folder, world):
    _rewrite(folder, lambda text: (text + "\ndef (:\n").encode())


@hostile(lost=FORWARD, says="TabError")
def mixes_tabs_and_spaces(folder, world):
    on_import(folder, world, "def _one(x):\n        if x:\n\treturn x\n")


@hostile(lost=FORWARD)
def holds_null_bytes(folder, world):
    _rewrite(folder, lambda text: text.encode() + b"\x00\x00")


@hostile(lost=FORWARD)
def is_nested_beyond_the_parser(folder, world):
    on_import(folder, world, "x = " + "(" * 5000 + ")" * 5000)


@hostile(lost=("3.7",), says="no function")
def has_renamed_a_function(folder, world):
    _rewrite(folder, lambda text: text.replace("def q_sample_ve(", "def q_sample_VE(").encode())


@hostile(lost=("3.7",), says="is a return missing?")
def forgets_to_return(folder, world):
    instead(folder, world, "correct(*args, **keywords)")


@hostile(lost=("3.7",))
def reads_a_file_that_was_not_handed_in(folder, world):
    instead(folder, world, "return open('my_data.txt').read()")


@hostile()
def leaves_its_written_answer_blank(folder, world):
    assert notebook(folder).exists()
