"""Text to image at 64 x 64 with two objects: the whole pipeline on ``sprite_pairs``, for a graphics card.

    python -m ddpmlib.train_pairs --device cuda --folder runs/pairs

It trains the autoencoder and then the text network, with the same functions as at 32 x 32, writes both as safetensors, and prints how many
samples satisfy captions that training never had. The defaults were chosen by scaling up the small setting. They were not run to the end: no
card was at hand. With ``--pictures 64 --autoencoder-steps 2 --text-steps 2`` every line runs on a CPU in seconds.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from ddpmlib import latent_lab, sprite_pairs
from ddpmlib.latent_layers import Autoencoder, TextUNet
from ddpmlib.schedules import Schedule


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ddpmlib.train_pairs", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--folder", type=Path, default=Path("runs/pairs"))
    parser.add_argument("--pictures", type=int, default=40_000)
    parser.add_argument("--autoencoder-steps", type=int, default=10_000)
    parser.add_argument("--text-steps", type=int, default=40_000)
    parser.add_argument("--samples", type=int, default=480)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    generator = torch.Generator().manual_seed(options.seed)
    data = sprite_pairs.draw(options.pictures, generator)
    autoencoder = Autoencoder(seed=options.seed)
    follow(latent_lab.autoencoder_steps(autoencoder, data.images, steps=options.autoencoder_steps, generator=generator,
                                        device=options.device), options.autoencoder_steps)
    latents, autoencoder.scale = latent_lab.encode_all(autoencoder, data.images)
    autoencoder.to(options.device)
    net = TextUNet((4, 16, 16), channels=(96, 192), words=len(sprite_pairs.vocabulary()), length=sprite_pairs.WORDS, seed=options.seed)
    words, schedule = sprite_pairs.tokens(data.captions), Schedule.linear(1000)
    state = follow(latent_lab.text_steps(net, latents, words, schedule, steps=options.text_steps, generator=generator,
                                         device=options.device, batch_size=256, peak=1e-3, decay=0.9995), options.text_steps)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, made in (("autoencoder", autoencoder), ("text", state.ema)):
        save_file({key: value.cpu().contiguous() for key, value in made.state_dict().items()}, options.folder / f"{name}.safetensors")
    hidden = torch.tensor(sprite_pairs.held_out())
    captions = hidden[torch.randint(len(hidden), (options.samples,), generator=generator)]
    images = latent_lab.draw_samples(state.ema, autoencoder, sprite_pairs.tokens(captions), schedule, generator=generator, gamma=3.0,
                                     steps=50)
    print(f"held-out captions satisfied: {sprite_pairs.satisfied(images, captions).float().mean():.3f} of {len(captions)}")
    return 0


def follow(loop, steps: int):
    """Run a training loop, print a line now and then, and return its last state."""
    start = time.monotonic()
    for state in loop:
        if state.step % max(steps // 20, 1) == 0 or state.step == steps:
            print(f"step {state.step} of {steps}: loss {state.loss:.4f}, {time.monotonic() - start:.0f} s", flush=True)
    return state


if __name__ == "__main__":
    sys.exit(main())
