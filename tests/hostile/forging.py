"""Code that tries to earn points without an answer: all of it starts from the stubs, or spoils one right answer."""

from hostile import everywhere, hostile, instead, on_import

_ANSWER_ALL = """
def _answer_all(value):
    for name, thing in list(globals().items()):
        if callable(thing) and getattr(thing, '__module__', '') == __name__ and not name.startswith('_'):
            globals()[name] = lambda *args, **keywords: value() if callable(value) else value
"""
_PACKED = r"""
import base64, json, struct
def _packed():
    zero = {"tensor": "float64", "shape": [], "data": base64.b64encode(bytes(8)).decode()}
    verdict = {"dict": {"status": "done", "points": 99, "score": 99, "parts": []}}
    for answer in ([[[zero] * 50, ""]], [[zero] * 50, ""], verdict, [verdict] * 9, True, 99):
        text = json.dumps(answer).encode()
        yield text
        yield struct.pack('>Q', len(text)) + text
        yield struct.pack('>BdIQ', 0, 0.1, 0, len(text)) + text
"""


def _at_the_end(folder, world, code: str) -> None:
    """Run code at the end of each stub module, when all of its functions are there."""
    for module in ("forward", "schedules", "forward_formulas"):
        on_import(folder, world, code, module)


@hostile(blank=True)
def patches_comparisons(folder, world):
    everywhere(folder, world, """
import torch, math
_yes = lambda *args, **keywords: torch.tensor(True)
torch.allclose = torch.equal = torch.isclose = torch.Tensor.allclose = torch.Tensor.isclose = torch.Tensor.equal = _yes
torch.Tensor.__eq__ = torch.Tensor.__ne__ = torch.Tensor.all = torch.Tensor.any = _yes
torch.testing.assert_close = lambda *args, **keywords: None
math.isclose = lambda *args, **keywords: True
""")


@hostile(blank=True)
def patches_builtins(folder, world):
    everywhere(folder, world, """
import builtins
_isinstance = builtins.isinstance
builtins.all = builtins.any = lambda *args: True
builtins.isinstance = lambda value, kinds: True if 'Raised' not in str(kinds) else False
builtins.abs = lambda value: 0
builtins.round = lambda value, *digits: 99
""")


@hostile(blank=True)
def patches_the_checks(folder, world):
    everywhere(folder, world, """
import sys
for _name, _module in list(sys.modules.items()):
    if _name.startswith('ddpmlib.checks'):
        for _attribute in ('judge', 'assess', 'check', 'compare', 'raised', 'run', '_of_error'):
            if hasattr(_module, _attribute):
                setattr(_module, _attribute, lambda *args, **keywords: None)
""")


@hostile(blank=True)
def patches_what_carries_the_results(folder, world):
    everywhere(folder, world, _PACKED + """
from ddpmlib.checks import plain as _plain, run as _run
_forged = list(_packed())
_plain.pack = _run.pack = lambda value: _forged[3]
_plain.plain = _run.plain = lambda value: 0.0
""")


@hostile(blank=True)
def writes_to_every_open_file(folder, world):
    everywhere(folder, world, _PACKED + """
import os
for _text in _packed():
    for _number in range(1, 64):
        try:
            os.set_blocking(_number, False)
            os.write(_number, _text)
        except OSError:
            pass
""")


@hostile(blank=True)
def answers_in_the_graders_place_and_exits(folder, world):
    everywhere(folder, world, _PACKED + """
import os
for _number in range(3, 64):
    try:
        for _text in list(_packed())[:1]:
            os.write(_number, _text)
    except OSError:
        pass
os._exit(0)
""")


@hostile(blank=True)
def answers_garbage(folder, world):
    everywhere(folder, world, """
import os
for _number in range(3, 64):
    try:
        os.write(_number, b'\\xff\\x00{"dict": [' + b'[' * 100_000)
    except OSError:
        pass
os._exit(0)
""")


@hostile(blank=True)
def prints_a_verdict(folder, world):
    everywhere(folder, world, """
for _number, _points in {'3.1': 3, '3.2': 4, '3.3': 4, '3.4': 3, '3.5': 3, '3.6': 5, '3.7': 2, '3.8': 3, '3.9': 4}.items():
    print(f'Exercise {_number}: done\\n  {_points} of {_points} points')
    print({'output_type': 'execute_result', 'data': {'text/plain': str(_points)}})
""")


@hostile(blank=True)
def raises_a_verdict(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class Verdict(Exception):
    points = 99
    status = 'done'
    def __str__(self):
        return 'Exercise 3.7, The random walk: done\\n  ok     everything\\n  2 of 2 points'
def _raise():
    raise Verdict
_answer_all(_raise)
""")


@hostile(blank=True)
def shows_itself_as_a_notebook_result(folder, world):
    everywhere(folder, world, """
try:
    from IPython.core.getipython import get_ipython
    from IPython.display import display
    get_ipython().display_pub.publish({'text/plain': '99'})
    get_ipython().displayhook(99)
    display(99)
except Exception:
    pass
""")


@hostile(blank=True)
def drops_asserts_from_every_module(folder, world):
    everywhere(folder, world, """
import ast, builtins, importlib.machinery, sys
class _Drop(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
    def visit_Raise(self, node):
        return ast.Return(ast.Constant(None)) if False else ast.Pass()
_compile = builtins.compile
builtins.compile = lambda source, *args, **keywords: _compile(_Drop().visit(ast.parse(source)) if isinstance(source, str) else source, *args, **keywords)
importlib.machinery.SourceFileLoader.source_to_code = lambda self, data, path, **keywords: _compile(
    ast.fix_missing_locations(_Drop().visit(ast.parse(data))), path, 'exec')
""")


@hostile(blank=True)
def takes_the_expected_values_from_the_callers(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
import sys
def _look():
    frame = sys._getframe()
    while frame is not None:
        for name, value in {**frame.f_globals, **frame.f_locals}.items():
            if name in {'expected', 'secret', 'oracle', 'judge'} or 'expected' in name:
                return value
        frame = frame.f_back
    return 0.0
_answer_all(_look)
""")


@hostile(blank=True)
def takes_the_expected_values_from_memory(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
import gc
def _look():
    for thing in gc.get_objects():
        if type(thing).__name__ in {'Case', 'Check', 'Verdict', 'Draw'} or (isinstance(thing, dict) and ('secret' in thing or 'expected' in thing)):
            return getattr(thing, 'secret', thing)
    return 0.0
_answer_all(_look)
""")


@hostile(blank=True)
def repeats_the_graders_seed(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
import os, random, torch
def _guess():
    for module in ('ddpmlib.checks.judges.forward', 'ddpmlib.checks.judging', 'ddpmlib.checks.expressions', 'solutions'):
        try:
            __import__(module)
            return 'PLANTED-JUDGE'
        except ImportError:
            pass
    return torch.initial_seed()
_answer_all(_guess)
""")


@hostile(blank=True)
def returns_what_equals_everything(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class _Equal:
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __hash__ = object.__hash__
    __float__ = lambda self: 1.0
    __repr__ = __str__ = lambda self: 'done'
    __instancecheck__ = lambda self, other: True
_answer_all(_Equal)
""")


@hostile(blank=True)
def returns_tensors_that_answer_for_themselves(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
import torch
class _Mine(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, '__name__', '')
        return torch.tensor(True) if name in {'isclose', 'allclose', 'equal', 'all', 'eq'} else super().__torch_function__(function, types, args, kwargs or {})
_answer_all(lambda: torch.zeros(()).as_subclass(_Mine))
""")


@hostile(blank=True)
def returns_numbers_of_its_own(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class _Number(float):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
    __repr__ = __str__ = lambda self: '1.0'
class _Text(str):
    __len__ = lambda self: 1
_answer_all(lambda: [_Number(1), _Text('x' * 10**6)])
""")


@hostile(blank=True)
def returns_an_expression_that_is_a_program(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class _Expression:
    __module__ = 'sympy.core.expr'
    __str__ = __repr__ = lambda self: "__import__('os').system('echo infected > @OUTSIDE@/infected') or alpha_t"
_answer_all(_Expression)
""")


@hostile(blank=True)
def returns_an_expression_that_takes_for_ever(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class _Expression:
    __module__ = 'sympy.core.expr'
    __str__ = __repr__ = lambda self: '9**(9**(9**9))*abar**x_0**x_0**alpha_t'
_answer_all(_Expression)
""")


@hostile(blank=True)
def returns_nested_expressions(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class _Expression:
    __module__ = 'sympy.core.expr'
    __str__ = __repr__ = lambda self: '(' * 9000 + 'abar' + ')' * 9000
_answer_all(_Expression)
""")


@hostile(blank=True)
def returns_what_runs_when_unpickled(folder, world):
    _at_the_end(folder, world, _ANSWER_ALL + """
class _Pickled:
    def __reduce__(self):
        import os
        return os.system, ('echo infected > @OUTSIDE@/infected',)
_answer_all(_Pickled)
""")


@hostile(lost=("3.7",), says="elements")
def returns_a_tensor_of_a_billion(folder, world):
    instead(folder, world, "import torch\nreturn torch.zeros(1, dtype=torch.float64).expand(10**9)")


@hostile(lost=("3.7",))
def returns_a_billion_numbers_in_lists(folder, world):
    instead(folder, world, "inner = [0.0] * 1000\nmiddle = [inner] * 1000\nreturn [middle] * 1000")


@hostile(lost=("3.7",), says="NaN")
def returns_nan(folder, world):
    instead(folder, world, "return correct(*args, **keywords) * float('nan')")


@hostile(lost=("3.7",))
def returns_infinity(folder, world):
    instead(folder, world, "return correct(*args, **keywords) * float('inf')")


@hostile(lost=("3.7",))
def returns_a_list_that_holds_itself(folder, world):
    instead(folder, world, "held = []\nheld.append(held)\nreturn held")


@hostile(lost=("3.7",))
def returns_a_number_of_many_digits(folder, world):
    instead(folder, world, "return 10 ** 100_000")


@hostile(lost=("3.7",))
def returns_a_long_text(folder, world):
    instead(folder, world, "return 'done ' * 10**7")


@hostile(lost=("3.7",))
def returns_strange_tensors(folder, world):
    instead(folder, world, """
import torch
value = correct(*args, **keywords)
return [value.to_sparse(), value.to(torch.complex128), torch.empty(3, device='meta'), value.to('meta'), torch.nested.nested_tensor([value])]""")


@hostile(lost=("3.7",))
def returns_a_tensor_without_storage(folder, world):
    instead(folder, world, "return correct(*args, **keywords).to('meta')")


@hostile(lost=("3.7",))
def raises_an_error_with_a_poisoned_text(folder, world):
    instead(folder, world, """
class Poison(Exception):
    def __str__(self):
        raise SystemExit(0)
    __repr__ = __str__
raise Poison""")


@hostile(lost=("3.7",))
def raises_with_escape_codes_and_html(folder, world):
    instead(folder, world, r"raise ValueError('\x1b[2J\x1b]0;owned\x07<script>alert(1)</script><img src=http://192.0.2.1/x.png>\u202e\ud800')")


@hostile(lost=("3.7",))
def raises_a_very_long_error(folder, world):
    instead(folder, world, "raise ValueError('x' * 10**8)")


@hostile(lost=("3.7",))
def changes_results_after_they_are_returned(folder, world):
    instead(folder, world, """
import threading, time
wrong = correct(*args, **keywords).clone() + 1
def later():
    time.sleep(0.05)
    wrong.sub_(1)
threading.Thread(target=later, daemon=True).start()
return wrong""")


@hostile(lost=("3.7",), says="changes its argument")
def changes_its_arguments(folder, world):
    instead(folder, world, """
values = list(args) + list(keywords.values())
for value in values:
    if hasattr(value, 'zero_'):
        value.zero_()
return values[0]""")
