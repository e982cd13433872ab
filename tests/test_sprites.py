"""Captioned sprites: the detector reads what was drawn, and nothing else satisfies a caption."""

from __future__ import annotations

import pytest
import torch

from ddpmlib import sprite_pairs, sprites
from ddpmlib.sprite_shapes import SHAPES, coverage


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("setting", "count"), [(sprites, 240), (sprite_pairs, 1920)], ids=["one", "pairs"])
class TestSetting:
    def test_captions_can_be_read_back_and_are_counted(self, setting, count):
        captions = setting.all_captions()
        assert len(captions) == len({str(caption) for caption in captions}) == count
        assert all(setting.parse(f"  {str(caption).upper()} ") == caption for caption in captions[::37])
        with pytest.raises(ValueError, match="cannot read the caption 'a pink circle'"):
            setting.parse("a pink circle")

    def test_held_out_captions_are_a_tenth_and_hide_no_word(self, setting, count):
        hidden = set(setting.held_out())
        assert len(hidden) == count // 10
        words = {word for i, caption in enumerate(setting.all_captions()) if i not in hidden for word in str(caption).split()}
        assert words == set(setting.vocabulary()[1:])

    def test_training_pictures_show_no_held_out_caption(self, setting, count):
        hidden = set(setting.held_out())
        assert not hidden & set(setting.draw(300, seeded()).captions.tolist())
        assert set(setting.draw(50, seeded(), seen=False).captions.tolist()) <= hidden

    def test_detector_reads_all_real_pictures(self, setting, count):
        captions = torch.arange(0, count, 4 if count > 1000 else 1)
        for seed in range(2):
            data = setting.draw(len(captions), seeded(seed), captions=captions)
            assert setting.satisfied(data.images, captions).all()
            assert -1 <= data.images.min() and data.images.max() <= 1

    def test_detector_rejects_other_captions(self, setting, count):
        data = setting.draw(200, seeded(1))
        assert setting.satisfied(data.images, data.captions.roll(1)).float().mean() < 0.03

    def test_detector_bears_a_little_noise(self, setting, count):
        data = setting.draw(150, seeded(4))
        noisy = data.images + 0.05 * torch.randn(data.images.shape, generator=seeded(5))
        assert setting.satisfied(noisy, data.captions).float().mean() > 0.97

    def test_noise_blank_and_mean_pictures_satisfy_nothing(self, setting, count):
        data = setting.draw(40, seeded(2))
        shape = data.images.shape
        for images in (torch.randn(shape, generator=seeded(3)), torch.zeros(shape), data.images.mean(0, keepdim=True).expand(shape),
                       torch.full(shape, torch.nan)):
            assert not setting.satisfied(images, data.captions).any()

    def test_tokens_are_words(self, setting, count):
        rows = setting.tokens(torch.tensor([3, -1]))
        assert rows.shape == (2, setting.WORDS) and not rows[1].any()
        said = " ".join(setting.vocabulary()[i] for i in rows[0].tolist()).strip()
        assert said == str(setting.all_captions()[3])

    def test_same_seed_same_pictures(self, setting, count):
        assert torch.equal(setting.draw(5, seeded(7)).images, setting.draw(5, seeded(7)).images)

    def test_bad_input_is_named(self, setting, count):
        with pytest.raises(ValueError, match="n must be at least 1"):
            setting.draw(0, seeded())
        with pytest.raises(TypeError, match="generator must be"):
            setting.draw(1, 0)
        with pytest.raises(ValueError, match="captions must name 2 pictures, got 1"):
            setting.draw(2, seeded(), captions=torch.tensor([1]))
        with pytest.raises(ValueError, match="images must have shape"):
            setting.detect(torch.zeros(1, 3, 8, 8))


def test_two_objects_are_told_from_either_side():
    for caption in sprite_pairs.all_captions()[::17]:
        assert caption.turned() != caption and caption.turned().turned() == caption
    hidden = {sprite_pairs.all_captions()[i] for i in sprite_pairs.held_out()}
    assert {caption.turned() for caption in hidden} == hidden


def test_wrong_colour_shape_size_or_place_is_seen():
    asked = sprites.parse("a small red circle on the left")
    index = {str(caption): i for i, caption in enumerate(sprites.all_captions())}
    for text in ("a large red circle on the left", "a small blue circle on the left", "a small red square on the left",
                 "a small red circle on the right"):
        data = sprites.draw(1, seeded(), captions=torch.tensor([index[text]]))
        assert not sprites.satisfied(data.images, torch.tensor([index[str(asked)]])).any()


def test_shapes_have_their_centre_of_mass_where_they_are_put():
    ticks = torch.arange(32) + 0.5 - 16
    for shape in SHAPES:
        cover = coverage(shape, torch.tensor([2.0, -3.0]), 6.0, 32)
        assert abs((cover.sum(0) * ticks).sum() / cover.sum() - 2) < 0.1 and abs((cover.sum(1) * ticks).sum() / cover.sum() + 3) < 0.1
    with pytest.raises(ValueError, match="shape must be one of circle"):
        coverage("star", torch.zeros(2), 3.0, 32)
