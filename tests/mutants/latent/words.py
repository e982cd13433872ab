"""Wrong ways to drop captions, and to guide by them."""

from __future__ import annotations

import torch
from answers import mutant

GUIDED, CAPTIONS = ("guided", "gamma 0 and 1", "dtype"), ("the captions",)
for title, told, says in [
    ("mask reversed", lambda x, d, e: torch.where(d[:, None], x, e), "The mask is read the other way round"),
    ("zeros", lambda x, d, e: x * ~d[:, None], "The dropped rows become zeros"),
    ("cut out", lambda x, d, e: x[~d], "The dropped rows are cut out"),
    ("nothing dropped", lambda x, d, e: x.clone(), "No caption is dropped"),
    ("added", lambda x, d, e: x + e * d[:, None], "empty is added"),
    ("floats", lambda x, d, e: torch.where(d[:, None], e, x).double(), "the tokens should stay integers"),
]:
    def drop_captions(tokens, dropped, empty, told=told):
        return told(tokens, dropped, empty)

    mutant("12.4", title, says=says, keeps=GUIDED)(drop_captions)


@mutant("12.4", "in place", says="the tokens have been changed", keeps=GUIDED)
def drop_captions(tokens, dropped, empty):  # noqa: F811
    tokens[dropped] = empty
    return tokens


def guided_by(combine, told=lambda tokens: tokens, nothing=lambda empty, tokens: empty.expand_as(tokens)):
    """A guided model that combines the two answers in this way."""

    def text_guided_model(net, tokens, gamma, empty):
        def guided(z_t, t):
            return combine(net(z_t, t, told(tokens)), net(z_t, t, nothing(empty, tokens)), gamma)

        return guided

    text_guided_model.__module__, text_guided_model.__name__ = __name__, "text_guided_model"
    return text_guided_model


def right(a, b, g):
    return b + g * (a - b)


for title, function, says in [
    ("Ho and Salimans", guided_by(lambda a, b, g: (1 + g) * a - g * b), "gamma is Ho and Salimans' w here"),
    ("interchanged", guided_by(lambda a, b, g: a + g * (b - a)), "The roles are interchanged"),
    ("sign", guided_by(lambda a, b, g: b - g * (a - b)), "The sign of the difference is wrong"),
    ("not added", guided_by(lambda a, b, g: g * (a - b)), "The empty caption's answer is not added"),
    ("no gamma", guided_by(lambda a, b, g: a), "whatever gamma is"),
    ("zeros", guided_by(right, nothing=lambda e, x: torch.zeros_like(x)), "stand in the place of empty"),
    ("rows mixed", guided_by(right, told=lambda x: x.flip(0)), "another row"),
    ("float32", guided_by(lambda a, b, g: right(a.float(), b.float(), g).to(a.dtype)), "single precision only"),
    ("float64", guided_by(lambda a, b, g: right(a, b, g).double()), "the noise should be"),
]:
    mutant("12.4", title, says=says, keeps=CAPTIONS)(function)


@mutant("12.4", "no function", says="should return a function", keeps=CAPTIONS)
def text_guided_model(net, tokens, gamma, empty):
    return gamma
