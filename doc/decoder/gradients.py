"""The masters' way through the layers, forward and backward, in binary32.

Follows "Arithmetic", "Forward" and "Backward" in chapter 9 of doc/format.md; a sequence
is a list of rows, one a token.
"""
from array import array
from itertools import repeat

from arithmetic import (add, f32, fma_row, inverse_rms, multiply, rope, row, scale, sigmoid,
                        silu_mul, softmax, zeros)


def transposed(rows):
    """Return the columns of a matrix as rows."""
    return [row(column) for column in zip(*rows)]


def product(x, y):
    """Return x·y: for each number a chain of fused multiply-adds from +0.

    A zero of x adds nothing, and is passed over.
    """
    y = [numbers.tolist() for numbers in y]  # lists are quicker to go through
    out = []
    for numbers in x:
        acc = zeros(len(y[0]))
        for number, other in zip(numbers, y):
            if number:
                acc = fma_row(repeat(number), other, acc)
        out.append(acc)
    return out


def add_rows(x, y):
    """Return x + y of two sequences."""
    return [add(a, b) for a, b in zip(x, y)]


def dot(x, y):
    """Return D(x, y), in binary64 in four lanes, rounded to binary32."""
    lanes = [0.0] * 4
    for i, (a, b) in enumerate(zip(x, y)):
        lanes[i & 3] += a * b
    return f32((lanes[0] + lanes[2]) + (lanes[1] + lanes[3]))


def norm_back(g, y, r):
    """Return N'(g; y, r)."""
    m = f32(dot(g, y) / len(y))
    return scale(add(g, scale(y, -m)), r)


class Norm:
    """N of a sequence: its rows y and the factors r."""

    def __init__(self, x, eps):
        self.r = [inverse_rms(v, eps) for v in x]
        self.y = [scale(v, r) for v, r in zip(x, self.r)]

    def back(self, gradients):
        """Return N' for the gradients of the rows."""
        return [norm_back(g, y, r) for g, y, r in zip(gradients, self.y, self.r)]


class LayerMasters:
    """The weights of a layer in binary32: matrices as lists of rows, and gains."""

    MATRICES = ('qkv', 'out', 'gate_up', 'down')
    GAINS = ('query_gain', 'key_gain')

    def __init__(self, layer):
        self.qkv = layer.query.wide() + layer.key.wide() + layer.value.wide()
        self.gate_up = layer.gate.wide() + layer.up.wide()
        self.qkv = [multiply(r, layer.attention_norm) for r in self.qkv]
        self.gate_up = [multiply(r, layer.ff_norm) for r in self.gate_up]
        self.out = layer.out.wide()
        self.down = layer.down.wide()
        self.query_gain = layer.query_norm
        self.key_gain = layer.key_norm


class Attention:
    """The attention block of one layer over one sequence."""

    def __init__(self, masters, config, table):
        self.masters = masters
        self.config = config
        self.table = table  # of rotation angles

    def forward(self, x):
        """Return x and what the block adds."""
        c, w = self.config, self.masters
        self.h1 = Norm(x, c.eps)
        qkv = product(self.h1.y, transposed(w.qkv))
        parts = [[c.head(r, i) for r in qkv] for i in range(c.heads + 2 * c.kv_heads)]
        self.norms = [Norm(part, c.eps) for part in parts[:c.heads + c.kv_heads]]
        self.gains = [w.query_gain] * c.heads + [w.key_gain] * c.kv_heads
        turned = [[rope(multiply(y, gain), *self.table.at(t)) for t, y in enumerate(norm.y)]
                  for norm, gain in zip(self.norms, self.gains)]
        self.queries, self.keys = turned[:c.heads], turned[c.heads:]
        self.values = parts[c.heads + c.kv_heads:]
        self.p = [self._probabilities(a) for a in range(c.heads)]
        outs = [product(p, self.values[c.kv_head(a)]) for a, p in enumerate(self.p)]
        self.heads = side_by_side(outs)
        return add_rows(x, product(self.heads, transposed(w.out)))

    def _probabilities(self, a):
        """Return what query head a gives each token, of those up to itself."""
        c = self.config
        queries = [scale(q, c.root) for q in self.queries[a]]
        scores = product(queries, transposed(self.keys[c.kv_head(a)]))
        n = len(scores)
        return [softmax(s[:t + 1]) + zeros(n - t - 1) for t, s in enumerate(scores)]

    def backward(self, dx):
        """Return the gradients of the block's input and, by name, of its masters."""
        c, w = self.config, self.masters
        gradients = {'out': product(transposed(dx), self.heads)}
        do = product(dx, w.out)
        d_queries, d_keys, d_values = self._heads_back(do)
        parts = self._norms_back(d_queries + d_keys, gradients)
        d_heads = side_by_side(parts + d_values)
        gradients['qkv'] = product(transposed(d_heads), self.h1.y)
        return add_rows(dx, self.h1.back(product(d_heads, w.qkv))), gradients

    def _heads_back(self, do):
        """Return the gradients of queries, keys and values, a sequence for each head."""
        c = self.config
        n = len(do)
        d_queries = []
        d_keys = [[zeros(c.head_dim)] * n for _ in range(c.kv_heads)]
        d_values = [[zeros(c.head_dim)] * n for _ in range(c.kv_heads)]
        for a, p in enumerate(self.p):
            g = c.kv_head(a)
            part = [c.head(r, a) for r in do]
            dp = product(part, transposed(self.values[g]))
            d_values[g] = add_rows(d_values[g], product(transposed(p), part))
            z = [self._score_back(t, dp[t], p[t]) for t in range(n)]
            d_queries.append(product(z, self.keys[g]))
            d_keys[g] = add_rows(d_keys[g], product(transposed(z), self.queries[a]))
        return d_queries, d_keys, d_values

    def _score_back(self, t, dp, p):
        """Return row t of z, the gradient of the scores."""
        dp, p = dp[:t + 1], p[:t + 1]
        d = dot(dp, p)
        z = scale(multiply(p, row([v - d for v in dp])), self.config.root)
        return z + zeros(len(self.h1.y) - t - 1)

    def _norms_back(self, turned, gradients):
        """Return the gradients before the norms of the heads; note those of the gains."""
        c = self.config
        sums = {'query_gain': zeros(c.head_dim), 'key_gain': zeros(c.head_dim)}
        parts = []
        for i, (rows, norm, gain) in enumerate(zip(turned, self.norms, self.gains)):
            name = 'query_gain' if i < c.heads else 'key_gain'
            part = []
            for t, g in enumerate(rows):
                cos, sin = self.table.at(t)
                g = rope(g, cos, scale(sin, -1.0))
                sums[name] = add(sums[name], multiply(g, norm.y[t]))
                part.append(norm_back(multiply(g, gain), norm.y[t], norm.r[t]))
            parts.append(part)
        gradients.update(sums)
        return parts


class FeedForward:
    """The feed-forward block of one layer over one sequence."""

    def __init__(self, masters, config):
        self.masters = masters
        self.config = config

    def forward(self, x):
        """Return x and what the block adds."""
        n = self.config.ff_dim
        self.h2 = Norm(x, self.config.eps)
        both = product(self.h2.y, transposed(self.masters.gate_up))
        self.gate, self.up = [r[:n] for r in both], [r[n:] for r in both]
        self.a = [silu_mul(gate, up) for gate, up in zip(self.gate, self.up)]
        return add_rows(x, product(self.a, transposed(self.masters.down)))

    def backward(self, dx):
        """Return the gradients of the block's input and, by name, of its masters."""
        gradients = {'down': product(transposed(dx), self.a)}
        da = product(dx, self.masters.down)
        both = [silu_mul_back(d, gate, up) for d, gate, up in zip(da, self.gate, self.up)]
        gradients['gate_up'] = product(transposed(both), self.h2.y)
        dh = product(both, self.masters.gate_up)
        return add_rows(dx, self.h2.back(dh)), gradients


def silu_mul_back(da, gate, up):
    """Return dgate and dup, one behind the other."""
    s = sigmoid(gate)
    u = multiply(gate, s)
    rest = multiply(u, row([1.0 - v for v in s]))
    return multiply(multiply(da, up), add(s, rest)) + multiply(da, u)


def side_by_side(heads):
    """Return the sequences of heads as one of their rows side by side."""
    rows = []
    for parts in zip(*heads):
        joined = array('f')
        for part in parts:
            joined += part
        rows.append(joined)
    return rows
