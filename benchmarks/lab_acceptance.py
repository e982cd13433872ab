"""What a graded lab accepts: the numbers of honest runs of many seeds beside those of imitations, and the bars between them.

    DDPMLIB_REFERENCE=1 python -m benchmarks.lab_acceptance                      # the table, from the honest samples that the tests keep
    DDPMLIB_REFERENCE=1 python -m benchmarks.lab_acceptance --train 0 1 2 ...    # train these seeds anew first: about 80 CPU-seconds each

An honest run is a short one: 2,000 steps of 64 digits, or 1,500, then 500 samples by each of several samplers. The samples are kept in
8 bits a pixel, which moves no number that is shown. The table goes to
``benchmarks/results/lab_acceptance.txt``, its numbers to a JSON file beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ddpmlib import ddim, images, pretrained
from ddpmlib.checks.judges import acceptance
from ddpmlib.layers import UNet
from ddpmlib.models import Model, conditioned
from ddpmlib.schedules import Schedule

ROOT = Path(__file__).resolve().parents[1]
HONEST = ROOT / "tests" / "data" / "honest-digits.safetensors"
RESULTS = ROOT / "benchmarks" / "results"
LEVELS = 80  # of a kept pixel to 1
LABELS = torch.arange(10).repeat_interleave(50)
NAMES = {
    "network accuracy": "CNN", "vector machine accuracy": "SVM", "feature distance": "FD", "pixel distance": "pixels", "off the digits": "blends",
    "copies": "copies", "within a class": "spread", "repeats": "repeats", "coverage": "cover",
}  # "too close" is the number of "off the digits" once more


def honest_samples(seed: int, steps: int) -> dict[str, Tensor]:
    """Train one seed as the labs do, and sample in several ways."""
    net = UNet(**pretrained.SETTINGS, seed=seed)
    for _ in pretrained.train_generator(net, images.load_digits("train"), steps=steps, generator=torch.Generator().manual_seed(seed)):
        pass
    schedule = Schedule.linear(pretrained.T)

    def guided(gamma: float) -> Model:
        def model(x: Tensor, t: Tensor) -> Tensor:
            untold = net(x, t)
            return untold + gamma * (net(x, t, LABELS) - untold)

        return model

    found = {}
    for kind, model, calls, eta in (("ddim", conditioned(net, LABELS), 20, 0.0), ("guided 1.5", guided(1.5), 20, 0.0),
                                    ("guided 2", guided(2.0), 20, 0.0), ("ancestral", conditioned(net, LABELS), 50, 1.0)):
        generator = torch.Generator().manual_seed(100 + seed)
        x_T = torch.randn(len(LABELS), 1, 8, 8, generator=generator)
        made = ddim.ddim_sample(model, x_T, schedule, ddim.time_subsequence(schedule.T, calls), eta=eta, generator=generator)
        found[f"{seed}/{kind}, {steps} steps"] = (made * LEVELS).round().clamp(-127, 127).to(torch.int8)
    return found


def row(title: str, numbers: dict[str, float]) -> str:
    missed = ", ".join(acceptance.problems(numbers))
    cells = " ".join(f"{numbers[name]:8.3f}" if numbers[name] < 100 else f"{numbers[name]:8.1f}" for name in NAMES)
    return f"{title:62.62} {cells}  {'refused: ' + missed if missed else 'accepted'}"


def bars() -> list[str]:
    def cells(side: str) -> str:
        found = {name: getattr(bar, side) for name, bar in acceptance.BARS.items()}
        if side == "low":
            found["off the digits"] = found["too close"]
        return " ".join(f"{found[name]:8g}" if found[name] is not None else f"{'':8}" for name in NAMES)

    return [f"{'at least':62} {cells('low')}", f"{'at most':62} {cells('high')}"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab_acceptance", description=__doc__.splitlines()[0])
    parser.add_argument("--train", nargs="+", type=int, metavar="seed", help="train these seeds, and keep their samples for the tests")
    parser.add_argument("--steps", type=int, default=2000, help="of training (default: %(default)s)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    kept = load_file(HONEST) if HONEST.exists() else {}
    for seed in options.train or []:
        kept |= honest_samples(seed, options.steps)
        save_file(kept, HONEST)
        HONEST.chmod(0o644)
    sys.path.insert(0, str(ROOT / "tests"))
    from imitations import IMITATIONS

    found = {"honest": {}, "imitations": {}}
    lines = [f"{'':62} {' '.join(f'{name:>8}' for name in NAMES.values())}", *bars(), "", "honest runs (seed/sampler)"]
    for kind in sorted({name.partition("/")[2] for name in kept}):
        rows = {name: acceptance.measure(kept[name] / LEVELS, LABELS) for name in sorted(kept) if name.partition("/")[2] == kind}
        found["honest"] |= rows
        lines += [row(name, numbers) for name, numbers in rows.items()]
        values = {name: torch.tensor([numbers[name] for numbers in rows.values()], dtype=torch.float64) for name in acceptance.BARS}
        for title, number in (("mean", torch.mean), ("standard deviation", torch.std)):
            lines.append(f"{f'{kind}: {title}':62} {' '.join(f'{number(values[name]).item():8.3f}' for name in NAMES)}")
        lines.append("")
    lines.append("imitations")
    for imitation in IMITATIONS:
        numbers = acceptance.measure(imitation.make(torch.Generator().manual_seed(1)), LABELS)
        found["imitations"][imitation.title] = numbers
        lines.append(row(imitation.title, numbers))
    accepted = sum(not acceptance.problems(numbers) for numbers in found["honest"].values())
    refused = sum(bool(acceptance.problems(numbers)) for numbers in found["imitations"].values())
    lines += ["", f"{accepted} of {len(found['honest'])} honest runs accepted, {refused} of {len(found['imitations'])} imitations refused"]
    text = "\n".join(lines)
    print(text)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "lab_acceptance.txt").write_text(text + "\n", encoding="utf-8")
    facts = {"command": "python -m benchmarks.lab_acceptance", "torch": torch.__version__, "date": time.strftime("%Y-%m-%d"),
             "hardware": f"{os.cpu_count()} CPU cores, 1 thread", "bars": {name: [bar.low, bar.high] for name, bar in acceptance.BARS.items()}}
    (RESULTS / "lab_acceptance.json").write_text(json.dumps(facts | found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
