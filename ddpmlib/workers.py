"""The processes that share the work of training: which of them this one is, and the device it computes on.

``torchrun`` starts the processes and tells each its place in environment variables; PyTorch's DistributedDataParallel averages their
gradients. Here is only what a run needs to know of that. A process that was started alone is a group of one.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ddpmlib.validation import require_integer


class WorkersError(RuntimeError):
    """Why this process cannot take part: a device that is not there, or a group that cannot be made."""


@dataclass(frozen=True)
class Workers:
    """This process's number among ``size`` processes, and its device."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def part(self, rows: int) -> slice:
        """This process's part of a joint batch; ``rows`` is a multiple of the number of processes."""
        each = require_integer("rows", rows, low=1) // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def shared(self, net: nn.Module) -> nn.Module:
        """The network, so wrapped that its backward pass averages the gradients over all processes."""
        if self.size == 1:
            return net
        return DistributedDataParallel(net, device_ids=[self.device.index] if self.device.type == "cuda" else None)

    def mean(self, values: Sequence[float]) -> float:
        """The mean of the values of all processes, each of which has as many."""
        own = math.fsum(values) / len(values)
        if self.size == 1:
            return own
        total = torch.tensor(own, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.item() / self.size

    def agreed(self, function: Callable, *arguments: object) -> object:
        """What the function returns in the first process, or the error that it raises there, in all processes."""
        box: list[object] = [None, None]
        if self.first:
            try:
                box[0] = function(*arguments)
            except Exception as error:
                box[1] = error
        if self.size > 1:
            distributed.broadcast_object_list(box, src=0, device=self.device)
        if box[1] is not None:
            raise box[1]
        return box[0]

    def facts(self) -> dict:
        """What a measurement is to name: hardware, number of processes, versions."""
        cuda = self.device.type == "cuda"
        return {"device": self.device.type, "hardware": torch.cuda.get_device_name(self.device) if cuda else _processor(),
                "processes": self.size, "threads": torch.get_num_threads(), "python": platform.python_version(),
                "torch": str(torch.__version__)}


@contextlib.contextmanager
def join_workers(device: str = "auto") -> Iterator[Workers]:
    """Take this process's place in the group that ``torchrun`` started, or in a group of one; leave it at the end.

    Raises
    ------
    WorkersError
        if the device is not there, or is not one that several processes can share.
    """
    size, rank, local = (int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", 1), ("RANK", 0), ("LOCAL_RANK", 0)))
    chosen = find_device(device, local)
    if size > 1 and chosen.type == "mps":
        raise WorkersError("several processes cannot share one MPS device: leave torchrun out, or use --device cpu")
    if chosen.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it; without it, sums differ from run to run
        torch.cuda.set_device(chosen)
        torch.use_deterministic_algorithms(True, warn_only=True)
    if size == 1:
        yield Workers(device=chosen)
        return
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Workers(rank, size, chosen)
    finally:
        distributed.destroy_process_group()


def find_device(name: str, local_rank: int = 0) -> torch.device:
    """The device of this name, for the process with this number on its machine; "auto" is a GPU if there is one.

    Raises
    ------
    WorkersError
        if it is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cpu":
        return torch.device("cpu")
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise WorkersError(f"--device mps: PyTorch {torch.__version__} finds no Apple GPU (MPS) here; use --device cpu")
        return torch.device("mps")
    if name != "cuda":
        raise WorkersError(f'--device must be "auto", "cpu", "cuda" or "mps", got {name!r}')
    if not torch.cuda.is_available():
        why = "was built without CUDA" if torch.version.cuda is None and torch.version.hip is None else "finds no GPU that it can use"
        raise WorkersError(f"--device cuda: PyTorch {torch.__version__} {why}; use --device cpu, or a machine with a GPU and a build for it")
    if local_rank >= torch.cuda.device_count():
        raise WorkersError(f"--device cuda: process {local_rank} finds {torch.cuda.device_count()} GPU(s) on this machine; "
                           f"start at most as many processes, --nproc_per_node={torch.cuda.device_count()}")
    return torch.device("cuda", local_rank)


def _processor() -> str:
    """The name of the processor, as Linux has it; elsewhere what Python knows."""
    with contextlib.suppress(OSError):
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
