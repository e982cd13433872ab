"""Latent diffusion: the answers against PyTorch's own attention and each other, the layers, and the training loops."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional

from ddpmlib import ddim, latent, latent_clip, latent_lab, live, sprites, train_pairs
from ddpmlib.latent_layers import Autoencoder, CrossAttention, TextUNet
from ddpmlib.schedules import Schedule
from ddpmlib.training import TrainingState

WORDS = len(sprites.vocabulary())


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    return sprites.draw(60, seeded())


@pytest.fixture(scope="module")
def small():
    """An autoencoder and a text network, untrained but for random weights where they begin at 0."""
    made = Autoencoder(wide=8, deep=16), TextUNet(channels=(16, 16), words=WORDS, dim=16, heads=2)
    torch.manual_seed(0)
    for net in made:
        for parameter in net.parameters():
            parameter.data += 0.05 * torch.randn(parameter.shape)
        net.eval()
    return made


def test_cross_attention_is_torchs():
    torch.manual_seed(1)
    layer = CrossAttention(16, 12, 4).double()
    torch.nn.init.normal_(layer.out.weight)
    x, context = torch.randn(2, 16, 3, 5, dtype=torch.float64), torch.randn(2, 7, 12, dtype=torch.float64)

    def heads(rows):
        return rows.unflatten(-1, (4, 4)).transpose(1, 2)

    q, (k, v) = layer.q(layer.norm(x).flatten(2).mT), layer.kv(context).chunk(2, dim=-1)
    found = functional.scaled_dot_product_attention(heads(q), heads(k), heads(v)).transpose(1, 2).flatten(2)
    torch.testing.assert_close(layer(x, context), x + layer.out(found).mT.unflatten(2, (3, 5)))


def test_order_of_words_matters_through_the_text_encoder_only(small):
    net = small[1]
    layer, x = net.down_words[0], torch.randn(1, 16, 2, 2)
    context = torch.randn(1, 7, 16)
    torch.testing.assert_close(layer(x, context), layer(x, context.flip(1)))
    z, t, words = torch.randn(1, 4, 8, 8), torch.tensor([500]), sprites.tokens(torch.tensor([3]))
    assert (net(z, t, words) - net(z, t, words.flip(1))).abs().max() > 1e-4


def test_no_caption_is_the_empty_caption(small):
    z, t = torch.randn(2, 4, 8, 8), torch.tensor([5, 900])
    empty = sprites.tokens(torch.tensor([-1, -1]))
    assert torch.equal(small[1](z, t), small[1](z, t, empty))


def test_new_networks_begin_where_they_should():
    net = TextUNet(words=WORDS)
    assert not net(torch.randn(2, 4, 8, 8), torch.tensor([3, 4]), sprites.tokens(torch.tensor([1, 2]))).any()
    again = TextUNet(**net.settings)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values()))
    x = torch.randn(2, 8, 3, 3)
    assert torch.equal(CrossAttention(8, 5, 2)(x, torch.randn(2, 4, 5)), x)
    auto = Autoencoder(wide=8, deep=16)
    mean, log_var = auto.encode(torch.randn(2, 3, 32, 32))
    assert mean.shape == log_var.shape == (2, 4, 8, 8) and auto.decode(mean).shape == (2, 3, 32, 32)
    with pytest.raises(ValueError, match="heads must divide the 8 channels, got 3"):
        CrossAttention(8, 5, 3)


def test_image_to_image_at_strength_1_from_T_keeps_little_and_inpainting_all_is_text_to_image(small, data):
    auto, net = small
    schedule, words, empty = Schedule.linear(1000), sprites.tokens(data.captions[:2]), sprites.tokens(torch.tensor([-1]))[0]
    noise, times = torch.randn(2, 4, 8, 8, generator=seeded()), ddim.time_subsequence(1000, 5)
    told = {"empty": empty, "scale": 0.8}
    drawn = latent.text_to_image(auto, net, schedule, words, 2.0, times, noise, **told)
    changed = latent.image_to_image(auto, net, schedule, data.images[:2], words, 2.0, times, noise, 1.0, **told)
    assert (drawn - changed).abs().max() < 0.2
    everything = torch.ones(2, 1, 32, 32, dtype=torch.bool)
    painted = latent.inpaint(auto, net, schedule, data.images[:2], everything, words, 2.0, times, noise, **told)
    torch.testing.assert_close(painted, drawn)
    nothing = latent.inpaint(auto, net, schedule, data.images[:2], ~everything, words, 2.0, times, noise, **told)
    assert torch.equal(nothing, data.images[:2])


@pytest.mark.parametrize(("change", "message"), [
    ({"times": [3, 5]}, "times must fall"), ({"strength": 0.0}, "strength must be greater than 0"),
    ({"strength": 1.5}, "strength must be at most 1"), ({"times": [1000], "strength": 0.5}, "strength must reach"),
    ({"scale": -1.0}, "scale must be greater than 0"), ({"noise": torch.zeros(3, 4, 8, 8)}, "noise must have 2 rows"),
    ({"empty": torch.zeros(3, dtype=torch.int64)}, "empty must have shape \\(7,\\)"),
    ({"tokens": torch.full((2, 7), -1)}, "tokens must hold no negative number"),
])
def test_bad_values_are_named(small, data, change, message):
    auto, net = small
    given = {"x": data.images[:2], "tokens": sprites.tokens(data.captions[:2]), "gamma": 2.0, "times": [800, 100],
             "noise": torch.zeros(2, 4, 8, 8), "strength": 0.9, "empty": torch.zeros(7, dtype=torch.int64), "scale": 1.0} | change
    with pytest.raises(ValueError, match=message):
        latent.image_to_image(auto, net, Schedule.linear(1000), **given)


def test_clip_loss_of_one_pair_is_0_and_of_equal_features_the_logarithm_of_their_number():
    assert latent.clip_loss(torch.randn(1, 4), torch.randn(1, 4), 0.1).item() == 0
    same = torch.ones(5, 3)
    assert latent.clip_loss(same, same, 0.1).item() == pytest.approx(torch.tensor(5.0).log().item(), rel=1e-5)


def test_autoencoder_learns_and_measures_its_scale(data):
    net = Autoencoder(wide=8, deep=16)
    states = list(latent_lab.autoencoder_steps(net, data.images, steps=30, generator=seeded(), batch_size=16))
    assert all(isinstance(state, TrainingState) for state in states) and states[-1].loss < 0.5 * states[0].loss
    latents, scale = latent_lab.encode_all(net, data.images)
    assert torch.equal(scale, net.scale) and latents.std(correction=0).item() == pytest.approx(1.0, rel=1e-4)
    assert not net.training


def test_text_network_learns_and_a_seed_says_all(data):
    latents, words = torch.randn(60, 4, 8, 8, generator=seeded()), sprites.tokens(data.captions)
    ends = []
    for _ in range(2):
        net = TextUNet(channels=(16, 16), words=WORDS, dim=16, heads=2)
        states = [(state.step, state.loss) for state in latent_lab.text_steps(
            net, latents, words, Schedule.linear(1000), steps=25, generator=seeded(1), batch_size=16)]
        ends.append(copy.deepcopy(net.state_dict()))
    assert states[0][0] == 1 and len(states) == 25 and states[-1][1] < states[0][1]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_training_loops_name_bad_input(data, small):
    words = sprites.tokens(data.captions)
    with pytest.raises(ValueError, match="tokens must have 3 rows"):
        next(latent_lab.text_steps(small[1], torch.zeros(3, 4, 8, 8), words, Schedule.linear(10), steps=1, generator=seeded()))
    with pytest.raises(TypeError, match="generator must be"):
        next(latent_lab.autoencoder_steps(small[0], data.images, steps=1, generator=0))
    with pytest.raises(ValueError, match="batch_size must be between 2 and"):
        next(latent_clip.clip_steps(latent_clip.Clip(words=WORDS), data, steps=1, generator=seeded(), batch_size=500))


def test_states_fit_the_live_picture(data, small):
    auto, net = small
    latents, _ = latent_lab.encode_all(auto, data.images)
    words, schedule = sprites.tokens(data.captions), Schedule.linear(1000)
    board = live.LiveLab(2, lambda state: latent_lab.draw_samples(state.ema, auto, words[:4], schedule, generator=seeded(), steps=2))
    for state in latent_lab.text_steps(copy.deepcopy(net), latents, words, schedule, steps=2, generator=seeded(), batch_size=4):
        board.update(state)
    board.images = board.draw(state)
    assert board.images.shape == (4, 3, 32, 32) and board.picture() is not None


def test_small_clip_finds_captions():
    data, test = sprites.draw(2000, seeded()), sprites.draw(96, seeded(9), seen=False)
    net = latent_clip.Clip(words=WORDS, width=16)
    for state in latent_clip.clip_steps(net, data, steps=150, generator=seeded()):
        pass
    assert state.loss < 1
    assert latent_clip.retrieval(net, test.images, test.captions) > 0.2  # by chance 0.004
    assert latent_clip.retrieval(net, test.images, test.captions, torch.tensor(sprites.held_out())) > 0.6  # by chance 0.04


def test_two_objects_train_by_the_same_code(tmp_path, capsys):
    arguments = ["--device", "cpu", "--folder", str(tmp_path), "--pictures", "8", "--autoencoder-steps", "1", "--text-steps", "1"]
    assert train_pairs.main([*arguments, "--samples", "1"]) == 0
    assert "held-out captions satisfied: 0.000 of 1" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"autoencoder.safetensors", "text.safetensors"}
