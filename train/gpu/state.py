"""Checkpoints, in parts that can be carried.

A state is a dict of plain values and dicts of tensors: "weights", "m", "v" (the
optimiser's moments), perhaps "ema", the averaged weights. It is written in one of three
forms: "full" as it is; "compact", 16 bits a weight and 8 a first moment, each row with
its scale, 3 bytes a parameter, to go on from (an average begins anew); "weights", 16
bits a weight, averaged if they are, to export.
"""
from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, Dict, Union

import torch
from torch import Tensor

PART = (16 << 20) - (1 << 16)  # bytes
State = Dict[str, Any]
Packed = Dict[str, Tensor]  # q (rows, columns) integers, scale (rows, 1)
SMALL = 1 << 12  # tensors of fewer numbers stay as they are


def pack(x: Tensor, dtype: torch.dtype) -> Union[Tensor, Packed]:
    """Rounds rows to integers; x (..., columns)."""
    if x.numel() < SMALL:
        return x.cpu()
    scale = (x.abs().amax(-1, keepdim=True) / torch.iinfo(dtype).max).clamp_min(1e-38)
    return {"q": (x / scale).round().to(dtype).cpu(), "scale": scale.cpu()}


def unpack(x: Union[Tensor, Packed]) -> Tensor:
    return x if isinstance(x, Tensor) else x["q"].float() * x["scale"]


def to_form(state: State, form: str) -> State:
    if form == "full":
        return state
    out = {k: x for k, x in state.items() if k not in ("weights", "ema", "m", "v")}
    weights = state["weights"] if form == "compact" else state.get("ema", state["weights"])
    out["weights"] = {n: pack(x, torch.int16) for n, x in weights.items()}
    if form == "compact":
        out["m"] = {n: pack(x, torch.int8) for n, x in state["m"].items()}
        out["v"] = {n: pack(x.sqrt(), torch.int16) for n, x in state["v"].items()}
    return {**out, "form": form}


def from_form(state: State) -> State:
    if state["form"] == "full":
        return state
    out = dict(state)
    for k in ("weights", "m", "v"):
        if k in state:
            out[k] = {n: unpack(x) for n, x in state[k].items()}
    if "v" in out:
        out["v"] = {n: x.square() for n, x in out["v"].items()}
    return out


def save(folder: Path, state: State, form: str = "full") -> int:
    """Writes folder/state.00, .01, ... over an earlier state, once all of it is written; returns bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    torch.save(to_form({**state, "form": "full"}, form), buffer)
    b = buffer.getvalue()
    parts = [b[at : at + PART] for at in range(0, len(b), PART)]
    for i, part in enumerate(parts):
        (folder / f"state.{i:02d}.tmp").write_bytes(part)
    for old in folder.glob("state.[0-9][0-9]"):
        old.unlink()
    for i in range(len(parts)):
        os.replace(folder / f"state.{i:02d}.tmp", folder / f"state.{i:02d}")
    return len(b)


def load(folder: Path) -> State:
    """Reads what save wrote, tensors on the CPU."""
    parts = sorted(folder.glob("state.[0-9][0-9]"))
    if not parts:
        raise FileNotFoundError(f"{folder}: no state.00")
    b = b"".join(p.read_bytes() for p in parts)
    return from_form(torch.load(io.BytesIO(b), map_location="cpu"))
