"""Wrong models and steps that a classifier guides."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.ddpm import ancestral_step
from ddpmlib.guidance import classifier_gradient
from ddpmlib.tables import at_times


def guided_by(function):
    """A guided model whose noise is ``function(eps, gradient, spread, signal, scale)``."""

    def classifier_guided_model(model, classifier, y, scale, schedule):
        def guided(x, t):
            spread, signal = at_times((1 - schedule.alpha_bars).sqrt(), t, x), at_times(schedule.alpha_bars.sqrt(), t, x)
            return function(model(x, t), classifier_gradient(classifier, x, t, y), spread, signal, scale)

        return guided

    classifier_guided_model.__module__ = __name__
    classifier_guided_model.__name__ = "classifier_guided_model"
    return classifier_guided_model


for title, function, says in [
    ("added", lambda e, g, b, a, s: e + b * s * g, "The gradient is added; noise points the other way"),
    ("no spread", lambda e, g, b, a, s: e - s * g, "not multiplied by the standard deviation of the noise"),
    ("variance", lambda e, g, b, a, s: e - b**2 * s * g, "multiplied by the variance 1 - alpha_bar_t"),
    ("signal", lambda e, g, b, a, s: e - a * s * g, "multiplied by sqrt(alpha_bar_t), the factor of the datum"),
    ("divided", lambda e, g, b, a, s: e - s * g / b, "The gradient is divided by the standard deviation"),
    ("no scale", lambda e, g, b, a, s: e - b * g, "The scale is missing"),
    ("scale squared", lambda e, g, b, a, s: e - b * s**2 * g, "The scale enters squared"),
    ("no gradient", lambda e, g, b, a, s: e, "no gradient enters"),
    ("only what is added", lambda e, g, b, a, s: -b * s * g, "This is what is added to the model's noise"),
    ("score", lambda e, g, b, a, s: -e / b + s * g, "This is the guided score"),
    ("mixed", lambda e, g, b, a, s: (1 - s) * e - b * s * g, "The two are mixed with the weights 1 - s and s"),
    ("first row's coefficient", lambda e, g, b, a, s: e - b[:1] * s * g, "the coefficient of the first row's time"),
]:
    mutant("11.4", title, says=says)(guided_by(function))


@mutant("11.4", "the noise, not a model", says="a new model is asked for")
def classifier_guided_model(model, classifier, y, scale, schedule):
    return scale


@mutant("11.4", "wrong axis", says="run along the last axis")
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    def guided(x, t):
        spread = (1 - schedule.alpha_bars[t]).sqrt().to(x.dtype)
        spread = spread if x.ndim == 2 and x.shape[0] == x.shape[1] else spread.reshape(-1, *[1] * (x.ndim - 1))
        return model(x, t) - spread * scale * classifier_gradient(classifier, x, t, y)

    return guided


@mutant("11.4", "time t - 1", says="The coefficient is that of time t - 1")
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    return lambda x, t: (model(x, t) - scale * at_times((1 - schedule.alpha_bars).sqrt(), t - 1, x)
                         * classifier_gradient(classifier, x, t, y))


@mutant("11.4", "asks the model twice", says="it called it 2 times", keeps=("a mixture, exactly",))
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    return lambda x, t: (model(x, t) + model(x, t)) / 2 - scale * at_times((1 - schedule.alpha_bars).sqrt(), t, x) * (
        classifier_gradient(classifier, x, t, y))


@mutant("11.4", "float32 inside", says="right to single precision only", keeps=("values",))
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    spread = (1 - schedule.alpha_bars).sqrt().float()
    return lambda x, t: model(x, t) - scale * at_times(spread, t, x) * classifier_gradient(classifier, x, t, y)


@mutant("11.4", "first row's class", says="All rows have the class of the first row")
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    spread = (1 - schedule.alpha_bars).sqrt()
    return lambda x, t: model(x, t) - scale * at_times(spread, t, x) * classifier_gradient(classifier, x, t, y[:1].expand(len(y)))


def step_by(function):
    """A guided step: ``function(mean, added, gradient, variance, beta, spread, scale)``."""

    def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):
        t = torch.as_tensor(t).expand(len(x_t))
        mean = ancestral_step(model, x_t, t, schedule, 0 * noise, variance)
        added = ancestral_step(model, x_t, t, schedule, noise, variance) - mean
        width, beta = at_times(variance.double(), t, x_t), at_times(schedule.betas, t, x_t)
        spread = at_times((1 - schedule.alpha_bars).sqrt(), t, x_t)
        return function(mean, added, classifier_gradient(classifier, x_t, t, y), width, beta, spread, scale)

    classifier_guided_step.__module__ = __name__
    classifier_guided_step.__name__ = "classifier_guided_step"
    return classifier_guided_step


for title, function, says in [
    ("no shift", lambda m, z, g, v, b, d, s: m + z, "The mean is not shifted"),
    ("deviation", lambda m, z, g, v, b, d, s: m + z + s * v.sqrt() * g, "The shift has the standard deviation sigma_t"),
    ("no variance", lambda m, z, g, v, b, d, s: m + z + s * g, "The shift lacks the variance"),
    ("away", lambda m, z, g, v, b, d, s: m + z - s * v * g, "The shift goes away from the class"),
    ("no scale", lambda m, z, g, v, b, d, s: m + z + v * g, "The scale is missing"),
    ("beta", lambda m, z, g, v, b, d, s: m + z + s * b * g, "The shift has beta_t; it should have the table's variance"),
    ("guided noise", lambda m, z, g, v, b, d, s: m + z + s * b / (1 - b).sqrt() * g, "This is the step with the guided noise"),
    ("inside the bracket", lambda m, z, g, v, b, d, s: m + z + s * v / (1 - b).sqrt() * g, "The shift stands inside the bracket"),
    ("like noise", lambda m, z, g, v, b, d, s: m + z - s * v * d * g, "The gradient enters like noise"),
    ("first row's variance", lambda m, z, g, v, b, d, s: m + z + s * v[:1] * g, "The shift has the variance of the first row's time"),
]:
    mutant("11.5", title, says=says)(step_by(function))


@mutant("11.5", "no noise", says="No noise is added", keeps=("the shift", "the last step"))
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):
    return step_by(lambda m, z, g, v, b, d, s: m + s * v * g)(model, classifier, x_t, t, y, scale, schedule, noise, variance)


@mutant("11.5", "noise at the end", says="Noise is added at t = 1 too", keeps=("the shift", "the noise"))
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    def step(mean, added, gradient, width, beta, spread, scale):
        return mean + scale * width * gradient + width.sqrt() * noise

    return step_by(step)(model, classifier, x_t, t, y, scale, schedule, noise, variance)


@mutant("11.5", "no shift at the end", says="There is no shift at t = 1", keeps=("the shift", "the noise"))
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    table = variance.clone()
    table[1] = 0
    t = torch.as_tensor(t).expand(len(x_t))
    shift = scale * at_times(table, t, x_t) * classifier_gradient(classifier, x_t, t, y)
    return ancestral_step(model, x_t, t, schedule, noise, variance) + shift


@mutant("11.5", "gradient at the mean", says="The gradient is taken at the mean")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    mean = ancestral_step(model, x_t, t, schedule, 0 * noise, variance)
    shift = scale * at_times(variance, t, x_t) * classifier_gradient(classifier, mean, t, y)
    return ancestral_step(model, x_t, t, schedule, noise, variance) + shift


@mutant("11.5", "float32 inside", says="right to single precision only", keeps=("the shift",))
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    shift = scale * at_times(variance.float(), t, x_t) * classifier_gradient(classifier, x_t, t, y)
    return ancestral_step(model, x_t, t, schedule, noise, variance) + shift


@mutant("11.5", "fresh noise", says="two calls with the same arguments give two results")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    shift = scale * at_times(variance, t, x_t) * classifier_gradient(classifier, x_t, t, y)
    return ancestral_step(model, x_t, t, schedule, torch.randn_like(noise), variance) + shift


def guided_at(place, function=classifier_gradient):
    """A guided model with the gradient of ``function`` at ``place(x, eps, signal, spread)``."""

    def classifier_guided_model(model, classifier, y, scale, schedule):
        def guided(x, t):
            eps, spread = model(x, t), at_times((1 - schedule.alpha_bars).sqrt(), t, x)
            where = place(x, eps, at_times(schedule.alpha_bars.sqrt(), t, x), spread)
            return eps - spread * scale * function(classifier, where, t, y)

        return guided

    classifier_guided_model.__module__ = __name__
    classifier_guided_model.__name__ = "classifier_guided_model"
    return classifier_guided_model


def logit_gradient(classifier, x, t, y):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(classifier(x, t).gather(1, y[:, None]).sum(), x)[0]


def here(x, eps, signal, spread):
    return x


for title, answer, says in [
    ("1 + s", guided_by(lambda e, g, b, a, s: e - b * (1 + s) * g), "The gradient enters with 1 + s"),
    ("whole scale", guided_by(lambda e, g, b, a, s: e - b * int(s) * g), "The scale is cut to a whole number"),
    ("at the datum", guided_at(lambda x, e, a, b: (x - b * e) / a), "The gradient is taken at the datum"),
    ("at the noise", guided_at(lambda x, e, a, b: e), "The gradient is taken at the model's noise"),
    ("logit", guided_at(here, logit_gradient), "This has the gradient of the logit of y"),
    ("mean over the batch", guided_at(here, lambda c, x, t, y: classifier_gradient(c, x, t, y) / len(x)), "divided by the number of rows"),
    ("classifier told t - 1", guided_at(here, lambda c, x, t, y: classifier_gradient(c, x, (t - 1).clamp(min=1), y)), "values differ"),
]:
    mutant("11.4", title, says=says)(answer)


@mutant("11.4", "one step's deviation", says="The gradient is multiplied by sqrt(beta_t)")
def classifier_guided_model(model, classifier, y, scale, schedule):  # noqa: F811
    return lambda x, t: model(x, t) - scale * at_times(schedule.betas.sqrt(), t, x) * classifier_gradient(classifier, x, t, y)


for title, function, says in [
    ("scale squared", lambda m, z, g, v, b, d, s: m + z + s**2 * v * g, "The scale enters squared"),
    ("the noise's factor", lambda m, z, g, v, b, d, s: m + z + s * d * g, "The shift has sqrt(1 - alpha_bar_t)"),
    ("guided twice", lambda m, z, g, v, b, d, s: m + z + s * (v + b / (1 - b).sqrt()) * g, "The class pushes twice"),
]:
    mutant("11.5", title, says=says)(step_by(function))


@mutant("11.5", "gradient after the step", says="The gradient is taken at x_{t-1}")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    after = ancestral_step(model, x_t, t, schedule, noise, variance)
    return after + scale * at_times(variance, t, x_t) * classifier_gradient(classifier, after, t, y)


@mutant("11.5", "classifier told t - 1", says="it is asked about x_t, so it is told t", keeps=("the last step",))
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    shift = scale * at_times(variance, t, x_t) * classifier_gradient(classifier, x_t, (t - 1).clamp(min=1), y)
    return ancestral_step(model, x_t, t, schedule, noise, variance) + shift


@mutant("11.5", "shift before the step", says="x_t is shifted before the step")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    shift = scale * at_times(variance, t, x_t) * classifier_gradient(classifier, x_t, t, y)
    return ancestral_step(model, x_t + shift, t, schedule, noise, variance)


@mutant("11.5", "x_t in place", says="leave the arguments as they are")
def classifier_guided_step(model, classifier, x_t, t, y, scale, schedule, noise, variance):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x_t))
    shift = scale * at_times(variance, t, x_t) * classifier_gradient(classifier, x_t, t, y)
    x_t += ancestral_step(model, x_t, t, schedule, noise, variance) + shift - x_t
    return x_t.clone()
