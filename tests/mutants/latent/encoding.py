"""Wrong losses of an autoencoder, and wrong scales."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.latent import autoencoder_loss as right_loss


def kl(mean, log_var):
    return (mean.square() + log_var.exp() - 1 - log_var) / 2


def near(x, r):
    return ((x - r).square() + (x - r).abs() / 2).mean()


for title, made, says in [
    ("summed", lambda x, r, m, v, w: ((x - r).square() + (x - r).abs() / 2).sum() + w * kl(m, v).mean(), "The errors are summed"),
    ("KL summed", lambda x, r, m, v, w: near(x, r) + w * kl(m, v).flatten(1).sum(1).mean(), "summed over the numbers of an image"),
    ("KL summed over everything", lambda x, r, m, v, w: near(x, r) + w * kl(m, v).sum(), "summed over everything"),
    ("KL subtracted", lambda x, r, m, v, w: near(x, r) - w * kl(m, v).mean(), "it is subtracted"),
    ("no half", lambda x, r, m, v, w: near(x, r) + 2 * w * kl(m, v).mean(), "The factor 1/2 of the KL is missing"),
    ("no absolute error", lambda x, r, m, v, w: (x - r).square().mean() + w * kl(m, v).mean(), "The absolute error is missing"),
    ("whole absolute error", lambda x, r, m, v, w: near(x, r) + (x - r).abs().mean() / 2 + w * kl(m, v).mean(), "it should count half"),
    ("deviation", lambda x, r, m, v, w: near(x, r) + w * kl(m, 2 * v).mean(), "it is the variance"),
    ("no weight", lambda x, r, m, v, w: near(x, r) + kl(m, v).mean(), "the KL term counts in full"),
    ("no KL", lambda x, r, m, v, w: near(x, r), "The KL term does not count"),
    ("no mean", lambda x, r, m, v, w: near(x, r) + w * kl(0 * m, v).mean(), "The mean is missing in the KL"),
    ("no one", lambda x, r, m, v, w: near(x, r) + w * (kl(m, v) + 0.5).mean(), "The -1 of the KL is missing"),
    ("detached", lambda x, r, m, v, w: near(x, r) + w * kl(m.detach(), v).mean(), "no gradient reaches mean"),
    ("a number", lambda x, r, m, v, w: torch.tensor(right_loss(x, r, m, v, w).item(), dtype=x.dtype), "no gradient reaches"),
    ("float32", lambda x, r, m, v, w: right_loss(x.float(), r.float(), m.float(), v.float(), w).to(x.dtype), "single precision only"),
    ("float64", lambda x, r, m, v, w: right_loss(x, r, m, v, w).double(), "the loss should be"),
]:
    def autoencoder_loss(x, reconstruction, mean, log_var, kl_weight, made=made):
        return made(x, reconstruction, mean, log_var, kl_weight)

    mutant("12.1", title, says=says)(autoencoder_loss)

INWARD, OUTWARD, SCALE = ("to latents",), ("from latents",), ("scale",)
for title, made, says in [
    ("deviation", lambda z: z.std(correction=0), "This is the standard deviation"),
    ("variance", lambda z: 1 / z.var(correction=0), "This is the inverse of the variance"),
    ("mean square", lambda z: z.square().mean() ** -0.5, "The mean is not subtracted"),
    ("unbiased", lambda z: 1 / z.std(), "divided by n - 1"),
    ("channels", lambda z: 1 / z.std(dim=(0, 2, 3), correction=0), "Each channel gets a scale of its own"),
    ("float32", lambda z: 1 / z.float().std(correction=0).to(z.dtype), "single precision only"),
    ("python number", lambda z: torch.tensor(1 / z.std(correction=0).item()), "single precision only"),
]:
    def latent_scale(latents, made=made):
        return made(latents.detach())

    mutant("12.2", title, says=says, keeps=INWARD + OUTWARD)(latent_scale)


@mutant("12.2", "graph", says="the scale carries a graph", keeps=INWARD + OUTWARD)
def latent_scale(latents):  # noqa: F811
    return 1 / latents.std(correction=0)


@mutant("12.2", "divided", says="they should be multiplied with it", keeps=SCALE + OUTWARD)
def to_latents(autoencoder, x, scale):
    with torch.no_grad():
        return autoencoder.encode(x)[0] / scale


@mutant("12.2", "not scaled", says="The latents are not scaled", keeps=SCALE + OUTWARD)
def to_latents(autoencoder, x, scale):  # noqa: F811
    with torch.no_grad():
        return autoencoder.encode(x)[0]


@mutant("12.2", "sampled", says="two calls with the same arguments", keeps=SCALE + OUTWARD)
def to_latents(autoencoder, x, scale):  # noqa: F811
    with torch.no_grad():
        mean, log_var = autoencoder.encode(x)
        return scale * (mean + (log_var / 2).exp() * torch.randn_like(mean))


@mutant("12.2", "log-variance", says="This is the log-variance", keeps=SCALE + OUTWARD)
def to_latents(autoencoder, x, scale):  # noqa: F811
    with torch.no_grad():
        return scale * autoencoder.encode(x)[1]


@mutant("12.2", "with a graph", says="the result carries a graph", keeps=SCALE + OUTWARD)
def to_latents(autoencoder, x, scale):  # noqa: F811
    return scale * autoencoder.encode(x)[0]


@mutant("12.2", "multiplied", says="The latents are multiplied with the scale", keeps=SCALE + INWARD)
def from_latents(autoencoder, z, scale):
    with torch.no_grad():
        return autoencoder.decode(z * scale)


@mutant("12.2", "as they are", says="decoded as they are", keeps=SCALE + INWARD)
def from_latents(autoencoder, z, scale):  # noqa: F811
    with torch.no_grad():
        return autoencoder.decode(z)


@mutant("12.2", "divided after", says="The images are divided by the scale", keeps=SCALE + INWARD)
def from_latents(autoencoder, z, scale):  # noqa: F811
    with torch.no_grad():
        return autoencoder.decode(z) / scale


@mutant("12.2", "clipped", says="The images are clipped", keeps=SCALE + INWARD)
def from_latents(autoencoder, z, scale):  # noqa: F811
    with torch.no_grad():
        return autoencoder.decode(z / scale).clamp(-1, 1)
