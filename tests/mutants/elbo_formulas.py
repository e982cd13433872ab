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


@mutant("1.3", "right without noise", says="It is right without noise (sigma = 0) only", keeps=("Var[z | x]",))
def posterior_mean_formula():
    return (x - b) * w / (w**2 + 3 * sigma**2)


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
