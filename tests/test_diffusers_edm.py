"""Independent code, Hugging Face diffusers, agrees with the second half of chapter 13, up to what float32 tables can give."""

from __future__ import annotations

import warnings

import pytest
import torch
from peers import assert_passes_all_parts_but

from ddpmlib.edm import heun_sample, precondition, preconditioning, sigma_schedule
from ddpmlib.flow_matching import flow_sample
from ddpmlib.improved import learned_log_variance
from ddpmlib.mixtures import GaussianMixture
from ddpmlib.noise_levels import euler_sample, levels_of, mixture_as_denoiser, model_as_denoiser
from ddpmlib.schedules import Schedule

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # diffusers and its dependencies deprecate things as they are imported
    from diffusers import FlowMatchEulerDiscreteScheduler, HeunDiscreteScheduler
    from peers import diffusers_edm as peer

F64 = torch.float64
SCHEDULE = Schedule.linear(1000)
MIXTURE = GaussianMixture(torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([[-1.0], [0.5]], dtype=F64), torch.tensor([0.05, 0.1], dtype=F64))


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).abs().max() / b.abs().max()).item()


@pytest.mark.parametrize("steps", [5, 18, 40])
@pytest.mark.parametrize("rho", [3.0, 7.0])
def test_the_levels_are_those_of_edms_scheduler(steps, rho):
    assert relative(peer.sigma_schedule(steps, 0.002, 80.0, rho), sigma_schedule(steps, 0.002, 80.0, rho)) < 1e-6


def test_the_coefficients_are_those_of_edms_scheduler():
    def net(y, c):
        return torch.tanh(y) + c.reshape(-1, 1)

    x, sigma = normal(5, 3, seed=1), torch.tensor([0.01, 0.3, 1.0, 7.0, 60.0], dtype=F64)
    assert relative(peer.precondition(net, x, sigma, 0.5), precondition(net, x, sigma, 0.5)) < 1e-6


def test_eulers_walk_is_that_of_edms_scheduler():
    sigmas, x = sigma_schedule(12, 0.01, 20.0, 7.0), 20 * normal(6, 1, seed=2)
    denoiser = mixture_as_denoiser(MIXTURE)
    assert relative(peer.euler_sample(denoiser, x, sigmas), euler_sample(denoiser, x, sigmas)) < 1e-5


@pytest.mark.parametrize("last", [0.0, 0.1])
def test_heuns_walk_is_that_of_their_scheduler(last):
    sigmas, x = sigma_schedule(9, 0.1, 20.0, 7.0), 20 * normal(6, 1, seed=3)
    sigmas = sigmas if last == 0 else sigmas[:-1]
    denoiser = mixture_as_denoiser(MIXTURE)
    assert relative(peer.heun_sample(denoiser, x, sigmas), heun_sample(denoiser, x, sigmas)) < 1e-5


def test_a_noise_predictor_of_ours_runs_in_their_heun_scheduler():
    """Their levels at whole times are ours, and their scaled input is x / sqrt(1 + sigma^2)."""
    scheduler = HeunDiscreteScheduler(num_train_timesteps=1000, trained_betas=SCHEDULE.betas[1:].numpy(), timestep_spacing="trailing")
    scheduler.set_timesteps(10)
    times = [100 * i for i in range(10, 0, -1)]
    levels = levels_of(SCHEDULE)[[*times, 0]]

    def model(x, t):
        left = SCHEDULE.alpha_bars[t].reshape(-1, 1)
        return (1 - left).sqrt() * (x - 0.3 * left.sqrt()) / (1 - 0.75 * left)

    start = normal(5, 2, seed=4)
    ours = heun_sample(model_as_denoiser(model, SCHEDULE), start * (1 + levels[0] ** 2).sqrt(), levels)
    x = start * (1 + scheduler.sigmas[0] ** 2).sqrt()
    for time in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, time)
        x = scheduler.step(model(scaled, torch.full((5,), int(time) + 1)), time, x).prev_sample
    assert relative(x, ours) < 1e-5


def test_the_flows_walk_is_that_of_their_scheduler_whose_sigmas_are_our_times():
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(10)
    assert scheduler.sigmas[0] == 1 and scheduler.sigmas[-1] == 0
    x = normal(6, 2, seed=5)

    def velocity(x, u):
        return torch.tanh(x) + u.reshape(-1, 1).to(x.dtype)

    assert relative(peer.flow_sample(velocity, x, scheduler.sigmas), flow_sample(velocity, x, scheduler.sigmas.double())) < 1e-6


def test_the_learned_range_reads_the_networks_output_as_twice_v_less_one():
    v, t = normal(4, 3, seed=6), torch.tensor([2, 40, 500, 1000])
    assert relative(peer.learned_log_variance(v, t, SCHEDULE), learned_log_variance(v, t, SCHEDULE)) < 1e-4
    first = peer.learned_log_variance(torch.zeros(1, 1), 1, SCHEDULE)
    assert first.exp().item() == pytest.approx(1e-20, rel=1e-3)  # a floor, where ours is beta-tilde_2
    assert learned_log_variance(torch.zeros(1, 1), 1, SCHEDULE).exp().item() > 1e-5


def test_a_noise_predictor_is_a_denoiser_that_amplifies_its_errors():
    _, c_out, c_in, _ = preconditioning(torch.tensor([50.0], dtype=F64), 1.0)
    assert c_in.item() == pytest.approx(1 / (1 + 50**2) ** 0.5)  # DDPM's input has EDM's scale for sigma_data = 1
    assert c_out.item() < 1 < 50  # its output has sigma = 50 in the place of c_out


SINGLE = "right to single precision only"


@pytest.mark.parametrize(("number", "module", "names", "failing"), [
    ("13.8", "edm", ["precondition"], {}),
    ("13.9", "edm", ["sigma_schedule"], {"float64": SINGLE}),
    ("13.10", "edm", ["heun_sample"], {"precision": SINGLE, "calls": "the denoiser should be called"}),
    ("13.12", "improved", ["learned_log_variance"], {
        "the variance at t = 1": "beta-tilde_1 is replaced by a small constant", "precision": ""}),
    ("13.13", "flow_matching", ["flow_sample"], {"precision": SINGLE}),
])
def test_passes_all_parts_but(number, module, names, failing):
    assert_passes_all_parts_but(failing, number, module, peer, *names)
