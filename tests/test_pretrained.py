"""The shipped networks are what their cards say, and can be made again."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from ddpmlib import classifiers, latent, pretrained, sprite_recipes, sprites
from ddpmlib.images import load_digits
from ddpmlib.schedules import Schedule

# How far a number may be from its card: the same noise on another machine or release of torch moves a few samples, no more.
TOLERANCES = {"held-out loss": 0.001, "held-out accuracy": 0.003, "network accuracy": 0.01, "vector machine accuracy": 0.01,
              "feature distance": 1.0, "pixel distance": 0.02, "off the digits": 0.03, "too close": 0.03, "copies": 0.002,
              "within a class": 0.02, "repeats": 0.03, "coverage": 0.02, "held-out reconstructions satisfy": 0.01,
              "squared error": 0.00005, "held-out captions satisfied": 0.03}
MAX_BYTES = 2_000_000


@pytest.mark.parametrize("name", pretrained.RECIPES)
def test_network_is_as_good_as_its_card_says(name):
    loaded = pretrained.load(name)
    found = pretrained.measure(name, loaded[0] if isinstance(loaded, tuple) else loaded)
    claimed = pretrained.card(name)["metrics"]
    assert found.keys() == claimed.keys()
    for metric, value in claimed.items():
        assert found[metric] == pytest.approx(value, abs=TOLERANCES[metric]), metric


@pytest.mark.parametrize("name", pretrained.RECIPES)
def test_card_says_how_the_network_was_made(name):
    facts = pretrained.card(name)
    path = pretrained.FOLDER / f"{name}.safetensors"
    assert path.stat().st_size < MAX_BYTES and path.stat().st_mode & 0o044 == 0o044  # graders are other users
    assert facts["command"] == f"python -m ddpmlib.pretrained train {name} --seed {facts['seed']}"
    assert facts["steps"] == pretrained.RECIPES[name].steps
    loaded = pretrained.load(name)
    buffers = sum(buffer.numel() for buffer in (loaded[0] if isinstance(loaded, tuple) else loaded).buffers())
    assert facts["parameters"] == sum(tensor.numel() for tensor in load_file(path).values()) - buffers
    assert len(facts["commit"]) == 40
    assert 0 < facts["cpu_seconds"] <= 900 and facts["hardware"] and facts["torch"]


def test_page_of_cards_is_fresh():
    assert (pretrained.FOLDER / "README.md").read_text(encoding="utf-8") == pretrained.cards(), "run python -m ddpmlib.pretrained cards"


@pytest.mark.parametrize("name", pretrained.RECIPES)
def test_a_network_can_be_made_again(name, tmp_path, monkeypatch, capsys):
    """A few steps, twice: the same weights, and a card; the network shipped with the course is left alone."""
    monkeypatch.setattr(pretrained, "measure", lambda name, net: {"nothing": 0.0})
    monkeypatch.setattr(sprite_recipes, "PICTURES", 150)
    sprite_recipes.pictures.cache_clear()
    threads, weights = torch.get_num_threads(), []
    shipped = (pretrained.FOLDER / f"{name}.safetensors").read_bytes()
    for folder in ("a", "b"):
        assert pretrained.main(["train", name, "--seed", "3", "--steps", "2", "--folder", str(tmp_path / folder)]) == 0
        weights.append(load_file(tmp_path / folder / f"{name}.safetensors"))
    torch.set_num_threads(threads)
    sprite_recipes.pictures.cache_clear()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    facts = json.loads((tmp_path / "a" / f"{name}.json").read_text())
    assert facts["command"] == f"python -m ddpmlib.pretrained train {name} --seed 3 --steps 2"
    assert (pretrained.FOLDER / f"{name}.safetensors").read_bytes() == shipped


def test_the_generator_goes_with_its_schedule_and_knows_classes():
    net, schedule = pretrained.load("digits")
    assert isinstance(schedule, Schedule) and schedule.T == 1000
    assert not net.training and not any(parameter.requires_grad for parameter in net.parameters())
    x, t = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([500, 500])
    told, untold = net(x, t, torch.tensor([3, 3])), net(x, t)
    assert (told - untold).abs().max() > 0.01
    assert torch.equal(untold, net(x, t, torch.full((2,), net.classes)))


def test_judges_recognise_held_out_digits():
    data = load_digits("test")
    network, machine = classifiers.digits_judge(), classifiers.svm_judge()
    assert classifiers.accuracy(network, data.images, data.labels) > 0.99
    assert classifiers.accuracy(machine, data.images.double(), data.labels) > 0.98
    probabilities = network.probabilities(data.images)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(len(data)))
    assert torch.equal(probabilities.argmax(dim=1), network.predict(data.images))
    assert network.features(data.images).shape == (len(data), classifiers.FEATURES)
    assert classifiers.digits_judge() is network


def test_judges_are_different():
    """Noise that misleads one does not mislead the other as often."""
    data = load_digits("test")
    noisy = data.images + 0.8 * torch.randn(data.images.shape, generator=torch.Generator().manual_seed(0))
    wrong = [judge.predict(noisy) != data.labels for judge in (classifiers.digits_judge(), classifiers.svm_judge())]
    assert (wrong[0] & wrong[1]).sum() < 0.8 * torch.stack(wrong).sum(dim=1).max()


@pytest.mark.parametrize("judge", [classifiers.digits_judge, classifiers.svm_judge])
@pytest.mark.parametrize(
    ("images", "error", "says"),
    [
        ([0.0], TypeError, "images must be a torch.Tensor, got list"),
        (torch.zeros(2, 1, 8, 8).long(), TypeError, "images must be a floating-point tensor"),
        (torch.zeros(2, 64), ValueError, r"images must have 4 axes, got shape \(2, 64\)"),
        (torch.zeros(2, 1, 28, 28), ValueError, r"images must have shape \(batch, 1, 8, 8\), got \(2, 1, 28, 28\)"),
    ],
)
def test_a_judge_names_bad_images(judge, images, error, says):
    with pytest.raises(error, match=says):
        judge().predict(images)


def test_an_unknown_network_is_named():
    with pytest.raises(ValueError, match="there is no network 'faces' here; there are digits, digits-classifier"):
        pretrained.load("faces")


def test_a_damaged_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "pretrained")
    with pytest.raises(FileNotFoundError, match="python -m ddpmlib.pretrained train digits-classifier makes it again"):
        pretrained.load("digits-classifier")
    shutil.copytree(pretrained.Path(pretrained.__file__).parent / "pretrained", tmp_path / "pretrained")
    path = tmp_path / "pretrained" / "digits-classifier.safetensors"
    weights = load_file(path)
    save_file({key: value for key, value in weights.items() if key != "head.bias"}, path)
    with pytest.raises(ValueError, match="head.bias is missing, unknown or of another shape"):
        pretrained.load("digits-classifier")
    save_file(weights | {"head.bias": torch.zeros(11)}, path)
    with pytest.raises(ValueError, match="head.bias is missing, unknown or of another shape"):
        pretrained.load("digits-classifier")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cannot be read as safetensors"):
        pretrained.load("digits-classifier")


def test_the_autoencoder_knows_the_scale_of_its_latents():
    net = pretrained.load("sprites-autoencoder")
    data = sprites.draw(300, torch.Generator().manual_seed(5))
    latents = latent.to_latents(net, data.images, net.scale)
    assert latents.std(correction=0).item() == pytest.approx(1.0, abs=0.03)
    assert not net.scale.requires_grad and net.scale.dtype == torch.float32


def test_the_text_network_follows_its_captions():
    net, schedule = pretrained.load("sprites-text")
    captions = torch.tensor(sprites.held_out())
    assert schedule.T == 1000
    assert sprite_recipes.satisfied_share(net, captions, steps=10) > 0.7
    assert sprite_recipes.satisfied_share(net, captions, steps=5, gamma=0.0) < 0.2
