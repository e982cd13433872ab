"""Checks of chapter 8's exercises on what the network is told: the time, and the class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .precision import wrong_dtype
from .unet_oracles import F64, compare_closely, compare_gradients, embedding_rows, gradients, silu, twice

FEW = ("Times or angles have too few digits: at large times they must be float32 at least, whatever the dtype of the result.")
IN_ITS_DTYPE = ("The values are right to single precision only: compute frequencies and angles in the dtype that is "
                "asked for.")
WRONG_DTYPE = "the result should have the dtype {}, got {}"


class TimeEmbedding(Check):
    """Exercise 8.1. Oracle: powers of complex numbers on the unit circle."""

    number = "8.1"
    parts = {"values": 3, "max_period": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, times: list[int], dim: int, dtype: str = "float32", **options: float) -> Case:
            more = "".join(f", {name} = {value}" for name, value in options.items())
            arguments = {"t": torch.tensor(times), "dim": dim, "dtype": dtype, **options}
            return Case(part, "time_embedding", arguments, f"t = {times}, dim = {dim}{more}, dtype {dtype}")

        times = [draw.integer(2, 30), draw.integer(31, 1000), 1]
        yield case("values", times, 8)
        yield case("values", [draw.integer(2, 9), 0, draw.integer(10, 1000)], 6)
        yield case("values", [draw.integer(2, 9), draw.integer(10, 40)], 4)
        yield case("values", [draw.integer(1, 1000)], 2)
        yield case("max_period", times, 8, max_period=draw.integer(50, 200))
        yield case("max_period", times, 4, max_period=draw.number(3.0, 9.0))
        yield case("dtype", times, 8, "float64")
        yield case("dtype", [draw.integer(900, 1000), draw.integer(5, 20)], 8, "float16")
        yield case("dtype", [2 * draw.integer(1030, 1900) + 1, draw.integer(5, 20)], 4, "float16")  # float16 has no such odd numbers
        yield case("dtype", times, 6)

    def judge(self, case: Case, result: object) -> str | None:
        t, dim, dtype = (case.arguments[name] for name in ("t", "dim", "dtype"))
        period = case.arguments.get("max_period", 10_000.0)
        expected = embedding_rows(t, dim, period)
        first, differs = twice(result)
        if differs:
            return differs
        size = {"float16": 2e-3, "float32": 5e-4, "float64": 1e-10}[dtype]
        problem = compare(first, expected, what="the embedding", rtol=0, atol=size)
        if problem is None:
            found = str(first.dtype).removeprefix("torch.")
            return None if found == dtype else WRONG_DTYPE.format(dtype, found)
        named = compare(first, expected, what="the embedding", rtol=0, atol=max(size, 1e-6), known=self._known(t, dim, period))
        if named is not None and "\n" in named:
            return named
        if dtype == "float64" and compare(first, expected, rtol=0, atol=1e-3) is None:
            return f"{problem}\n{IN_ITS_DTYPE}"
        return f"{problem}\n{FEW}" if dtype == "float16" else problem

    @staticmethod
    def _known(t: Tensor, dim: int, period: float) -> dict[str, Tensor]:
        half = dim // 2
        number = torch.arange(half, dtype=F64)

        def waves(exponents: Tensor, base: float = period, times: Tensor = t, turn: float = 1.0) -> tuple[Tensor, Tensor]:
            angles = turn * times.to(F64)[:, None] * torch.exp(exponents * torch.log(torch.tensor(base, dtype=F64)))
            return angles.cos(), angles.sin()

        def both(*arguments, **options) -> Tensor:
            return torch.cat(waves(*arguments, **options), dim=1)

        cos, sin = waves(-number / half)
        known = {
            "The sines come first; the cosines should.": torch.cat([sin, cos], dim=1),
            "Cosines and sines alternate; all cosines come first, then all sines.": torch.stack([cos, sin], dim=2).flatten(1),
            "Sines and cosines alternate; all cosines come first, then all sines.": torch.stack([sin, cos], dim=2).flatten(1),
            "The exponent is -i/(h - 1), as in Ho et al.'s code; here it is -i/h.": both(-number / max(half - 1, 1)),
            "The exponent is -i/dim; it should be -i/h with h = dim/2.": both(-number / dim),
            "The exponent is -2i/h; with h = dim/2 it is -i/h.": both(-2 * number / half),
            "The frequencies grow with i: the sign of the exponent is missing.": both(number / half),
            "The exponent counts from 1; i goes from 0 to h - 1.": both(-(number + 1) / half),
            "The angles are multiplied by 2 pi; w_i t is in radians already.": both(-number / half, turn=2 * torch.pi),
            "This is the embedding of t - 1; here times are embedded as they are.": both(-number / half, times=t - 1),
            "The times are divided by 1000 first; they are embedded as they are.": both(-number / half, times=t.to(F64) / 1000),
            "Everything is divided by sqrt(h); cosines and sines stand alone.": torch.cat([cos, sin], dim=1) / half**0.5,
            "The frequencies are powers of e, whatever max_period is.": both(-number / half, base=torch.e),
            "This has cosines only; the second half should be sines.": torch.cat([cos, cos], dim=1),
            "This has sines only; the first half should be cosines.": torch.cat([sin, sin], dim=1),
            "Rows and columns are interchanged: each time should have a row.": torch.cat([cos, sin], dim=1).T,
            "The embedding is turned over: the slowest frequency comes first.": torch.cat([cos.flip(1), sin.flip(1)], dim=1),
        }
        if period != 10_000.0:
            known["This is the embedding for max_period = 10000, whatever max_period is."] = both(-number / half, base=10_000.0)
        return known


class Condition(Check):
    """Exercise 8.7. Oracle: the two layers as matrices, on the powers of complex numbers; a class picks a row."""

    number = "8.7"
    parts = {"no classes": 1, "classes": 1, "no class told": 2, "some told, some not": 1, "dtype": 1, "gradient": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        dim, classes = 8, draw.integer(3, 5)  # dim is four times the width

        def case(part: str, y: list[int] | None, classes: int | None = classes, call: str = "condition", dtype: torch.dtype = F64) -> Case:
            state = {"time.0.weight": 0.4 * draw.normal(dim, dim), "time.0.bias": 0.4 * draw.normal(dim),
                     "time.2.weight": 0.4 * draw.normal(dim, dim), "time.2.bias": 0.4 * draw.normal(dim)}
            if classes is not None:
                state["label.weight"] = draw.normal(classes + 1, dim)
            t = torch.tensor([draw.integer(1, 20), draw.integer(21, 1000), draw.integer(100, 1000)])
            state = {name: value.to(dtype) for name, value in state.items()}
            arguments = {"settings": {"width": 2, "classes": classes}, "state": state, "t": t, "y": None if y is None else torch.tensor(y)}
            told = "no y" if y is None else f"y = {y}"
            if call != "condition":
                arguments["probe"] = draw.normal(3, dim)
            says = ", a float32 network" if dtype == torch.float32 else ""
            return Case(part, call, arguments, f"classes = {classes}, t = {t.tolist()}, {told}{says}")

        yield case("no classes", None, None)
        yield case("no class told", None)
        yield case("classes", [draw.integer(1, classes - 1), 0, draw.integer(0, classes - 1)])
        yield case("some told, some not", [draw.integer(1, classes - 1), classes, 0])
        yield case("no class told", [classes] * 3)
        yield case("dtype", [draw.integer(0, classes - 1), classes, 0], dtype=torch.float32)
        yield case("gradient", [draw.integer(1, classes - 1), classes, 0], call="gradients_of_condition")

    def judge(self, case: Case, result: object) -> str | None:
        settings, state, t, y = (case.arguments[name] for name in ("settings", "state", "t", "y"))
        given, state = state, {name: value.double() for name, value in state.items()}
        told = [settings["classes"]] * len(t) if y is None else y.tolist()
        if case.part == "gradient":
            expected = gradients(lambda given: self._told(given, t, told), state, case.arguments["probe"])
            return compare_gradients(result, expected)
        expected = self._told(state, t, None if settings["classes"] is None else told)
        first, differs = twice(result["found"])
        if differs:
            return differs
        if case.part == "dtype":
            problem = compare(first, expected, what="the embedding", rtol=0, atol=2e-3, known=self._known(state, t, y, told))
            return problem or wrong_dtype(first, given["label.weight"].dtype, "the network", "the embedding")
        problem = compare_closely(first, expected, "the embedding", lambda: self._known(state, t, y, told))
        if problem is not None and compare(result["own"], embedding_rows(t, 8, 10_000.0), rtol=0, atol=1e-9) is not None:
            return f"{problem}\nYour time_embedding is not right yet in float64: first repair Exercise 8.1."
        return problem

    @staticmethod
    def _told(state: Mapping[str, Tensor], t: Tensor, y: list[int] | None, rows: Tensor | None = None) -> Tensor:
        rows = embedding_rows(t, 8, 10_000.0) if rows is None else rows
        hidden = silu(rows @ state["time.0.weight"].T + state["time.0.bias"])
        emb = hidden @ state["time.2.weight"].T + state["time.2.bias"]
        if y is None:
            return emb
        picked = torch.nn.functional.one_hot(torch.tensor(y), len(state["label.weight"])).to(F64)
        return emb + picked @ state["label.weight"]

    def _known(self, state: Mapping[str, Tensor], t: Tensor, y: Tensor | None, told: list[int]) -> dict[str, Tensor]:
        raw, told_time = embedding_rows(t, 8, 10_000.0), self._told(state, t, None)
        known = {
            "These are the waves themselves; they should pass through net.time.": raw,
            "This is the embedding of time 0 for all rows.": self._told(state, 0 * t, None),
            "This is the embedding of t - 1; here times are embedded as they are.": self._told(state, (t - 1).clamp(min=0), None),
            "silu is taken of the result; a block does this itself.": silu(told_time),
        }
        if "label.weight" not in state:
            return known
        table = state["label.weight"]
        null, label = len(table) - 1, table[told]
        first_layers = {name: value for name, value in state.items() if name != "label.weight"}
        known |= {
            "silu is taken of the result; a block does this itself.": silu(told_time + label),
            "silu is taken of the time's part; a block does this itself.": silu(told_time) + label,
            "This is the embedding of t - 1; here times are embedded as they are.":
                self._told(first_layers, (t - 1).clamp(min=0), None) + label,
            "The class is missing: this is the time's embedding alone. Where no class is told, the null class's row is added."
            if y is None else "The class is missing: this is the time's embedding alone.": told_time,
            "The class's row is added before net.time; it should be added after it.": self._told(first_layers, t, None, raw + label),
            "The class's row is added to the waves themselves; they should pass through net.time.": raw + label,
            "The class's row multiplies; it should be added.": told_time * label,
            "This is the class's row alone; the time is missing.": label,
            "The class's row passes through net.time too; only the waves should.":
                told_time + self._told(first_layers, t, None, label),
            "The class's row is subtracted.": told_time - label,
        }
        if any(row != null for row in told):
            known["The null class's row is added to every row, also where a class is told."] = told_time + label + table[null]
        if null in told:
            known["A row whose class is not told gets the mean of all rows; it should get the null class's own."] = told_time + torch.where(
                torch.tensor(told)[:, None] == null, table.mean(0), label)
            zero = table.clone()
            zero[null] = 0
            known["The null class adds nothing here; it has a row of net.label like any other class."] = told_time + zero[told]
            for other, words in ((0, "class 0"), (null - 1, f"class {null - 1}, the last one")):
                swapped = [other if label == null else label for label in told]
                known[f"A row whose class is not told gets the row of {words}; the null class is K = {null}."] = told_time + table[swapped]
            known["A row whose class is not told gets the mean of the classes' rows; it should get the null class's own."] = (
                told_time + torch.cat([table[:null], table[:null].mean(0, keepdim=True)])[told])
        if y is not None:
            known["The classes are ignored: every row gets the null class."] = told_time + table[[null] * len(told)]
            known["All rows get the class of the first one."] = told_time + table[told[:1] * len(told)]
        return known
