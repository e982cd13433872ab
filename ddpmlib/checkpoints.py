"""Checkpoints: everything that a run needs to go on, in one file that is either whole or not there.

    checkpoints.save(path, model, ema=ema, optimizer=optimizer, step=100, generator=generator, seed=0, data="digits")
    checkpoints.restore(path, model, ema=ema, optimizer=optimizer, generator=generator)     # changes all of them, or none
    checkpoints.load(path)                                                                 # reads, changes nothing

A file is in the safetensors format, which cannot hold code. Its tensors are named ``model/<key>``, ``ema/<key>``,
``optimizer/<parameter>/<slot>`` and ``generator/<name>``; all that is no tensor stands as JSON in the header's metadata. Equal
states give equal files, byte for byte.

A file is written under a temporary name, forced to the disk and then renamed, so a process that is killed while it writes
leaves the former file, or none, under the real name. A checksum tells a damaged file from a whole one (``checkpoint_files.py``).
"""

from __future__ import annotations

import json
import logging
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ddpmlib import checkpoint_files
from ddpmlib.checkpoint_files import CheckpointError, kind, word
from ddpmlib.validation import require_instance, require_integer

SHOWN = 2  # of the differences between a file and a model; the others are counted
NAME = re.compile(r"step-(\d{8,})\.safetensors")
REBUILD = "rebuild the network as the file's was, UNet(**checkpoints.load(path).settings), or choose another file"

log = logging.getLogger(__name__)
Weights = nn.Module | Mapping[str, Tensor]
Generators = torch.Generator | Mapping[str, torch.Generator]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds; all tensors are on the CPU.

    ``model`` and ``ema`` are state dictionaries, ``optimizer`` has the keys "class", "groups" (the options, and the names of
    the parameters, of each group) and "state" (for each parameter, its slots), ``generators`` has the state of each generator.
    ``settings`` are the model's keyword arguments: ``UNet(**settings)`` is such a network. What was not saved is None or empty.
    """

    path: Path
    settings: dict | None
    model: dict[str, Tensor]
    ema: dict[str, Tensor] | None
    optimizer: dict | None
    step: int
    generators: dict[str, Tensor]
    facts: dict


# writing


def save(
    path: str | os.PathLike, model: nn.Module, *, ema: Weights | None = None, optimizer: torch.optim.Optimizer | None = None,
    step: int = 0, generator: Generators | None = None, **facts: object,
) -> Path:
    """Write a checkpoint, atomically; missing folders are made.

    Parameters
    ----------
    path
        of the file; a file of this name is replaced only when the new one is complete.
    model
        a module; if it has ``settings`` (keyword arguments that rebuild it), they are saved too.
    ema
        the averaged weights: a module or a state dictionary.
    optimizer
        of parameters of the model.
    step
        how many steps have been taken.
    generator
        one generator, or several by name.
    facts
        what a reader wants to know (data, seed, schedule, loss, ...), of JSON's types; the versions of Python and torch are added.

    Returns
    -------
    The path.

    Raises
    ------
    CheckpointError
        if a weight is NaN or infinite: such a checkpoint would replace a good one. Nothing is written.
    TypeError
        if an argument has the wrong type, or settings or facts are not of JSON's types.
    OSError
        if the file cannot be written; a former file of this name is intact.
    """
    require_instance("model", model, nn.Module)
    path = Path(path)
    tensors = _prefixed("model", model.state_dict())
    about: dict[str, object] = {"step": require_integer("step", step, low=0)}
    about["settings"] = getattr(model, "settings", None)
    about["facts"] = {"versions": {"python": platform.python_version(), "torch": str(torch.__version__)}, **facts}
    if ema is not None:
        tensors |= _prefixed("ema", _state("ema", ema))
    if optimizer is not None:
        require_instance("optimizer", optimizer, torch.optim.Optimizer)
        about["optimizer"], slots = _packed_optimizer(optimizer, model)
        tensors |= _prefixed("optimizer", slots)
    tensors = {key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()}
    _require_finite(path, tensors)
    tensors |= {f"generator/{name}": each.get_state().clone() for name, each in _named(generator).items()}
    _require_json(about)
    checkpoint_files.write(path, about, tensors)
    return path


def _packed_optimizer(optimizer: torch.optim.Optimizer, model: nn.Module) -> tuple[dict, dict[str, Tensor]]:
    """The optimizer's options and numbers for the header, and its tensors; both by the names of the model's parameters."""
    slots, rest = {}, {}
    groups = _named_groups(optimizer, model)
    for group, names in zip(optimizer.param_groups, groups):
        for parameter, name in zip(group["params"], names):
            for slot, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    slots[f"{name}/{slot}"] = value
                else:
                    rest.setdefault(name, {})[slot] = value
    options = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
    about = {"class": type(optimizer).__name__, "rest": rest,
             "groups": [{"options": each, "parameters": names} for each, names in zip(options, groups)]}
    return about, slots


def _require_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for key, value in tensors.items():
        if value.is_floating_point() and not value.isfinite().all():
            what = "NaN" if value.isnan().any() else "infinite numbers"
            raise CheckpointError(f"{path} was not written: {key} holds {what}, so the training has diverged; a former "
                                  "checkpoint is intact: go on from it, with a smaller learning rate")


def _require_json(about: dict) -> None:
    for part in ("settings", "facts", "optimizer"):
        try:
            json.dumps(about.get(part))
        except TypeError as error:
            raise TypeError(f"{part} of a checkpoint must be of JSON's types (numbers, strings, lists, dictionaries): {error}") from None


# reading


def load(path: str | os.PathLike) -> Checkpoint:
    """Read a checkpoint, and check that it is one and that it is whole.

    Raises
    ------
    FileNotFoundError
        if there is no such file.
    CheckpointError
        if it is not a checkpoint, is truncated or damaged, or was written by a later version of the course.
    """
    about, tensors = checkpoint_files.read(path)
    optimizer = about.get("optimizer")
    if optimizer is not None:
        optimizer = {"class": optimizer["class"], "groups": optimizer["groups"],
                     "state": _slots(_part(tensors, "optimizer"), optimizer["rest"])}
    return Checkpoint(Path(path), about["settings"], _part(tensors, "model"), _part(tensors, "ema") or None, optimizer, about["step"],
                      _part(tensors, "generator"), about["facts"])


def restore(
    path: str | os.PathLike, model: nn.Module, *, ema: Weights | None = None, optimizer: torch.optim.Optimizer | None = None,
    generator: Generators | None = None,
) -> Checkpoint:
    """Put the file's state into the given objects, in their place and on their device. All is checked before anything changes.

    Parameters
    ----------
    path
        of the file.
    model, ema, optimizer, generator
        what is to be restored, as it was given to ``save``. What is None is left out, though the file may hold it.

    Returns
    -------
    The checkpoint: ``step`` and ``facts`` are in it.

    Raises
    ------
    FileNotFoundError, CheckpointError
        as ``load``; and if a key is missing or unexpected, has another shape or dtype, or what is asked for was not saved.
        The given objects then are as they were.
    """
    require_instance("model", model, nn.Module)
    found = load(path)
    weights = [("model", found.model, model.state_dict())]
    if ema is not None:
        weights.append(("ema", _saved(found, "ema", found.ema), _state("ema", ema)))
    for name, saved, wanted in weights:
        _require_fit(found, name, saved, wanted, model)
    state = None
    if optimizer is not None:
        require_instance("optimizer", optimizer, torch.optim.Optimizer)
        state = _optimizer_state(found, optimizer, model)
    generators = _named(generator)
    for name, each in generators.items():
        _require_generator(found, name, each)

    if state is not None:
        optimizer.load_state_dict(state)
    with torch.no_grad():
        for _, saved, wanted in weights:
            for key, value in wanted.items():
                value.copy_(saved[key])
    for name, each in generators.items():
        each.set_state(found.generators[name])
    return found


def _require_fit(found: Checkpoint, name: str, saved: Mapping[str, Tensor], wanted: Mapping[str, Tensor], model: nn.Module) -> None:
    wrong = []
    for key in [*wanted, *(key for key in saved if key not in wanted)]:
        if key not in saved:
            wrong.append(f"{name}/{key} is missing, expected {kind(wanted[key])}")
        elif key not in wanted:
            wrong.append(f"{name}/{key} is unexpected: the file has {kind(saved[key])}, the {name} nothing of this name")
        elif kind(saved[key]) != kind(wanted[key]):
            wrong.append(f"{name}/{key} is {kind(saved[key])}, expected {kind(wanted[key])}")
    if wrong:
        raise _unfit(found, wrong, _help(found, model, wrong))


def _help(found: Checkpoint, model: nn.Module, wrong: list[str]) -> str:
    ours, theirs = getattr(model, "settings", None), found.settings
    if ours and theirs:
        other = [f"{key}={theirs.get(key)!r} (yours: {ours.get(key)!r})" for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]
        if other:
            return f"the file's network has {', '.join(other)}; {REBUILD}"
    if all(re.search(r" is (\S+ )of shape (.*), expected (\S+ )of shape \2$", each) for each in wrong):
        return "convert the model to the file's dtype before, for instance with model.float()"
    return REBUILD


def _optimizer_state(found: Checkpoint, optimizer: torch.optim.Optimizer, model: nn.Module) -> dict:
    """The state that ``optimizer.load_state_dict`` takes, if the file's fits."""
    saved = _saved(found, "optimizer", found.optimizer)
    names = _named_groups(optimizer, model)
    again = "make the optimizer as it was made before, or restore without it"
    if saved["class"] != type(optimizer).__name__:
        raise _unfit(found, [f"optimizer is of the class {saved['class']}, expected {type(optimizer).__name__}"], again)
    theirs = [group["parameters"] for group in saved["groups"]]
    if theirs != names:
        for i, (had, wanted) in enumerate(zip(theirs, names)):
            other = [f"optimizer/{key} is {'missing' if key in wanted else 'unexpected'} in group {i}" for key in {*had} ^ {*wanted}]
            if other:
                raise _unfit(found, sorted(other), again)
        raise _unfit(found, [f"optimizer has {len(theirs)} groups of {[*map(len, theirs)]} parameters, expected {[*map(len, names)]}"
                             " in the same order"], again)
    slots = {slot for each in saved["state"].values() for slot in each}
    numbers, groups, state = {}, [], {}
    for group, entry in zip(optimizer.param_groups, saved["groups"]):
        known = {key: _like(group[key], value) for key, value in entry["options"].items() if key in group}
        first = len(numbers)
        numbers |= {name: first + i for i, name in enumerate(entry["parameters"])}
        groups.append({**{key: value for key, value in group.items() if key != "params"}, **known,
                       "params": list(range(first, len(numbers)))})
        for parameter, name in zip(group["params"], entry["parameters"]):
            if name in saved["state"]:
                state[numbers[name]] = saved["state"][name]
                _require_slots(found, name, saved["state"][name], slots, parameter, again)
    return {"state": state, "param_groups": groups}


def _require_slots(found: Checkpoint, name: str, had: dict, slots: set[str], parameter: Tensor, again: str) -> None:
    wrong = [f"optimizer/{name}/{slot} is missing, though other parameters have it" for slot in sorted(slots - {*had})]
    for slot, value in had.items():
        if isinstance(value, Tensor) and value.ndim and value.shape != parameter.shape:
            wrong.append(f"optimizer/{name}/{slot} is {kind(value)}, expected shape {tuple(parameter.shape)}")
        if isinstance(value, Tensor) and value.ndim and value.dtype != parameter.dtype:
            wrong.append(f"optimizer/{name}/{slot} is {kind(value)}, expected dtype {word(parameter.dtype)}")
    if wrong:
        raise _unfit(found, wrong, again)


def _require_generator(found: Checkpoint, name: str, generator: torch.Generator) -> None:
    if name not in found.generators:
        raise _unfit(found, [f"generator/{name} is missing"], "restore without it, and the run goes on with other draws")
    try:
        torch.Generator(generator.device).set_state(found.generators[name])  # a trial, on one that is nobody's
    except (RuntimeError, TypeError) as error:
        text = str(error).splitlines()[0]
        raise _unfit(found, [f"generator/{name} is not the state of a generator on {generator.device} ({text})"],
                     "use a generator on the device of the one that was saved, or restore without it") from None


def _unfit(found: Checkpoint, wrong: list[str], advice: str) -> CheckpointError:
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return CheckpointError(f"{found.path} does not fit: {'; '.join(wrong[:SHOWN])}{more}. Nothing was changed; {advice}")


def _saved(found: Checkpoint, name: str, value: object) -> object:
    if value is None:
        raise _unfit(found, [f"it was saved without the {name}"], f"restore without {name}=...")
    return value


# folders


def checkpoint_path(folder: str | os.PathLike, step: int) -> Path:
    """The path of a run's checkpoint after ``step`` steps: ``folder/step-00000100.safetensors``."""
    return Path(folder) / f"step-{require_integer('step', step, low=0):08d}.safetensors"


def listed(folder: str | os.PathLike) -> list[Path]:
    """The files in ``folder`` that have the name of a checkpoint, from the newest to the oldest (by their step)."""
    steps = {path: int(match[1]) for path in Path(folder).glob("step-*.safetensors") if (match := NAME.fullmatch(path.name))}
    return sorted(steps, key=steps.get, reverse=True)


def latest(folder: str | os.PathLike) -> Path | None:
    """The newest whole checkpoint in ``folder``; None if there is none. Each broken one on the way is named in a warning of the log."""
    return next((found.path for found in _whole(listed(folder))), None)


def prune(folder: str | os.PathLike, *, last: int = 2, best: int = 1, by: str = "loss") -> list[Path]:
    """Delete checkpoints of a run, but not the ``last`` newest nor the ``best`` ones with the smallest fact ``by``.

    Broken files count as neither; they are left for you to look at. So are checkpoints without the fact, if they are among
    the newest. What killed writers left under temporary names is deleted too, so call it only where no other process writes.

    Returns
    -------
    The checkpoints that were deleted.
    """
    require_integer("last", last, low=1)
    require_integer("best", best, low=0)
    whole = list(_whole(listed(folder)))
    ranked = sorted((found for found in whole if isinstance(found.facts.get(by), (int, float))), key=lambda found: found.facts[by])
    kept = {found.path for found in [*whole[:last], *ranked[:best]]}
    gone = [found.path for found in whole if found.path not in kept]
    for path in [*gone, *Path(folder).glob(".step-*.safetensors.*.tmp")]:
        path.unlink(missing_ok=True)
    return gone


def _whole(paths: list[Path]):
    for path in paths:
        try:
            yield load(path)
        except (CheckpointError, OSError) as error:
            log.warning("skipping a broken checkpoint: %s", error)


# small things


def _state(name: str, weights: Weights) -> Mapping[str, Tensor]:
    if isinstance(weights, nn.Module):
        return weights.state_dict()
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise TypeError(f"{name} must be a torch.nn.Module or a dictionary of tensors, got {type(weights).__name__}")
    return weights


def _named(generator: Generators | None) -> Mapping[str, torch.Generator]:
    generators = generator if isinstance(generator, Mapping) else {} if generator is None else {"generator": generator}
    for name, each in generators.items():
        require_instance(f"generator {name!r}" if isinstance(generator, Mapping) else "generator", each, torch.Generator)
    return generators


def _named_groups(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[list[str]]:
    """For each group of the optimizer, the names of its parameters."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = [[names.get(id(parameter)) for parameter in group["params"]] for group in optimizer.param_groups]
    if any(None in group for group in groups):
        raise ValueError("optimizer must hold parameters of the model only, got one that is not in model.parameters(); make the "
                         "optimizer after the model is complete and on its device")
    return groups


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}/{key}": value for key, value in tensors.items()}


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{prefix}/"): value for key, value in tensors.items() if key.startswith(f"{prefix}/")}


def _slots(tensors: Mapping[str, Tensor], rest: dict) -> dict[str, dict]:
    """The optimizer's state by parameter and slot, tensors and other values together."""
    state = {name: dict(values) for name, values in rest.items()}
    for key, value in tensors.items():
        name, slot = key.rsplit("/", 1)
        state.setdefault(name, {})[slot] = value
    return state


def _like(old: object, value: object) -> object:
    """JSON has no tuples: a list becomes one again where one stood."""
    return tuple(value) if isinstance(old, tuple) and isinstance(value, list) else value
