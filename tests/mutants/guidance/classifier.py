"""Wrong losses and wrong gradients of a noisy classifier."""

from __future__ import annotations

import torch
from answers import mutant
from torch.nn import functional

from ddpmlib.tables import at_times


def noisy(x0, t, noise, schedule):
    t = torch.as_tensor(t).expand(len(x0))
    return at_times(schedule.alpha_bars.sqrt(), t, x0) * x0 + at_times((1 - schedule.alpha_bars).sqrt(), t, x0) * noise, t


@mutant("11.2", "clean data", says="The classifier gets the clean x_0")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):
    return functional.cross_entropy(classifier(x0, torch.as_tensor(t).expand(len(x0))), y)


@mutant("11.2", "sum", says="This is the sum over the batch")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)), y, reduction="sum")


@mutant("11.2", "rows", says="These are the losses of the rows")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)), y, reduction="none")


@mutant("11.2", "softmax twice", says="The softmax is taken twice")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)).softmax(dim=1), y)


@mutant("11.2", "nll of logits", says="minus the mean logit of the class")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.nll_loss(classifier(*noisy(x0, t, noise, schedule)), y)


@mutant("11.2", "nll of probabilities", says="minus the mean probability of the class")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.nll_loss(classifier(*noisy(x0, t, noise, schedule)).softmax(dim=1), y)


@mutant("11.2", "plus sign", says="the loss is minus that")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return -functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)), y)


@mutant("11.2", "mean over classes too", says="The loss is also divided by the number of classes")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    log_probs = classifier(*noisy(x0, t, noise, schedule)).log_softmax(dim=1)
    return -(functional.one_hot(y, log_probs.shape[1]) * log_probs).mean()


@mutant("11.2", "time counted from 0", says="The classifier is told t - 1")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    x_t, t = noisy(x0, t, noise, schedule)
    return functional.cross_entropy(classifier(x_t, t - 1), y)


@mutant("11.2", "variances as coefficients", says="x_t is made with variances as coefficients")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    x_t = at_times(schedule.alpha_bars, t, x0) * x0 + at_times(1 - schedule.alpha_bars, t, x0) * noise
    return functional.cross_entropy(classifier(x_t, t), y)


@mutant("11.2", "one step", says="This x_t is one step from x_0")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    x_t = at_times(schedule.alphas.sqrt(), t, x0) * x0 + at_times(schedule.betas.sqrt(), t, x0) * noise
    return functional.cross_entropy(classifier(x_t, t), y)


@mutant("11.2", "first row's time", says="All rows have the time of the first row")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    return functional.cross_entropy(classifier(*noisy(x0, t[:1].expand(len(t)), noise, schedule)), y)


@mutant("11.2", "detached", says="No gradient reaches the classifier's parameters")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    with torch.no_grad():
        return functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)), y)


@mutant("11.2", "fresh noise", says="two calls with the same arguments give two results")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.cross_entropy(classifier(*noisy(x0, t, torch.randn_like(x0), schedule)), y)


@mutant("11.2", "float32 inside", says="right to single precision only", keeps=("one time for all",))
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    x_t, t = noisy(x0, t, noise, schedule)
    return functional.cross_entropy(classifier(x_t.float().to(x0.dtype), t), y)


@mutant("11.2", "own guess", says="The classifier's own best guess stands in the place of the class")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    logits = classifier(*noisy(x0, t, noise, schedule))
    return functional.cross_entropy(logits, logits.argmax(dim=1))


def rows(t, x):
    return torch.as_tensor(t).expand(len(x))


def gradient_of(function):
    """The gradient of what ``function(log_probs, logits, y)`` makes of a batch."""

    def classifier_gradient(classifier, x_t, t, y):
        with torch.enable_grad():
            x = x_t.detach().requires_grad_()
            logits = classifier(x, rows(t, x))
            return torch.autograd.grad(function(logits.log_softmax(dim=1), logits, y), x)[0]

    classifier_gradient.__module__ = __name__
    return classifier_gradient


def chosen(table, y):
    return table.gather(1, y[:, None])


for title, function, says in [
    ("mean over the batch", lambda logs, logits, y: chosen(logs, y).mean(), "The gradient is divided by the number of rows"),
    ("gradient of the loss", lambda logs, logits, y: functional.cross_entropy(logits, y), "This is the gradient of the loss"),
    ("minus", lambda logs, logits, y: -chosen(logs, y).sum(), "This is the gradient of -log p"),
    ("logit", lambda logs, logits, y: chosen(logits, y).sum(), "This is the gradient of the logit of y"),
    ("probability", lambda logs, logits, y: chosen(logs.exp(), y).sum(), "This is the gradient of the probability p(y | x)"),
    ("all classes", lambda logs, logits, y: logs.sum(), "the log-probabilities of all classes together"),
    ("most probable class", lambda logs, logits, y: logs.max(dim=1).values.sum(), "the class that the classifier finds most probable"),
    ("first row's class", lambda logs, logits, y: logs[:, y[0]].sum(), "All rows have the class of the first row"),
    ("softmax over the batch", lambda logs, logits, y: chosen(logits.log_softmax(dim=0), y).sum(), "The softmax goes over the batch"),
]:
    answer = gradient_of(function)
    answer.__name__ = "classifier_gradient"
    mutant("11.3", title, says=says)(answer)


@mutant("11.3", "no gradients in a sampler", says="it has to switch them on for what it does", keeps=("values",))
def classifier_gradient(classifier, x_t, t, y):
    x = x_t.detach().requires_grad_()
    return torch.autograd.grad(chosen(classifier(x, rows(t, x)).log_softmax(dim=1), y).sum(), x)[0]


@mutant("11.3", "backward", says="something is left in the classifier's parameters", keeps=("values", "in a sampler"))
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        chosen(classifier(x, rows(t, x)).log_softmax(dim=1), y).sum().backward()
    return x.grad


@mutant("11.3", "x_t is marked", says="x_t is not as it was", keeps=("values",))
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    with torch.enable_grad():
        x_t.requires_grad_()
        return torch.autograd.grad(chosen(classifier(x_t, rows(t, x_t)).log_softmax(dim=1), y).sum(), x_t)[0]


@mutant("11.3", "graph", says="the result carries a graph", keeps=("values",))
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        return torch.autograd.grad(chosen(classifier(x, rows(t, x)).log_softmax(dim=1), y).sum(), x, create_graph=True)[0]


@mutant("11.3", "unit length", says="The gradient is scaled to length 1")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    found = gradient_of(lambda logs, logits, y: chosen(logs, y).sum())(classifier, x_t, t, y)
    return found / found.flatten(1).norm(dim=1).reshape(-1, *[1] * (x_t.ndim - 1))


@mutant("11.3", "time counted from 0", says="The classifier is told t - 1")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    return gradient_of(lambda logs, logits, y: chosen(logs, y).sum())(classifier, x_t, rows(t, x_t) - 1, y)


@mutant("11.3", "float32 inside", says="right to single precision only", keeps=("values",))
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    return gradient_of(lambda logs, logits, y: chosen(logs, y).sum())(classifier, x_t.float(), t, y).to(x_t.dtype)


@mutant("11.3", "logarithm of a rounded probability", says="The probability has been rounded to 0 before its logarithm",
        keeps=("values", "in a sampler", "no trace"))
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    return gradient_of(lambda logs, logits, y: chosen(logits.softmax(dim=1), y).log().sum())(classifier, x_t, t, y)


@mutant("11.3", "gradients left on", says="leaves the switch for gradients on", keeps=("values", "no trace", "precision"))
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    torch.set_grad_enabled(True)
    x = x_t.detach().requires_grad_()
    return torch.autograd.grad(chosen(classifier(x, rows(t, x)).log_softmax(dim=1), y).sum(), x)[0]


@mutant("11.3", "classes of all rows", says="All classes in y count in each row")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    return gradient_of(lambda logs, logits, y: logs[:, y].sum())(classifier, x_t, t, y)


@mutant("11.3", "batch of unit length", says="The gradient of the whole batch is scaled to length 1")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    found = gradient_of(lambda logs, logits, y: chosen(logs, y).sum())(classifier, x_t, t, y)
    return found / found.norm()


@mutant("11.3", "time 1 for all", says="All rows have time 1")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    return gradient_of(lambda logs, logits, y: chosen(logs, y).sum())(classifier, x_t, 1, y)


@mutant("11.3", "cut off from x", says="element 0 of tensors does not require grad")
def classifier_gradient(classifier, x_t, t, y):  # noqa: F811
    with torch.enable_grad():
        x = x_t.detach().requires_grad_()
        log_probs = classifier(x, rows(t, x)).detach().log_softmax(dim=1)
        return torch.autograd.grad(chosen(log_probs, y).sum(), x)[0]


@mutant("11.2", "logarithm of a rounded probability", says="The probability has been rounded to 0 before its logarithm",
        keeps=("one time for all", "a time for each row", "gradient", "precision"))
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return -chosen(classifier(*noisy(x0, t, noise, schedule)).softmax(dim=1), y).log().mean()


@mutant("11.2", "asked twice", says="called once for a loss; it was called 2 times", keeps=("gradient", "precision"))
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    classifier(*noisy(x0, t, noise, schedule))
    return functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)), y)


@mutant("11.2", "x0 made noisy in place", says="leave the arguments as they are")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    x0 *= at_times(schedule.alpha_bars.sqrt(), t, x0)
    x0 += at_times((1 - schedule.alpha_bars).sqrt(), t, x0) * noise
    return functional.cross_entropy(classifier(x0, t), y)


@mutant("11.2", "softmax over the batch", says="The softmax goes over the batch")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.nll_loss(classifier(*noisy(x0, t, noise, schedule)).log_softmax(dim=0), y)


@mutant("11.2", "noise of the first row's time", says="x_t is made with the first row's time", keeps=("one time for all",))
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    t = torch.as_tensor(t).expand(len(x0))
    return functional.cross_entropy(classifier(noisy(x0, t[:1].expand(len(t)), noise, schedule)[0], t), y)


@mutant("11.2", "bits", says="nats are asked for")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    return functional.cross_entropy(classifier(*noisy(x0, t, noise, schedule)), y) / torch.tensor(2.0).log().item()


@mutant("11.2", "a sigmoid for each class", says="Each class is judged by itself")
def noisy_classifier_loss(classifier, x0, y, t, noise, schedule):  # noqa: F811
    logits = classifier(*noisy(x0, t, noise, schedule))
    return functional.binary_cross_entropy_with_logits(logits, functional.one_hot(y, logits.shape[1]).to(logits.dtype))
