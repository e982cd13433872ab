"""The table of chapter 14 on more training: a VAE, a flow, a GAN and a diffusion model of one size on the digits, several seeds.

    DDPMLIB_REFERENCE=1 python -m benchmarks.families        # some minutes; writes benchmarks/results/families.json

Each cell is measured by ``ddpmlib/measures.py``. The mean over the seeds is recorded, and for each cell the smallest and the largest.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from pathlib import Path

import torch

from ddpmlib import contenders, contest, measures

RESULTS = Path(__file__).parent / "results" / "families.json"


def trained_row(kind: str, size: int, budget: int, seed: int) -> dict[str, object]:
    """Train one contender and measure all of its cells."""
    model, start = contenders.of_size(kind, size, seed=seed), time.process_time()
    generator = torch.Generator().manual_seed(seed)
    losses = contest.train(model, measures.digits_data("train"), budget=budget, generator=generator, batch=64)
    seconds = time.process_time() - start
    return {"steps": len(losses), "cpu_seconds": round(seconds, 1)} | measures.row_of(model, samples=1000, held_out=200, seed=seed)


def spread(rows: list[dict[str, object]]) -> dict[str, object]:
    """The mean of each number over the seeds, and its range; None where there is none."""
    found: dict[str, object] = {}
    for name, first in rows[0].items():
        values = [row[name] for row in rows]
        if isinstance(first, str):
            found[name] = first
        elif any(math.isnan(value) for value in values):
            found[name] = None
        else:
            found[name] = float(f"{sum(values) / len(values):.4g}")
            found[f"{name} range"] = [float(f"{edge(values):.4g}") for edge in (min, max)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.families", description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=80_000, help="parameters of each family")
    parser.add_argument("--budget", type=float, default=1.2e11, help="multiply-adds of training")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    for kind in contenders.KINDS:
        rows = [trained_row(kind, options.size, int(options.budget), seed) for seed in range(options.seeds)]
        results.append({"kind": kind} | spread(rows))
        print(json.dumps(results[-1]), flush=True)
        write(options, results)


def write(options: argparse.Namespace, results: list[dict[str, object]]) -> None:
    """Record what is known so far."""
    facts = {
        "command": f"python -m benchmarks.families --size {options.size} --budget {options.budget:g} --seeds {options.seeds}",
        "seeds": list(range(options.seeds)), "hardware": f"{platform.machine()}, {os.cpu_count()} cores, 1 thread",
        "torch": torch.__version__, "results": results,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
