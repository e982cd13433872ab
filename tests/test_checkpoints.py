"""Checkpoints: what is saved comes back bit for bit, a file is whole or not there, and a wrong file changes nothing."""

from __future__ import annotations

import copy
import json
import logging
import os
import shutil

import pytest
import safetensors.torch
import torch
from torch import nn

from ddpmlib import checkpoint_files
from ddpmlib.checkpoints import CheckpointError, checkpoint_path, latest, listed, load, prune, restore, save
from ddpmlib.layers import UNet


class Net(nn.Module):
    """Two layers, a buffer and settings; of any width, so that two nets need not fit."""

    def __init__(self, width: int = 3, *, bias: bool = True, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.settings = {"width": width, "bias": bias}
        self.first, self.last = nn.Linear(2, width, dtype=dtype), nn.Linear(width, 2, bias=bias, dtype=dtype)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        return self.last(self.first(x).tanh())


class Run:
    """All that a run changes, some steps after its beginning."""

    def __init__(self, net: nn.Module | None = None, steps: int = 3, seed: int = 0, make=torch.optim.AdamW):
        torch.manual_seed(seed)
        self.net = Net() if net is None else net
        self.ema = copy.deepcopy(self.net)
        self.optimizer = make(self.net.parameters(), lr=0.01)
        self.generator = torch.Generator().manual_seed(seed)
        for _ in range(steps):
            self.step()

    def step(self) -> float:
        dtype = next(self.net.parameters()).dtype
        loss = self.net(torch.randn(4, 2, generator=self.generator).to(dtype)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.net.seen += 1
        with torch.no_grad():
            for mean, new in zip(self.ema.parameters(), self.net.parameters()):
                mean.lerp_(new, 0.1)
        return loss.item()

    def save(self, path, **facts):
        return save(path, self.net, ema=self.ema, optimizer=self.optimizer, step=3, generator=self.generator, **facts)

    def restore(self, path):
        return restore(path, self.net, ema=self.ema, optimizer=self.optimizer, generator=self.generator)

    def bits(self) -> list:
        """Everything, in comparable form."""
        state = self.optimizer.state_dict()
        tensors = [*self.net.state_dict().values(), *self.ema.state_dict().values(), self.generator.get_state()]
        for slots in state["state"].values():
            tensors += [value if isinstance(value, torch.Tensor) else torch.tensor(value) for _, value in sorted(slots.items())]
        return [(value.dtype, tuple(value.shape), value.reshape(-1).view(torch.uint8).tolist()) for value in tensors] + [state["param_groups"]]


@pytest.fixture
def path(tmp_path):
    return Run().save(tmp_path / "a.safetensors", seed=0, data="digits", schedule={"kind": "linear", "T": 10}, rate=0.1)


# round trip


@pytest.mark.parametrize("make", [
    torch.optim.AdamW, torch.optim.Adam, lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9), torch.optim.SGD,
    lambda p, lr: torch.optim.Adam(p, lr=lr, amsgrad=True),
])
def test_a_restored_run_goes_on_as_the_saved_one(tmp_path, make):
    run, other = Run(make=make), Run(steps=1, seed=5, make=make)
    path = run.save(tmp_path / "deep" / "er" / "a.safetensors")
    other.restore(path)
    assert other.bits() == run.bits()
    assert [run.step() for _ in range(3)] == [other.step() for _ in range(3)] and other.bits() == run.bits()
    fresh = Run(steps=0, seed=6, make=make)
    fresh.restore(path)
    run.restore(path)
    assert fresh.bits() == run.bits()


def test_what_is_loaded_is_what_was_saved(path):
    found, run = load(path), Run()
    assert (found.path, found.step, found.settings) == (path, 3, {"width": 3, "bias": True})
    assert found.facts["seed"] == 0 and found.facts["schedule"] == {"kind": "linear", "T": 10} and found.facts["rate"] == 0.1
    assert found.facts["versions"]["torch"] == torch.__version__
    assert all(torch.equal(found.model[key], value) for key, value in run.net.state_dict().items())
    assert all(torch.equal(found.ema[key], value) for key, value in run.ema.state_dict().items())
    assert set(found.optimizer["state"]["first.weight"]) == {"step", "exp_avg", "exp_avg_sq"}
    assert torch.equal(found.generators["generator"], run.generator.get_state())


def test_equal_states_give_equal_files(path, tmp_path):
    again = Run().save(tmp_path / "b.safetensors", seed=0, data="digits", schedule={"kind": "linear", "T": 10}, rate=0.1)
    assert path.read_bytes() == again.read_bytes()


def test_any_reader_of_safetensors_reads_the_weights(path):
    assert torch.equal(safetensors.torch.load_file(path)["model/first.weight"], Run().net.first.weight)


def test_parts_that_were_not_saved_are_none(tmp_path):
    found = load(save(tmp_path / "a.safetensors", nn.Linear(2, 2)))
    assert found.settings is None and found.ema is None and found.optimizer is None and found.generators == {} and found.step == 0


def test_a_network_is_rebuilt_from_its_settings(tmp_path):
    net = UNet((1, 4, 4), channels=(8,), attention=(False,), classes=3, seed=4)
    found = load(save(tmp_path / "a.safetensors", net))
    again = UNet(**found.settings)
    again.load_state_dict(found.model)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), again.state_dict().values()))


def test_dtypes_strides_and_tied_weights_survive(tmp_path):
    net = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3), "h": nn.Linear(2, 2, dtype=torch.bfloat16)})
    net["b"].weight = net["a"].weight
    net["a"].bias = nn.Parameter(torch.zeros(6)[::2])
    net.register_buffer("mask", torch.tensor([True, False]))
    other = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    restore(save(tmp_path / "a.safetensors", net), other)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values()))
    assert other["b"].weight is other["a"].weight


def test_averages_may_be_a_dictionary_and_generators_several(tmp_path):
    run, ema = Run(), {"first.weight": torch.ones(3, 2)}
    draws, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    path = save(tmp_path / "a.safetensors", run.net, ema=ema, generator={"draws": draws, "dropout": other})
    ema["first.weight"].zero_()
    kept, generators = ema["first.weight"], {"draws": torch.Generator(), "dropout": torch.Generator()}
    restore(path, run.net, ema=ema, generator=generators)
    assert torch.equal(kept, torch.ones(3, 2)), "in its place"
    assert torch.equal(generators["draws"].get_state(), draws.get_state())
    assert torch.equal(generators["dropout"].get_state(), other.get_state())
    restore(path, run.net)  # what is not asked for is left in the file


def test_options_of_the_optimizer_come_back_with_their_types(tmp_path):
    run = Run()
    run.optimizer.param_groups[0].update(lr=0.5, betas=(0.8, 0.9))
    path, other = run.save(tmp_path / "a.safetensors"), Run(steps=0)
    other.optimizer.param_groups[0]["of another version"] = 1  # such an option is kept
    other.restore(path)
    group = other.optimizer.param_groups[0]
    assert (group["lr"], group["betas"], group["of another version"]) == (0.5, (0.8, 0.9), 1)


# a file is whole or not there


def test_a_failed_write_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    for function in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, function, full if function == "fsync" else lambda *_: full(0))
            with pytest.raises(OSError, match="No space left"):
                Run(steps=4).save(path)
        assert path.read_bytes() == before and [*path.parent.iterdir()] == [path]


def test_the_order_is_write_sync_rename_sync(path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a)))
    Run().save(path)
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["net", "ema", "optimizer"])
def test_weights_that_are_not_finite_are_refused(path, bad, part):
    before, run = path.read_bytes(), Run()
    with torch.no_grad():
        target = run.optimizer.state[run.net.last.weight]["exp_avg"] if part == "optimizer" else getattr(run, part).last.weight
        target[0, 1] = bad
    name = {"net": "model/last.weight", "ema": "ema/last.weight", "optimizer": "optimizer/last.weight/exp_avg"}[part]
    with pytest.raises(CheckpointError, match=f"a.safetensors was not written: {name} holds {'NaN' if bad != bad else 'infinite'}"):
        run.save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("change", "says"), [
    (lambda r, p: save(p, len), "model must be a torch.nn"), (lambda r, p: save(p, r.net, step=-1), "step must be at least 0"),
    (lambda r, p: save(p, r.net, ema=[1]), "ema must be a torch.nn.Module or a dictionary of tensors, got list"),
    (lambda r, p: save(p, r.net, generator=3), "generator must be a torch._C.Generator, got int"),
    (lambda r, p: save(p, r.net, generator={"a": 3}), "generator 'a' must be a torch._C.Generator, got int"),
    (lambda r, p: save(p, r.net, optimizer=r.net), "optimizer must be a torch.optim.*Optimizer, got Net"),
    (lambda r, p: save(p, r.ema, optimizer=r.optimizer), "optimizer must hold parameters of the model only"),
    (lambda r, p: save(p, r.net, data={1, 2}), "facts of a checkpoint must be of JSON's types .*set"),
])
def test_bad_input_of_save_is_named(path, change, says):
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError), match=says):
        change(Run(), path)
    assert path.read_bytes() == before


# wrong files: each says what is wrong, and changes nothing


def rewritten(path, *, tensors=None, about=None, metadata=None, stored_checksum=False):
    """The file with changed tensors or metadata, and the checksum that belongs to them unless the stored one is to stay."""
    content = path.read_bytes()
    header = json.loads(content[8:8 + int.from_bytes(content[:8], "little")])
    loaded, saved = safetensors.torch.load(content), json.loads(header["__metadata__"][checkpoint_files.KEY])
    for change, value in ((tensors, loaded), (about, saved)):
        if change:
            change(value)
    if not stored_checksum:
        saved.pop("checksum")
        saved["checksum"] = checkpoint_files.checksum(json.dumps(saved), loaded)
    path.write_bytes(safetensors.torch.save(loaded, {checkpoint_files.KEY: json.dumps(saved)} if metadata is None else metadata))


def cut(path, length):
    path.write_bytes(path.read_bytes()[:length])


def flipped(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


HEADER = "its header alone takes"
WRONG = {
    "empty": (lambda p: cut(p, 0), "is truncated: it has 0 bytes"),
    "a few bytes": (lambda p: cut(p, 5), "is not a checkpoint of this course: it is no safetensors file"),
    "cut in the header": (lambda p: cut(p, 100), "is truncated: it has 100 bytes, " + HEADER),
    "cut in the middle": (lambda p: cut(p, -1000), "is truncated: .* its header announces"),
    "cut by one byte": (lambda p: cut(p, -1), "is truncated: .* its header announces"),
    "a byte too many": (lambda p: p.write_bytes(p.read_bytes() + b"x"), "is damaged: it has .* its header announces"),
    "a flipped bit": (lambda p: flipped(p, -3), "is damaged: its content does not have the checksum"),
    "a flipped fact": (lambda p: rewritten(p, about=lambda a: a.update(step=4), stored_checksum=True), "is damaged: .* checksum"),
    "a broken header": (lambda p: flipped(p, 9), "is damaged: its header cannot be read"),
    "zeros": (lambda p: p.write_bytes(bytes(500)), "is not a checkpoint of this course: it is no safetensors file"),
    "text": (lambda p: p.write_text("Dear diary, {}"), "is not a checkpoint of this course: it is no safetensors file"),
    "a pickle": (lambda p: torch.save({"a": 1}, p), "a pickle file.* could run code"),
    "other safetensors": (lambda p: safetensors.torch.save_file({"a": torch.ones(2)}, p), "without the metadata 'ddpmlib.checkpoint'"),
    "odd metadata": (lambda p: rewritten(p, metadata={checkpoint_files.KEY: "[1]"}), "names no format"),
    "a later format": (lambda p: rewritten(p, about=lambda a: a.update(format=7)), "has format 7, .* reads up to 1: update it"),
    "a missing weight": (lambda p: rewritten(p, tensors=lambda t: t.pop("model/last.bias")),
                         r"does not fit: model/last.bias is missing, expected float32 of shape \(2,\). Nothing was changed"),
    "an unexpected weight": (lambda p: rewritten(p, tensors=lambda t: t.update({"model/more": torch.ones(1)})),
                             r"model/more is unexpected: the file has float32 of shape \(1,\)"),
    "a missing average": (lambda p: rewritten(p, tensors=lambda t: t.pop("ema/last.bias")), "ema/last.bias is missing"),
    "no average": (lambda p: save(p, Net()), "it was saved without the ema. Nothing was changed; restore without ema"),
    "no optimizer": (lambda p: save(p, Net(), ema=Net()), "it was saved without the optimizer"),
    "no generator": (lambda p: save(p, (r := Run()).net, ema=r.ema, optimizer=r.optimizer), "generator/generator is missing"),
    "another width": (lambda p: Run(Net(5)).save(p), r"model/first.weight is float32 of shape \(5, 2\), expected float32 of shape \(3, 2\);"
                      r".* more. Nothing was changed; the file's network has width=5 \(yours: 3\); rebuild the network"),
    "no bias": (lambda p: Run(Net(bias=False)).save(p), r"last.bias is missing.*bias=False \(yours: True\)"),
    "another dtype": (lambda p: Run(Net(dtype=torch.float64)).save(p), r"model/first.weight is float64 of shape \(3, 2\), expected float32"
                      ".*convert the model"),
    "another optimizer": (lambda p: Run(make=torch.optim.SGD).save(p), "optimizer is of the class SGD, expected AdamW"),
    "a missing slot": (lambda p: rewritten(p, tensors=lambda t: t.pop("optimizer/last.bias/exp_avg")),
                       "optimizer/last.bias/exp_avg is missing, though other"),
    "a misshapen slot": (lambda p: rewritten(p, tensors=lambda t: t.update({"optimizer/last.bias/exp_avg": torch.ones(3)})),
                         r"optimizer/last.bias/exp_avg is float32 of shape \(3,\), expected shape \(2,\)"),
    "a slot of another dtype": (lambda p: rewritten(p, tensors=lambda t: t.update({"optimizer/last.bias/exp_avg": torch.ones(2).double()})),
                                "last.bias/exp_avg is float64 .* expected dtype float32"),
    "fewer parameters": (lambda p: rewritten(p, about=lambda a: a["optimizer"]["groups"][0]["parameters"].pop()),
                         "optimizer/last.bias is missing in group 0"),
    "more groups": (lambda p: rewritten(p, about=lambda a: a["optimizer"]["groups"].append({"options": {}, "parameters": []})),
                    r"optimizer has 2 groups of \[4, 0\] parameters, expected \[4\]"),
    "another generator": (lambda p: rewritten(p, tensors=lambda t: t.update({"generator/generator": torch.ones(16, dtype=torch.uint8)})),
                          "generator/generator is not the state of a generator on cpu"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "a folder, not a checkpoint"),
    "nothing": (lambda p: p.unlink(), "there is no such file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named_and_changes_nothing(path, name):
    spoil, says = WRONG[name]
    spoil(path)
    run = Run(seed=7, steps=2)
    before = run.bits()
    with pytest.raises((CheckpointError, FileNotFoundError), match=says) as caught:
        run.restore(path)
    assert str(path) in str(caught.value)
    assert run.bits() == before


def test_every_length_of_a_truncated_file_is_told(path):
    content = path.read_bytes()
    for length in [*range(0, 40), *range(40, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="truncated|not a checkpoint"):
            load(path)


def test_every_flipped_bit_is_told(path):
    content = path.read_bytes()
    for place in [*range(0, 24), *range(24, len(content), 61)]:
        flipped(path, place)
        with pytest.raises(CheckpointError):
            load(path)
        path.write_bytes(content)


# folders


@pytest.fixture
def folder(tmp_path):
    run = Run(steps=0)
    for step, loss in ((100, 3.0), (200, 1.0), (300, 2.0), (1000, 5.0), (123456789, 4.0)):
        save(checkpoint_path(tmp_path, step), run.net, step=step, loss=loss)
    (tmp_path / "step-x.safetensors").touch()
    (tmp_path / "log.jsonl").touch()
    return tmp_path


def test_the_newest_whole_checkpoint_is_found(folder, caplog):
    assert checkpoint_path(folder, 100).name == "step-00000100.safetensors"
    assert [load(path).step for path in listed(folder)] == [123456789, 1000, 300, 200, 100]
    assert latest(folder) == checkpoint_path(folder, 123456789) and not caplog.records
    cut(checkpoint_path(folder, 123456789), 100)
    flipped(checkpoint_path(folder, 1000), -1)
    with caplog.at_level(logging.WARNING, "ddpmlib.checkpoints"):
        assert latest(folder) == checkpoint_path(folder, 300)
    assert [("truncated" in record.message, "damaged" in record.message) for record in caplog.records] == [(True, False), (False, True)]


def test_where_no_checkpoint_is_none_is_found(tmp_path):
    assert latest(tmp_path) is None and latest(tmp_path / "missing") is None and prune(tmp_path) == []


def test_the_last_and_the_best_are_kept(folder):
    shutil.copy(checkpoint_path(folder, 100), folder / ".step-00000400.safetensors.99.tmp")
    cut(checkpoint_path(folder, 300), -1)
    assert prune(folder, last=1, best=1) == [checkpoint_path(folder, 1000), checkpoint_path(folder, 100)]
    assert [path.name for path in sorted(folder.iterdir())] == [
        "log.jsonl", "step-00000200.safetensors", "step-00000300.safetensors", "step-123456789.safetensors", "step-x.safetensors"]
    assert prune(folder, last=2, best=0) == []
    with pytest.raises(ValueError, match="last must be at least 1"):
        prune(folder, last=0)
