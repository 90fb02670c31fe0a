"""Muon for matrices, AdamW for the table and the gains, as internal/train has them.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the
update is scaled to AdamW's usual size as in Liu et al., "Muon is scalable for LLM
training", 2025.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict

import torch
from torch import Tensor

from model import Model

STEPS, A, B, C = 5, 3.4445, -4.7750, 2.0315  # Newton-Schulz
SCALE = 0.2
MOMENTUM_FROM, MOMENTUM_TO, MOMENTUM_RISE = 0.85, 0.95, 300  # rises over so many steps
BETA1, BETA2, EPS = 0.9, 0.95, 1e-10


@dataclass(frozen=True)
class Rates:
    """Of the constant phase."""

    matrix: float = 0.01
    vector: float = 0.015
    matrix_decay: float = 0.05
    embed_decay: float = 0.0
    clip: float = 1.0  # largest norm of the gradient that AdamW sees


def orthogonalise(x: Tensor, dtype: torch.dtype) -> Tensor:
    """About U V^T of each (n, rows, columns) matrix U S V^T: singular values come near one."""
    x = (x / (x.flatten(1).norm(dim=1)[:, None, None] + 1e-7)).to(dtype)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(STEPS):
        gram = x @ x.mT
        x = A * x + (B * gram + C * (gram @ gram)) @ x
    return (x.mT if tall else x).float()


class Optimiser:
    """Moves a model's weights by its gradients."""

    def __init__(self, model: Model, rates: Rates, dtype: torch.dtype):
        """dtype is that of the orthogonalisation's products."""
        self.model, self.rates, self.dtype = model, rates, dtype
        self.m: Dict[str, Tensor] = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
        self.v: Dict[str, Tensor] = {n: torch.zeros_like(p) for n, p in model.named_parameters() if p.dim() < 3}

    @torch.no_grad()
    def step(self, rate: float, number: int) -> Tensor:
        """One step, the number-th from 1, at rate times the constant rates; returns the gradient's norm."""
        grads = {n: p.grad for n, p in self.model.named_parameters() if p.grad is not None}
        norm = torch.stack([g.square().sum() for g in grads.values()]).sum().sqrt()
        clip = self.rates.clip / norm.clamp_min(self.rates.clip)
        for name, g in grads.items():
            if g.dim() == 3:
                self.muon(name, g, rate, number)
            else:
                self.adam(name, g * clip, rate, number)
        self.model.zero_grad(set_to_none=True)
        return norm

    def muon(self, name: str, g: Tensor, rate: float, number: int) -> None:
        """Each of the matrices fused in a parameter is orthogonalised by itself."""
        w, m = getattr(self.model, name), self.m[name]
        mu = min(MOMENTUM_TO, MOMENTUM_FROM + (MOMENTUM_TO - MOMENTUM_FROM) * (number - 1) / MOMENTUM_RISE)
        m.lerp_(g, 1 - mu)
        lr = self.rates.matrix * rate
        w.mul_(1 - lr * self.rates.matrix_decay)
        rows, cols = self.model.shape.rows()[name]
        for part, u in zip(w.split(rows, 1), g.lerp(m, mu).split(rows, 1)):
            part.sub_(orthogonalise(u, self.dtype), alpha=lr * SCALE * math.sqrt(max(part.shape[1], cols)))

    def adam(self, name: str, g: Tensor, rate: float, number: int) -> None:
        w, m, v = getattr(self.model, name), self.m[name], self.v[name]
        lr = self.rates.vector * rate
        m.lerp_(g, 1 - BETA1)
        v.lerp_(g.square(), 1 - BETA2)
        if name == "embed":
            w.mul_(1 - lr * self.rates.embed_decay)
        c1, c2 = 1 - BETA1**number, 1 - BETA2**number
        w.addcdiv_(m, (v / c2).sqrt_().add_(EPS), value=-lr / c1)
