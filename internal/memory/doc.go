// Package memory reads the feed-forward layers of a language model as key-value
// memories (M. Geva et al., "Transformer Feed-Forward Layers Are Key-Value
// Memories", 2021), and measures in bits what they hold. It works on models of
// internal/lm, through their taps. It must not know coding, files of models, the
// command line, or how a page is drawn.
//
// # Notation
//
// r is a row of the residual stream, u = Norm(r). A feed-forward part adds
// f = sum over i of a_i v_i, where the coefficient a_i is act(Up_i u) or, with a
// gate, act(Gate_i u) * (Up_i u); row i of Up (and Gate) is key i, column i of Down
// is value i, and the two together are neuron i. E is the output table, g the gain
// of the final norm. A neuron is written LAYER.NUMBER, both counted from 0.
//
// With a gate, the signs of an Up row and of its value can be flipped together
// without changing the model. So nothing here depends on the sign of a value
// alone: votes are given for v and -v, and coefficients keep their sign.
//
// # Lens and attribution
//
// They answer different questions. The lens normalises the residual stream after a
// layer as if the model ended there: its bits are what is still to come. Direct
// attribution freezes the scale of the final norm at the last layer, and is then
// linear: the contributions of embedding, heads, neurons and biases sum to the
// difference of two logits.
//
// Reports are computed in float64 from what the float32 model did; they do not
// depend on the number of threads.
package memory
