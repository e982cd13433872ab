"""The labs' network and samplers against diffusers and denoising-diffusion-pytorch, on the same machine in one run.

    DDPMLIB_REFERENCE=1 python -m benchmarks.labs                  # the CPU, one thread
    DDPMLIB_REFERENCE=1 python -m benchmarks.labs --device cuda

All three get the same digits, the same batches, times, noise and dropped labels, the same optimiser, learning rates and moving average;
what differs is each one's own: the network (of equally many parameters, within a tenth), how it adds noise and computes its loss, and
its DDIM sampler. They take turns, a block of steps each, so that whatever else the machine does meets all of them; the median over the
blocks counts. Peak memory is measured in a process of its own for each. The numbers go to ``benchmarks/results/labs-<device>.json``.
"""

from __future__ import annotations

import argparse
import copy
import gc
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ddpmlib import ddim, ddpm, images
from ddpmlib.checks.judges import acceptance
from ddpmlib.layers import UNet
from ddpmlib.models import conditioned
from ddpmlib.schedules import Schedule

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
T, CLASSES, DDIM_STEPS, PER_CLASS = 1000, 10, 20, 50
BARS = {"training": 1.2, "sampling": 1.2}  # times diffusers' speed, on a CPU
SLACK = 1.0  # of the feature distance, by which ours may be behind by chance: real digits among themselves differ by more


class Contestant:
    """A network with its own loss and its own DDIM sampler, trained by the loop that all share."""

    name: str

    def __init__(self, net: nn.Module, device: torch.device):
        self.device, self.net = device, net.to(device)
        self.ema = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=2e-3)

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.net.parameters())

    def loss(self, x0: Tensor, t: Tensor, noise: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError

    def sample(self, y: Tensor, seed: int) -> Tensor:
        """Images of the classes y by DDIM with eta = 0, drawn with the moving average."""
        raise NotImplementedError

    def step(self, batch: tuple[Tensor, ...], step: int, steps: int, decay: float = 0.999) -> None:
        """One step of training: the same for all, whatever the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = 2e-3 * min(step / 100, 1.0) * (1 + math.cos(math.pi * step / steps)) / 2
        loss = self.loss(*batch)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        kept = min(decay, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.net.parameters()), 1 - kept)


class Ours(Contestant):
    name = "ours"

    def __init__(self, device: torch.device, seed: int):
        super().__init__(UNet((1, 8, 8), channels=(32, 64), classes=CLASSES, seed=seed), device)
        self.schedule = Schedule.linear(T)

    def loss(self, x0, t, noise, y):
        return ddpm.training_loss(lambda x, t: self.net(x, t, y), x0, t, noise, self.schedule)

    def sample(self, y, seed):
        x_T = torch.randn((len(y), 1, 8, 8), generator=torch.Generator().manual_seed(seed)).to(self.device)
        return ddim.ddim_sample(conditioned(self.ema, y), x_T, self.schedule, ddim.time_subsequence(T, DDIM_STEPS))


class Diffusers(Contestant):
    """UNet2DModel with one layer a block, attention at the lower resolution, DDPMScheduler's noise and DDIMScheduler's steps."""

    name = "diffusers"

    def __init__(self, device: torch.device, seed: int):
        from diffusers import DDIMScheduler, DDPMScheduler, UNet2DModel

        torch.manual_seed(seed)
        net = UNet2DModel(
            sample_size=8, in_channels=1, out_channels=1, block_out_channels=(24, 48), layers_per_block=1, norm_num_groups=8,
            down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            num_class_embeds=CLASSES + 1,
        )
        super().__init__(net, device)
        self.noising = DDPMScheduler(T, beta_start=1e-4, beta_end=0.02)
        self.sampling = DDIMScheduler(T, beta_start=1e-4, beta_end=0.02, clip_sample=False, timestep_spacing="trailing")

    def loss(self, x0, t, noise, y):
        x_t = self.noising.add_noise(x0, noise, t - 1)
        return functional.mse_loss(self.net(x_t, t - 1, class_labels=y).sample, noise)

    @torch.no_grad()
    def sample(self, y, seed):
        x = torch.randn((len(y), 1, 8, 8), generator=torch.Generator().manual_seed(seed)).to(self.device)
        self.sampling.set_timesteps(DDIM_STEPS, device=self.device)
        for t in self.sampling.timesteps:
            x = self.sampling.step(self.ema(x, t, class_labels=y).sample, t, x, eta=0.0).prev_sample
        return x


class Lucidrains(Contestant):
    """The library's network and diffusion for classes (``classifier_free_guidance``), whose null class is a parameter of its own."""

    name = "denoising-diffusion-pytorch"

    def __init__(self, device: torch.device, seed: int):
        sys.path.insert(0, str(ROOT / "tests"))
        from peers import denoising_diffusion_pytorch_library  # noqa: F401  (imports the library without torchvision)
        from denoising_diffusion_pytorch import classifier_free_guidance as library

        library.tqdm = lambda steps, **options: steps
        torch.manual_seed(seed)
        net = library.Unet(dim=20, dim_mults=(1, 2), channels=1, num_classes=CLASSES)
        super().__init__(net, device)
        settings = {"image_size": 8, "timesteps": T, "sampling_timesteps": DDIM_STEPS, "beta_schedule": "linear", "ddim_sampling_eta": 0.0}
        self.training = library.GaussianDiffusion(self.net, **settings).to(device)
        self.drawing = library.GaussianDiffusion(self.ema, **settings).to(device)
        # without guidance the library's sampler expects two outputs and its network gives one
        self.ema.forward_with_cond_scale = lambda x, t, y, **options: (self.ema(x, t, y, cond_drop_prob=0.0),) * 2

    def loss(self, x0, t, noise, y):
        told = y < CLASSES
        return self.training.p_losses(x0, t - 1, classes=y.clamp(max=CLASSES - 1), noise=noise, cond_keep_mask=told)

    def sample(self, y, seed):
        torch.manual_seed(seed)
        found = self.drawing.ddim_sample(y, (len(y), 1, 8, 8), cond_scale=1.0, clip_denoised=False)
        return found * 2 - 1  # the library returns images in [0, 1]


CONTESTANTS = {contestant.name: contestant for contestant in (Ours, Diffusers, Lucidrains)}


class Batches:
    """The same batches for everybody: rows, times, noise, and labels of which a tenth are dropped."""

    def __init__(self, size: int, device: torch.device, seed: int):
        self.data, self.size, self.device = images.load_digits("train"), size, device
        self.generator = torch.Generator().manual_seed(seed)

    def draw(self) -> tuple[Tensor, ...]:
        rows = torch.randint(len(self.data), (self.size,), generator=self.generator)
        t = torch.randint(1, T + 1, (self.size,), generator=self.generator)
        untold = torch.rand(self.size, generator=self.generator) < 0.1
        x0, y = self.data.images[rows], self.data.labels[rows].masked_fill(untold, CLASSES)
        noise = torch.randn(x0.shape, generator=self.generator)
        return tuple(tensor.to(self.device) for tensor in (x0, t, noise, y))


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """How long a call takes, to its end."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def train(contestants: list[Contestant], steps: dict[str, int], options: argparse.Namespace) -> dict[str, list[float]]:
    """Train all in turns, a block of steps each; return the seconds a step of every block, by name."""
    streams = {contestant.name: Batches(options.batch, contestant.device, options.seed) for contestant in contestants}
    done = dict.fromkeys(streams, 0)
    taken: dict[str, list[float]] = {name: [] for name in streams}
    rounds = math.ceil(max(steps.values()) / options.block)
    for turn in range(rounds):
        order = contestants[turn % len(contestants) :] + contestants[: turn % len(contestants)]
        for contestant in order:
            name, total = contestant.name, steps[contestant.name]
            upto = min(done[name] + options.block, total)
            batches = [streams[name].draw() for _ in range(upto - done[name])]
            if not batches:
                continue

            def block() -> None:
                for index, batch in enumerate(batches):
                    contestant.step(batch, done[name] + index + 1, total)

            taken[name].append(seconds(block, contestant.device) / len(batches))
            done[name] = upto
        if turn % max(rounds // 10, 1) == 0:
            print(f"  {done}", file=sys.stderr, flush=True)
    return taken


def sampling(contestants: list[Contestant], repeats: int, count: int) -> dict[str, list[float]]:
    """Seconds that each needs for ``count`` images, in turns."""
    taken: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for repeat in range(repeats + 1):
        for contestant in contestants:
            y = (torch.arange(count) % CLASSES).to(contestant.device)
            spent = seconds(lambda: contestant.sample(y, repeat), contestant.device)
            if repeat:  # the first one warms up
                taken[contestant.name].append(spent)
    return taken


def quality(contestant: Contestant, seed: int, sets: int) -> dict[str, float]:
    """What the samples are like: the mean over some sets of 500."""
    labels = torch.arange(CLASSES).repeat_interleave(PER_CLASS)
    found = [acceptance.measure(contestant.sample(labels.to(contestant.device), seed + k).float().cpu(), labels) for k in range(sets)]
    return {name: round(statistics.mean(numbers[name] for numbers in found), 4) for name in found[0]}


def peak_memory(name: str, options: argparse.Namespace) -> float:
    """Megabytes that training and sampling need beyond the imported program, from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.labs", "--memory-of", name, "--device", options.device, "--batch", str(options.batch)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(done.stdout.split()[-1])


def memory_of(name: str, options: argparse.Namespace) -> float:
    """The peak in this process, in megabytes: of the card's memory, or of the resident memory beyond what it was before the first step."""
    device = torch.device(options.device)
    contestant = CONTESTANTS[name](device, 0)
    batches = Batches(options.batch, device, 0)
    gc.collect()
    before = resident(peak=False)
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")  # the peak so far was that of the imports
    for step in range(1, 11):
        contestant.step(batches.draw(), step, 100)
    contestant.sample((torch.arange(500) % CLASSES).to(device), 0)
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    return resident(peak=True) - before


def resident(*, peak: bool) -> float:
    """Megabytes of resident memory, now or at the peak (where /proc does not tell, the peak in both cases)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    field = "VmHWM:" if peak else "VmRSS:"
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith(field))


def hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    return f"CPU {names[0] if names else platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} thread"


def table(rows: dict[str, dict], device: torch.device) -> str:
    """All numbers and the ratios of ours to each peer, as text; on a CPU also whether the bars are met."""
    lines = [f"{'':28} {'parameters':>10} {'train im/s':>10} {'sample im/s':>11} {'peak MB':>8} {'distance':>9} {'accuracy':>9} {'accepted':>9}"]
    for name, row in rows.items():
        lines.append(f"{name:28} {row['parameters']:10,} {row['training_images_per_second']:10.0f} {row['sampling_images_per_second']:11.0f} "
                     f"{row['peak_megabytes']:8.0f} {row['equal_steps']['feature distance']:9.2f} "
                     f"{row['equal_steps']['network accuracy']:9.3f} {'yes' if row['accepted'] else 'no':>9}")
        if "equal_time" in row:
            lines.append(f"{'  the same time':28} {row['equal_time_steps']:6,} steps {'':41} {row['equal_time']['feature distance']:9.2f} "
                         f"{row['equal_time']['network accuracy']:9.3f}")
    for name, row in rows.items():
        if name != "ours":
            lines.append(f"ours against {name}: training x {row['training_ratio']:.2f}, sampling x {row['sampling_ratio']:.2f}")
    if device.type == "cpu":
        theirs = rows["diffusers"]
        met = {kind: theirs[f"{kind}_ratio"] >= bar for kind, bar in BARS.items()}
        met["distance"] = rows["ours"]["equal_steps"]["feature distance"] <= theirs["equal_steps"]["feature distance"] + SLACK
        lines.append("bars against diffusers: " + ", ".join(f"{name} {'met' if right else 'MISSED'}" for name, right in met.items()))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labs", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=2000, help="of training, for each (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--block", type=int, default=25, help="steps in a turn")
    parser.add_argument("--repeats", type=int, default=9, help="of sampling")
    parser.add_argument("--count", type=int, default=500, help="images in a repeat of sampling")
    parser.add_argument("--sets", type=int, default=3, help="sets of 500 samples to measure")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--equal-time", action="store_true", help="also train everybody for as long as ours took")
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/labs-<device>.json")
    parser.add_argument("--memory-of", choices=CONTESTANTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    device = torch.device(options.device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    if options.memory_of:
        print(memory_of(options.memory_of, options))
        return 0
    rows = measured(options, device)
    print(table(rows, device))
    command = f"python -m benchmarks.labs {' '.join(sys.argv[1:] if arguments is None else arguments)}".strip()
    out = options.out or RESULTS / f"labs-{device.type}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    facts = {"command": command, "hardware": hardware(device), "torch": torch.__version__, "python": platform.python_version(),
             "date": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None, "seed": options.seed,
             "steps": options.steps, "batch": options.batch, "ddim_steps": DDIM_STEPS, "results": rows}
    out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"written to {out}")
    return 0


def measured(options: argparse.Namespace, device: torch.device) -> dict[str, dict]:
    """All numbers of all contestants."""
    contestants = [CONTESTANTS[name](device, options.seed) for name in options.only]
    for contestant in contestants:
        if abs(contestant.parameters / contestants[0].parameters - 1) > 0.1:
            raise ValueError(f"{contestant.name} has {contestant.parameters:,} parameters: not as many as {contestants[0].name}, within a tenth")
    print("training", file=sys.stderr)
    per_step = train(contestants, dict.fromkeys(options.only, options.steps), options)
    print("sampling", file=sys.stderr)
    per_set = sampling(contestants, options.repeats, options.count)
    rows = {}
    for contestant in contestants:
        name = contestant.name
        rows[name] = {
            "parameters": contestant.parameters,
            "training_images_per_second": options.batch / statistics.median(per_step[name]),
            "sampling_images_per_second": options.count / statistics.median(per_set[name]),
            "peak_megabytes": peak_memory(name, options),
            "equal_steps": quality(contestant, options.seed + 100, options.sets),
        }
        rows[name]["accepted"] = not acceptance.problems(rows[name]["equal_steps"])
    for name, row in rows.items():
        if name != "ours" and "ours" in rows:
            # the turns were taken side by side: the ratio is the median over the turns
            row["training_ratio"] = statistics.median(b / a for a, b in zip(per_step["ours"], per_step[name]))
            row["sampling_ratio"] = statistics.median(b / a for a, b in zip(per_set["ours"], per_set[name]))
    if options.equal_time and "ours" in rows:
        steps = {name: round(options.steps / row.get("training_ratio", 1.0)) for name, row in rows.items()}
        again = [CONTESTANTS[name](device, options.seed) for name in options.only if name != "ours"]
        print("training for the same time", file=sys.stderr)
        train(again, {c.name: steps[c.name] for c in again}, options)
        for contestant in again:
            rows[contestant.name] |= {"equal_time_steps": steps[contestant.name], "equal_time": quality(contestant, options.seed + 100, options.sets)}
    return rows


if __name__ == "__main__":
    sys.exit(main())
