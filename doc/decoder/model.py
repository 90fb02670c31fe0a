"""The transformer: reads a token, gives the final state.

Follows chapter 3 of doc/format.md, with its letters: q(y) is QuantizeU8 of a row y, a
pair of the bytes less 128 and the scale.
"""
import math
from operator import mul

from arithmetic import (add, f32, multiply, quantize_pos, quantize_s8, rms_norm, rope, row,
                        scale, silu_mul, softmax)
from rotation import RopeTable


class Config:
    """The shape of a model."""

    def __init__(self, vocab, dim, layers, heads, kv_heads, head_dim, ff_dim, window, base, eps):
        self.vocab = vocab        # tokens
        self.dim = dim
        self.layers = layers
        self.heads = heads        # of queries
        self.kv_heads = kv_heads  # of keys and values
        self.head_dim = head_dim
        self.ff_dim = ff_dim      # of the feed-forward block
        self.window = window      # tokens
        self.base = base          # of the rotation angles
        self.eps = eps

    @property
    def root(self):
        """float32(1/sqrt(hd)), the root and the quotient in binary64."""
        return f32(1 / math.sqrt(self.head_dim))

    def kv_head(self, head):
        """Return the key and value head that a query head uses."""
        return head // (self.heads // self.kv_heads)

    def head(self, x, i):
        """Return head i of a row of heads side by side."""
        return x[i * self.head_dim:(i + 1) * self.head_dim]


class Layer:
    """The weights of a layer: matrices, and gains, which are rows or None."""

    def __init__(self, **weights):
        self.attention_norm = weights['attn_norm']
        self.query = weights['attn_q']
        self.key = weights['attn_k']
        self.value = weights['attn_v']
        self.query_norm = weights['attn_q_norm']
        self.key_norm = weights['attn_k_norm']
        self.out = weights['attn_output']
        self.ff_norm = weights['ffn_norm']
        self.gate = weights['ffn_gate']
        self.up = weights['ffn_up']
        self.down = weights['ffn_down']


class Body:
    """The input table, the layers and the output norm of a model."""

    def __init__(self, config, embed, layers, output_norm):
        self.config = config
        self.embed = embed
        self.layers = layers
        self.output_norm = output_norm
        self.rope = RopeTable(config.head_dim, config.base)


class Ring:
    """The keys and values of the last W tokens, of one head of one layer."""

    def __init__(self, window, head_dim):
        self.keys = [None] * window
        self.key_scales = [0.0] * window
        self.values = [[0] * window for _ in range(head_dim)]  # by number, then by slot
        self.value_scales = [0.0] * window

    def store(self, slot, key, value):
        """Store the key and the value of a token."""
        self.keys[slot], self.key_scales[slot] = quantize_s8(key)
        numbers, self.value_scales[slot] = quantize_s8(value)
        for column, number in zip(self.values, numbers):
            column[slot] = number

    def attend(self, n, query, root):
        """Return what a query head reads in the first n slots."""
        u, s = quantize_s8(query)
        scales = scale(self.key_scales[:n], f32(s * root))
        products = row([sum(map(mul, u, key)) for key in self.keys[:n]])
        prob = softmax(multiply(scales, products))
        b, ps = quantize_pos(multiply(prob, self.value_scales))
        return scale(row([sum(map(mul, b, column)) for column in self.values]), ps)


class State:
    """One stream's place in a body."""

    def __init__(self, body):
        self.body = body
        self.position = 0
        c = body.config
        self.rings = [[Ring(c.window, c.head_dim) for _ in range(c.kv_heads)]
                      for _ in range(c.layers)]

    def read(self, token):
        """Read the next token and return the final state, h."""
        body = self.body
        x = scale(body.embed.rows[token], body.embed.scales[token])
        for layer, rings in zip(body.layers, self.rings):
            x = add(x, self._attention(layer, rings, x))
            x = add(x, self._feed_forward(layer, x))
        self.position += 1
        return rms_norm(x, body.output_norm, body.config.eps)

    def _attention(self, layer, rings, x):
        """Return what the attention block adds to x."""
        c = self.body.config
        y = quantize_s8(rms_norm(x, layer.attention_norm, c.eps))
        query, key, value = layer.query.times(*y), layer.key.times(*y), layer.value.times(*y)
        angles = self.body.rope.at(self.position)
        for i, ring in enumerate(rings):
            k = rope(rms_norm(c.head(key, i), layer.key_norm, c.eps), *angles)
            ring.store(self.position % c.window, k, c.head(value, i))
        n = min(self.position + 1, c.window)
        o = row([])
        for a in range(c.heads):
            q = rope(rms_norm(c.head(query, a), layer.query_norm, c.eps), *angles)
            o += rings[c.kv_head(a)].attend(n, q, c.root)
        return layer.out.times(*quantize_s8(o))

    def _feed_forward(self, layer, x):
        """Return what the feed-forward block adds to x."""
        y = quantize_s8(rms_norm(x, layer.ff_norm, self.body.config.eps))
        a = silu_mul(layer.gate.times(*y), layer.up.times(*y))
        return layer.down.times(*quantize_s8(a))
