"""Train a U-Net from the command line, on one device or on many: ``python -m ddpmlib.train --data digits --steps 2000 --out runs/digits``.

With ``torchrun --nproc_per_node=N -m ddpmlib.train ...`` N processes share the work, through PyTorch's DistributedDataParallel.
Loss, step and average are your own functions of chapters 7 and 9; what a run consists of stands in ``trainer.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import safetensors.torch

from ddpmlib import checkpoint_files, checkpoints, images
from ddpmlib.images import ImageSet
from ddpmlib.runlog import RunLog
from ddpmlib.trainer import SCHEDULES, Settings, Training, TrainError, draw_samples, plain
from ddpmlib.workers import WorkersError, join_workers


def train(
    settings: Settings, out: str | os.PathLike, *, device: str = "auto", resume: bool = False, every: int = 500, log_every: int = 50,
    keep: int = 2, samples: int = 0, progress: bool = True, data: ImageSet | None = None,
) -> Path:
    """Train, and return the path of the last checkpoint; in each of the processes that ``torchrun`` started.

    Parameters
    ----------
    settings
        of the run.
    out
        the run's folder: ``log.jsonl``, ``checkpoints/`` and, if samples are asked for, ``samples.safetensors``.
    device
        "cpu", "cuda", "mps", or "auto" for the best that is there.
    resume
        go on from the newest whole checkpoint in the folder; if there is none, begin. Without it a folder with a run is refused.
    every, log_every
        after how many steps a checkpoint is written, and a line of the log.
    keep
        how many of the newest checkpoints are kept; the one with the smallest loss is kept besides.
    samples
        how many samples of each class to draw at the end, with the averaged weights.
    progress
        show a progress bar, where standard error is a terminal.
    data
        the images, if they are at hand; otherwise ``settings.data`` is loaded.

    Raises
    ------
    TrainError
        if the run cannot begin, or its loss is no number any more: it names the step and the last good checkpoint.
    """
    out = Path(out)
    try:
        with join_workers(device) as workers:
            if settings.amp is not None and workers.device.type == "cpu":
                raise TrainError("--amp bf16 is for GPUs: on a CPU, bfloat16 autocast was seen to be many times slower than float32. "
                                 "Leave it out, or use --device cuda")
            run = Training(settings, _load(settings) if data is None else data, workers)
            start = workers.agreed(_start, out, resume)
            if start is not None:
                run.resume(start)
            log = RunLog(out / "log.jsonl" if workers.first else None)
            log.write(event="resume" if start else "start", step=run.taken, settings=plain(settings), **workers.facts())
            try:
                last = _loop(run, out, log, every=every, log_every=log_every, keep=keep, progress=progress, last=start)
            finally:
                log.close()
            if samples and workers.first:
                drawn, labels = draw_samples(run, samples)
                checkpoint_files.write_atomically(out / "samples.safetensors", safetensors.torch.save({"images": drawn, "labels": labels}))
            return last
    except (WorkersError, checkpoints.CheckpointError, OSError) as error:
        raise TrainError(str(error)) from error


def _load(settings: Settings) -> ImageSet:
    try:
        return images.load(settings.data, "train", size=settings.size)
    except (ValueError, ImportError, OSError) as error:
        raise TrainError(f"--data {settings.data}: {error}") from error


def _start(out: Path, resume: bool) -> Path | None:
    """The checkpoint to begin from."""
    folder = out / "checkpoints"
    if not resume and checkpoints.listed(folder):
        raise TrainError(f"{out} holds a run already: add --resume to go on with it, or choose another --out")
    start = checkpoints.latest(folder) if resume else None
    if resume and start is None and checkpoints.listed(folder):
        raise TrainError(f"{folder} holds no whole checkpoint; see the warnings above, or choose another --out")
    return start


def _loop(
    run: Training, out: Path, log: RunLog, *, every: int, log_every: int, keep: int, progress: bool, last: Path | None
) -> Path | None:
    """Take the steps that are left, with log and checkpoints, and return the last checkpoint's path."""
    steps, workers = run.settings.steps, run.workers
    since_log, since_save, watch = [], [], time.perf_counter()
    for number in _numbered(run.taken, steps, shown=progress and workers.first):
        try:
            loss = run.step()
        except FloatingPointError as error:
            log.write(event="stop", step=number, why=str(error))
            where = f"The last good checkpoint is {last}" if last else "There is no checkpoint yet"
            raise TrainError(f"training stopped at step {number}: {error}. {where}; a smaller --lr or a longer --warmup may help") from error
        since_log.append(loss)
        since_save.append(loss)
        if number % log_every == 0 or number == steps:
            mean, seconds = workers.mean(since_log), time.perf_counter() - watch
            log.write(step=number, loss=mean, images_per_s=round(len(since_log) * run.settings.batch_size / seconds, 1),
                      lr=run.optimizer.param_groups[0]["lr"])
            since_log, watch = [], time.perf_counter()
        if number % every == 0 or number == steps:
            mean, last = workers.mean(since_save), checkpoints.checkpoint_path(out / "checkpoints", number)
            if workers.first:
                run.save(last, loss=mean)
                checkpoints.prune(last.parent, last=keep)
                log.write(event="checkpoint", step=number, path=str(last))
            since_save = []
    log.write(event="end", step=run.taken)
    return last


def _numbered(taken: int, steps: int, *, shown: bool) -> Iterator[int]:
    """The numbers of the steps to come, with a progress bar on a terminal."""
    numbers = range(taken + 1, steps + 1)
    if not shown or not sys.stderr.isatty():
        return iter(numbers)
    from tqdm import tqdm

    return iter(tqdm(numbers, initial=taken, total=steps, unit="step", dynamic_ncols=True))


def parser() -> argparse.ArgumentParser:
    """The command's flags; their defaults are the fields of ``Settings`` and the arguments of ``train``."""
    made = argparse.ArgumentParser(prog="python -m ddpmlib.train", description=__doc__.split("\n\n")[0],
                                   formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    run = made.add_argument_group("the run: the same settings and device give the same weights")
    run.add_argument("--data", default="digits", help="digits, mnist, cifar10, or the path of a data set")
    run.add_argument("--steps", type=_count, default=2000, help="of the whole run; the learning rate follows it")
    run.add_argument("--batch-size", type=_count, default=64, help="images a step, of all processes together")
    run.add_argument("--lr", type=_positive, default=2e-3, help="largest learning rate")
    run.add_argument("--warmup", type=_whole, default=100, help="steps until it is reached")
    run.add_argument("--max-norm", type=_positive, default=1.0, help="largest norm of the gradient; longer ones are clipped")
    run.add_argument("--ema", type=_fraction, default=0.999, help="decay of the weights' moving average")
    run.add_argument("--label-dropout", type=_share, default=0.1, help="share of the labels that are replaced by the null class")
    run.add_argument("--unconditional", dest="conditional", action="store_false", help="do not tell the network the classes")
    run.add_argument("--channels", type=_count, nargs="+", default=[32, 64], help="of each level, from the full resolution down")
    run.add_argument("--attention", type=int, nargs="*", default=[-1], help="the levels with attention, from 0; -1 is the deepest")
    run.add_argument("--heads", type=_count, default=4, help="of attention")
    run.add_argument("--size", type=_count, help="height and width of the images; smaller ones get a border, larger ones are scaled down")
    run.add_argument("--schedule", choices=sorted(SCHEDULES), default="linear", help="of the noise")
    run.add_argument("--timesteps", type=_count, default=1000, help="T of the schedule")
    run.add_argument("--seed", type=_whole, default=0, help="of the weights and of all draws")
    run.add_argument("--amp", choices=["bf16"], help="compute the network in bfloat16 (for GPUs)")
    watch = made.add_argument_group("around the run")
    watch.add_argument("--out", required=True, help="the run's folder, for log, checkpoints and samples")
    watch.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="auto: a GPU if there is one")
    watch.add_argument("--resume", action="store_true", help="go on from the newest whole checkpoint of --out, if there is one")
    watch.add_argument("--every", type=_count, default=500, help="steps between two checkpoints; there is one at the end, too")
    watch.add_argument("--log-every", type=_count, default=50, help="steps between two lines of the log")
    watch.add_argument("--keep", type=_count, default=2, help="newest checkpoints to keep, besides the one with the smallest loss")
    watch.add_argument("--samples", type=_whole, default=0, help="samples of each class to draw at the end")
    return made


def main(arguments: list[str] | None = None) -> int:
    """The command; it returns its exit status."""
    given = vars(parser().parse_args(arguments))
    names = [each.name for each in dataclasses.fields(Settings)]
    settings = Settings(**{name: tuple(value) if isinstance(value := given.pop(name), list) else value for name in names})
    started = time.perf_counter()
    try:
        last = train(settings, **given)
    except TrainError as error:
        print(f"train: {error}", file=sys.stderr)
        return 1
    except NotImplementedError as error:
        print(f"train: this command runs on your own code, and something is not written yet: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("train: stopped; the same command with --resume goes on from the last checkpoint", file=sys.stderr)
        return 130
    if int(os.environ.get("RANK", 0)) == 0:
        print(f"{settings.steps} steps are done ({time.perf_counter() - started:.0f} s); the last checkpoint is {last}")
    return 0


def _number(kind: type, word: str, holds) -> object:
    """A type for argparse: numbers of this kind for which the condition holds."""

    def read(text: str):
        with contextlib.suppress(ValueError):
            if holds(value := kind(text)) and math.isfinite(value):
                return value
        raise argparse.ArgumentTypeError(f"expected {word}, got {text!r}")

    return read


_count = _number(int, "a whole number of at least 1", lambda value: value >= 1)
_whole = _number(int, "a whole number of at least 0", lambda value: value >= 0)
_positive = _number(float, "a number above 0", lambda value: value > 0)
_share = _number(float, "a number from 0 to 1", lambda value: 0 <= value <= 1)
_fraction = _number(float, "a number between 0 and 1", lambda value: 0 < value < 1)


if __name__ == "__main__":
    sys.exit(main())
