"""Quality against calls of the network: DDIM, its family and ancestral sampling on digits, with the shipped network (chapter 10).

    DDPMLIB_REFERENCE=1 python -m benchmarks.ddim            # some minutes; writes benchmarks/results/ddim.json

For each sampler: the energy distance of the samples from all digits in pixels (0 is the data's law), and the share that two
judges take for the digit asked for. The line "real digits" holds sets of real digits of the same size against all others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path

import torch

from ddpmlib import classifiers, clouds, ddim, ddpm, pretrained
from ddpmlib.images import load_digits
from ddpmlib.models import conditioned

RESULTS = Path(__file__).parent / "results" / "ddim.json"


def samplers():
    """The name of each sampler, and its times and eta; None for ancestral sampling."""
    for eta in (0.0, 0.5, 1.0):
        for steps in (3, 5, 10, 20, 50):
            yield f"eta = {eta:g}, {steps} calls", (ddim.time_subsequence(1000, steps), eta)
    for steps in (5, 10, 20):
        yield f"eta = 0, {steps} calls, quadratic", (ddim.time_subsequence(1000, steps, "quadratic"), 0.0)
    yield "ancestral, 1000 calls", None


def measure(count: int, seed: int) -> dict[str, dict[str, float]]:
    """What each sampler reaches with the same starts."""
    net, schedule = pretrained.load("digits")
    labels = torch.arange(count) % net.classes
    model = conditioned(net, labels)
    x_T = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    data = torch.cat([load_digits(split).images for split in ("train", "test")]).flatten(start_dim=1).double()
    judges = {"network": classifiers.digits_judge(), "svm": classifiers.svm_judge()}
    found = {}
    for name, walk in samplers():
        generator, start = torch.Generator().manual_seed(seed + 1), time.process_time()
        if walk is None:
            images = ddpm.ancestral_sample(model, x_T, schedule, generator=generator)
        else:
            images = ddim.ddim_sample(model, x_T, schedule, walk[0], eta=walk[1], generator=generator)
        found[name] = {"distance": round(clouds.energy_distance(images.flatten(start_dim=1).double(), data), 4)}
        found[name] |= {key: round(classifiers.accuracy(judge, images, labels), 3) for key, judge in judges.items()}
        found[name]["cpu_seconds"] = round(time.process_time() - start, 1)
        print(f"{name:28}", found[name], flush=True)
    size = min(count, len(data) // 2)
    real = []
    for draw in range(20):
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(draw))
        real.append(clouds.energy_distance(data[order[:size]], data[order[size:]]))
    found["real digits"] = {"size": size, "lowest": round(min(real), 4), "highest": round(max(real), 4)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ddim", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="samples of each sampler")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    facts = {
        "command": f"python -m benchmarks.ddim --count {options.count} --seed {options.seed}", "seed": options.seed,
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, 1 thread", "torch": torch.__version__,
        "results": measure(options.count, options.seed),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
