"""Wrong answers to exercises 10.3, 10.4 and 10.7: the deviation, the step, the step for a predicted datum."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.steps import as_rows

ONE, ANY, EACH, F64 = ("eta = 1",), ("any eta",), ("a time for each row",), ("float64",)
NOISE, STILL, ZERO, PRECISION = ("with noise",), ("eta = 0",), ("to time 0",), ("precision",)


def chain(schedule, t, s):
    """The deviation at eta = 1."""
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    return ((1 - then) / (1 - now) * (1 - now / then)).sqrt()


@mutant("10.3", "the variance", says="This is the variance sigma^2", keeps=())
def ddim_sigma(schedule, t, s, eta):
    return eta**2 * chain(schedule, t, s) ** 2


@mutant("10.3", "root of eta", says="not the variance: here the result has the root of eta", keeps=ONE)
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    return (eta * chain(schedule, t, s) ** 2).sqrt()


@mutant("10.3", "eta ignored", says="eta is ignored", keeps=ONE)
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    return chain(schedule, t, s)


@mutant("10.3", "upside down", says="The first fraction is upside down")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    return eta * ((1 - now) / (1 - then) * (1 - now / then)).sqrt()


@mutant("10.3", "one step", says="alpha_t stands in the place of alpha_bar_t / alpha_bar_s")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    return eta * ((1 - then) / (1 - now) * schedule.betas[t]).sqrt()


@mutant("10.3", "to t - 1", says="This is the step from t to t - 1")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    return eta * chain(schedule, t, torch.as_tensor(t) - 1)


@mutant("10.3", "the large choice", says="This is sqrt(beta_t)")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    return eta * schedule.betas[t].sqrt()


@mutant("10.3", "difference of alpha_bars", says="or a difference in its place")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    return eta * ((1 - then) / (1 - now) * (then - now)).sqrt()


@mutant("10.3", "exchanged", says="s and t are exchanged")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    return eta * chain(schedule, s, t)


@mutant("10.3", "no second factor", says="The second factor, with alpha_bar_t / alpha_bar_s, is missing")
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    return eta * ((1 - then) / (1 - now)).sqrt()


@mutant("10.3", "float32", says="right to single precision only", keeps=(*ONE, *ANY, *EACH))
def ddim_sigma(schedule, t, s, eta):  # noqa: F811
    now, then = schedule.alpha_bars[t].float(), schedule.alpha_bars[s].float()
    return eta * ((1 - then) / (1 - now) * (1 - now / then)).sqrt()


def mixed(x_t, t, s, schedule, noise, eta, x0, eps, *, direction=None, signal=None, sigma=None, spread=None):
    """The step for this datum and this noise, in which single coefficients can be replaced."""
    t, s = (torch.as_tensor(time).expand(len(x_t)) for time in (t, s))
    then = schedule.alpha_bars[s]
    deviation = eta * chain(schedule, t, s)
    subtracted = deviation if sigma is None else sigma
    direction = (1 - then - subtracted**2).clamp(min=0).sqrt() if direction is None else direction(deviation, then)
    signal = then.sqrt() if signal is None else signal
    spread = deviation if spread is None else spread(deviation)
    found = as_rows(signal, x_t) * x0 + as_rows(direction, x_t) * eps
    return found if noise is None else found + as_rows(spread, x_t) * noise


def step(model, x_t, t, s, schedule, noise, eta, *, told=0, asked=None, clip=False, root=True, added=-1.0, **others):
    t, s = (torch.as_tensor(time).expand(len(x_t)) for time in (t, s))
    eps = model(x_t, (t if asked is None else asked) + told)
    now = schedule.alpha_bars[t]
    x0 = (x_t + added * as_rows((1 - now).sqrt(), x_t) * eps) / as_rows(now.sqrt() if root else now, x_t)
    return mixed(x_t, t, s, schedule, noise, eta, x0.clamp(-1, 1) if clip else x0, eps, **others)


def parts(schedule, t, x):
    now = schedule.alpha_bars[torch.as_tensor(t).expand(len(x))]
    return as_rows(now.sqrt(), x), as_rows((1 - now).sqrt(), x)


@mutant("10.4", "sigma not subtracted", says="sigma^2 is not subtracted under the root", keeps=(*STILL, *ZERO))
def ddim_step(model, x_t, t, s, schedule, noise, eta):
    return step(model, x_t, t, s, schedule, noise, eta, direction=lambda sigma, then: (1 - then).sqrt())


@mutant("10.4", "sigma for its square", says="sigma is subtracted under the root", keeps=(*STILL, *ZERO))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, direction=lambda sigma, then: (1 - then - sigma).clamp(min=0).sqrt())


@mutant("10.4", "no root", says="the root is missing", keeps=ZERO)
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, direction=lambda sigma, then: 1 - then - sigma**2)


@mutant("10.4", "no direction", says="The predicted noise is left out", keeps=ZERO)
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, direction=lambda sigma, then: 0 * then)


@mutant("10.4", "variance for deviation", says="The fresh noise is multiplied by sigma^2", keeps=(*STILL, *ZERO))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, spread=lambda sigma: sigma**2)


@mutant("10.4", "noise not scaled", says="The fresh noise is not multiplied by sigma")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, spread=lambda sigma: torch.ones_like(sigma))


@mutant("10.4", "always deterministic", says="whatever eta is", keeps=(*STILL, *ZERO))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, 0.0)


@mutant("10.4", "to t - 1", says="The step ends at t - 1")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, torch.as_tensor(t) - 1, schedule, noise, eta)


@mutant("10.4", "clipped", says="nothing is clipped here")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, 1.5 * x_t, t, s, schedule, noise, eta, clip=True) if t is None else step(
        model, x_t, t, s, schedule, noise, eta, clip=True)


@mutant("10.4", "model told t - 1", says="The model is told t - 1")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, told=-1)


@mutant("10.4", "model asked at s", says="The model is asked at time s")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, asked=torch.as_tensor(s).expand(len(x_t)))


@mutant("10.4", "divided by alpha_bar", says="it should be divided by its root")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, root=False)


@mutant("10.4", "noise added to the datum", says="In the predicted datum the noise is added")
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, noise, eta, added=1.0)


@mutant("10.4", "own noise", says="use the noise that is passed in", keeps=(*STILL, *ZERO))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t, t, s, schedule, torch.randn_like(x_t), eta)


@mutant("10.4", "first row's times", says="All rows have the times of the first row", keeps=(*NOISE, *STILL, *ZERO))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    t, s = (torch.as_tensor(time).expand(len(x_t))[:1].expand(len(x_t)) for time in (t, s))
    return step(model, x_t, t, s, schedule, noise, eta)


@mutant("10.4", "wrong axis", says="run along the last axis", keeps=(*NOISE, *STILL, *ZERO, *PRECISION))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    if torch.as_tensor(t).ndim == 0 or x_t.shape != (3, 3):
        return step(model, x_t, t, s, schedule, noise, eta)
    now, then, sigma = schedule.alpha_bars[t], schedule.alpha_bars[s], eta * chain(schedule, t, s)
    eps = model(x_t, t)
    x0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return then.sqrt() * x0 + (1 - then - sigma**2).sqrt() * eps + sigma * noise


@mutant("10.4", "promoted to float64", says="x_t is float32, and x_s should be", keeps=(*NOISE, *STILL, *ZERO, *EACH))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    return step(model, x_t.double(), t, s, schedule, None if noise is None else noise.double(), eta)


@mutant("10.4", "float32 tables", says="right to single precision only", keeps=(*NOISE, *STILL, *ZERO, *EACH))
def ddim_step(model, x_t, t, s, schedule, noise, eta):  # noqa: F811
    t, s = (torch.as_tensor(time).expand(len(x_t)) for time in (t, s))
    return step(model, x_t, t, s, schedule, noise, eta, signal=schedule.alpha_bars.float()[s].sqrt())


def from_x0(x_t, x0, t, s, schedule, noise, eta, *, eps=None, **others):
    signal, spread = parts(schedule, t, x_t)
    return mixed(x_t, t, s, schedule, noise, eta, x0, (x_t - signal * x0) / spread if eps is None else eps, **others)


@mutant("10.7", "x_0 as the noise", says="x_0 is used as if it were the noise")
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):
    return step(lambda x, t: x0, x_t, t, s, schedule, noise, eta)


@mutant("10.7", "not divided", says="is not divided by sqrt(1 - alpha_bar_t)", keeps=ZERO)
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    signal, _ = parts(schedule, t, x_t)
    return from_x0(x_t, x0, t, s, schedule, noise, eta, eps=x_t - signal * x0)


@mutant("10.7", "divided by the variance", says="The noise is divided by the variance", keeps=ZERO)
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    signal, spread = parts(schedule, t, x_t)
    return from_x0(x_t, x0, t, s, schedule, noise, eta, eps=(x_t - signal * x0) / spread**2)


@mutant("10.7", "datum not scaled", says="x_0 is not multiplied by sqrt(alpha_bar_t)", keeps=ZERO)
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    _, spread = parts(schedule, t, x_t)
    return from_x0(x_t, x0, t, s, schedule, noise, eta, eps=(x_t - x0) / spread)


@mutant("10.7", "x_t for the noise", says="x_t stands in the place of the noise", keeps=ZERO)
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    return from_x0(x_t, x0, t, s, schedule, noise, eta, eps=x_t)


@mutant("10.7", "sigma not subtracted", says="sigma^2 is not subtracted under the root", keeps=(*STILL, *ZERO))
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    return from_x0(x_t, x0, t, s, schedule, noise, eta, direction=lambda sigma, then: (1 - then).sqrt())


@mutant("10.7", "always to zero", says="this is the predicted datum alone", keeps=ZERO)
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    return x0.clone()


@mutant("10.7", "no noise", says="No fresh noise is added", keeps=(*STILL, *ZERO))
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    return from_x0(x_t, x0, t, s, schedule, None, eta)


@mutant("10.7", "promoted to float64", says="x_t is float32, and x_s should be", keeps=(*NOISE, *STILL, *ZERO, *EACH))
def ddim_step_from_x0(x_t, x0, t, s, schedule, noise, eta):  # noqa: F811
    return from_x0(x_t.double(), x0.double(), t, s, schedule, None if noise is None else noise.double(), eta)
