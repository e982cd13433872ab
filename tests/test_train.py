"""Training from the command line: one seed is one run, however often it is interrupted and however many processes share it."""

from __future__ import annotations

import dataclasses
import math
import os
import random
import re
import signal
import subprocess
import sys

import forks
import pytest
import safetensors.torch
import torch

from ddpmlib import checkpoints, ddpm, lab, learner
from ddpmlib.images import ImageSet
from ddpmlib.layers import UNet
from ddpmlib.runlog import RunLog, all_records, read_log
from ddpmlib.schedules import Schedule
from ddpmlib.train import main, parser, train
from ddpmlib.trainer import Settings, Training, TrainError, draw_samples
from ddpmlib.workers import Workers, WorkersError, find_device

SMALL = Settings(steps=8, batch_size=6, warmup=2, channels=(8, 16), heads=2, timesteps=20, seed=3)


def tiny(n: int = 40, size: int = 4, channels: int = 1) -> ImageSet:
    """Squares of one shade each."""
    shades = torch.rand(n, channels, 1, 1, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return ImageSet(shades.expand(-1, -1, size, size).contiguous(), torch.arange(n) % 3, 3, "tiny")


DATA = tiny()


def weights(module: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in module.state_dict().values()])


# one seed, one run


def test_one_seed_is_one_run(tmp_path):
    first, again, other = (train(dataclasses.replace(SMALL, seed=seed), tmp_path / name, data=DATA)
                           for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert first.name == "step-00000008.safetensors" and first.read_bytes() == again.read_bytes() != other.read_bytes()
    assert [record["step"] for record in read_log(tmp_path / "a" / "log.jsonl")] == [8]


def test_the_lab_trains_to_the_same_weights():
    run = Training(SMALL, DATA)
    for _ in range(5):
        run.step()
    net = UNet((1, 4, 4), channels=(8, 16), attention=(False, True), heads=2, classes=3, seed=3)
    states = lab.training_steps(net, DATA, Schedule.linear(20), steps=8, generator=torch.Generator().manual_seed(3), batch_size=6,
                                warmup=2, peak=SMALL.lr, max_norm=SMALL.max_norm, decay=SMALL.ema, dropout=SMALL.label_dropout)
    for _, state in zip(range(5), states):
        pass
    assert torch.equal(weights(run.net), weights(net)) and torch.equal(weights(run.ema), weights(state.ema))


def test_training_learns_and_writes_what_it_does(tmp_path):
    settings = dataclasses.replace(SMALL, steps=60, batch_size=16, lr=0.01)
    last = train(settings, tmp_path, data=DATA, every=20, log_every=10, keep=1, samples=2)
    records = all_records(tmp_path / "log.jsonl")
    steps = [record for record in records if "event" not in record]
    assert [record["step"] for record in steps] == [10, 20, 30, 40, 50, 60] == [record["step"] for record in read_log(tmp_path / "log.jsonl")]
    assert steps[-1]["loss"] < 0.8 * steps[0]["loss"] and all(record["images_per_s"] > 0 for record in steps)
    assert steps[0]["lr"] == learner.learning_rate(10, 60, peak=settings.lr, warmup=2)
    assert [(r["event"], r["step"]) for r in records if "event" in r] == [
        ("start", 0), ("checkpoint", 20), ("checkpoint", 40), ("checkpoint", 60), ("end", 60)]
    assert records[0]["processes"] == 1 and records[0]["device"] == "cpu" and records[0]["hardware"] and records[0]["torch"]
    found = checkpoints.load(last)
    assert [checkpoints.load(path).step for path in checkpoints.listed(last.parent)] == [60]
    assert found.step == 60 and found.facts["data"] == "tiny" and found.facts["schedule"] == {"kind": "linear", "T": 20}
    assert found.facts["seed"] == 3 and found.facts["loss"] == pytest.approx((steps[-1]["loss"] + steps[-2]["loss"]) / 2)
    net = UNet(**found.settings)
    net.load_state_dict(found.ema)
    samples = safetensors.torch.load_file(tmp_path / "samples.safetensors")
    assert samples["images"].shape == (6, 1, 4, 4) and samples["labels"].tolist() == [0, 0, 1, 1, 2, 2]
    assert samples["images"].dtype == torch.float32 and samples["images"].isfinite().all()


def test_classes_may_be_left_out():
    run = Training(dataclasses.replace(SMALL, conditional=False), DATA)
    assert run.net.classes is None and math.isfinite(run.step())
    images, labels = draw_samples(run, 2)
    assert images.shape == (6, 1, 4, 4) and labels.tolist() == [-1] * 6


def test_a_terminal_shows_how_far_the_run_is(tmp_path, monkeypatch, capsys):
    train(SMALL, tmp_path / "a", data=DATA)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train(SMALL, tmp_path / "b", data=DATA)
    assert "8/8" in capsys.readouterr().err


def test_labels_are_dropped_as_often_as_is_said():
    run = Training(dataclasses.replace(SMALL, batch_size=3000, label_dropout=0.25), DATA)
    _, t, y, noise = run.draw()
    assert abs((y == 3).float().mean() - 0.25) < 0.03 and {*y.tolist()} == {0, 1, 2, 3}
    assert {*t.tolist()} == {*range(1, 21)} and noise.shape == (3000, 1, 4, 4)


def test_bfloat16_reaches_the_network_only():
    run, seen = Training(dataclasses.replace(SMALL, amp="bf16"), DATA), []
    run.net.first.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    assert math.isfinite(run.step()) and seen == [torch.bfloat16]
    assert {value.dtype for value in run.net.state_dict().values()} == {torch.float32}
    assert {parameter.grad.dtype for parameter in run.net.parameters()} == {torch.float32}


# interruptions


def test_a_resumed_run_ends_in_the_same_bytes(tmp_path):
    whole = train(SMALL, tmp_path / "whole", data=DATA, every=3)

    def interrupted(*arguments, **options):
        if len(checkpoints.listed(tmp_path / "parts" / "checkpoints")) == 2:
            raise KeyboardInterrupt
        return loss(*arguments, **options)

    loss = ddpm.training_loss
    with pytest.MonkeyPatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ddpm, "training_loss", interrupted)
        train(SMALL, tmp_path / "parts", data=DATA, every=3)
    resumed = train(SMALL, tmp_path / "parts", data=DATA, every=3, resume=True)
    assert resumed.read_bytes() == whole.read_bytes()
    again = train(SMALL, tmp_path / "parts", data=DATA, every=3, resume=True)  # nothing is left to do
    assert again == resumed and again.read_bytes() == whole.read_bytes()


LONG, EVERY = 300, 6
FLAGS = ["--data", "digits", "--steps", str(LONG), "--batch-size", "2", "--channels", "8", "--attention", "--timesteps", "20",
         "--every", str(EVERY), "--log-every", "1", "--device", "cpu"]


def reached(path, start: int) -> int:
    """The step of the log's last line that is whole, of those beyond a place in the file."""
    if not path.exists():
        return 0
    with open(path, "rb") as file:
        file.seek(max(start, path.stat().st_size - 2000))
        lines = re.findall(rb'"step": (\d+)[,}].*\n', file.read())
    return int(lines[-1]) if lines else 0


def whole_checkpoints(folder) -> list[int]:
    """The steps of the checkpoints, each of which must be whole."""
    return [checkpoints.load(path).step for path in checkpoints.listed(folder)]


def test_ten_kills_lose_no_more_than_the_steps_since_the_last_checkpoint(tmp_path):
    """The kills come where a seed puts them, between and within steps and writes; then at each point of a write."""
    out, errors = tmp_path / "killed", tmp_path / "errors.txt"
    flags = [*FLAGS, "--out", str(out), "--resume"]
    points = sorted(random.Random(4).sample(range(2, LONG // 2), 10))
    for point in points:
        log = out / "log.jsonl"
        start = log.stat().st_size if log.exists() else 0
        with forks.command(flags, errors) as process:
            forks.wait_until(lambda: reached(log, start) >= point, process)
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        done = read_log(log)[-1]["step"]  # the step's line comes before its checkpoint
        newest = max(whole_checkpoints(out / "checkpoints"), default=0)
        assert point <= done < LONG and newest >= (done - 1) // EVERY * EVERY
    for call, written in (("fsync before", 0), ("fsync after", 0), ("replace before", 0), ("replace after", 1)):
        before = max(whole_checkpoints(out / "checkpoints"))
        assert forks.run_command(flags, errors, die_in=call) == -signal.SIGKILL
        assert max(whole_checkpoints(out / "checkpoints")) == before + written * EVERY
    assert forks.run_command(flags, errors) == 0, errors.read_text()
    resumes = [record["step"] for record in all_records(out / "log.jsonl") if record.get("event") == "resume"]
    assert len(resumes) == 14 and resumes == sorted(resumes) and all(step % EVERY == 0 for step in resumes)
    alone = tmp_path / "alone"
    assert forks.run_command([*FLAGS, "--out", str(alone)], errors) == 0, errors.read_text()
    final = checkpoints.checkpoint_path(out / "checkpoints", LONG), checkpoints.checkpoint_path(alone / "checkpoints", LONG)
    assert final[0].read_bytes() == final[1].read_bytes()
    logs = [{record["step"]: record["loss"] for record in read_log(each / "log.jsonl")} for each in (out, alone)]
    assert logs[0] == logs[1] and len(logs[0]) == LONG
    assert not [*out.glob("checkpoints/.*")], "nothing temporary is left"


def test_a_broken_newest_checkpoint_costs_its_steps_only(tmp_path, caplog):
    whole = train(SMALL, tmp_path, data=DATA, every=3, keep=3)
    expected = whole.read_bytes()
    whole.write_bytes(expected[:-9])
    assert train(SMALL, tmp_path, data=DATA, every=3, keep=3, resume=True).read_bytes() == expected
    assert "step-00000008.safetensors is truncated" in caplog.text


def test_a_loss_that_is_no_number_stops_with_the_step_and_the_last_good_checkpoint(tmp_path, monkeypatch):
    loss, calls = ddpm.training_loss, iter(range(1, 100))
    monkeypatch.setattr(ddpm, "training_loss", lambda *arguments: loss(*arguments) * (math.nan if next(calls) == 6 else 1))
    good = checkpoints.checkpoint_path(tmp_path / "checkpoints", 4)
    with pytest.raises(TrainError, match=f"training stopped at step 6: the loss is nan.*The last good checkpoint is {good};"):
        train(SMALL, tmp_path, data=DATA, every=2)
    assert all_records(tmp_path / "log.jsonl")[-1]["event"] == "stop" and checkpoints.latest(good.parent) == good
    monkeypatch.setattr(ddpm, "training_loss", lambda *arguments: loss(*arguments) * math.nan)
    with pytest.raises(TrainError, match="training stopped at step 1: .*There is no checkpoint yet"):
        train(SMALL, tmp_path / "other", data=DATA)


def test_a_step_of_ones_own_that_overlooks_nan_is_stopped_too(tmp_path, monkeypatch):
    monkeypatch.setattr(learner, "training_step", lambda *arguments, **options: (math.nan, 1.0))
    with pytest.raises(TrainError, match="training stopped at step 1: the loss is nan"):
        train(SMALL, tmp_path, data=DATA)


# several processes


def double_run(workers: Workers, steps: int) -> dict:
    """Gradients and weights of a run in float64, where rounding cannot hide a difference, nor Adam make one out of it."""
    torch.set_default_dtype(torch.float64)
    run = Training(SMALL, tiny(), workers)
    for _ in range(steps):
        run.step()
    trained = weights(run.net).tolist(), weights(run.ema).tolist()
    run.optimizer.zero_grad()
    run.loss().backward()
    return {"weights": trained[0], "ema": trained[1], "gradient": torch.cat([p.grad.flatten() for p in run.net.parameters()]).tolist(),
            "state": run.generator.get_state().tolist(), "mean": workers.mean([float(workers.rank)] * 3),
            "agreed": workers.agreed(os.getpid)}


@pytest.fixture
def double_precision():
    yield
    torch.set_default_dtype(torch.float32)


def test_two_processes_do_what_one_does_with_the_joint_batch(double_precision):
    alone, pair = double_run(Workers(), 5), forks.together(double_run, 2, 5)
    assert pair[0] == pair[1] | {"agreed": pair[0]["agreed"]} and pair[0]["mean"] == 0.5
    assert pair[0]["state"] == alone["state"]
    for name in ("gradient", "weights", "ema"):
        one, two = (torch.tensor(each[name], dtype=torch.float64) for each in (alone, pair[0]))
        assert one.abs().max() > 1e-3
        assert (one - two).abs().max() < 1e-10 * max(1.0, one.abs().max().item()), name


def failing(workers: Workers) -> str:
    try:
        workers.agreed(int, "no number")
    except ValueError as error:
        return str(error)
    return "nothing"


def test_an_error_of_the_first_process_is_raised_in_all():
    assert forks.together(failing, 2) == ["invalid literal for int() with base 10: 'no number'"] * 2


def test_torchrun_shares_a_run_that_one_process_can_resume(tmp_path):
    flags = ["--data", "digits", "--batch-size", "8", "--channels", "8", "--attention", "--timesteps", "20", "--every", "4",
             "--log-every", "1", "--device", "cpu", "--steps", "6"]
    out, alone = tmp_path / "two", tmp_path / "one"
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "ddpmlib.train", *flags, "--out",
         str(out)], cwd=forks.ROOT, capture_output=True, text=True, timeout=forks.PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("6 steps are done") == 1
    assert main([*flags, "--out", str(alone)]) == 0
    records = all_records(out / "log.jsonl")
    assert records[0]["processes"] == 2 and len([record for record in records if "loss" in record]) == 6
    for two, one in zip(read_log(out / "log.jsonl"), read_log(alone / "log.jsonl"), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
    checkpoints.checkpoint_path(out / "checkpoints", 6).unlink()
    assert main([*flags, "--out", str(out), "--resume"]) == 0
    first, second = (checkpoints.load(checkpoints.latest(each / "checkpoints")).ema for each in (out, alone))
    assert all((first[key] - second[key]).abs().max() < 1e-3 for key in first)


# what cannot be


@pytest.mark.parametrize(("change", "options", "says"), [
    ({"amp": "bf16"}, {"device": "cpu"}, "--amp bf16 is for GPUs: on a CPU, .* many times slower"),
    ({"data": "nowhere"}, {"data": None}, '--data nowhere: .* there is no'),
    ({}, {"data": tiny(size=5)}, "images of 5 x 5 pixels cannot be halved 1 times; add --size 6"),
    ({"attention": (2,)}, {}, "--attention names level 2, and there are the levels 0 to 1"),
    ({"heads": 3}, {}, "--heads 3 does not divide the 16 channels of level -1"),
])
def test_a_run_that_cannot_begin_says_why(tmp_path, change, options, says):
    with pytest.raises(TrainError, match=says):
        train(dataclasses.replace(SMALL, **change), tmp_path, **{"data": DATA} | options)


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(TrainError, match="--batch-size 6 cannot be shared evenly by 4 processes"):
        Training(SMALL, DATA, Workers(1, 4))
    assert [Workers(rank, 3).part(6) for rank in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 6)]


def test_a_folder_in_use_and_a_run_of_other_settings_are_refused(tmp_path):
    last = train(SMALL, tmp_path, data=DATA)
    before = last.read_bytes()
    with pytest.raises(TrainError, match="holds a run already: add --resume"):
        train(SMALL, tmp_path, data=DATA)
    with pytest.raises(TrainError, match=r"other settings: --steps was 8 and now is 9; --channels was \[8, 16\] and now is \[8, 8\]"):
        train(dataclasses.replace(SMALL, steps=9, channels=(8, 8)), tmp_path, data=DATA, resume=True)
    assert last.read_bytes() == before
    last.write_bytes(b"")
    with pytest.raises(TrainError, match="holds no whole checkpoint"):
        train(SMALL, tmp_path, data=DATA, resume=True)
    checkpoints.save(last, UNet())
    with pytest.raises(TrainError, match="it is no run of ddpmlib.train"):
        train(SMALL, tmp_path, data=DATA, resume=True)


def test_a_missing_device_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert find_device("auto") == find_device("cpu") == torch.device("cpu")
    with pytest.raises(WorkersError, match="--device cuda: PyTorch .* use --device cpu"):
        find_device("cuda")
    with pytest.raises(WorkersError, match="--device mps: PyTorch .* finds no Apple GPU"):
        find_device("mps")
    with pytest.raises(WorkersError, match="--device must be .* got 'tpu'"):
        find_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("auto", 1) == torch.device("cuda", 1)
    with pytest.raises(WorkersError, match=r"process 2 finds 2 GPU\(s\) on this machine; .* --nproc_per_node=2"):
        find_device("cuda", 2)


def test_the_command_says_what_is_wrong(tmp_path, capsys, monkeypatch):
    assert main(["--data", "nowhere", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("train: --data nowhere: ")
    for flags, says in ((["--steps", "0"], "--steps: expected a whole number of at least 1, got '0'"),
                        (["--lr", "nan"], "--lr: expected a number above 0, got 'nan'"),
                        (["--ema", "1"], "--ema: expected a number between 0 and 1, got '1'"), ([], "--out")):
        with pytest.raises(SystemExit):
            main([*flags, *(["--out", str(tmp_path)] if flags else [])])
        assert says in capsys.readouterr().err

    def unwritten(*_, **__):
        raise NotImplementedError("Exercise 9.1: one step")

    monkeypatch.setattr(learner, "training_step", unwritten)
    assert main([*FLAGS, "--out", str(tmp_path / "a")]) == 1
    assert "something is not written yet: Exercise 9.1" in capsys.readouterr().err


def test_a_log_that_a_kill_cut_short_goes_on(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"event": "start", "step": 0}\n{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n{"step": 3, "lo')
    log = RunLog(path)
    log.write(event="resume", step=1)
    log.write(step=2, loss=1.5)
    log.close()
    assert read_log(path) == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.5}] and len(all_records(path)) == 5
    assert read_log(tmp_path / "none") == []
    RunLog(None).write(step=1)


# the page about it


PAGE = (forks.ROOT / "chapters" / "scaling.md").read_text(encoding="utf-8")


def test_the_page_names_every_flag_with_its_default():
    rows = dict(re.findall(r"^\| `(--[a-z-]+)` \| (.*?) \|", PAGE, flags=re.MULTILINE))
    flags = {}
    for action in parser()._actions:
        default = " ".join(map(str, action.default)) if isinstance(action.default, list) else str(action.default)
        flags[action.option_strings[-1]] = "off" if action.nargs == 0 else "none" if action.default is None else default
    del flags["--help"]
    flags["--out"] = "to be given"
    assert {flag: default.strip("`") for flag, default in rows.items()} == flags
    settings = {field.name: field.default for field in dataclasses.fields(Settings)}
    given = vars(parser().parse_args(["--out", "a"]))
    assert settings == {name: tuple(value) if isinstance(value := given[name], list) else value for name in settings}


def test_the_commands_of_the_page_are_understood():
    commands = re.findall(r"^.*-m ddpmlib\.train (.*)$", PAGE.replace("\\\n", ""), flags=re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        given = parser().parse_args(command.split())
        assert given.out.startswith("runs/") and given.batch_size % 4 == 0
        for level in given.attention:
            assert given.channels[level] % given.heads == 0


def test_the_page_reads_a_run_as_it_says(tmp_path, monkeypatch):
    train(SMALL, tmp_path / "runs" / "digits", data=DATA, log_every=2)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[1], names)
    assert len(names["losses"]) == 4 and names["net"].settings["channels"] == [8, 16]
