"""Wrong formulas for chapter 1."""
# ruff: noqa: F811

from __future__ import annotations

import sympy
from answers import mutant

x, w, b, sigma, m, s = sympy.symbols("x w b sigma m s")
MEAN = w * (x - b) / (w**2 + sigma**2)
VARIANCE = sigma**2 / (w**2 + sigma**2)


@mutant("1.3", "sigma for its square", says="the variance of x given z is sigma**2", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return w * (x - b) / (w**2 + sigma)


@mutant("1.3", "no offset", says="The offset b is missing", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return w * x / (w**2 + sigma**2)


@mutant("1.3", "inverted decoder", says="inverts the decoder", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return (x - b) / w


@mutant("1.3", "not divided by the precision", says="lacks its division by the precision", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return w * (x - b) / sigma**2


@mutant("1.3", "right without noise", says="without noise (sigma = 0)", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return (x - b) * w / (w**2 + 3 * sigma**2)


@mutant("1.3", "sign of the offset", says="The sign of b is wrong", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return w * (x + b) / (w**2 + sigma**2)


@mutant("1.3", "nothing returned", says="is a return missing?", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return None


@mutant("1.3", "precision", says="This is the precision", keeps=("E[z | x]",))
def posterior_variance_formula():
    return 1 + w**2 / sigma**2


@mutant("1.3", "standard deviation", says="This is the standard deviation", keeps=("E[z | x]",))
def posterior_variance_formula():
    return sympy.sqrt(VARIANCE)


@mutant("1.3", "prior forgotten", says="forgets the prior on z", keeps=("E[z | x]",))
def posterior_variance_formula():
    return sigma**2 / w**2


@mutant("1.3", "variance of x", says="This is the variance of x", keeps=("E[z | x]",))
def posterior_variance_formula():
    return w**2 + sigma**2


@mutant("1.3", "explained share", says="the share of the variance", keeps=("E[z | x]",))
def posterior_variance_formula():
    return w**2 / (w**2 + sigma**2)


@mutant("1.3", "prior's variance", says="This is the prior's variance", keeps=("E[z | x]",))
def posterior_variance_formula():
    return 1


@mutant("1.3", "variance of the noise", says="This is the variance of x given z", keeps=("E[z | x]",))
def posterior_variance_formula():
    return sigma**2


@mutant("1.3", "w not squared", says="so does its w", keeps=("E[z | x]",))
def posterior_variance_formula():
    return 1 / (1 + w / sigma**2)


@mutant("1.3", "half of the variance", says="factor 1/2", keeps=("E[z | x]",))
def posterior_variance_formula():
    return VARIANCE / 2


def _kl(mean=MEAN, variance=VARIANCE):
    return ((s**2 + (m - mean) ** 2) / variance - 1 + sympy.log(variance / s**2)) / 2


@mutant("1.6", "swapped", says="the arguments are swapped")
def elbo_gap_formula():
    return ((VARIANCE + (m - MEAN) ** 2) / s**2 - 1 + sympy.log(s**2 / VARIANCE)) / 2


@mutant("1.6", "to the prior", says="This is the KL to the prior")
def elbo_gap_formula():
    return (s**2 + m**2 - 1 - sympy.log(s**2)) / 2


@mutant("1.6", "sign", says="this is ELBO - log p(x)")
def elbo_gap_formula():
    return -((s**2 + (m - MEAN) ** 2) / VARIANCE - 1 + sympy.log(VARIANCE / s**2)) / 2


@mutant("1.6", "no half", says="The factor 1/2 is missing")
def elbo_gap_formula():
    return (s**2 + (m - MEAN) ** 2) / VARIANCE - 1 + sympy.log(VARIANCE / s**2)


@mutant("1.6", "s for its square", says="the encoder's variance is s**2")
def elbo_gap_formula():
    return ((s + (m - MEAN) ** 2) / VARIANCE - 1 + sympy.log(VARIANCE / s)) / 2


@mutant("1.6", "means only", says="the gap of the means only")
def elbo_gap_formula():
    return (m - MEAN) ** 2 / (2 * VARIANCE)


@mutant("1.6", "no weight on the means", says="It is right for the encoder with the posterior's mean")
def elbo_gap_formula():
    return (s**2 / VARIANCE + (m - MEAN) ** 2 - 1 + sympy.log(VARIANCE / s**2)) / 2


@mutant("1.6", "ELBO for the gap", says="This is the ELBO")
def elbo_gap_formula():
    reconstruction = -((x - b - w * m) ** 2 + w**2 * s**2) / (2 * sigma**2) - sympy.log(2 * sympy.pi * sigma**2) / 2
    return reconstruction - (s**2 + m**2 - 1 - sympy.log(s**2)) / 2


@mutant("1.6", "no logarithm", says="The logarithm is missing")
def elbo_gap_formula():
    return ((s**2 + (m - MEAN) ** 2) / VARIANCE - 1) / 2


@mutant("1.6", "logarithm upside down", says="The ratio in the logarithm is upside down")
def elbo_gap_formula():
    return ((s**2 + (m - MEAN) ** 2) / VARIANCE - 1 + sympy.log(s**2 / VARIANCE)) / 2


@mutant("1.6", "standard deviations in the logarithm", says="The logarithm has half its weight")
def elbo_gap_formula():
    return ((s**2 + (m - MEAN) ** 2) / VARIANCE - 1 + sympy.log(sympy.sqrt(VARIANCE) / s)) / 2


@mutant("1.6", "logarithm not halved", says="The logarithm has twice its weight")
def elbo_gap_formula():
    return ((s**2 + (m - MEAN) ** 2) / VARIANCE - 1) / 2 + sympy.log(VARIANCE / s**2)


@mutant("1.6", "no minus one", says="The -1 is missing")
def elbo_gap_formula():
    return _kl() + sympy.Rational(1, 2)


@mutant("1.6", "variance squared", says="The posterior's variance is squared")
def elbo_gap_formula():
    return _kl(variance=VARIANCE**2)


@mutant("1.6", "no offset", says="check Exercise 1.3. The offset b is missing")
def elbo_gap_formula():
    return _kl(mean=MEAN.subs(b, 0))


@mutant("1.6", "precision for variance", says="check Exercise 1.3. This is the precision")
def elbo_gap_formula():
    return _kl(variance=1 / VARIANCE)


@mutant("1.6", "sigma for its square", says="the variance of x given z is sigma**2")
def elbo_gap_formula():
    return _kl(w * (x - b) / (w**2 + sigma), sigma / (w**2 + sigma))
