"""Tokens: the walk that codes them, and the order of the streams.

Follows "Streams", "A single stream" and "Decisions" in chapter 6 of doc/format.md.
"""
from bisect import bisect_left

from heads import Adapted, Said, stretch
from learning import Learner
from model import State
from modelfile import SEPARATOR
from predictor import Opinion

CHUNK = 192  # tokens between two steps of the learner, at most


class Heads:
    """The output heads of a block, the static one and those that learn."""

    def __init__(self, model, single, learns):
        self.static = model.output
        self.adapted = Adapted(model.output, single)
        self.learner = Learner(model) if learns else None
        self.second = Adapted(model.output, single) if learns else None

    def bodies(self, model):
        """Return the bodies that read each token."""
        return [model.body] + ([self.learner.body] if self.learner else [])

    def listen(self, states):
        """Return what the heads say, in the order of the opinions, and the learning ones."""
        static, adapted = Said(self.static, states[0]), Said(self.adapted.table, states[0])
        if not self.learner:
            return [static, adapted], [(self.adapted, adapted)]
        second = Said(self.second.table, states[1])
        return [static, second, adapted], [(self.adapted, adapted), (self.second, second)]


class Stream:
    """A stream of tokens at a cursor."""

    def __init__(self, cursor, model, heads):
        self.cursor = cursor
        self.model = model
        self.heads = heads
        self.states = [State(body) for body in heads.bodies(model)]
        self.tokens = [SEPARATOR]

    def read(self):
        """Read the last token and hear the heads."""
        final = [state.read(self.tokens[-1]) for state in self.states]
        self.said, self.learning = self.heads.listen(final)

    def decode(self, predictor, coder):
        """Decode a token after read."""
        rank = Walk(self, predictor, coder).rank()
        for adapted, said in self.learning:
            adapted.learn(said, rank)
        self.tokens.append(self.model.by_rank[rank])
        if self.heads.learner and not self.cursor.finished():
            self._teach()

    def _teach(self):
        """Let the second body learn from the last tokens when there are enough."""
        coded = len(self.tokens) - 1
        chunk = min(CHUNK, self.model.config.window)
        if coded % chunk == 0:
            self.heads.learner.step(self.tokens[coded - chunk:], self.heads.second)


class Walk:
    """The walk over ranges of ranks that codes one token."""

    def __init__(self, stream, predictor, coder):
        self.texts = stream.model.texts
        self.cursor = stream.cursor
        self.cums = [said.cum for said in stream.said]
        self.predictor = predictor
        self.coder = coder
        self.lo, self.hi = 0, len(self.texts)
        self.d = 0  # bytes that the tokens of the range agree in
        self.k = 0  # bits of the next byte that they agree in
        self.decisions = 0

    def rank(self):
        """Decode the rank of a token and append its bytes to the stream."""
        while self.hi - self.lo > 1:
            if self.k == 0 and self.d > 0 and len(self.texts[self.lo]) == self.d:
                self._flag()
            else:
                self._bit()
        text = self.texts[self.lo]
        while self.d < len(text):
            self.cursor.push((text[self.d] >> (7 - self.k)) & 1)
            self._next_bit()
        self.cursor.mark()
        return self.lo

    def _flag(self):
        """Decode whether the token ends here."""
        mid = self.lo + 1
        if self.predictor.flag(self.cursor, self.coder, self._opinion(mid, True)):
            self.hi = mid
        else:
            self.lo = mid

    def _bit(self):
        """Decode bit k of byte d, or find it where all tokens of the range have the same."""
        mid = self._first_one()
        if self.lo < mid < self.hi:
            bit = self.predictor.bit(self.cursor, self.coder, self._opinion(mid, False))
        else:
            bit = int(mid == self.lo)
            self.cursor.push(bit)
        if bit:
            self.lo = mid
        else:
            self.hi = mid
        self._next_bit()

    def _next_bit(self):
        self.k += 1
        if self.k == 8:
            self.k = 0
            self.d += 1

    def _first_one(self):
        """Return the first rank of the range whose bit k of byte d is one."""
        text = self.texts[self.lo]
        one = 0x80 >> self.k
        agreed = text[self.d] & ~(2 * one - 1) & 0xFF
        return bisect_left(self.texts, text[:self.d] + bytes([agreed | one]), self.lo, self.hi)

    def _opinion(self, mid, flag):
        """Return what the heads say of the decision between [lo, mid) and [mid, hi)."""
        heads = [stretch(cum, self.lo, mid, self.hi, flag) for cum in self.cums]
        confidence = (max(-2304, min(2304, heads[1])) + 2304) * 12 // 4609
        depth = min(self.decisions, 15)
        self.decisions += 1
        return Opinion(heads + [0] * (3 - len(heads)), confidence, depth)


def decode_tokens(cursors, groups, predictor, coder, model, single, learns):
    """Decode all streams, a token of each stream of a group at a time."""
    heads = Heads(model, single, learns)
    streams = [Stream(cursor, model, heads) for cursor in cursors]
    while not all(cursor.finished() for cursor in cursors):
        for group in groups:
            live = [streams[i] for i in group if not cursors[i].finished()]
            for stream in live:
                stream.read()
            for stream in live:
                stream.decode(predictor, coder)
