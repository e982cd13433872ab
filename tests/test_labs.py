"""A graded lab accepts honest samples of every seed, and refuses every imitation, for reasons that it names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from imitations import IMITATIONS, LABELS, honest
from safetensors.torch import load_file, save_file

from ddpmlib import samples
from ddpmlib.checks import assess, catalogue, check, load_check, source
from ddpmlib.checks.catalogue import Exercise
from ddpmlib.checks.judges import acceptance
from ddpmlib.checks.judges import samples as judges
from grading import sources

NUMBER = "99.1"
LAB = Exercise(NUMBER, "Your samples", "lab", "99_lab", 7.0, "samples", (), "samples/digits.safetensors")
HONEST = {name: images / 80 for name, images in load_file(Path(__file__).parent / "data" / "honest-digits.safetensors").items()}
MARGIN = 3.0  # standard deviations of the honest seeds


@pytest.fixture(autouse=True)
def lab(monkeypatch, tmp_path):
    """A course with one lab, and an empty folder for its samples."""
    entries = {**catalogue.exercises(), NUMBER: LAB}
    monkeypatch.setattr(catalogue, "exercises", lambda: entries)
    monkeypatch.setattr(judges, "CHECKS", [judges.DigitsLab(NUMBER, "digits")])
    monkeypatch.setenv("DDPMLIB_SAMPLES", str(tmp_path / "samples"))


def hand_in(images: torch.Tensor, labels: torch.Tensor = LABELS):
    samples.save(samples.path("digits"), images, labels)
    return assess(NUMBER)


# ------------------------------------------------------------------------------------------------- honest samples


def test_there_are_ten_honest_seeds_of_each_sampler():
    """Made by ``python -m benchmarks.lab_acceptance --train 0 1 2 ...``."""
    for kind in ("ddim", "guided 1.5", "guided 2", "ancestral"):
        assert sum(name.endswith(f"/{kind}, 2000 steps") for name in HONEST) >= 10


@pytest.mark.parametrize("name", HONEST)
def test_honest_samples_are_accepted(name):
    assert acceptance.problems(acceptance.measure(HONEST[name], LABELS)) == {}


def test_honest_samples_lie_three_deviations_from_every_bar():
    for kind in sorted({name.partition("/")[2] for name in HONEST if name.endswith("2000 steps")}):
        rows = [acceptance.measure(images, LABELS) for name, images in HONEST.items() if name.partition("/")[2] == kind]
        for name, bar in acceptance.BARS.items():
            values = torch.tensor([row[name] for row in rows], dtype=torch.float64)
            mean, margin = values.mean(), MARGIN * values.std()
            assert bar.low is None or mean - margin >= bar.low, (kind, name)
            assert bar.high is None or mean + margin <= bar.high, (kind, name)


def test_samples_of_the_shipped_network_get_full_points():
    verdict = hand_in(honest())
    assert verdict.status == "done" and verdict.points == LAB.points, verdict.report()


def test_clipped_samples_in_any_order_are_accepted():
    order = torch.randperm(len(LABELS), generator=torch.Generator().manual_seed(0))
    assert hand_in(honest()[order].clamp(-1, 1), LABELS[order].int()).status == "done"


# ---------------------------------------------------------------------------------------------------- imitations


@pytest.mark.parametrize("imitation", IMITATIONS, ids=lambda imitation: imitation.title)
def test_imitation_is_refused(imitation):
    images = imitation.make(torch.Generator().manual_seed(1))
    assert images.shape == (500, 1, 8, 8) and images.dtype == torch.float32
    missed = acceptance.problems(acceptance.measure(images, LABELS))
    assert set(imitation.misses) <= set(missed), missed


@pytest.mark.parametrize("imitation", IMITATIONS, ids=lambda imitation: imitation.title)
def test_imitation_earns_little(imitation):
    """What is not made by a sampler of digits earns at most the points for the right digits."""
    verdict = hand_in(imitation.make(torch.Generator().manual_seed(2)))
    assert verdict.status == "failing"
    assert verdict.points <= judges.DigitsLab.parts[judges.ACCURACY], verdict.report()
    if set(imitation.misses) & set(judges.FIRST):
        assert verdict.points == 0, verdict.report()


def test_every_bar_refuses_something():
    assert {name for imitation in IMITATIONS for name in imitation.misses} == set(acceptance.BARS)


# ------------------------------------------------------------------------------------------------------ the file


def test_no_file_means_not_started():
    verdict = assess(NUMBER)
    assert (verdict.status, verdict.points) == ("not started", 0)
    assert 'samples.save(samples.path("digits"), ...)' in verdict.report()


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (torch.zeros(10, 1, 8, 8), torch.arange(10), "images should be floating-point of shape (500, 1, 8, 8), got (10, 1, 8, 8)"),
        (torch.zeros(500, 1, 28, 28), LABELS, "of shape (500, 1, 8, 8), got (500, 1, 28, 28)"),
        (torch.full((500, 1, 8, 8), 200.0), LABELS, "values around [-1, 1]"),
        (torch.zeros(500, 1, 8, 8), LABELS - 1, "labels should be between 0 and 9"),
        (torch.zeros(500, 1, 8, 8), torch.zeros_like(LABELS), "there should be 50 images of each class 0 to 9, got [500, 0"),
    ],
)
def test_samples_that_are_not_what_the_lab_asks_for(images, labels, says):
    verdict = hand_in(images, labels)
    assert (verdict.status, verdict.points) == ("failing", 0)
    assert says in verdict.report()


def spoilt(**tensors: torch.Tensor):
    path = samples.path("digits")
    path.parent.mkdir()
    save_file(tensors, path)
    return assess(NUMBER)


GOOD = torch.zeros(500, 1, 8, 8)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"images": GOOD}, 'must hold the tensors "images" and "labels", got images'),
        ({"images": GOOD, "labels": LABELS, "more": LABELS + 1}, 'got images, labels, more'),
        ({"images": GOOD.double(), "labels": LABELS}, "images must be float32 of shape (n, c, h, w), got torch.float64"),
        ({"images": GOOD[:, 0, 0].clone(), "labels": LABELS}, "got torch.float32 of shape (500, 8)"),
        ({"images": GOOD / 0, "labels": LABELS}, "images must be finite, got 32000 values that are not"),
        ({"images": GOOD, "labels": LABELS.float()}, "labels must be integers of shape (500,)"),
        ({"images": torch.zeros(5000, 1, 16, 16), "labels": torch.zeros(5000).long()}, "a file of samples has at most 4,000,000"),
    ],
)
def test_a_spoilt_file_is_named(tensors, says):
    verdict = spoilt(**tensors)
    assert (verdict.status, verdict.points) == ("failing", 0)
    assert says in verdict.report()
    assert "your code raised" not in verdict.report()


@pytest.mark.parametrize("content", [b"", b"\x80\x04not safetensors", b"\xff" * 100])
def test_what_is_no_safetensors_file_is_not_read(content):
    path = samples.path("digits")
    path.parent.mkdir()
    path.write_bytes(content)
    verdict = assess(NUMBER)
    assert verdict.status == "failing" and "cannot be read as safetensors" in verdict.report()


def test_what_is_saved_is_loaded(tmp_path):
    images, labels = honest().double().requires_grad_(), LABELS.int()
    path = samples.save(tmp_path / "new" / "a.safetensors", images, labels)
    loaded, classes = samples.load(path)
    assert torch.equal(loaded, honest()) and loaded.dtype == torch.float32
    assert torch.equal(classes, LABELS) and classes.dtype == torch.int64
    assert [item.name for item in path.parent.iterdir()] == ["a.safetensors"]


@pytest.mark.parametrize(
    ("images", "labels", "error", "says"),
    [
        ([1.0], LABELS, TypeError, "images must be a torch.Tensor, got list"),
        (GOOD.long(), LABELS, TypeError, "images must be a floating-point tensor"),
        (GOOD[0], LABELS, ValueError, "images must have 4 axes"),
        (GOOD / 0, LABELS, ValueError, "images must be finite"),
        (GOOD, LABELS.tolist(), TypeError, "labels must be a torch.Tensor, got list"),
        (GOOD, LABELS[:3], ValueError, r"labels must be integers of shape \(500,\)"),
    ],
)
def test_bad_input_is_not_saved(images, labels, error, says, tmp_path):
    with pytest.raises(error, match=says):
        samples.save(tmp_path / "a.safetensors", images, labels)
    assert not list(tmp_path.glob("*.safetensors"))


def test_an_unknown_lab_is_named():
    with pytest.raises(ValueError, match="there is no lab 'letters'; the labs are digits"):
        samples.path("letters")


# -------------------------------------------------------------------------------------------- notebook and chapter


def test_check_and_source_in_a_notebook(capsys):
    source(NUMBER)
    assert capsys.readouterr().out == "# samples/digits.safetensors is not there yet\n"
    samples.save(samples.path("digits"), honest(), LABELS)
    assert check(NUMBER) == LAB.points
    capsys.readouterr()
    source(NUMBER)
    assert "500 images of shape (1, 8, 8), of the classes [0, 1" in capsys.readouterr().out


def test_a_check_of_a_lab_takes_no_seed_from_luck():
    samples.save(samples.path("digits"), honest(), LABELS)
    assert len({dataclasses.replace(assess(NUMBER, seed=seed), seed=0) for seed in range(2)}) == 1
    assert load_check(NUMBER).number == NUMBER


CHAPTER = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

### Exercise 99.1 (lab): Your samples

FILE

```{code-cell} ipython3
:nbgrader: {grade: true, grade_id: ex-99-1, locked: true, points: 7, schema_version: 3, solution: false, task: false}
check("99.1")
```
"""


def test_a_lab_is_read_from_its_chapter(tmp_path):
    path = tmp_path / "99_lab.md"
    path.write_text(CHAPTER.replace("FILE", "The run saves `samples/digits.safetensors`."))
    (row,) = sources.chapter_exercises(path)
    assert row == {"number": NUMBER, "kind": "lab", "title": "Your samples", "chapter": "99_lab", "points": 7, "file": LAB.file}
    path.write_text(CHAPTER)
    with pytest.raises(ValueError, match=r"Exercise 99.1 names no file samples/<lab>.safetensors"):
        sources.chapter_exercises(path)
