"""The exact diffusion models of chapter 4: their laws, their chosen paths, and bad input."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import MultivariateNormal

from ddpmlib.diffusion_elbo import denoising_matching, form1_terms, form2_terms, optimal_reverse, posterior_log_prob
from ddpmlib.gaussian_chain import Decoder, Transition
from ddpmlib.gaussian_diffusion import ReverseChain, conditional_law, forward_path, jump_law, sigma_noise, step_law
from ddpmlib.schedules import Schedule

F64 = torch.float64
SCHEDULE = Schedule.from_betas(torch.tensor([0, 0.1, 0.3, 0.2, 0.5], dtype=F64))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=F64)


def chain(T: int = 4, dim: int = 2) -> ReverseChain:
    return ReverseChain(normal(T + 1, dim), normal(T + 1, dim, seed=1), 0.1 + normal(T + 1, dim, seed=2) ** 2,
                        normal(dim, seed=3), torch.ones(dim, dtype=F64))


def test_steps_and_jumps_agree_with_a_walk():
    x0, noise = normal(3, 2), normal(4, 3, 2, seed=1)
    path = forward_path(x0, noise, SCHEDULE)
    assert path.shape == (5, 3, 2) and torch.equal(path[0], x0)
    for t in range(1, 5):
        law = step_law(path[t - 1], t, SCHEDULE)
        assert torch.allclose(path[t], law.mean + law.stddev * noise[t - 1])
    walk = forward_path(x0, torch.zeros(4, 1, 1, dtype=F64), SCHEDULE)
    assert torch.allclose(walk[4], jump_law(x0, 4, SCHEDULE).mean)


def test_a_time_for_each_row_is_one_time_at_a_time():
    x, x0, t = normal(3, 2, 2), normal(3, 2, 2, seed=1), torch.tensor([4, 2, 3])
    model = chain()
    for law, arguments in ((step_law, ()), (jump_law, ()), (conditional_law, (x0,))):
        together = law(x, *arguments, t, SCHEDULE)
        for row, time in enumerate(t.tolist()):
            alone = law(x[row : row + 1], *(value[row : row + 1] for value in arguments), time, SCHEDULE)
            assert torch.allclose(together.mean[row], alone.mean[0]) and torch.allclose(together.stddev[row], alone.stddev[0])
    for row, time in enumerate(t.tolist()):
        assert torch.allclose(model.step(x, t).mean[row], model.step(x[row], time).mean)


def test_the_way_back_is_bayes_rule():
    x_t, x0, x_prev = (normal(6, 3, seed=seed) for seed in range(3))
    for t in (2, 3, 4):
        assert torch.allclose(conditional_law(x_t, x0, t, SCHEDULE).log_prob(x_prev).sum(-1),
                              posterior_log_prob(x_prev, x_t, x0, t, SCHEDULE))


def test_chosen_noises_average_polynomials_of_degree_3():
    noise = sigma_noise(4)
    assert noise.shape == (4, 8, 1, 1)
    values = noise[:, :, 0, 0]
    assert torch.allclose(values.mean(1), torch.zeros(4, dtype=F64))
    assert torch.allclose(values @ values.T / 8, torch.eye(4, dtype=F64))
    assert torch.einsum("ik,jk,lk->ijl", values, values, values).abs().max() == 0


def test_evidence_is_that_of_the_decoder_of_chapter_2():
    model = ReverseChain(normal(4, 2), normal(4, 2, seed=1), 0.1 + normal(4, 2, seed=2) ** 2,
                         torch.zeros(2, dtype=F64), torch.ones(2, dtype=F64))
    steps = [Transition(torch.diag(model.slopes[t]), model.shifts[t], model.variances[t].sqrt()) for t in (1, 2, 3)]
    x = normal(5, 2, seed=4)
    assert torch.allclose(model.evidence().log_prob(x).sum(-1), Decoder(tuple(steps)).log_marginal(x))


def test_the_joint_density_is_the_sum_of_the_steps():
    model, path = chain(), normal(5, 3, 2, seed=6)
    system = torch.eye(5, dtype=F64) - torch.diag(model.slopes[1:, 0], 1)
    root = torch.linalg.solve(system, torch.diag(torch.cat([model.variances[1:, 0], model.prior_variance[:1]]).sqrt()))
    mean = torch.linalg.solve(system, torch.cat([model.shifts[1:, 0], model.prior_mean[:1]]))
    joint = MultivariateNormal(mean, root @ root.T).log_prob(path[:, :, 0].T)
    summed = model.prior.log_prob(path[4])[:, 0] + sum(model.step(path[t], t).log_prob(path[t - 1])[:, 0] for t in range(1, 5))
    assert torch.allclose(joint, summed)


def test_float32_states_stay_float32():
    x, t = normal(3, 2).float(), torch.tensor([2, 3, 4])
    for law in (step_law(x, t, SCHEDULE), jump_law(x, 3, SCHEDULE), conditional_law(x, x, t, SCHEDULE), chain().step(x, t)):
        assert law.mean.dtype == law.stddev.dtype == torch.float32


X, PATH, MODEL = normal(3, 2), normal(5, 3, 2), chain()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: step_law(X, 0, SCHEDULE), ValueError, "t must be between 1 and 4, got 0"),
        (lambda: jump_law(X, 5, SCHEDULE), ValueError, "t must be between 1 and 4, got 5"),
        (lambda: conditional_law(X, X, 1, SCHEDULE), ValueError, "t must be between 2 and 4, got 1"),
        (lambda: conditional_law(X, None, 2, SCHEDULE), TypeError, "x0 must be a torch.Tensor"),
        (lambda: step_law(torch.tensor(1.0), 1, SCHEDULE), ValueError, r"x_prev must have shape \(..., dim\)"),
        (lambda: step_law(X, 1, None), TypeError, "schedule must be a ddpmlib.schedules.Schedule"),
        (lambda: forward_path(X, normal(3, 3, 2), SCHEDULE), ValueError, r"noise must have shape \(4, ...\)"),
        (lambda: MODEL.step(normal(3, 4), 1), ValueError, r"x_t must have shape \(..., 2\)"),
        (lambda: MODEL.step(X, 0), ValueError, "t must be between 1 and 4, got 0"),
        (lambda: ReverseChain(X, X, -X.abs(), X[0], X[0]), ValueError, r"variances\[1:\] must be positive"),
        (lambda: ReverseChain(X, X[:2], X.abs(), X[0], X[0]), ValueError, r"shifts must have shape \(3, 2\)"),
        (lambda: ReverseChain(X[:1], X[:1], X[:1].abs(), X[0], X[0]), ValueError, "with T at least 1"),
        (lambda: ReverseChain(X, X, X.abs(), X[0], -X[0].abs()), ValueError, "prior_variance must be positive"),
        (lambda: form1_terms(PATH[1:], SCHEDULE, MODEL), ValueError, r"path must have shape \(5, ..., dim\)"),
        (lambda: form1_terms(PATH, SCHEDULE, chain(3)), ValueError, "reverse must have the schedule's 4 steps, got 3"),
        (lambda: form2_terms(PATH, SCHEDULE, None), TypeError, "reverse must be a ddpmlib.gaussian_diffusion.ReverseChain"),
        (lambda: posterior_log_prob(X, X, X[:2], 2, SCHEDULE), ValueError, "x0 must have the shape of x_prev"),
        (lambda: posterior_log_prob(X, X, X, 1, SCHEDULE), ValueError, "t must be between 2 and 4, got 1"),
        (lambda: posterior_log_prob(X[0], X[0], X[0], 2, SCHEDULE), ValueError, r"x_prev must have shape \(batch, ..., dim\)"),
        (lambda: denoising_matching(X, X, torch.tensor([2, 3]), SCHEDULE, MODEL), ValueError, r"t must have shape \(\) or \(3,\)"),
        (lambda: optimal_reverse(X[0], -X[0].abs(), SCHEDULE), ValueError, "variance must be positive"),
        (lambda: optimal_reverse(X[0], X[0, :1], SCHEDULE), ValueError, "variance must have the shape of mean"),
        (lambda: optimal_reverse(X, X.abs(), SCHEDULE), ValueError, "mean must have 1 axes"),
    ],
)
def test_bad_input_is_named(call, error, says):
    with pytest.raises(error, match=says):
        call()

