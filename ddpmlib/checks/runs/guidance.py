"""How chapter 11's exercises are run: models, classifiers and networks travel as tables, and are built here."""

from __future__ import annotations

import torch
from torch import Tensor

from . import given
from .ddpm import AffineModel


class SmallClassifier:
    """Logits tanh(x A + shift[t]) B, with parameters that can collect gradients; it notes what it is called with."""

    def __init__(self, tables: dict[str, Tensor]):
        self.inner, self.shift, self.outer = (tables[name].clone().requires_grad_() for name in ("inner", "shift", "outer"))
        self.calls = 0

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        require_times(t, x, "a classifier")
        self.calls += 1
        kind = x.dtype
        hidden = torch.tanh(x.flatten(start_dim=1) @ self.inner.to(kind) + self.shift[t].to(kind))
        return hidden @ self.outer.to(kind)

    @property
    def parameters(self) -> list[Tensor]:
        return [self.inner, self.shift, self.outer]

    def touched(self) -> bool:
        """Whether something was left in the parameters: a gradient, or a switch that is off."""
        return any(value.grad is not None or not value.requires_grad for value in self.parameters)


class SmallNetwork:
    """The conditional network slope[t] x + label[y], with a row of ``label`` for each class and one for the null class."""

    def __init__(self, tables: dict[str, Tensor]):
        self.slope, self.label = tables["slope"].clone(), tables["label"].clone()
        self.classes = len(self.label) - 1
        self.asked: list[Tensor] = []

    def __call__(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        require_times(t, x, "a conditional network")
        y = torch.full((len(x),), self.classes) if y is None else y
        if not isinstance(y, Tensor) or y.is_floating_point() or y.dtype == torch.bool or y.shape != (len(x),):
            found = f"{y.dtype} of shape {tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(f"a network is told its classes as an integer tensor of shape (batch,), here ({len(x)},); got {found}")
        if y.min() < 0 or y.max() > self.classes:
            raise ValueError(f"the classes of this network are 0, ..., {self.classes - 1}, and {self.classes} for none; got {y.tolist()}")
        self.asked.append(y.clone())
        rows = (-1, *[1] * (x.ndim - 1))
        return self.slope[t].reshape(rows).to(x.dtype) * x + self.label[y].reshape(rows).to(x.dtype)


class MixtureNetwork:
    """What a perfect conditional network says of a mixture whose components are the classes: noises, by gradients of log densities."""

    def __init__(self, tables: dict[str, Tensor], alpha_bars: Tensor):
        self.mixture, self.alpha_bars = given.mixture(**tables), alpha_bars
        self.classes = len(tables["weights"])

    def logs(self, x: Tensor, t: Tensor) -> Tensor:
        """The logarithms of weight times density, for each row and each component."""
        rows = [self.mixture.diffused(self.alpha_bars[time].item()).component_log_probs(row[None]) for row, time in zip(x, t.tolist())]
        return torch.cat(rows)

    def __call__(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        require_times(t, x, "a conditional network")
        y = torch.full((len(x),), self.classes) if y is None else y
        with torch.enable_grad():
            inputs = x.detach().requires_grad_()
            logs = self.logs(inputs, t)
            chosen = [row.logsumexp(0) if label == self.classes else row[label] for row, label in zip(logs, y.tolist())]
            (score,) = torch.autograd.grad(torch.stack(chosen).sum(), inputs)
        return -(1 - self.alpha_bars[t]).sqrt()[:, None] * score


def require_times(t: object, x: Tensor, who: str) -> None:
    """Raise unless ``t`` has an integer for each row of ``x``."""
    if not isinstance(t, Tensor) or t.is_floating_point() or t.shape != (len(x),):
        found = f"{t.dtype} of shape {tuple(t.shape)}" if isinstance(t, Tensor) else type(t).__name__
        raise ValueError(f"{who} is called with an integer tensor of times of shape (batch,), here ({len(x)},); got {found}")


def noisy_classifier_loss(module, tables: dict, classifier: dict, x0: Tensor, y: Tensor, t: int | Tensor, noise: Tensor) -> dict:
    """The loss, the loss again, and how often the classifier was asked."""
    schedule, judge = given.schedule(**tables), SmallClassifier(classifier)
    losses = [module.noisy_classifier_loss(judge, x0, y, t, noise, schedule) for _ in range(2)]
    return {"losses": losses, "calls": judge.calls}


def gradient_of_classifier_loss(
    module, tables: dict, classifier: dict, x0: Tensor, y: Tensor, t: int | Tensor, noise: Tensor
) -> object:
    """The gradient of the loss with respect to the classifier's last layer."""
    judge = SmallClassifier(classifier)
    loss = module.noisy_classifier_loss(judge, x0, y, t, noise, given.schedule(**tables))
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros_like(judge.outer)
    (found,) = torch.autograd.grad(loss.sum(), judge.outer, allow_unused=True)
    return torch.zeros_like(judge.outer) if found is None else found


def classifier_gradient(module, classifier: dict, x_t: Tensor, t: int | Tensor, y: Tensor, sampling: bool) -> dict:
    """The gradient, and what it has left behind; ``sampling``: without gradients around it."""
    judge = SmallClassifier(classifier)
    with torch.set_grad_enabled(not sampling):
        try:
            found = module.classifier_gradient(judge, x_t, t, y)
        except RuntimeError as error:
            if not sampling or "grad" not in str(error):
                raise
            with torch.enable_grad():
                module.classifier_gradient(judge, x_t, t, y)  # if it fails here too, gradients around it are not the reason
            return {"failed": str(error)}
        switched = torch.is_grad_enabled() == sampling
    return {"switched": switched, "gradient": found, "touched": judge.touched(), "graph": bool(getattr(found, "requires_grad", False)),
            "input": bool(x_t.requires_grad or x_t.grad is not None)}


def classifier_guided_model(
    module, tables: dict, model: dict, classifier: dict, y: Tensor, scale: float, x_t: Tensor, t: Tensor, sampling: bool
) -> dict:
    """What the guided model says, and how often it asked the model."""
    schedule, plain, judge = given.schedule(**tables), AffineModel(**model), SmallClassifier(classifier)
    guided = module.classifier_guided_model(plain, judge, y, scale, schedule)
    if not callable(guided):
        return {"eps": None, "calls": 0, "kind": type(guided).__name__}
    with torch.set_grad_enabled(not sampling):
        return {"eps": guided(x_t, t), "calls": len(plain.times), "kind": "callable"}


def classifier_guided_mixture(module, tables: dict, mixture: dict, y: Tensor, scale: float, x_t: Tensor, t: Tensor) -> object:
    """What the guided model says of a mixture, with the exact noise and the exact classifier."""
    schedule = given.schedule(**tables)
    exact = MixtureNetwork(mixture, schedule.alpha_bars)
    guided = module.classifier_guided_model(exact, exact.logs, y, scale, schedule)
    return guided(x_t, t) if callable(guided) else guided


def classifier_guided_step(
    module, tables: dict, model: dict, classifier: dict, x_t: Tensor, t: int | Tensor, y: Tensor, scale: float, noise: Tensor,
    variance: Tensor,
) -> list:
    """The step, and the step again."""
    schedule, plain, judge = given.schedule(**tables), AffineModel(**model), SmallClassifier(classifier)
    return [module.classifier_guided_step(plain, judge, x_t, t, y, scale, schedule, noise, variance) for _ in range(2)]


def drop_labels(module, y: Tensor, dropped: Tensor, null: int) -> dict:
    """The labels that are told, and whether the given ones are still what they were."""
    before = y.clone()
    told = module.drop_labels(y, dropped, null)
    return {"told": told, "kept": bool(torch.equal(before, y)), "new": not (isinstance(told, Tensor) and told.data_ptr() == y.data_ptr())}


def joint_loss(module, tables: dict, network: dict, x0: Tensor, y: Tensor, t: int | Tensor, noise: Tensor, dropped: Tensor) -> dict:
    """The loss, the loss again, the labels that the network was told, and whether the given ones are still what they were."""
    schedule, net, before = given.schedule(**tables), SmallNetwork(network), y.clone()
    losses = [module.joint_loss(net, x0, y, t, noise, dropped, schedule) for _ in range(2)]
    return {"losses": losses, "told": net.asked, "kept": bool(torch.equal(before, y))}


def gradient_of_joint_loss(
    module, tables: dict, network: dict, x0: Tensor, y: Tensor, t: int | Tensor, noise: Tensor, dropped: Tensor
) -> object:
    """The gradient of the loss with respect to the network's rows for the classes."""
    net = SmallNetwork(network)
    net.label.requires_grad_()
    loss = module.joint_loss(net, x0, y, t, noise, dropped, given.schedule(**tables))
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros_like(net.label)
    (found,) = torch.autograd.grad(loss.sum(), net.label, allow_unused=True)
    return torch.zeros_like(net.label) if found is None else found


def guided_noise(module, eps_uncond: Tensor, eps_cond: Tensor, gamma: float) -> dict:
    """The guided noise, and whether the two noises are still what they were."""
    before = eps_uncond.clone(), eps_cond.clone()
    guided = module.guided_noise(eps_uncond, eps_cond, gamma)
    return {"eps": guided, "kept": bool(torch.equal(before[0], eps_uncond) and torch.equal(before[1], eps_cond))}


def gamma_of(module, scale: float, convention: str) -> object:
    """The course's gamma."""
    return module.gamma_of(scale, convention)


def guided_model(module, network: dict, y: Tensor, gamma: float, x_t: Tensor, t: Tensor) -> dict:
    """What the guided model says, twice, and what the network was asked in the first call."""
    net = SmallNetwork(network)
    guided = module.guided_model(net, y, gamma)
    if not callable(guided):
        return {"eps": None, "kind": type(guided).__name__, "asked": [], "again": None}
    eps, asked = guided(x_t, t), list(net.asked)
    return {"eps": eps, "kind": "callable", "asked": asked, "again": guided(x_t, t)}


def guided_mixture(module, tables: dict, mixture: dict, y: Tensor, gamma: float, x_t: Tensor, t: Tensor) -> object:
    """What the guided model says of a mixture, with a perfect network."""
    guided = module.guided_model(MixtureNetwork(mixture, tables["alpha_bars"]), y, gamma)
    return guided(x_t, t) if callable(guided) else guided
