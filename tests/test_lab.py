"""The labs' loop: one seed one run, resuming, what is drawn, and long steps."""

from __future__ import annotations

import itertools

import pytest
import torch

from ddpmlib import ddpm, images, lab, learner, live
from ddpmlib.layers import UNet
from ddpmlib.schedules import Schedule

SCHEDULE = Schedule.linear(1000)
DATA = images.load_digits()


def net(seed=0):
    return UNet(classes=10, channels=(8, 16), seed=seed)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def run(steps=4, seed=0, **options):
    return lab.training_steps(net(), DATA, SCHEDULE, steps=steps, generator=generator(seed), **{"batch_size": 8, "warmup": 2, **options})


def weights(module):
    return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])


def last(states):
    *_, state = states
    return state


def test_one_seed_is_one_run_and_the_global_generator_has_no_part():
    torch.manual_seed(1)
    first = last(run())
    torch.manual_seed(2)
    second, other = last(run()), last(run(seed=1))
    assert torch.equal(weights(first.ema), weights(second.ema)) and first.loss == second.loss
    assert not torch.equal(weights(first.ema), weights(other.ema))


def test_a_resumed_run_is_the_run(tmp_path):
    path = tmp_path / "half.safetensors"
    straight = last(run(6))
    for state in run(6):
        if state.step == 3:
            state.save(path, data="digits")
            break
    resumed = last(run(6, seed=99, resume=path))
    assert resumed.step == 6 and resumed.loss == straight.loss
    assert torch.equal(weights(resumed.net), weights(straight.net)) and torch.equal(weights(resumed.ema), weights(straight.ema))
    assert list(run(6, resume=path))[0].step == 4


def test_state_says_what_happened():
    state = last(run(3, max_norm=1e-3))
    assert state.step == 3 and state.norm > 1e-3 and state.learning_rate == learner.learning_rate(3, 3, peak=2e-3, warmup=2)
    assert state.per_row.shape == (8,) and state.per_row.mean().item() == pytest.approx(state.loss, rel=1e-5)
    assert state.times.min() >= 1 and state.times.max() <= 1000
    assert not state.net.training and not state.ema.training and not any(p.requires_grad for p in state.ema.parameters())


def test_the_network_is_in_training_mode_while_it_trains_and_not_after():
    states = run(3)
    assert next(states).net.training
    state = next(states)
    states.close()
    assert not state.net.training


@pytest.mark.parametrize(("dropout", "share"), [(0.0, 0.0), (1.0, 1.0), (0.3, 0.3)])
def test_labels_are_dropped_with_the_given_probability(dropout, share):
    told = []

    class Spy(UNet):
        def forward(self, x_t, t, y=None):
            told.append(y)
            return super().forward(x_t, t, y)

    for _ in lab.training_steps(Spy(classes=10, channels=(8, 16)), DATA, SCHEDULE, steps=4, generator=generator(), batch_size=100,
                                warmup=1, dropout=dropout):
        pass
    assert (torch.cat(told) == 10).double().mean().item() == pytest.approx(share, abs=0.07)


def test_constant_rate_stays_at_the_peak():
    assert [state.learning_rate for state in run(4, constant=True)] == [1e-3, 2e-3, 2e-3, 2e-3]


def test_few_steps_have_the_alpha_bars_of_their_times_and_tell_the_model_the_times():
    asked = []

    def model(x, t):
        asked.append(int(t[0]))
        return torch.zeros_like(x)

    few, schedule = lab.at_fewer_times(model, SCHEDULE, 4)
    ddpm.ancestral_sample(few, torch.randn(2, 1, 2, 2, generator=generator()), schedule, generator=generator())
    assert asked == [1000, 667, 334, 1]
    assert torch.equal(schedule.alpha_bars, SCHEDULE.alpha_bars[[0, 1, 334, 667, 1000]])
    assert torch.allclose((1 - schedule.betas).cumprod(0), schedule.alpha_bars)
    whole = lab.at_fewer_times(model, SCHEDULE, 1000)[1]
    assert torch.allclose(whole.betas, SCHEDULE.betas, rtol=1e-9, atol=1e-15)
    assert lab.at_fewer_times(model, SCHEDULE, 1)[1].alpha_bars[1] == SCHEDULE.alpha_bars[1000]


def test_samples_come_from_their_generator_and_know_their_classes():
    labels = torch.tensor([3, 3, 7])
    drawn = [lab.draw_samples(net(), labels, SCHEDULE, generator=generator(seed), steps=3) for seed in (1, 1, 2)]
    assert drawn[0].shape == (3, 1, 8, 8) and drawn[0].dtype == torch.float32
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


def test_live_picture_remembers_and_samples_only_where_it_can_show():
    picture = live.LiveLab(3, lambda state: pytest.fail("there is nobody to see it"))
    for state in itertools.islice(run(3), 3):
        picture.update(state)
    assert len(picture.losses) == 3
    picture.images, picture.seen = torch.zeros(20, 1, 8, 8), 3
    assert len(picture.picture().subfigs) == 2


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"steps": 0}, ValueError, "steps must be at least 1"),
        ({"dropout": 1.5}, ValueError, "dropout must be between 0 and 1, got 1.5"),
        ({"generator": 3}, TypeError, "generator must be a torch"),
        ({"images": DATA.images}, TypeError, "images must be a ddpmlib.images.ImageSet"),
        ({"schedule": 1000}, TypeError, "schedule must be a ddpmlib.schedules.Schedule"),
        ({"net": len}, TypeError, "net must be a torch.nn"),
        ({"net": UNet(channels=(8, 16))}, ValueError, "net must have classes"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"warmup": 9, "steps": 3}, ValueError, "warmup must be between 0 and 3, got 9"),
    ],
)
def test_bad_input_is_named(options, error, says):
    arguments = {"net": net(), "images": DATA, "schedule": SCHEDULE, "steps": 3, "generator": generator(), "warmup": 1, **options}
    positional = [arguments.pop(name) for name in ("net", "images", "schedule")]
    with pytest.raises(error, match=says):
        next(lab.training_steps(*positional, **arguments))
