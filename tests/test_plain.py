"""Plain values survive the way between two processes, and bytes of any other kind are refused."""

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddpmlib.checks.plain import MAX_ELEMENTS, Expression, Raised, pack, plain, unpack

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_values_survive(value):
    assert unpack(pack(plain(value))) == value


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int64, torch.bool, torch.uint8])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (1, 0, 4)])
def test_tensors_survive(dtype, shape):
    tensor = (torch.rand(shape) * 5).to(dtype)
    back = unpack(pack(tensor))
    assert back.dtype == dtype and back.shape == tensor.shape and torch.equal(back, tensor)


def test_infinities_survive():
    tensor = torch.tensor([float("inf"), float("-inf"), float("nan")])
    assert torch.equal(unpack(pack(tensor)).nan_to_num(7), tensor.nan_to_num(7))


def test_what_a_function_may_return_becomes_plain():
    assert torch.equal(plain(np.arange(3.0)), torch.arange(3.0, dtype=torch.float64))
    assert plain((1, 2.0)) == [1, 2.0]
    assert plain(sympy.sqrt(sympy.Symbol("a"))) == Expression("sqrt(a)")
    tensor = torch.ones(2, requires_grad=True) * 2
    assert not plain(tensor).requires_grad
    assert unpack(pack(Raised("ValueError", "no", "forward.py, line 3"))) == Raised("ValueError", "no", "forward.py, line 3")


def test_what_is_not_plain_is_refused():
    with pytest.raises(TypeError, match="returned a object"):
        plain(object())
    with pytest.raises(ValueError, match="elements"):
        plain(torch.zeros(1).expand(MAX_ELEMENTS + 1))
    with pytest.raises(TypeError, match="complex"):
        plain(torch.zeros(1, dtype=torch.complex64))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80\x04N.", b"{", b'{"tensor": "object", "shape": [1], "data": ""}', b'{"other": 1}',
     b'{"tensor": "float64", "shape": [9], "data": "AAAA"}', b'{"raised": [1]}', b"[" * 100000],
)
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError):
        unpack(data)
