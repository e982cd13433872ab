"""The given parts of chapter 7: the loop, the network, the clouds, pushed densities, and what is shown meanwhile."""

from __future__ import annotations

import io
import math

import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from ddpmlib import animation, clouds, live, networks, pushforward
from ddpmlib.schedules import Schedule
from ddpmlib.training import TrainingState, training_steps

F64 = torch.float64
SCHEDULE = Schedule.linear(20, 5e-3, 0.5)
MOONS = clouds.two_moons()
DATA = MOONS.sample(500, torch.Generator().manual_seed(0))


def losses(steps: int = 150, seed: int = 1, **options) -> tuple[list[float], networks.PointNetwork]:
    network = networks.PointNetwork(20, hidden=16)
    loop = training_steps(network, DATA, SCHEDULE, steps=steps, generator=torch.Generator().manual_seed(seed), **options)
    return [state.loss for state in loop], network


def test_training_is_a_function_of_its_seeds():
    first, again, other = losses()[0], losses()[0], losses(seed=2)[0]
    assert first == again and first != other
    assert sum(first[-30:]) < 0.8 * sum(first[:30])


def test_the_loop_yields_its_state_and_ends_in_evaluation_mode():
    network = networks.PointNetwork(20, hidden=8)
    loop = training_steps(network, DATA, SCHEDULE, steps=5, generator=torch.Generator().manual_seed(0))
    state = next(loop)
    assert isinstance(state, TrainingState) and state.step == 1 and network.training
    assert [state.step for state in loop] == [2, 3, 4, 5] and not network.training
    loop = training_steps(network, DATA, SCHEDULE, steps=5, generator=torch.Generator().manual_seed(0))
    next(loop)
    loop.close()  # what leaving the for statement early does
    assert not network.training


@pytest.mark.parametrize(("change", "says"), [
    ({"steps": 0}, "steps must be at least 1"), ({"batch_size": 0}, "batch_size must be at least 1"),
    ({"learning_rate": 0.0}, "learning_rate must be greater than 0"), ({"generator": 3}, "generator must be a .*Generator"),
    ({"model": len}, "model must be a .*Module"), ({"data": [1.0]}, "data must be a torch.Tensor"),
])
def test_bad_input_of_the_loop_is_named(change, says):
    options = {"model": networks.PointNetwork(20), "data": DATA, "schedule": SCHEDULE, "steps": 1, "generator": torch.Generator()}
    with pytest.raises((TypeError, ValueError), match=says):
        next(training_steps(**options | change))


def test_the_network_knows_the_time_and_keeps_the_dtype():
    for dtype in (F64, torch.float32):
        network = networks.PointNetwork(20, hidden=8, dtype=dtype)
        x = DATA[:5].to(dtype)
        early, late = network(x, torch.full((5,), 1)), network(x, torch.full((5,), 20))
        assert early.shape == (5, 2) and early.dtype == dtype and not torch.allclose(early, late)
    same = [networks.PointNetwork(20, seed=3).layers[0].weight for _ in range(2)]
    assert torch.equal(*same)
    assert networks.precision("cpu") == networks.precision("cuda:0") == F64 and networks.precision("mps") == torch.float32


def test_the_loss_is_remembered_and_smoothed_outside_a_notebook():
    picture = live.LiveLoss(4)
    for step, loss in enumerate([4.0, 2.0, 0.0, 2.0], start=1):
        picture.update(TrainingState(step, loss))
    assert picture.losses == [4.0, 2.0, 0.0, 2.0] and picture.handle is None
    assert picture.smoothed(2) == [4.0, 3.0, 1.0, 1.0]
    assert picture.picture().axes[0].get_title() == "4 of 4 steps"
    assert picture.picture().axes[1].get_ylim() == (0, 1.05)
    assert live.LiveLoss(4, ceiling=2.5).picture().axes[1].get_ylim() == (0, 2.5)
    with pytest.raises(ValueError, match="ceiling"):
        live.LiveLoss(4, ceiling=0.0)
    assert not plt.get_fignums(), "no figure stays open to be shown twice"


def test_an_animation_is_a_gif_that_ends():
    frames = animation.cloud_frames([DATA * scale for scale in (0.1, 0.5, 1.0)], ["a", "b", "c"])
    shown = animation.animate(frames, seconds=0.1, last=1.0, plays=2)
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"image/gif", "text/plain"} and bundle["text/plain"] == "<animation of 3 frames>"
    picture = Image.open(io.BytesIO(shown.data))
    assert picture.n_frames == 3 and picture.info["loop"] == 1 and picture.info["duration"] == 100
    assert not plt.get_fignums()
    with pytest.raises(ValueError, match="figures must hold at least one figure"):
        animation.animate([])


def test_moons_are_standardized():
    assert torch.allclose(MOONS.mean, torch.zeros(2, dtype=F64), atol=1e-12)
    assert MOONS.covariance.trace().item() == pytest.approx(2)
    assert len(MOONS.weights) == 20 and clouds.two_moons(4).means.shape == (8, 2)


def test_energy_distance_sees_two_laws_and_not_one():
    a, b = (MOONS.sample(1000, torch.Generator().manual_seed(seed)) for seed in (1, 2))
    assert abs(clouds.energy_distance(a, b)) < 0.005 < clouds.energy_distance(a, b + 0.3)
    points = torch.tensor([[0.0], [0.0], [1.0], [1.0]], dtype=F64)  # 2 * 1 - 0 - 0 for two single points
    assert clouds.energy_distance(points[:2], points[2:]) == pytest.approx(2)
    with pytest.raises(ValueError, match=r"b must have shape \(n, 2\)"):
        clouds.energy_distance(a, b[:1])


def test_a_pushed_gaussian_is_a_gaussian():
    grid = torch.arange(-8, 8, 0.05, dtype=F64)

    def bell(mean: float, variance: float) -> torch.Tensor:
        return torch.exp(-((grid - mean) ** 2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)

    pushed = pushforward.push_density(grid, bell(0.5, 1.2), 0.7 * grid - 0.3, 0.09)
    assert torch.allclose(pushed, bell(0.05, 0.49 * 1.2 + 0.09), atol=1e-9)
    with pytest.raises(ValueError, match="grid must have a spacing of at most 0.0316, got 0.05"):
        pushforward.push_density(grid, bell(0, 1), grid, 0.001)


def test_wasserstein_distance_of_gaussians():
    grid = torch.arange(-7, 7, 0.01, dtype=F64)
    masses = torch.exp(-(grid**2) / 2)
    one = torch.ones(1, dtype=F64)
    law = clouds.GaussianMixture(one, torch.tensor([[0.3]], dtype=F64), 0.64 * one)
    expected = math.sqrt(0.3**2 + 0.2**2)
    assert pushforward.wasserstein2(grid, masses, law) == pytest.approx(expected, rel=1e-3)
    assert pushforward.wasserstein2(0.3 + 0.8 * grid, masses, law) < 1e-3
    with pytest.raises(ValueError, match="places must rise"):
        pushforward.wasserstein2(-grid, masses, law)
