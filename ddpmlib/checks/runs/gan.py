"""How chapter 14's exercises on adversarial networks are run, where calling one function is not enough."""

from __future__ import annotations

import torch
from torch import Tensor


def slope_of_generator_loss(module, fake_logits: Tensor, kind: str) -> Tensor:
    """The gradient of the loss in the logits; zeros where none arrives."""
    leaf = fake_logits.clone().requires_grad_()
    loss = module.generator_loss(leaf, kind)
    return torch.autograd.grad(loss, leaf)[0] if loss.requires_grad else torch.zeros_like(leaf)
