"""What guidance buys and costs on digits: accuracy, Fréchet distance and variety against gamma, with the shipped network (chapter 11).

    DDPMLIB_REFERENCE=1 python -m benchmarks.guidance        # some minutes; writes benchmarks/results/guidance.json

Classifier-free guidance with 20 steps of DDIM, for each gamma several sets of samples, 50 of each digit: mean and standard deviation
over the sets of the measures of ``ddpmlib/checks/judges/acceptance.py``, which the lab of chapter 9 is accepted by.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

import torch

from ddpmlib import ddim, guidance, pretrained
from ddpmlib.checks.judges.acceptance import measure as measures

RESULTS = Path(__file__).parent / "results" / "guidance.json"
GAMMAS = (0.0, 1.0, 1.1, 1.3, 1.5, 2.0, 3.0, 5.0)
KEPT = {"network accuracy": "accuracy", "feature distance": "frechet", "within a class": "spread", "coverage": "coverage"}


def samples(gamma: float, labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Digits of these classes by classifier-free guidance: 20 steps of DDIM from noise of this seed."""
    net, schedule = pretrained.load("digits")
    model = guidance.guided_model(net, labels, gamma)
    x_T = torch.randn(len(labels), 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return ddim.ddim_sample(model, x_T, schedule, ddim.time_subsequence(schedule.T, 20)).clamp(-1, 1)


def measure(count: int, sets: int) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of each measure over sets of samples, by gamma."""
    labels = torch.arange(count) % 10
    found = {}
    for gamma in GAMMAS:
        rows = [measures(samples(gamma, labels, seed), labels) for seed in range(sets)]
        name = f"gamma = {gamma:g}"
        found[name] = {}
        for key, short in KEPT.items():
            values = torch.tensor([row[key] for row in rows], dtype=torch.float64)
            found[name] |= {short: round(values.mean().item(), 3), f"{short}, deviation": round(values.std().item(), 3)}
        print(f"{name:12}", found[name], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guidance", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="samples of each set")
    parser.add_argument("--sets", type=int, default=3, help="sets for each gamma, with the seeds 0, 1, ...")
    options = parser.parse_args()
    torch.set_num_threads(1)
    facts = {
        "command": f"python -m benchmarks.guidance --count {options.count} --sets {options.sets}",
        "count": options.count, "sets": options.sets, "steps": 20,
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores, 1 thread", "torch": torch.__version__,
        "results": measure(options.count, options.sets),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
