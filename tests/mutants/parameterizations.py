"""Wrong answers to Exercise 6.3, the conversions."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.tables import at_times


def lines(schedule):
    """The coefficients of x_t and x_0 in each kind, as tables."""
    left, alphas, betas = schedule.alpha_bars, schedule.alphas, schedule.betas
    before = left.roll(1)
    a, b = left.sqrt(), (1 - left).sqrt()
    return {
        "x0": (torch.zeros_like(a), torch.ones_like(a)),
        "eps": (1 / b, -a / b),
        "v": (a / b, -1 / b),
        "score": (-1 / b**2, a / b**2),
        "mean": (alphas.sqrt() * (1 - before) / b**2, before.sqrt() * betas / b**2),
    }


def forwards(line, x0, x_t, t):
    p, q = (at_times(table, torch.as_tensor(t), x0) for table in line)
    return p * x_t + q * x0


def backwards(line, prediction, x_t, t):
    p, q = (at_times(table, torch.as_tensor(t), x_t) for table in line)
    return (prediction - p * x_t) / q


def with_line(kind, line):
    """Both conversions, in which one kind has another line."""

    def from_x0(kind_, x0, x_t, t, schedule):
        return forwards(line(schedule) if kind_ == kind else lines(schedule)[kind_], x0, x_t, t)

    def to_x0(kind_, prediction, x_t, t, schedule):
        return backwards(line(schedule) if kind_ == kind else lines(schedule)[kind_], prediction, x_t, t)

    return from_x0, to_x0


def both(kind, title, says, line):
    """Two mutants: each conversion alone is wrong in this way."""
    from_x0, to_x0 = with_line(kind, line)
    part = "x0 and eps" if kind == "eps" else kind
    keeps = tuple({"x0 and eps", "v", "score", "mean"} - {part})
    for function, name in ((from_x0, "from_x0"), (to_x0, "to_x0")):
        renamed = rename(function, name)
        mutant("6.3", f"{title}, {name}", says=says, keeps=keeps)(renamed)


def rename(function, name):
    if name == "from_x0":
        def from_x0(kind, x0, x_t, t, schedule):
            return function(kind, x0, x_t, t, schedule)
        return from_x0

    def to_x0(kind, prediction, x_t, t, schedule):
        return function(kind, prediction, x_t, t, schedule)
    return to_x0


def a(schedule):
    return schedule.alpha_bars.sqrt()


def b(schedule):
    return (1 - schedule.alpha_bars).sqrt()


both("eps", "variance for deviation", "this takes the variance 1 - alpha_bar_t",
     lambda s: (1 / b(s) ** 2, -a(s) / b(s) ** 2))
both("eps", "alpha_bar for its root", "not alpha_bar_t", lambda s: (1 / b(s), -a(s) ** 2 / b(s)))
both("eps", "noise of one step", "This takes the noise of one step",
     lambda s: (s.betas.rsqrt(), -s.alphas.sqrt() * s.betas.rsqrt()))
both("v", "sign of v", "The sign of v is wrong", lambda s: (-a(s) / b(s), 1 / b(s)))
both("v", "flow matching", "the velocity of flow matching", lambda s: (1 / b(s), -a(s) / b(s) - 1))
both("score", "sign of the score", "The sign of the score is wrong", lambda s: (b(s) ** -2, -a(s) * b(s) ** -2))
both("score", "score is minus eps", "This treats the score as -eps", lambda s: (-1 / b(s), a(s) / b(s)))
both("mean", "swapped coefficients", "The roles of x_t and x_0 in the posterior mean are swapped", lambda s: lines(s)["mean"][::-1])
both("mean", "alpha_bar_t for alpha_bar_{t-1}", "This has alpha_bar_t where alpha_bar_{t-1} is due",
     lambda s: (s.alphas.sqrt(), a(s) * s.betas / b(s) ** 2))
both("mean", "root inside the bracket", "This has 1 - sqrt(alpha_bar_{t-1})",
     lambda s: (s.alphas.sqrt() * (1 - s.alpha_bars.roll(1).sqrt()) / b(s) ** 2, lines(s)["mean"][1]))


@mutant("6.3", "no division by the signal", says="The division by sqrt(alpha_bar_t) is missing", keeps=("v", "score", "mean"))
def to_x0(kind, prediction, x_t, t, schedule):
    if kind == "eps":
        return x_t - at_times(b(schedule), torch.as_tensor(t), x_t) * prediction
    return backwards(lines(schedule)[kind], prediction, x_t, t)


@mutant("6.3", "eps in place of x_0", says="This is eps, not x_0", keeps=("x0 and eps", "score", "mean"))
def to_x0(kind, prediction, x_t, t, schedule):  # noqa: F811
    t = torch.as_tensor(t)
    if kind == "v":
        return at_times(b(schedule), t, x_t) * x_t + at_times(a(schedule), t, x_t) * prediction
    return backwards(lines(schedule)[kind], prediction, x_t, t)


@mutant("6.3", "early by one", says="Off by one in t")
def from_x0(kind, x0, x_t, t, schedule):
    return forwards(lines(schedule)[kind], x0, x_t, (torch.as_tensor(t) - 1).clamp(min=1))


@mutant("6.3", "time of the first row", says="All rows have the time of the first row", keeps=("x0 and eps", "v", "score", "mean"))
def from_x0(kind, x0, x_t, t, schedule):  # noqa: F811
    return forwards(lines(schedule)[kind], x0, x_t, torch.as_tensor(t).flatten()[0])


@mutant("6.3", "wrong axis", says="run along the last axis", keeps=("x0 and eps", "v", "score", "mean"))
def to_x0(kind, prediction, x_t, t, schedule):  # noqa: F811
    p, q = (table[t] for table in lines(schedule)[kind])
    return (prediction - p * x_t) / q


@mutant("6.3", "other direction", says="This converts in the other direction")
def from_x0(kind, x0, x_t, t, schedule):  # noqa: F811
    return backwards(lines(schedule)[kind], x0, x_t, t)


@mutant("6.3", "float32 tables", says="right to single precision only")
def from_x0(kind, x0, x_t, t, schedule):  # noqa: F811
    p, q = (at_times(table.float(), torch.as_tensor(t), x0) for table in lines(schedule)[kind])
    return p * x_t + q * x0


@mutant("6.3", "coefficients in the data's precision", says="1 - alpha_bar_t has few right digits near t = 1",
        keeps=("x0 and eps", "v", "score", "mean", "a time for each row"))
def from_x0(kind, x0, x_t, t, schedule):  # noqa: F811
    left, alpha, beta, before = (at_times(table, torch.as_tensor(t), x0) for table in (
        schedule.alpha_bars, schedule.alphas, schedule.betas, schedule.alpha_bars.roll(1)))
    signal, spread = left.sqrt(), (1 - left).sqrt()
    eps = (x_t - signal * x0) / spread
    mean = alpha.sqrt() * (1 - before) / spread**2 * x_t + before.sqrt() * beta / spread**2 * x0
    return {"x0": x0, "eps": eps, "v": (signal * x_t - x0) / spread, "score": -eps / spread, "mean": mean}[kind]


@mutant("6.3", "promoted to float64", says="x_t is float32, and the result should be",
        keeps=("x0 and eps", "v", "score", "mean", "a time for each row"))
def to_x0(kind, prediction, x_t, t, schedule):  # noqa: F811
    return backwards(lines(schedule)[kind], prediction.double(), x_t.double(), t)


@mutant("6.3", "detached", says="No gradient flows: the result is detached",
        keeps=("x0 and eps", "v", "score", "mean", "a time for each row"))
def to_x0(kind, prediction, x_t, t, schedule):  # noqa: F811
    return backwards(lines(schedule)[kind], prediction, x_t, t).detach()
