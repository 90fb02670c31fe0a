"""Models as GGUF files, byte for byte as internal/modelfile writes them.

Version 3, architecture qwen3; matrices F32, or Q8_0 whose blocks in a row share one
scale; norms F32; the window is the context length. read understands these files only.
"""
from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

import numpy as np

from data import SEPARATOR, Merges, token_texts
from model import Shape

ALIGN, BLOCK = 32, 32
F32, Q8_0 = 0, 8
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
Q8_BLOCK = np.dtype([("scale", "<f2"), ("q", "i1", (BLOCK,))])
SCALARS = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}


@dataclass
class Int8:
    """A matrix of int8 numbers q (rows, columns) times a scale (rows), float16."""

    q: np.ndarray
    scale: np.ndarray

    def floats(self) -> np.ndarray:
        return self.q.astype(np.float32) * self.scale.astype(np.float32)[:, None]


Matrix = Union[np.ndarray, Int8]  # float32, or Int8


@dataclass
class File:
    """A model: tensors by their GGUF names without ".weight"."""

    name: str
    shape: Shape
    merges: Merges
    tensors: Dict[str, Matrix]


def names(shape: Shape) -> List[str]:
    """The tensors in the order of the file."""
    parts = ["attn_norm", "attn_q", "attn_k", "attn_v", "attn_q_norm", "attn_k_norm", "attn_output"]
    parts += ["ffn_norm", "ffn_gate", "ffn_up", "ffn_down"]
    return ["token_embd", "output", "output_norm"] + [f"blk.{i}.{p}" for i in range(shape.layers) for p in parts]


def printable() -> List[str]:
    """GPT-2's stand-in for every byte: what prints stands for itself, the rest from U+0100 on."""
    table, after = [], 256
    for b in range(256):
        if 32 < b < 127 or b > 160 and b != 173:
            table.append(chr(b))
        else:
            table.append(chr(after))
            after += 1
    return table


def text(s: str) -> bytes:
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def value(kind: int, x: Any) -> bytes:
    return text(x) if kind == STRING else struct.pack(SCALARS[kind], x)


def array(kind: int, xs: List[Any]) -> bytes:
    return struct.pack("<IQ", kind, len(xs)) + b"".join(value(kind, x) for x in xs)


def metadata(f: File, file_type: int) -> List[Tuple[str, int, bytes]]:
    s, stand_in = f.shape, printable()
    tokens = ["".join(stand_in[b] for b in t) for t in token_texts(f.merges)]
    tokens[SEPARATOR] = "<|endoftext|>"
    types = [3 if i == SEPARATOR else 1 for i in range(len(tokens))]
    head: List[Tuple[str, int, Any]] = [
        ("general.architecture", STRING, "qwen3"),
        ("general.name", STRING, f.name),
        ("general.file_type", UINT32, file_type),
        ("general.quantization_version", UINT32, 2),
        ("qwen3.block_count", UINT32, s.layers),
        ("qwen3.context_length", UINT32, s.window),
        ("qwen3.embedding_length", UINT32, s.dim),
        ("qwen3.feed_forward_length", UINT32, s.ffn),
        ("qwen3.attention.head_count", UINT32, s.heads),
        ("qwen3.attention.head_count_kv", UINT32, s.kv_heads),
        ("qwen3.attention.key_length", UINT32, s.head_dim),
        ("qwen3.attention.value_length", UINT32, s.head_dim),
        ("qwen3.attention.layer_norm_rms_epsilon", FLOAT32, s.eps),
        ("qwen3.rope.freq_base", FLOAT32, s.rope_base),
        ("qwen3.vocab_size", UINT32, s.vocab),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, "qwen2"),
    ]
    pairs = [tokens[a] + " " + tokens[b] for a, b in f.merges]
    lists = [("tokens", STRING, tokens), ("token_type", INT32, types), ("merges", STRING, pairs)]
    tail = [("bos_token_id", UINT32, SEPARATOR), ("eos_token_id", UINT32, SEPARATOR), ("add_bos_token", BOOL, True)]
    return (
        [(key, kind, value(kind, x)) for key, kind, x in head]
        + [("tokenizer.ggml." + key, ARRAY, array(kind, xs)) for key, kind, xs in lists]
        + [("tokenizer.ggml." + key, kind, value(kind, x)) for key, kind, x in tail]
    )


def pack(m: Matrix) -> Tuple[int, Tuple[int, ...], bytes]:
    """Type, dimensions (columns first) and data of a tensor."""
    if isinstance(m, Int8):
        rows, cols = m.q.shape
        blocks = np.empty((rows, cols // BLOCK), Q8_BLOCK)
        blocks["scale"], blocks["q"] = m.scale[:, None], m.q.reshape(rows, -1, BLOCK)
        return Q8_0, (cols, rows), blocks.tobytes()
    return F32, m.shape[::-1], m.astype("<f4").tobytes()


def padding(n: int) -> bytes:
    return bytes(-n % ALIGN)


def marshal(f: File) -> bytes:
    """The file's bytes."""
    if f.shape.vocab != 257 + len(f.merges):
        raise ValueError(f"{len(f.merges)} merges do not make a vocabulary of {f.shape.vocab}")
    packed = [(name, *pack(f.tensors[name])) for name in names(f.shape)]
    keys = metadata(f, 7 if any(typ == Q8_0 for _, typ, _, _ in packed) else 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(packed), len(keys))
    head += b"".join(text(key) + struct.pack("<I", kind) + x for key, kind, x in keys)
    offset = 0
    for name, typ, dims, data in packed:
        head += text(name + ".weight") + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, typ, offset)
        offset += len(data) + len(padding(len(data)))
    return head + padding(len(head)) + b"".join(data + padding(len(data)) for _, _, _, data in packed)


class Reader:
    """Reads values one after another."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, form: str) -> Tuple[Any, ...]:
        x = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return x

    def value(self, kind: int) -> Any:
        if kind == STRING:
            (n,) = self.take("<Q")
            self.at += n
            return self.data[self.at - n : self.at].decode()
        if kind == ARRAY:
            elem, n = self.take("<IQ")
            return [self.value(elem) for _ in range(n)]
        if kind not in SCALARS:
            raise ValueError(f"a value of type {kind}: not a file of kolm")
        return self.take(SCALARS[kind])[0]


def read(path: Path) -> File:
    """The model in a file that kolm or marshal wrote."""
    r = Reader(path.read_bytes())
    magic, version, count, n = r.take("<4sIQQ")
    if (magic, version) != (b"GGUF", 3):
        raise ValueError(f"{path}: not a GGUF file of version 3")
    keys = {r.value(STRING): r.value(*r.take("<I")) for _ in range(n)}
    infos = []
    for _ in range(count):
        name, (dims,) = r.value(STRING), r.take("<I")
        infos.append((name, r.take(f"<{dims}Q"), *r.take("<IQ")))
    base = r.at + len(padding(r.at))
    tensors: Dict[str, Matrix] = {}
    for name, dims, typ, offset in infos:
        if typ not in (F32, Q8_0):
            raise ValueError(f"{path}: {name} has type {typ}: want F32 or Q8_0")
        shape, size = dims[::-1], int(np.prod(dims))
        if typ == F32:
            m: Matrix = np.frombuffer(r.data, "<f4", size, base + offset).reshape(shape)
        else:
            b = np.frombuffer(r.data, Q8_BLOCK, size // BLOCK, base + offset).reshape(shape[0], -1)
            if (b["scale"] != b["scale"][:, :1]).any():
                raise ValueError(f"{path}: {name} has rows of several scales: kolm did not write it")
            m = Int8(b["q"].reshape(shape), b["scale"][:, 0])
        tensors[name[: -len(".weight")]] = m
    return File(keys["general.name"], read_shape(keys), read_merges(keys), tensors)


def read_shape(keys: Dict[str, Any]) -> Shape:
    fields = ["vocab_size", "embedding_length", "block_count", "attention.head_count", "attention.head_count_kv"]
    fields += ["attention.key_length", "feed_forward_length", "context_length"]
    eps = float(np.format_float_positional(np.float32(keys["qwen3.attention.layer_norm_rms_epsilon"])))
    return Shape(*(keys["qwen3." + f] for f in fields), keys["qwen3.rope.freq_base"], eps)


def read_merges(keys: Dict[str, Any]) -> Merges:
    ids = {t: i for i, t in enumerate(keys["tokenizer.ggml.tokens"])}
    pairs = (m.split(" ") for m in keys["tokenizer.ggml.merges"])
    return [(ids[a], ids[b]) for a, b in pairs]
