"""Images come through one door: bundled, saved, Parquet or pictures in folders; none of this needs a network."""

from __future__ import annotations

import builtins
import os

import numpy as np
import pytest
import torch
from PIL import Image

from ddpmlib import images

os.environ["HF_HUB_OFFLINE"] = "1"  # read when ``datasets`` is first imported
datasets = pytest.importorskip("datasets")

N, CLASSES = 40, 4
RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (N, 6, 6), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (N, 6, 6, 3), dtype=np.uint8)
LABELS = [i % CLASSES for i in range(N)]


def table(pixels=COLOUR, labels=LABELS, *, image="image", label="label"):
    """A data set with the features of MNIST and CIFAR-10."""
    features = datasets.Features({image: datasets.Image(), label: datasets.ClassLabel(num_classes=CLASSES)})
    return datasets.Dataset.from_dict({image: [Image.fromarray(each) for each in pixels], label: list(labels)}, features=features)


def saved(folder):
    datasets.DatasetDict({"train": table(), "test": table(COLOUR[::-1], LABELS[::-1])}).save_to_disk(folder)


def parquets(folder):
    (folder / "data").mkdir(parents=True)
    table(image="img").to_parquet(folder / "data" / "train-00000-of-00001.parquet")
    table(COLOUR[::-1], LABELS[::-1], image="img").to_parquet(folder / "data" / "test-00000-of-00001.parquet")


def pictures(folder):
    for split, pixels, labels in (("train", COLOUR, LABELS), ("test", COLOUR[::-1], LABELS[::-1])):
        for i, (each, label) in enumerate(zip(pixels, labels)):
            (folder / split / "abcd"[label]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(each).save(folder / split / "abcd"[label] / f"{i:03d}.png")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("make", [saved, parquets, pictures])
def test_every_form_of_a_data_set_gives_the_same_images(tmp_path, make):
    make(tmp_path / "set")
    expected = COLOUR.transpose(0, 3, 1, 2) / 127.5 - 1
    for split, pixels, labels in (("train", expected, LABELS), ("test", expected[::-1], LABELS[::-1])):
        found = images.load(tmp_path / "set", split)
        order = np.argsort(labels, kind="stable") if make is pictures else np.arange(N)  # folders come in the classes' order
        assert found.images.dtype == torch.float32 and found.labels.dtype == torch.int64 and found.images.is_contiguous()
        assert (found.classes, found.name, len(found)) == (CLASSES, "set", N)
        np.testing.assert_allclose(found.images.numpy(), pixels[order], atol=1e-6)
        assert found.labels.tolist() == [labels[i] for i in order]


def test_a_set_without_splits_is_split_as_the_digits_are(tmp_path):
    table(GREY).to_parquet(tmp_path / "all.parquet")
    table(GREY).save_to_disk(tmp_path / "all")
    for source in (tmp_path / "all.parquet", str(tmp_path / "all")):
        train, test = images.load(source), images.load(source, "test")
        assert train.images.shape == (32, 1, 6, 6) and test.images.shape == (8, 1, 6, 6)
        assert torch.bincount(test.labels).tolist() == [2] * CLASSES
        rows = {tuple(each.flatten().tolist()) for each in torch.cat([train.images, test.images])}
        assert len(rows) == N, "no image is in both"
        assert train.images.min() >= -1 and train.images.max() <= 1


def test_a_parquet_file_of_another_tool_has_plain_bytes(tmp_path):
    import pyarrow
    import pyarrow.parquet

    plain = table(GREY)._data.table.replace_schema_metadata(None)
    pyarrow.parquet.write_table(plain, tmp_path / "plain.parquet")
    found, same = images.load(tmp_path / "plain.parquet"), images.load_digits()
    assert found.images.shape == (32, 1, 6, 6) and found.classes == CLASSES
    assert found.images.dtype == same.images.dtype and found.labels.dtype == same.labels.dtype


def test_the_hub_is_asked_for_the_sets_it_knows(monkeypatch):
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: (asked.append((name, split)), table(GREY))[1])
    found = images.load("mnist", "test", size=8)
    assert asked == [("ylecun/mnist", "test")] and found.images.shape == (N, 1, 8, 8) and found.name == "mnist"
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: (asked.append((name, split)), table(image="img"))[1])
    assert images.load("cifar10").images.shape == (N, 3, 6, 6) and asked[-1] == ("uoft-cs/cifar10", "train")


def test_digits_come_through_the_same_door():
    train, test, padded = images.load("digits"), images.load("digits", "test"), images.load("digits", size=16)
    assert torch.equal(train.images, images.load_digits().images) and (len(train), len(test)) == (1433, 364)
    assert torch.equal(padded.images[:, :, 4:12, 4:12], train.images)
    assert padded.images.sum() == pytest.approx(train.images.sum().item() - len(train) * (256 - 64), rel=1e-5)


def test_images_are_centred_and_scaled_down():
    x = torch.rand(2, 3, 28, 28)
    assert torch.equal(images.fitted(x, 32)[:, :, 2:30, 2:30], x) and (images.fitted(x, 32)[:, :, :2] == -1).all()
    assert images.fitted(x, 31).shape == (2, 3, 31, 31)
    wide = images.fitted(torch.ones(1, 1, 20, 40), 10)
    assert wide.shape == (1, 1, 10, 10) and (wide == 1).all(dim=3).flatten().tolist() == [False] * 2 + [True] * 5 + [False] * 3
    constant = images.fitted(torch.full((1, 1, 64, 64), 0.3), 16)
    assert constant.sub(0.3).abs().max() < 1e-6


@pytest.mark.parametrize(("arguments", "options", "kind", "says"), [
    (("digits", "valid"), {}, ValueError, 'split must be "train" or "test", got \'valid\''),
    (("digits",), {"size": 0}, ValueError, "size must be at least 1"),
    ((3,), {}, TypeError, 'source must be "digits", "mnist", "cifar10" or a path, got int'),
    (("nowhere",), {}, FileNotFoundError, "there is no 'nowhere'"),
])
def test_bad_arguments_are_named(arguments, options, kind, says):
    with pytest.raises(kind, match=says):
        images.load(*arguments, **options)


def refused(tmp_path, says, **options):
    columns = table(**options)
    columns.save_to_disk(tmp_path / "bad")
    with pytest.raises(ValueError, match=says):
        images.load(tmp_path / "bad")


def test_data_of_another_form_are_named(tmp_path):
    refused(tmp_path / "1", "bad has no column 'image' or 'img'; its columns are 'picture', 'label'", image="picture")
    refused(tmp_path / "2", "bad has no column 'label' or 'labels'; its columns are 'image', 'kind'", label="kind")
    refused(tmp_path / "3", r"all images must have one size .*first has .* \(6, 6, 3\), number 1 has \(6, 6\)",
            pixels=[COLOUR[0], GREY[0]], labels=[0, 1])
    refused(tmp_path / "4", "column 'label' must hold classes 0, 1, ...; row 1 has -1", pixels=GREY[:2], labels=[0, -1])
    table(GREY).filter(lambda row: False).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="none.parquet' is not a data set that can be read .*no data"):
        images.load(tmp_path / "none.parquet")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no")
    with pytest.raises(ValueError, match="empty' is not a data set that can be read"):
        images.load(tmp_path / "empty")
    with pytest.raises(ValueError, match="source must be a folder or a .parquet file, got .*notes.txt"):
        images.load(tmp_path / "notes.txt")
    datasets.DatasetDict({"train": table(), "validation": table()}).save_to_disk(tmp_path / "two")
    with pytest.raises(ValueError, match="has no split 'test'; its splits are train, validation"):
        images.load(tmp_path / "two", "test")


def test_a_missing_package_and_a_missing_network_say_what_to_do(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("no route")

    with monkeypatch.context() as patched:
        patched.setattr(datasets, "load_dataset", unreachable)
        with pytest.raises(OSError, match='"mnist" could not be read from the Hugging Face hub .*no route.*by its path'):
            images.load("mnist")
    real = builtins.__import__

    def without(name, *rest):
        if name == "datasets":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match='needs the package datasets.*pip install "datasets>=3"'):
        images.load("cifar10")
    assert len(images.load("digits")) == 1433
