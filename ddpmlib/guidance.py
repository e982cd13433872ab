# Stub: write your code where NotImplementedError is raised.
"""Guidance: a sampler is led to a class, by a classifier's gradient or by one network that knows the class and forgets it (chapter 11).

A *classifier* is a callable ``logits = classifier(x_t, t)``: it gets noisy data of shape (batch, ...) and an integer tensor of shape
(batch,), the time of each row, and returns one number for each class, of shape (batch, classes); their softmax is p(y | x_t). A
*conditional network* is a callable ``eps = net(x_t, t, y)`` with an attribute ``classes``, the number K of classes: ``y`` holds a class
0, ..., K - 1 for each row, or K, the null class, for a row whose class is not told. What a *model* is stands in ``models.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from ddpmlib.ddpm import ancestral_step, training_loss
from ddpmlib.models import Model, conditioned, require_model, require_variances, row_times
from ddpmlib.schedules import Schedule
from ddpmlib.tables import at_times, require_schedule
from ddpmlib.validation import require_integer, require_number, require_same_shape, require_tensor, require_times

Classifier = Callable[[Tensor, Tensor], Tensor]
Convention = Literal[
    "deck", "ho-salimans", "imagen", "diffusers", "diffusers-original", "dhariwal-nichol", "dhariwal-nichol-conditional"
]
CONVENTIONS: tuple[str, ...] = get_args(Convention)


def noisy_classifier_loss(
    classifier: Classifier,
    x0: Float[Tensor, "batch *shape"],
    y: Int[Tensor, "batch"],
    t: int | Int[Tensor, "batch"],
    noise: Float[Tensor, "batch *shape"],
    schedule: Schedule,
) -> Float[Tensor, ""]:
    r"""Exercise 11.2. The loss of a classifier of noisy data: the mean over the batch of -log p(y | x_t).

    Parameters
    ----------
    classifier
        ``logits = classifier(x_t, t)``. It is called once, with x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps and with the
        times as an integer tensor of shape (batch,).
    x0
        a batch of data, of shape (batch, ...).
    y
        the class of each row, an integer tensor of shape (batch,).
    t
        the time, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,) with one time for each row.
    noise
        eps ~ N(0, I), of the shape of ``x0``.
    schedule
        the schedule's tables.

    Returns
    -------
    The mean cross-entropy in nats, as a tensor of shape () and of the logits' dtype; gradients reach the classifier's parameters. It is
    finite also where the classifier is so sure of another class that the softmax of the right one is rounded to 0.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time lies outside 1..T.

    Source: Dhariwal and Nichol (2021), section 4; chapter 11, "A classifier that has seen noise".
    """
    require_classifier(classifier)
    require_schedule("schedule", schedule)
    require_same_shape(x0=x0, noise=noise)
    t = row_times("t", t, x0, schedule.T)
    y = require_classes("y", y, x0)
    raise NotImplementedError("Exercise 11.2: write noisy_classifier_loss in ddpmlib/guidance.py")


def classifier_gradient(
    classifier: Classifier, x_t: Float[Tensor, "batch *shape"], t: int | Int[Tensor, "batch"], y: Int[Tensor, "batch"]
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 11.3. The gradient of log p(y | x_t) with respect to x_t, each row for its own class.

    It works under ``torch.no_grad()`` as well (samplers run there), and leaves no trace: no gradient in the classifier's parameters,
    no graph on the result, gradients switched on or off as they were, and ``x_t`` as it was.

    Parameters
    ----------
    classifier
        ``logits = classifier(x_t, t)``; what it says of one row does not depend on the other rows.
    x_t
        noisy data, of shape (batch, ...).
    t
        the time, at least 1: an int for the whole batch, or an integer tensor of shape (batch,).
    y
        the class of each row, an integer tensor of shape (batch,).

    Returns
    -------
    A tensor of the shape and dtype of ``x_t``: row i is the gradient of log p(y_i | x_i) with respect to x_i, also where the softmax of
    y_i is rounded to 0.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time is less than 1.

    Source: Dhariwal and Nichol (2021), section 4; chapter 11, "The gradient".
    """
    require_classifier(classifier)
    require_tensor("x_t", x_t)
    t = row_times("t", t, x_t, None)
    y = require_classes("y", y, x_t)
    raise NotImplementedError("Exercise 11.3: write classifier_gradient in ddpmlib/guidance.py")


def classifier_guided_model(
    model: Model, classifier: Classifier, y: Int[Tensor, "batch"], scale: float, schedule: Schedule
) -> Model:
    r"""Exercise 11.4. The noise predictor that a classifier guides: a new model, for any sampler.

    Parameters
    ----------
    model
        the noise predictor of the data without classes. The new model calls it once each time.
    classifier
        ``logits = classifier(x_t, t)``.
    y
        the class that each row is to have, an integer tensor of shape (batch,).
    scale
        s, a finite number: 0 for no guidance, 1 for what Bayes' rule says.
    schedule
        the schedule's tables.

    Returns
    -------
    A model ``eps = guided(x_t, t)`` for ``x_t`` of shape (batch, ...) and an integer tensor ``t`` of shape (batch,). Its result has the
    shape and dtype of ``x_t``; the coefficients are taken from the float64 tables.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type; when the new model is called, also if there are not as many classes as rows.

    Source: Dhariwal and Nichol (2021), Algorithm 2; chapter 11, "Guidance of the noise".
    """
    require_model(model)
    require_classifier(classifier)
    require_schedule("schedule", schedule)
    require_classes("y", y)
    scale = require_number("scale", scale)
    raise NotImplementedError("Exercise 11.4: write classifier_guided_model in ddpmlib/guidance.py")


def classifier_guided_step(
    model: Model,
    classifier: Classifier,
    x_t: Float[Tensor, "batch *shape"],
    t: int | Int[Tensor, "batch"],
    y: Int[Tensor, "batch"],
    scale: float,
    schedule: Schedule,
    noise: Float[Tensor, "batch *shape"],
    variance: Float[Tensor, "T+1"],
) -> Float[Tensor, "batch *shape"]:
    r"""Exercise 11.5. One ancestral step whose mean the classifier's gradient shifts.

    x_{t-1} = mu + s sigma_t^2 g + sigma_t z, where mu is the mean of Algorithm 2 of DDPM, g is the gradient of log p(y | x_t) at x_t, and
    z = 0 at t = 1 (the shift is the same there as elsewhere).

    Parameters
    ----------
    model
        the noise predictor of the data without classes; it is called once.
    classifier
        ``logits = classifier(x_t, t)``.
    x_t
        where the sampler is, of shape (batch, ...).
    t
        the time that the step starts from, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,).
    y
        the class that each row is to have, an integer tensor of shape (batch,).
    scale
        s, a finite number.
    schedule
        the schedule's tables.
    noise
        z ~ N(0, I), of the shape of ``x_t``. Rows with t = 1 ignore it.
    variance
        the table of the sigma_t^2, of shape (T + 1,).

    Returns
    -------
    x_{t-1}, of the shape and dtype of ``x_t``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time lies outside 1..T.

    Source: Dhariwal and Nichol (2021), Algorithm 1; chapter 11, "Guidance of a step".
    """
    require_model(model)
    require_classifier(classifier)
    require_schedule("schedule", schedule)
    require_same_shape(x_t=x_t, noise=noise)
    t = row_times("t", t, x_t, schedule.T)
    y = require_classes("y", y, x_t)
    scale = require_number("scale", scale)
    require_variances("variance", variance, schedule.T)
    raise NotImplementedError("Exercise 11.5: write classifier_guided_step in ddpmlib/guidance.py")


def drop_labels(y: Int[Tensor, "batch"], dropped: Bool[Tensor, "batch"], null: int) -> Int[Tensor, "batch"]:
    r"""Exercise 11.6. The classes that the network is told: the null class in the rows that are dropped.

    Parameters
    ----------
    y
        the class of each row, an integer tensor of shape (batch,).
    dropped
        a boolean tensor of shape (batch,): True where the class is not told.
    null
        the null class, at least 0.

    Returns
    -------
    A new integer tensor of the shape of ``y``, which stays as it is.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or the shapes do not fit.

    Source: Ho and Salimans (2022), Algorithm 1; chapter 11, "A class that is told now and then".
    """
    y = require_classes("y", y)
    dropped = require_mask("dropped", dropped, y)
    null = require_integer("null", null, low=0)
    raise NotImplementedError("Exercise 11.6: write drop_labels in ddpmlib/guidance.py")


def joint_loss(
    net: Callable[..., Tensor],
    x0: Float[Tensor, "batch *shape"],
    y: Int[Tensor, "batch"],
    t: int | Int[Tensor, "batch"],
    noise: Float[Tensor, "batch *shape"],
    dropped: Bool[Tensor, "batch"],
    schedule: Schedule,
) -> Float[Tensor, ""]:
    r"""Exercise 11.6. The training loss of a conditional network that is not told the class of the dropped rows.

    Parameters
    ----------
    net
        the conditional network, ``eps = net(x_t, t, y)``; its null class is ``net.classes``. It is called once.
    x0
        a batch of data, of shape (batch, ...).
    y
        the class of each row, an integer tensor of shape (batch,).
    t
        the time, in 1..T: an int for the whole batch, or an integer tensor of shape (batch,).
    noise
        eps ~ N(0, I), of the shape of ``x0``.
    dropped
        a boolean tensor of shape (batch,): True where the class is not told.
    schedule
        the schedule's tables.

    Returns
    -------
    The mean square of the noise less the prediction, over all elements: a tensor of shape () and of the dtype of ``x0``, through which
    gradients reach the network's parameters.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes do not fit, or a time lies outside 1..T.

    Source: Ho and Salimans (2022), Algorithm 1; chapter 11, "A class that is told now and then".
    """
    require_network(net)
    require_schedule("schedule", schedule)
    require_same_shape(x0=x0, noise=noise)
    t = row_times("t", t, x0, schedule.T)
    y = require_classes("y", y, x0)
    dropped = require_mask("dropped", dropped, y)
    raise NotImplementedError("Exercise 11.6: write joint_loss in ddpmlib/guidance.py")


def guided_noise(
    eps_uncond: Float[Tensor, "*shape"], eps_cond: Float[Tensor, "*shape"], gamma: float
) -> Float[Tensor, "*shape"]:
    r"""Exercise 11.7. The guided noise of classifier-free guidance: eps_uncond at gamma = 0, eps_cond at gamma = 1, and beyond.

    Parameters
    ----------
    eps_uncond
        the predicted noise without the class, of any shape.
    eps_cond
        the predicted noise with the class, of the same shape.
    gamma
        a finite number. (Ho and Salimans' w is gamma - 1.)

    Returns
    -------
    eps_uncond + gamma (eps_cond - eps_uncond), of the shape and dtype of the arguments.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or the shapes do not fit.

    Source: Ho and Salimans (2022), equation 6; chapter 11, "A classifier that nobody trained".
    """
    require_same_shape(eps_uncond=eps_uncond, eps_cond=eps_cond)
    gamma = require_number("gamma", gamma)
    raise NotImplementedError("Exercise 11.7: write guided_noise in ddpmlib/guidance.py")


def gamma_of(scale: float, convention: Convention) -> float:
    r"""Exercise 11.7. The gamma of this course that belongs to a scale in another convention.

    Parameters
    ----------
    scale
        a finite number.
    convention
        one of ``CONVENTIONS``:
        "deck": gamma in gamma s_c + (1 - gamma) s_u, with scores;
        "ho-salimans": w in (1 + w) eps_c - w eps_u;
        "imagen": w in w eps_c + (1 - w) eps_u;
        "diffusers": guidance_scale in eps_u + guidance_scale (eps_c - eps_u), its default formulation;
        "diffusers-original": guidance_scale in eps_c + guidance_scale (eps_c - eps_u), the formulation that can be chosen;
        "dhariwal-nichol": s in classifier guidance of a model without classes;
        "dhariwal-nichol-conditional": s in classifier guidance of a model that is told the class.

    Returns
    -------
    gamma, a float.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or the convention is unknown.

    Source: chapter 11, "One number, many names".
    """
    scale = require_number("scale", scale)
    if not isinstance(convention, str):
        raise TypeError(f"convention must be one of {', '.join(CONVENTIONS)}, got {type(convention).__name__}")
    if convention not in CONVENTIONS:
        raise ValueError(f"convention must be one of {', '.join(CONVENTIONS)}, got {convention!r}")
    raise NotImplementedError("Exercise 11.7: write gamma_of in ddpmlib/guidance.py")


def guided_model(net: Callable[..., Tensor], y: Int[Tensor, "batch"], gamma: float) -> Model:
    r"""Exercise 11.8. Classifier-free guidance as a noise predictor: a new model, for any sampler.

    Parameters
    ----------
    net
        the conditional network, ``eps = net(x_t, t, y)``; its null class is ``net.classes``.
    y
        the class that each row is to have, an integer tensor of shape (batch,) with values 0, ..., ``net.classes``.
    gamma
        a finite number: 0 ignores the class, 1 tells it, more than 1 exaggerates what it changes.

    Returns
    -------
    A model ``eps = guided(x_t, t)`` for ``x_t`` of shape (batch, ...) and an integer tensor ``t`` of shape (batch,). Each call of it calls
    ``net`` once, with both questions in one batch of 2 * batch rows (for gamma = 0 or 1 one question is enough).

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, or a class lies outside 0..``net.classes``; when the new model is called, also if there are not as
        many classes as rows.

    Source: Ho and Salimans (2022), Algorithm 2; chapter 11, "Two questions in one call".
    """
    require_network(net)
    y = require_classes("y", y, classes=net.classes)
    gamma = require_number("gamma", gamma)

    def guided(x_t: Float[Tensor, "batch *shape"], t: Int[Tensor, "batch"]) -> Float[Tensor, "batch *shape"]:
        told = require_classes("y", y, x_t)
        raise NotImplementedError("Exercise 11.8: write guided_model in ddpmlib/guidance.py")

    return guided


def require_classifier(classifier: object) -> None:
    """Raise TypeError unless ``classifier`` can be called."""
    if not callable(classifier):
        raise TypeError(f"classifier must be a callable, logits = classifier(x_t, t), got {type(classifier).__name__}")


def require_network(net: object) -> None:
    """Raise TypeError unless ``net`` can be called and says how many classes it knows."""
    if not callable(net) or isinstance(getattr(net, "classes", None), (type(None), bool)):
        raise TypeError("net must be a callable, eps = net(x_t, t, y), with an attribute classes, the number of classes; "
                        f"got {type(net).__name__}")


def require_classes(name: str, y: object, x: Tensor | None = None, classes: int | None = None) -> Int[Tensor, "batch"]:
    """The classes as an int64 tensor, one for each row of ``x`` (and on its device); at most ``classes``, if this is given."""
    if not isinstance(y, Tensor):
        raise TypeError(f"{name} must be an integer tensor of shape (batch,), got {type(y).__name__}")
    y = require_times(name, y, low=0, high=classes)
    if y.ndim != 1 or (x is not None and len(y) != len(x)):
        wanted = "batch" if x is None else len(x)
        raise ValueError(f"{name} must have shape ({wanted},), one class for each row; got {tuple(y.shape)}")
    return y if x is None else y.to(x.device)


def require_mask(name: str, mask: object, y: Tensor) -> Bool[Tensor, "batch"]:
    """The mask, on the device of ``y``; raise unless it is a boolean tensor of the shape of ``y``."""
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        found = f"dtype {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__
        raise TypeError(f"{name} must be a boolean tensor of shape ({len(y)},), got {found}")
    if mask.shape != y.shape:
        raise ValueError(f"{name} must have the shape of y, {tuple(y.shape)}, got {tuple(mask.shape)}")
    return mask.to(y.device)
