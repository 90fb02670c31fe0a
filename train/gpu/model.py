"""kolm's model family in PyTorch: what internal/train trains, to the letter.

Qwen3 architecture: RMSNorm, rotary halves, norms of query and key heads, grouped
queries, SwiGLU, no biases. One table serves output and, behind a norm without
gain, input; attention and feed-forward have no gains of their own. Letters in
comments: B sequences, T tokens, D width, L layers.
"""
from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]  # (B, heads, T, head) of queries, keys, values


@dataclass(frozen=True)
class Shape:
    """The size of a model; the fields are those of internal/train.Shape."""

    vocab: int
    dim: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    window: int
    rope_base: float = 10000.0
    eps: float = 1e-6

    @classmethod
    def sized(cls, size: str, vocab: int, window: int, ffn: int = 0) -> "Shape":
        """The shape that `kolm train --size` makes of LAYERSxDIM; ffn 0 is three times the width."""
        layers, dim = (int(n) for n in size.split("x"))
        if dim < 64 or dim % 64:
            raise ValueError(f"width {dim} is not a multiple of 64: heads are 64 wide")
        heads = dim // 64
        kv = heads // 2 if heads % 2 == 0 else 1
        return cls(vocab, dim, layers, heads, kv, 64, ffn or 3 * dim, window)

    def rows(self) -> Dict[str, Tuple[Tuple[int, ...], int]]:
        """Rows of the matrices fused in each matrix of a layer, and its columns."""
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "qkv": ((q, kv, kv), self.dim),
            "out": ((self.dim,), q),
            "gate_up": ((self.ffn, self.ffn), self.dim),
            "down": ((self.dim,), self.ffn),
        }

    def weights(self) -> int:
        """Numbers in the matrices, the table once."""
        return self.vocab * self.dim + self.layers * sum(sum(r) * c for r, c in self.rows().values())

    def flops(self, seq: int) -> float:
        """Of a training step, a token: six a weight, and attention over what the window shows."""
        w = min(self.window, seq)
        seen = w - w * (w - 1) / 2 / seq
        return 6 * self.weights() + 12 * self.layers * self.heads * self.head_dim * seen


def rms_norm(x: Tensor, eps: float) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns (B, heads, T, head) by the position; number j and j + head/2 are a pair."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


class Model(nn.Module):
    """A model in training. Matrices of all layers are one parameter (L, rows, columns)."""

    def __init__(self, shape: Shape, positions: int, attend: Attend, dtype: torch.dtype, seed: int = 1):
        """positions is the longest sequence, dtype that of the products; weights stay float32."""
        super().__init__()
        self.shape, self.attend, self.dtype = shape, attend, dtype
        self.input: Optional[Tensor] = None  # (vocab, D) input rows that are not the normed output rows
        rnd = torch.Generator().manual_seed(seed)

        def normal(scale: float, *size: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*size, generator=rnd) * scale)

        n, back = shape.layers, 0.5 / math.sqrt(2 * shape.layers)  # what returns to the stream starts smaller
        self.embed = normal(0.02, shape.vocab, shape.dim)
        self.output_norm = nn.Parameter(torch.ones(shape.dim))
        self.q_norm = nn.Parameter(torch.ones(n, shape.head_dim))
        self.k_norm = nn.Parameter(torch.ones(n, shape.head_dim))
        for name, (rows, cols) in shape.rows().items():
            scale = 0.5 / math.sqrt(cols) * (back if name in ("out", "down") else 1)
            setattr(self, name, normal(scale, n, sum(rows), cols))
        half = shape.head_dim // 2
        angle = np.outer(np.arange(positions), shape.rope_base ** (-np.arange(half) / half))
        self.register_buffer("cos", torch.tensor(np.cos(angle), dtype=torch.float32), persistent=False)
        self.register_buffer("sin", torch.tensor(np.sin(angle), dtype=torch.float32), persistent=False)

    def view(self, attend: Attend, dtype: torch.dtype) -> "Model":
        """The same weights under other arithmetic."""
        twin = copy.copy(self)
        twin.attend, twin.dtype = attend, dtype
        return twin

    def input_table(self) -> Tensor:
        return rms_norm(self.embed, self.shape.eps) if self.input is None else self.input

    def linear(self, x: Tensor, w: Tensor) -> Tensor:
        return F.linear(x.to(self.dtype), w.to(self.dtype))

    def hidden(self, tokens: Tensor) -> Tensor:
        """The normed output (B, T, D) of tokens (B, T)."""
        s = self.shape
        if self.input is None:
            x = rms_norm(F.embedding(tokens, self.embed), s.eps)
        else:
            x = F.embedding(tokens, self.input)
        layers = zip(*(p.unbind(0) for p in (self.qkv, self.q_norm, self.k_norm, self.out, self.gate_up, self.down)))
        for qkv, q_norm, k_norm, out, gate_up, down in layers:
            heads = self.heads(self.linear(rms_norm(x, s.eps), qkv), q_norm, k_norm)
            x = x + self.linear(heads, out)
            gate, up = self.linear(rms_norm(x, s.eps), gate_up).chunk(2, -1)
            x = x + self.linear(F.silu(gate) * up, down)
        return rms_norm(x, s.eps) * self.output_norm

    def heads(self, qkv: Tensor, q_norm: Tensor, k_norm: Tensor) -> Tensor:
        """Attention (B, T, heads * head) of the fused rows."""
        s, (b, t, _) = self.shape, qkv.shape
        q, k, v = qkv.view(b, t, -1, s.head_dim).transpose(1, 2).split((s.heads, s.kv_heads, s.kv_heads), 1)
        cos, sin = self.cos[:t], self.sin[:t]
        q = rotate(rms_norm(q.float(), s.eps) * q_norm, cos, sin).to(self.dtype)
        k = rotate(rms_norm(k.float(), s.eps) * k_norm, cos, sin).to(self.dtype)
        return self.attend(q, k, v).transpose(1, 2).reshape(b, t, -1)

    def logits(self, tokens: Tensor) -> Tensor:
        return self.linear(self.hidden(tokens), self.embed).float()

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Sum of the targets' code lengths in nats; a target of -1 is not scored."""
        logits = self.logits(tokens)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="sum")
