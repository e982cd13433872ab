"""Networks that come with the course, trained, so that a chapter can be read without training anything.

    net, schedule = pretrained.load("digits")
    judge = pretrained.load("digits-classifier")

Each is a file of weights in ``ddpmlib/pretrained`` (safetensors, which cannot hold code) with a card beside it, which says by what
command, from what code and on what machine it was made, and what it measures. The networks compute with your own ``unet.py``.

    python -m ddpmlib.pretrained train digits --seed 0     # make it again: minutes
    python -m ddpmlib.pretrained measure digits            # measure it again, and write the numbers into its card
    python -m ddpmlib.pretrained cards                     # write README.md anew from the cards
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ddpmlib import classifiers, ddim, ddpm, images, sprite_recipes
from ddpmlib.latent_layers import Autoencoder, TextUNet
from ddpmlib.layers import UNet
from ddpmlib.models import conditioned, draw_noise
from ddpmlib.schedules import Schedule
from ddpmlib.training import TrainingState

FOLDER = Path(__file__).parent / "pretrained"
T = 1000
SETTINGS = {"shape": (1, 8, 8), "channels": (32, 64), "attention": (False, True), "heads": 4, "classes": 10}


@dataclass(frozen=True)
class Recipe:
    """How a network is made: its class and settings, the loop that trains it, the number of steps, and what it is for."""

    network: type[nn.Module]
    settings: dict[str, object]
    train: Callable[..., Iterator[TrainingState]]
    steps: int
    about: str
    diffuses: bool = True  # whether the network goes with a schedule
    data: Callable[[], object] = lambda: images.load_digits("train")
    about_data: str = "scikit-learn's digits (UCI ML hand-written digits), training split of images.load_digits: 1,433 images"
    measure: Callable[[nn.Module], dict[str, float]] | None = None  # None: as digits are measured
    half: bool = False  # whether the file holds float16 numbers (the network computes in float32)


def load(name: str, *, device: str | torch.device = "cpu"):
    """A shipped network, ready to be used: ``(net, schedule)``, or the network alone where no noise is involved.

    Raises
    ------
    ValueError
        if there is no network of this name, or its file does not hold the weights that it should.
    FileNotFoundError
        if the file is missing.
    """
    recipe = _recipe(name)
    net = recipe.network(**recipe.settings)
    _read_weights(FOLDER / f"{name}.safetensors", net)
    net = net.eval().requires_grad_(False).to(device)
    return (net, Schedule.linear(T)) if recipe.diffuses else net


def card(name: str) -> dict[str, object]:
    """What is recorded of a shipped network: command, seed, commit, machine, seconds, and what it measures."""
    _recipe(name)
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise ValueError(f"there is no network {name!r} here; there are {', '.join(RECIPES)}")
    return RECIPES[name]


def _read_weights(path: Path, net: nn.Module) -> None:
    """Copy the weights of a file into a network that has exactly these, by name and shape."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; it comes with the course, and python -m ddpmlib.pretrained train {path.stem} makes it again")
    try:
        with safe_open(path, framework="pt") as file:
            found = {key: file.get_tensor(key) for key in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read as safetensors: {error}") from None
    wanted = net.state_dict()
    wrong = [key for key in wanted.keys() | found.keys()
             if key not in wanted or key not in found or wanted[key].shape != found[key].shape]
    if wrong:
        raise ValueError(f"{path} does not hold the weights of this network: {', '.join(sorted(wrong)[:3])} "
                         f"{'is' if len(wrong) == 1 else 'are'} missing, unknown or of another shape")
    net.load_state_dict(found)


# ----------------------------------------------------------------------------------------------- training


def train_generator(
    net: UNet, data: images.ImageSet, *, steps: int, generator: torch.Generator, batch_size: int = 64,
    learning_rate: float = 2e-3, dropout: float = 0.1, decay: float = 0.999,
) -> Iterator[TrainingState]:
    """Algorithm 1 with classes: some labels are replaced by the null class, and the average of the weights is what remains.

    The learning rate rises for 100 steps and falls along half a cosine to 0. The moving average forgets with the rate ``decay``;
    when the loop ends, ``net`` holds it.
    """
    schedule = Schedule.linear(T)
    optimizer = torch.optim.Adam(net.parameters(), lr=learning_rate)
    weights = list(net.parameters())
    average = [weight.detach().clone() for weight in weights]
    net.train()
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(step / 100, 1.0) * (1 + math.cos(math.pi * step / steps)) / 2
        rows = torch.randint(len(data), (batch_size,), generator=generator)
        t = torch.randint(1, T + 1, (batch_size,), generator=generator)
        untold = torch.rand(batch_size, generator=generator) < dropout
        x0, y = data.images[rows], data.labels[rows].masked_fill(untold, net.classes)
        loss = ddpm.training_loss(lambda x, t: net(x, t, y), x0, t, draw_noise(x0, generator), schedule)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        kept = min(decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, weight in zip(average, weights):
                mean.lerp_(weight, 1 - kept)
        yield TrainingState(step, loss.item())
    with torch.no_grad():
        for mean, weight in zip(average, weights):
            weight.copy_(mean)
    net.eval()


RECIPES = {
    "digits": Recipe(
        UNet, SETTINGS, train_generator, 5000,
        "Noise of 8 x 8 digits, with classes 0 to 9 and the null class 10 (labels dropped with probability 0.1), linear schedule, "
        "T = 1000; the weights are the moving average.",
    ),
    "digits-classifier": Recipe(
        classifiers.DigitsClassifier, {}, classifiers.training_steps, 3000,
        "Recognises 8 x 8 digits without noise; judges generated ones. Not trained on anything generated.", diffuses=False,
    ),
    "sprites-autoencoder": Recipe(
        Autoencoder, sprite_recipes.AUTOENCODER, sprite_recipes.train_autoencoder, 5000,
        "Pictures of 32 x 32 captioned sprites to latents of 4 x 8 x 8 and back; stored in float16. Held-out captions are those of "
        "sprites.held_out(): 480 pictures are measured.",
        diffuses=False, data=sprite_recipes.pictures, about_data=sprite_recipes.ABOUT_DATA,
        measure=sprite_recipes.measure_autoencoder, half=True,
    ),
    "sprites-text": Recipe(
        TextUNet, sprite_recipes.TEXT, sprite_recipes.train_text, 2000,
        "Noise in the scaled latents of sprites-autoencoder, told a caption of seven words (captions dropped with probability 0.1), "
        "linear schedule, T = 1000; the weights are the moving average, in float16. Measured on 480 samples of the held-out "
        "captions: DDIM with 20 steps, gamma = 2.",
        data=sprite_recipes.pictures, about_data=sprite_recipes.ABOUT_DATA, measure=sprite_recipes.measure_text, half=True,
    ),
}


def train(name: str, *, seed: int = 0, steps: int | None = None, folder: Path = FOLDER) -> Path:
    """Train a network by its recipe, write its weights and its card to ``folder``, and return the path of the weights."""
    recipe = _recipe(name)
    net = recipe.network(**recipe.settings, seed=seed)
    data = recipe.data()
    steps = recipe.steps if steps is None else steps
    start = time.process_time()
    for state in recipe.train(net, data, steps=steps, generator=torch.Generator().manual_seed(seed)):
        if state.step % max(steps // 20, 1) == 0:
            print(f"step {state.step} of {steps}: loss {state.loss:.4f}, {time.process_time() - start:.0f} CPU-seconds", flush=True)
    seconds = round(time.process_time() - start)
    weights = {key: (value.half() if recipe.half else value).contiguous() for key, value in net.state_dict().items()}
    net.load_state_dict(weights)
    facts = {
        "name": name,
        "about": recipe.about,
        "command": f"python -m ddpmlib.pretrained train {name} --seed {seed}" + (f" --steps {steps}" if steps != recipe.steps else ""),
        "seed": seed,
        "commit": _commit(),
        "data": recipe.about_data,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "steps": steps,
        "cpu_seconds": seconds,
        "hardware": _hardware(),
        "torch": torch.__version__,
        "metrics": measure(name, net),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file(weights, path)
    path.chmod(0o644)  # safetensors writes files that nobody else may read
    _write_card(folder, facts)
    return path


def _write_card(folder: Path, facts: dict[str, object]) -> None:
    (folder / f"{facts['name']}.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def measure(name: str, net: nn.Module) -> dict[str, float]:
    """What a card says of a network, measured: always the same noise and the same images."""
    if _recipe(name).measure is not None:
        return _recipe(name).measure(net)
    from ddpmlib.checks.judges import acceptance  # not at hand where the student's code alone is run

    held_out = images.load_digits("test")
    if not _recipe(name).diffuses:
        judge = classifiers.NetworkJudge(net)
        return {"held-out accuracy": classifiers.accuracy(judge, held_out.images, held_out.labels)}
    samples, labels = drawn(net)
    numbers = acceptance.measure(samples, labels)
    return {"held-out loss": held_out_loss(net, held_out)} | {key: round(value, 4) for key, value in numbers.items()}


def drawn(net: UNet, *, per_class: int = 50, steps: int = 20, seed: int = 0):
    """Images of every class and their labels: DDIM with eta = 0, always from the same noise."""
    labels = torch.arange(net.classes).repeat_interleave(per_class)
    x_T = torch.randn(len(labels), *net.settings["shape"], generator=torch.Generator().manual_seed(seed))
    times = ddim.time_subsequence(T, steps)
    return ddim.ddim_sample(conditioned(net, labels), x_T, Schedule.linear(T), times), labels


@torch.no_grad()
def held_out_loss(net: UNet, data: images.ImageSet, *, repeats: int = 4, seed: int = 0) -> float:
    """The training loss on images that were not trained on, told their classes."""
    generator, schedule = torch.Generator().manual_seed(seed), Schedule.linear(T)
    losses = []
    for _ in range(repeats):
        t = torch.randint(1, T + 1, (len(data),), generator=generator)
        noise = draw_noise(data.images, generator)
        losses.append(ddpm.training_loss(lambda x, t: net(x, t, data.labels), data.images, t, noise, schedule).item())
    return sum(losses) / repeats


def _commit() -> str:
    """The commit of the code, and whether the library differs from it."""
    def git(*command: str) -> str:
        return subprocess.run(["git", *command], cwd=FOLDER.parent, capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "*.py")
    return (git("rev-parse", "HEAD") or "unknown") + (", with changes" if changed else "")


def _hardware() -> str:
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"CPU {model}, {os.cpu_count()} cores, {torch.get_num_threads()} thread"


def cards() -> str:
    """All cards as one page of Markdown."""
    lines = ["# The shipped networks", "", "Written by `python -m ddpmlib.pretrained cards` from the JSON files beside this page.", ""]
    for name in RECIPES:
        facts = card(name)
        lines += [f"## {name}", "", str(facts["about"]), "", "| | |", "| --- | --- |"]
        for key, value in facts.items():
            if key not in ("name", "about", "metrics"):
                shown = f"`{value}`" if key == "command" else f"{value:,}" if isinstance(value, int) else str(value)
                lines.append(f"| {key.replace('_', ' ')} | {shown} |")
        lines += [f"| {key} | {value:.4g} |" for key, value in facts["metrics"].items()] + [""]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ddpmlib.pretrained", description="Make the shipped networks again.")
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train a network by its recipe")
    training.add_argument("name", choices=RECIPES)
    training.add_argument("--seed", type=int, default=0)
    training.add_argument("--steps", type=int, help="fewer or more than the recipe says")
    training.add_argument("--folder", type=Path, default=FOLDER, help="where to write (default: %(default)s)")
    again = commands.add_parser("measure", help="measure a shipped network again, and write the numbers into its card")
    again.add_argument("name", choices=RECIPES)
    commands.add_parser("cards", help="write README.md anew from the cards")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.command == "train":
        print(train(options.name, seed=options.seed, steps=options.steps, folder=options.folder))
    elif options.command == "measure":
        loaded = load(options.name)
        _write_card(FOLDER, card(options.name) | {"metrics": measure(options.name, loaded[0] if isinstance(loaded, tuple) else loaded)})
    else:
        (FOLDER / "README.md").write_text(cards(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
