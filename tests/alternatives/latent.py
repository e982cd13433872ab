"""Correct answers to chapter 12's code exercises that differ from the reference."""

from __future__ import annotations

import torch
from answers import alternative
from torch import nn
from torch.nn import functional

from ddpmlib.ddim import ddim_sample, ddim_step, ddim_step_from_x0


@alternative("12.1", "functional losses")
def autoencoder_loss(x, reconstruction, mean, log_var, kl_weight):
    near = functional.mse_loss(reconstruction, x) + 0.5 * functional.l1_loss(reconstruction, x)
    return near - kl_weight * 0.5 * torch.mean(1 + log_var - mean**2 - torch.exp(log_var))


@alternative("12.1", "laws")
def autoencoder_loss(x, reconstruction, mean, log_var, kl_weight):  # noqa: F811
    law = torch.distributions.Normal(mean, (log_var / 2).exp())
    kl = torch.distributions.kl_divergence(law, torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean)))
    off = x - reconstruction
    return (off**2).mean() + off.abs().mean() / 2 + kl_weight * kl.mean()


@alternative("12.2", "by hand")
def latent_scale(latents):
    values = latents.detach().flatten()
    return ((values - values.mean()) ** 2).mean() ** -0.5


@alternative("12.2", "unbiased off")
def latent_scale(latents):  # noqa: F811
    with torch.no_grad():
        return torch.var(latents, unbiased=False).rsqrt()


@alternative("12.2", "detached")
def to_latents(autoencoder, x, scale):  # noqa: F811
    return autoencoder.encode(x)[0].detach() * scale


@alternative("12.3", "torch's attention")
def cross_attention(layer, x, context):
    b, c, h, w = x.shape

    def heads(rows):
        return rows.unflatten(-1, (layer.heads, -1)).transpose(1, 2)

    k, v = layer.kv(context)[..., :c], layer.kv(context)[..., c:]
    q = layer.q(layer.norm(x).permute(0, 2, 3, 1).reshape(b, h * w, c))
    found = functional.scaled_dot_product_attention(heads(q), heads(k), heads(v))
    return x + layer.out(found.transpose(1, 2).reshape(b, h * w, c)).reshape(b, h, w, c).permute(0, 3, 1, 2)


@alternative("12.3", "torch's MultiheadAttention")
def cross_attention(layer, x, context):  # noqa: F811
    b, c, h, w = x.shape
    if x.requires_grad:  # the module below has parameters of its own, which would get the gradients
        q, (k, v) = layer.q(layer.norm(x).flatten(2).mT), layer.kv(context).chunk(2, -1)
        parts = [functional.scaled_dot_product_attention(*triple) for triple in zip(*(y.chunk(layer.heads, -1) for y in (q, k, v)))]
        return x + layer.out(torch.cat(parts, -1)).mT.reshape(x.shape)
    peer = nn.MultiheadAttention(c, layer.heads, batch_first=True, kdim=context.shape[2], vdim=context.shape[2]).to(x.dtype)
    with torch.no_grad():
        (of_keys, of_values), (key_bias, value_bias) = layer.kv.weight.chunk(2), layer.kv.bias.chunk(2)
        peer.in_proj_bias.copy_(torch.cat([layer.q.bias, key_bias, value_bias]))
        if peer.in_proj_weight is not None:
            peer.in_proj_weight.copy_(torch.cat([layer.q.weight, of_keys, of_values]))
        else:
            peer.q_proj_weight.copy_(layer.q.weight), peer.k_proj_weight.copy_(of_keys), peer.v_proj_weight.copy_(of_values)
        peer.out_proj.weight.copy_(layer.out.weight), peer.out_proj.bias.copy_(layer.out.bias)
    found, _ = peer(layer.norm(x).flatten(2).mT, context, context)
    return x + found.mT.reshape(x.shape)


@alternative("12.4", "a copy, rows replaced")
def drop_captions(tokens, dropped, empty):
    told = tokens.clone()
    told[dropped] = empty
    return told


@alternative("12.4", "two calls")
def text_guided_model(net, tokens, gamma, empty):  # noqa: F811
    def guided(z_t, t):
        told, untold = net(z_t, t, tokens), net(z_t, t, empty.repeat(len(tokens), 1))
        return gamma * told + (1 - gamma) * untold

    return guided


@alternative("12.5", "step by step")
def text_to_image(autoencoder, net, schedule, tokens, gamma, times, noise, *, empty, scale):
    model, z = text_guided_reference(net, tokens, gamma, empty), noise
    with torch.no_grad():
        for t, s in zip(times, list(times[1:]) + [0]):
            z = ddim_step(model, z, t, s, schedule, None, 0.0)
        return autoencoder.decode(z / scale)


@alternative("12.5", "from the predicted data")
def text_to_image(autoencoder, net, schedule, tokens, gamma, times, noise, *, empty, scale):  # noqa: F811
    z, rows = noise, len(tokens)
    with torch.no_grad():
        for t, s in zip(times, [*times[1:], 0]):
            when, nothing = torch.full((rows,), t), empty.expand(rows, -1)
            eps = (1 - gamma) * net(z, when, nothing) + gamma * net(z, when, tokens)
            now = schedule.alpha_bars[t]
            z = ddim_step_from_x0(z, (z - (1 - now).sqrt().to(z.dtype) * eps) / now.sqrt().to(z.dtype), t, s, schedule, None, 0.0)
        return autoencoder.decode(z / scale)


def text_guided_reference(*arguments):
    from ddpmlib import latent

    return latent.text_guided_model(*arguments)


@alternative("12.6", "jump by hand")
def image_to_image(autoencoder, net, schedule, x, tokens, gamma, times, noise, strength, *, empty, scale):
    times = [t for t in times if t / schedule.T <= strength]
    left = schedule.alpha_bars[times[0]]
    with torch.no_grad():
        z = autoencoder.encode(x)[0] * scale
        z = left.sqrt().to(z.dtype) * z + (1 - left).sqrt().to(z.dtype) * noise
        return autoencoder.decode(ddim_sample(text_guided_reference(net, tokens, gamma, empty), z, schedule, times) / scale)


@alternative("12.6", "first index")
def image_to_image(autoencoder, net, schedule, x, tokens, gamma, times, noise, strength, *, empty, scale):  # noqa: F811
    first = next(i for i, t in enumerate(times) if t <= strength * schedule.T)
    left, z = schedule.alpha_bars[times[first]].item(), scale * autoencoder.encode(x)[0].detach()
    z = left**0.5 * z + (1 - left) ** 0.5 * noise
    with torch.no_grad():
        for t, s in zip(times[first:], [*times[first + 1 :], 0]):
            z = ddim_step(text_guided_reference(net, tokens, gamma, empty), z, t, s, schedule, None, 0.0)
        return autoencoder.decode(z / scale)


@alternative("12.7", "replaced after each step")
def inpaint(autoencoder, net, schedule, x, paint, tokens, gamma, times, noise, *, empty, scale):
    batch, _, height, width = x.shape
    h, w = noise.shape[2:]
    known = ~paint.reshape(batch, 1, h, height // h, w, width // w).any(dim=5).any(dim=3)
    known = known.to(noise.dtype)
    model = text_guided_reference(net, tokens, gamma, empty)

    def mixed(z_t, s):
        left = schedule.alpha_bars[s].item()
        return known * (left**0.5 * z + (1 - left) ** 0.5 * noise) + (1 - known) * z_t

    with torch.no_grad():
        z = scale * autoencoder.encode(x)[0]
        z_t = mixed(noise, times[0])
        for t, s in zip(times, [*times[1:], 0]):
            z_t = mixed(ddim_step(model, z_t, t, s, schedule, None, 0.0), s)
        image = autoencoder.decode(z_t / scale)
    return image * paint + x * ~paint


@alternative("12.7", "masks by interpolation")
def inpaint(autoencoder, net, schedule, x, paint, tokens, gamma, times, noise, *, empty, scale):  # noqa: F811
    from ddpmlib.forward import q_sample

    free = functional.interpolate(paint.to(x.dtype), size=noise.shape[2:], mode="area").expand_as(noise) > 0
    z_t, z = noise.clone(), scale * autoencoder.encode(x)[0].detach()
    for t, s in zip(times, [*times[1:], 0]):
        z_t[~free] = q_sample(z, t, schedule.alpha_bars, noise)[~free]
        with torch.no_grad():
            z_t = ddim_step(text_guided_reference(net, tokens, gamma, empty), z_t, t, s, schedule, None, 0.0)
    z_t[~free] = z[~free]
    image, result = autoencoder.decode(z_t / scale).detach(), x.clone()
    return torch.where(paint.expand_as(x), image, result)


@alternative("12.8", "log-softmax both ways")
def clip_loss(images, texts, temperature):
    a, b = images / images.norm(dim=1, keepdim=True), texts / texts.norm(dim=1, keepdim=True)
    logits = a @ b.mT / temperature
    return -(logits.log_softmax(dim=1).diagonal() + logits.log_softmax(dim=0).diagonal()).mean() / 2


@alternative("12.8", "cosine similarity")
def clip_loss(images, texts, temperature):  # noqa: F811
    logits = functional.cosine_similarity(images[:, None], texts[None], dim=2) / temperature
    wanted = logits.diagonal()
    return ((logits.logsumexp(1) - wanted).mean() + (logits.logsumexp(0) - wanted).mean()) / 2
