"""The predictor: one mixer over contexts and opinions, and what corrects it.

Follows "Prediction" in chapter 6 of doc/format.md.
"""
import os
from collections import namedtuple

from contexts import FAST, RICH, ROOT
from mixing import APM, Mixer

# What the model says about a decision: three opinions, stretches in 1/256 nat, the
# confidence, 0 to 11, and how many decisions of the token were coded before, at most 15.
Opinion = namedtuple('Opinion', 'heads confidence depth')
NO_OPINION = Opinion([], 0, 0)

SETS = ('match', 'node', 'last', 'kinds', 'opinion', 'depth', 'field', 'expected')
LEAST, MOST = 1 << 10, (1 << 32) - (1 << 10)  # probabilities


def _start_weights():
    """Return the weights that vectors begin with, by mixer and set."""
    weights = {}
    with open(os.path.join(ROOT, 'internal', 'codec', 'start.txt'), encoding='ascii') as f:
        for line in f:
            mixer, name, *numbers = line.split()
            weights[mixer, name] = [int(n) for n in numbers]
    return weights


START = _start_weights()


def vectors(mixer, name, count):
    """Return what the vectors of a set begin with, in 2^-22, for so many inputs."""
    weights = [w << 12 for w in START[mixer, name]]
    return weights + [0] * (count - len(weights))


def within(p):
    """Return a probability that is neither too small nor too great."""
    return max(LEAST, min(MOST, p))


def input_count(kind):
    """Return the number of inputs that a set of contexts has."""
    return {FAST: 22, RICH: 54}.get(kind, 32)


class Predictor:
    """Decides on bits and marks, one after the other, and learns from them."""

    def __init__(self, kind, has_model):
        self.kind = kind
        self.has_model = has_model
        mixer = kind
        if has_model:
            mixer = 'lm-rich' if kind == RICH else 'lm'
        self.sets = [name for name in SETS if (mixer, name) in START]
        count = input_count(kind) + (3 if has_model else 0)
        first = [vectors(mixer, name, count) for name in self.sets]
        second = {FAST: 1, RICH: 3}.get(kind, 2)
        last = 120 if kind == RICH and not has_model else 60
        self.mixer = Mixer(first, [START[mixer, 'second']] * second, last)
        rate = 7 if has_model else 5
        self.a, self.b, self.c = APM(rate), APM(rate), APM(rate)
        flags = [vectors('flag', name, 24) for name in ('opinion', 'last')]
        self.flags = Mixer(flags, [START['flag', 'second']], 60)

    def bit(self, cursor, coder, opinion=NO_OPINION):
        """Decode the decision on a bit at a cursor."""
        x = cursor.inputs() + opinion.heads
        p = self.mixer.mix(x, *self._select(cursor, opinion))
        bit = coder.decide(within(self._correct(p, cursor, opinion)))
        self.mixer.learn(bit)
        self.a.learn(bit)
        self.b.learn(bit)
        if self.has_model:
            self.c.learn(bit)
        cursor.learn(bit)
        cursor.push(bit)
        return bit

    def _select(self, cursor, opinion):
        """Return what selects a vector of each set, of the first layer and of the second."""
        m = cursor.memory
        match = 5 * cursor.match() + cursor.known
        second = [match]
        if self.kind != FAST:
            second.append(m.classes & 0xFF)
        select = {'match': match, 'node': cursor.node, 'last': m.last,
                  'kinds': m.classes & 0xFFF,
                  'opinion': 20 * opinion.confidence + match,
                  'depth': 16 * opinion.depth + (m.classes & 15)}
        if self.kind == RICH:
            select['field'] = min(m.field, 31)
            select['expected'] = cursor.expected()
            second.append(select['expected'])
        return [select[name] for name in self.sets], second

    def _correct(self, p, cursor, opinion):
        """Return the probability p of the mixer, corrected by the APMs."""
        m, node, s = cursor.memory, cursor.node, self.mixer.stretch
        a = self.a.correct(256 * m.last + node, s)
        b = self.b.correct(256 * ((m.classes >> 4) & 0xFF) + node, s)
        if not self.has_model:
            return (2 * p + 3 * a + 3 * b) >> 3
        context = (16 * opinion.confidence + opinion.depth) * 4 + cursor.match()
        return (3 * p + 2 * a + b + 2 * self.c.correct(context, s)) >> 3

    def flag(self, cursor, coder, opinion):
        """Decode the decision whether a token ends at a cursor."""
        x = cursor.mark_inputs() + opinion.heads
        select = [16 * opinion.confidence + opinion.depth, cursor.memory.last]
        flag = coder.decide(within(self.flags.mix(x, select, [0])))
        self.flags.learn(flag)
        cursor.learn_mark(flag)
        return flag
