"""Causal attention within a sliding window, in three ways that agree.

Position i sees positions i-window+1 .. i; query head h uses the key and value head
h * kv_heads // heads. "plain" needs nothing; "sdpa" needs PyTorch 2 and runs a fused
kernel under a mask; "flex" needs PyTorch 2.5 and CUDA, skips what the window hides,
and is only fast inside torch.compile.
"""
from __future__ import annotations

import math
import sys

import torch
import torch.nn.functional as F
from torch import Tensor

from model import Attend, Shape


def visible(seq: int, window: int, device: torch.device) -> Tensor:
    """(seq, seq), true where the query of the row sees the key of the column."""
    at = torch.arange(seq, device=device)
    back = at[:, None] - at[None, :]
    return (back >= 0) & (back < window)


def grouped(q: Tensor, k: Tensor, v: Tensor) -> "tuple[Tensor, Tensor]":
    """Keys and values, a head for every query head."""
    n = q.shape[1] // k.shape[1]
    return k.repeat_interleave(n, 1), v.repeat_interleave(n, 1)


def plain(window: int) -> Attend:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        k, v = grouped(q, k, v)
        scores = (q @ k.transpose(-1, -2)).float() / math.sqrt(q.shape[-1])
        hidden = ~visible(q.shape[-2], window, q.device)
        return scores.masked_fill(hidden, -math.inf).softmax(-1).to(v.dtype) @ v

    return attend


def sdpa(window: int, seq: int, device: torch.device) -> Attend:
    mask = visible(seq, window, device)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        k, v = grouped(q, k, v)
        n = q.shape[-2]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:n, :n])

    return attend


def flex(window: int, seq: int, device: torch.device) -> Attend:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    def sees(b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return (i >= j) & (i - j < window)

    mask = create_block_mask(sees, None, None, seq, seq, device=device)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return flex_attention(q, k, v, block_mask=mask, enable_gqa=True)

    return attend


def eager(shape: Shape, seq: int, device: torch.device) -> Attend:
    """The best way outside torch.compile."""
    if hasattr(F, "scaled_dot_product_attention"):
        return sdpa(shape.window, seq, device)
    return plain(shape.window)


def compiled(shape: Shape, seq: int, device: torch.device, dtype: torch.dtype) -> Attend:
    """The best way inside torch.compile: flex if it works here and agrees with plain, gradients too."""
    try:
        attend = flex(shape.window, seq, device)
        fast = torch.compile(attend)
        heads = (shape.heads, shape.kv_heads, shape.kv_heads, shape.heads)
        random = [torch.randn(2, h, seq, shape.head_dim, device=device, dtype=dtype) for h in heads]
        results = []
        for way, kind in ((fast, dtype), (plain(shape.window), torch.float32)):
            *args, weight = (x.to(kind).requires_grad_() for x in random)
            y = way(*args)
            results.append([y, *torch.autograd.grad((y * weight).sum(), args)])
        for a, b in zip(*results):
            worst = (a - b).abs().max().item() / b.abs().max().item()
            if not worst < 0.03:  # bfloat16 has 8 bits
                raise ArithmeticError(f"differs from plain attention by {worst:.3f}")
        return attend
    except Exception as e:  # whatever a compiler may raise: the other way is as right, only slower
        print(f"attention: flex is not used: {type(e).__name__}: {str(e)[:200]}", file=sys.stderr)
        return eager(shape, seq, device)
