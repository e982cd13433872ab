# Stub: write your code where NotImplementedError is raised.
"""Latent diffusion: text to image, image to image and inpainting in the latents of an autoencoder (chapter 12).

An *autoencoder* has two methods: ``mean, log_var = autoencoder.encode(x)`` turns images (batch, colours, H, W) in [-1, 1] into the
moments of latents (batch, channels, h, w), and ``autoencoder.decode(z)`` turns latents into images. A *text network* is a callable
``eps = net(z_t, t, tokens)``: it predicts the noise in the latents z_t, of shape (batch, channels, h, w), for integer times
(batch,) and the words of the captions, integers of shape (batch, words). ``empty`` is the caption that tells nothing, integers of
shape (words,). Diffusion happens in *scaled* latents: the encoder's means times ``scale``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from ddpmlib.ddim import ddim_sample, ddim_step
from ddpmlib.forward import q_sample
from ddpmlib.guidance import guided_noise
from ddpmlib.latent_inputs import (
    require_attention_layer, require_autoencoder, require_context, require_dropped, require_empty, require_image_batch, require_latents,
    require_moments, require_paint, require_pairs, require_scale, require_temperature, require_text_network, require_tokens,
    times_up_to,
)
from ddpmlib.layer_inputs import require_images
from ddpmlib.models import Model
from ddpmlib.schedules import Schedule
from ddpmlib.steps import require_times_down
from ddpmlib.tables import require_schedule
from ddpmlib.unet import attention
from ddpmlib.validation import require_number, require_same_shape

if TYPE_CHECKING:
    from ddpmlib.latent_layers import Autoencoder, CrossAttention

TextNetwork = Callable[[Tensor, Tensor, Tensor], Tensor]


def autoencoder_loss(
    x: Float[Tensor, "batch *shape"],
    reconstruction: Float[Tensor, "batch *shape"],
    mean: Float[Tensor, "batch *latent"],
    log_var: Float[Tensor, "batch *latent"],
    kl_weight: float,
) -> Float[Tensor, ""]:
    r"""Exercise 12.1. What the autoencoder is trained on: how far its images are from the given ones, and a little of the KL term.

    mean of (x - r)^2 + |x - r| / 2 over all entries of the images, plus ``kl_weight`` times the mean over all entries of the latents of
    KL(N(mean, exp(log_var)) || N(0, 1)), in nats.

    Parameters
    ----------
    x, reconstruction
        the images, and what the decoder makes of their latents: r.
    mean, log_var
        the encoder's mean and log-variance of each latent number, of shape (batch, ...).
    kl_weight
        how much the KL term counts, 0 or more.

    Returns
    -------
    A tensor of shape (), of the dtype of ``x``; the gradient flows to ``reconstruction``, ``mean`` and ``log_var``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, shapes differ, or ``kl_weight`` is negative.

    Source: Kingma and Welling (2014), appendix B, for the KL; Rombach et al. (2022), section 3.1; chapter 12, "A small space".
    """
    require_same_shape(x=x, reconstruction=reconstruction)
    require_moments(mean, log_var)
    if require_number("kl_weight", kl_weight) < 0:
        raise ValueError(f"kl_weight must not be negative, got {kl_weight}")
    raise NotImplementedError("Exercise 12.1: write autoencoder_loss in ddpmlib/latent.py")


def latent_scale(latents: Float[Tensor, "batch c h w"]) -> Float[Tensor, ""]:
    r"""Exercise 12.2. The number that latents are multiplied with, so that the variance of all their entries together is 1.

    1 / sqrt(mean of (z - m)^2), where m is the mean of all entries, and both means are over batch, channels and places.

    Parameters
    ----------
    latents
        the encoder's means of many images, of shape (batch, channels, h, w).

    Returns
    -------
    A tensor of shape (), of the dtype of ``latents``, without a graph.

    Raises
    ------
    TypeError, ValueError
        if ``latents`` is no floating-point tensor of four axes.

    Source: Rombach et al. (2022), appendix G; chapter 12, "One number".
    """
    require_latents("latents", latents)
    raise NotImplementedError("Exercise 12.2: write latent_scale in ddpmlib/latent.py")


def to_latents(autoencoder: Autoencoder, x: Float[Tensor, "batch 3 H W"], scale: float | Tensor) -> Float[Tensor, "batch c h w"]:
    r"""Exercise 12.2. Images to scaled latents: the encoder's mean times ``scale``, without gradients.

    Parameters
    ----------
    autoencoder
        has the method ``encode``, which returns the mean and the log-variance.
    x
        images, of shape (batch, colours, H, W).
    scale
        from ``latent_scale``: a positive number, or a tensor of shape ().

    Returns
    -------
    Scaled latents, of shape (batch, channels, h, w), without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or ``scale`` is not positive.

    Source: Rombach et al. (2022), appendix G; chapter 12, "One number".
    """
    require_autoencoder(autoencoder)
    require_image_batch("x", x)
    scale = require_scale(scale)
    raise NotImplementedError("Exercise 12.2: write to_latents in ddpmlib/latent.py")


def from_latents(autoencoder: Autoencoder, z: Float[Tensor, "batch c h w"], scale: float | Tensor) -> Float[Tensor, "batch 3 H W"]:
    r"""Exercise 12.2. Scaled latents to images: the decoder's answer to z / ``scale``, without gradients.

    Parameters
    ----------
    autoencoder
        has the method ``decode``.
    z
        scaled latents, of shape (batch, channels, h, w).
    scale
        from ``latent_scale``: a positive number, or a tensor of shape ().

    Returns
    -------
    Images, as they come from the decoder (not clipped), without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or ``scale`` is not positive.

    Source: Rombach et al. (2022), appendix G; chapter 12, "One number".
    """
    require_autoencoder(autoencoder)
    require_latents("z", z)
    scale = require_scale(scale)
    raise NotImplementedError("Exercise 12.2: write from_latents in ddpmlib/latent.py")


def cross_attention(
    layer: CrossAttention, x: Float[Tensor, "batch c h w"], context: Float[Tensor, "batch words d"]
) -> Float[Tensor, "batch c h w"]:
    r"""Exercise 12.3. x + out(what the pixels of norm(x) find among the words), in ``layer.heads`` heads.

    ``layer.q`` makes c numbers of queries of the c channels of a pixel. ``layer.kv`` makes 2c numbers of the d numbers of a word: c
    of keys, then c of values. In each of these, the first c/heads belong to head 0, the next to head 1, and so on; each head
    attends on its own (``unet.attention``). What the heads find is put together in the same order, and ``layer.out`` mixes it.

    Parameters
    ----------
    layer
        has the parts norm, q, kv, out and the number of heads. Each part is called like a function.
    x
        images or latents, of shape (batch, c, h, w).
    context
        the words as vectors, of shape (batch, words, d).

    Returns
    -------
    A tensor of the shape of ``x``.

    Raises
    ------
    TypeError, ValueError
        if ``layer`` is no such layer, or a tensor has the wrong type, dtype or shape.

    Source: Rombach et al. (2022), section 3.3; Vaswani et al. (2017), section 3.2; chapter 12, "Pixels look at words".
    """
    require_attention_layer(layer)
    require_images("x", x, layer.q.in_features, layer.q.weight)
    require_context(context, x, layer.kv.in_features)
    raise NotImplementedError("Exercise 12.3: write cross_attention in ddpmlib/latent.py")


def drop_captions(
    tokens: Int[Tensor, "batch words"], dropped: Bool[Tensor, "batch"], empty: Int[Tensor, "words"]
) -> Int[Tensor, "batch words"]:
    r"""Exercise 12.4. The words that the network is told: the empty caption in the rows that are dropped.

    Parameters
    ----------
    tokens
        the words of the captions, of shape (batch, words).
    dropped
        which captions are not told, of shape (batch,).
    empty
        the caption that tells nothing, of shape (words,).

    Returns
    -------
    A new integer tensor of shape (batch, words); ``tokens`` stays as it is.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape.

    Source: Ho and Salimans (2022), Algorithm 1; Saharia et al. (2022); chapter 12, "Captions that are dropped".
    """
    tokens = require_tokens("tokens", tokens)
    dropped = require_dropped(dropped, tokens)
    empty = require_empty(empty, tokens)
    raise NotImplementedError("Exercise 12.4: write drop_captions in ddpmlib/latent.py")


def text_guided_model(net: TextNetwork, tokens: Int[Tensor, "batch words"], gamma: float, empty: Int[Tensor, "words"]) -> Model:
    r"""Exercise 12.4. Classifier-free guidance by captions as a noise predictor: a new model, for any sampler.

    eps(z_t, t) = eps_empty + gamma (eps_told - eps_empty), with eps_told = net(z_t, t, tokens) and eps_empty the answer to the
    empty caption in each row.

    Parameters
    ----------
    net
        the text network, eps = net(z_t, t, tokens).
    tokens
        the wanted caption of each row, of shape (batch, words).
    gamma
        the guidance: 0 ignores the captions, 1 is the network told them, more goes further.
    empty
        the caption that tells nothing, of shape (words,).

    Returns
    -------
    A function eps = model(z_t, t) for latents with as many rows as ``tokens``.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape; when the new model is called, also if there are not as many captions as rows.

    Source: Ho and Salimans (2022), Algorithm 2; Rombach et al. (2022), section 4.3; chapter 12, "Captions that are dropped".
    """
    require_text_network(net)
    tokens = require_tokens("tokens", tokens)
    empty = require_empty(empty, tokens)
    gamma = require_number("gamma", gamma)

    def guided(z_t: Float[Tensor, "batch c h w"], t: Int[Tensor, "batch"]) -> Float[Tensor, "batch c h w"]:
        told = require_tokens("tokens", tokens, len(z_t)).to(z_t.device)
        raise NotImplementedError("Exercise 12.4: write text_guided_model in ddpmlib/latent.py")

    return guided


def text_to_image(
    autoencoder: Autoencoder,
    net: TextNetwork,
    schedule: Schedule,
    tokens: Int[Tensor, "batch words"],
    gamma: float,
    times: Sequence[int] | Int[Tensor, "steps"],
    noise: Float[Tensor, "batch c h w"],
    *,
    empty: Int[Tensor, "words"],
    scale: float | Tensor,
) -> Float[Tensor, "batch 3 H W"]:
    r"""Exercise 12.5. Images of captions: DDIM (eta = 0) in the scaled latents with the guided model, then the decoder.

    Parameters
    ----------
    autoencoder, net, schedule
        the decoder's network, the text network, and the schedule that it was trained with.
    tokens, gamma, empty
        the wanted captions, of shape (batch, words), the guidance, and the empty caption (``text_guided_model``).
    times
        the times in falling order, all in 1..T (``ddim.time_subsequence``).
    noise
        where the walk starts: scaled latents at the first of the times, of shape (batch, c, h, w), drawn from N(0, I).
    scale
        from ``latent_scale``.

    Returns
    -------
    Images, as they come from the decoder, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, the times do not fall, or ``scale`` is not positive.

    Source: Rombach et al. (2022), figure 3; chapter 12, "From text to image".
    """
    tokens, times = _require_task(autoencoder, net, schedule, tokens, times, noise, scale)
    empty = require_empty(empty, tokens)
    gamma = require_number("gamma", gamma)
    raise NotImplementedError("Exercise 12.5: write text_to_image in ddpmlib/latent.py")


def image_to_image(
    autoencoder: Autoencoder,
    net: TextNetwork,
    schedule: Schedule,
    x: Float[Tensor, "batch 3 H W"],
    tokens: Int[Tensor, "batch words"],
    gamma: float,
    times: Sequence[int] | Int[Tensor, "steps"],
    noise: Float[Tensor, "batch c h w"],
    strength: float,
    *,
    empty: Int[Tensor, "words"],
    scale: float | Tensor,
) -> Float[Tensor, "batch 3 H W"]:
    r"""Exercise 12.6. Images changed by a caption: noise the latents of given images to a time t_0, and denoise them from there.

    Only those of the times that are at most ``strength`` T are walked; t_0 is the largest of them. The walk starts from
    sqrt(alpha_bar_{t_0}) z + sqrt(1 - alpha_bar_{t_0}) noise, where z are the scaled latents of ``x``.

    Parameters
    ----------
    autoencoder, net, schedule, tokens, gamma, times, empty, scale
        as for ``text_to_image``.
    x
        the given images, of shape (batch, colours, H, W).
    noise
        standard normal noise of the latents' shape (batch, c, h, w).
    strength
        how far up the walk starts, in (0, 1]: near 0 the images hardly change, at 1 little of them is left.

    Returns
    -------
    Images, as they come from the decoder, without a graph.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, the times do not fall, ``strength`` lies outside (0, 1], or none of the times is
        at most ``strength`` T.

    Source: Meng et al. (2022), "SDEdit", Algorithm 1, in latents; chapter 12, "From image to image".
    """
    tokens, times = _require_task(autoencoder, net, schedule, tokens, times, noise, scale)
    empty = require_empty(empty, tokens)
    gamma = require_number("gamma", gamma)
    require_image_batch("x", x, len(tokens))
    strength = times_up_to(times, strength, schedule.T)
    raise NotImplementedError("Exercise 12.6: write image_to_image in ddpmlib/latent.py")


def inpaint(
    autoencoder: Autoencoder,
    net: TextNetwork,
    schedule: Schedule,
    x: Float[Tensor, "batch 3 H W"],
    paint: Bool[Tensor, "batch 1 H W"],
    tokens: Int[Tensor, "batch words"],
    gamma: float,
    times: Sequence[int] | Int[Tensor, "steps"],
    noise: Float[Tensor, "batch c h w"],
    *,
    empty: Int[Tensor, "words"],
    scale: float | Tensor,
) -> Float[Tensor, "batch 3 H W"]:
    r"""Exercise 12.7. A part of the images is painted anew, to fit a caption and what stands around it.

    With z the scaled latents of ``x``: the walk starts from ``noise`` at the first of the times, with eta = 0. Before each call of
    the model, at time t, the known cells are set to sqrt(alpha_bar_t) z + sqrt(1 - alpha_bar_t) noise, with the same ``noise`` at
    every time; at the end, at time 0, they are set to z. A cell of the latents covers (H/h) x (W/w) pixels; it is known if none of
    them is painted. Last, the decoder's image is pasted into ``x``: the pixels that are not painted stay what they are.

    Parameters
    ----------
    autoencoder, net, schedule, tokens, gamma, times, empty, scale
        as for ``text_to_image``.
    x
        the given images, of shape (batch, colours, H, W); H and W are multiples of the latents' h and w.
    paint
        True where a pixel is to be painted, of shape (batch, 1, H, W).
    noise
        standard normal noise of the latents' shape (batch, c, h, w).

    Returns
    -------
    Images, without a graph: the decoder's where ``paint`` is True, ``x`` elsewhere.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type or shape, or the times do not fall.

    Source: Lugmayr et al. (2022), "RePaint", Algorithm 1, without resampling and with DDIM's steps; chapter 12, "Painting a part".
    """
    tokens, times = _require_task(autoencoder, net, schedule, tokens, times, noise, scale)
    empty = require_empty(empty, tokens)
    gamma = require_number("gamma", gamma)
    require_image_batch("x", x, len(tokens))
    paint = require_paint(paint, x)
    if x.shape[2] % noise.shape[2] or x.shape[3] % noise.shape[3]:
        raise ValueError(f"x must have a height and a width divisible by those of noise, {tuple(noise.shape[2:])}, got {tuple(x.shape)}")
    raise NotImplementedError("Exercise 12.7: write inpaint in ddpmlib/latent.py")


def clip_loss(
    images: Float[Tensor, "batch d"], texts: Float[Tensor, "batch d"], temperature: float | Float[Tensor, ""]
) -> Float[Tensor, ""]:
    r"""Exercise 12.8. The contrastive loss of images and their captions: each is to find the other among the whole batch.

    Row i of ``images`` belongs to row i of ``texts``. With rows of length 1, logits_ij = images_i . texts_j / temperature. The loss
    is the mean of two cross-entropies in nats: of the right text for each image (softmax over j), and of the right image for each
    text (softmax over i), each a mean over the batch.

    Parameters
    ----------
    images, texts
        features, of shape (batch, d), of any length but 0: they are divided by their length here.
    temperature
        a positive number, or a tensor of shape () that may be trained.

    Returns
    -------
    A tensor of shape (), of the dtype of ``images``; the gradient flows to all three.

    Raises
    ------
    TypeError, ValueError
        if an argument has the wrong type, the shapes differ, or the temperature is not positive.

    Source: Radford et al. (2021), figure 3; chapter 12, "A judge of captions".
    """
    require_pairs(images, texts)
    temperature = require_temperature(temperature)
    raise NotImplementedError("Exercise 12.8: write clip_loss in ddpmlib/latent.py")


def _require_task(
    autoencoder: object, net: object, schedule: object, tokens: object, times: object, noise: object, scale: object
) -> tuple[Int[Tensor, "batch words"], list[int]]:
    """Check what the three ways to an image have in common; return tokens and times in their one form."""
    require_autoencoder(autoencoder)
    require_text_network(net)
    require_schedule("schedule", schedule)
    tokens = require_tokens("tokens", tokens)
    require_latents("noise", noise, len(tokens))
    require_scale(scale)
    return tokens, require_times_down("times", times, schedule.T)
