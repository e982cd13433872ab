"""Progress in a notebook: one picture that is redrawn in its place while a loop runs.

Progress bars on standard error (tqdm's) are not used in this course: a check cell that writes there gets no points, and
the book is built with such output as an error. This picture is an ordinary output. In the built book, where nothing
runs, its last state stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import matplotlib.pyplot as plt
from torch import Tensor

from ddpmlib import plotting
from ddpmlib.training import TrainingState
from ddpmlib.validation import require_integer, require_number


class LiveLoss:
    """The loss so far, and how far training is: ``update(state)`` after every step.

    Outside a notebook it only remembers the losses.

    Parameters
    ----------
    steps
        the number of steps to come.
    redraws
        how often the picture is redrawn in all; each time costs about a tenth of a second.
    floor
        a height to mark: the smallest loss that any model can have, if it is known.
    ceiling
        the top of the picture. Losses of noise begin near 1, those of a classifier of K classes near log K.
    """

    def __init__(self, steps: int, *, redraws: int = 12, floor: float | None = None, ceiling: float = 1.05):
        self.steps, self.floor = require_integer("steps", steps, low=1), floor
        self.ceiling = require_number("ceiling", ceiling, above=0.0)
        self.every = math.ceil(steps / require_integer("redraws", redraws, low=1))
        self.losses: list[float] = []
        self.handle = _display(self.picture())

    def update(self, state: TrainingState) -> None:
        """Note the loss, and redraw the picture now and then, and at the end."""
        self.losses.append(state.loss)
        if self.handle is not None and (state.step % self.every == 0 or state.step == self.steps):
            self.handle.update(self.picture())

    def smoothed(self, window: int = 100) -> list[float]:
        """The mean of the last ``window`` losses, after every step."""
        sums = [0.0]
        for loss in self.losses:
            sums.append(sums[-1] + loss)
        return [(sums[i] - sums[max(i - window, 0)]) / min(i, window) for i in range(1, len(sums))]

    def picture(self):
        """The figure of this moment."""
        figure, (bar, axis) = plt.subplots(2, 1, figsize=(7, 3), height_ratios=(1, 16))
        plt.close(figure)  # or the notebook would show it once more
        self.fill(bar, axis)
        return figure

    def fill(self, bar, axis) -> None:
        """Draw the progress bar and the losses into two axes."""
        done = len(self.losses)
        bar.barh(0, self.steps, color="#DDDDDD")
        bar.barh(0, done, color=plotting.MODEL)
        bar.set(xlim=(0, self.steps), title=f"{done} of {self.steps} steps")
        bar.axis("off")
        axis.plot(range(1, done + 1), self.losses, color=plotting.MUTED, linewidth=0.4, alpha=0.5, label="one batch")
        axis.plot(range(1, done + 1), self.smoothed(), color=plotting.MODEL, label="mean of 100 batches")
        if self.floor is not None:
            axis.axhline(self.floor, color="black", linestyle="--", linewidth=1, label="floor")
        axis.set(xlim=(0, self.steps), ylim=(0, self.ceiling), xlabel="step", ylabel="loss")
        axis.legend(loc="upper right", ncols=3)


class LiveLab(LiveLoss):
    """The loss so far, and below it samples of the network as it is: ``update(state)`` after every step.

    Parameters
    ----------
    steps, redraws, floor, ceiling
        as for ``LiveLoss``.
    draw
        a function of the state that returns up to 20 images; it is called at each redraw, and not outside a notebook.
    """

    def __init__(
        self, steps: int, draw: Callable[[TrainingState], Tensor], *, redraws: int = 8, floor: float | None = None,
        ceiling: float = 1.05,
    ):
        self.draw, self.images, self.seen = draw, None, 0
        super().__init__(steps, redraws=redraws, floor=floor, ceiling=ceiling)

    def update(self, state: TrainingState) -> None:
        """Note the loss; now and then, and at the end, draw samples and redraw the picture."""
        if self.handle is not None and (state.step % self.every == 0 or state.step == self.steps):
            self.images, self.seen = self.draw(state), state.step
        super().update(state)

    def picture(self):
        """The figure of this moment."""
        figure = plt.figure(figsize=(7, 4.6))
        plt.close(figure)
        losses, grid = figure.subfigures(2, 1, height_ratios=(3, 1.6))
        self.fill(*losses.subplots(2, 1, height_ratios=(1, 16)))
        axes = grid.subplots(2, 10).ravel()
        for axis in axes:
            axis.axis("off")
        if self.images is not None:
            plotting.show_images(self.images[:20], axes=axes[:len(self.images)])
            grid.suptitle(f"samples after {self.seen} steps", fontsize=10)
        return figure


def _display(figure):
    """Show a figure and return the handle that replaces it; None outside a notebook."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return None
    shell = get_ipython()
    return display(figure, display_id=True) if shell is not None and hasattr(shell, "kernel") else None
