"""The check of chapter 12's exercise on dropped captions and guidance."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64
from .forward_inputs import distinct_times
from .latent_oracles import CHANNELS, WORDS, answered, guided, random_empty, random_network, random_tokens
from .precision import wrong_dtype
from .unet_oracles import compare_closely, twice

CHANGED = "the tokens have been changed: they are the caller's data, and the next epoch needs them; make a new tensor"


class CaptionGuidance(Check):
    """Exercise 12.4. Oracles: captions row by row; the guided noise as a weighted mean of two answers, row by row."""

    number = "12.4"
    parts = {"the captions": 2, "guided": 2, "gamma 0 and 1": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for batch in (4, WORDS):
            mask = torch.zeros(batch, dtype=torch.bool)
            mask[torch.randperm(batch, generator=draw.generator)[: batch // 2]] = True
            arguments = {"tokens": random_tokens(draw, batch), "dropped": mask, "empty": torch.tensor([0, draw.integer(1, 2), 0])}
            yield Case("the captions", "drop_captions", arguments, f"tokens of shape {(batch, WORDS)}, dropped = {mask.tolist()}")
        for value in (False, True):
            arguments = {"tokens": random_tokens(draw, 2), "dropped": torch.full((2,), value), "empty": random_empty(draw)}
            yield Case("the captions", "drop_captions", arguments, f"dropped = {arguments['dropped'].tolist()}")
        T = 8
        for part, gamma, kind in (("guided", draw.number(1.5, 4.0), F64), ("guided", draw.number(-1.0, -0.3), F64),
                                  ("gamma 0 and 1", 0.0, F64), ("gamma 0 and 1", 1.0, F64), ("dtype", 2.0, torch.float32)):
            arguments = {"network": random_network(draw, T + 1), "tokens": random_tokens(draw, 3), "gamma": gamma,
                         "empty": torch.tensor([0, draw.integer(1, 2), 0]), "z_t": draw.normal(3, CHANNELS, 2, 2).to(kind),
                         "t": distinct_times(draw, 3, T)}
            yield Case(part, "text_guided_model", arguments, f"gamma = {gamma:.3g}, t = {arguments['t'].tolist()}")

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "the captions":
            return self._judge_captions(case, result)
        network, tokens, gamma, empty, z, t = (case.arguments[name] for name in ("network", "tokens", "gamma", "empty", "z_t", "t"))
        if result["kind"] != "callable":
            return f"text_guided_model should return a function of z_t and t, got {result['kind']}"
        first, differs = twice(result["found"])
        if differs:
            return differs
        expected = guided(network, z.double(), t, tokens, empty, gamma)
        if case.part == "dtype":
            problem = compare(first, expected, what="the noise", rtol=1e-4, atol=1e-5)
            return problem or wrong_dtype(first, torch.float32, "z_t", "the noise")

        def known() -> dict[str, Tensor]:
            told = answered(network, z, t, tokens)
            nothing = answered(network, z, t, empty[None].repeat(3, 1))
            zeros = answered(network, z, t, torch.zeros_like(tokens))
            return {
                "gamma is Ho and Salimans' w here; at gamma = 1 the answer should be that of the network told its captions.":
                    told + gamma * (told - nothing),
                "The roles are interchanged: gamma = 1 gives the answer to the empty caption.": gamma * nothing + (1 - gamma) * told,
                "The sign of the difference is wrong.": nothing - gamma * (told - nothing),
                "The empty caption's answer is not added.": gamma * (told - nothing),
                "This is the answer told the captions, whatever gamma is.": told,
                "This is the answer to the empty caption, whatever gamma is.": nothing,
                "Seven zeros, or as many as there are words, stand in the place of empty.": zeros + gamma * (told - zeros),
                "The caption that is dropped is that of another row.":
                    gamma * answered(network, z, t, tokens.flip(0)) + (1 - gamma) * nothing,
            }

        return compare_closely(first, expected, "the noise", known)

    @staticmethod
    def _judge_captions(case: Case, result: dict) -> str | None:
        tokens, mask, empty = (case.arguments[name] for name in ("tokens", "dropped", "empty"))
        if not result["kept"]:
            return CHANGED
        told = result["told"]
        expected = torch.tensor([empty.tolist() if out else row for row, out in zip(tokens.tolist(), mask.tolist())])
        known = {
            "The mask is read the other way round: True means that the caption is dropped.":
                torch.tensor([row if out else empty.tolist() for row, out in zip(tokens.tolist(), mask.tolist())]),
            "No caption is dropped.": tokens,
            "All captions are dropped.": empty.expand_as(tokens),
            "The dropped rows become zeros; they should become empty, whatever it holds.": tokens * ~mask[:, None],
            "The dropped rows are cut out; they should stay, with the empty caption.": tokens[~mask],
            "empty is added to the dropped rows; it should stand in their place.": tokens + empty * mask[:, None],
        }
        if len(tokens) == WORDS:
            known["The mask runs along the words; it belongs to the rows."] = torch.where(mask, empty, tokens)
        problem = compare(told, expected, what="the tokens", rtol=0, atol=0, known=known)
        if problem is None and told.is_floating_point():
            return "the tokens should stay integers"
        return problem
