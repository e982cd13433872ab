"""Chapter 8: the network as a whole, what the text claims of its parts, PyTorch's own layers, and bad input."""

from __future__ import annotations

import math

import pytest
import sympy
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from ddpmlib import diagrams, unet, unet_formulas
from ddpmlib.checks.judges.unet_attention import layer_output
from ddpmlib.checks.judges.unet_blocks import block_output
from ddpmlib.checks.judges.unet_oracles import convolve, normalise, silu
from ddpmlib.ddpm import training_loss
from ddpmlib.layers import Level, ResidualBlock, SelfAttention, UNet
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULE = Schedule.linear(1000)


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = F64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def stirred(layer: nn.Module, size: float = 0.2) -> nn.Module:
    """The layer in float64, with random numbers added to all parameters, so that none is at 0."""
    layer.double()
    with torch.no_grad():
        for seed, parameter in enumerate(layer.parameters()):
            parameter += size * normal(*parameter.shape, seed=seed)
    return layer


def three_levels(**options) -> UNet:
    return UNet((2, 8, 12), channels=(8, 16, 8), attention=(False, True, True), heads=2, **options)


# the network as a whole


@pytest.mark.parametrize("classes", [None, 3])
@pytest.mark.parametrize("build", [UNet, three_levels])
def test_a_new_network_answers_zero_and_its_loss_begins_at_one(build, classes):
    net = build(classes=classes)
    x0, noise = (normal(512, *net.settings["shape"], seed=seed, dtype=torch.float32) for seed in (1, 2))
    t = torch.randint(1, 1001, (512,), generator=torch.Generator().manual_seed(3))
    assert not net(x0, t).any()
    loss = training_loss(net, x0, t, noise, SCHEDULE)
    assert torch.allclose(loss, noise.square().mean())
    assert abs(loss.item() - 1) < 5 * math.sqrt(2 / noise.numel())


def test_the_digits_network_has_the_size_that_the_text_says():
    net = UNet(classes=10)
    assert sum(parameter.numel() for parameter in net.parameters()) == 438_433
    assert sum(parameter.numel() for parameter in net.time.parameters()) == 33_024


def test_settings_rebuild_the_network_and_the_seed_decides():
    net = three_levels(classes=4, seed=7)
    again = UNet(**net.settings)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values(), strict=True))
    other = UNet(**net.settings | {"seed": 8})
    assert not torch.equal(net.first.weight, other.first.weight)


def test_making_a_network_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    UNet()
    assert torch.equal(torch.rand(3), wanted)


def test_gradients_arrive_in_three_steps_as_the_text_says():
    net = UNet(channels=(16, 32), classes=10)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    x, t, y = normal(16, 1, 8, 8, dtype=torch.float32), torch.arange(1, 17), torch.arange(16) % 10
    eps, found = normal(16, 1, 8, 8, seed=1, dtype=torch.float32), []
    for _ in range(3):
        optimizer.zero_grad()
        (net(x, t, y) - eps).square().mean().backward()
        found.append([name for name, parameter in net.named_parameters() if parameter.grad.any()])
        optimizer.step()
    assert found[0] == ["last.weight", "last.bias"]
    assert [len(names) for names in found[1:]] == [28, 81] and len(list(net.parameters())) == 81


@pytest.mark.parametrize("build", [UNet, three_levels])
def test_every_parameter_gets_a_gradient(build):
    net = stirred(build(classes=3))
    t, y = torch.tensor([3, 500, 999, 20]), torch.tensor([0, 1, 2, 3])
    net(normal(4, *net.settings["shape"]), t, y).square().sum().backward()
    silent = [name for name, parameter in net.named_parameters() if not parameter.grad.any()]
    assert not silent
    assert (net.label.weight.grad.abs().sum(dim=1) > 0).all(), "the null class learns too"


def recorded(net: UNet, x: torch.Tensor, t: torch.Tensor) -> dict[str, torch.Tensor]:
    """What each block on the way up gets, and what each level on the way down gives."""
    seen = {}
    hooks = [level.block.register_forward_hook(lambda layer, given, out, i=i: seen.__setitem__(f"up {i}", given[0].detach()))
             for i, level in enumerate(net.up)]
    hooks += [level.attention.register_forward_hook(lambda layer, given, out, i=i: seen.__setitem__(f"down {i}", out.detach()))
              for i, level in enumerate(net.down)]
    net(x, t)
    for hook in hooks:
        hook.remove()
    return seen


def test_each_skip_connection_reaches_its_level_and_no_other():
    net, t = stirred(three_levels()), torch.tensor([9, 800])
    seen = recorded(net, normal(2, 2, 8, 12), t)
    for i in range(3):
        kept, got = seen[f"down {i}"], seen[f"up {2 - i}"]
        assert torch.equal(got[:, got.shape[1] // 2 :], kept), "behind the channels from below, bit by bit"
    for i in range(3):
        moved = lambda layer, given, out: out + 1.0  # noqa: E731
        hook = net.down[i].attention.register_forward_hook(moved)
        after = recorded(net, normal(2, 2, 8, 12), t)
        hook.remove()
        for j in range(3):
            before, now = (values[f"up {2 - j}"][:, -net.settings["channels"][j] :] for values in (seen, after))
            assert torch.equal(before, now) == (j < i), "a change at a level moves what is kept there and below, and nothing above"


def test_without_what_is_kept_the_output_changes():
    net, x, t = stirred(three_levels()), normal(2, 2, 8, 12), torch.tensor([9, 800])
    whole = net(x, t)
    for i in range(3):
        width = net.settings["channels"][2 - i]
        hook = net.up[i].block.register_forward_pre_hook(
            lambda layer, given, width=width: (torch.cat([given[0][:, :-width], 0 * given[0][:, -width:]], 1), given[1]))
        assert (net(x, t) - whole).abs().max() > 1e-3
        hook.remove()


def by_hand(net: UNet, x: torch.Tensor, emb: torch.Tensor) -> torch.Tensor:
    """The whole network with the checks' oracles for the layers and a recursion for the wiring."""
    def block(layer, h):
        return block_output(dict(layer.named_parameters()), h, emb)

    def attends(layer, h):
        return h if isinstance(layer, nn.Identity) else layer_output(dict(layer.named_parameters()), layer.heads, h)

    def across(i, h):
        if i == len(net.down):
            for layer in net.middle:
                h = block(layer, h)
            return h
        down, up = net.down[i], net.up[len(net.down) - 1 - i]
        kept = attends(down.attention, block(down.block, h))
        if i == len(net.down) - 1:
            back = across(i + 1, kept)
        else:
            below = convolve(kept, down.resample.weight, down.resample.bias)[:, :, ::2, ::2]
            small = convolve(across(i + 1, below), up.resample[0].weight, up.resample[0].bias)
            back = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return attends(up.attention, block(up.block, torch.cat([back, kept], 1)))

    h = across(0, convolve(x, net.first.weight, net.first.bias))
    h = silu(normalise(h, net.norm.num_groups, net.norm.weight, net.norm.bias))
    return convolve(h, net.last.weight, net.last.bias)


@pytest.mark.parametrize("build", [lambda: UNet((1, 8, 8), channels=(8, 16)), three_levels])
def test_the_whole_network_is_what_its_parts_say(build):
    net = stirred(build())
    x, t = normal(2, *net.settings["shape"]), torch.tensor([40, 700])
    with torch.no_grad():
        assert torch.allclose(net(x, t), by_hand(net, x, unet.condition(net, t)), rtol=0, atol=1e-9)


def test_it_takes_other_sizes_and_gives_each_image_its_own_answer():
    net = stirred(three_levels())
    t = torch.tensor([1, 400, 1000])
    x = normal(3, 2, 4, 16)
    together = net(x, t)
    assert together.shape == x.shape
    alone = torch.cat([net(x[i : i + 1], t[i : i + 1]) for i in range(3)])
    assert torch.allclose(together, alone, rtol=0, atol=1e-11)


# classes


def test_no_class_told_is_the_null_class():
    net, t = stirred(UNet((1, 4, 4), channels=(8,), attention=(False,), classes=3)), torch.tensor([5, 6, 7, 8])
    x, null = normal(4, 1, 4, 4), torch.full((4,), 3)
    assert torch.equal(net(x, t), net(x, t, null))
    told = [net(x, t, torch.full((4,), y)) for y in range(4)]
    assert all((told[i] - told[j]).abs().max() > 1e-4 for i in range(4) for j in range(i))
    mixed = net(x, t, torch.tensor([0, 3, 2, 1], dtype=torch.int32))
    assert torch.allclose(mixed, torch.stack([told[y][row] for row, y in enumerate((0, 3, 2, 1))]), rtol=0, atol=1e-12)


def test_a_network_without_classes_has_no_table():
    net = UNet()
    assert not hasattr(net, "label")
    with pytest.raises(ValueError, match="y must be None, since the network has no classes"):
        net(torch.zeros(2, 1, 8, 8), torch.tensor([1, 2]), torch.tensor([0, 1]))


@pytest.mark.parametrize("width", [2, 3, 4, 6, 8, 12, 16, 32])
def test_a_block_of_any_width_hears_what_it_is_told(width):
    block, x = stirred(ResidualBlock(width, width, 6)), normal(2, width, 4, 4)
    assert (block(x, normal(2, 6, seed=1)) - block(x, normal(2, 6, seed=2))).abs().max() > 1e-2
    net = stirred(UNet((1, 4, 4), channels=(width,), attention=(False,)))
    x = normal(2, 1, 4, 4)
    assert (net(x, torch.tensor([1, 1])) - net(x, torch.tensor([500, 900]))).abs().max() > 1e-3


def test_in_groups_of_one_channel_a_block_hears_nothing():
    block, x = stirred(ResidualBlock(16, 16, 6)), normal(2, 16, 4, 4)
    block.norm2.num_groups = 16
    assert (block(x, normal(2, 6, seed=1)) - block(x, normal(2, 6, seed=2))).abs().max() < 1e-3  # what eps leaves


# parts


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_embedding_has_the_dtype_and_its_digits(dtype):
    t = torch.tensor([0, 3, 1000])
    exact = unet.time_embedding(t, 16, dtype=F64)
    made = unet.time_embedding(t, 16, dtype=dtype)
    assert made.dtype == dtype
    size = {torch.float64: 1e-15, torch.float32: 2e-4, torch.float16: 1e-3, torch.bfloat16: 5e-3}[dtype]
    assert (made.double() - exact).abs().max() < size


def test_a_step_of_the_time_is_a_rotation():
    t, dim, d = torch.arange(50), 12, 7
    angles = torch.tensor([10_000.0 ** (-i / 6) * d for i in range(6)], dtype=F64)
    cos, sin = angles.cos().diag(), angles.sin().diag()
    rotation = torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)])
    waves = unet.time_embedding(torch.arange(57), dim, dtype=F64)
    assert torch.allclose(rotation @ rotation.T, torch.eye(12, dtype=F64), atol=1e-14)
    assert torch.allclose(waves[t + d], waves[t] @ rotation.T, atol=1e-12)
    assert torch.allclose(waves.norm(dim=1), torch.tensor(math.sqrt(6), dtype=F64))


def test_formulas_of_the_embedding_are_those_of_the_code():
    h, P = 5, 50.0
    waves = [P ** (-i / h) for i in range(h)]
    product = unet_formulas.embedding_product_formula()
    w, d = (next(symbol for symbol in product.free_symbols if symbol.name == name) for name in "wd")
    rows = unet.time_embedding(torch.tensor([4, 11]), 2 * h, P, F64)
    assert (rows[0] @ rows[1]).item() == pytest.approx(sum(float(product.subs({w: wave, d: 7})) for wave in waves))
    speed = unet_formulas.embedding_speed_formula()
    value = float(speed.subs({symbol: {"P": P, "h": h}[symbol.name] for symbol in speed.free_symbols}))
    assert value == pytest.approx(sum(wave**2 for wave in waves))


@pytest.mark.parametrize(("shape", "groups"), [((3, 8, 4, 5), 4), ((2, 6, 3), 2), ((4, 6), 3), ((2, 4, 2, 2, 2), 1)])
def test_group_norm_is_pytorchs(shape, groups):
    x, weight, bias = normal(*shape), normal(shape[1], seed=1), normal(shape[1], seed=2)
    assert torch.allclose(unet.group_norm(x, groups, weight, bias, 1e-3), functional.group_norm(x, groups, weight, bias, 1e-3), atol=1e-12)


def test_group_norm_sees_neither_scale_nor_shift_of_a_group():
    x, one, zero = normal(2, 6, 4, 4), torch.ones(6, dtype=F64), torch.zeros(6, dtype=F64)
    scale = torch.tensor([3.0, 3.0, 3.0, 0.2, 0.2, 0.2], dtype=F64)[:, None, None]
    shift = torch.tensor([-1.0, -1.0, -1.0, 9.0, 9.0, 9.0], dtype=F64)[:, None, None]
    plain, moved = (unet.group_norm(y, 2, one, zero, 1e-12) for y in (x, scale * x + shift))
    assert torch.allclose(plain, moved, atol=1e-9)
    eps, a = 0.3, 2.5
    variance = x[0, :3].var(correction=0)
    factor = a * ((variance + eps) / (a**2 * variance + eps)).sqrt()
    with_eps = [unet.group_norm(y, 2, one, zero, eps)[0, :3] for y in (x, a * x + 4)]
    assert torch.allclose(with_eps[1], factor * with_eps[0])


def test_a_new_block_passes_its_input_on():
    block, x, emb = ResidualBlock(8, 8, 6), normal(2, 8, 3, 3, dtype=torch.float32), normal(2, 6, dtype=torch.float32)
    assert torch.equal(block(x, emb), x)
    wider = ResidualBlock(8, 16, 6)
    assert torch.equal(wider(x, emb), wider.skip(x))
    layer = SelfAttention(8, 2)
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_attention_is_pytorchs(lead):
    q, k, v = normal(*lead, 4, 6), normal(*lead, 5, 6, seed=1), normal(*lead, 5, 3, seed=2)
    assert torch.allclose(unet.attention(q, k, v), functional.scaled_dot_product_attention(q, k, v), atol=1e-12)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_self_attention_is_pytorchs_multihead_attention(heads):
    block = stirred(SelfAttention(8, heads))
    theirs = nn.MultiheadAttention(8, heads, batch_first=True).double()
    with torch.no_grad():
        theirs.in_proj_weight.copy_(block.qkv.weight)
        theirs.in_proj_bias.copy_(block.qkv.bias)
        theirs.out_proj.weight.copy_(block.out.weight)
        theirs.out_proj.bias.copy_(block.out.bias)
    x = normal(3, 8, 4, 5)
    pixels = block.norm(x).flatten(2).mT
    found = theirs(pixels, pixels, pixels, need_weights=False)[0]
    assert torch.allclose(block(x), x + found.mT.reshape(x.shape), rtol=0, atol=1e-12)


def test_attention_permutes_with_the_pixels_and_a_block_does_not():
    x, emb = normal(2, 8, 3, 4), normal(2, 6)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))

    def permuted(x):
        return x.flatten(2)[:, :, order].reshape(x.shape)

    layer, block = stirred(SelfAttention(8, 2)), stirred(ResidualBlock(8, 8, 6))
    assert torch.allclose(layer(permuted(x)), permuted(layer(x)), atol=1e-12)
    assert (block(permuted(x), emb) - permuted(block(x, emb))).abs().max() > 0.1
    q, k, v = normal(4, 3), normal(5, 3, seed=1), normal(5, 2, seed=2)
    keys = torch.tensor([3, 0, 4, 1, 2])
    assert torch.allclose(unet.attention(q, k[keys], v[keys]), unet.attention(q, k, v)), "the order of the keys does not matter"


def test_scores_have_the_variance_of_the_proposition():
    for d in (4, 64):
        scores = (normal(200_000, d) * normal(200_000, d, seed=1)).sum(dim=1)
        assert scores.var().item() == pytest.approx(d, rel=0.03)


def test_upsampling_and_a_pixelwise_layer_commute():
    up = stirred(three_levels()).up[1].resample
    x = normal(2, 8, 2, 3)
    assert torch.allclose(up(x), up[0](up[1](x)), atol=1e-13)


@pytest.mark.parametrize(("c", "side"), [(8, 4), (16, 2), (8, 6)])
def test_formulas_of_the_work_count_what_pytorch_counts(c, side):
    values = {"c": c, "N": side**2}

    def value(formula):
        return int(formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols}))

    def counted(call):
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            call()
        return counter.get_total_flops() // 2  # of a multiplication and an addition

    x, emb = torch.zeros(1, c, side, side), torch.zeros(1, 6)
    block, layer = ResidualBlock(c, c, 6), SelfAttention(c, 2)
    assert counted(lambda: block(x, emb)) - 6 * c == value(unet_formulas.block_work_formula())
    assert counted(lambda: layer(x)) == value(unet_formulas.attention_work_formula())
    N = sympy.Symbol("N", positive=True)
    work = [formula().subs({"N": N}) for formula in (unet_formulas.block_work_formula, unet_formulas.attention_work_formula)]
    assert sympy.simplify((work[0] - work[1]).subs(N, unet_formulas.break_even_formula())) == 0


def test_normal_data_pay_the_variance_over_the_times_for_not_being_told():
    spread = (1 - SCHEDULE.alpha_bars[1:]).sqrt()
    t = torch.randint(1, 1001, (400_000,), generator=torch.Generator().manual_seed(1))
    x0, eps = normal(400_000), normal(400_000, seed=1)
    x_t = SCHEDULE.alpha_bars[t].sqrt() * x0 + (1 - SCHEDULE.alpha_bars[t]).sqrt() * eps
    told, untold = ((eps - slope * x_t).square().mean() for slope in (spread[t - 1], spread.mean()))
    assert told.item() == pytest.approx(SCHEDULE.alpha_bars[1:].mean().item(), rel=0.02)
    assert (untold - told).item() == pytest.approx(spread.var(correction=0).item(), rel=0.05)


def test_shapes_seen_name_what_each_layer_gives():
    seen = diagrams.shapes_seen(three_levels(classes=2))
    assert seen["down.0.attention"] == (8, 8, 12) and seen["down.1.attention"] == (16, 4, 6) and seen["middle.0"] == (8, 2, 3)
    assert seen["last"] == (2, 8, 12) and isinstance(three_levels().down[0], Level)


# bad input

T, X, NET = torch.tensor([1, 2]), torch.zeros(2, 1, 8, 8), UNet(classes=10)
BLOCK, LAYER, EMB, IMAGES = ResidualBlock(8, 16, 6), SelfAttention(8, 2), torch.zeros(2, 6), torch.zeros(2, 8, 3, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: unet.time_embedding(T, 7), ValueError, "dim must be even, got 7"),
        (lambda: unet.time_embedding(torch.tensor(3), 8), ValueError, r"t must have shape \(batch,\), one time for each row, got \(\)"),
        (lambda: unet.time_embedding(-T, 8), ValueError, "t must be at least 0, got -1"),
        (lambda: unet.time_embedding(T, 8, 1.0), ValueError, "max_period must be greater than 1, got 1.0"),
        (lambda: unet.time_embedding(T, 8, dtype=torch.int64), ValueError, "dtype must be a floating-point dtype, got torch.int64"),
        (lambda: unet.time_embedding(T, 8, dtype="float32"), TypeError, "dtype must be a torch.dtype, got str"),
        (lambda: unet.group_norm(X, 2, torch.ones(1), torch.ones(1)), ValueError, "groups must divide the 1 channels of x, got 2"),
        (lambda: unet.group_norm(X, 1, torch.ones(2), torch.ones(1)), ValueError, r"weight must have shape \(1,\)"),
        (lambda: unet.group_norm(X[0, 0, 0], 1, torch.ones(1), torch.ones(1)), ValueError, r"x must have shape \(batch, channels, ...\)"),
        (lambda: unet.group_norm(X, 1, torch.ones(1), torch.ones(1), 0.0), ValueError, "eps must be greater than 0"),
        (lambda: unet.residual_block(LAYER, X, EMB), TypeError, "block must be a ddpmlib.layers.ResidualBlock, got SelfAttention"),
        (lambda: BLOCK(X, EMB), ValueError, r"x must have shape \(batch, 8, h, w\), got \(2, 1, 8, 8\)"),
        (lambda: BLOCK(IMAGES, EMB[:, :4]), ValueError, r"emb must have shape \(2, 6\), a row for each image, got \(2, 4\)"),
        (lambda: BLOCK(IMAGES, EMB[:1]), ValueError, r"emb must have shape \(2, 6\)"),
        (lambda: BLOCK(IMAGES.double(), EMB), TypeError, "x must have the dtype of the weights, torch.float32, got torch.float64"),
        (lambda: unet.attention(X[0, 0], X[0, 0, :, :5], X[0, 0]), ValueError, r"k must have shape \(m, 8\), to fit q, got \(8, 5\)"),
        (lambda: unet.attention(X, X[:1], X), ValueError, r"k must have shape \(2, 1, m, 8\), to fit q, got \(1, 1, 8, 8\)"),
        (lambda: unet.attention(X, X, X[:, :, :3]), ValueError, r"v must have shape \(2, 1, 8, e\), a row for each key, got"),
        (lambda: unet.attention(torch.zeros(3), X, X), ValueError, r"q must have shape \(..., number, features\), got \(3,\)"),
        (lambda: LAYER(torch.zeros(2, 4, 3, 3)), ValueError, r"x must have shape \(batch, 8, h, w\)"),
        (lambda: LAYER(torch.zeros(8, 3, 3)), ValueError, r"x must have 4 axes, got shape \(8, 3, 3\)"),
        (lambda: unet.condition(BLOCK, T), TypeError, "net must be a ddpmlib.layers.UNet, got ResidualBlock"),
        (lambda: unet.condition(NET, T, torch.tensor([0, 11])), ValueError, r"y must be between 0 and 10 \(10 is the null class\), got 11"),
        (lambda: unet.condition(NET, T, torch.tensor([0, -1])), ValueError, "y must be between 0 and 10"),
        (lambda: unet.condition(NET, T, torch.tensor([0])), ValueError, r"y must have shape \(2,\), a class for each row, got \(1,\)"),
        (lambda: unet.condition(NET, T, torch.tensor([0.0, 1.0])), TypeError, "y must hold integers, got dtype torch.float32"),
        (lambda: unet.condition(NET, T, 3), TypeError, r"y must be an integer tensor of shape \(batch,\), or None, got int"),
        (lambda: NET(X, T[:1]), ValueError, r"emb must have shape \(2, 128\)"),
        (lambda: NET(X[:, :, :7], T), ValueError, r"x must have a height and a width divisible by 2, for 2 levels, got \(2, 1, 7, 8\)"),
        (lambda: NET(X.expand(2, 3, 8, 8), T), ValueError, r"x must have shape \(batch, 1, h, w\)"),
        (lambda: NET(X.double(), T), TypeError, "x must have the dtype of the weights"),
        (lambda: UNet((1, 8)), ValueError, r"shape must have 3 entries, got \[1, 8\]"),
        (lambda: UNet((1, 8, 9)), ValueError, r"shape must have a height and a width divisible by 2, for 2 levels, got \[1, 8, 9\]"),
        (lambda: UNet(channels=(32, 0)), ValueError, r"channels\[1\] must be at least 1, got 0"),
        (lambda: UNet(channels=()), ValueError, "channels must have at least one entry"),
        (lambda: UNet(channels=(32, 2.5)), TypeError, r"channels\[1\] must be an integer, got float 2.5"),
        (lambda: UNet(channels=64), TypeError, "channels must be a sequence of integers, got int"),
        (lambda: UNet(channels=(20, 64)), ValueError, r"channels\[0\] must be a multiple of 8"),
        (lambda: UNet(attention=(True,)), ValueError, "attention must have 2 entries, one for each level"),
        (lambda: UNet(heads=3), ValueError, r"heads must divide channels\[1\] = 64, as that level has attention, got 3"),
        (lambda: UNet(classes=0), ValueError, "classes must be at least 1, got 0"),
        (lambda: UNet(seed=-1), ValueError, "seed must be at least 0, got -1"),
        (lambda: SelfAttention(8, 3), ValueError, "heads must divide the 8 channels, got 3"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_autocast_may_change_the_dtype_on_the_way():
    net = UNet()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert net(X, T).shape == X.shape
