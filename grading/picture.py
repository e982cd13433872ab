"""Draw the README's picture: a digit on its way to noise under two schedules, by the reference implementation."""

from __future__ import annotations

import os
from pathlib import Path

from .sources import ROOT

PICTURE = ROOT / "book" / "static" / "forward.png"
_TIMES = [125 * k for k in range(9)]


def write_picture(path: Path = PICTURE) -> Path:
    """Write the picture; the same code and libraries give the same pixels."""
    os.environ["DDPMLIB_REFERENCE"] = "1"
    import matplotlib

    matplotlib.use("agg")
    import torch

    from ddpmlib import forward, plotting, schedules
    from ddpmlib.data import digits

    plotting.use_course_style()
    image = digits()[0][:1]
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    latents = [
        forward.q_sample(image, t, schedule.alpha_bars, noise)[0]
        for schedule in (schedules.Schedule.linear(1000), schedules.Schedule.cosine(1000))
        for t in _TIMES
    ]
    titles = [f"t = {t}" for t in _TIMES] + [""] * len(_TIMES)
    figure = plotting.show_images(torch.stack(latents), titles=titles, columns=len(_TIMES))
    figure.savefig(path, dpi=200, metadata={"Software": None})
    return path
