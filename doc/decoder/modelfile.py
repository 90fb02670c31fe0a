"""Model files: GGUF, the weights in it, and the ID of a model.

Follows chapter 4 of doc/format.md.
"""
import hashlib
import struct
from array import array
from contextlib import contextmanager

from arithmetic import Matrix, row
from model import Body, Config, Layer

NUMERICS = 1  # the version of the arithmetic
SEPARATOR = 256
F32, Q8_0 = 0, 8           # GGUF types of tensors
BLOCK = 32                # numbers of a row that share a scale in Q8_0
BLOCK_BYTES = 2 + BLOCK   # the scale as binary16, then the numbers
NORMAL = 1                # GGUF type of tokens in GPT-2's spelling

SCALARS = {0: 'B', 1: 'b', 2: 'H', 3: 'h', 4: 'I', 5: 'i', 6: 'f', 7: '?', 10: 'Q', 11: 'q',
           12: 'd'}
TEXT, ARRAY = 8, 9

LAYER_TENSORS = ('attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_q_norm', 'attn_k_norm',
                 'attn_output', 'ffn_norm', 'ffn_gate', 'ffn_up', 'ffn_down')

# int8 numbers by their bytes; sharing them keeps a big model small
INT8 = [b - 256 if b > 127 else b for b in range(256)]


class ModelError(Exception):
    """A file is not a kolm model."""


@contextmanager
def _refusing(path):
    """Turn what goes wrong with what a file says into a ModelError."""
    try:
        yield
    except (ModelError, LookupError, ValueError, struct.error) as err:
        raise ModelError('%s is not a kolm model: %s' % (path, err)) from err


class _Reader:
    """Reads the values of a GGUF file in order."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def scalar(self, code):
        """Read a number, code being its letter in the module struct."""
        value, = struct.unpack_from('<' + code, self.data, self.at)
        self.at += struct.calcsize('<' + code)
        return value

    def text(self):
        """Read a text as bytes."""
        n = self.scalar('Q')
        text = self.data[self.at:self.at + n]
        self.at += n
        return text

    def value(self, kind):
        """Read a value of a GGUF type."""
        if kind == TEXT:
            return self.text()
        if kind == ARRAY:
            kind, n = self.scalar('I'), self.scalar('Q')
            return [self.value(kind) for _ in range(n)]
        return self.scalar(SCALARS[kind])


class Tensor:
    """A tensor of a file: its dimensions, the length of a row first, type, and data."""

    def __init__(self, dims, kind, data):
        self.dims = dims
        self.kind = kind
        self.data = data

    def row(self):
        """Return a tensor of one dimension as a row."""
        if self.kind != F32:
            raise ModelError('a norm is not F32')
        return row(struct.unpack('<%df' % self.dims[0], self.data))

    def matrix(self):
        """Return a tensor of two dimensions as int8 rows with a scale each."""
        if self.kind != Q8_0 or len(self.dims) != 2:
            raise ModelError('a matrix is not Q8_0')
        size = self.dims[0] // BLOCK * BLOCK_BYTES
        rows, scales = [], []
        for at in range(0, len(self.data), size):
            blocks = [self.data[i:i + BLOCK_BYTES] for i in range(at, at + size, BLOCK_BYTES)]
            if len({b[:2] for b in blocks}) > 1:
                raise ModelError('a row has several scales')
            rows.append([INT8[b] for block in blocks for b in block[2:]])
            scales.append(struct.unpack('<e', blocks[0][:2])[0])
        return Matrix(rows, array('f', scales))


def data_size(dims, kind):
    """Return the bytes of a tensor's data."""
    count = 1
    for n in dims:
        count *= n
    return {F32: count * 4, Q8_0: count // BLOCK * BLOCK_BYTES}[kind]


def parse(data):
    """Return the keys with their values, and the tensors by name, of a GGUF file."""
    if data[:4] != b'GGUF':
        raise ModelError('it is no GGUF file')
    reader = _Reader(data)
    reader.at = 8  # behind the magic and the version
    tensor_count, key_count = reader.scalar('Q'), reader.scalar('Q')
    keys = {}
    for _ in range(key_count):
        name = reader.text().decode()
        keys[name] = reader.value(reader.scalar('I'))
    infos = []
    for _ in range(tensor_count):
        name = reader.text().decode()
        dims = [reader.scalar('Q') for _ in range(reader.scalar('I'))]
        infos.append((name, dims, reader.scalar('I'), reader.scalar('Q')))
    alignment = keys.get('general.alignment', 32)
    base = -(-reader.at // alignment) * alignment
    tensors = {}
    for name, dims, kind, offset in infos:
        size = data_size(dims, kind)
        tensors[name] = Tensor(dims, kind, data[base + offset:base + offset + size])
        if len(tensors[name].data) < size:
            raise ModelError('it ends inside a tensor')
    return keys, tensors


def gpt2_bytes():
    """Return the bytes that GPT-2's spelling of tokens has for characters."""
    table = {chr(b): b for b in (*range(33, 127), *range(161, 173), *range(174, 256))}
    others = [b for b in range(256) if chr(b) not in table]
    table.update({chr(256 + i): b for i, b in enumerate(others)})
    return table


def tensor_names(layers):
    """Return the names of a model's tensors in the order of the ID."""
    names = ['token_embd.weight', 'output.weight', 'output_norm.weight']
    for i in range(layers):
        names += ['blk.%d.%s.weight' % (i, name) for name in LAYER_TENSORS]
    return names


class ModelFile:
    """A model's file: its shape, tokens and ID. The weights are unpacked on demand."""

    def __init__(self, path, data):
        self.path = path
        keys, self.tensors = parse(data)
        if keys['general.architecture'] != b'qwen3':
            raise ModelError('its architecture is not qwen3')
        self.config = read_config(keys)
        self.spelled = keys['tokenizer.ggml.tokens']
        self.types = keys['tokenizer.ggml.token_type']
        self.merges = keys['tokenizer.ggml.merges']
        table = gpt2_bytes()
        self.tokens = [bytes(table[c] for c in text.decode()) if kind == NORMAL else text
                       for text, kind in zip(self.spelled, self.types)]
        self.id = self._id()
        self._model = None

    def _id(self):
        """Return the ID, the SHA-256 of what determines the predictions."""
        c = self.config
        sha = hashlib.sha256()
        sha.update(_text(b'kolm model ID 1') + _u32(NUMERICS))
        sha.update(_text(b'qwen3') + _u32(c.vocab, c.dim, c.layers, c.heads, c.kv_heads,
                                          c.head_dim, c.ff_dim, c.window))
        sha.update(struct.pack('<df', c.base, c.eps))
        sha.update(_text(b'qwen2') + _u32(SEPARATOR, len(self.tokens)))
        for kind, token in zip(self.types, self.tokens):
            sha.update(_u32(kind) + _text(token))
        number = {text: i for i, text in enumerate(self.spelled)}
        sha.update(_u32(len(self.merges)))
        for merge in self.merges:
            sha.update(_u32(*(number[half] for half in merge.split(b' '))))
        names = [name for name in tensor_names(c.layers) if name in self.tensors]
        sha.update(_u32(len(names)))
        for name in names:
            tensor = self.tensors[name]
            sha.update(_text(name.encode()) + _u32(tensor.kind, len(tensor.dims)))
            sha.update(struct.pack('<%dQ' % len(tensor.dims), *tensor.dims))
            sha.update(struct.pack('<Q', len(tensor.data)) + tensor.data)
        return sha.digest()

    def model(self):
        """Return the model, unpacking its weights the first time."""
        if self._model is None:
            with _refusing(self.path):
                self._model = Model(self)
        return self._model

    def body(self):
        """Return the body of the transformer."""
        layers = [Layer(**{name: self._weight('blk.%d.%s.weight' % (i, name))
                           for name in LAYER_TENSORS}) for i in range(self.config.layers)]
        return Body(self.config, self._weight('token_embd.weight'), layers,
                    self._weight('output_norm.weight'))

    def _weight(self, name):
        tensor = self.tensors[name]
        return tensor.row() if len(tensor.dims) == 1 else tensor.matrix()

    def output(self):
        """Return the output table, a row for each token."""
        name = 'output.weight' if 'output.weight' in self.tensors else 'token_embd.weight'
        return self._weight(name)


class Model:
    """A model ready for decoding, its output table and tokens in the order of ranks."""

    def __init__(self, file):
        self.id = file.id
        self.config = file.config
        self.body = file.body()
        texts = file.tokens
        others = [t for t in range(len(texts)) if t != SEPARATOR]
        self.by_rank = sorted(others, key=texts.__getitem__) + [SEPARATOR]
        self.texts = [texts[t] for t in self.by_rank[:-1]]  # the separator has none
        table = file.output()
        self.output = Matrix([table.rows[t] for t in self.by_rank],
                             [table.scales[t] for t in self.by_rank])


def read_config(keys):
    """Return the shape of a model from the keys of its file."""
    def key(name):
        return keys['qwen3.' + name]

    return Config(vocab=len(keys['tokenizer.ggml.tokens']),
                  dim=key('embedding_length'),
                  layers=key('block_count'),
                  heads=key('attention.head_count'),
                  kv_heads=key('attention.head_count_kv'),
                  head_dim=key('attention.key_length'),
                  ff_dim=key('feed_forward_length'),
                  window=key('context_length'),
                  base=float(key('rope.freq_base')),
                  eps=key('attention.layer_norm_rms_epsilon'))


def load(path):
    """Read a model's file; its layout is checked only as far as decoding needs."""
    with open(path, 'rb') as f:
        data = f.read()
    with _refusing(path):
        return ModelFile(path, data)


def _u32(*numbers):
    return struct.pack('<%dI' % len(numbers), *numbers)


def _text(b):
    return _u32(len(b)) + b
