"""Wrong ways to draw pictures in latents."""

from __future__ import annotations

import torch
from answers import mutant

from ddpmlib.ddim import ddim_sample, ddim_step
from ddpmlib.forward import q_sample
from ddpmlib.latent import from_latents, text_guided_model, to_latents
from ddpmlib.latent import inpaint as right_paint


def picture(start=lambda noise, scale: noise, times=lambda times, T: times, gamma=lambda g: g, back=from_latents, walk=ddim_sample):
    """A text_to_image with a slip."""

    def text_to_image(autoencoder, net, schedule, tokens, gamma_, times_, noise, *, empty, scale):
        model = text_guided_model(net, tokens, gamma(gamma_), empty)
        z = walk(model, start(noise, scale), schedule, times(times_, schedule.T))
        return back(autoencoder, z, scale)

    def named(autoencoder, net, schedule, tokens, gamma, times, noise, *, empty, scale):
        return text_to_image(autoencoder, net, schedule, tokens, gamma, times, noise, empty=empty, scale=scale)

    named.__module__, named.__name__ = __name__, "text_to_image"
    return named


def without_last(model, x, schedule, times):
    with torch.no_grad():
        for t, s in zip(times, times[1:]):
            x = ddim_step(model, x, t, s, schedule, None, 0.0)
    return x


for title, function, says in [
    ("not unscaled", picture(back=lambda a, z, s: from_latents(a, z, 1.0)), "without the division by the scale"),
    ("scaled again", picture(back=lambda a, z, s: from_latents(a, z, 1 / s)), "The latents are multiplied with the scale"),
    ("noise scaled", picture(start=lambda n, s: s * n), "The noise is multiplied with the scale"),
    ("noise unscaled", picture(start=lambda n, s: n / s), "The noise is divided by the scale"),
    ("no guidance", picture(gamma=lambda g: 1.0), "gamma is ignored"),
    ("no caption", picture(gamma=lambda g: 0.0), "The captions are ignored"),
    ("one more", picture(gamma=lambda g: g + 1), "gamma is taken one too large"),
    ("all times", picture(times=lambda times, T: list(range(T, 0, -1))), "All times from T down are walked"),
    ("last step missing", picture(walk=without_last), "The step from the last time to time 0 is missing"),
    ("clipped", picture(back=lambda a, z, s: from_latents(a, z, s).clamp(-1, 1)), "The images are clipped"),
    ("random", picture(start=lambda n, s: torch.randn_like(n)), "two calls with the same arguments"),
    ("float32", picture(start=lambda n, s: n.float(), back=lambda a, z, s: from_latents(a, z, s).double()), "the images"),
]:
    mutant("12.5", title, says=says)(function)


def changed(start=None, walked=None, back=from_latents, told=lambda g: g):
    """An image_to_image with a slip: ``start(z, noise, schedule, first)`` and ``walked(times, strength, T)`` may be wrong."""
    start = start or (lambda z, noise, schedule, first: q_sample(z, first, schedule.alpha_bars, noise))
    walked = walked or (lambda times, strength, T: [t for t in times if t <= strength * T])

    def image_to_image(autoencoder, net, schedule, x, tokens, gamma, times, noise, strength, *, empty, scale):
        rest = walked(times, strength, schedule.T) or times[-1:]
        z = start(to_latents(autoencoder, x, scale), noise, schedule, rest[0])
        return back(autoencoder, ddim_sample(text_guided_model(net, tokens, told(gamma), empty), z, schedule, rest), scale)

    image_to_image.__module__ = __name__
    return image_to_image


def jump(z, noise, schedule, t):
    return q_sample(z, t, schedule.alpha_bars, noise)


for title, function, says in [
    ("noise alone", changed(lambda z, n, s, t: n), "The start is the noise alone"),
    ("no noise", changed(lambda z, n, s, t: z), "The images are not noised"),
    ("full noise", changed(lambda z, n, s, t: jump(z, 0 * n, s, t) + n), "The noise is added at full size"),
    ("not shrunk", changed(lambda z, n, s, t: z + jump(0 * z, n, s, t)), "The latents are not shrunk"),
    ("to T", changed(lambda z, n, s, t: jump(z, n, s, s.T)), "The latents are noised to"),
    ("all times", changed(walked=lambda times, strength, T: times), "strength is ignored"),
    ("counted", changed(walked=lambda times, strength, T: times[-max(int(strength * len(times)), 1):]), "strength counts the times here"),
    ("strictly below", changed(walked=lambda times, strength, T: [t for t in times if t < strength * T]), "belongs to the walk"),
    ("reversed", changed(walked=lambda times, strength, T: [t for t in times if t <= (1 - strength) * T]), "values differ"),
    ("not unscaled", changed(back=lambda a, z, s: from_latents(a, z, 1.0)), "without the division by the scale"),
    ("no guidance", changed(told=lambda g: 1.0), "gamma is ignored"),
    ("random", changed(lambda z, n, s, t: jump(z, torch.randn_like(n), s, t)), "two calls with the same arguments"),
]:
    mutant("12.6", title, says=says)(function)


@mutant("12.6", "not scaled", says="The latents are not scaled")
def image_to_image(autoencoder, net, schedule, x, tokens, gamma, times, noise, strength, *, empty, scale):
    rest = [t for t in times if t <= strength * schedule.T]
    z = q_sample(to_latents(autoencoder, x, 1.0), rest[0], schedule.alpha_bars, noise)
    return from_latents(autoencoder, ddim_sample(text_guided_model(net, tokens, gamma, empty), z, schedule, rest), scale)


def painted(level=lambda t, s: t, end=True, paste=True, cells=None, clean=lambda z, scale: z, noise_of=lambda n: n, swap=False,
            gamma_of=lambda g: g):
    """An inpaint with a slip."""
    cells = cells or (lambda paint, h, w: torch.nn.functional.max_pool2d(paint.double(), (paint.shape[2] // h, paint.shape[3] // w)) > 0)

    def inpaint(autoencoder, net, schedule, x, paint, tokens, gamma, times, noise, *, empty, scale):
        model, z_t = text_guided_model(net, tokens, gamma_of(gamma), empty), noise
        z, unknown = clean(to_latents(autoencoder, x, scale), scale), cells(paint, *noise.shape[2:])
        for t, s in zip(times, [*times[1:], 0]):
            if level is not None:
                z_t = torch.where(unknown, z_t, q_sample(z, level(t, s), schedule.alpha_bars, noise_of(noise)))
            with torch.no_grad():
                z_t = ddim_step(model, z_t, t, s, schedule, None, 0.0)
        image = from_latents(autoencoder, torch.where(unknown, z_t, z) if end else z_t, scale)
        if not paste:
            return image
        return torch.where(paint, x, image) if swap else torch.where(paint, image, x)

    inpaint.__module__ = __name__
    return inpaint


def pooled(paint, h, w):
    return torch.nn.functional.adaptive_avg_pool2d(paint.double(), (h, w))


for title, function, says in [
    ("not pasted", painted(paste=False), "The images are not pasted"),
    ("pasted the wrong way", painted(swap=True), "values differ"),
    ("known cells wrong", painted(cells=lambda p, h, w: ~(pooled(p, h, w) > 0)), "The mask of the cells is the wrong way round"),
    ("whole cells only", painted(cells=lambda p, h, w: pooled(p, h, w) > 0.99), "though some of its pixels are painted"),
    ("half a cell", painted(cells=lambda p, h, w: pooled(p, h, w) > 0.5), "values differ"),
    ("first pixel", painted(cells=lambda p, h, w: p[:, :, :: p.shape[2] // h, :: p.shape[3] // w]), "values differ"),
    ("never replaced", painted(level=None), "only at the end"),
    ("drawn anew and pasted", painted(level=None, end=False), "Nothing is replaced"),
    ("not set at the end", painted(end=False), "are not set at the end"),
    ("clean cells", painted(level=lambda t, s: 0), "as noisy as the rest"),
    ("shrunk only", painted(noise_of=lambda n: 0 * n), "no noise is added to them"),
    ("next time's noise", painted(level=lambda t, s: s), "the noise of the time that the step leads to"),
    ("not scaled", painted(clean=lambda z, scale: z / scale), "The known cells are not scaled"),
    ("no guidance", painted(gamma_of=lambda g: 1.0), "gamma is ignored"),
    ("fresh noise", painted(noise_of=lambda n: torch.randn_like(n)), "two calls with the same arguments"),
]:
    mutant("12.7", title, says=says)(function)


@mutant("12.7", "mask reversed", says="The mask is read the other way round")
def inpaint(autoencoder, net, schedule, x, paint, *arguments, **options):
    return right_paint(autoencoder, net, schedule, x, ~paint, *arguments, **options)
