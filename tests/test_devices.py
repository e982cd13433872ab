"""What the labs call runs where its arguments are: on a pretended device, with the results that the CPU gives."""

from __future__ import annotations

import elsewhere
import pytest
import torch

from ddpmlib import checkpoints, ddpm, forward, lab, trainer
from ddpmlib.images import load_digits
from ddpmlib.layers import UNet
from ddpmlib.models import draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.workers import Workers

SCHEDULE = Schedule.linear(12)
DIGITS = load_digits()
X, TIMES = DIGITS.images[:4], torch.tensor([1, 5, 12, 3])
NOISE = torch.randn(13, 4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
NET = UNet(channels=(8,), attention=(True,), classes=10)
with torch.no_grad():
    for parameter in NET.parameters():
        parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))


def on(device: torch.device, function):
    """The function's result with its tensors on the device."""
    net = UNet(**NET.settings)
    net.load_state_dict(NET.state_dict())
    net.to(device)
    result = function(net, X.to(device), TIMES.to(device), NOISE.to(device))
    assert result.device == device
    return result.detach().cpu().clone()


CALLS = {
    "q_sample": lambda net, x, t, noise: forward.q_sample(x, t, SCHEDULE.alpha_bars, noise[0]),
    "q_sample at one time": lambda net, x, t, noise: forward.q_sample(x, 5, SCHEDULE.alpha_bars, noise[0]),
    "q_sample_ve": lambda net, x, t, noise: forward.q_sample_ve(x, t, noise[0]),
    "q_sample_ve at one time": lambda net, x, t, noise: forward.q_sample_ve(x, 5, noise[0]),
    "forward_step": lambda net, x, t, noise: forward.forward_step(x, 5, SCHEDULE.betas, noise[0]),
    "training_loss": lambda net, x, t, noise: ddpm.training_loss(net, x, t, noise[0], SCHEDULE),
    "gradient": lambda net, x, t, noise: torch.autograd.grad(ddpm.training_loss(net, x, t, noise[0], SCHEDULE), net.last.weight)[0],
    "ancestral_step": lambda net, x, t, noise: ddpm.ancestral_step(net, x, t, SCHEDULE, noise[0], SCHEDULE.betas),
    "ancestral_sample": lambda net, x, t, noise: ddpm.ancestral_sample(net, x, SCHEDULE, noise=noise),
    "ancestral_sample from a generator": lambda net, x, t, noise: ddpm.ancestral_sample(
        net, x, SCHEDULE, variance="large", generator=torch.Generator().manual_seed(0)),
    "loss_per_time": lambda net, x, t, noise: ddpm.loss_per_time(net, x, t, noise[0], SCHEDULE),
    "denoise_renoise_sample": lambda net, x, t, noise: ddpm.denoise_renoise_sample(net, x, SCHEDULE, noise=noise),
    "a network told the class": lambda net, x, t, noise: net(x, t, torch.tensor([0, 3, 10, 9]).to(x.device)),
    "draw_noise": lambda net, x, t, noise: draw_noise(x, torch.Generator().manual_seed(0)),
}


@pytest.mark.parametrize("float64", [True, False])
@pytest.mark.parametrize("name", CALLS)
def test_a_function_computes_where_its_arguments_are(name, float64):
    here = on(torch.device("cpu"), CALLS[name])
    with elsewhere.rules(float64=float64) as device:
        there = on(device, CALLS[name])
    assert torch.equal(here, there)


def test_a_table_may_lie_elsewhere_too():
    def call(net, x, t, noise):
        return forward.q_sample(x, t, SCHEDULE.alpha_bars.to(x.device), noise[0])

    here = on(torch.device("cpu"), call)
    with elsewhere.rules() as device:
        assert torch.equal(on(device, call), here)


@pytest.mark.parametrize("float64", [True, False])
def test_a_run_trains_is_saved_and_goes_on_elsewhere(tmp_path, float64):
    settings = trainer.Settings(steps=6, batch_size=4, channels=(8,), timesteps=12, warmup=2)
    here, files = trainer.Training(settings, DIGITS), []
    for step in range(1, 7):
        here.step()
        if step in (3, 6):
            here.save(tmp_path / f"here-{step}.safetensors")
    with elsewhere.rules(float64=float64) as device:
        for begin, end in ((0, 3), (3, 6)):
            run = trainer.Training(settings, DIGITS, Workers(device=device))
            if files:
                run.resume(files[-1])
            for _ in range(begin, end):
                run.step()
            files.append(tmp_path / f"there-{end}.safetensors")
            run.save(files[-1])
            assert files[-1].read_bytes() == (tmp_path / f"here-{end}.safetensors").read_bytes()
        images, labels = trainer.draw_samples(run, 1)
    expected, _ = trainer.draw_samples(here, 1)
    assert torch.equal(images, expected) and images.device == labels.device == torch.device("cpu")


def test_the_lab_trains_and_samples_elsewhere():
    def run(device):
        net = UNet(**NET.settings)
        states = lab.training_steps(net, DIGITS, SCHEDULE, steps=3, generator=torch.Generator().manual_seed(0), device=device,
                                    batch_size=4, warmup=1)
        losses = [state.loss for state in states]
        drawn = lab.draw_samples(net, torch.arange(3), SCHEDULE, generator=torch.Generator().manual_seed(0), steps=4)
        return losses, drawn

    here = run("cpu")
    with elsewhere.rules(float64=False) as device:
        there = run(device)
    assert here[0] == there[0] and torch.equal(here[1], there[1])


def test_a_checkpoint_leaves_a_network_where_it_is(tmp_path):
    path = checkpoints.save(tmp_path / "a.safetensors", NET)
    with elsewhere.rules() as device:
        net = UNet(**NET.settings | {"seed": 5}).to(device)
        checkpoints.restore(path, net)
        assert {value.device for value in net.state_dict().values()} == {device}
        assert all(torch.equal(value.cpu(), NET.state_dict()[key]) for key, value in net.state_dict().items())


def test_the_pretended_device_is_as_strict_as_a_gpu():
    table, generator = torch.arange(5.0), torch.Generator()
    with elsewhere.rules() as device:
        t, x = torch.tensor([1, 2]).to(device), torch.ones(2).to(device)
        assert isinstance(x + 1, elsewhere.Elsewhere) and (x + torch.tensor(2.0)).cpu().tolist() == [3, 3]
        assert table.to(device)[t.cpu()].cpu().tolist() == [1, 2] and x.sum().item() == 2 and bool((t > 0).all())
        assert torch.zeros(2, device=device).add_(x).cpu().tolist() == [1, 1] and torch.zeros_like(x).device == device
        for wrong in (lambda: table[t], lambda: x * torch.ones(2), lambda: torch.cat([x, torch.ones(2)]), lambda: x[:, None] * torch.ones(1, 1),
                      lambda: torch.randn(2, generator=generator, device=device), lambda: x.add_(torch.ones(2)),
                      lambda: torch.nn.functional.linear(x, torch.ones(3, 2))):
            with pytest.raises(RuntimeError):
                wrong()
    with elsewhere.rules(float64=False) as device, pytest.raises(TypeError, match="no float64"):
        torch.ones(2).to(device).double()
