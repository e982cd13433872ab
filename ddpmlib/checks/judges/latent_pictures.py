"""Checks of chapter 12's exercises that draw pictures: from text, from an image, and into a part of an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from ..judging import Case, Check, Draw
from .ddpm_oracles import F64, Setting, random_setting
from .guidance_oracles import tables_of
from .latent_oracles import (
    CHANNELS, COLOURS, SIDE, compare_pictures, decoded, encoded, guided, noised, random_autoencoder, random_empty,
    random_network, random_tokens, some_times, stepped,
)

CELLS = (2, 3)  # of the latents
Known = dict[str, Callable[[], Tensor]]


class Task:
    """A case's arguments in float64, and the walks that the oracles take with them."""

    def __init__(self, case: Case):
        given = case.arguments
        self.setting: Setting = case.secret["setting"]
        self.autoencoder, self.network = given["autoencoder"], given["network"]
        self.tokens, self.empty, self.gamma, self.times = given["tokens"], given["empty"], given["gamma"], given["times"]
        self.noise, self.scale = given["noise"].double(), float(given["scale"])
        self.x = given["x"].double() if "x" in given else None
        self.kind = given["noise"].dtype

    @property
    def z(self) -> Tensor:
        """The scaled latents of the given images."""
        return self.scale * encoded(self.autoencoder, self.x)

    def image(self, z: Tensor) -> Tensor:
        return decoded(self.autoencoder, z / self.scale)

    def walk(self, z: Tensor, times: Sequence[int] | None = None, *, before: Callable[[Tensor, int], Tensor] = lambda z, t: z,
             after: Callable[[Tensor, int], Tensor] = lambda z, s: z, told: str = "guided", last: bool = True) -> Tensor:
        """Down through the times, with something done before or after each step."""
        times = self.times if times is None else times
        for t, s in zip(times, [*times[1:], 0]):
            if s == 0 and not last:
                return z
            z = before(z, t)
            rows = torch.full((len(z),), t)
            gamma = {"guided": self.gamma, "told": 1.0, "untold": 0.0}[told]
            eps = guided(self.network, z, rows, self.tokens, self.empty, gamma)
            z = after(stepped(self.setting, z, eps, t, s), s)
        return z


class PictureCheck(Check):
    """What the three checks share: random networks, times, captions."""

    call: str

    def draw_case(self, draw: Draw, part: str, *, gamma: float | None = None, kind: torch.dtype = F64, scale: object = None,
                  steps: int = 3, batch: int = 2, **more: object) -> Case:
        setting = random_setting(draw, T=8)
        gamma = draw.number(1.5, 3.0) if gamma is None else gamma
        scale = draw.number(0.4, 0.8) if scale is None else scale
        arguments = {
            "autoencoder": random_autoencoder(draw), "network": random_network(draw, setting.T + 1), "tables": tables_of(setting),
            "tokens": random_tokens(draw, batch), "gamma": gamma, "times": some_times(draw, setting.T, steps),
            "noise": draw.normal(batch, CHANNELS, *CELLS).to(kind), "empty": random_empty(draw), "scale": scale,
        }
        if self.call != "text_to_image":
            arguments["x"] = draw.uniform(-1, 1, batch, COLOURS, *(SIDE * n for n in CELLS)).to(kind)
        arguments |= more
        says = f"{batch} captions, gamma = {gamma:.3g}, times = {arguments['times']}, scale = {float(scale):.3g}"
        says += f", strength = {more['strength']:.3g}" if "strength" in more else ""
        return Case(part, self.call, arguments, says, {"setting": setting})

    def judge(self, case: Case, result: object) -> str | None:
        task = Task(case)
        expected, times = self.expected(task, case)
        return compare_pictures(result, expected, lambda: {words: make() for words, make in self.known(task, case).items()}, times,
                                task.kind)

    def expected(self, task: Task, case: Case) -> tuple[Tensor, Sequence[int]]:
        raise NotImplementedError

    def known(self, task: Task, case: Case) -> Known:
        raise NotImplementedError


class TextToImage(PictureCheck):
    """Exercise 12.5. Oracle: the walk by means and deviations that are followed step by step; networks cell by cell."""

    number, call = "12.5", "text_to_image"
    parts = {"one step": 1, "several steps": 3, "gamma 0 and 1": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield self.draw_case(draw, "one step", steps=1)
        yield self.draw_case(draw, "several steps", steps=3, scale=torch.tensor(draw.number(1.5, 3.0), dtype=F64))
        yield self.draw_case(draw, "several steps", steps=4, batch=3)
        for gamma in (0.0, 1.0):
            yield self.draw_case(draw, "gamma 0 and 1", gamma=gamma)
        yield self.draw_case(draw, "dtype", kind=torch.float32)

    def expected(self, task: Task, case: Case) -> tuple[Tensor, Sequence[int]]:
        return task.image(task.walk(task.noise)), task.times

    def known(self, task: Task, case: Case) -> Known:
        T = task.setting.T
        return {
            "The latents are decoded without the division by the scale.": lambda: decoded(task.autoencoder, task.walk(task.noise)),
            "The latents are multiplied with the scale; on the way back they should be divided by it.":
                lambda: decoded(task.autoencoder, task.scale * task.walk(task.noise)),
            "The noise is multiplied with the scale; it is standard normal in the scaled latents already.":
                lambda: task.image(task.walk(task.scale * task.noise)),
            "The noise is divided by the scale; it is standard normal in the scaled latents already.":
                lambda: task.image(task.walk(task.noise / task.scale)),
            "gamma is ignored: the network is told its captions, and that is all.": lambda: task.image(task.walk(task.noise, told="told")),
            "The captions are ignored.": lambda: task.image(task.walk(task.noise, told="untold")),
            "All times from T down are walked; only the given ones should be.":
                lambda: task.image(task.walk(task.noise, list(range(T, 0, -1)))),
            "The step from the last time to time 0 is missing.": lambda: task.image(task.walk(task.noise, last=False)),
            "The images are clipped; they should be left as they come from the decoder.":
                lambda: task.image(task.walk(task.noise)).clamp(-1, 1),
            "The noise is decoded as it is, without any step.": lambda: task.image(task.noise),
            "gamma is taken one too large.": lambda: self._with_gamma(task, task.gamma + 1),
        }

    @staticmethod
    def _with_gamma(task: Task, gamma: float) -> Tensor:
        kept, task.gamma = task.gamma, gamma
        image = task.image(task.walk(task.noise))
        task.gamma = kept
        return image


class ImageToImage(PictureCheck):
    """Exercise 12.6. Oracle: the given latents' mean and deviation at t_0, followed step by step, and the walk from there."""

    number, call = "12.6", "image_to_image"
    parts = {"part of the way": 3, "all the way": 1, "a time that is met": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        yield self.draw_case(draw, "part of the way", times=[8, 3, 2, 1], strength=draw.number(0.51, 0.6))
        yield self.draw_case(draw, "part of the way", times=[7, 6, 5, 2, 1], strength=draw.number(0.42, 0.58))
        yield self.draw_case(draw, "part of the way", times=[8, 6, 3, 1], strength=draw.number(0.2, 0.3))
        yield self.draw_case(draw, "all the way", times=[8, 4, 1], strength=1.0, scale=torch.tensor(draw.number(1.5, 3.0), dtype=F64))
        yield self.draw_case(draw, "all the way", times=[7, 4, 1], strength=1.0)
        yield self.draw_case(draw, "a time that is met", times=[8, 6, 4, 2], strength=0.5)
        yield self.draw_case(draw, "dtype", times=[8, 5, 2], strength=0.7, kind=torch.float32)

    @staticmethod
    def walked(task: Task, strength: float) -> list[int]:
        return [t for t in task.times if not t > strength * task.setting.T]

    def expected(self, task: Task, case: Case) -> tuple[Tensor, Sequence[int]]:
        times = self.walked(task, case.arguments["strength"])
        return task.image(task.walk(noised(task.setting, task.z, times[0], task.noise), times)), times

    def known(self, task: Task, case: Case) -> Known:
        strength, setting = case.arguments["strength"], task.setting
        times, T = self.walked(task, strength), setting.T

        def start(z: Tensor, first: int = times[0], walked: Sequence[int] = times, **options) -> Tensor:
            return task.image(task.walk(noised(setting, z, first, task.noise), walked, **options))

        known = {
            "The start is the noise alone: the given images are ignored.": lambda: task.image(task.walk(task.noise, times)),
            "The images are not noised: their latents are denoised as they are.": lambda: task.image(task.walk(task.z, times)),
            "The latents are not scaled before noise is added.": lambda: start(task.z / task.scale),
            "The noise is added at full size, sqrt(alpha_bar) z + noise.":
                lambda: task.image(task.walk(noised(setting, task.z, times[0], 0 * task.noise) + task.noise, times)),
            "The latents are not shrunk: z + sqrt(1 - alpha_bar) noise.":
                lambda: task.image(task.walk(task.z + setting.moments[times[0]][1] * task.noise, times)),
            "The latents are decoded without the division by the scale.":
                lambda: decoded(task.autoencoder, task.walk(noised(setting, task.z, times[0], task.noise), times)),
            "gamma is ignored: the network is told its captions, and that is all.": lambda: start(task.z, told="told"),
            "All given times are walked, from the first; strength is ignored.": lambda: start(task.z, task.times[0], task.times),
            "The latents are noised to t_0, but all given times are walked.": lambda: start(task.z, times[0], task.times),
            "The latents are noised to the first of all times; the walk starts at t_0.": lambda: start(task.z, task.times[0], times),
            "The latents are noised to the time T; the walk starts at t_0.": lambda: start(task.z, T, times),
        }
        whole = max(int(strength * T), 1)
        known["The latents are noised to the time strength T; it should be the first of the times that are walked."] = (
            lambda: start(task.z, whole, times))
        below = [t for t in task.times if t < strength * T]
        if below and below != times:
            known["A time that is exactly strength T belongs to the walk."] = lambda: start(task.z, below[0], below)
        count = max(int(strength * len(task.times)), 1)
        counted = task.times[-count:]
        if counted != times:
            known["strength counts the times here; it should be compared with t/T."] = lambda: start(task.z, counted[0], counted)
        other = [t for t in task.times if t <= (1 - strength) * T]
        if other and other != times:
            known["strength is read the other way round: 1 should change most."] = lambda: start(task.z, other[0], other)
        return known


class Inpaint(PictureCheck):
    """Exercise 12.7. Oracle: cell by cell, known cells from means and deviations that are followed step by step."""

    number, call = "12.7", "inpaint"
    parts = {"whole cells": 3, "parts of cells": 2, "nothing and all": 1, "dtype": 1}

    def cases(self, draw: Draw) -> Iterable[Case]:
        for batch in (2, 3):
            cells = self._some(draw, batch)
            paint = cells.repeat_interleave(SIDE, dim=2).repeat_interleave(SIDE, dim=3)
            yield self.draw_case(draw, "whole cells", batch=batch, paint=paint, steps=2 + batch % 2)
        cells = self._some(draw, 2)
        paint = cells.repeat_interleave(SIDE, dim=2).repeat_interleave(SIDE, dim=3)
        corner = torch.zeros(SIDE, SIDE, dtype=torch.bool)
        corner[draw.integer(0, SIDE - 1), draw.integer(0, SIDE - 1)] = True
        yield self.draw_case(draw, "parts of cells", paint=paint & corner.repeat(*CELLS),
                             scale=torch.tensor(draw.number(1.5, 3.0), dtype=F64))
        yield self.draw_case(draw, "parts of cells", paint=paint & ~corner.repeat(*CELLS))
        for value in (False, True):
            yield self.draw_case(draw, "nothing and all", paint=torch.full_like(paint, value))
        yield self.draw_case(draw, "dtype", paint=paint, kind=torch.float32)

    @staticmethod
    def _some(draw: Draw, batch: int) -> Tensor:
        """Two of the six cells of each image."""
        cells = torch.zeros(batch, 6, dtype=torch.bool)
        for row in cells:
            row[torch.randperm(6, generator=draw.generator)[:2]] = True
        return cells.reshape(batch, 1, *CELLS)

    @staticmethod
    def cells(paint: Tensor, least: int = 1) -> Tensor:
        """Which cells have at least ``least`` painted pixels."""
        batch, _, height, width = paint.shape
        counts = torch.zeros(batch, 1, height // SIDE, width // SIDE, dtype=torch.long)
        for i in range(height):
            for j in range(width):
                counts[:, :, i // SIDE, j // SIDE] += paint[:, :, i, j]
        return counts >= least

    def expected(self, task: Task, case: Case) -> tuple[Tensor, Sequence[int]]:
        return self._painted(task, case.arguments["paint"]), task.times

    def _painted(self, task: Task, paint: Tensor, *, unknown: Tensor | None = None, level: Callable[[int], int] | None = lambda t: t,
                 end: bool = True, paste: bool = True, first: bool = True, z: Tensor | None = None,
                 told: str = "guided", noise: bool = True) -> Tensor:
        """The painted images; the options are the known variants."""
        setting, unknown, z = task.setting, self.cells(paint) if unknown is None else unknown, task.z if z is None else z

        def replaced(z_t: Tensor, t: int) -> Tensor:
            if level is None or (t == task.times[0] and not first):
                return z_t
            return torch.where(unknown, z_t, noised(setting, z, level(t), task.noise * noise))

        z_0 = task.walk(task.noise, before=replaced, told=told)
        image = task.image(torch.where(unknown, z_0, z) if end else z_0)
        return torch.where(paint, image, task.x) if paste else image

    def known(self, task: Task, case: Case) -> Known:
        paint, times = case.arguments["paint"], task.times
        following = dict(zip(times, [*times[1:], 0]))

        def other(**options) -> Callable[[], Tensor]:
            return lambda: self._painted(task, paint, **options)

        return {
            "The images are not pasted: the pixels that are not painted should be those of x.": other(paste=False),
            "The mask is read the other way round: True means that a pixel is painted.": lambda: self._painted(task, ~paint),
            "The mask of the cells is the wrong way round: the known cells are those without a painted pixel.":
                other(unknown=~self.cells(paint)),
            "The pasting is the wrong way round: the decoder's image belongs where paint is True.":
                lambda: torch.where(paint, task.x, self._painted(task, paint, paste=False)),
            "A cell counts as known though some of its pixels are painted: it is known only if none of them is.":
                other(unknown=self.cells(paint, SIDE**2)),
            "A cell counts as known if fewer than half of its pixels are painted: it is known only if none of them is.":
                other(unknown=self.cells(paint, SIDE**2 // 2 + 1)),
            "A cell counts as painted by its first pixel alone; all of its pixels decide.": other(unknown=paint[:, :, ::SIDE, ::SIDE]),
            "The known cells are not replaced on the way, only at the end.": other(level=None),
            "Nothing is replaced: the picture is drawn anew and pasted.": other(level=None, end=False),
            "The known cells are not set at the end, to the latents of x.": other(end=False),
            "The known cells are set to the clean latents; they should be as noisy as the rest at that time.": other(level=lambda t: 0),
            "The known cells are shrunk, but no noise is added to them.": other(noise=False),
            "The known cells get the noise of the time that the step leads to; before a call at t they belong to time t.":
                other(level=lambda t: following[t]),
            "Before the first call the known cells are left as noise.": other(first=False),
            "The known cells have the noise of the first time throughout.": other(level=lambda t: times[0]),
            "The known cells are not scaled.": other(z=task.z / task.scale),
            "gamma is ignored: the network is told its captions, and that is all.": other(told="told"),
            "The captions are ignored.": other(told="untold"),
        }
