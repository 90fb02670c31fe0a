"""Tokens for the trainer: kolm's token caches, cut into pieces that can be carried.

A token cache is what `kolm train` leaves in its run folder (internal/train/data.go):
"kolmtok1", the number of tokens as uint64, a SHA-256 of what they were made from, and
the tokens as little-endian uint16, a separator (256) before each document. A piece is
a cache of a part of the tokens, packed with xz: half the size of 12 bits a token.

    python3 data.py pieces RUN-FOLDER MODEL.gguf OUT-FOLDER

writes tokens-00.u16.xz, ..., held.u16.xz and vocabulary.json.
"""
from __future__ import annotations

import argparse
import json
import lzma
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator, List, Tuple

import numpy as np
import torch
from torch import Tensor

SEPARATOR = 256
MAGIC, HEADER = b"kolmtok1", 48
FILTER = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lp": 1, "pb": 1, "lc": 3}]  # numbers of two bytes
Merges = List[Tuple[int, int]]


def read_cache(path: Path) -> np.ndarray:
    """The tokens (uint16) of a cache or a piece."""
    b = path.read_bytes()
    if path.suffix == ".xz":
        b = lzma.decompress(b)
    if b[:8] != MAGIC or len(b) != HEADER + 2 * int.from_bytes(b[8:16], "little"):
        raise ValueError(f"{path}: not a whole token cache")
    return np.frombuffer(b, "<u2", offset=HEADER)


def write_cache(path: Path, tokens: np.ndarray, key: bytes = bytes(32)) -> None:
    """Writes tokens as a cache, packed if the name ends in .xz."""
    b = MAGIC + len(tokens).to_bytes(8, "little") + key + tokens.astype("<u2").tobytes()
    path.write_bytes(lzma.compress(b, filters=FILTER) if path.suffix == ".xz" else b)


def pieces(run: Path, merges: Merges, out: Path, tokens: int) -> None:
    """Cuts the caches of a run folder into pieces of so many tokens."""
    found = sorted(run.glob("tokens-*.u16")), sorted(run.glob("held-*.u16"))
    if [len(f) for f in found] != [1, 1]:
        raise ValueError(f"{run}: want one tokens-*.u16 and one held-*.u16, of one corpus")
    train, held = (np.memmap(f[0], "<u2", offset=HEADER, mode="r") for f in found)
    if train[0] != SEPARATOR or max(int(train[:1 << 24].max()), int(held.max())) >= 257 + len(merges):
        raise ValueError(f"{run}: its tokens are not of the model's vocabulary")
    with open(found[0][0], "rb") as f:
        key = f.read(HEADER)[16:]
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocabulary.json").write_text(json.dumps({"merges": merges}))
    write_cache(out / "held.u16.xz", held, key)
    for i, at in enumerate(range(0, train.size, tokens)):
        path = out / f"tokens-{i:02d}.u16.xz"
        part = train[at : at + tokens]
        write_cache(path, part, key)
        print(f"{path}: {part.size} tokens, {path.stat().st_size} bytes", file=sys.stderr)


def read_pieces(folder: Path) -> np.ndarray:
    """The tokens (int32) of all pieces, or caches, of a folder."""
    paths = sorted(folder.glob("tokens-*.u16*"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no tokens-*.u16.xz")
    with ThreadPoolExecutor() as pool:  # xz unpacks outside the interpreter's lock
        return np.concatenate(list(pool.map(read_cache, paths))).astype(np.int32)


def read_merges(folder: Path) -> Merges:
    return [(a, b) for a, b in json.loads((folder / "vocabulary.json").read_text())["merges"]]


def token_texts(merges: Merges) -> List[bytes]:
    """The bytes of every token; the separator has none."""
    texts = [bytes([b]) for b in range(256)] + [b""]
    for a, b in merges:
        texts.append(texts[a] + texts[b])
    return texts


def split(window: Tensor) -> Tuple[Tensor, Tensor]:
    """Inputs and targets (B, T) of windows (B, T+1); the separator is never scored: -1."""
    targets = window[:, 1:]
    return window[:, :-1].contiguous(), targets.masked_fill(targets == SEPARATOR, -1)


class Windows:
    """Serves windows of seq tokens: each epoch all of them, from an offset and in an order of its own."""

    def __init__(self, tokens: Tensor, seq: int, seed: int, epoch: int = 0, next: int = 0):
        """tokens (N) int32 lie where training runs."""
        if len(tokens) < 2 * seq + 1:
            raise ValueError(f"{len(tokens)} tokens are too few for sequences of {seq}")
        self.tokens, self.seq, self.seed, self.epoch, self.next = tokens, seq, seed, epoch, next
        self.span = torch.arange(seq + 1, device=tokens.device)
        self.shuffle()

    def shuffle(self) -> None:
        rnd = np.random.default_rng([self.seed, self.epoch])
        base = int(rnd.integers(self.seq))
        self.starts = torch.from_numpy(rnd.permutation((len(self.tokens) - 1 - base) // self.seq) * self.seq + base)

    def take(self, n: int) -> Tuple[Tensor, Tensor]:
        """The next n windows; what is left of an epoch that has fewer is skipped."""
        if n > len(self.starts):
            raise ValueError(f"{len(self.starts)} windows in an epoch, {n} wanted at once: more text, or a smaller batch")
        if self.next + n > len(self.starts):
            self.epoch, self.next = self.epoch + 1, 0
            self.shuffle()
        at = self.starts[self.next : self.next + n].to(self.tokens.device)
        self.next += n
        return split(self.tokens[at[:, None] + self.span].long())


def in_order(tokens: Tensor, seq: int, n: int) -> Iterator[Tuple[Tensor, Tensor]]:
    """All whole windows in order, at most n at a time."""
    whole = (len(tokens) - 1) // seq
    at = torch.arange(whole, device=tokens.device) * seq
    span = torch.arange(seq + 1, device=tokens.device)
    for part in at.split(n):
        yield split(tokens[part[:, None] + span].long())


def main() -> None:
    import gguf

    parser = argparse.ArgumentParser(description="Cut kolm's token caches into pieces.")
    parser.add_argument("verb", choices=["pieces"])
    parser.add_argument("run", type=Path, help="run folder of kolm train")
    parser.add_argument("model", type=Path, help="a model with the vocabulary of the tokens")
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokens", type=int, default=1 << 25, help="in a piece (default %(default)s)")
    a = parser.parse_args()
    pieces(a.run, gguf.read(a.model).merges, a.out, a.tokens)


if __name__ == "__main__":
    main()
