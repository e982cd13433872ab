"""Wrong ways to drop labels, to combine two noises, and to ask a network twice."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.ddpm import training_loss
from ddpmlib.guidance import guided_noise as combine
from ddpmlib.models import conditioned

LOSS, LABELS = ("the loss", "gradient", "precision"), ("the labels",)


@mutant("11.6", "mask reversed", says="The mask is read the other way round", keeps=LOSS)
def drop_labels(y, dropped, null):
    return torch.where(dropped, y, torch.full_like(y, null))


@mutant("11.6", "in place", says="the labels y have been changed", keeps=("gradient", "precision"))
def drop_labels(y, dropped, null):  # noqa: F811
    y[dropped] = null
    return y


@mutant("11.6", "class 0", says="The dropped rows get the class 0", keeps=LOSS)
def drop_labels(y, dropped, null):  # noqa: F811
    return y * ~dropped


@mutant("11.6", "cut out", says="The dropped rows are cut out", keeps=LOSS)
def drop_labels(y, dropped, null):  # noqa: F811
    return y[~dropped]


@mutant("11.6", "added", says="null is added to the class", keeps=LOSS)
def drop_labels(y, dropped, null):  # noqa: F811
    return y + null * dropped


@mutant("11.6", "float labels", says="the labels should stay integers", keeps=LOSS)
def drop_labels(y, dropped, null):  # noqa: F811
    return torch.where(dropped, torch.tensor(float(null)), y.double())


@mutant("11.6", "nothing dropped", says="No class is dropped", keeps=LOSS)
def drop_labels(y, dropped, null):  # noqa: F811
    return y.clone()


def loss_of(told):
    """A loss in which the network is told ``told(y, dropped, net)``."""

    def joint_loss(net, x0, y, t, noise, dropped, schedule):
        return training_loss(conditioned(net, told(y, dropped, net)), x0, t, noise, schedule)

    joint_loss.__module__, joint_loss.__name__ = __name__, "joint_loss"
    return joint_loss


for title, told, says in [
    ("all told", lambda y, d, n: y, "All rows are told their class"),
    ("none told", lambda y, d, n: torch.full_like(y, n.classes), "No row is told its class"),
    ("mask reversed", lambda y, d, n: torch.where(d, y, n.classes), "The mask is read the other way round"),
    ("null class 0", lambda y, d, n: torch.where(d, 0, y), "here it is taken to be 0"),
    ("null class K - 1", lambda y, d, n: torch.where(d, n.classes - 1, y), "it is K, not K - 1"),
]:
    mutant("11.6", f"loss, {title}", says=says, keeps=LABELS)(loss_of(told))


@mutant("11.6", "loss without the dropped rows", says="The dropped rows are left out of the loss", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):
    keep = ~dropped
    return training_loss(conditioned(net, y[keep]), x0[keep], t[keep], noise[keep], schedule)


@mutant("11.6", "both losses", says="The two losses, with and without the class, are added", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    return sum(training_loss(conditioned(net, told), x0, t, noise, schedule) for told in (y, torch.full_like(y, net.classes)))


@mutant("11.6", "no graph", says="No gradient reaches the network's parameters", keeps=("the labels", "the loss"))
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    with torch.no_grad():
        return training_loss(conditioned(net, torch.where(dropped, net.classes, y)), x0, t, noise, schedule)


@mutant("11.6", "own mask", says="two calls with the same arguments give two results", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    told = torch.where(dropped, net.classes, y)
    return training_loss(conditioned(net, told), x0, t, torch.randn_like(noise), schedule)


def noise_of(function):
    def guided_noise(eps_uncond, eps_cond, gamma):
        return function(eps_uncond, eps_cond, gamma)

    guided_noise.__module__, guided_noise.__name__ = __name__, "guided_noise"
    return guided_noise


for title, function, says in [
    ("w", lambda u, c, g: c + g * (c - u), "Ho and Salimans' w in the place of gamma"),
    ("exchanged", lambda u, c, g: c + g * (u - c), "The two noises have changed places"),
    ("wrong sign", lambda u, c, g: u + g * (u - c), "The difference has the wrong sign"),
    ("step only", lambda u, c, g: g * (c - u), "This is the step beyond only"),
    ("conditional", lambda u, c, g: c + 0, "This is eps_cond, as if gamma were 1"),
    ("unconditional", lambda u, c, g: u + 0, "This is eps_uncond, as if gamma were 0"),
    ("no weight", lambda u, c, g: u + g * c, "gamma multiplies eps_cond only"),
    ("between 0 and 1", lambda u, c, g: u + min(max(g, 0.0), 1.0) * (c - u), "as if gamma were 1"),
]:
    mutant("11.7", title, says=says, keeps=("conventions",))(noise_of(function))


@mutant("11.7", "float32 inside", says="right to single precision only", keeps=("the guided noise", "conventions"))
def guided_noise(eps_uncond, eps_cond, gamma):
    return (eps_uncond.float() + gamma * (eps_cond - eps_uncond).float()).to(eps_cond.dtype)


@mutant("11.7", "all are gamma", says="Here the scale counts what goes beyond the condition", keeps=("the guided noise",))
def gamma_of(scale, convention):
    return scale


@mutant("11.7", "all are w", says="Here the scale is gamma itself", keeps=("the guided noise",))
def gamma_of(scale, convention):  # noqa: F811
    return scale + 1


@mutant("11.7", "other way round", says="The other way round", keeps=("the guided noise",))
def gamma_of(scale, convention):  # noqa: F811
    return scale - 1 if convention in ("ho-salimans", "diffusers-original", "dhariwal-nichol-conditional") else scale


@mutant("11.7", "Imagen's w is taken for Ho and Salimans'", says="Here the scale is gamma itself", keeps=("the guided noise",))
def gamma_of(scale, convention):  # noqa: F811
    return scale + 1 if convention in ("ho-salimans", "imagen", "diffusers-original", "dhariwal-nichol-conditional") else scale


def asks(labels, answer):
    """A guided model that asks with ``labels(y, net)`` and makes ``answer(first, second, gamma)`` of the two halves."""

    def guided_model(net, y, gamma):
        def guided(x, t):
            return answer(*net(torch.cat([x, x]), torch.cat([t, t]), torch.cat(labels(y, net))).chunk(2), gamma)

        return guided

    guided_model.__module__, guided_model.__name__ = __name__, "guided_model"
    return guided_model


def null(y, net):
    return torch.full_like(y, net.classes)


for title, labels, answer, says in [
    ("halves exchanged", lambda y, n: (y, null(y, n)), combine, "The two answers have changed places"),
    ("w", lambda y, n: (null(y, n), y), lambda u, c, g: c + g * (c - u), "Ho and Salimans' w in the place of gamma"),
    ("null class 0", lambda y, n: (0 * y, y), combine, "it is net.classes; here it is 0"),
    ("null class K - 1", lambda y, n: (null(y, n) - 1, y), combine, "it is K = net.classes, not K - 1"),
    ("conditional", lambda y, n: (null(y, n), y), lambda u, c, g: c, "This is the conditional noise, as if gamma were 1"),
    ("unconditional", lambda y, n: (null(y, n), y), lambda u, c, g: u, "This is the unconditional noise, as if gamma were 0"),
    ("wrong sign", lambda y, n: (null(y, n), y), lambda u, c, g: u + g * (u - c), "The difference has the wrong sign"),
    ("first row's class", lambda y, n: (null(y, n), y[:1].expand(len(y))), combine, "All rows have the class of the first row"),
]:
    mutant("11.8", title, says=says)(asks(labels, answer))


@mutant("11.8", "two calls", says="it called it 2 times", keeps=("values", "a mixture, exactly", "precision"))
def guided_model(net, y, gamma):
    return lambda x, t: combine(net(x, t, null(y, net)), net(x, t, y), gamma)


@mutant("11.8", "noise, not a model", says="a new model is asked for")
def guided_model(net, y, gamma):  # noqa: F811
    return gamma


@mutant("11.8", "interleaved and chunked", says="and the answer is split in the middle")
def guided_model(net, y, gamma):  # noqa: F811
    def guided(x, t):
        labels = torch.stack([null(y, net), y], dim=1).flatten()
        return combine(*net(x.repeat_interleave(2, dim=0), t.repeat_interleave(2), labels).chunk(2), gamma)

    return guided


@mutant("11.8", "float32 inside", says="right to single precision only", keeps=("values",))
def guided_model(net, y, gamma):  # noqa: F811
    def guided(x, t):
        both = net(torch.cat([x, x]).float(), torch.cat([t, t]), torch.cat([null(y, net), y]))
        return combine(*both.chunk(2), gamma).to(x.dtype)

    return guided


@mutant("11.8", "rows doubled in another order than classes", says="both questions have to be about the same rows")
def guided_model(net, y, gamma):  # noqa: F811
    return lambda x, t: combine(*net(x.repeat_interleave(2, dim=0), t.repeat_interleave(2), torch.cat([null(y, net), y])).chunk(2), gamma)


@mutant("11.8", "rows doubled in another order than classes, told first", says="both questions have to be about the same rows")
def guided_model(net, y, gamma):  # noqa: F811
    def guided(x, t):
        cond, uncond = net(x.repeat_interleave(2, dim=0), t.repeat_interleave(2), torch.cat([y, null(y, net)])).chunk(2)
        return combine(uncond, cond, gamma)

    return guided


@mutant("11.8", "unguided up to 1, as in diffusers", says="as if gamma were 1", keeps=("one call", "precision"))
def guided_model(net, y, gamma):  # noqa: F811
    full = asks(lambda y, n: (null(y, n), y), combine)(net, y, gamma)
    return full if gamma > 1 else lambda x, t: net(x, t, y)


@mutant("11.6", "y itself if nothing is dropped", says="the result is y itself", keeps=LOSS)
def drop_labels(y, dropped, null):  # noqa: F811
    return torch.where(dropped, null, y) if dropped.any() else y


@mutant("11.6", "loss that writes into y", says="the labels y have been changed", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    y[dropped] = net.classes
    return training_loss(conditioned(net, y), x0, t, noise, schedule)


@mutant("11.6", "mean of both losses", says="This is the mean of the losses with and without the class", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    return sum(training_loss(conditioned(net, told), x0, t, noise, schedule) for told in (y, torch.full_like(y, net.classes))) / 2


@mutant("11.6", "two groups of rows", says="one mean goes over all rows", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    told = torch.where(dropped, net.classes, y)
    return sum(training_loss(conditioned(net, told[k]), x0[k], t[k], noise[k], schedule) for k in (dropped, ~dropped))


@mutant("11.6", "loss with the batch's own null class", says="The null class ", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    return training_loss(conditioned(net, torch.where(dropped, y.max() + 1, y)), x0, t, noise, schedule)


@mutant("11.6", "loss with the data dropped", says="The data of the dropped rows are set to 0", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    return training_loss(conditioned(net, y), x0 * (~dropped).reshape(-1, *[1] * (x0.ndim - 1)), t, noise, schedule)


@mutant("11.6", "one call for each group of rows", says="the network should be called once for a loss", keeps=LABELS)
def joint_loss(net, x0, y, t, noise, dropped, schedule):  # noqa: F811
    told = torch.where(dropped, net.classes, y)
    return sum(k.double().mean() * training_loss(conditioned(net, told[k]), x0[k], t[k], noise[k], schedule) for k in (dropped, ~dropped))


@mutant("11.7", "in place", says="one of the two noises has been changed in place", keeps=("conventions",))
def guided_noise(eps_uncond, eps_cond, gamma):  # noqa: F811
    eps_uncond += gamma * (eps_cond - eps_uncond)
    return eps_uncond


@mutant("11.7", "a factor of the wrong term", says="This is the factor of what is said without the class", keeps=("the guided noise",))
def gamma_of(scale, convention):  # noqa: F811
    return 1 - scale if convention == "deck" else scale


@mutant("11.7", "text", says="gamma should be a number, got str", keeps=("the guided noise",))
def gamma_of(scale, convention):  # noqa: F811
    return f"{scale:g}"
