"""Checks of chapter 11's exercises on a network that is told the class now and then."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ..judging import Case, Check, Draw, compare
from .ddpm_oracles import F64, ROUNDED, Setting, compare_precision, compare_values, random_setting, row_values
from .ddpm_training import NO_GRADIENT, mean_square, noisy
from .forward_inputs import distinct_times
from .guidance_oracles import component_noise, distinct_labels, mixture_noise, random_mixture, tables_of

CLASSES = 6
CHANGED = "the labels y have been changed: they are the caller's data, and the next epoch needs them; make a new tensor"


def network_of(draw: Draw, entries: int) -> dict[str, Tensor]:
    """The conditional network slope[t] x + label[y]: no two of its labels are close."""
    label = torch.linspace(-2.0, 2.0, CLASSES + 1, dtype=F64)[torch.randperm(CLASSES + 1, generator=draw.generator)]
    return {"slope": draw.uniform(0.3, 0.8, entries), "label": label + draw.uniform(-0.2, 0.2, CLASSES + 1)}


def answer(network: dict[str, Tensor], x: Tensor, t: Tensor, y: Tensor) -> Tensor:
    """What the network says, row by row."""
    return torch.stack([network["slope"][time] * row + network["label"][label] for row, time, label in zip(x, t.tolist(), y.tolist())])


class DroppedLabels(Check):
    """Exercise 11.6. Oracles: labels row by row, moments followed step by step, and the gradient of each label's row by hand."""

    number = "11.6"
    parts = {"the labels": 1, "the loss": 2, "gradient": 1, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for count in (4, 6):
            mask = torch.zeros(count, dtype=torch.bool)
            mask[torch.randperm(count, generator=draw.generator)[: count // 2]] = True
            arguments = {"y": distinct_labels(draw, count, CLASSES), "dropped": mask, "null": draw.integer(CLASSES, CLASSES + 4)}
            yield Case("the labels", "drop_labels", arguments,
                       f"y = {arguments['y'].tolist()}, dropped = {mask.tolist()}, null = {arguments['null']}")
        for value in (False, True):
            arguments = {"y": distinct_labels(draw, 3, CLASSES), "dropped": torch.full((3,), value), "null": CLASSES}
            yield Case("the labels", "drop_labels", arguments, f"dropped = {arguments['dropped'].tolist()}")
        setting = random_setting(draw)

        def case(part: str, shape: tuple[int, ...], call: str = "joint_loss", kind: torch.dtype = F64) -> Case:
            mask = torch.zeros(shape[0], dtype=torch.bool)
            mask[torch.randperm(shape[0], generator=draw.generator)[: shape[0] // 2]] = True
            network = network_of(draw, setting.T + 2)
            arguments = {"tables": tables_of(setting), "network": network, "x0": draw.normal(*shape).to(kind),
                         "y": distinct_labels(draw, shape[0], CLASSES), "t": distinct_times(draw, shape[0], setting.T),
                         "noise": draw.normal(*shape).to(kind), "dropped": mask}
            says = f"x0 of shape {shape}, y = {arguments['y'].tolist()}, dropped = {mask.tolist()}, null class {CLASSES}"
            return Case(part, call, arguments, says, {"setting": setting})

        yield case("the loss", (3, 3))
        yield case("the loss", (4, 1, 2, 2))
        yield case("gradient", (4, 2), "gradient_of_joint_loss")
        for kind in (torch.float64, torch.float32):
            yield case("precision", (4, 2), kind=kind)

    def judge(self, case: Case, result: object) -> str | None:
        y, mask = case.arguments["y"], case.arguments["dropped"]
        if case.part == "the labels":
            return self._judge_labels(case, y, mask, result)
        setting: Setting = case.secret["setting"]
        network, t = case.arguments["network"], case.arguments["t"]
        x0, noise = (case.arguments[name].double() for name in ("x0", "noise"))
        told = torch.tensor([CLASSES if out else label for label, out in zip(y.tolist(), mask.tolist())])
        x_t = noisy(setting, x0, t, noise)

        def error(labels: Tensor, x: Tensor = x_t, target: Tensor = noise) -> Tensor:
            return target - answer(network, x, t, labels)

        if case.part == "gradient":
            rows = -2 * error(told).flatten(1).sum(dim=1) / x0.numel()
            expected = torch.zeros(CLASSES + 1, dtype=F64).index_add(0, told, rows)
            plain = -2 * error(y).flatten(1).sum(dim=1) / x0.numel()
            return compare_values(result, expected, "the gradient with respect to the network's row for each class", {
                NO_GRADIENT.replace("model", "network"): torch.zeros_like(expected), "The gradient has the wrong sign.": -expected,
                "No gradient reaches the null class's row: all rows are told their class.":
                    torch.zeros(CLASSES + 1, dtype=F64).index_add(0, y, plain)})
        first, again = result["losses"]
        if isinstance(first, Tensor) and isinstance(again, Tensor) and not torch.equal(first, again):
            return ("two calls with the same arguments give two results: use the noise, the times and the mask that are passed in, and "
                    "leave the arguments as they are")
        if not result["kept"]:
            return CHANGED
        expected = mean_square(error(told))
        if case.part == "precision":
            return compare_precision(first, expected, "the loss", case.arguments["x0"], "x0")
        calls = len(result["told"])
        every, none = torch.full_like(y, CLASSES), torch.where(mask, y, CLASSES)
        kept = (~mask).reshape(-1, *[1] * (x0.ndim - 1))
        known = {
            "All rows are told their class; the dropped ones should get the null class.": mean_square(error(y)),
            "No row is told its class; only the dropped ones should get the null class.": mean_square(error(every)),
            "The mask is read the other way round: True says that the class is dropped.": mean_square(error(none)),
            "The null class of this network is its number of classes; here it is taken to be 0.":
                mean_square(error(torch.where(mask, 0, y))),
            "The null class comes after the classes 0, ..., K - 1: it is K, not K - 1.":
                mean_square(error(torch.where(mask, CLASSES - 1, y))),
            "The dropped rows are left out of the loss; they train the null class.": error(y)[~mask].square().mean(),
            "The dropped rows count nothing; they train the null class.": (kept * error(y)).square().mean(),
            "This is the sum of the squares; the mean over all elements is asked for.": error(told).square().sum(),
            "The squares of a row are summed; the mean goes over the components too.": error(told).square().sum() / len(x0),
            "The network gets the clean x_0; it should get x_t.": mean_square(error(told, x0)),
            "The output is compared with x_0; this network predicts the noise.": mean_square(error(told, x_t, x0)),
            "All rows are dropped as soon as one is.": mean_square(error(every)),
            "The two losses, with and without the class, are added; each row is asked once, in one of the two ways.":
                mean_square(error(y)) + mean_square(error(every)),
            "This is the mean of the losses with and without the class; each row is asked once, in one of the two ways.":
                (mean_square(error(y)) + mean_square(error(every))) / 2,
            "The mean over the rows that are told and the mean over those that are not are added; one mean goes over all rows.":
                error(told)[mask].square().mean() + error(told)[~mask].square().mean(),
            "The null class is taken to be the largest class of the batch, plus 1; it is the network's number of classes.":
                mean_square(error(torch.where(mask, y.max() + 1, y))),
            "The data of the dropped rows are set to 0; it is their class that is not told.":
                mean_square(error(y, noisy(setting, kept * x0, t, noise))),
        }
        problem = compare_values(first, expected, "the loss", known)
        if problem is None and calls != 2:
            return f"the network should be called once for a loss; it was called {calls / 2:g} times"
        return problem

    @staticmethod
    def _judge_labels(case: Case, y: Tensor, mask: Tensor, result: object) -> str | None:
        null, kept, new, result = case.arguments["null"], result["kept"], result["new"], result["told"]
        if not kept:
            return CHANGED
        if isinstance(result, Tensor) and result.is_floating_point():
            return f"the labels should stay integers, to look up a row of the network's table; got dtype {result.dtype}"
        expected = torch.tensor([null if out else label for label, out in zip(y.tolist(), mask.tolist())])
        known = {
            "The mask is read the other way round: True says that the class is dropped.": torch.where(mask, y, null),
            "The dropped rows get the class 0; they should get the null class.": torch.where(mask, 0, y),
            "The dropped rows get -1; they should get the null class.": torch.where(mask, -1, y),
            "The dropped rows get null - 1; they should get null.": torch.where(mask, null - 1, y),
            "The dropped rows are cut out; they should stay, with the null class.": y[~mask],
            "No class is dropped.": y,
            "Every class is dropped.": torch.full_like(y, null),
            "null is added to the class; it should stand in its place.": torch.where(mask, y + null, y),
        }
        problem = compare(result, expected.double(), what="the tensor of labels",
                          known={words: value.double() for words, value in known.items()})
        if problem is None and not new:
            return "the result is y itself; a new tensor is promised, in which the caller may write without changing y"
        return problem


GAMMA = {"deck": 0, "ho-salimans": 1, "imagen": 0, "diffusers": 0, "diffusers-original": 1, "dhariwal-nichol": 0,
         "dhariwal-nichol-conditional": 1}


class GuidedNoise(Check):
    """Exercise 11.7. Oracle: the weights 1 - gamma and gamma; for the conventions, the gamma at which two guided noises are the same."""

    number = "11.7"
    parts = {"the guided noise": 2, "precision": 1, "conventions": 2}

    def cases(self, draw: Draw) -> Iterable[Case]:
        def case(part: str, shape: tuple[int, ...], gamma: float, kind: torch.dtype = F64) -> Case:
            arguments = {"eps_uncond": draw.normal(*shape).to(kind), "eps_cond": draw.normal(*shape).to(kind), "gamma": gamma}
            return Case(part, "guided_noise", arguments, f"shape {shape}, gamma = {gamma:.3g}")

        yield case("the guided noise", (2, 3), draw.number(1.5, 6.0))
        yield case("the guided noise", (2, 1, 2, 2), draw.number(0.2, 0.4))
        yield case("the guided noise", (3,), draw.number(-2.0, -0.5))
        yield case("the guided noise", (2, 3), 1.0)
        yield case("the guided noise", (2, 3), 0.0)
        for kind in (torch.float64, torch.float32):
            yield case("precision", (2, 3), draw.number(1.5, 6.0), kind)
        for convention in GAMMA:
            yield Case("conventions", "gamma_of", {"scale": round(draw.number(2.5, 9.5), 3), "convention": convention}, f'"{convention}"')

    def judge(self, case: Case, result: object) -> str | None:
        if case.part == "conventions":
            return self._judge_convention(case, result)
        if not result["kept"]:
            return "one of the two noises has been changed in place; they are the caller's: make a new tensor"
        result = result["eps"]
        uncond, cond = (case.arguments[name].double() for name in ("eps_uncond", "eps_cond"))
        gamma = case.arguments["gamma"]
        expected = (1 - gamma) * uncond + gamma * cond
        if case.part == "precision":
            return compare_precision(result, expected, "the guided noise", case.arguments["eps_cond"], "eps_cond", ROUNDED)
        known = {
            "This is Ho and Salimans' w in the place of gamma: gamma = 1 should give eps_cond.": (1 + gamma) * cond - gamma * uncond,
            "The two noises have changed places: gamma = 1 should give eps_cond.": gamma * uncond + (1 - gamma) * cond,
            "The difference has the wrong sign.": uncond - gamma * (cond - uncond),
            "This is the step beyond only; it starts from eps_uncond.": gamma * (cond - uncond),
            "This is eps_cond, as if gamma were 1.": cond,
            "This is eps_uncond, as if gamma were 0.": uncond,
            "gamma multiplies eps_cond only; eps_uncond has the weight 1 - gamma.": uncond + gamma * cond,
            "gamma enters squared.": uncond + gamma**2 * (cond - uncond),
        }
        if gamma in (0.0, 1.0):
            known = {words: value for words, value in known.items() if not words.startswith(("This is eps", "gamma"))}
        return compare_values(result, expected, "the guided noise", known)

    @staticmethod
    def _judge_convention(case: Case, result: object) -> str | None:
        scale, convention = case.arguments["scale"], case.arguments["convention"]
        if isinstance(result, bool) or not isinstance(result, (Tensor, int, float)):
            return f"gamma should be a number, got {'None (is a return missing?)' if result is None else type(result).__name__}"
        expected = scale + GAMMA[convention]
        known = {
            "The other way round: this would turn a gamma into that convention's scale.": scale - GAMMA[convention],
            "Here the scale counts what goes beyond the condition: at scale 0 the class is told, without exaggeration.": scale,
        } if GAMMA[convention] else {
            "Here the scale is gamma itself: at scale 1 the class is told, without exaggeration.": scale + 1,
            "At scale 1 the class is told, without exaggeration; and there gamma is 1.": scale - 1,
            "This is the factor of what is said without the class; gamma is the factor of what is said with it.": 1 - scale,
        }
        return compare_values(result, torch.tensor(expected, dtype=F64), "gamma", {words: torch.tensor(value, dtype=F64)
                                                                                  for words, value in known.items()})


class GuidedModel(Check):
    """Exercise 11.8. Oracles: the network's two answers row by row, and on a mixture the noises in closed form."""

    number = "11.8"
    parts = {"values": 2, "a mixture, exactly": 1, "one call": 2, "precision": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        T = 9

        def case(part: str, shape: tuple[int, ...], gamma: float, kind: torch.dtype = F64) -> Case:
            arguments = {"network": network_of(draw, T + 2), "y": distinct_labels(draw, shape[0], CLASSES), "gamma": gamma,
                         "x_t": draw.normal(*shape).to(kind), "t": distinct_times(draw, shape[0], T)}
            return Case(part, "guided_model", arguments,
                        f"x_t of shape {shape}, y = {arguments['y'].tolist()}, null class {CLASSES}, gamma = {gamma:.3g}")

        yield case("values", (3, 2), draw.number(1.5, 6.0))
        yield case("values", (3, 3), draw.number(0.2, 0.4))
        yield case("values", (4, 1, 2, 2), draw.number(-2.0, -0.5))
        yield case("values", (2, 3), 1.0)
        yield case("values", (2, 3), 0.0)
        setting = random_setting(draw)
        for gamma in (1.0, 0.0, draw.number(1.5, 4.0)):
            mixture = random_mixture(draw, 2)
            arguments = {"tables": tables_of(setting), "mixture": mixture, "y": torch.tensor([2, 0, 1, 1]), "gamma": gamma,
                         "x_t": draw.normal(4, 2), "t": distinct_times(draw, 4, setting.T)}
            yield Case("a mixture, exactly", "guided_mixture", arguments, f"a perfect network for a mixture, gamma = {gamma:.3g}",
                       {"setting": setting})
        yield case("one call", (3, 2), draw.number(1.5, 6.0))
        for kind in (torch.float64, torch.float32):
            yield case("precision", (3, 2), draw.number(1.5, 6.0), kind)

    def judge(self, case: Case, result: object) -> str | None:
        x, t, y, gamma = (case.arguments[name] for name in ("x_t", "t", "y", "gamma"))
        if case.part == "a mixture, exactly":
            setting, mixture = case.secret["setting"], case.arguments["mixture"]
            told = torch.cat([component_noise(setting, mixture, x[i : i + 1], t[i : i + 1], k) for i, k in enumerate(y.tolist())])
            plain = mixture_noise(setting, mixture, x, t)
            return compare_values(result, plain + gamma * (told - plain), "the guided noise")
        if result["kind"] != "callable":
            return f"a new model is asked for, a function of x_t and t; got {result['kind']}"
        network, null = case.arguments["network"], torch.full_like(y, CLASSES)
        cond, uncond = (answer(network, x.double(), t, labels) for labels in (y, null))
        expected = gamma * cond + (1 - gamma) * uncond
        if case.part == "one call":
            problem = compare_values(result["eps"], expected, "the guided noise")
            return problem or self._judge_calls(result["asked"], y)
        if case.part == "precision":
            return compare_precision(result["eps"], expected, "the guided noise", x, "x_t")
        if isinstance(result["again"], Tensor) and not torch.equal(torch.as_tensor(result["eps"]), result["again"]):
            return "two calls with the same arguments give two results"

        def mixed(uncond: Tensor, cond: Tensor = cond) -> Tensor:
            return uncond + gamma * (cond - uncond)

        zero, last = (answer(network, x.double(), t, torch.full_like(y, label)) for label in (0, CLASSES - 1))
        known = {
            "The two answers have changed places: is the batch split in the order in which it was put together?": mixed(cond, uncond),
            "This is Ho and Salimans' w in the place of gamma: gamma = 1 should give the conditional noise.":
                (1 + gamma) * cond - gamma * uncond,
            "The null class comes after the classes 0, ..., K - 1: it is net.classes; here it is 0.": mixed(zero),
            "The null class comes after the classes 0, ..., K - 1: it is K = net.classes, not K - 1.": mixed(last),
            "This is the conditional noise, as if gamma were 1.": cond,
            "This is the unconditional noise, as if gamma were 0.": uncond,
            "The difference has the wrong sign.": uncond - gamma * (cond - uncond),
            "All rows have the class of the first row.": mixed(uncond, answer(network, x.double(), t, y[:1].expand(len(y)))),
            "All rows have the time of the first row.": mixed(answer(network, x.double(), t[:1].expand(len(t)), null),
                                                              answer(network, x.double(), t[:1].expand(len(t)), y)),
        }
        pairs = x.double().repeat_interleave(2, dim=0), t.repeat_interleave(2)
        known |= {
            "x_t is doubled row by row, and the classes batch by batch: both questions have to be about the same rows.":
                mixed(*answer(network, *pairs, torch.cat([null, y])).chunk(2)),
            "x_t is doubled row by row, the classes batch by batch: both questions have to be about the same rows.":
                mixed(*answer(network, *pairs, torch.cat([y, null])).chunk(2)[::-1]),
            "The questions are put together row by row, and the answer is split in the middle.":
                mixed(*answer(network, *pairs, torch.stack([null, y], dim=1).flatten()).chunk(2)),
        }
        if gamma in (0.0, 1.0):
            known = {words: value for words, value in known.items() if "as if gamma" not in words}
        return compare_values(result["eps"], expected, "the guided noise", known)

    @staticmethod
    def _judge_calls(asked: list[Tensor], y: Tensor) -> str | None:
        if len(asked) != 1:
            return ("one call of the guided model should call the network once, with both questions in one batch; "
                    f"it called it {len(asked)} times")
        wanted = sorted([*y.tolist(), *[CLASSES] * len(y)])
        if sorted(asked[0].tolist()) != wanted:
            return f"the network should be asked each row once with its class and once with the null class; it was told {asked[0].tolist()}"
        return None
