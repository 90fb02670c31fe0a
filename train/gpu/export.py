"""From a trained state to a model file: quantise, measure, write, with test vectors.

    python3 export.py STATE-FOLDER MODEL.gguf [--data PIECES] [--bits 8]
    python3 export.py MODEL.gguf --vectors [OUT.vectors.json]

The second form makes the test vectors of any model that kolm wrote. Runs on a CPU.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Dict, List

import numpy as np
import torch

import attention
import data
import gguf
import state
from gguf import File, Int8, Matrix
from model import Model, Shape

LARGEST = np.float16(65504)
FUSED = {"qkv": ("attn_q", "attn_k", "attn_v"), "out": ("attn_output",), "gate_up": ("ffn_gate", "ffn_up"), "down": ("ffn_down",)}


def tensors(model: Model) -> Dict[str, np.ndarray]:
    """The model's tensors as the file has them, float32."""
    s = model.shape
    w = {n: p.detach().cpu().float() for n, p in model.named_parameters()}
    ones = np.ones(s.dim, np.float32)
    out = {"token_embd": model.input_table().detach().cpu().numpy(), "output": w["embed"].numpy()}
    out["output_norm"] = w["output_norm"].numpy()
    for i in range(s.layers):
        parts = {"attn_norm": ones, "ffn_norm": ones, "attn_q_norm": w["q_norm"][i].numpy(), "attn_k_norm": w["k_norm"][i].numpy()}
        for fused, split in FUSED.items():
            rows, _ = s.rows()[fused]
            parts.update(zip(split, (x.numpy() for x in w[fused][i].split(rows))))
        out.update({f"blk.{i}.{n}": x for n, x in parts.items()})
    return out


def load_weights(model: Model, f: File) -> None:
    """Sets the model's weights to those of a file; its input table is then the normed output table."""
    t = {n: torch.tensor(x.floats() if isinstance(x, Int8) else x) for n, x in f.tensors.items()}
    layers = range(f.shape.layers)
    if any((t[f"blk.{i}.{n}"] != 1).any() for i in layers for n in ("attn_norm", "ffn_norm")):
        raise ValueError("the model has gains before its blocks: it was not trained by kolm")
    new = {"embed": t["output"], "output_norm": t["output_norm"]}
    new["q_norm"] = torch.stack([t[f"blk.{i}.attn_q_norm"] for i in layers])
    new["k_norm"] = torch.stack([t[f"blk.{i}.attn_k_norm"] for i in layers])
    for fused, split in FUSED.items():
        new[fused] = torch.stack([torch.cat([t[f"blk.{i}.{n}"] for n in split]) for i in layers])
    with torch.no_grad():
        for n, p in model.named_parameters():
            p.copy_(new[n])


def of_file(f: File, positions: int) -> Model:
    """The model of a file in float32, its input table as it stands there."""
    model = Model(f.shape, positions, attention.plain(f.shape.window), torch.float32)
    load_weights(model, f)
    table = f.tensors["token_embd"]
    model.input = torch.tensor(table.floats() if isinstance(table, Int8) else table)
    return model


def quantise(w: np.ndarray, bits: int) -> Int8:
    """Rounds rows of w to integers of so many bits and a float16 scale.

    With 8 bits exactly as internal/model.Quantize: the scale is the smallest float16 that
    reaches the row's largest number. With fewer, of the scales that clip up to half of the
    range, the one of least square error.
    """
    levels = 2 ** (bits - 1) - 1
    top = np.abs(w).max(1)
    best, error = None, np.full(len(w), np.inf)
    for share in [1.0] if bits == 8 else np.linspace(1, 0.5, 26):
        scale = np.minimum((top * np.float32(share) / np.float32(levels)).astype(np.float16), LARGEST)
        short = scale.astype(np.float64) * levels < top.astype(np.float64)
        if share == 1:
            scale = np.where(short, np.nextafter(scale, LARGEST), scale)
        s = scale.astype(np.float64)[:, None]
        q = np.clip(np.rint(w / np.where(s == 0, np.inf, s)), -levels, levels)
        e = ((q * s - w) ** 2).sum(1)
        if best is None:
            best = Int8(q.astype(np.int8), scale)
        better = e < error
        best.q[better], best.scale[better], error[better] = q[better], scale[better], e[better]
    return best


def quantised(f: File, bits: int, table_bits: int) -> File:
    def one(name: str, x: Matrix) -> Matrix:
        if x.ndim == 1:
            return x
        return quantise(x, table_bits if name in ("token_embd", "output") else bits)

    return File(f.name, f.shape, f.merges, {n: one(n, x) for n, x in f.tensors.items()})


def entropy(f: File) -> float:
    """Bits a weight that the integers would take if coded by their frequencies, tensor by tensor."""
    total, count = 0.0, 0
    for x in f.tensors.values():
        if isinstance(x, Int8):
            n = np.bincount(x.q.reshape(-1).astype(np.int64) + 128)
            n = n[n > 0]
            total, count = total - (n * np.log2(n / n.sum())).sum(), count + n.sum()
    return total / count


@torch.no_grad()
def bits_per_byte(model: Model, merges: data.Merges, held: np.ndarray, seq: int) -> float:
    sizes = torch.tensor([len(t) for t in data.token_texts(merges)], dtype=torch.float64)
    nats = size = 0.0
    for tokens, targets in data.in_order(torch.from_numpy(held.astype(np.int32)), seq, 8):
        nats += model.loss(tokens, targets).item()
        size += sizes[targets.clamp_min(0)][targets >= 0].sum().item()
    return nats / math.log(2) / size


@torch.no_grad()
def vectors(f: File, tokens: List[int], rows: List[int]) -> Dict[str, object]:
    """Logits of the float32 forward pass after the tokens at some positions, for the file of f."""
    logits = of_file(f, len(tokens)).logits(torch.tensor([tokens]))[0]
    digest = hashlib.sha256(gguf.marshal(f)).hexdigest()
    table = [{"position": r, "logits": [round(x, 6) for x in logits[r].tolist()]} for r in rows]
    return {"sha256": digest, "window": f.shape.window, "tokens": tokens, "rows": table}


def some_vectors(f: File, length: int = 0) -> Dict[str, object]:
    """Vectors for tokens drawn from a fixed seed, one and a half windows by default."""
    length = length or 3 * f.shape.window // 2
    rnd = np.random.default_rng(1)
    tokens = [data.SEPARATOR] + rnd.integers(f.shape.vocab, size=length - 1).tolist()
    return vectors(f, tokens, sorted({0, 1, f.shape.window - 1, length - 1}))


def from_state(folder: Path, name: str) -> File:
    s = state.load(folder)
    shape = Shape(**s["shape"])
    model = Model(shape, s["seq"], attention.plain(shape.window), torch.float32)
    with torch.no_grad():
        for n, p in model.named_parameters():
            p.copy_(s.get("ema", s["weights"])[n])
    return File(name, shape, s["merges"], tensors(model))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("source", type=Path, help="folder of a state, or a model file")
    p.add_argument("model", type=Path, nargs="?", help="model file to write")
    p.add_argument("--bits", type=int, default=8, choices=range(3, 9), help="a weight in the layers")
    p.add_argument("--table-bits", type=int, default=8, choices=range(3, 9), help="a weight in the two tables")
    p.add_argument("--float32", action="store_true", help="write float32 matrices")
    p.add_argument("--data", type=Path, help="folder of pieces: measure before and after, on its held-out text")
    p.add_argument("--tokens", type=int, default=1 << 17, help="to measure on (default %(default)s)")
    p.add_argument("--vectors", type=Path, nargs="?", const=Path("-"), help="write test vectors here; beside the model if no name is given")
    a = p.parse_args()
    if a.source.is_dir():
        if a.model is None:
            p.error("a state becomes a model file: name it")
        exact = from_state(a.source, a.model.stem)
        f = exact if a.float32 else quantised(exact, a.bits, a.table_bits)
        a.model.write_bytes(gguf.marshal(f))
        print(f"{a.model}: {a.model.stat().st_size} bytes, sha256 {hashlib.sha256(gguf.marshal(f)).hexdigest()}", file=sys.stderr)
        if not a.float32:
            print(f"{a.model}: computed entropy of its integers {entropy(f):.3f} bits a weight", file=sys.stderr)
        compared = [("float32", exact), ("written", f)]
    else:
        f = gguf.read(a.source)
        a.model, compared = a.source, [("file", f)]
    if a.data:
        held = data.read_cache(next(a.data.glob("held.u16*")))[: a.tokens]
        for label, x in compared:
            bits = bits_per_byte(of_file(x, 2 * x.shape.window), x.merges, held, 2 * x.shape.window)
            print(f"{label}: {bits:.5f} bits/byte on {len(held)} held-out tokens, float32 arithmetic", file=sys.stderr)
    if a.vectors:
        path = a.model.with_suffix(".vectors.json") if str(a.vectors) == "-" else a.vectors
        path.write_text(json.dumps(some_vectors(f)) + "\n")


if __name__ == "__main__":
    main()
