"""Learning: a second body that learns from the tokens that were decoded.

Follows chapter 9 of doc/format.md, and "A single stream" of chapter 6.
"""
import math

from arithmetic import Matrix, add, f32, multiply, row, scale, softmax, zeros
from gradients import Attention, FeedForward, LayerMasters, Norm, product, transposed
from model import Body, Layer

RATE = f32(0.0002)
REST1, REST2 = 2.0 ** -3, 2.0 ** -6
LEAST = 2.0 ** -30


class Adam:
    """Moves rows by Adam; k is the number of steps."""

    def __init__(self):
        self.k = 0
        self.power1 = self.power2 = 1.0
        self.moments = {}  # two rows by the name of what they move

    def begin_step(self):
        """Count a step and compute its factors."""
        self.k += 1
        self.power1 *= 7 / 8
        self.power2 *= 63 / 64
        self.rate = f32(RATE * f32(1 / (1 - self.power1)))
        self.second = f32(1 / (1 - self.power2))

    def move(self, name, w, g):
        """Return the row w, moved against its gradient g."""
        m, v = self.moments.get(name) or (zeros(len(w)), zeros(len(w)))
        m = add(m, scale(subtract(g, m), REST1))
        v = add(v, scale(subtract(multiply(g, g), v), REST2))
        self.moments[name] = m, v
        roots = row([math.sqrt(a) for a in scale(v, self.second)])
        below = row([a + LEAST for a in roots])
        steps = row([a / b for a, b in zip(scale(m, self.rate), below)])
        return subtract(w, steps)


def subtract(x, y):
    """Return x - y of two rows."""
    return row([a - b for a, b in zip(x, y)])


class Learner:
    """The masters of a model, and the body that computes with them, rounded."""

    def __init__(self, model):
        self.model = model
        first = model.body
        self.embed = first.embed.wide()
        self.layers = [LayerMasters(layer) for layer in first.layers]
        self.adam = Adam()
        embed = Matrix(list(first.embed.rows), first.embed.scales[:])
        self.body = Body(model.config, embed, [], first.output_norm)
        self._publish([])
        self.rank = {token: rank for rank, token in enumerate(model.by_rank)}

    def step(self, tokens, adapted):
        """Learn to expect each of the tokens but the first behind those before it."""
        output = [adapted.row(self.rank[t]) for t in range(self.model.config.vocab)]
        inputs, targets = tokens[:-1], tokens[1:]
        x, tape = self._forward(inputs)
        dx = self._output_back(x, targets, output)
        gradients = []
        for blocks in reversed(tape):
            found = {}
            for block in reversed(blocks):
                dx, part = block.backward(dx)
                found.update(part)
            gradients.insert(0, found)
        self._move(gradients, self._embed_gradients(inputs, dx))

    def _forward(self, tokens):
        """Return the sequence behind the last layer and the blocks of each layer."""
        x = [self.embed[t] for t in tokens]
        tape = []
        for masters in self.layers:
            blocks = (Attention(masters, self.model.config, self.body.rope),
                      FeedForward(masters, self.model.config))
            for block in blocks:
                x = block.forward(x)
            tape.append(blocks)
        return x, tape

    def _output_back(self, x, targets, output):
        """Return the gradient behind the last layer; output is E, a row for each token."""
        norm = Norm(x, self.model.config.eps)
        gain = self.body.output_norm
        logits = product([multiply(y, gain) for y in norm.y], transposed(output))
        errors = []
        for numbers, target in zip(logits, targets):
            e = softmax(numbers)
            e[target] -= 1.0
            errors.append(e)
        share = f32(1.0 / len(targets))
        back = [multiply(scale(d, share), gain) for d in product(errors, output)]
        return norm.back(back)

    def _embed_gradients(self, tokens, dx):
        """Return the gradients of the rows of the input table that occur, by token."""
        sums = {}
        for token, d in zip(tokens, dx):
            sums[token] = add(sums.get(token) or zeros(len(d)), d)
        return sums

    def _move(self, gradients, embed):
        """Move the masters and give the body what they have become."""
        move = self.adam.move
        self.adam.begin_step()
        for i, (masters, found) in enumerate(zip(self.layers, gradients)):
            for name in masters.MATRICES:
                rows = enumerate(zip(getattr(masters, name), found[name]))
                setattr(masters, name, [move((i, name, j), w, g) for j, (w, g) in rows])
            for name in masters.GAINS:
                setattr(masters, name, move((i, name), getattr(masters, name), found[name]))
        for token, g in embed.items():
            self.embed[token] = move(('embed', token), self.embed[token], g)
        self._publish(embed)

    def _publish(self, moved):
        """Give the body the masters, rounded; of the input table the rows that moved."""
        self.body.layers = [rounded(masters, self.model.config) for masters in self.layers]
        rows = list(moved)
        new = Matrix.quantized([self.embed[t] for t in rows])
        for i, token in enumerate(rows):
            self.body.embed.rows[token] = new.rows[i]
            self.body.embed.scales[token] = new.scales[i]


def rounded(masters, config):
    """Return a layer whose matrices are QuantizeS8 of the masters' rows."""
    keys = config.heads * config.head_dim
    values = keys + config.kv_heads * config.head_dim
    return Layer(attn_norm=None,
                 attn_q=Matrix.quantized(masters.qkv[:keys]),
                 attn_k=Matrix.quantized(masters.qkv[keys:values]),
                 attn_v=Matrix.quantized(masters.qkv[values:]),
                 attn_q_norm=masters.query_gain,
                 attn_k_norm=masters.key_gain,
                 attn_output=Matrix.quantized(masters.out),
                 ffn_norm=None,
                 ffn_gate=Matrix.quantized(masters.gate_up[:config.ff_dim]),
                 ffn_up=Matrix.quantized(masters.gate_up[config.ff_dim:]),
                 ffn_down=Matrix.quantized(masters.down))
