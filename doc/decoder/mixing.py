"""Mixing of opinions: stretch and squash, maps, mixers and APMs, all on integers.

Follows chapter 8 of doc/format.md. Stretches of inputs are in 1/256 nat, all others in
1/65536 nat; probabilities are in 2^-32.
"""

CUT = 12 * 65536           # 12 nats, in 1/65536 nat
LIMIT = (1 << 25) - 1      # of a weight, in 2^-22
CURVE_STEP = 98304         # between two points of an APM: 1.5 nats, in 1/65536 nat


def _squash_table():
    """Return T, the squash of every 1/32 nat from -12 nats on."""
    table = [0] * 770
    e = (1 << 64) - 1
    for k in range(386):
        q = (1 << 95) // ((1 << 63) + e // 2)
        table[384 + k] = min(q, (1 << 32) - 1)
        if k <= 384:
            table[384 - k] = (1 << 32) - table[384 + k]
        e = (e * 17879197424118840458) >> 64
    return table


T = _squash_table()


def cut(s):
    """Return s within +-12 nats."""
    return max(-CUT, min(CUT, s))


def squash(s):
    """Return the probability whose stretch is s, in 1/65536 nat."""
    u = cut(s) + CUT
    i = u >> 11
    f = u & 2047
    return T[i] + (((T[i + 1] - T[i]) * f) >> 11)


def _stretch_table():
    """Return the stretch, in 1/256 nat, of every probability of 12 bits."""
    table = []
    s = -3072
    for i in range(4096):
        while squash(256 * s + 128) < (i << 20) + (1 << 19):
            s += 1
        table.append(s)
    return table


STRETCH = _stretch_table()
RATE = [(1 << 17) // (2 * n + 3) for n in range(1024)]  # R(n) of a map


def entry(probability, count):
    """Return the entry of a map that begins so."""
    return (probability & ~1023) | count


def inputs(probability):
    """Return the two inputs that a probability gives a mixer."""
    p = probability >> 20
    return STRETCH[p], (p - 2048) >> 1


def learn(entries, i, bit, limit):
    """Let entry i of a map with a limit learn a decision."""
    n = entries[i] & 1023
    p = entries[i] >> 10
    p += (((bit << 22) - p) * RATE[n]) >> 16
    if n < limit:
        n += 1
    entries[i] = (p << 10) | n


class Vectors:
    """A set of vectors of weights, each of which begins the same way when it is first used."""

    def __init__(self, beginning):
        self.beginning = beginning
        self.weights = {}
        self.counts = {}  # of the decisions that a vector has learned from

    def select(self, i):
        """Return vector i."""
        if i not in self.weights:
            self.weights[i] = list(self.beginning)
        return self.weights[i]

    def count(self, i):
        """Return the decisions that vector i has learned from, and count one more."""
        n = self.counts.get(i, 0)
        self.counts[i] = min(n + 1, 16383)
        return n


class Mixer:
    """Mixes inputs with two layers of weights that learn.

    first are the weights, in 2^-22, that the vectors of each set of the first layer begin
    with, second those of each set of the second, in 2^-16. last is the rate that the rate
    of a vector sinks to.
    """

    FIRST, HALF = 1000, 300

    def __init__(self, first, second, last):
        self.first = [Vectors(weights) for weights in first]
        self.second = [Vectors(weights) for weights in second]
        self.last = last
        self.stretch = 0  # of the result

    def mix(self, x, first, second):
        """Return the probability of a one; first and second select a vector of each set."""
        self.x = x
        self.selected = first
        self.says = []
        for vectors, i in zip(self.first, first):
            w = vectors.select(i)
            self.says.append(cut(sum([((a >> 6) * b) >> 8 for a, b in zip(w, x)])))
        self.vectors2 = [vectors.select(i) for vectors, i in zip(self.second, second)]
        self.says2 = [cut(sum([d * f for d, f in zip(self.says, fs)]) >> 16)
                      for fs in self.vectors2]
        total = sum(self.says2)
        mean = abs(total) // len(self.says2)
        self.stretch = mean if total >= 0 else -mean
        return squash(self.stretch)

    def learn(self, bit):
        """Learn the decision that was mixed last."""
        y = bit * 0xFFFFFFFF
        for fs, said in zip(self.vectors2, self.says2):
            e = (y - squash(said)) >> 16
            for i, d in enumerate(self.says):
                fs[i] += (((d * e) >> 16) * 130 + 32768) >> 16
        for vectors, i, said in zip(self.first, self.selected, self.says):
            e = ((y - squash(said)) * self._rate(vectors.count(i))) >> 25
            vectors.weights[i] = moved(vectors.weights[i], self.x, e)

    def _rate(self, n):
        """Return the rate of a vector that has learned from n decisions."""
        m = n & ~15
        return self.last + (self.FIRST - self.last) * self.HALF // (self.HALF + m)


def moved(weights, x, e):
    """Return weights that made a step e along the inputs."""
    new = [w + ((a * e + 256) >> 9) for w, a in zip(weights, x)]
    if max(new) > LIMIT or min(new) < -LIMIT:
        return [max(-LIMIT, min(LIMIT, w)) for w in new]
    return new


class APM:
    """Corrects probabilities by experience, in contexts of its own."""

    BEGINNING = [min(squash(-CUT + CURVE_STEP * i) >> 16, 65535) for i in range(17)]

    def __init__(self, rate):
        self.rate = rate
        self.curves = {}

    def correct(self, context, s):
        """Return the probability for a stretch of s in a context."""
        if context not in self.curves:
            self.curves[context] = list(self.BEGINNING)
        self.curve = c = self.curves[context]
        i, f = divmod(s + CUT, CURVE_STEP)
        if i == 16:
            i, f = 15, CURVE_STEP
        self.nearest = i + 1 if f >= CURVE_STEP // 2 else i
        return ((c[i] * (CURVE_STEP - f) + c[i + 1] * f) << 16) // CURVE_STEP

    def learn(self, bit):
        """Learn the decision that was corrected last."""
        c = self.curve[self.nearest]
        c += (bit * 65535 - c + bit * ((1 << self.rate) - 1)) >> self.rate
        self.curve[self.nearest] = c
