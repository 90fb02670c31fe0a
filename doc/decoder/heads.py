"""Output heads: what final states say about tokens, and their opinions on decisions.

Follows "Output heads" and the opinions of "Decisions" in chapter 6 of doc/format.md.
"""
from itertools import accumulate, repeat

from arithmetic import Matrix, f32, fma_row, quantize_s8, scale, weights

LOG2 = 45426   # ln(2) in 1/65536 nat
CUT = 3072     # 12 nats, in 1/256 nat
SURE = 6 << 28  # a weight of a token that nothing is learned from


def _log_table():
    """Return T, the logarithms of 1 + (2i+1)/2048 in 1/65536 nat."""
    table = []
    for i in range(1024):
        f = (2048 + 2 * i + 1) << 20  # with 31 bits of fraction
        log2 = 0                      # in 1/2^32
        for _ in range(32):
            f = (f * f) >> 31
            log2 <<= 1
            if f >= 1 << 32:
                f >>= 1
                log2 |= 1
        table.append((log2 * LOG2) >> 32)
    return table


T = _log_table()


def log(x):
    """Return L(x), a logarithm in 1/65536 nat."""
    e = x.bit_length() - 1
    return LOG2 * e + T[((x << 10) >> e) - 1024]


def stretch(cum, lo, mid, hi, flag):
    """Return the opinion of a head with the sums cum, a stretch in 1/256 nat."""
    difference = log(cum[hi] - cum[mid]) - log(cum[mid] - cum[lo])
    opinion = max(-CUT, min(CUT, (difference + 128) >> 8))
    return -opinion if flag else opinion


class Said:
    """What a head says of a final state h: weights w of the tokens, by rank, and their sums."""

    def __init__(self, table, h):
        self.h = h
        self.w = weights(table.times(*quantize_s8(h)))
        self.cum = [0, *accumulate(self.w)]


class Adapted:
    """An output table that learns from each token."""

    def __init__(self, output, single):
        self.table = Matrix(list(output.rows), output.scales[:])
        self.wide = {}  # the rows in binary32 that were changed, by rank
        self.rate = 3 / 64 if single else 1 / 32
        self.least = 1 << 20 if single else 1 << 23

    def row(self, rank):
        """Return a row in binary32."""
        if rank in self.wide:
            return self.wide[rank]
        return scale(self.table.rows[rank], self.table.scales[rank])

    def learn(self, said, y):
        """Learn from what the head said of a token of rank y."""
        if said.w[y] >= SURE:
            return
        for v, w in enumerate(said.w):
            if w > self.least or v == y:
                g = f32(f32(w) * 2.0 ** -31)
                if v == y:
                    g = f32(g - 1.0)
                self._move(v, -f32(g * self.rate), said.h)

    def _move(self, rank, step, h):
        """Move a row along h."""
        moved = fma_row(repeat(step), h, self.row(rank))
        self.wide[rank] = moved
        self.table.rows[rank], self.table.scales[rank] = quantize_s8(moved)
