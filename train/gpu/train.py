"""Trains a model of kolm's family on one GPU, in runs that the clock bounds.

A run goes from progress 0 to 1, in one call or several: each call takes it from where
it is to --until within --minutes of wall time, compiling included, whatever the speed.
The rates follow the progress: they rise over the first tokens, stay, and fall to zero
over the last --decay of the progress. README.md has the commands.
"""
from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor

import attention
import data
import export
import gguf
import state
from model import Model, Shape
from optim import Optimiser, Rates

SAVE_SECONDS, LOG_SECONDS = 150, 10


def arguments(argv: Optional[List[str]] = None) -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data", type=Path, help="folder of pieces, see data.py")
    p.add_argument("run", type=Path, help="folder of the full state; a run goes on from what lies there")
    p.add_argument("--minutes", type=float, required=True, help="wall time of this call's training, from its start")
    p.add_argument("--until", type=float, default=1, help="progress that this call reaches (default 1: the end)")
    p.add_argument("--resume", type=Path, help="folder of a state that came back, for an empty run folder")
    p.add_argument("--from", dest="begin", type=Path, help="a model of kolm of this vocabulary to begin with")
    p.add_argument("--size", default="8x384", help="LAYERSxWIDTH, as in kolm train (default %(default)s)")
    p.add_argument("--ffn", type=int, default=0, help="width of the feed-forward blocks (default: three times the width)")
    p.add_argument("--window", type=int, default=256)
    p.add_argument("--seq", type=int, default=512, help="tokens of a sequence (default %(default)s)")
    p.add_argument("--micro", type=int, default=64, help="sequences at a time (default %(default)s)")
    p.add_argument("--batch", default="0:65536,0.2:131072,0.5:262144", help="PROGRESS:TOKENS of a step, from there on, in whole --micro times --seq (default %(default)s)")
    p.add_argument("--warmup", type=int, default=4_000_000, help="tokens")
    p.add_argument("--decay", type=float, default=0.5, help="share of the progress (default %(default)s)")
    for name, rate in asdict(Rates()).items():
        p.add_argument("--" + name.replace("_", "-"), type=float, default=rate, help="(default %(default)s)")
    p.add_argument("--ema", type=float, default=0, help="average the weights, keeping this much a step; 0: not")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--evals", type=int, default=8, help="measurements on held-out text in this call")
    p.add_argument("--out", type=Path, help="folder for a state to carry away, in parts, and the log")
    p.add_argument("--form", choices=["full", "compact", "weights"], default="compact", help="of that state")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return p.parse_args(argv)


def batch_at(schedule: str, progress: float) -> int:
    steps = [(float(at), int(n)) for at, n in (s.split(":") for s in schedule.split(","))]
    return [n for at, n in steps if at <= progress][-1]


def factor(progress: float, tokens: int, warmup: int, decay: float) -> float:
    """What the constant rates are multiplied by."""
    return max(0.0, min(1.0, tokens / max(1, warmup), (1 - progress) / decay))


class Trainer:
    """A run in progress."""

    def __init__(self, a: argparse.Namespace, begun: float):
        """begun is when the call's clock started."""
        self.a, self.begun, self.device = a, begun, torch.device(a.device)
        cuda = self.device.type == "cuda"
        self.dtype = torch.bfloat16 if cuda else torch.float32
        self.merges = data.read_merges(a.data)
        saved = self.saved()
        if saved:
            shape = Shape(**saved["shape"])
            if saved["merges"] != self.merges:
                raise ValueError(f"{a.data}: not the vocabulary that the run began with")
        else:
            shape = Shape.sized(a.size, 257 + len(self.merges), a.window, a.ffn)
            if a.begin:
                shape = gguf.read(a.begin).shape
        way = attention.compiled(shape, a.seq, self.device, self.dtype) if cuda else attention.eager(shape, a.seq, self.device)
        self.model = Model(shape, a.seq, way, self.dtype, a.seed).to(self.device)
        if a.begin and not saved:
            export.load_weights(self.model, gguf.read(a.begin))
        self.reader = self.model.view(attention.eager(shape, a.seq, self.device), self.dtype)
        self.opt = Optimiser(self.model, Rates(**{k: getattr(a, k) for k in asdict(Rates())}), self.dtype)
        self.at: Dict[str, Any] = {"step": 0, "tokens": 0, "progress": 0.0, "epoch": 0, "next": 0, "seconds": 0.0}
        self.ema: Dict[str, Tensor] = {}
        if saved:
            self.restore(saved)
        if a.ema and not self.ema:
            self.ema = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        self.first, self.earlier = self.at["progress"], self.at["seconds"]
        if not self.first < a.until <= 1:
            raise ValueError(f"the run is at progress {self.first:.3f}: --until must be more, at most 1")
        self.load_data()
        self.loss = self.compile() if cuda else self.model.loss
        self.log: List[str] = []

    def saved(self) -> Optional[state.State]:
        for folder in (self.a.run, self.a.resume):
            if folder and (folder / "state.00").exists():
                return state.load(folder)
        if self.a.resume:
            raise FileNotFoundError(f"{self.a.resume}: no state.00")
        return None

    def restore(self, saved: state.State) -> None:
        self.at = saved["at"]
        with torch.no_grad():
            for n, p in self.model.named_parameters():
                p.copy_(saved["weights"][n])
        for mine, theirs in ((self.opt.m, saved.get("m", {})), (self.opt.v, saved.get("v", {}))):
            for n in theirs:
                mine[n].copy_(theirs[n])
        self.ema = {n: x.to(self.device) for n, x in saved.get("ema", {}).items()}

    def load_data(self) -> None:
        tokens = torch.from_numpy(data.read_pieces(self.a.data)).to(self.device)
        if self.at.get("corpus", len(tokens)) != len(tokens):  # other pieces: their order is another one
            self.at.update(epoch=self.at["epoch"] + 1, next=0)
        self.at["corpus"] = len(tokens)
        self.windows = data.Windows(tokens, self.a.seq, self.a.seed, self.at["epoch"], self.at["next"])
        self.held = torch.from_numpy(data.read_cache(next(self.a.data.glob("held.u16*"))).astype("int32")).to(self.device)
        lengths = [len(t) for t in data.token_texts(self.merges)]
        self.bytes = torch.tensor(lengths, dtype=torch.float64, device=self.device)

    def compile(self) -> Callable[[Tensor, Tensor], Tensor]:
        """The loss in the fastest way that works here and agrees with the plainest one, by trial."""
        few = self.windows.tokens[: self.a.micro * self.a.seq + 1]
        batch = next(data.in_order(few, self.a.seq, self.a.micro))
        with torch.no_grad():
            want = self.reader.loss(*batch).item()
        for model in (self.model, self.reader):
            try:
                loss = torch.compile(model.loss, dynamic=False)
                got = loss(*batch)
                got.backward()
                self.model.zero_grad(set_to_none=True)
                if abs(got.item() - want) < 0.005 * want:
                    return loss
                print(f"compile: a loss of {got.item()}, want {want}", file=sys.stderr)
            except Exception as e:  # whatever a compiler may raise: uncompiled is as right, only slower
                print(f"compile: {type(e).__name__}: {str(e)[:200]}", file=sys.stderr)
        return self.reader.loss

    def progress(self) -> float:
        """Where the clock says that the run is."""
        share = (monotonic() - self.begun) / (60 * self.a.minutes)
        return min(self.a.until, self.first + (self.a.until - self.first) * share)

    def step(self) -> Tuple[float, float, float]:
        """One step; returns nats a token, the rate's factor and the gradient's norm."""
        a, at = self.a, self.at
        micro = a.micro * a.seq
        parts = max(1, batch_at(a.batch, at["progress"]) // micro)
        total = torch.zeros((), device=self.device)
        for _ in range(parts):
            loss = self.loss(*self.windows.take(a.micro)) / (parts * micro)
            loss.backward()
            total += loss.detach()
        at["step"] += 1
        at["tokens"] += parts * micro
        at["epoch"], at["next"] = self.windows.epoch, self.windows.next
        rate = factor(at["progress"], at["tokens"], a.warmup, a.decay)
        norm = self.opt.step(rate, at["step"])
        for n, average in self.ema.items():
            average.lerp_(getattr(self.model, n).detach(), 1 - a.ema)
        nats = total.item()  # waits for the GPU: the clock is true
        if not math.isfinite(nats):
            raise ArithmeticError(f"the loss of step {at['step']} is {nats}: lower the rates; the last state is whole")
        at["progress"], at["seconds"] = self.progress(), self.earlier + monotonic() - self.begun
        return nats, rate, norm.item()

    @torch.no_grad()
    def measure(self) -> float:
        """Bits per byte of held-out text, windows in order, under the averaged weights if there are any."""
        kept = {n: getattr(self.model, n).clone() for n in self.ema}
        for n, average in self.ema.items():
            getattr(self.model, n).copy_(average)
        nats, size = 0.0, 0.0
        for tokens, targets in data.in_order(self.held, self.a.seq, self.a.micro):
            nats += self.reader.loss(tokens, targets).item()
            size += self.bytes[targets.clamp_min(0)][targets >= 0].sum().item()
        for n, own in kept.items():
            getattr(self.model, n).copy_(own)
        return nats / math.log(2) / size

    def state(self) -> state.State:
        weights = {n: p.detach() for n, p in self.model.named_parameters()}
        s = {"shape": asdict(self.model.shape), "merges": self.merges, "at": dict(self.at), "seq": self.a.seq,
             "weights": weights, "m": self.opt.m, "v": self.opt.v}
        return {**s, "ema": self.ema} if self.ema else s

    def say(self, **fields: Any) -> None:
        """Adds a line to the log: JSON, and the same to the eye."""
        entry = {**{k: self.at[k] for k in ("step", "tokens", "progress", "epoch", "seconds")}, **fields}
        entry = {k: round(x, 5) if isinstance(x, float) else x for k, x in entry.items()}
        self.log.append(json.dumps(entry))
        with open(self.a.run / "log.jsonl", "a") as f:
            f.write(self.log[-1] + "\n")
        print("  ".join(f"{k} {x}" for k, x in entry.items()), file=sys.stderr, flush=True)

    def train(self) -> None:
        """Trains until the call's time is over, saves, and measures."""
        a = self.a
        a.run.mkdir(parents=True, exist_ok=True)
        self.at["progress"] = self.progress()
        now = monotonic()
        logged, saved, tokens = now, now, self.at["tokens"]
        measured, every = self.at["progress"], (a.until - self.first) / max(1, a.evals)
        while self.at["progress"] < a.until:
            nats, rate, norm = self.step()
            now = monotonic()
            if self.at["step"] <= 3 or now - logged > LOG_SECONDS:
                speed = (self.at["tokens"] - tokens) / max(1e-9, now - logged)
                tflops = speed * self.model.shape.flops(a.seq) / 1e12
                self.say(loss=nats, rate=rate, norm=norm, tokens_per_second=round(speed), tflops=tflops)
                logged, tokens = now, self.at["tokens"]
            if self.at["progress"] - measured >= every:
                self.say(held_out_bits_per_byte=self.measure())
                measured = self.at["progress"]
            if now - saved > SAVE_SECONDS:
                state.save(a.run, self.state())
                saved = monotonic()
        self.at["progress"] = a.until
        state.save(a.run, self.state())
        if a.out:
            state.save(a.out, self.state(), a.form)
        self.say(held_out_bits_per_byte=self.measure(), call="ended")
        if a.out:
            (a.out / "log.jsonl").write_text("\n".join(self.log) + "\n")


def main(argv: Optional[List[str]] = None) -> None:
    begun = monotonic()
    Trainer(arguments(argv), begun).train()


if __name__ == "__main__":
    main()
