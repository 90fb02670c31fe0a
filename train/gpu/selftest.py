"""Checks the trainer on a CPU with tiny shapes, in seconds: python3 selftest.py.

With --write FOLDER it also leaves the tiny model and its test vectors there, which the
Go test TestVectors of internal/lmfile reads: internal/lmfile/testdata.
"""
from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import unittest
from collections import Counter
from itertools import count
from pathlib import Path
from typing import List, Tuple
from unittest import mock

import numpy as np
import torch

import attention
import data
import export
import gguf
import optim
import state
import train
from model import Model, Shape, rms_norm

HERE = Path(__file__).resolve().parent
TINY = Shape(vocab=288, dim=32, layers=2, heads=2, kv_heads=1, head_dim=32, ffn=32, window=32)
SEQ = 64
CPU = torch.device("cpu")


def tiny(seed: int = 1) -> Model:
    return Model(TINY, SEQ, attention.plain(TINY.window), torch.float32, seed)


def corpus() -> Tuple[np.ndarray, data.Merges]:
    """The texts of this folder as tokens of a vocabulary of 288: 31 merges, most frequent pair first."""
    docs = [p.read_bytes() for p in sorted(HERE.glob("*.py")) + [HERE / "README.md"]]
    tokens: List[int] = []
    for doc in docs:
        tokens += [data.SEPARATOR, *doc]
    merges: data.Merges = []
    while len(merges) < TINY.vocab - 257:
        pairs = Counter((a, b) for a, b in zip(tokens, tokens[1:]) if data.SEPARATOR not in (a, b))
        pair, out = pairs.most_common(1)[0][0], []
        for t in tokens:
            if out and (out[-1], t) == pair:
                out[-1] = 257 + len(merges)
            else:
                out.append(t)
        tokens = out
        merges.append(pair)
    return np.array(tokens, np.uint16), merges


class Parts(unittest.TestCase):
    """Each part by itself."""

    def test_attention_ways_agree(self) -> None:
        q, k, v = (torch.randn(2, h, SEQ, 32) for h in (4, 2, 2))
        want = attention.plain(20)(q, k, v)
        for i in (0, 19, 20, SEQ - 1):  # against the definition
            first = max(0, i - 19)
            p = (k[1, 1, first : i + 1] @ q[1, 3, i] / 32**0.5).softmax(0)
            torch.testing.assert_close(want[1, 3, i], p @ v[1, 1, first : i + 1])
        if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
            torch.testing.assert_close(attention.sdpa(20, SEQ, CPU)(q, k, v), want)

    def test_muon_orthogonalises(self) -> None:
        for rows, cols in ((16, 48), (48, 16)):
            values = torch.linalg.svdvals(optim.orthogonalise(torch.randn(3, rows, cols), torch.float32))
            self.assertTrue(0.5 < values.min() and values.max() < 1.3, values)

    def test_initial_loss_is_uniform(self) -> None:
        tokens, targets = torch.randint(257, 288, (2, 2, SEQ))
        self.assertAlmostEqual(tiny().loss(tokens, targets).item() / targets.numel(), np.log(288), delta=0.2)

    def test_schedule(self) -> None:
        cases = [((0.0, 50), 0.5), ((0.3, 1000), 1.0), ((0.75, 1000), 0.5), ((1.0, 1000), 0.0)]
        for (progress, tokens), want in cases:
            self.assertAlmostEqual(train.factor(progress, tokens, 100, 0.5), want)
        self.assertEqual([train.batch_at("0:1,0.5:2", p) for p in (0, 0.49, 0.5, 1)], [1, 1, 2, 2])

    def test_cache_and_windows(self) -> None:
        tokens = np.arange(1000, dtype=np.uint16)
        with tempfile.TemporaryDirectory() as d:
            for name in ("tokens-00.u16", "tokens-01.u16.xz"):
                data.write_cache(Path(d, name), tokens)
            self.assertEqual(data.read_pieces(Path(d)).tolist(), 2 * list(range(1000)))
            Path(d, "tokens-02.u16").write_bytes(Path(d, "tokens-00.u16").read_bytes()[:-1])
            with self.assertRaisesRegex(ValueError, "not a whole"):
                data.read_pieces(Path(d))
        w = data.Windows(torch.arange(1000, dtype=torch.int32), 10, seed=1)
        seen = torch.cat([w.take(7)[0] for _ in range(14)])
        self.assertEqual((w.epoch, len(seen.flatten().unique())), (0, 980))
        inputs, targets = w.take(7)
        self.assertEqual(w.epoch, 1)
        self.assertTrue(bool(((targets == inputs + 1) | (inputs == 255) & (targets == -1)).all()))

    def test_quantiser(self) -> None:
        w = np.random.default_rng(1).standard_normal((64, 96)).astype(np.float32)
        w[0], w[1] = 0, 1e-9
        errors = [((export.quantise(w, b).floats() - w) ** 2).mean() for b in (8, 6, 5, 4)]
        self.assertEqual(errors, sorted(errors))
        self.assertLess(errors[0], 5e-5)
        clipped = export.quantise(w, 4)
        self.assertTrue(bool((np.abs(clipped.q) <= 7).all()) and float(clipped.scale[2]) * 7 < np.abs(w[2]).max())

    def test_state_forms(self) -> None:
        rnd = {"weights": torch.randn(90, 64), "m": torch.randn(90, 64), "v": torch.rand(90, 64)}
        near = {"full": (0, 0, 0), "compact": (1e-4, 0.02, 1e-4), "weights": (1e-4, None, None)}
        with tempfile.TemporaryDirectory() as d, mock.patch.object(state, "PART", 9000):
            for form, limits in near.items():
                size = state.save(Path(d), {k: {"x": x} for k, x in rnd.items()}, form)
                self.assertEqual(len(list(Path(d).glob("state.*"))), -(-size // 9000))
                got = state.load(Path(d))
                for (k, x), limit in zip(rnd.items(), limits):
                    self.assertEqual(k in got, limit is not None)
                    if k in got:
                        self.assertLessEqual((got[k]["x"] - x).abs().max().item(), limit)


class Whole(unittest.TestCase):
    """A run in two calls, its export, and the vectors."""

    def test_run(self) -> None:
        tokens, merges = corpus()
        clock = count(0, 0.02)  # a look at the clock is the time that passes: about 80 steps a call
        with tempfile.TemporaryDirectory() as d, mock.patch.object(train, "monotonic", lambda: next(clock)):
            folder = Path(d)
            run = folder / "kolm-run"
            run.mkdir()
            data.write_cache(run / "tokens-0.u16", tokens)
            data.write_cache(run / "held-0.u16", tokens[:2000])
            data.pieces(run, merges, folder / "pieces", 1 << 14)
            np.testing.assert_array_equal(data.read_pieces(folder / "pieces"), tokens)
            common = [str(folder / "pieces"), "--seq", str(SEQ), "--micro", "4", "--device", "cpu",
                      "--batch", "0:256", "--warmup", "2048", "--minutes", "0.08", "--ema", "0.9", "--evals", "1"]
            first, second = ["--out", str(folder / "out")], ["--out", str(folder / "end"), "--resume", str(folder / "out")]
            with mock.patch.object(Shape, "sized", lambda *_: TINY):
                train.main(common[:1] + [str(folder / "run")] + common[1:] + ["--until", "0.5"] + first)
                train.main(common[:1] + [str(folder / "run2")] + common[1:] + ["--form", "weights"] + second)
                with self.assertRaisesRegex(ValueError, "progress 1"):
                    train.main(common[:1] + [str(folder / "run2")] + common[1:])
            held = []
            for name in ("out", "end"):
                last = json.loads((folder / name / "log.jsonl").read_text().splitlines()[-1])
                held.append(last["held_out_bits_per_byte"])
            self.assertLess(held[1], held[0])
            self.assertLess(held[1], 6)
            exact = export.from_state(folder / "end", "tiny")
            self.check_export(exact, merges, tokens[:2000], held[1])
            if WRITE:
                self.write(exact)

    def check_export(self, exact: gguf.File, merges: data.Merges, held: np.ndarray, bits: float) -> None:
        for f, near in ((exact, 2e-3), (export.quantised(exact, 8, 8), 2e-2)):
            got = export.bits_per_byte(export.of_file(f, SEQ), merges, held, SEQ)
            self.assertAlmostEqual(got, bits, delta=near)
            with tempfile.NamedTemporaryFile() as file:
                Path(file.name).write_bytes(gguf.marshal(f))
                back = gguf.read(Path(file.name))
            self.assertEqual((back.shape, back.merges), (TINY, merges))
            self.assertEqual(gguf.marshal(back), gguf.marshal(f))
        normed = rms_norm(torch.tensor(exact.tensors["output"]), TINY.eps).numpy()
        np.testing.assert_allclose(exact.tensors["token_embd"], normed, rtol=1e-6)
        self.assertLess(export.entropy(export.quantised(exact, 4, 6)), 6)

    def write(self, exact: gguf.File) -> None:
        """The float32 model, its vectors, and the vectors of its int8 form with the hash of that file."""
        int8 = export.quantised(exact, 8, 8)
        (WRITE / "tiny.gguf").write_bytes(gguf.marshal(exact))
        for name, f in (("tiny", exact), ("tiny-int8", int8)):
            (WRITE / f"{name}.vectors.json").write_text(json.dumps(export.some_vectors(f)) + "\n")


WRITE = None
if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--write":
        WRITE = Path(sys.argv[2])
        del sys.argv[1:]
    torch.manual_seed(1)
    unittest.main()
